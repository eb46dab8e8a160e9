/* log_pump.h - from the rings of all workers into the sinks of all loggers.
 *
 * The workers make no system call for us, so the rings are looked at by the clock: every 10 ms
 * while something comes, less often the longer nothing does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "process/sink.h"

struct loop;
struct region;
struct log_pump;

struct log_pump_setup {
    struct loop *loop;
    struct region *region;
    struct sink **sinks; /* borrowed */
    size_t sink_count;
    unsigned slot; /* ours, for the counters */
};

struct log_pump *log_pump_new(const struct log_pump_setup *setup);
void log_pump_free(struct log_pump **pump);

/* From now on the rings are read, by this process alone. */
void log_pump_start(struct log_pump *pump);

/* They no longer are. */
void log_pump_stop(struct log_pump *pump);

/* All producers have ended: reads on until every ring is empty, waiting for sinks that are full,
 * then calls back, from the loop. */
void log_pump_finish(struct log_pump *pump, void (*on_empty)(void *arg), void *arg);
