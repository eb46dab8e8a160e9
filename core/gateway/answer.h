/* answer.h - what a route hands to the client: whole in memory, or a stream that an attempt is
 * still reading. */
#pragma once

#include "base/chain.h"
#include "gateway/request.h"

struct stage;

struct answer {
    struct answer *next; /* of the same request */
    struct request *request;
    uint64_t handle;
    int status;
    hg_str content_type;
    struct attempt *attempt; /* NULL if no upstream made it */
    struct chain *body;      /* whole; NULL: it comes from the attempt */
    bool is_stream;          /* server-sent events */
    bool is_spent;           /* a route has read a part of it: it cannot go out */
    struct stage *stages;    /* what these pass through; see stage.h */
};

struct answer *answer_new(struct request *request);

/* Puts another body in place of a whole one. */
void answer_set_body(struct answer *answer, struct chain *body);
