/* damage.h - what the rule does to a finished answer: other statuses, foreign bodies, garbage,
 * errors in the middle of a stream. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

/* True if the rule says all about the answer, so that none need be made. */
bool damage_is_whole(const struct rule *rule);

/* True if the answer is what no server of this kind would say: bytes of the rule, or garbage. */
bool damage_is_foreign(const struct rule *rule);

void damage_apply(const struct ask *ask, struct reply *reply);
