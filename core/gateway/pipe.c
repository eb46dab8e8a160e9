#include "gateway/pipe.h"

#include "base/text.h"
#include "gateway/attempt.h"

/* ---- through the stages ---------------------------------------------------------------------- */

static void on_events(void *arg, hg_str events)
{
    struct pipe *pipe = arg;
    struct stage *first = pipe->answer->stages;

    if (first)
        first->kind->events(first->self, events);
    else
        pipe->sink->on_events(pipe->arg, events);
}

static void on_pause(void *arg)
{
    struct pipe *pipe = arg;

    pipe->sink->on_pause(pipe->arg);
}

/* What a stage has let through. */
static void on_passed(void *arg, hg_str events)
{
    struct stage *stage = arg, *next = stage->next;
    struct pipe *pipe = stage->pipe;

    if (next) {
        next->kind->events(next->self, events);
        return;
    }
    pipe->sink->on_events(pipe->arg, events);
    if (!pipe->is_direct) /* it may come long after the read that brought it */
        pipe->sink->on_pause(pipe->arg);
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool is_whole(const struct pipe *pipe)
{
    return !pipe->attempt ||
           (pipe->attempt->end_fault == OUTBOUND_OK && !pipe->attempt->seen_error);
}

/* All stages have let pass what they were going to. */
static void finished(struct pipe *pipe)
{
    struct attempt *attempt = pipe->attempt;
    struct fault fault;

    if (!attempt || attempt->end_fault == OUTBOUND_OK) {
        if (attempt && attempt_lacks_mark(attempt))
            pipe->sink->on_events(pipe->arg, attempt->request->dialect->end_mark);
        pipe->sink->on_end(pipe->arg, NULL);
        return;
    }
    fault =
        (struct fault){.kind = fault_of_outbound(attempt->end_fault),
                       .message = arena_fmt(attempt->request->arena, "%s: %.*s",
                                            attempt->target->name, TEXT_ARG(attempt->end_reason)),
                       .target = text_of(attempt->target->name)};
    pipe->sink->on_end(pipe->arg, &fault);
}

/* A stage has passed everything on, or ends the stream. */
static void on_stage_end(void *arg, const struct fault *fault)
{
    struct stage *stage = arg, *next = stage->next;
    struct pipe *pipe = stage->pipe;

    if (fault) {
        pipe_stop(pipe);
        pipe->sink->on_end(pipe->arg, fault);
    } else if (next) {
        next->kind->end(next->self, is_whole(pipe));
    } else {
        finished(pipe);
    }
}

static void on_end(void *arg)
{
    struct pipe *pipe = arg;
    struct stage *first = pipe->answer->stages;

    if (first)
        first->kind->end(first->self, is_whole(pipe));
    else
        finished(pipe);
}

/* ---- starting -------------------------------------------------------------------------------- */

static const struct attempt_sink sink = {
    .on_events = on_events, .on_pause = on_pause, .on_end = on_end};

/* Events that are all there already. The end of them may be the end of the request. */
static void memory_start(struct pipe *pipe)
{
    struct request *request = request_ref(pipe->answer->request);

    on_events(pipe, chain_flat(pipe->answer->body, request->arena));
    on_pause(pipe);
    on_end(pipe);
    request_unref(&request);
}

void pipe_start(struct pipe *pipe, struct answer *answer, const struct pipe_sink *to, void *arg)
{
    *pipe = (struct pipe){.answer = answer,
                          .attempt = answer->body ? NULL : answer->attempt,
                          .is_direct = true,
                          .sink = to,
                          .arg = arg};
    for (struct stage *stage = answer->stages; stage; stage = stage->next) {
        stage->pipe = pipe;
        pipe->is_direct = pipe->is_direct && stage->kind->passes;
        stage->kind->start(stage->self, on_passed, on_stage_end, stage);
    }
    if (pipe->attempt)
        attempt_relay(pipe->attempt, &sink, pipe);
    else
        memory_start(pipe);
}

void pipe_stop(struct pipe *pipe)
{
    if (pipe->attempt)
        attempt_cancel(pipe->attempt);
    answer_drop(pipe->answer);
}
