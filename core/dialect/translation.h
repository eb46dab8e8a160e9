/* translation.h - one attempt between two dialects: what was lost on the way there, and what has to
 * be put back on the way home.
 *
 *   request   client ─► read_chat ─► chat ─► write_chat ─► provider
 *   answer    client ◄─ writer ◄─ translation_event ◄─ events ◄─ reader ◄─ provider
 *
 * Names and ids of tools that a provider refuses are replaced, the same for the same original, and
 * come back as they were. */
#pragma once

#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"

struct translation {
    struct arena *arena;
    const struct dialect *client, *provider;
    uint32_t traits;        /* of the provider: HG_WIRE_... flags */
    hg_str model;           /* what the provider is asked for */
    struct chat_name *lost; /* what was dropped or approximated, in the client's words */
    struct chat_name **lost_end;
    struct alias *aliases; /* of tool names and call ids */
    bool unwraps_json;     /* the tool `json` was forced on the model: its arguments are the text */
    bool encodes_vectors;  /* the client wants base64, and the provider gives numbers only */
};

void translation_begin(struct translation *translation, struct arena *arena,
                       const struct dialect *client, const struct dialect *provider, hg_str model);

/* Notes once that something does not arrive as it was meant: "logit_bias", "messages.3.audio". */
void translation_lose(struct translation *translation, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* All of it, with ", " between; empty if nothing was lost. */
hg_str translation_losses(const struct translation *translation);

/* A tool's name as the provider takes it: characters of [A-Za-z0-9_-] and of `also`, at most `max`
 * of them. */
hg_str translation_tool_name(struct translation *translation, struct chat_text name,
                             const char *also, size_t max);

/* The same with a replacement of the caller's own, `theirs`, for a name that it cannot take; a hash
 * is put to it if another tool has it already. */
hg_str translation_tool_alias(struct translation *translation, hg_str ours, hg_str theirs);

/* The id of a call as the provider takes it: characters of `also` beside letters and digits, at
 * most `max`, or exactly `max` if `is_exact`. */
hg_str translation_call_id(struct translation *translation, struct chat_text id, const char *also,
                           size_t max, bool is_exact);

/* The name of the end user for a provider that takes at most `max` characters: a longer one is
 * hashed, the same each time. */
struct chat_text translation_user(struct translation *translation, struct chat_text user,
                                  size_t max);

/* What an extra may do: true if it is to be written as it is (it is unknown to the client's dialect
 * and no name of `own`, which ends with NULL); otherwise it is noted as lost. */
bool translation_keeps(struct translation *translation, const struct chat_extra *extra,
                       const char *const *own);

/* Hands an event on to the client's writer, with names put back and forced JSON unwrapped. */
void translation_event(struct translation *translation, struct dialect_writer *writer,
                       const hg_event *event, struct chain *out);
