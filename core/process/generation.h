/* generation.h - all processes of one configuration: its workers, and its control.
 *
 *   coming ─► serving ─► draining ─► gone
 *
 * The newest serving generation's control reads the rings; see supervisor.h for the order. */
#pragma once

#include "base/error.h"
#include "process/child.h"
#include "process/listeners.h"

struct generation {
    struct generation *next; /* the one before it */
    unsigned number;
    struct config *config; /* owned */
    struct child *workers;
    unsigned worker_count;
    struct child control;
    int *sockets; /* the listeners, in the order of the configuration */
    size_t socket_count;
    int admin; /* -1: none */
    bool draining, cut;
};

/* Opens the sockets that are new and finds slots that are free; nothing runs yet. Takes `config`
 * over even when it fails. */
struct generation *generation_new(struct config *config, unsigned number,
                                  struct listeners *listeners, struct generation *others,
                                  const struct ground *ground, struct error *error);

/* No child of it will be started any more: sockets that nobody else has are closed, so that whoever
 * connects there hears it at once. */
void generation_give_sockets(struct generation *generation, struct listeners *listeners);

/* Gives sockets back. All its children must have ended. NULL is fine. */
void generation_free(struct generation **generation, struct listeners *listeners);

bool generation_start(struct generation *generation, const struct ground *ground);

/* Every child runs and has said so. */
bool generation_is_ready(const struct generation *generation);
unsigned generation_workers_ready(const struct generation *generation);
unsigned generation_workers_running(const struct generation *generation);
bool generation_is_gone(const struct generation *generation);

/* Workers take nothing new and get so long to finish. Again with less: they are cut. */
void generation_drain(struct generation *generation, hg_ns patience);

/* The keys of its sockets in `listeners`. */
struct listeners_key generation_listen_key(const struct config *config, size_t i);
struct listeners_key generation_admin_key(const struct config *config);

/* Goes over the children: workers first, control last; NULL at the end. */
struct child *generation_child(struct generation *generation, unsigned i);
