/* write_chat.h - private to openai_chat/: what the files that write a request share. */
#pragma once

#include "dialect/openai_chat/parts.h"
#include "dialect/translation.h"

struct writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
};

void openai_message_put(struct writing *writing, const struct chat_message *message);

/* A member that is a word; the beginning of an object with its type. */
void openai_put_word(struct chain *out, hg_str key, const char *word);
void openai_put_type(struct chain *out, const char *type);
