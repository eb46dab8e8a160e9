/* loggers.h - all logger instances of a configuration: made at the start, finished at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "process/sink.h"

struct config;
struct loggers;

struct loggers_setup {
    struct loop *loop;
    const struct config *config;
    struct plugin_host *host;
    struct metrics *metrics;
    unsigned slot;
};

/* Makes every logger. Calls back, from the loop, when all are ready, or with the first error. */
struct loggers *loggers_new(const struct loggers_setup *setup,
                            void (*on_ready)(void *arg, const struct error *error), void *arg);
void loggers_free(struct loggers **loggers);

/* Valid once they are ready, as long as `loggers`. */
struct sink **loggers_sinks(struct loggers *loggers, size_t *ret_count);

/* Each delivers what it holds; calls back, from the loop, when the last has, or at the deadline. */
void loggers_finish(struct loggers *loggers, hg_ns deadline, void (*on_finished)(void *arg),
                    void *arg);
void loggers_reopen(struct loggers *loggers);
