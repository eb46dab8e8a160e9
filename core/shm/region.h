/* region.h - the memory all processes of a gateway share: mapped once by the supervisor, inherited
 * by everything it forks, gone when the last of them is gone.
 *
 *   [ slots | metrics | shared map ]    [ rings, one per slot ]    [ segments ............ ]
 *
 * It holds nothing that a process could leave half done: every part says how it survives a SIGKILL
 * between any two instructions. Pages are used only once they are written, so generous sizes cost
 * address space, not memory; nothing of it appears in core dumps. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct region;
struct slot;
struct ring;
struct metrics;
struct map;
struct segments;

/* More slots than workers, because the workers of the last generation drain beside the new ones.
 * The slot behind the last worker slot belongs to control. */
enum {
    WORKERS_MAX = 64,
    REGION_SLOTS_MAX = 2 * WORKERS_MAX,
    REGION_RING_MOST = 1 << 30, /* bytes */
};

struct region_plan {
    unsigned slots;        /* for workers; 0: 2 * WORKERS_MAX. Control's comes on top. */
    uint64_t ring_size;    /* bytes of log ring per slot; 0: 4 MiB. Rounded up to a power of two. */
    uint64_t ring_most;    /* what region_ring_resize may ask for; 0: no more than ring_size */
    uint32_t metric_cells; /* numbers per process, see metrics.h; 0: 16384 */
    uint64_t map_size;     /* bytes of the shared map; 0: 16 MiB, which is also the least */
};

/* NULL with an error if the system refuses the mapping. */
struct region *region_new(const struct region_plan *plan, struct error *error);

/* Unmaps it in this process only. */
void region_free(struct region **region);

unsigned region_slots(const struct region *region);        /* slots for workers */
unsigned region_control_slot(const struct region *region); /* the number of control's slot */

struct slot *region_slot(struct region *region, unsigned number); /* a worker's or control's */
struct ring *region_ring(struct region *region, unsigned number); /* the same numbers */

/* For the supervisor, between two processes of a slot: the next one's ring will hold `size` bytes.
 * False, and it stays as it is, as long as records of the last one are in it. */
bool region_ring_resize(struct region *region, unsigned number, uint64_t size);

/* The size that a ring may have: as much as was planned, or as the system gave us room for. */
uint64_t region_ring_most(const struct region *region);

struct metrics *region_metrics(struct region *region);
struct map *region_map(struct region *region);
struct segments *region_segments(struct region *region);
