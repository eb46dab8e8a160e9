/* read_chat.h - private to cohere/: what the files that read a request share. */
#pragma once

#include "dialect/chat.h"
#include "dialect/cohere/parts.h"

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
};

bool cohere_messages_read(struct reading *reading, hg_json messages);

/* Documents beside the messages go before what the user said last. */
void cohere_documents_read(struct reading *reading, hg_json documents);
