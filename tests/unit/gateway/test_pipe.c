/* Events on their way through the stages of an answer. The stages are in this file: each writes
 * down what it is told, and passes it on as the test wants it. */
#include "gateway/pipe.h"

#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "support/suite.h"

struct spy {
    const char *name;
    bool holds;  /* until the end */
    bool breaks; /* at the first events */
    struct chain *held;
    void (*on_events)(void *arg, hg_str events);
    void (*on_end)(void *arg, const struct fault *fault);
    void *arg;
    unsigned stops;
};

static struct gateway gateway;
static struct request request;
static struct answer *answer;
static struct pipe the_pipe;
static struct spy inner, outer;
static struct chain *journal;
static struct fault end_fault;
static unsigned ends, pauses;

static void note(const char *who, const char *what)
{
    hg_str line = arena_text(request.arena, arena_fmt(request.arena, "%s:%s ", who, what));

    chain_put_const(journal, line.p, line.n);
}

static const char *noted(void)
{
    return arena_cstr(request.arena, chain_flat(journal, request.arena));
}

/* ---- a stage --------------------------------------------------------------------------------- */

static void spy_start(void *self, void (*on_events)(void *arg, hg_str events),
                      void (*on_end)(void *arg, const struct fault *fault), void *arg)
{
    struct spy *spy = self;

    spy->on_events = on_events;
    spy->on_end = on_end;
    spy->arg = arg;
    spy->held = chain_new(request.arena);
}

static void spy_events(void *self, hg_str events)
{
    struct spy *spy = self;

    note(spy->name, arena_cstr(request.arena, events));
    if (spy->breaks)
        spy->on_end(spy->arg, &(struct fault){.kind = FAULT_DENIED});
    else if (spy->holds)
        chain_put_const(spy->held, events.p, events.n);
    else
        spy->on_events(spy->arg, events);
}

static void spy_end(void *self, bool whole)
{
    struct spy *spy = self;
    hg_str held = chain_flat(spy->held, request.arena);

    if (spy->breaks)
        return;
    note(spy->name, whole ? "whole" : "broken");
    if (held.n)
        spy->on_events(spy->arg, held);
    spy->on_end(spy->arg, NULL);
}

static void spy_stop(void *self)
{
    ((struct spy *)self)->stops++;
}

static const struct stage_kind passing = {
    .start = spy_start, .events = spy_events, .end = spy_end, .stop = spy_stop, .passes = true};
static const struct stage_kind holding = {
    .start = spy_start, .events = spy_events, .end = spy_end, .stop = spy_stop};

/* ---- the end of the pipe --------------------------------------------------------------------- */

static void on_events(void *arg, hg_str events)
{
    (void)arg;
    note("client", arena_cstr(request.arena, events));
}

static void on_pause(void *arg)
{
    (void)arg;
    pauses++;
}

static void on_end(void *arg, const struct fault *fault)
{
    (void)arg;
    ends++;
    end_fault = fault ? *fault : (struct fault){0};
}

static const struct pipe_sink sink = {on_events, on_pause, on_end};

static void setup(void)
{
    gateway = (struct gateway){.loop = loop_new(), .handles = handles_new()};
    request = (struct request){.gateway = &gateway, .arena = arena_new(), .refs = 1};
    inner = (struct spy){.name = "inner"};
    outer = (struct spy){.name = "outer"};
    journal = chain_new(request.arena);
    ends = pauses = 0;
    end_fault = (struct fault){0};
    answer = answer_new(&request);
    answer->is_stream = true;
    answer->body = chain_new(request.arena);
    CHAIN_PUT_LIT(answer->body, "events");
}

static void teardown(void)
{
    answer_drop(answer);
    handle_drop(gateway.handles, &answer->handle);
    arena_free(&request.arena);
    handles_free(&gateway.handles);
    loop_free(&gateway.loop);
}

START_TEST(without_stages_events_go_straight_to_the_client)
{
    pipe_start(&the_pipe, answer, &sink, NULL);
    ck_assert_str_eq(noted(), "client:events ");
    ck_assert_uint_eq(ends, 1);
    ck_assert_int_eq(end_fault.kind, FAULT_NONE);
    ck_assert(the_pipe.is_direct);
}
END_TEST

START_TEST(the_stage_that_was_put_there_first_is_the_first)
{
    answer_add_stage(answer, &passing, &inner);
    answer_add_stage(answer, &passing, &outer);
    pipe_start(&the_pipe, answer, &sink, NULL);
    ck_assert_str_eq(noted(), "inner:events outer:events client:events inner:whole outer:whole ");
    ck_assert_uint_eq(ends, 1);
    ck_assert(the_pipe.is_direct);
}
END_TEST

START_TEST(what_is_held_until_the_end_comes_before_the_end)
{
    inner.holds = true;
    answer_add_stage(answer, &holding, &inner);
    answer_add_stage(answer, &passing, &outer);
    pipe_start(&the_pipe, answer, &sink, NULL);
    ck_assert_str_eq(noted(), "inner:events inner:whole outer:events client:events outer:whole ");
    ck_assert(!the_pipe.is_direct);
    ck_assert_uint_ge(pauses, 1);
    ck_assert_uint_eq(ends, 1);
}
END_TEST

START_TEST(a_stage_that_breaks_the_stream_stops_all_of_them)
{
    inner.breaks = true;
    answer_add_stage(answer, &holding, &inner);
    answer_add_stage(answer, &passing, &outer);
    pipe_start(&the_pipe, answer, &sink, NULL);
    ck_assert_int_eq(end_fault.kind, FAULT_DENIED);
    ck_assert_uint_ge(inner.stops, 1);
    ck_assert_uint_ge(outer.stops, 1);
    ck_assert_ptr_null(strstr(noted(), "client:events"));
}
END_TEST

START_TEST(stopping_reaches_every_stage)
{
    inner.holds = true;
    answer_add_stage(answer, &holding, &inner);
    answer_add_stage(answer, &passing, &outer);
    pipe_start(&the_pipe, answer, &sink, NULL);
    pipe_stop(&the_pipe);
    ck_assert_uint_ge(inner.stops, 1);
    ck_assert_uint_ge(outer.stops, 1);
}
END_TEST

RUN_SUITE_WITH("pipe", setup, teardown, without_stages_events_go_straight_to_the_client,
               the_stage_that_was_put_there_first_is_the_first,
               what_is_held_until_the_end_comes_before_the_end,
               a_stage_that_breaks_the_stream_stops_all_of_them, stopping_reaches_every_stage)
