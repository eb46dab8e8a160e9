/* embedding.h - embeddings: vectors of length one, near for texts with many common words. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

/* In the form of the dialect that was asked. */
void embedding_answer(const struct ask *ask, struct reply *reply);
void embedding_gemini(const struct ask *ask, struct reply *reply);
void embedding_cohere(const struct ask *ask, struct reply *reply);

void embedding_of(hg_str text, float *vector, size_t dimensions);

/* The vector of a text as a list of numbers, or as base64: with as many dimensions as the rule
 * says, else as are `wanted`, which may be UNSET. */
struct json_t *embedding_value(const struct ask *ask, hg_str text, uint64_t wanted, bool base64);
