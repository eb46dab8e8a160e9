/* read_chat.h - private to converse/: what the files that read a client's request share. */
#pragma once

#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/converse/parts.h"

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
};

bool converse_system_read(struct reading *reading, hg_json blocks);
bool converse_messages_read(struct reading *reading, hg_json messages);

/* A cache point as Anthropic writes its mark. */
hg_str converse_cache_read(struct reading *reading, hg_json point);
