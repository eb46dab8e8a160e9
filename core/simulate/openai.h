/* openai.h - the answers of an OpenAI-like API: chat, completions, embeddings, models. */
#pragma once

#include "http/head.h"
#include "simulate/reply.h"
#include "simulate/rule.h"

struct json_t;

/* One request, read whole. */
struct ask {
    struct arena *arena;
    const struct head *head;
    hg_str body;
    const struct json_t *document; /* the body, NULL if it is no JSON object */
    const struct rule *rule;
    uint64_t seed; /* from the body */
};

/* Answers as the API would; what the rule asks about content is in it, faults are not. */
void openai_answer(const struct ask *ask, struct reply *reply);

/* The request's model, or empty. */
hg_str ask_model(const struct ask *ask);

/* The value of a text or number member; what is absent or of another type becomes empty, UNSET. */
hg_str document_member_text(const struct json_t *object, const char *name);
uint64_t document_member_number(const struct json_t *object, const char *name);
