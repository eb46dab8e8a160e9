#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/iface.h"
#include "plugin/loader.h"
#include "plugin/parts.h"
#include "plugin/settings.h"

#define CREATE_TIMEOUT (10 * NS_PER_S)
#define WORK_WAIT      (5 * NS_PER_S)

static char *text_join(const char *a, const char *b, const char *c, const char *d)
{
    char *text = NULL;

    ensure(asprintf(&text, "%s%s%s%s", a, b, c, d) >= 0);
    return text;
}

static void instance_unlink(struct instance *instance)
{
    struct instance **at = &instance->host->instances;

    while (*at != instance)
        at = &(*at)->next;
    *at = instance->next;
}

static void instance_free(struct instance *instance)
{
    settings_free(&instance->settings);
    call_timers_free(instance);
    free(instance->kind);
    free(instance->name);
    free(instance->label);
    free(instance->space);
    free(instance->where);
    free(instance);
}

/* "why" from H->fail, or a word for the code. */
static void create_error(const struct instance *instance, const struct op *op, hg_rc rc,
                         struct error *error)
{
    const char *why = op_error(op);
    const char *place = instance->where;

    if (!*why)
        why = rc == HG_E_TIMEOUT ? "did not start in time" : "did not start";
    error_set(error, "%s%s%s: %s", place, *place ? ": " : "", instance->label, why);
}

static void on_create_end(void *arg, hg_rc rc)
{
    struct instance *instance = arg;
    struct error error;
    bool ok = rc >= 0;

    if (!ok)
        create_error(instance, instance->creating, rc, &error);
    op_end(&instance->creating, rc);
    instance->state = ok ? INSTANCE_READY : INSTANCE_FAILED;
    if (instance->on_created)
        instance->on_created(instance->arg, instance, ok ? NULL : &error);
}

/* Without create there is nothing to be made: the state is NULL. */
static hg_rc create_call(struct instance *instance, struct op *op)
{
    const hg_plugin *descriptor = plugin_descriptor(instance->plugin);

    if (!descriptor->create)
        return HG_OK;
    return OP_CALL(op, "create",
                   descriptor->create(inst_of(instance), op_handle(op),
                                      settings_root(instance->settings), &instance->self));
}

static bool start(struct instance *instance, hg_ns timeout, struct error *error)
{
    struct plugin_host *host = instance->host;
    hg_ns deadline = clock_now() + (timeout ? timeout : CREATE_TIMEOUT);
    struct op *op = op_begin(host, instance, NULL, deadline, on_create_end, instance);
    hg_rc rc;

    instance->creating = op;
    rc = create_call(instance, op);
    if (rc == HG_PENDING)
        return true;
    if (rc < 0)
        create_error(instance, op, rc, error);
    op_end(&instance->creating, rc);
    instance->state = rc < 0 ? INSTANCE_FAILED : INSTANCE_READY;
    return rc >= 0;
}

static bool kind_check(const struct instance_setup *setup, struct error *error)
{
    const char *id = iface_of_kind(setup->kind);

    if (!id)
        return error_set(error, "%s '%s': there is no such kind of plugin", setup->kind,
                         setup->name);
    if (!plugin_iface(setup->plugin, id))
        return error_set(error, "%s '%s': plugin '%s' (%s) is no %s", setup->kind, setup->name,
                         plugin_name(setup->plugin), plugin_file(setup->plugin), setup->kind);
    return true;
}

static struct instance *instance_new(struct plugin_host *host, const struct instance_setup *setup,
                                     struct settings *settings)
{
    struct instance *instance = xcalloc(1, sizeof *instance);

    instance->host = host;
    instance->plugin = setup->plugin;
    instance->settings = settings;
    instance->kind = xstrdup(setup->kind);
    instance->name = xstrdup(setup->name);
    instance->label = text_join(setup->kind, " '", setup->name, "'");
    instance->space = text_join(setup->kind, ":", setup->name, "");
    instance->where = xstrdup(setup->where ? setup->where : "");
    instance->state = INSTANCE_STARTING;
    instance->next = host->instances;
    host->instances = instance;
    return instance;
}

static bool prefix(struct error *error, const struct instance_setup *setup, bool with_label)
{
    if (with_label)
        error_prefix(error, "%s '%s'", setup->kind, setup->name);
    if (setup->where)
        error_prefix(error, "%s", setup->where);
    return false;
}

struct instance *instance_create(struct plugin_host *host, const struct instance_setup *setup,
                                 instance_created *on_created, void *arg, struct error *error)
{
    ensure(!host->call);
    if (!kind_check(setup, error))
        return prefix(error, setup, false), NULL;
    struct settings *settings =
        settings_new(&(struct settings_setup){plugin_descriptor(setup->plugin)->schema,
                                              setup->settings, host->setup.secret, host->setup.arg},
                     error);

    if (!settings)
        return prefix(error, setup, true), NULL;
    struct instance *instance = instance_new(host, setup, settings);

    instance->on_created = on_created;
    instance->arg = arg;
    if (start(instance, setup->create_timeout, error))
        return instance;
    instance_destroy(&instance);
    return NULL;
}

/* Whether the plugin can be told to take its state down: nothing of it may be running any more. */
static bool is_quiet(struct instance *instance)
{
    backgrounds_end(instance);
    ops_sweep(instance->host);
    if (instance->ops_open)
        log_error("[%s] is taken down with %u ops open: its state is left as it is", instance->name,
                  instance->ops_open);
    else if (!work_settle(instance->host, instance, WORK_WAIT))
        log_error("[%s] has a helper thread that does not return: its state is left as it is",
                  instance->name);
    else
        return true;
    return false;
}

void instance_destroy(struct instance **gone)
{
    struct instance *instance = *gone;

    *gone = NULL;
    if (!instance)
        return;
    ensure(!instance->host->call);
    const hg_plugin *descriptor = plugin_descriptor(instance->plugin);

    op_end(&instance->creating, HG_E_CANCELLED);
    bool quiet = is_quiet(instance);

    if (instance->state == INSTANCE_READY && quiet && descriptor->destroy) {
        instance_enter(instance, "destroy");
        descriptor->destroy(instance->self);
        instance_leave(instance);
        ops_sweep(instance->host);
    }
    instance_unlink(instance);
    /* What still runs may look at the instance: better a leak than a crash. */
    if (quiet)
        instance_free(instance);
}

enum instance_state instance_state(const struct instance *instance)
{
    return (enum instance_state)instance->state;
}

const void *instance_iface(const struct instance *instance, const char *id)
{
    return instance->state == INSTANCE_READY ? plugin_iface(instance->plugin, id) : NULL;
}

void *instance_self(const struct instance *instance)
{
    return instance->self;
}

void instance_hide(const struct instance *instance, char *text)
{
    settings_hide(instance->settings, text);
}

const char *instance_kind(const struct instance *instance)
{
    return instance->kind;
}

const char *instance_name(const struct instance *instance)
{
    return instance->name;
}

const char *instance_label(const struct instance *instance)
{
    return instance->label;
}

void instance_enter(struct instance *instance, const char *operation)
{
    call_enter(instance->host, &instance->call, instance, operation, NULL);
}

void instance_leave(struct instance *instance)
{
    call_leave(instance->host, &instance->call);
}
