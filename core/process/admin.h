/* admin.h - what control answers on the admin listener.
 *
 *   GET /metrics   Prometheus text     GET /healthz   200 while the gateway lives
 *                                      GET /readyz    200 while all workers serve, else 503
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct admin;
struct config;
struct loop;
struct region;
struct status;

struct admin_setup {
    struct loop *loop;
    const struct config *config;
    struct region *region;
    struct status *status;
    int fd; /* listening socket */
};

/* NULL and why, if its token or its certificate cannot be found. */
struct admin *admin_new(const struct admin_setup *setup, struct error *error);

/* Begins to accept; before, connections wait in the socket's queue. */
void admin_start(struct admin *admin);
void admin_stop(struct admin *admin); /* no new connections; those that are there may finish */
void admin_free(struct admin **admin);
