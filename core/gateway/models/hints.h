/* hints.h - what the catalogue knows about models that a configuration names: nothing that stops a
 * start, but what an operator wants to hear at one. */
#pragma once

#include <stdint.h>

#include <headgate/abi.h>

struct gateway;

enum {
    HINT_ROOM = 200
};

/* Logs a warning for each target and alias whose model goes soon or has gone, or is written as none
 * is but another nearly. */
void hints_log(const struct gateway *gateway);

/* The warning for one model, without its name; empty if there is none. `today` is 20261124. The
 * text is in `room`. */
hg_str hint_for(hg_str vendor, hg_str model, uint32_t today, char room[static HINT_ROOM]);
