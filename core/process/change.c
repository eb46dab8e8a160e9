#include "process/change.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "process/place.h"
#include "process/status.h"
#include "shm/region.h"

#define CHECK_PATIENCE (60 * NS_PER_S)
#define START_PATIENCE (60 * NS_PER_S)

static void finish(struct change *change, bool ok)
{
    struct status *status = change->fleet->ground.status;

    change->phase = CHANGE_IDLE;
    change->ended++;
    change->ok = ok;
    change->fleet->changed = true;
    if (change->ended == 1)
        return;
    status->reloads++;
    if (!ok)
        status->reloads_failed++;
}

static void refuse(struct change *change)
{
    fleet_give_up(change->fleet);
    finish(change, false);
    if (change->fleet->serving)
        log_error("reload refused, nothing has changed: %s", change->reason.text);
}

void change_begin(struct change *change)
{
    ensure(change->phase == CHANGE_IDLE);
    change->begun++;
    change->phase = CHANGE_CHECKING;
    change->checker_ended = false;
    change->deadline = clock_now() + CHECK_PATIENCE;
    change->reason.text[0] = '\0';
    change->fleet->changed = true;
    if (!checker_start(&change->checker, change->config_path, change->fleet->ground.run_dir,
                       &change->reason))
        refuse(change);
}

void change_reaped(void *arg, pid_t pid, int wait_status)
{
    struct change *change = arg;

    if (change->phase != CHANGE_CHECKING || pid != change->checker.pid)
        return;
    change->checker_ended = true;
    change->checker_status = wait_status;
    change->checker.pid = 0;
}

/* What all generations share is as large as it was at the start. */
static bool fits_region(const struct fleet *fleet, const struct config *config, struct error *error)
{
    uint64_t most = region_ring_most(fleet->ground.region);

    if (fleet->serving && fleet->serving->config->shared_size != config->shared_size)
        return error_set(error, "shared_size cannot change while the gateway runs: restart it");
    return config->ring_size <= most ||
           error_set(error,
                     "ring_size: there is room for %llu MB in this process: restart the gateway",
                     (unsigned long long)most >> 20);
}

static bool need_region(struct fleet *fleet, const struct config *config, struct error *error)
{
    if (!fleet->ground.region)
        fleet->ground.region = place_region(config, error);
    return fleet->ground.region && fits_region(fleet, config, error);
}

static void start(struct change *change, struct config *config)
{
    struct fleet *fleet = change->fleet;

    log_set_level(config->log_level);
    if (!need_region(fleet, config, &change->reason)) {
        config_free(&config);
        refuse(change);
        return;
    }
    struct generation *coming =
        generation_new(config, change->last_generation + 1, fleet->listeners, fleet->newest,
                       &fleet->ground, &change->reason);

    if (!coming) {
        refuse(change);
        return;
    }
    change->last_generation++;
    change->phase = CHANGE_STARTING;
    change->deadline = clock_now() + START_PATIENCE;
    coming->next = fleet->newest;
    fleet->newest = fleet->coming = coming;
    if (!generation_start(coming, &fleet->ground)) {
        error_set(&change->reason, "cannot start a process: %s", strerror(errno));
        refuse(change);
    }
}

static void step_checking(struct change *change)
{
    bool more = checker_read(&change->checker);

    if (clock_now() >= change->deadline) {
        error_set(&change->reason,
                  "the configuration was not checked within %d s: a plugin does "
                  "not finish its start",
                  (int)(CHECK_PATIENCE / NS_PER_S));
        checker_done(&change->checker);
        refuse(change);
        return;
    }
    if (more || !change->checker_ended)
        return;
    struct config *config =
        checker_result(&change->checker, change->checker_status, &change->reason);

    if (config)
        start(change, config);
    else
        refuse(change);
}

/* The first child of the coming generation that has ended instead of becoming ready. */
static const struct child *find_failed(struct generation *coming)
{
    struct child *child;

    for (unsigned i = 0; (child = generation_child(coming, i)); i++)
        if (!child_runs(child))
            return child;
    return NULL;
}

static void step_starting(struct change *change)
{
    struct fleet *fleet = change->fleet;
    const struct child *failed = find_failed(fleet->coming);

    if (failed) {
        error_set(&change->reason, "%s", failed->why);
        refuse(change);
    } else if (generation_is_ready(fleet->coming)) {
        fleet_promote(fleet);
        finish(change, true);
    } else if (clock_now() >= change->deadline) {
        error_set(&change->reason, "the new workers did not become ready within %d s",
                  (int)(START_PATIENCE / NS_PER_S));
        refuse(change);
    }
}

void change_step(struct change *change)
{
    if (change->phase == CHANGE_CHECKING)
        step_checking(change);
    if (change->phase == CHANGE_STARTING)
        step_starting(change);
}

void change_abandon(struct change *change)
{
    if (change->phase == CHANGE_IDLE)
        return;
    checker_done(&change->checker);
    error_set(&change->reason, "the gateway stops");
    finish(change, false);
}
