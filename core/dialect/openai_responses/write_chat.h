/* write_chat.h - private to openai_responses/: what the files that write a request share. */
#pragma once

#include "dialect/openai_responses/parts.h"
#include "dialect/translation.h"

struct writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
    struct error *error;
    bool is_own;     /* the request came in this format */
    bool has_custom; /* some tool takes free text */
};

/* The members `instructions` and `input`. */
bool responses_input_put(struct writing *writing);

/* {"type":"<type>", left open. */
void responses_type_put(struct chain *out, const char *type);
void responses_raw_put(struct chain *out, hg_str key, hg_str raw);
void responses_word_put(struct chain *out, hg_str key, hg_str word);
void responses_text_member_put(struct chain *out, hg_str key, struct chat_text text);
