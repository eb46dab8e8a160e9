/* stage.h - what stands between an answer's events and the client, in the order in which the route
 * has put it there, the innermost first: guards, caches, functions of the route.
 *
 *   attempt, or memory ─► stage ─► stage ─► client
 *
 * A stage lives as long as its request. */
#pragma once

#include "gateway/answer.h"

struct stage_kind {
    /* Before the first event: where what it lets through goes. Its own end is told once: no fault
     * after all events have passed, or one that ends the stream. Both from any place in the loop,
     * also inside of `events` and `end`. */
    void (*start)(void *self, void (*on_events)(void *arg, hg_str events),
                  void (*on_end)(void *arg, const struct fault *fault), void *arg);

    void (*events)(void *self, hg_str events); /* whole ones, borrowed */

    /* There are no more; `whole` says whether the answer is, or has broken off. */
    void (*end)(void *self, bool whole);

    /* It is over, whatever the reason: calls nobody back any more. May come twice, and without
     * start. */
    void (*stop)(void *self);

    /* The client is gone but had everything. NULL: only the end of the stream will do. */
    void (*settle)(void *self);

    bool passes; /* what it lets through is what it was given, at once */
};

struct stage {
    struct stage *next;
    const struct stage_kind *kind;
    void *self;
    struct pipe *pipe; /* whose stage it is, once that has begun */
};

/* Behind those that are there. */
void answer_add_stage(struct answer *answer, const struct stage_kind *kind, void *self);

/* Stops all of them: nobody will take this answer. */
void answer_drop(struct answer *answer);
