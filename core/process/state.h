/* state.h - state.json in the run folder: the supervisor writes it when something has changed, and
 * when SIGUSR2 asks; the commands status and reload read it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "process/change.h"

/* Writes how the gateway is. `written` counts the writes, so that a reader can tell a new state
 * from an old one. */
bool state_write(const struct change *change, const char *phase, unsigned written);

/* NULL if there is none that can be read. */
json_t *state_read(const char *run_dir);

/* A text for JSON. What a plugin or a file put into it need not be UTF-8: such bytes become '?'. */
json_t *state_text(const char *text);
