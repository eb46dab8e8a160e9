#include "process/gauges.h"

#include <inttypes.h>
#include <stdio.h>

#include <headgate/abi.h>

#include "process/status.h"
#include "shm/map.h"
#include "shm/region.h"
#include "shm/ring.h"
#include "shm/slot.h"

struct sums {
    uint64_t streams, connections;
    uint64_t ring_used, ring_dropped, ring_corrupt;
};

static bool is_alive(const struct slot *slot)
{
    return slot->state == SLOT_READY || slot->state == SLOT_DRAINING;
}

static struct sums sum_slots(struct region *region)
{
    struct sums sums = {0};

    for (unsigned i = 0; i < region_slots(region); i++) {
        const struct slot *slot = region_slot(region, i);
        struct ring_stats ring = ring_stats(region_ring(region, i));

        if (is_alive(slot)) {
            sums.streams += slot->open_streams;
            sums.connections += slot->open_connections;
        }
        sums.ring_used += ring.used;
        sums.ring_dropped += ring.dropped;
        sums.ring_corrupt += ring.corrupt;
    }
    return sums;
}

static void put(struct buffer *out, const char *name, const char *type, const char *help,
                const char *labels, double value)
{
    char text[512];
    int n = snprintf(text, sizeof text, "# HELP %s %s\n# TYPE %s %s\n%s%s %.17g\n", name, help,
                     name, type, name, labels, value);

    if (n > 0 && (size_t)n < sizeof text)
        buffer_add(out, text, (size_t)n);
}

static void put_gauge(struct buffer *out, const char *name, const char *help, double value)
{
    put(out, name, "gauge", help, "", value);
}

static void put_counter(struct buffer *out, const char *name, const char *help, double value)
{
    put(out, name, "counter", help, "", value);
}

static void put_processes(struct buffer *out, struct status *status)
{
    char build[96];

    snprintf(build, sizeof build, "{version=\"%s\",abi=\"%d.%d\"}", HEADGATE_VERSION, HG_ABI_MAJOR,
             HG_ABI_MINOR);
    put(out, "headgate_build_info", "gauge", "The version, as labels.", build, 1);
    put_gauge(out, "headgate_start_time_seconds", "When the gateway started, since 1970.",
              (double)status->started_us / 1e6);
    put_gauge(out, "headgate_generation", "How many configurations have been put into service.",
              status->generation);
    put_gauge(out, "headgate_workers", "Workers of the present generation that serve.",
              status->workers_ready);
    put_gauge(out, "headgate_workers_wanted", "Workers the configuration asks for.",
              status->workers_wanted);
    put_gauge(out, "headgate_workers_draining", "Workers of earlier generations that still drain.",
              status->workers_draining);
    put_counter(out, "headgate_worker_restarts_total", "Workers that died and were replaced.",
                (double)status->restarts);
    put_counter(out, "headgate_control_restarts_total", "The same for the control process.",
                (double)status->control_restarts);
    put_counter(out, "headgate_reloads_total", "Reloads that were asked for.",
                (double)status->reloads);
    put_counter(out, "headgate_reloads_failed_total", "Reloads that were refused.",
                (double)status->reloads_failed);
}

static void put_shared(struct buffer *out, struct region *region)
{
    struct sums sums = sum_slots(region);
    struct map_stats map = map_stats(region_map(region));

    put_gauge(out, "headgate_open_requests", "Requests under way.", (double)sums.streams);
    put_gauge(out, "headgate_open_connections", "Connections of clients.",
              (double)sums.connections);
    put_gauge(out, "headgate_log_ring_bytes", "Bytes of records waiting in the log rings.",
              (double)sums.ring_used);
    put_counter(out, "headgate_log_ring_dropped_total", "Records that found a log ring full.",
                (double)sums.ring_dropped);
    put_counter(out, "headgate_log_ring_corrupt_total", "Times that a log ring made no sense.",
                (double)sums.ring_corrupt);
    put_gauge(out, "headgate_shared_entries", "Entries of the shared map.", (double)map.entries);
    put_gauge(out, "headgate_shared_bytes", "Bytes in use in the shared map.", (double)map.used);
    put_counter(out, "headgate_shared_evicted_total", "Entries that had to make room.",
                (double)map.evicted);
}

void gauges_write(struct region *region, struct status *status, struct buffer *out)
{
    put_processes(out, status);
    put_shared(out, region);
}
