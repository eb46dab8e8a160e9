/* write_chat.h - private to cohere/: what the files that write a request share. */
#pragma once

#include "dialect/chat.h"
#include "dialect/cohere/parts.h"
#include "dialect/translation.h"

struct writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
    struct chain *documents; /* texts that came as files; NULL: none */
    struct error *error;
};

void cohere_put_word(struct chain *out, hg_str key, hg_str word);

/* {"type":"..." of a new object */
void cohere_type_put(struct chain *out, hg_str type);

bool cohere_messages_put(struct writing *writing);
