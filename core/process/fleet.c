#include "process/fleet.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "process/place.h"
#include "process/status.h"

/* What an old control has for delivering what it holds, after it has given the rings away. */
#define CONTROL_PATIENCE (30 * NS_PER_S)

/* ---- going over everybody -------------------------------------------------------------------- */

struct walk {
    struct generation *generation;
    unsigned i;
};

static struct child *walk_next(struct walk *walk)
{
    while (walk->generation) {
        struct child *child = generation_child(walk->generation, walk->i++);

        if (child)
            return child;
        *walk = (struct walk){.generation = walk->generation->next};
    }
    return NULL;
}

static struct child *find(struct fleet *fleet, pid_t pid)
{
    struct walk walk = {.generation = fleet->newest};
    struct child *child;

    while ((child = walk_next(&walk)) && child->pid != pid)
        ;
    return child;
}

size_t fleet_children(const struct fleet *fleet, struct child **ret_children, size_t most)
{
    struct walk walk = {.generation = fleet->newest};
    struct child *child;
    size_t count = 0;

    while (count < most && (child = walk_next(&walk)))
        if (child_runs(child))
            ret_children[count++] = child;
    return count;
}

/* ---- death and new life ---------------------------------------------------------------------- */

static const char *ordinal(unsigned n)
{
    if (n / 10 % 10 == 1)
        return "th";
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* A coming generation must start whole: its deaths are the change's business, see change.c. */
static bool deserves_new_life(const struct fleet *fleet, const struct child *child)
{
    return !child->leaving && fleet->serving && child->generation == fleet->serving->number;
}

static void count_restart(struct fleet *fleet, const struct child *child)
{
    struct status *status = fleet->ground.status;

    if (child->kind == CHILD_WORKER)
        status->restarts++;
    else
        status->control_restarts++;
}

static void mourn(struct fleet *fleet, struct child *child, const char *line)
{
    hg_ns wait = backoff_died(&child->backoff, child->started, clock_now());
    unsigned times = backoff_recent(&child->backoff, clock_now(), 60 * NS_PER_S);

    child->restart_at = clock_now() + wait;
    count_restart(fleet, child);
    log_error("%s; %u%s time in 60 s, starting again in %.1f s", line, times, ordinal(times),
              (double)wait / (double)NS_PER_S);
}

static void bury(struct fleet *fleet, struct child *child, int wait_status)
{
    char line[1024];
    bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;

    child_ended(child, &fleet->ground, wait_status, line, sizeof line);
    if (fleet->reader == child)
        fleet->reader = NULL;
    fleet->changed = true;
    if (deserves_new_life(fleet, child)) {
        mourn(fleet, child, line);
        return;
    }
    if (!child->why[0])
        snprintf(child->why, sizeof child->why, "%s", line);
    if (!clean)
        log_warn("%s", line);
    else
        log_debug("%s", line);
}

void fleet_reap(struct fleet *fleet, void (*on_other)(void *arg, pid_t pid, int wait_status),
                void *arg)
{
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        struct child *child = find(fleet, pid);

        if (!child) {
            on_other(arg, pid, wait_status);
            continue;
        }
        fleet_hear(fleet, child); /* its last words */
        bury(fleet, child, wait_status);
    }
}

static void restart(struct fleet *fleet, struct child *child)
{
    fleet->changed = true;
    if (child_start(child, &fleet->ground))
        return;
    log_error("cannot start a process: out of memory or processes? trying again in 1 s");
    child->restart_at = clock_now() + NS_PER_S;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void take_word(struct fleet *fleet, struct child *child,
                      const struct channel_message *message)
{
    switch ((enum channel_word)message->word) {
    case CHANNEL_READY:
        child->ready = true;
        fleet->changed = true;
        break;
    case CHANNEL_FAILED:
        snprintf(child->why, sizeof child->why, "%s", message->text);
        break;
    case CHANNEL_RELEASED:
        if (fleet->reader == child)
            fleet->reader = NULL;
        break;
    case CHANNEL_NOTHING:
    case CHANNEL_GONE:
    case CHANNEL_DRAIN:
    case CHANNEL_TAKE:
    case CHANNEL_RELEASE:
    case CHANNEL_FINISH:
    case CHANNEL_REOPEN:
        break;
    }
}

void fleet_hear(struct fleet *fleet, struct child *child)
{
    while (child->channel >= 0) {
        struct channel_message message = channel_hear(child->channel);

        if (message.word == CHANNEL_NOTHING)
            return;
        if (message.word == CHANNEL_GONE) {
            close(child->channel);
            child->channel = -1;
            return;
        }
        take_word(fleet, child, &message);
    }
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* If we ourselves slept too long (a stopped machine, a starved one), silence proves nothing. */
static bool was_asleep(struct fleet *fleet)
{
    hg_ns before = fleet->last_watch;

    fleet->last_watch = clock_now();
    return before && clock_now() - before > FLEET_SILENCE / 2;
}

static void watch_child(struct fleet *fleet, struct child *child, bool forgive)
{
    hg_ns beat = place_heartbeat(&fleet->ground, child);
    char name[CHILD_NAME];

    if (!child_runs(child) || child->aborted || !beat)
        return;
    if (forgive || clock_now() - beat < FLEET_SILENCE)
        return;
    log_error("%s (pid %d) has been silent for %d s: aborting it", child_name(child, name),
              (int)child->pid, (int)((clock_now() - beat) / NS_PER_S));
    child_abort(child);
}

static void drop_gone(struct fleet *fleet)
{
    struct generation **at = &fleet->newest;

    while (*at) {
        struct generation *generation = *at;

        if (generation == fleet->serving || generation == fleet->coming ||
            !generation_is_gone(generation)) {
            at = &generation->next;
            continue;
        }
        *at = generation->next;
        log_debug("generation %u is gone", generation->number);
        generation_free(&generation, fleet->listeners);
        fleet->changed = true;
    }
}

static void give_rings(struct fleet *fleet)
{
    struct generation *serving = fleet->serving;

    if (fleet->reader || !serving || !serving->control.ready || serving->control.leaving)
        return;
    fleet->reader = &serving->control;
    child_tell(fleet->reader, CHANNEL_TAKE, 0);
}

static void publish(struct fleet *fleet)
{
    struct status *status = fleet->ground.status;
    unsigned draining = 0;

    for (struct generation *generation = fleet->newest; generation; generation = generation->next)
        if (generation->draining)
            draining += generation_workers_running(generation);
    status->workers_draining = draining;
    if (!fleet->serving)
        return;
    status->generation = fleet->serving->number;
    status->workers_wanted = fleet->serving->worker_count;
    status->workers_ready = generation_workers_ready(fleet->serving);
}

void fleet_keep(struct fleet *fleet)
{
    struct walk walk = {.generation = fleet->newest};
    bool forgive = was_asleep(fleet);
    struct child *child;

    while ((child = walk_next(&walk))) {
        if (child->restart_at && child->restart_at <= clock_now())
            restart(fleet, child);
        watch_child(fleet, child, forgive);
        child_enforce(child);
    }
    drop_gone(fleet);
    give_rings(fleet);
    publish(fleet);
}

static hg_ns sooner(hg_ns due, hg_ns moment)
{
    return moment && moment < due ? moment : due;
}

hg_ns fleet_due(const struct fleet *fleet)
{
    struct walk walk = {.generation = fleet->newest};
    hg_ns due = clock_now() + NS_PER_S;
    struct child *child;

    while ((child = walk_next(&walk))) {
        due = sooner(due, child->restart_at);
        if (child_runs(child))
            due = sooner(due, child->kill_at);
    }
    return due;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* At most so many generations drain; the oldest of more is cut, with a proper error to its clients.
 */
static void cut_oldest(struct fleet *fleet)
{
    unsigned draining = 0;

    for (struct generation *generation = fleet->newest; generation; generation = generation->next) {
        if (!generation->draining || !generation_workers_running(generation))
            continue;
        if (++draining <= FLEET_DRAINING_MOST || generation->cut)
            continue;
        log_warn("generation %u still drains after %d reloads: cutting it", generation->number,
                 FLEET_DRAINING_MOST);
        generation->cut = true;
        generation_drain(generation, 0);
    }
}

static void retire(struct fleet *fleet, struct generation *generation)
{
    generation_drain(generation, generation->config->drain_timeout);
    child_leave(&generation->control, CHANNEL_RELEASE, CONTROL_PATIENCE);
    generation_give_sockets(generation, fleet->listeners);
    cut_oldest(fleet);
}

void fleet_promote(struct fleet *fleet)
{
    struct generation *old = fleet->serving;

    fleet->serving = fleet->coming;
    fleet->coming = NULL;
    fleet->changed = true;
    if (old)
        retire(fleet, old);
}

void fleet_give_up(struct fleet *fleet)
{
    struct generation *failed = fleet->coming;

    fleet->coming = NULL;
    fleet->changed = true;
    if (failed)
        retire(fleet, failed);
}

void fleet_stop(struct fleet *fleet, hg_ns patience)
{
    fleet->stopping = fleet->changed = true;
    fleet_give_up(fleet);
    for (struct generation *generation = fleet->newest; generation; generation = generation->next)
        generation_drain(generation, patience);
}

bool fleet_has_workers(const struct fleet *fleet)
{
    struct generation *generation = fleet->newest;

    while (generation && !generation_workers_running(generation))
        generation = generation->next;
    return generation != NULL;
}

bool fleet_is_gone(const struct fleet *fleet)
{
    struct generation *generation = fleet->newest;

    while (generation && generation_is_gone(generation))
        generation = generation->next;
    return generation == NULL;
}
