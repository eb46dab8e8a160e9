#include "process/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "process/control.h"
#include "process/crash.h"
#include "process/fds.h"
#include "process/place.h"
#include "process/status.h"
#include "process/worker.h"

/* From SIGABRT to SIGKILL: time to write a core. */
#define ABORT_PATIENCE (2 * NS_PER_S)

const char *child_name(const struct child *child, char ret_name[CHILD_NAME])
{
    if (child->kind == CHILD_CONTROL)
        snprintf(ret_name, CHILD_NAME, "control");
    else
        snprintf(ret_name, CHILD_NAME, "worker %u", child->number);
    return ret_name;
}

static int run_worker(const struct child *child, const struct ground *ground, int channel)
{
    const struct worker_setup setup = {
        .config = child->config,
        .region = ground->region,
        .run_dir = ground->run_dir,
        .number = child->number,
        .slot = child->slot,
        .generation = child->generation,
        .channel = channel,
        .listeners = child->sockets,
        .listener_count = child->socket_count,
    };

    return worker_run(&setup);
}

static int run_control(const struct child *child, const struct ground *ground, int channel)
{
    const struct control_setup setup = {
        .config = child->config,
        .region = ground->region,
        .status = ground->status,
        .run_dir = ground->run_dir,
        .slot = child->slot,
        .generation = child->generation,
        .channel = channel,
        .admin = child->socket_count ? child->sockets[0] : -1,
    };

    return control_run(&setup);
}

static void keep_only(const struct child *child, int channel)
{
    int *keep = calloc(child->socket_count + 1, sizeof *keep);

    if (!keep)
        _exit(1);
    for (size_t i = 0; i < child->socket_count; i++)
        keep[i] = child->sockets[i];
    keep[child->socket_count] = channel;
    fds_keep_only(keep, child->socket_count + 1);
    free(keep);
}

/* Signals for the whole group (Ctrl-C at the terminal) are the supervisor's business alone. */
static void set_signals(void)
{
    sigset_t none;

    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error for the logger, no more */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(const struct child *child, const struct ground *ground,
                                 int channel, pid_t supervisor)
{
    static char name[CHILD_NAME];
    char title[16];

    child_name(child, name);
    log_set_process(name);
    snprintf(title, sizeof title, "hg-%.12s", name);
    prctl(PR_SET_NAME, title);
    set_signals();
    crash_report_to_stderr(name);
    if (child->kind == CHILD_WORKER) {
        /* Nobody would tell a worker to drain. Control stays, to deliver what it holds. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != supervisor)
            _exit(1);
    }
    keep_only(child, channel);
    /* Relative paths in the settings of plugins mean the folder of the configuration. */
    if (chdir(child->config->folder) < 0)
        log_warn("cannot enter %s: %s", child->config->folder, strerror(errno));
    exit(child->kind == CHILD_WORKER ? run_worker(child, ground, channel)
                                     : run_control(child, ground, channel));
}

static void forget_last_life(struct child *child)
{
    child->ready = child->aborted = false;
    child->restart_at = child->kill_at = 0;
    child->why[0] = '\0';
}

bool child_start(struct child *child, const struct ground *ground)
{
    pid_t supervisor = getpid();
    int ends[2];

    forget_last_life(child);
    if (!channel_open(ends))
        return false;
    place_begin(ground, child);
    pid_t pid = fork();
    if (pid == 0)
        child_main(child, ground, ends[1], supervisor);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    child->pid = pid;
    child->channel = ends[0];
    child->started = clock_now();
    place_own(ground, child);
    return true;
}

void child_tell(struct child *child, enum channel_word word, uint32_t value)
{
    if (child_runs(child) && child->channel >= 0)
        channel_say(child->channel, word, value, NULL);
}

void child_leave(struct child *child, enum channel_word word, hg_ns patience)
{
    child->leaving = true;
    child->restart_at = 0;
    if (!child_runs(child))
        return;
    child_tell(child, word, (uint32_t)(patience / NS_PER_MS));
    child->kill_at = clock_now() + patience + 2 * NS_PER_S;
}

void child_abort(struct child *child)
{
    child->aborted = true;
    child->kill_at = clock_now() + ABORT_PATIENCE;
    kill(child->pid, SIGABRT);
}

void child_enforce(struct child *child)
{
    if (child_runs(child) && child->kill_at && clock_now() >= child->kill_at)
        kill(child->pid, SIGKILL);
}

static void describe_end(const struct child *child, int wait_status, char *ret, size_t size)
{
    if (WIFSIGNALED(wait_status)) {
        const char *signal_name = sigabbrev_np(WTERMSIG(wait_status));

        snprintf(ret, size, "died (SIG%s%s)", signal_name ? signal_name : "?",
                 child->aborted ? ", silent for 10 s" : "");
    } else if (child->why[0]) {
        snprintf(ret, size, "ended: %.900s", child->why);
    } else {
        snprintf(ret, size, "ended (status %d)", WEXITSTATUS(wait_status));
    }
}

void child_ended(struct child *child, const struct ground *ground, int wait_status, char *ret_line,
                 size_t size)
{
    char name[CHILD_NAME], how[1024], culprit[256];

    describe_end(child, wait_status, how, sizeof how);
    place_culprit(ground, child, culprit, sizeof culprit);
    snprintf(ret_line, size, "%s %s%s%s", child_name(child, name), how, *culprit ? " in " : "",
             culprit);
    if (child->channel >= 0)
        close(child->channel);
    child->channel = -1;
    place_end(ground, child);
    child->pid = 0;
    child->ready = false;
}
