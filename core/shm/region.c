#include "shm/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ensure.h"

#include "shm/map.h"
#include "shm/metrics.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/slot.h"

struct region {
    size_t size; /* of the mapping, this header included */
    unsigned slots;
    size_t slots_at, metrics_at, segments_at, map_at;
    char *rings; /* a mapping of its own, so that each ring has room to grow */
    uint64_t ring_stride, ring_most;
    char *room; /* for segments: a mapping of its own, as large as we get */
    size_t room_size;
};

enum {
    RING_SIZE = 4 << 20,
    RING_SIZE_MIN = 64 << 10,
    METRIC_CELLS = 16384,
    METRIC_CELLS_MIN = 256,
    METRIC_CELLS_MAX = 1 << 20,
    PAGE = 4096
};

static uint64_t power_of_two(uint64_t n)
{
    uint64_t power = RING_SIZE_MIN;

    while (power < n && power <= REGION_RING_MOST)
        power *= 2;
    return power;
}

static struct region_plan with_defaults(const struct region_plan *plan)
{
    struct region_plan full = *plan;

    if (!full.slots)
        full.slots = REGION_SLOTS_MAX;
    if (!full.metric_cells)
        full.metric_cells = METRIC_CELLS;
    if (full.metric_cells < METRIC_CELLS_MIN)
        full.metric_cells = METRIC_CELLS_MIN;
    if (full.map_size < MAP_SIZE_MIN)
        full.map_size = MAP_SIZE_MIN;
    full.ring_size = power_of_two(full.ring_size ? full.ring_size : RING_SIZE);
    full.ring_most = power_of_two(full.ring_most);
    if (full.ring_most < full.ring_size)
        full.ring_most = full.ring_size;
    return full;
}

static bool plan_is_sane(const struct region_plan *plan, struct error *error)
{
    if (plan->slots > REGION_SLOTS_MAX)
        return error_set(error, "shared memory: %u slots are more than %d", plan->slots,
                         REGION_SLOTS_MAX);
    if (plan->ring_size > REGION_RING_MOST || plan->ring_most > REGION_RING_MOST)
        return error_set(error, "ring_size: more than 1GB for each worker");
    if (plan->metric_cells > METRIC_CELLS_MAX)
        return error_set(error, "shared memory: too many metric cells");
    if (plan->map_size > UINT64_C(64) << 30)
        return error_set(error, "shared_size: more than 64GB");
    return true;
}

/* Anonymous pages are zero and take no memory until they are written. */
static void *map_pages(size_t size)
{
    void *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    madvise(at, size, MADV_DONTDUMP);
    return at;
}

/* Takes `size` bytes of the layout, from a new page on. */
static size_t take(size_t *end, size_t size)
{
    size_t at = *end;

    *end = (at + size + PAGE - 1) & ~(size_t)(PAGE - 1);
    return at;
}

static struct region lay_out(const struct region_plan *plan)
{
    struct region region = {.slots = plan->slots};
    unsigned all = plan->slots + 1;
    size_t end = PAGE;

    region.slots_at = take(&end, all * sizeof(struct slot));
    region.metrics_at = take(&end, metrics_bytes(all, plan->metric_cells));
    region.segments_at = take(&end, segments_bytes());
    region.map_at = take(&end, plan->map_size);
    region.size = end;
    return region;
}

/* Where the system does not give us that much address space, less will do; for the segments too. */
static bool map_rings(struct region *region, const struct region_plan *plan)
{
    for (uint64_t most = plan->ring_most; most >= plan->ring_size; most /= 2) {
        size_t end = 0;

        take(&end, ring_bytes(most));
        region->ring_most = most;
        region->ring_stride = end;
        region->rings = map_pages((plan->slots + 1) * end);
        if (region->rings)
            return true;
    }
    return false;
}

static void map_room(struct region *region)
{
    for (region->room_size = (size_t)1 << 40; region->room_size >= 64 << 20;
         region->room_size /= 4) {
        region->room = map_pages(region->room_size);
        if (region->room)
            return;
    }
    region->room_size = 0;
}

struct region *region_new(const struct region_plan *wanted, struct error *error)
{
    struct region_plan plan = with_defaults(wanted);

    if (!plan_is_sane(&plan, error))
        return NULL;
    struct region layout = lay_out(&plan);
    struct region *region = map_pages(layout.size);

    if (region)
        *region = layout;
    if (!region || !map_rings(region, &plan)) {
        error_set(error, "cannot map %zu MB of shared memory: %s",
                  (layout.size + (plan.slots + 1) * plan.ring_size) >> 20, strerror(errno));
        region_free(&region);
        return NULL;
    }
    map_room(region);
    metrics_init(region_metrics(region), plan.slots + 1, plan.metric_cells);
    segments_init(region_segments(region), region->room, region->room_size);
    for (unsigned i = 0; i <= plan.slots; i++)
        ring_init(region_ring(region, i), plan.ring_size);
    map_init(region_map(region), plan.map_size);
    return region;
}

void region_free(struct region **region)
{
    struct region *gone = *region;

    *region = NULL;
    if (!gone)
        return;
    if (gone->room)
        munmap(gone->room, gone->room_size);
    if (gone->rings)
        munmap(gone->rings, (gone->slots + 1) * gone->ring_stride);
    munmap(gone, gone->size);
}

unsigned region_slots(const struct region *region)
{
    return region->slots;
}

unsigned region_control_slot(const struct region *region)
{
    return region->slots;
}

static void *part(struct region *region, size_t at)
{
    return (char *)region + at;
}

struct slot *region_slot(struct region *region, unsigned number)
{
    ensure(number <= region->slots);
    return part(region, region->slots_at + number * sizeof(struct slot));
}

struct ring *region_ring(struct region *region, unsigned number)
{
    ensure(number <= region->slots);
    return (struct ring *)(void *)(region->rings + number * region->ring_stride);
}

bool region_ring_resize(struct region *region, unsigned number, uint64_t size)
{
    uint64_t wanted = power_of_two(size ? size : RING_SIZE);

    return wanted <= region->ring_most && ring_resize(region_ring(region, number), wanted);
}

uint64_t region_ring_most(const struct region *region)
{
    return region->ring_most;
}

struct metrics *region_metrics(struct region *region)
{
    return part(region, region->metrics_at);
}

struct map *region_map(struct region *region)
{
    return part(region, region->map_at);
}

struct segments *region_segments(struct region *region)
{
    return part(region, region->segments_at);
}
