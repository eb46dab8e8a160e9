/* write_chat.h - private to anthropic/: what the files that write a request share.
 *   write_chat.c      the document and its members
 *   write_messages.c  turns: whose they are, what stands first in them
 *   write_blocks.c    what stands in a turn
 *   write_tools.c     tools and the choice among them */
#pragma once

#include "dialect/anthropic/parts.h"
#include "dialect/translation.h"

enum {
    WRITE_KEYS_MAX = 24
};

struct writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
    struct error *error;
    const struct family *family;
    bool is_native; /* the request came in this format: what it says stays as it is */
    bool thinks;
    bool forces_json;                     /* the schema is kept by a forced tool */
    const char *keys[WRITE_KEYS_MAX + 1]; /* members of the root so far; ends with NULL */
    size_t key_count;
};

/* Begins a member of the root. */
void anthropic_key_put(struct writing *writing, const char *key);

/* Begins an object with its type. */
void anthropic_type_put(struct chain *out, const char *type);

void anthropic_cache_put(struct chain *out, hg_str cache);

/* ---- write_messages.c ------------------------------------------------------------------------ */

/* The members `system` and `messages`. `instruction` is told behind what the client says. */
bool anthropic_messages_put(struct writing *writing, hg_str instruction);

/* Whether a model that thinks by a budget may do so: it must have thought before its last call. */
bool anthropic_may_think(const struct writing *writing);

/* ---- write_blocks.c -------------------------------------------------------------------------- */

/* Whether the block makes something that this format can have. */
bool anthropic_is_said(const struct writing *writing, const struct chat_part *part);

/* `message` is its number, for errors. */
bool anthropic_block_put(struct writing *writing, const struct chat_part *part, size_t message);

/* A text without white space at its end, as the last of a turn that the model goes on with. */
void anthropic_text_put_trimmed(struct writing *writing, const struct chat_part *part);

hg_str anthropic_name_of(struct writing *writing, struct chat_text name);

/* ---- write_tools.c --------------------------------------------------------------------------- */

#define JSON_TOOL "json" /* the name of the tool that is forced to keep a schema */

void anthropic_tools_put(struct writing *writing);
bool anthropic_runs(const struct translation *translation, const struct chat *chat, hg_str type);
void anthropic_choice_put(struct writing *writing);

/* The schema with what this format's strict mode cannot keep told in descriptions. */
hg_str anthropic_schema_strict(struct writing *writing, hg_str schema);
