/* count.h - how many tokens a request would have, in the form of its dialect. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

void count_answer(const struct ask *ask, struct reply *reply);
