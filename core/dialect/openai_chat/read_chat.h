/* read_chat.h - private to openai_chat/: what the files that read a request share. */
#pragma once

#include "dialect/chat.h"
#include "dialect/openai_chat/parts.h"

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
};

bool openai_messages_read(struct reading *reading, hg_json messages);
