#include "shm/metrics.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/ensure.h"
#include "base/text.h"
#include "base/utf8.h"

#include "shm/hash.h"
#include "shm/metrics_table.h"
#include "shm/mutex.h"

/* ---- layout --------------------------------------------------------------------------------- */

static uint32_t buckets_for(uint32_t cells)
{
    uint32_t buckets = 64;

    while (buckets < 2 * cells)
        buckets *= 2;
    return buckets;
}

static struct metrics_layout lay_out(unsigned slots, uint32_t cells, size_t *ret_size)
{
    struct metrics_layout layout = {.slots = slots, .cells = cells};

    layout.stride = (cells + 7) & ~7u;
    layout.buckets = buckets_for(cells);
    layout.texts_size = cells * 64;
    layout.series_at = (sizeof(struct metrics) + 63) & ~(size_t)63;
    layout.buckets_at = layout.series_at + cells * sizeof(struct series);
    layout.texts_at = layout.buckets_at + layout.buckets * sizeof(uint32_t);
    layout.cells_at = (layout.texts_at + layout.texts_size + 63) & ~(size_t)63;
    *ret_size = layout.cells_at + (size_t)slots * layout.stride * sizeof(uint64_t);
    return layout;
}

size_t metrics_bytes(unsigned slots, uint32_t cells)
{
    size_t size;

    lay_out(slots, cells, &size);
    return size;
}

void metrics_init(struct metrics *metrics, unsigned slots, uint32_t cells)
{
    size_t size;
    struct metrics_layout layout = lay_out(slots, cells, &size);

    ensure(slots <= SLOTS_MAX);
    metrics->layout = layout;
    metrics->n_cells = LOST_CELLS;
    metrics->lost.type = METRIC_HISTOGRAM;
    mutex_init(&metrics->mutex);
    ensure(getrandom(metrics->seed, sizeof metrics->seed, 0) == sizeof metrics->seed);
}

/* ---- series --------------------------------------------------------------------------------- */

/* Label values of one series, each with its length before it. */
struct values {
    size_t n;
    char bytes[METRIC_LABELS_MAX * (2 + METRIC_VALUE_MAX)];
};

/* Copies what is UTF-8, and a question mark for each byte that is not; cut at METRIC_VALUE_MAX. */
static size_t copy_value(char *to, hg_str value)
{
    const uint8_t *at = (const uint8_t *)value.p, *end = at + value.n;
    size_t n = 0;

    while (at < end) {
        size_t length = utf8_length(at, end), step = length ? length : 1;

        if (n + step > METRIC_VALUE_MAX)
            break;
        if (length)
            memcpy(to + n, at, length);
        else
            to[n] = '?';
        n += step;
        at += step;
    }
    return n;
}

static bool is_plain(hg_str value)
{
    if (value.n > METRIC_VALUE_MAX)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] >= 0x80)
            return false;
    return true;
}

static void add_value(struct values *values, hg_str value)
{
    char *at = values->bytes + values->n;
    size_t n = value.n;

    if (!is_plain(value))
        n = copy_value(at + 2, value);
    else if (n)
        memcpy(at + 2, value.p, n);
    at[0] = (char)(n & 0xff);
    at[1] = (char)(n >> 8);
    values->n += 2 + n;
}

/* The bucket that holds the series, or the empty one where it belongs. */
static _Atomic uint32_t *bucket_of(const struct metrics *metrics, uint32_t metric, uint64_t hash,
                                   const char *values, size_t n)
{
    _Atomic uint32_t *buckets = metrics_part(metrics, metrics->layout.buckets_at);

    for (uint32_t i = (uint32_t)hash;; i++) {
        _Atomic uint32_t *bucket = &buckets[i & (metrics->layout.buckets - 1)];
        uint32_t number = atomic_load_explicit(bucket, memory_order_acquire);

        if (!number)
            return bucket;
        const struct series *series = metrics_series(metrics, number - 1);

        if (series->hash == hash && series->metric == metric && series->values_size == n &&
            (n == 0 || memcmp(metrics_texts(metrics) + series->values, values, n) == 0))
            return bucket;
    }
}

static uint64_t hash_of(const struct metrics *metrics, uint32_t metric, const char *values,
                        size_t n)
{
    uint64_t seed[2] = {metrics->seed[0] + metric, metrics->seed[1]};

    return hash_bytes(seed, values, n);
}

bool metrics_published(const struct metrics *metrics, uint32_t number)
{
    const struct series *series = metrics_series(metrics, number);
    uint32_t published = atomic_load_explicit(bucket_of(metrics, series->metric, series->hash,
                                                        metrics_texts(metrics) + series->values,
                                                        series->values_size),
                                              memory_order_acquire);

    return published == number + 1;
}

/* Takes room for a series and fills it; not in the table yet. UINT32_MAX if there is none. The
 * counters move first: dying here loses room, and nothing else. */
static uint32_t new_series(struct metrics *metrics, const struct metric *metric,
                           const struct values *values)
{
    uint32_t number = atomic_load_explicit(&metrics->n_series, memory_order_relaxed);
    uint32_t cell = metrics->n_cells, text = metrics->n_texts;

    if (metric->n_cells > metrics->layout.cells - cell ||
        values->n > metrics->layout.texts_size - text || number >= metrics->layout.cells)
        return UINT32_MAX;
    metrics->n_cells += metric->n_cells;
    metrics->n_texts += (uint32_t)values->n;
    memcpy(metrics_texts(metrics) + text, values->bytes, values->n);
    *metrics_series(metrics, number) = (struct series){
        .metric = metric->id,
        .cell = cell,
        .values = text,
        .values_size = (uint32_t)values->n,
        .hash = hash_of(metrics, metric->id, values->bytes, values->n),
    };
    atomic_store_explicit(&metrics->n_series, number + 1, memory_order_release);
    return number;
}

static struct values other_values(uint32_t n_labels)
{
    struct values values = {0};

    for (uint32_t i = 0; i < n_labels; i++)
        add_value(&values, HG_S("other"));
    return values;
}

/* The bucket of "other", which is put there if it is not yet. Under the mutex. */
static uint32_t publish_other(struct metrics *metrics, const struct metric *metric)
{
    const struct series *other = metrics_series(metrics, metric->other);
    _Atomic uint32_t *bucket =
        bucket_of(metrics, metric->id, other->hash, metrics_texts(metrics) + other->values,
                  other->values_size);

    atomic_store_explicit(bucket, metric->other + 1, memory_order_release);
    return metric->other;
}

static bool is_other(const struct metrics *metrics, const struct metric *metric, uint64_t hash,
                     const struct values *values)
{
    const struct series *other = metrics_series(metrics, metric->other);

    return other->hash == hash && other->values_size == values->n &&
           memcmp(metrics_texts(metrics) + other->values, values->bytes, values->n) == 0;
}

static uint32_t add_series(struct metrics *metrics, struct metric *metric, uint64_t hash,
                           const struct values *values)
{
    uint32_t number;

    mutex_lock(&metrics->mutex);
    _Atomic uint32_t *bucket = bucket_of(metrics, metric->id, hash, values->bytes, values->n);

    number = atomic_load_explicit(bucket, memory_order_relaxed);
    if (number) {
        number--;
    } else if (metric->count >= metric->max_series || is_other(metrics, metric, hash, values)) {
        number = publish_other(metrics, metric);
    } else {
        number = new_series(metrics, metric, values);
        if (number == UINT32_MAX) {
            number = publish_other(metrics, metric);
        } else {
            metric->count++;
            atomic_store_explicit(bucket, number + 1, memory_order_release);
        }
    }
    mutex_unlock(&metrics->mutex);
    return number;
}

/* Whether the series is one too many, which needs no lock to see: count never goes down. */
static bool is_full(struct metric *metric)
{
    return __atomic_load_n(&metric->count, __ATOMIC_RELAXED) >= metric->max_series;
}

static uint32_t find_series(struct metrics *metrics, struct metric *metric,
                            const struct values *values)
{
    uint64_t hash = hash_of(metrics, metric->id, values->bytes, values->n);
    uint32_t number = atomic_load_explicit(
        bucket_of(metrics, metric->id, hash, values->bytes, values->n), memory_order_acquire);

    if (number)
        return number - 1;
    if (is_full(metric) && metrics_published(metrics, metric->other))
        return metric->other;
    return add_series(metrics, metric, hash, values);
}

static struct metric *metric_of(struct metrics *metrics, int32_t id)
{
    uint32_t count = atomic_load_explicit(&metrics->n_metrics, memory_order_acquire);

    return id >= 0 && (uint32_t)id < count ? &metrics->metrics[id] : NULL;
}

struct metric_cell metric_find(struct metrics *metrics, unsigned slot, int32_t id,
                               const hg_str *values)
{
    struct metric *metric = metric_of(metrics, id);
    struct values packed;

    ensure(slot < metrics->layout.slots);
    if (!metrics_slot_used(metrics, slot))
        atomic_store_explicit(&metrics->used[slot], true, memory_order_relaxed);
    if (!metric)
        return (struct metric_cell){metrics_cell(metrics, slot, 0), &metrics->lost};
    packed.n = 0;
    for (uint32_t i = 0; i < metric->n_labels; i++)
        add_value(&packed, values[i]);
    uint32_t number = find_series(metrics, metric, &packed);

    return (struct metric_cell){metrics_cell(metrics, slot, metrics_series(metrics, number)->cell),
                                metric};
}

/* ---- declarations --------------------------------------------------------------------------- */

static bool is_name(const char *name, size_t room, bool colon)
{
    size_t n = strlen(name);

    if (n == 0 || n >= room || isdigit((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && (*name != ':' || !colon))
            return false;
    return true;
}

/* "le" is taken by the buckets, and what begins with "__" by Prometheus. */
static bool is_label(const char *name)
{
    return is_name(name, LABEL_NAME, false) && strncmp(name, "__", 2) != 0 &&
           strcmp(name, "le") != 0;
}

static bool copy_labels(struct metric *metric, const char *const *labels)
{
    for (; labels && *labels; labels++) {
        if (metric->n_labels == METRIC_LABELS_MAX || !is_label(*labels))
            return false;
        for (uint32_t i = 0; i < metric->n_labels; i++)
            if (strcmp(metric->labels[i], *labels) == 0)
                return false;
        snprintf(metric->labels[metric->n_labels++], LABEL_NAME, "%s", *labels);
    }
    return true;
}

static bool copy_bounds(struct metric *metric, const double *bounds, size_t n)
{
    if (n > METRIC_BOUNDS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(bounds[i]) || (i && bounds[i] <= bounds[i - 1]))
            return false;
        metric->bounds[i] = bounds[i];
    }
    metric->n_bounds = (uint32_t)n;
    return true;
}

static bool metric_from(struct metric *metric, const struct metric_spec *spec)
{
    bool histogram = spec->type == METRIC_HISTOGRAM;

    *metric = (struct metric){.type = spec->type, .real = spec->real && !histogram};
    if (!is_name(spec->name, METRIC_NAME - sizeof "_bucket", true) ||
        !copy_labels(metric, spec->labels) ||
        !copy_bounds(metric, spec->bounds, histogram ? spec->n_bounds : 0))
        return false;
    snprintf(metric->name, sizeof metric->name, "%s", spec->name);
    snprintf(metric->help, sizeof metric->help, "%s", spec->help ? spec->help : "");
    metric->n_cells = histogram ? metric->n_bounds + 2 : 1;
    metric->max_series = spec->max_series ? spec->max_series : MAX_SERIES;
    return true;
}

static bool is_same(const struct metric *a, const struct metric *b)
{
    if (a->type != b->type || a->real != b->real || a->n_labels != b->n_labels ||
        a->n_bounds != b->n_bounds || memcmp(a->labels, b->labels, sizeof a->labels) != 0)
        return false;
    for (uint32_t i = 0; i < a->n_bounds; i++)
        if (a->bounds[i] != b->bounds[i])
            return false;
    return true;
}

static int32_t declare(struct metrics *metrics, struct metric *wanted)
{
    uint32_t count = atomic_load_explicit(&metrics->n_metrics, memory_order_relaxed);

    for (uint32_t i = 0; i < count; i++)
        if (strcmp(metrics->metrics[i].name, wanted->name) == 0)
            return is_same(&metrics->metrics[i], wanted) ? (int32_t)i : -1;
    if (count == METRICS_MAX)
        return -1;
    struct values other = other_values(wanted->n_labels);

    wanted->id = count;
    wanted->other = new_series(metrics, wanted, &other);
    if (wanted->other == UINT32_MAX)
        return -1;
    metrics->metrics[count] = *wanted;
    atomic_store_explicit(&metrics->n_metrics, count + 1, memory_order_release);
    return (int32_t)count;
}

int32_t metric_declare(struct metrics *metrics, const struct metric_spec *spec)
{
    struct metric wanted;

    if (!metric_from(&wanted, spec))
        return -1;
    mutex_lock(&metrics->mutex);
    int32_t id = declare(metrics, &wanted);

    mutex_unlock(&metrics->mutex);
    return id;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void add_real(_Atomic uint64_t *at, double value)
{
    double sum = metrics_real(atomic_load_explicit(at, memory_order_relaxed)) + value;

    atomic_store_explicit(at, metrics_bits(sum), memory_order_relaxed);
}

void metric_add_real(struct metric_cell cell, double value)
{
    if (!isfinite(value) || (cell.metric->type == METRIC_COUNTER && value < 0))
        return;
    add_real(cell.at, value);
}

void metric_set_real(struct metric_cell cell, double value)
{
    if (isfinite(value))
        atomic_store_explicit(cell.at, metrics_bits(value), memory_order_relaxed);
}

void metric_observe(struct metric_cell cell, double value)
{
    uint32_t i = 0;

    if (!isfinite(value) || cell.metric->type != METRIC_HISTOGRAM)
        return;
    while (i < cell.metric->n_bounds && value > cell.metric->bounds[i])
        i++;
    metric_add((struct metric_cell){cell.at + i, cell.metric}, 1);
    add_real(cell.at + cell.metric->n_bounds + 1, value);
}

void metrics_forget(struct metrics *metrics, unsigned slot)
{
    uint32_t count = atomic_load_explicit(&metrics->n_series, memory_order_acquire);

    ensure(slot < metrics->layout.slots);
    if (!metrics_slot_used(metrics, slot))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct series *series = metrics_series(metrics, i);

        if (metrics->metrics[series->metric].type == METRIC_GAUGE)
            atomic_store_explicit(metrics_cell(metrics, slot, series->cell), 0,
                                  memory_order_relaxed);
    }
}
