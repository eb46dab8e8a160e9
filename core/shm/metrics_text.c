/* Metrics as text for Prometheus: sums over the slots while they count, without a lock. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

#include "shm/metrics.h"
#include "shm/metrics_table.h"

/* The first `n` sums of a series. */
struct sums {
    uint64_t whole[METRIC_BOUNDS_MAX + 2];
    double real; /* of the cell that counts in doubles: the last */
};

static void sum_up(const struct metrics *metrics, const struct metric *metric,
                   const struct series *series, struct sums *sums)
{
    *sums = (struct sums){0};
    for (unsigned slot = 0; slot < metrics->layout.slots; slot++) {
        const _Atomic uint64_t *at = metrics_cell(metrics, slot, series->cell);

        if (!metrics_slot_used(metrics, slot))
            continue;
        for (uint32_t i = 0; i < metric->n_cells; i++)
            sums->whole[i] += atomic_load_explicit(at + i, memory_order_relaxed);
        sums->real +=
            metrics_real(atomic_load_explicit(at + metric->n_cells - 1, memory_order_relaxed));
    }
}

static void put(struct buffer *out, const char *text)
{
    buffer_add(out, text, strlen(text));
}

/* Help escapes backslash and line feed, a label's value the quote as well. */
static void put_escaped(struct buffer *out, hg_str text, bool quote)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '\n')
            put(out, "\\n");
        else if (c == '\\' || (quote && c == '"'))
            buffer_add(out, (char[]){'\\', c}, 2);
        else
            buffer_add(out, &c, 1);
    }
}

/* {method="GET",le="0.5"}; `le` may be NULL. */
static void put_labels(struct buffer *out, const struct metrics *metrics,
                       const struct metric *metric, const struct series *series, const char *le)
{
    const char *at = metrics_texts(metrics) + series->values;

    if (!metric->n_labels && !le)
        return;
    put(out, "{");
    for (uint32_t i = 0; i < metric->n_labels; i++) {
        size_t n = (unsigned char)at[0] | (size_t)(unsigned char)at[1] << 8;

        put(out, i ? "," : "");
        put(out, metric->labels[i]);
        put(out, "=\"");
        put_escaped(out, (hg_str){at + 2, n}, true);
        put(out, "\"");
        at += 2 + n;
    }
    if (le) {
        put(out, metric->n_labels ? ",le=\"" : "le=\"");
        put(out, le);
        put(out, "\"");
    }
    put(out, "}");
}

/* The shortest decimal that reads back as the same number. */
static const char *real_text(char text[32], double value)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

static void put_value(struct buffer *out, const struct metric *metric, const struct sums *sums)
{
    char text[32];

    if (metric->real)
        put(out, real_text(text, sums->real));
    else if (metric->type == METRIC_GAUGE)
        put(out, (snprintf(text, sizeof text, "%" PRId64, (int64_t)sums->whole[0]), text));
    else
        put(out, (snprintf(text, sizeof text, "%" PRIu64, sums->whole[0]), text));
}

static void put_line(struct buffer *out, const char *name, const char *suffix)
{
    put(out, name);
    put(out, suffix);
}

static void put_count(struct buffer *out, uint64_t count)
{
    char text[32];

    snprintf(text, sizeof text, " %" PRIu64 "\n", count);
    put(out, text);
}

static void put_histogram(struct buffer *out, const struct metrics *metrics,
                          const struct metric *metric, const struct series *series,
                          const struct sums *sums)
{
    uint64_t count = 0;
    char text[32];

    for (uint32_t i = 0; i <= metric->n_bounds; i++) {
        const char *le = i == metric->n_bounds ? "+Inf" : real_text(text, metric->bounds[i]);

        count += sums->whole[i];
        put_line(out, metric->name, "_bucket");
        put_labels(out, metrics, metric, series, le);
        put_count(out, count);
    }
    put_line(out, metric->name, "_sum");
    put_labels(out, metrics, metric, series, NULL);
    put(out, " ");
    put(out, real_text(text, sums->real));
    put(out, "\n");
    put_line(out, metric->name, "_count");
    put_labels(out, metrics, metric, series, NULL);
    put_count(out, count);
}

static void put_series(struct buffer *out, const struct metrics *metrics,
                       const struct metric *metric, const struct series *series)
{
    struct sums sums;

    sum_up(metrics, metric, series, &sums);
    if (metric->type == METRIC_HISTOGRAM) {
        put_histogram(out, metrics, metric, series, &sums);
        return;
    }
    put(out, metric->name);
    put_labels(out, metrics, metric, series, NULL);
    put(out, " ");
    put_value(out, metric, &sums);
    put(out, "\n");
}

static void put_head(struct buffer *out, const struct metric *metric)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

    put(out, "# HELP ");
    put(out, metric->name);
    put(out, " ");
    put_escaped(out, text_of(metric->help), false);
    put(out, "\n# TYPE ");
    put(out, metric->name);
    put(out, " ");
    put(out, types[metric->type]);
    put(out, "\n");
}

/* Series of a metric as a list, because the format wants them together: first[metric] and
 * next[series] are numbers plus 1. */
static void list_series(const struct metrics *metrics, uint32_t n_metrics, uint32_t n_series,
                        uint32_t *first, uint32_t *next)
{
    for (uint32_t i = n_series; i-- > 0;) {
        uint32_t metric = metrics_series(metrics, i)->metric;

        if (metric >= n_metrics || !metrics_published(metrics, i))
            continue;
        next[i] = first[metric];
        first[metric] = i + 1;
    }
}

void metrics_write(struct metrics *metrics, struct buffer *out)
{
    uint32_t n_series = atomic_load_explicit(&metrics->n_series, memory_order_acquire);
    uint32_t n_metrics = atomic_load_explicit(&metrics->n_metrics, memory_order_acquire);
    uint32_t *first = xcalloc(n_metrics + 1, sizeof *first);
    uint32_t *next = xcalloc(n_series + 1, sizeof *next);

    list_series(metrics, n_metrics, n_series, first, next);
    for (uint32_t i = 0; i < n_metrics; i++) {
        if (!first[i])
            continue;
        put_head(out, &metrics->metrics[i]);
        for (uint32_t number = first[i]; number; number = next[number - 1])
            put_series(out, metrics, &metrics->metrics[i], metrics_series(metrics, number - 1));
    }
    free(first);
    free(next);
}

double metric_total(struct metrics *metrics, int32_t id, const hg_str *values)
{
    struct metric_cell cell = metric_find(metrics, 0, id, values);
    const struct metric *metric = cell.metric;
    struct sums sums;
    double total = 0;

    if (metric == &metrics->lost)
        return 0;
    const struct series at = {
        .cell = (uint32_t)(cell.at - metrics_cell(metrics, 0, 0)),
    };

    sum_up(metrics, metric, &at, &sums);
    if (metric->type != METRIC_HISTOGRAM)
        return metric->real ? sums.real : (double)(int64_t)sums.whole[0];
    for (uint32_t i = 0; i <= metric->n_bounds; i++)
        total += (double)sums.whole[i];
    return total;
}
