/* metrics.h - numbers of all processes, summed when somebody asks.
 *
 *   metric   name, help, type, label names          declared once, by whoever comes first
 *   series   one set of label values of a metric    found or added by hash, without a lock
 *   cells    the numbers of a series, one set for each process slot
 *
 * Each process writes only the cells of its own slot, so adding is a load and a store, and what a
 * dead worker has counted stays counted. Declarations and new series are guarded by a robust mutex
 * and published last, so a process that dies there leaves nothing half done. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <headgate/abi.h>

#include "base/buffer.h"

struct metrics;
struct metric;

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM
};

enum {
    METRIC_LABELS_MAX = 8,
    METRIC_BOUNDS_MAX = 32,
    METRIC_VALUE_MAX = 128
};

struct metric_spec {
    enum metric_type type;
    bool real;        /* counts in doubles (metric_add_real), not in whole numbers */
    const char *name; /* with its prefix: "headgate_requests_total" */
    const char *help;
    const char *const *labels; /* names, ends with NULL; NULL: none */
    const double *bounds;      /* histogram: upper bounds, rising, without +Inf */
    size_t n_bounds;
    uint32_t max_series; /* 0: 1000 */
};

/* A number of 0 or more; the same in all processes for the same name. -1 if the name or a label is
 * no Prometheus name, if the name is already there with another type, labels or bounds, or if there
 * is no room. */
int32_t metric_declare(struct metrics *metrics, const struct metric_spec *spec);

/* A series as one process writes it. Copy it freely; valid as long as the region. */
struct metric_cell {
    _Atomic uint64_t *at;
    const struct metric *metric;
};

/* The series with these label values, one for each declared label; longer ones than
 * METRIC_VALUE_MAX are cut. Beyond max_series it is the one where all values are "other". Never
 * fails: with a bad `id`, or no room at all, what is written goes nowhere. `slot` is the number of
 * the process's slot. */
struct metric_cell metric_find(struct metrics *metrics, unsigned slot, int32_t id,
                               const hg_str *values);

/* Counters and gauges in whole numbers. A gauge may go down: add a negative number. */
static inline void metric_add(struct metric_cell cell, int64_t n)
{
    uint64_t value = atomic_load_explicit(cell.at, memory_order_relaxed);

    atomic_store_explicit(cell.at, value + (uint64_t)n, memory_order_relaxed);
}

static inline void metric_set(struct metric_cell cell, int64_t value)
{
    atomic_store_explicit(cell.at, (uint64_t)value, memory_order_relaxed);
}

/* The same for metrics declared as `real`. A counter ignores what is negative or not a number. */
void metric_add_real(struct metric_cell cell, double value);
void metric_set_real(struct metric_cell cell, double value);

/* Histograms. What is not a number is ignored. */
void metric_observe(struct metric_cell cell, double value);

/* Zeroes the gauges of a slot: what a dead worker had open is open no more. The supervisor calls it
 * once the process is reaped. */
void metrics_forget(struct metrics *metrics, unsigned slot);

/* The sum over all slots; for a histogram how many values were observed. For tests and reports. */
double metric_total(struct metrics *metrics, int32_t id, const hg_str *values);

/* Everything in the Prometheus text format 0.0.4. */
void metrics_write(struct metrics *metrics, struct buffer *out);

/* For region.c. */
size_t metrics_bytes(unsigned slots, uint32_t cells);
void metrics_init(struct metrics *metrics, unsigned slots, uint32_t cells);
