/* pipe.h - the events of a streamed answer on their way through its stages, to whoever takes them:
 * the client, or the route itself. */
#pragma once

#include "gateway/stage.h"

struct pipe_sink {
    void (*on_events)(void *arg, hg_str events); /* whole ones, borrowed until on_pause */
    void (*on_pause)(void *arg);
    void (*on_end)(void *arg, const struct fault *fault); /* NULL: the answer is whole */
};

/* Lives as long as its request. */
struct pipe {
    struct answer *answer;
    struct attempt *attempt; /* whose events these are; NULL: they are in memory */
    bool is_direct;          /* they come as the attempt gives them, and with its pauses */
    const struct pipe_sink *sink;
    void *arg;
};

/* Events go to the sink from now on, and its on_end may come at once. An answer goes through one
 * pipe only. */
void pipe_start(struct pipe *pipe, struct answer *answer, const struct pipe_sink *sink, void *arg);

/* Ends what fills it, and its stages. */
void pipe_stop(struct pipe *pipe);
