/* change.h - a new configuration on its way into service: checked, started, promoted, or refused
 * with everything left as it was. The first start is a change too, from nothing.
 *
 *   idle ─► checking ─► starting ─► idle      ok, or the reason in one line
 */
#pragma once

#include "process/checker.h"
#include "process/fleet.h"

enum change_phase {
    CHANGE_IDLE,
    CHANGE_CHECKING,
    CHANGE_STARTING
};

struct change {
    enum change_phase phase;
    const char *config_path;
    struct fleet *fleet;
    struct checker checker;
    bool checker_ended;
    int checker_status;
    hg_ns deadline;
    unsigned last_generation;

    /* Of all changes so far, for `headgate reload`. */
    unsigned begun, ended;
    bool ok;             /* the last one that ended */
    struct error reason; /* if it did not work */
};

/* Starts one; the present one must have ended. */
void change_begin(struct change *change);

/* The checker has ended: for fleet_reap. `arg` is the change. */
void change_reaped(void *arg, pid_t pid, int wait_status);

/* Goes on as far as possible. */
void change_step(struct change *change);

/* Gives it up, because the gateway stops. */
void change_abandon(struct change *change);
