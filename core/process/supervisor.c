#include "process/supervisor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "net/unix_socket.h"
#include "process/change.h"
#include "process/fds.h"
#include "process/fleet.h"
#include "process/run_dir.h"
#include "process/state.h"
#include "process/status.h"
#include "shm/region.h"

/* What control has for the last records, once the workers have ended. */
#define CONTROL_PATIENCE     (10 * NS_PER_S)
#define CONTROL_PATIENCE_NOW (3 * NS_PER_S)

enum {
    CHILDREN_MOST = 2 * REGION_SLOTS_MAX + 4,
    FDS_NEEDED = 4096 /* below that an operator should hear of it */
};

enum stop_phase {
    STOP_NOT,
    STOP_WORKERS,
    STOP_CONTROL
};

struct supervisor {
    struct fleet fleet;
    struct change change;
    enum stop_phase stop;
    bool stop_now, reload_wanted, state_wanted, interrupted;
    hg_ns stop_due; /* then everybody is killed; 0: not yet known */
    int signals;    /* signalfd */
    unsigned written;
    int exit_status;
};

/* ---- what a human sees ----------------------------------------------------------------------- */

static const char *phase_name(const struct supervisor *supervisor)
{
    if (supervisor->stop != STOP_NOT)
        return "stopping";
    if (!supervisor->fleet.serving)
        return "starting";
    return supervisor->change.phase == CHANGE_IDLE ? "running" : "reloading";
}

static void write_state(struct supervisor *supervisor)
{
    supervisor->fleet.changed = supervisor->state_wanted = false;
    state_write(&supervisor->change, phase_name(supervisor), ++supervisor->written);
}

static void announce(struct supervisor *supervisor, const char *what,
                     const struct config_listen *listen, struct listeners_key key)
{
    struct listeners *listeners = supervisor->fleet.listeners;
    const char *scheme = unix_socket_path(listen->address) ? ""
                         : listen->cert                    ? "https://"
                                                           : "http://";

    listeners_set_mode(listeners, key);
    if (listeners_is_new(listeners, key))
        dprintf(STDERR_FILENO, "headgate: %s on %s%s\n", what, scheme,
                listeners_actual(listeners, key));
}

static void announce_all(struct supervisor *supervisor)
{
    const struct config *config = supervisor->fleet.serving->config;

    for (size_t i = 0; i < config->listen_count; i++)
        announce(supervisor, "listening", &config->listen[i], generation_listen_key(config, i));
    if (config->admin.address)
        announce(supervisor, "admin", &config->admin, generation_admin_key(config));
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void stop_begin(struct supervisor *supervisor, bool now)
{
    struct fleet *fleet = &supervisor->fleet;
    hg_ns patience = now || !fleet->serving ? 0 : fleet->serving->config->drain_timeout;

    if (supervisor->stop == STOP_CONTROL || (supervisor->stop == STOP_WORKERS && !now))
        return;
    if (now)
        log_info("stopping at once");
    else
        log_info("stopping: open requests have up to %d s", (int)(patience / NS_PER_S));
    supervisor->stop = STOP_WORKERS;
    supervisor->stop_now = now;
    fleet->ground.status->phase = STATUS_STOPPING;
    change_abandon(&supervisor->change);
    listeners_close(fleet->listeners, "listen");
    fleet_stop(fleet, patience);
}

static void stop_control(struct supervisor *supervisor)
{
    struct fleet *fleet = &supervisor->fleet;
    hg_ns patience = supervisor->stop_now ? CONTROL_PATIENCE_NOW : CONTROL_PATIENCE;

    if (!supervisor->stop_due)
        supervisor->stop_due = clock_now() + patience + NS_PER_S;
    /* One that died is started again for this: records may still be in the rings. */
    if (!fleet->serving || fleet->reader == &fleet->serving->control) {
        supervisor->stop = STOP_CONTROL;
        if (fleet->reader)
            child_leave(fleet->reader, CHANNEL_FINISH, patience);
    }
}

static void kill_all(struct fleet *fleet)
{
    struct child *children[CHILDREN_MOST];
    size_t count = fleet_children(fleet, children, CHILDREN_MOST);

    for (size_t i = 0; i < count; i++) {
        children[i]->leaving = true;
        kill(children[i]->pid, SIGKILL);
    }
}

/* False when all is over. */
static bool stop_step(struct supervisor *supervisor)
{
    struct fleet *fleet = &supervisor->fleet;

    if (supervisor->stop == STOP_WORKERS && !fleet_has_workers(fleet))
        stop_control(supervisor);
    if (supervisor->stop_due && clock_now() >= supervisor->stop_due) {
        supervisor->stop = STOP_CONTROL;
        kill_all(fleet);
    }
    return supervisor->stop != STOP_CONTROL || !fleet_is_gone(fleet);
}

/* ---- changes --------------------------------------------------------------------------------- */

static void started(struct supervisor *supervisor)
{
    supervisor->fleet.ground.status->phase = STATUS_RUNNING;
    announce_all(supervisor);
    log_info("generation %u serves", supervisor->fleet.serving->number);
}

static void not_started(struct supervisor *supervisor)
{
    dprintf(STDERR_FILENO, "headgate run: %s\n", supervisor->change.reason.text);
    supervisor->exit_status = 1;
    stop_begin(supervisor, true);
}

static void change_ended(struct supervisor *supervisor)
{
    if (supervisor->change.ok)
        started(supervisor);
    else if (!supervisor->fleet.serving)
        not_started(supervisor);
}

static void change_go_on(struct supervisor *supervisor)
{
    struct change *change = &supervisor->change;
    unsigned ended = change->ended;

    if (supervisor->stop != STOP_NOT)
        return;
    if (change->phase == CHANGE_IDLE && supervisor->reload_wanted) {
        supervisor->reload_wanted = false;
        log_info("reloading %s", change->config_path);
        change_begin(change);
    }
    change_step(change);
    if (change->ended != ended)
        change_ended(supervisor);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void take_signal(struct supervisor *supervisor, uint32_t number)
{
    switch (number) {
    case SIGCHLD:
        break; /* children are looked after in each turn */
    case SIGHUP:
        supervisor->reload_wanted = true;
        break;
    case SIGINT: /* somebody who presses Ctrl-C twice means it */
        stop_begin(supervisor, supervisor->interrupted);
        supervisor->interrupted = true;
        break;
    case SIGTERM:
        stop_begin(supervisor, false);
        break;
    case SIGQUIT:
        stop_begin(supervisor, true);
        break;
    case SIGUSR1:
        if (supervisor->fleet.reader)
            child_tell(supervisor->fleet.reader, CHANNEL_REOPEN, 0);
        break;
    case SIGUSR2:
        supervisor->state_wanted = true;
        break;
    }
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signals, &info, sizeof info) == sizeof info)
        take_signal(supervisor, info.ssi_signo);
}

static int open_signals(void)
{
    static const int numbers[] = {SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void wait_for_events(struct supervisor *supervisor)
{
    struct child *children[CHILDREN_MOST];
    struct pollfd fds[CHILDREN_MOST + 2];
    size_t count = fleet_children(&supervisor->fleet, children, CHILDREN_MOST);
    hg_ns due = fleet_due(&supervisor->fleet);

    fds[0] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = supervisor->change.checker.fd, .events = POLLIN};
    for (size_t i = 0; i < count; i++)
        fds[i + 2] = (struct pollfd){.fd = children[i]->channel, .events = POLLIN};
    hg_ns wait = due - clock_precise();

    poll(fds, count + 2, wait > 0 ? (int)(wait / NS_PER_MS) + 1 : 0);
    clock_update();
    for (size_t i = 0; i < count; i++)
        if (fds[i + 2].revents)
            fleet_hear(&supervisor->fleet, children[i]);
}

static bool turn(struct supervisor *supervisor)
{
    wait_for_events(supervisor);
    take_signals(supervisor);
    fleet_reap(&supervisor->fleet, change_reaped, &supervisor->change);
    change_go_on(supervisor);
    fleet_keep(&supervisor->fleet);
    if (!stop_step(supervisor))
        return false;
    if (supervisor->fleet.changed || supervisor->state_wanted)
        write_state(supervisor);
    return true;
}

static void set_up(struct supervisor *supervisor, const char *config_path, const char *run_dir)
{
    size_t fds = fds_raise_limit();

    if (fds < FDS_NEEDED)
        log_warn("only %zu open files are allowed: raise the limit (ulimit -n, LimitNOFILE=)", fds);
    supervisor->fleet.ground.run_dir = run_dir;
    supervisor->fleet.ground.status = status_new();
    supervisor->fleet.ground.status->started_us = clock_wall_us();
    supervisor->fleet.listeners = listeners_new();
    supervisor->change.config_path = config_path;
    supervisor->change.fleet = &supervisor->fleet;
    supervisor->change.checker.fd = -1;
    change_begin(&supervisor->change);
}

static void tear_down(struct supervisor *supervisor)
{
    struct fleet *fleet = &supervisor->fleet;

    while (fleet->newest) {
        struct generation *generation = fleet->newest;

        fleet->newest = generation->next;
        generation_free(&generation, fleet->listeners);
    }
    listeners_free(&fleet->listeners);
    region_free(&fleet->ground.region);
    close(supervisor->signals);
}

/* Children work in another folder, so the path must not depend on ours. */
static int claim(const char *dir, char ret_path[PATH_MAX], struct error *error)
{
    int lock = run_dir_claim(dir, error);

    if (lock < 0 || realpath(dir, ret_path))
        return lock;
    error_set(error, "cannot use the run folder %s: %s", dir, strerror(errno));
    close(lock);
    return -1;
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor supervisor = {.stop = STOP_NOT};
    char run_dir[PATH_MAX];
    struct error error;

    log_set_process("supervisor");
    int lock = claim(options->run_dir, run_dir, &error);

    if (lock < 0) {
        dprintf(STDERR_FILENO, "headgate run: %s\n", error.text);
        return 1;
    }
    supervisor.signals = open_signals();
    set_up(&supervisor, options->config_path, run_dir);
    while (turn(&supervisor))
        ;
    tear_down(&supervisor);
    run_dir_leave(run_dir);
    close(lock);
    return supervisor.exit_status;
}
