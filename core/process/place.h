/* place.h - the places of children in the shared region: one slot each, found free, cleared between
 * two lives, and read after a death to learn whose fault it was. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <headgate/abi.h>

#include "base/error.h"

struct child;
struct config;
struct generation;
struct ground;
struct region;

/* The region, as large as the configuration wants it. NULL and why. */
struct region *place_region(const struct config *config, struct error *error);

/* Gives each child of the new generation a slot that no running one uses. `others` is the list of
 * the present generations. */
bool place_find(const struct ground *ground, struct generation *generation,
                struct generation *others, struct error *error);

/* Before the fork, after it, and once the process is reaped and its culprit read. */
void place_begin(const struct ground *ground, const struct child *child);
void place_own(const struct ground *ground, const struct child *child);
void place_end(const struct ground *ground, const struct child *child);

/* "plugin pii/check (request 0abc)", or an empty text if no plugin was running. */
void place_culprit(const struct ground *ground, const struct child *child, char *ret, size_t size);

hg_ns place_heartbeat(const struct ground *ground, const struct child *child);
unsigned place_open_streams(const struct ground *ground, const struct child *child);
