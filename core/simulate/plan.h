/* plan.h - what one choice of an answer says, before a dialect puts it into its own words. */
#pragma once

#include "dialect/chat.h"
#include "simulate/ask.h"

struct plan_call {
    hg_str id, name, args;
};

struct plan {
    hg_str text, reasoning;
    hg_str signature; /* goes with reasoning, for the next turn */
    uint32_t finish;  /* HG_FIN_..., 0: left out */
    struct plan_call *calls;
    size_t call_count;
    uint64_t tokens; /* of text, reasoning and calls */
};

/* Plans choice `index` of an answer to `chat`; `prompt` is the text it answers. */
void plan_make(const struct ask *ask, const struct chat *chat, hg_str prompt, uint64_t index,
               struct plan *ret);

/* The text in as many parts as the rule wants: the part after *rest, which moves on. */
uint64_t plan_parts(const struct ask *ask, const struct plan *plan);
hg_str plan_part(hg_str *rest, uint64_t words_left, uint64_t parts_left);

/* The counts: what the rule says, else what was counted. */
hg_usage plan_usage(const struct ask *ask, uint64_t prompt_tokens, uint64_t answer_tokens,
                    uint64_t reasoning_tokens);

/* How many choices the request wants: 1 to 16. */
uint64_t plan_choices(const struct chat *chat);

/* The text of the last message that is the user's or a tool's, and the tokens of all messages. */
hg_str plan_prompt(struct arena *arena, const struct chat *chat);
uint64_t plan_prompt_tokens(struct arena *arena, const struct chat *chat);
