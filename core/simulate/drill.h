/* drill.h - a file of rules: what is answered first, next and from then on.
 *
 *   {"match": {"model": "gpt-4*"}, "answer": {"status": 429, "retry-after": 2}, "count": 2}
 *
 * One such object a line, or an array of them. The first that matches and has not been used `count`
 * times sets options; without a `count` it is never used up. */
#pragma once

#include "simulate/ask.h"

struct drill;

struct drill *drill_open(const char *path, struct error *error);
void drill_free(struct drill **drill);

/* Sets what the rule for this request says, and counts it as used. */
bool drill_apply(struct drill *drill, const struct ask *ask, struct rule *rule,
                 struct error *error);
