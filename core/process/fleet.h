/* fleet.h - all children of the supervisor: reaps and restarts them, watches their heartbeats, and
 * lets exactly one control process read the log rings. */
#pragma once

#include <poll.h>

#include "process/generation.h"

enum {
    FLEET_DRAINING_MOST = 2
};

/* How long a worker may be silent before it counts as hung. */
#define FLEET_SILENCE (10 * NS_PER_S)

struct fleet {
    struct ground ground;
    struct listeners *listeners;
    struct generation *newest;  /* the list, newest first */
    struct generation *coming;  /* not yet ready, or NULL */
    struct generation *serving; /* takes the traffic, or NULL */
    struct child *reader;       /* the control that has the rings, or NULL */
    bool stopping;
    bool changed; /* something a human would see */
    hg_ns last_watch;
};

/* Takes notice of every child that has ended. Others are told to `on_other`. */
void fleet_reap(struct fleet *fleet, void (*on_other)(void *arg, pid_t pid, int wait_status),
                void *arg);

/* Reads what a child has to say. */
void fleet_hear(struct fleet *fleet, struct child *child);

/* Does what is due: restarts, kills, the watchdog, the rings' reader, the status page. */
void fleet_keep(struct fleet *fleet);

/* The next moment fleet_keep must run. */
hg_ns fleet_due(const struct fleet *fleet);

/* The coming generation takes over; the one before it drains. */
void fleet_promote(struct fleet *fleet);

/* The coming generation will not serve: it goes. */
void fleet_give_up(struct fleet *fleet);

/* No more traffic: all workers drain. Again with less patience: they are cut. */
void fleet_stop(struct fleet *fleet, hg_ns patience);
bool fleet_has_workers(const struct fleet *fleet);
bool fleet_is_gone(const struct fleet *fleet);

/* All running children of all generations; returns their count, at most `most`. */
size_t fleet_children(const struct fleet *fleet, struct child **ret_children, size_t most);
