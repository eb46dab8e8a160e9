/* oddity.h - what servers of a format do and its writer never would: usage in other places, words
 * of their own, no end mark, comments. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

void oddity_apply(const struct ask *ask, struct reply *reply);
