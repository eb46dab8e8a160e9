/* slot.h - what a process tells the supervisor about itself, by stores alone. It can be read while
 * the process runs and after it has died, also by SIGKILL.
 *
 * One process writes a slot at a time: the one that the supervisor gave it to. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <headgate/abi.h>

enum slot_state {
    SLOT_FREE,
    SLOT_STARTING,
    SLOT_READY,
    SLOT_DRAINING,
    SLOT_STOPPED
};

enum {
    CULPRIT_INSTANCE = 64,
    CULPRIT_OPERATION = 32,
    CULPRIT_REQUEST = 64
};

/* Which plugin code is running, so that a crash has a name. Texts are cut to fit, and end with NUL
 * at any moment. */
struct culprit {
    _Atomic uint32_t running; /* 0: core code is running */
    char instance[CULPRIT_INSTANCE];
    char operation[CULPRIT_OPERATION];
    char request[CULPRIT_REQUEST];
};

struct slot {
    /* Set by the supervisor when it gives the slot away. */
    _Alignas(64) _Atomic int32_t pid;
    _Atomic uint32_t state;      /* enum slot_state; the process moves it on */
    _Atomic uint64_t generation; /* of the configuration it runs */
    _Atomic int64_t started_at;  /* clock_precise() */

    /* Set by the process, each by plain relaxed stores. */
    _Alignas(64) _Atomic int64_t heartbeat; /* clock_now() of its last turn of the loop */
    _Atomic uint64_t open_streams;          /* requests under way */
    _Atomic uint64_t open_connections;      /* of clients */
    _Atomic uint64_t accepted;              /* connections since the process started */

    _Alignas(64) struct culprit culprit;
};

/* Makes the slot ready for a new process: everything zero but pid, generation, started_at,
 * heartbeat and the state SLOT_STARTING. The supervisor calls it before the fork with pid 0 and
 * stores the pid after it, or the child calls it itself. */
void slot_begin(struct slot *slot, int32_t pid, uint64_t generation, hg_ns now);

/* For the supervisor, once the process is reaped and its culprit read. */
void slot_clear(struct slot *slot);

static inline void slot_beat(struct slot *slot, hg_ns now)
{
    atomic_store_explicit(&slot->heartbeat, now, memory_order_relaxed);
}

/* A number only this process writes: no locked instruction needed. */
static inline void slot_add(_Atomic uint64_t *number, int64_t delta)
{
    uint64_t value = atomic_load_explicit(number, memory_order_relaxed);

    atomic_store_explicit(number, value + (uint64_t)delta, memory_order_relaxed);
}

/* Around every call into a plugin. Does not nest: a set replaces what was there. */
void culprit_set(struct slot *slot, const char *instance, const char *operation, hg_str request_id);

static inline void culprit_clear(struct slot *slot)
{
    atomic_store_explicit(&slot->culprit.running, 0, memory_order_release);
}

/* For the supervisor: a copy of the culprit's texts; false if core code was running. */
bool culprit_read(const struct slot *slot, struct culprit *ret_culprit);
