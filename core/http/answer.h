/* answer.h - the head of an answer, written without printf. */
#pragma once

#include "base/arena.h"
#include "http/head.h"

/* Fields of an answer beside those that frame it: content-length, transfer-encoding, date and
 * connection must not be among them. Names and values must be clean of CR and LF. */
struct answer_fields {
    const struct field *fields;
    unsigned count;
};

enum {
    ANSWER_CHUNKED = -1,
    ANSWER_UNTIL_CLOSE = -2
};

enum answer_connection {
    ANSWER_KEEP_ALIVE,
    ANSWER_KEEP_ALIVE_1_0,
    ANSWER_CLOSE,
    ANSWER_UPGRADE /* says so itself, and has no body */
};

/* In the arena's memory. `length` is the body's, or one of the names above. */
hg_str answer_head(struct arena *arena, int status, const struct answer_fields *fields,
                   int64_t length, enum answer_connection connection);
