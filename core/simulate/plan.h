/* plan.h - what one choice of an answer says, before it is put into a document or into events. */
#pragma once

#include "simulate/openai.h"

struct plan {
    hg_str text, reasoning;
    hg_str finish;        /* empty: left out */
    struct json_t *calls; /* tool calls, as the message carries them; NULL: none */
    uint64_t tokens;      /* of text, reasoning and calls */
};

/* Plans choice `index`; `prompt` is the text it answers. The calls' reference is the plan's. */
void plan_make(const struct ask *ask, hg_str prompt, uint64_t index, struct plan *ret);
void plan_done(struct plan *plan);

/* The text in as many parts as the rule wants: the part after *rest, which moves on. */
uint64_t plan_parts(const struct ask *ask, const struct plan *plan);
hg_str plan_part(hg_str *rest, uint64_t words_left, uint64_t parts_left);

/* The usage object: what the rule says, else what was counted. */
struct json_t *plan_usage(const struct ask *ask, uint64_t prompt_tokens, uint64_t answer_tokens);

/* How many choices the request wants: 1 to 16. */
uint64_t plan_choices(const struct ask *ask);

/* True if the request wants a stream. */
bool plan_streams(const struct ask *ask);

/* A moment since 1970 that belongs to the request. */
int64_t plan_created(const struct ask *ask);
