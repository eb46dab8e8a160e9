#include "process/log_pump.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "shm/region.h"
#include "shm/ring.h"

enum {
    RECORDS_PER_RING = 512, /* in one turn, so that no ring waits for another */
    RECORDS_WORTH_IT = 64   /* for less the next look may come later */
};

/* Looking costs as much as some ten records, so the pause grows until a look is worth it. It ends
 * where a worker that begins to be busy meanwhile could fill its ring: 40 bytes a microsecond are
 * more than one writes. A ring of 4 MiB allows 100 ms. */
#define POLL_LEAST        (10 * NS_PER_MS)
#define RING_BYTES_PER_US 40
#define POLL_MOST(size)   ((hg_ns)((size) / RING_BYTES_PER_US) * 1000)

struct log_pump {
    struct log_pump_setup setup;
    struct timer timer;
    struct task soon;
    hg_ns wait;
    bool running, finishing;
    void (*on_empty)(void *arg);
    void *arg;
    struct metric_cell unreadable;
    struct buffer scratch; /* where lines are put together */
};

static void spread(struct log_pump *pump, hg_str bytes)
{
    struct log_record *record = log_record_new(bytes, &pump->scratch);

    if (!record) {
        metric_add(pump->unreadable, 1);
        return;
    }
    for (size_t i = 0; i < pump->setup.sink_count; i++)
        sink_push(pump->setup.sinks[i], record);
    log_record_unref(record);
}

static bool have_room(const struct log_pump *pump)
{
    for (size_t i = 0; i < pump->setup.sink_count; i++)
        if (!sink_has_room(pump->setup.sinks[i]))
            return false;
    return true;
}

/* With a full sink the records may wait in the ring for a while. But one logger that is down must
 * not take the ring from the others, nor fill it up for good. */
static bool may_read(const struct log_pump *pump, const struct ring *ring)
{
    struct ring_stats stats;

    if (have_room(pump))
        return true;
    if (pump->finishing)
        return false;
    stats = ring_stats(ring);
    return stats.used > stats.size / 2;
}

static void deliver(const struct log_pump *pump)
{
    for (size_t i = 0; i < pump->setup.sink_count; i++)
        sink_go(pump->setup.sinks[i]);
}

/* A record is released once it was offered to the loggers: if we die before, our successor sees it
 * again. */
static size_t read_ring(struct log_pump *pump, struct ring *ring)
{
    uint64_t cursor = 0;
    size_t count = 0;
    hg_str bytes;

    while (count < RECORDS_PER_RING && may_read(pump, ring) && ring_next(ring, &cursor, &bytes)) {
        spread(pump, bytes);
        count++;
    }
    if (!count)
        return 0;
    deliver(pump);
    ring_release_to(ring, cursor);
    return count;
}

static bool all_empty(const struct log_pump *pump)
{
    for (unsigned i = 0; i < region_slots(pump->setup.region); i++)
        if (ring_stats(region_ring(pump->setup.region, i)).used)
            return false;
    return true;
}

static size_t look(struct log_pump *pump)
{
    size_t found = 0;

    for (unsigned i = 0; i < region_slots(pump->setup.region); i++)
        found += read_ring(pump, region_ring(pump->setup.region, i));
    return found;
}

static hg_ns next_wait(const struct log_pump *pump, size_t found)
{
    hg_ns most = POLL_MOST(ring_stats(region_ring(pump->setup.region, 0)).size);
    hg_ns wait = pump->wait + pump->wait / 2;

    if (found >= RECORDS_WORTH_IT || pump->finishing || most < POLL_LEAST)
        return POLL_LEAST;
    return wait < most ? wait : most;
}

static void on_time(void *arg)
{
    struct log_pump *pump = arg;
    size_t found = look(pump);

    if (!pump->running)
        return;
    pump->wait = next_wait(pump, found);
    if (pump->finishing && all_empty(pump)) {
        pump->running = false;
        pump->on_empty(pump->arg);
        return;
    }
    timer_set(pump->setup.loop, &pump->timer, clock_now() + pump->wait);
}

void log_pump_start(struct log_pump *pump)
{
    pump->running = true;
    pump->wait = POLL_LEAST;
    task_queue(pump->setup.loop, &pump->soon);
}

void log_pump_stop(struct log_pump *pump)
{
    pump->running = false;
    timer_clear(pump->setup.loop, &pump->timer);
    task_clear(pump->setup.loop, &pump->soon);
}

void log_pump_finish(struct log_pump *pump, void (*on_empty)(void *arg), void *arg)
{
    pump->running = pump->finishing = true;
    pump->on_empty = on_empty;
    pump->arg = arg;
    task_queue(pump->setup.loop, &pump->soon);
}

struct log_pump *log_pump_new(const struct log_pump_setup *setup)
{
    static const struct metric_spec spec = {
        .type = METRIC_COUNTER,
        .name = "headgate_log_records_unreadable_total",
        .help = "Records in a ring that made no sense.",
    };
    struct metrics *metrics = region_metrics(setup->region);
    struct log_pump *pump = xcalloc(1, sizeof *pump);

    pump->setup = *setup;
    pump->timer = (struct timer){.fn = on_time, .arg = pump};
    pump->soon = (struct task){.fn = on_time, .arg = pump};
    pump->unreadable = metric_find(metrics, setup->slot, metric_declare(metrics, &spec), NULL);
    return pump;
}

void log_pump_free(struct log_pump **pump)
{
    if (!*pump)
        return;
    log_pump_stop(*pump);
    buffer_done(&(*pump)->scratch);
    free(*pump);
    *pump = NULL;
}
