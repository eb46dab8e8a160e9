/* running.h - how commands talk to a gateway that runs: they signal its supervisor and watch its
 * state file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include <headgate/abi.h>

struct running {
    const char *command; /* for messages */
    const char *dir;
    char *own_dir; /* freed by running_done */
    pid_t pid;
};

/* Finds the gateway of `dir` (NULL: the default folder); says so and returns false if none runs. */
bool running_find(struct running *running, const char *command, const char *dir);
void running_done(struct running *running);

/* Asks for a fresh state and waits for it; NULL, with a message, if none comes. */
json_t *running_state(const struct running *running);

bool running_signal(const struct running *running, int signal);

/* Sleeps for a moment. False once `*deadline` has passed or the gateway has ended. */
bool running_wait(const struct running *running, hg_ns deadline);
bool running_is_alive(const struct running *running);
