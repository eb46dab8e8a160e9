/* read_chat.h - private to anthropic/: what the files that read a request share. */
#pragma once

#include "dialect/anthropic/parts.h"
#include "dialect/chat.h"

/* Where a block stands, for errors. */
struct place {
    size_t message, block;
    size_t outer; /* is_inner: the block that has it in its content */
    bool is_inner;
};

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
    struct place place;
    bool is_refused; /* the error is set */
};

/* Something below the root that no other format has: noted by its dotted name. */
void anthropic_note(struct reading *reading, const char *name, hg_json value);

/* ---- read_blocks.c --------------------------------------------------------------------------- */

bool anthropic_system_read(struct reading *reading, hg_json system);
bool anthropic_messages_read(struct reading *reading, hg_json messages);
