/* worker.h - a process that serves: one loop, one gateway, all client traffic of its share. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct config;
struct region;

struct worker_setup {
    const struct config *config;
    struct region *region;
    const char *run_dir;
    unsigned number; /* 1, 2, ... in its generation */
    unsigned slot;   /* its place in the region */
    unsigned generation;
    int channel;          /* to the supervisor */
    const int *listeners; /* in the order of the configuration */
    size_t listener_count;
};

/* Serves until it has been drained, or the supervisor is gone. Returns the exit status. Call it in
 * a process of its own, right after the fork. */
int worker_run(const struct worker_setup *setup);
