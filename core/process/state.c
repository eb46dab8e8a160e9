#include "process/state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/config/config.h"
#include "process/place.h"
#include "process/run_dir.h"
#include "process/status.h"

json_t *state_text(const char *text)
{
    json_t *value = json_string(text);

    if (value)
        return value;
    char *plain = xstrdup(text);

    for (char *at = plain; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    value = json_string(plain);
    free(plain);
    return value;
}

static json_t *describe_address(const struct fleet *fleet, const struct config_listen *listen,
                                struct listeners_key key)
{
    return json_pack("{s:s, s:s, s:b}", "configured", listen->address, "address",
                     listeners_actual(fleet->listeners, key), "tls", listen->cert != NULL);
}

static json_t *describe_listeners(const struct fleet *fleet)
{
    json_t *list = json_array();
    const struct config *config = fleet->serving ? fleet->serving->config : NULL;

    for (size_t i = 0; config && i < config->listen_count; i++)
        json_array_append_new(
            list, describe_address(fleet, &config->listen[i], generation_listen_key(config, i)));
    return list;
}

static json_t *describe_admin(const struct fleet *fleet)
{
    const struct generation *serving = fleet->serving;

    if (!serving || serving->admin < 0)
        return json_null();
    return describe_address(fleet, &serving->config->admin, generation_admin_key(serving->config));
}

static const char *describe_stage(const struct child *child)
{
    if (!child_runs(child))
        return "dead";
    if (child->leaving)
        return "draining";
    return child->ready ? "ready" : "starting";
}

static json_t *describe_child(const struct fleet *fleet, const struct child *child)
{
    double uptime =
        child_runs(child) ? (double)(clock_now() - child->started) / (double)NS_PER_S : 0;

    return json_pack("{s:s, s:i, s:i, s:i, s:s, s:f, s:i, s:i}", "kind",
                     child->kind == CHILD_WORKER ? "worker" : "control", "number",
                     (int)child->number, "pid", (int)child->pid, "generation",
                     (int)child->generation, "state", describe_stage(child), "uptime", uptime,
                     "streams",
                     child_runs(child) ? (int)place_open_streams(&fleet->ground, child) : 0,
                     "restarts", (int)child->backoff.count);
}

static json_t *describe_children(const struct fleet *fleet)
{
    json_t *list = json_array();
    struct child *child;

    for (struct generation *generation = fleet->newest; generation; generation = generation->next)
        for (unsigned i = 0; (child = generation_child(generation, i)); i++)
            if (child_runs(child) || !child->leaving)
                json_array_append_new(list, describe_child(fleet, child));
    return list;
}

static json_t *describe_reloads(const struct change *change)
{
    return json_pack("{s:i, s:i, s:b, s:o}", "begun", (int)change->begun, "ended",
                     (int)change->ended, "ok", change->ok, "reason",
                     state_text(change->reason.text));
}

/* How the gateway is, as a new reference. */
static json_t *state_describe(const struct change *change, const char *phase, unsigned written)
{
    const struct fleet *fleet = change->fleet;
    const struct status *status = fleet->ground.status;

    return json_pack("{s:i, s:s, s:o, s:s, s:i, s:f, s:o, s:o, s:o, s:o, s:I, s:i}", "pid",
                     (int)getpid(), "version", HEADGATE_VERSION, "config",
                     state_text(change->config_path), "phase", phase, "generation",
                     fleet->serving ? (int)fleet->serving->number : 0, "started",
                     (double)status->started_us / 1e6, "listeners", describe_listeners(fleet),
                     "admin", describe_admin(fleet), "processes", describe_children(fleet),
                     "changes", describe_reloads(change), "restarts", (json_int_t)status->restarts,
                     "written", (int)written);
}

bool state_write(const struct change *change, const char *phase, unsigned written)
{
    json_t *state = state_describe(change, phase, written);
    char *text = json_dumps(state, JSON_INDENT(2));
    bool ok =
        text && run_dir_write(change->fleet->ground.run_dir, "state.json", text, strlen(text));

    if (!ok)
        log_warn("cannot write %s/state.json", change->fleet->ground.run_dir);
    free(text);
    json_decref(state);
    return ok;
}

json_t *state_read(const char *run_dir)
{
    char *path = run_dir_path(run_dir, "state.json");
    json_t *state = json_load_file(path, 0, NULL);

    free(path);
    return state;
}
