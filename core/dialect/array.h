/* array.h - a stream as one JSON array of what its events hold, written as they come: the form that
 * Google's clients get unless they ask for events.
 *
 *   data: {"a":1}        [{"a":1}
 *   data: {"b":2}   ─►   ,
 *                        {"b":2}] */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

struct array;

struct array *array_new(struct arena *arena, uint32_t framing);

/* Bytes of the stream, cut anywhere. */
void array_add(struct array *array, hg_str bytes);

/* The stream has ended: closes the array, which may be empty. */
void array_end(struct array *array);

/* What is to be sent now, valid until the next call, and that it was. */
hg_str array_text(const struct array *array);
void array_sent(struct array *array);
