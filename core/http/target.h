/* target.h - the target of a request: which path and which query it names. */
#pragma once

#include "base/arena.h"
#include "http/head.h"

/* Reads head->target into head->path and head->query; an absolute target must name the host that
 * head->host does. Returns NULL, or why it is refused, as a static text. */
const char *target_split(struct head *head, struct arena *arena);
