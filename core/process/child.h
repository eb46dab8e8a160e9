/* child.h - one worker or control process as its supervisor sees it: started, ready, told to leave,
 * dead, started again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "process/backoff.h"
#include "process/channel.h"

struct config;
struct region;
struct status;

enum child_kind {
    CHILD_WORKER,
    CHILD_CONTROL
};

/* What all children stand on. */
struct ground {
    struct region *region;
    struct status *status;
    const char *run_dir;
};

struct child {
    enum child_kind kind;
    const struct config *config;
    unsigned number, slot, generation;
    const int *sockets; /* workers: the listeners in order; control: admin or -1 */
    size_t socket_count;

    pid_t pid;   /* 0: not running */
    int channel; /* -1: not running, or it has hung up */
    bool ready;
    bool leaving; /* told to end: not started again */
    hg_ns started;
    hg_ns restart_at; /* while it does not run; 0: never again */
    hg_ns kill_at;    /* SIGKILL then; 0: no need */
    bool aborted;     /* the watchdog has sent SIGABRT */
    struct backoff backoff;
    char why[1024]; /* what it said with CHANNEL_FAILED */
};

/* Forks it. False if the system would not. */
bool child_start(struct child *child, const struct ground *ground);

/* Tells it something and remembers when patience ends (0: never). Does nothing if it is gone. */
void child_tell(struct child *child, enum channel_word word, uint32_t value);
void child_leave(struct child *child, enum channel_word word, hg_ns patience);

/* SIGABRT to one that hangs, so that it leaves a core; SIGKILL when that does not help. */
void child_abort(struct child *child);

/* Sends SIGKILL if its time is over. */
void child_enforce(struct child *child);

/* Its process has ended: closes the channel. Says how in one line for the log, into `ret_line`. */
void child_ended(struct child *child, const struct ground *ground, int wait_status, char *ret_line,
                 size_t size);

static inline bool child_runs(const struct child *child)
{
    return child->pid > 0;
}

/* "worker 3", "control". The text lives in `ret_name`. */
enum {
    CHILD_NAME = 32
};
const char *child_name(const struct child *child, char ret_name[CHILD_NAME]);
