/* control.h - the process beside the workers: empties their log rings into the loggers and answers
 * the admin listener. Nothing here can slow traffic down. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct config;
struct region;
struct status;

struct control_setup {
    const struct config *config;
    struct region *region;
    struct status *status;
    const char *run_dir;
    unsigned generation;
    unsigned slot; /* its place in the region */
    int channel;   /* to the supervisor */
    int admin;     /* listening socket; -1: none */
};

/* Reads the rings once the supervisor gives them (CHANNEL_TAKE), until it takes them back or
 * finishes. Returns the exit status. Call it in a process of its own, right after the fork. */
int control_run(const struct control_setup *setup);
