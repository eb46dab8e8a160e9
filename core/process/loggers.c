#include "process/loggers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/config/config.h"
#include "loop/loop.h"
#include "plugin/loader.h"

struct loggers {
    struct loggers_setup setup;
    struct instance **instances;
    struct sink **sinks;
    size_t count, pending, unfinished;
    bool failed;
    struct error error;
    struct task tell; /* answers from the loop, whatever was done at once */
    void (*on_ready)(void *arg, const struct error *error);
    void (*on_finished)(void *arg);
    void *arg;
};

/* ---- starting -------------------------------------------------------------------------------- */

static void note_error(struct loggers *loggers, const struct error *error)
{
    if (!loggers->failed)
        loggers->error = *error;
    loggers->failed = true;
}

static void make_sinks(struct loggers *loggers)
{
    for (size_t i = 0; i < loggers->count; i++) {
        const struct sink_setup setup = {
            .loop = loggers->setup.loop,
            .host = loggers->setup.host,
            .instance = loggers->instances[i],
            .limits = &sink_limits_default,
            .metrics = loggers->setup.metrics,
            .slot = loggers->setup.slot,
        };

        loggers->sinks[i] = sink_new(&setup);
    }
}

static void tell_ready(void *arg)
{
    struct loggers *loggers = arg;

    if (loggers->pending && !loggers->failed)
        return;
    if (!loggers->failed)
        make_sinks(loggers);
    loggers->on_ready(loggers->arg, loggers->failed ? &loggers->error : NULL);
}

static void on_created(void *arg, struct instance *instance, const struct error *error)
{
    struct loggers *loggers = arg;

    (void)instance;
    loggers->pending--;
    if (error)
        note_error(loggers, error);
    task_queue(loggers->setup.loop, &loggers->tell);
}

static struct plugin *load(const struct loggers *loggers, const struct config_instance *declared,
                           struct error *error)
{
    char *path = plugin_path(loggers->setup.config->plugin_path);
    char *file = plugin_find(path, "logger", declared->plugin, error);
    struct plugin *plugin = file ? plugin_load(loggers->setup.host, file, error) : NULL;

    free(file);
    free(path);
    return plugin;
}

static void create(struct loggers *loggers, const struct config_instance *declared)
{
    struct error error = {""};
    char where[256];
    struct plugin *plugin = load(loggers, declared, &error);
    struct instance *instance = NULL;

    snprintf(where, sizeof where, "%s:%d", declared->place.file, declared->place.line);
    const struct instance_setup setup = {
        .kind = declared->kind,
        .name = declared->name,
        .plugin = plugin,
        .settings = declared->settings,
        .where = where,
    };

    if (plugin)
        instance = instance_create(loggers->setup.host, &setup, on_created, loggers, &error);
    if (!instance) {
        note_error(loggers, &error);
        return;
    }
    loggers->instances[loggers->count++] = instance;
    loggers->pending += instance_state(instance) == INSTANCE_STARTING;
}

struct loggers *loggers_new(const struct loggers_setup *setup,
                            void (*on_ready)(void *arg, const struct error *error), void *arg)
{
    struct loggers *loggers = xcalloc(1, sizeof *loggers);
    size_t most = setup->config->instance_count + 1;

    loggers->setup = *setup;
    loggers->on_ready = on_ready;
    loggers->arg = arg;
    loggers->instances = xcalloc(most, sizeof(struct instance *));
    loggers->sinks = xcalloc(most, sizeof(struct sink *));
    loggers->tell = (struct task){.fn = tell_ready, .arg = loggers};
    for (size_t i = 0; i < setup->config->instance_count && !loggers->failed; i++)
        if (!strcmp(setup->config->instances[i].kind, "logger"))
            create(loggers, &setup->config->instances[i]);
    task_queue(setup->loop, &loggers->tell);
    return loggers;
}

struct sink **loggers_sinks(struct loggers *loggers, size_t *ret_count)
{
    *ret_count = loggers->count;
    return loggers->sinks;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void tell_finished(void *arg)
{
    struct loggers *loggers = arg;

    if (loggers->unfinished == 0)
        loggers->on_finished(loggers->arg);
}

static void on_sink_finished(void *arg)
{
    struct loggers *loggers = arg;

    loggers->unfinished--;
    task_queue(loggers->setup.loop, &loggers->tell);
}

void loggers_finish(struct loggers *loggers, hg_ns deadline, void (*on_finished)(void *arg),
                    void *arg)
{
    loggers->on_finished = on_finished;
    loggers->arg = arg;
    loggers->tell.fn = tell_finished;
    loggers->unfinished = loggers->count;
    for (size_t i = 0; i < loggers->count; i++)
        sink_finish(loggers->sinks[i], deadline, on_sink_finished, loggers);
    task_queue(loggers->setup.loop, &loggers->tell);
}

void loggers_reopen(struct loggers *loggers)
{
    for (size_t i = 0; i < loggers->count; i++)
        if (loggers->sinks[i])
            sink_reopen(loggers->sinks[i]);
}

void loggers_free(struct loggers **loggers)
{
    struct loggers *gone = *loggers;

    if (!gone)
        return;
    task_clear(gone->setup.loop, &gone->tell);
    for (size_t i = 0; i < gone->count; i++) {
        sink_free(&gone->sinks[i]);
        instance_destroy(&gone->instances[i]);
    }
    free(gone->sinks);
    free(gone->instances);
    free(gone);
    *loggers = NULL;
}
