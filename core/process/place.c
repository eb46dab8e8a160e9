#include "process/place.h"

#include <stdio.h>

#include "base/clock.h"
#include "gateway/config/config.h"
#include "process/generation.h"
#include "shm/metrics.h"
#include "shm/region.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/slot.h"

struct region *place_region(const struct config *config, struct error *error)
{
    const struct region_plan plan = {
        .ring_size = config->ring_size,
        .ring_most = REGION_RING_MOST,
        .map_size = config->shared_size,
    };

    return region_new(&plan, error);
}

static void mark_used(bool *used, const struct generation *generation)
{
    for (unsigned i = 0; i < generation->worker_count; i++) {
        const struct child *worker = &generation->workers[i];

        if (child_runs(worker) || !worker->leaving)
            used[worker->slot] = true;
    }
    if (child_runs(&generation->control) || !generation->control.leaving)
        used[generation->control.slot] = true;
}

static bool has_records(struct region *region, unsigned slot)
{
    return ring_stats(region_ring(region, slot)).used > 0;
}

/* From the front, so that few pages of the region are ever touched. Rather one whose last records
 * are with the loggers, because only its ring can change its size. */
static bool find_free(struct region *region, bool *used, unsigned *ret_slot)
{
    unsigned found = region_slots(region);

    for (unsigned slot = region_slots(region); slot-- > 0;)
        if (!used[slot] && (found == region_slots(region) || !has_records(region, slot) ||
                            has_records(region, found)))
            found = slot;
    if (found == region_slots(region))
        return false;
    used[found] = true;
    *ret_slot = found;
    return true;
}

/* While one control hands over to the next, the later one sits among the workers. */
static bool find_control(struct region *region, bool *used, unsigned *ret_slot)
{
    unsigned usual = region_control_slot(region);

    if (used[usual])
        return find_free(region, used, ret_slot);
    *ret_slot = usual;
    return true;
}

bool place_find(const struct ground *ground, struct generation *generation,
                struct generation *others, struct error *error)
{
    bool used[REGION_SLOTS_MAX + 1] = {false};
    bool found = true;

    for (; others; others = others->next)
        mark_used(used, others);
    for (unsigned i = 0; i < generation->worker_count && found; i++)
        found = find_free(ground->region, used, &generation->workers[i].slot);
    found = found && find_control(ground->region, used, &generation->control.slot);
    if (!found)
        error_set(error,
                  "no room for %u more workers while older ones drain: try again when they have "
                  "ended (see `headgate status`)",
                  generation->worker_count);
    return found;
}

void place_begin(const struct ground *ground, const struct child *child)
{
    slot_begin(region_slot(ground->region, child->slot), 0, child->generation, clock_precise());
    region_ring_resize(ground->region, child->slot, child->config->ring_size);
}

void place_own(const struct ground *ground, const struct child *child)
{
    atomic_store(&region_slot(ground->region, child->slot)->pid, child->pid);
}

void place_end(const struct ground *ground, const struct child *child)
{
    metrics_forget(region_metrics(ground->region), child->slot);
    segments_left(region_segments(ground->region), child->pid);
    slot_clear(region_slot(ground->region, child->slot));
}

void place_culprit(const struct ground *ground, const struct child *child, char *ret, size_t size)
{
    struct culprit culprit;

    ret[0] = '\0';
    if (!culprit_read(region_slot(ground->region, child->slot), &culprit))
        return;
    snprintf(ret, size, "plugin %s/%s%s%s%s", culprit.instance, culprit.operation,
             *culprit.request ? " (request " : "", culprit.request, *culprit.request ? ")" : "");
}

hg_ns place_heartbeat(const struct ground *ground, const struct child *child)
{
    return atomic_load(&region_slot(ground->region, child->slot)->heartbeat);
}

unsigned place_open_streams(const struct ground *ground, const struct child *child)
{
    return (unsigned)atomic_load(&region_slot(ground->region, child->slot)->open_streams);
}
