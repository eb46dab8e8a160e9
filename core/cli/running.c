#include "cli/running.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "process/run_dir.h"
#include "process/state.h"

#define STATE_PATIENCE (5 * NS_PER_S)
#define LOOK_AGAIN     (20 * NS_PER_MS)

bool running_find(struct running *running, const char *command, const char *dir)
{
    struct error error;

    *running = (struct running){.command = command};
    running->own_dir = dir ? NULL : run_dir_default();
    running->dir = dir ? dir : running->own_dir;
    if (run_dir_holder(running->dir, &running->pid, &error))
        return true;
    cli_fail(command, "%s", error.text);
    running_done(running);
    return false;
}

void running_done(struct running *running)
{
    free(running->own_dir);
    running->own_dir = NULL;
}

bool running_is_alive(const struct running *running)
{
    pid_t pid;

    return run_dir_holder(running->dir, &pid, NULL) && pid == running->pid;
}

bool running_signal(const struct running *running, int signal)
{
    if (running_is_alive(running) && kill(running->pid, signal) == 0)
        return true;
    cli_fail(running->command, "cannot reach the gateway (pid %d): %s", (int)running->pid,
             strerror(errno));
    return false;
}

bool running_wait(const struct running *running, hg_ns deadline)
{
    const struct timespec moment = {.tv_nsec = LOOK_AGAIN};

    if (clock_precise() >= deadline || !running_is_alive(running))
        return false;
    nanosleep(&moment, NULL);
    return true;
}

static json_int_t written(const json_t *state)
{
    return json_integer_value(json_object_get(state, "written"));
}

json_t *running_state(const struct running *running)
{
    hg_ns deadline = clock_precise() + STATE_PATIENCE;
    json_t *before = state_read(running->dir);
    json_int_t old = written(before);

    json_decref(before);
    if (!running_signal(running, SIGUSR2))
        return NULL;
    while (running_wait(running, deadline)) {
        json_t *state = state_read(running->dir);

        if (written(state) > old)
            return state;
        json_decref(state);
    }
    cli_fail(running->command, "the gateway (pid %d) does not answer", (int)running->pid);
    return NULL;
}
