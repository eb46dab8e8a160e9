/* slots.h - for readers: the tool calls of one streamed answer, put together from fragments that
 * servers number, name and repeat in many ways. Gives TOOL_START once id and name are known, then
 * TOOL_ARGS, TOOL_END; an index counts the calls of its choice from 0 in order of appearance. */
#pragma once

#include "dialect/dialect.h"

struct slots;

struct slots *slots_new(struct arena *arena, const struct dialect_sink *sink);

/* A fragment. `key` is the server's own number of the call, negative if it gave none: then an id
 * never seen opens a call, and no id means the one before. The same key with another id opens a new
 * call. An id that never comes is made. Empty texts are nothing. */
void slots_add(struct slots *slots, uint32_t choice, int64_t key, hg_str id, hg_str name,
               hg_str args);

/* A call is whole ("{}" is given if it had no arguments), or all of a choice, or all there are. */
void slots_end(struct slots *slots, uint32_t choice, int64_t key);
void slots_end_choice(struct slots *slots, uint32_t choice);
void slots_end_all(struct slots *slots);

/* Whether the choice had a call, or has one that only waits for its id: its finish is HG_FIN_TOOLS
 * then, whatever the server says. */
bool slots_any(const struct slots *slots, uint32_t choice);
