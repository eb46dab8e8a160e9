/* counting.h - counting the tokens of a chat request without sending it: what the formats call it.
 */
#pragma once

#include "dialect/dialect.h"

/* How a format asks, and is answered. */
struct dialect_count {
    const char *inside;      /* where the chat request may be in the body; NULL: it is the body */
    const char *const *keys; /* what of a chat request is asked with; NULL: all of it */
    const char *before;      /* what stands before it; NULL: nothing does */
    const char *member;      /* a member with the model's name in it, put first; NULL: none */
    const char *after;
    const char *result; /* where the number is in the answer */
    const char *answer; /* what stands before it; behind it is "}" */
};

/* The chat request in a request to count. */
hg_json counting_inside(const struct dialect *dialect, hg_json doc);

/* A provider's request to count, made of a chat request that is written in its format. */
bool counting_write(const struct dialect *dialect, hg_str model, struct chain *chat,
                    struct chain *out);

/* The number in an answer; -1 if there is none. */
int64_t counting_read(const struct dialect *dialect, hg_json doc);

/* An answer in the client's format. */
hg_str counting_answer(const struct dialect *dialect, struct arena *arena, uint64_t tokens);

/* What may be it. */
uint64_t counting_estimate(const struct dialect *dialect, hg_json doc);
