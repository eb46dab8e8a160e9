/* embedding.h - vectors made of words: texts that share words lie near each other, so a semantic
 * cache can be tried without a model. */
#pragma once

#include "simulate/openai.h"

void embedding_answer(const struct ask *ask, struct reply *reply);

/* Fills a unit vector. */
void embedding_of(hg_str text, float *vector, size_t dimensions);
