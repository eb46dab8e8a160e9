/* status.h - how the gateway is: one page of shared memory, written by the supervisor and
 * read by control's admin listener. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum status_phase {
    STATUS_STARTING,
    STATUS_RUNNING,
    STATUS_STOPPING
};

struct status {
    _Atomic uint32_t phase; /* enum status_phase */
    _Atomic uint32_t generation;
    _Atomic uint32_t workers_wanted, workers_ready; /* of the newest serving generation */
    _Atomic uint32_t workers_draining;              /* of the older ones */
    _Atomic uint64_t restarts;                      /* of workers, since the start */
    _Atomic uint64_t control_restarts;
    _Atomic uint64_t reloads, reloads_failed;
    _Atomic int64_t started_us; /* since 1970 */
};

/* Zeroed, shared with the children that are forked later. Dies with the last of them. */
struct status *status_new(void);

const char *status_phase_name(enum status_phase phase);
