/* checker.h - a short-lived process that evaluates a configuration before anyone relies on it.
 *
 * It runs the operator's Lua, maps plugins and makes their instances, so that the supervisor never
 * does. Its answer is the configuration as one JSON document on standard form, or a reason. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

struct config;

struct checker {
    pid_t pid;
    int fd; /* its answer comes here; -1 once that has ended */
    struct buffer answer;
};

/* Starts it. `close_fds` are descriptors of ours that it must not keep. */
bool checker_start(struct checker *checker, const char *config_path, const char *run_dir,
                   struct error *error);

/* Takes what has come; false when the answer has ended. Never blocks. */
bool checker_read(struct checker *checker);

/* After its end, with the status of wait: the configuration, or NULL and the reason. */
struct config *checker_result(struct checker *checker, int wait_status, struct error *error);

void checker_done(struct checker *checker); /* kills it if it still runs */

/* The same in one go: waits at most `seconds`. */
struct config *checker_run(const char *config_path, const char *run_dir, unsigned seconds,
                           struct error *error);
