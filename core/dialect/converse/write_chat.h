/* write_chat.h - private to converse/: what the files that write a provider's request share.
 *   write_chat.c      the root
 *   write_messages.c  what was said, called and answered
 *   write_media.c     images and files
 *   write_tools.c     tools and the choice between them
 *   write_options.c   sampling, reasoning, formats */
#pragma once

#include "dialect/converse/family.h"
#include "dialect/converse/parts.h"
#include "dialect/translation.h"
#include "json/write.h"

struct writing {
    struct translation *to;
    const struct chat *chat;
    const struct family *family;
    struct chain *out;
    struct error *error;

    bool has_calls;    /* in its history */
    bool thinks;       /* Claude is to reason: no sampling, no forced tool */
    bool forces_json;  /* the one tool is `json` */
    bool asks_json;    /* a sentence of the system's asks for it */
    bool moves_choice; /* the choice of tools stands among the model's own members */

    /* The turn that is open: Bedrock wants users and assistants to alternate. */
    uint32_t role; /* 0: none is */
    bool has_text, has_document;
    unsigned documents; /* so far; their names must differ */
};

static inline bool writing_is(const struct writing *writing, uint32_t flag)
{
    return writing->family->flags & flag;
}

bool converse_messages_write(struct writing *writing);
void converse_system_write(struct writing *writing);

/* Whether a part becomes a block; false with an error if it cannot be told at all. */
bool converse_media_write(struct writing *writing, const struct chat_part *part);

/* {"cachePoint":{...}} as an element of the list that is open, if the model knows them. */
void converse_cache_write(struct writing *writing, hg_str cache);

/* Decides how a schema is kept to; before anything is written. */
void converse_format_choose(struct writing *writing);
void converse_format_write(struct writing *writing);
void converse_instruction_write(struct writing *writing);

void converse_tools_write(struct writing *writing);
bool converse_runs(const struct translation *translation, const struct chat *chat, hg_str type);

void converse_inference_write(struct writing *writing);
void converse_additional_write(struct writing *writing);
bool converse_is_thinking(const struct writing *writing);
