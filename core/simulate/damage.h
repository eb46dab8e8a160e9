/* damage.h - what the rule does to a finished answer: other statuses, foreign bodies, garbage,
 * errors in the middle of a stream. */
#pragma once

#include "simulate/reply.h"
#include "simulate/rule.h"

/* True if the rule says all about the answer, so that none need be made. */
bool damage_is_whole(const struct rule *rule);

void damage_apply(const struct rule *rule, struct reply *reply);
