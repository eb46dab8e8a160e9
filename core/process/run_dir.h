/* run_dir.h - the folder of a running gateway: who it is and how to reach it.
 *
 *   lock        held by the supervisor, so that two gateways never share a folder
 *   pid         its process id
 *   state.json  what `headgate status` prints; see state.h
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* The default folder: $XDG_RUNTIME_DIR/headgate, else /run/headgate for root, else
 * headgate-UID in $TMPDIR or /tmp. The text is freed by the caller. */
char *run_dir_default(void);

/* Makes the folder if need be (0700, ours alone), locks it and writes the pid. Returns the lock's
 * descriptor, which must stay open, or -1. */
int run_dir_claim(const char *dir, struct error *error);

/* Removes pid and state. The lock file stays: removing it would let two gateways hold two locks. */
void run_dir_leave(const char *dir);

/* The process id of the gateway that holds the folder. */
bool run_dir_holder(const char *dir, pid_t *ret_pid, struct error *error);

/* Writes a file of the folder as a whole or not at all. */
bool run_dir_write(const char *dir, const char *name, const char *text, size_t n);

/* "DIR/NAME"; freed by the caller. */
char *run_dir_path(const char *dir, const char *name);

/* Removes a folder that was made for a moment, with the files and folders in it. */
void run_dir_remove(const char *dir);
