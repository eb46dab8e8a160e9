/* generate.h - answers to requests to generate, in the dialect they were asked in: the gateway's
 * own reader of requests and writer of answers, with a plan between them.
 *
 *   request ─► read_chat ─► chat ─► plan ─► events ─► writer ─► pieces of the answer */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

struct chat;

void generate_answer(const struct ask *ask, struct reply *reply);
void completion_answer(const struct ask *ask, struct reply *reply);

/* Writes an answer with `choices` choices to `prompts`, as many of them to each. */
void generate_write(const struct ask *ask, uint32_t kind, const struct chat *chat,
                    const hg_str *prompts, size_t prompt_count, struct reply *reply);
