/* supervisor.h - the parent of all: listens, shares memory, forks, restarts, reloads.
 *
 *   supervisor ─► checker       once for each configuration
 *              ─► worker 1..N   of the serving generation, and of those that still drain
 *              ─► control       one; a second for the moment of a reload
 *
 * It evaluates nothing and maps no plugin, so it has nothing to crash on. */
#pragma once

struct supervisor_options {
    const char *config_path;
    const char *run_dir;
};

/* Runs until it is told to stop. Returns the exit status. */
int supervisor_run(const struct supervisor_options *options);
