/* read_chat.h - private to openai_responses/: what the files that read a request share. */
#pragma once

#include "dialect/chat.h"
#include "dialect/openai_responses/parts.h"

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
    struct chat_message *last;   /* what the next item may belong to */
    bool has_spoken, has_called; /* in `last` */
};

bool responses_input_read(struct reading *reading, hg_json input);
