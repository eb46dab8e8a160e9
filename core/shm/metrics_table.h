/* metrics_table.h - how metrics lie in shared memory; for metrics*.c only. */
#pragma once

#include <pthread.h>

#include "shm/metrics.h"

enum {
    METRICS_MAX = 512,
    METRIC_NAME = 96,
    METRIC_HELP = 200,
    LABEL_NAME = 40,
    SLOTS_MAX = 256,
    /* Where what has no place goes: the first cells of each slot. */
    LOST_CELLS = 8,
    MAX_SERIES = 1000
};

struct metric {
    char name[METRIC_NAME];
    char help[METRIC_HELP];
    char labels[METRIC_LABELS_MAX][LABEL_NAME];
    double bounds[METRIC_BOUNDS_MAX];
    enum metric_type type;
    bool real;
    uint32_t id;
    uint32_t n_labels, n_bounds;
    uint32_t n_cells; /* of one series */
    uint32_t max_series;
    uint32_t count; /* series so far, without "other" */
    uint32_t other; /* the series for what is too much; published when it is first needed */
};

/* Histogram: a cell per bound, one for +Inf, the sum as a double. Otherwise one cell. */
struct series {
    uint32_t metric;
    uint32_t cell;
    uint32_t values,
        values_size; /* in the texts: each value with its length before it, two bytes */
    uint64_t hash;
};

/* How many there are of each part behind the table, and where. */
struct metrics_layout {
    uint32_t slots, cells, stride; /* stride: cells of a slot, in whole cache lines */
    uint32_t texts_size, buckets;  /* bytes; a power of two */
    size_t series_at, buckets_at, texts_at, cells_at;
};

struct metrics {
    pthread_mutex_t mutex; /* for declarations and new series */
    uint64_t seed[2];
    struct metrics_layout layout;

    /* Which slots have ever counted: reading the cells of the others would make pages of them. */
    _Atomic bool used[SLOTS_MAX];

    _Atomic uint32_t n_metrics;
    _Atomic uint32_t n_series;
    uint32_t n_cells, n_texts;
    struct metric lost;
    struct metric metrics[METRICS_MAX];
};

static inline void *metrics_part(const struct metrics *metrics, size_t at)
{
    return (char *)(uintptr_t)metrics + at;
}

static inline struct series *metrics_series(const struct metrics *metrics, uint32_t number)
{
    return (struct series *)metrics_part(metrics, metrics->layout.series_at) + number;
}

static inline char *metrics_texts(const struct metrics *metrics)
{
    return metrics_part(metrics, metrics->layout.texts_at);
}

static inline _Atomic uint64_t *metrics_cell(const struct metrics *metrics, unsigned slot,
                                             uint32_t cell)
{
    return (_Atomic uint64_t *)metrics_part(metrics, metrics->layout.cells_at) +
           (size_t)slot * metrics->layout.stride + cell;
}

/* A series exists once it is in the table, whatever n_series says. */
bool metrics_published(const struct metrics *metrics, uint32_t number);

static inline bool metrics_slot_used(const struct metrics *metrics, unsigned slot)
{
    return atomic_load_explicit(&metrics->used[slot], memory_order_relaxed);
}

static inline double metrics_real(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t metrics_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}
