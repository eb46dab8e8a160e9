/* Guards on a stream, as the stage they are: events go in, and what has passed comes out. The guard
 * is in this file: `judge` is what it says of a window. */
#include "dialect/texts.h"
#include "gateway/gateway.h"
#include "gateway/guard.h"
#include "gateway/handles.h"
#include "gateway/stage.h"
#include "http/frame.h"
#include "support/suite.h"
#include "unit/plugin/stand.h"

enum {
    WINDOW = 8,
    OVERLAP = 4
};

static const hg_host *H;
static hg_rc (*judge)(hg_op op, const hg_guard_in *in, hg_verdict *out);
static struct stand stand;
static struct gateway_instance instance;
static struct gateway gateway;
static struct request request;
static struct answer *answer;
static const struct stage *stage;
static struct chain *passed;
static struct fault fault;
static hg_edit edits[2];
static unsigned edit_count, guard_count, ended, windows;
static char seen[8192]; /* what the guard was shown, one window after the other */

static hg_rc window(void *st, void *stream, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    size_t used = strlen(seen);

    (void)st, (void)stream;
    windows++;
    ck_assert_uint_eq(in->n_texts, 1);
    ck_assert_uint_le(in->overlap, in->texts[0].text.n);
    snprintf(seen + used, sizeof seen - used, "[%.*s%s", TEXT_ARG(in->texts[0].text),
             in->last ? "." : "]");
    return judge ? judge(op, in, out) : HG_OK;
}

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    return window(st, NULL, op, in, out);
}

static const hg_guard guard = {.size = sizeof guard,
                               .stages = HG_STAGE_WINDOW,
                               .window_chars = WINDOW,
                               .overlap_chars = OVERLAP,
                               .check = check,
                               .window = window};
HG_PLUGIN(H, "test", "1.0", .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});

/* ---- in and out ------------------------------------------------------------------------------ */

static void on_events(void *arg, hg_str events)
{
    (void)arg;
    hg_str copy = arena_text(request.arena, events);

    chain_put_const(passed, copy.p, copy.n);
}

static void on_end(void *arg, const struct fault *why)
{
    (void)arg;
    ended++;
    if (why)
        fault = *why;
}

static void begin(enum guard_mode mode, enum guard_on_error on_error)
{
    struct gateway_instance *guards[] = {&instance, &instance};
    struct guard_options options = {on_error, mode};

    answer = answer_new(&request);
    answer->is_stream = true;
    passed = chain_new(request.arena);
    guard_use_new(answer, guards, guard_count, &options);
    stage = answer->stages;
    stage->kind->start(stage->self, on_events, on_end, NULL);
}

static void setup(void)
{
    judge = NULL;
    edit_count = 0;
    guard_count = 1;
    ended = windows = 0;
    seen[0] = 0;
    fault = (struct fault){0};
    stand_open(&stand, headgate_plugin_v0, NULL);
    instance = (struct gateway_instance){.instance = stand.instance};
    gateway = (struct gateway){.loop = stand.loop,
                               .plugins = stand.host,
                               .region = stand.region,
                               .handles = handles_new()};
    gateway_metrics_make(&gateway);
    request = (struct request){.gateway = &gateway,
                               .arena = arena_new(),
                               .dialect = &dialect_openai_chat,
                               .asked = {.kind = HG_R_CHAT}};
    request.view.request = &request;
    begin(GUARD_HOLD, GUARD_ERROR_DENIES);
}

static void answer_over(void)
{
    answer_drop(answer);
    handle_drop(gateway.handles, &answer->handle);
}

static void teardown(void)
{
    answer_over();
    arena_free(&request.arena);
    handles_free(&gateway.handles);
    stand_close(&stand);
}

static void say(const char *text)
{
    char event[256];

    snprintf(event, sizeof event,
             "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n", text);
    stage->kind->events(stage->self, text_of(event));
}

static void end(void)
{
    stage->kind->end(stage->self, true);
}

/* What has passed: the texts of the events, with a bar behind each of them. */
static const char *heard(void)
{
    hg_str events = chain_flat(passed, request.arena);
    struct chain *out = chain_new(request.arena);

    for (size_t n; (n = frame_first(HG_FRAME_SSE, events)); events.p += n, events.n -= n) {
        struct frame frame;
        hg_json doc;

        ck_assert(frame_parse(request.arena, HG_FRAME_SSE, (hg_str){events.p, n}, &frame));
        ck_assert(json_parse(request.arena, frame.data, &doc, NULL));
        hg_str text = texts_of_event(request.dialect, request.arena, doc);

        chain_put_const(out, text.p, text.n);
        CHAIN_PUT_LIT(out, "|");
    }
    return arena_cstr(request.arena, chain_flat(out, request.arena));
}

/* ---- windows --------------------------------------------------------------------------------- */

START_TEST(a_text_goes_out_when_its_window_and_the_overlap_behind_it_have_passed)
{
    say("abcd");
    ck_assert_str_eq(heard(), "");
    ck_assert_uint_eq(windows, 0);
    for (int i = 0; i < 30; i++)
        say("efgh");
    ck_assert_uint_gt(windows, 0);
    ck_assert_str_eq(seen + strlen(seen) - 5, "efgh]");
    ck_assert(text_starts(text_of(heard()), HG_S("abcd|efgh|")));
    ck_assert_uint_eq(ended, 0);
}
END_TEST

START_TEST(the_end_is_judged_although_no_window_is_full)
{
    say("ab");
    end();
    ck_assert_str_eq(seen, "[ab.");
    ck_assert_str_eq(heard(), "ab|");
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(fault.kind, FAULT_NONE);
}
END_TEST

START_TEST(a_stream_without_text_is_nothing_to_judge)
{
    static const char mark[] = "data: [DONE]\n\n";

    stage->kind->events(stage->self, text_of(mark));
    end();
    ck_assert_uint_eq(windows, 0);
    ck_assert_uint_eq(ended, 1);
    ck_assert(text_is(chain_flat(passed, request.arena), text_of(mark)));
}
END_TEST

START_TEST(a_watched_text_goes_out_at_once_and_the_guard_sees_the_end_of_it_again)
{
    answer_over();
    begin(GUARD_WATCH, GUARD_ERROR_DENIES);
    say("abcdefgh");
    ck_assert_str_eq(heard(), "abcdefgh|");
    ck_assert_str_eq(seen, "[abcdefgh]");
    say("ijklmnop");
    ck_assert_str_eq(seen, "[abcdefgh][abcdefghijklmnop]"); /* the host's overlap is longer */
}
END_TEST

/* ---- verdicts -------------------------------------------------------------------------------- */

static hg_rc deny(hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)op, (void)in;
    out->action = HG_DENY;
    out->code = HG_S("secret");
    return HG_OK;
}

START_TEST(a_no_ends_the_stream_and_what_is_held_stays)
{
    judge = deny;
    say("abcdefgh");
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(fault.kind, FAULT_DENIED);
    ck_assert(text_is(fault.code, HG_S("secret")));
    say("ijklmnop");
    end();
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(windows, 1);
    ck_assert_str_eq(heard(), "");
}
END_TEST

static hg_rc give_up(hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)in, (void)out;
    return H->fail(op, HG_E_INTERNAL, "no idea");
}

START_TEST(a_guard_that_fails_denies)
{
    judge = give_up;
    say("abcdefgh");
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(fault.kind, FAULT_DENIED);
    ck_assert(text_is(fault.code, HG_S("guard_unavailable")));
    ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_guard_that_fails_allows_if_the_route_says_so)
{
    answer_over();
    begin(GUARD_HOLD, GUARD_ERROR_ALLOWS);
    judge = give_up;
    say("abcdefgh");
    end();
    ck_assert_int_eq(fault.kind, FAULT_NONE);
    ck_assert_str_eq(heard(), "abcdefgh|");
}
END_TEST

static hg_op waiting;

static hg_rc wait(hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)in, (void)out;
    waiting = op;
    return HG_PENDING;
}

START_TEST(what_comes_while_the_guard_thinks_waits_for_the_next_window)
{
    judge = wait;
    say("abcdefgh");
    judge = NULL;
    say("ijklmnop");
    end();
    ck_assert_uint_eq(windows, 1);
    ck_assert_str_eq(heard(), "");
    H->done(waiting, HG_OK);
    stand_until(&stand, &ended, 1);
    ck_assert_uint_eq(windows, 2);
    ck_assert_str_eq(heard(), "abcdefgh|ijklmnop|");
}
END_TEST

START_TEST(a_stream_that_is_stopped_while_the_guard_thinks_tells_nobody)
{
    judge = wait;
    say("abcdefgh");
    stage->kind->stop(stage->self);
    H->done(waiting, HG_OK);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(ended, 0);
    ck_assert_str_eq(heard(), "");
}
END_TEST

/* ---- edits ----------------------------------------------------------------------------------- */

/* Once: a guard would find nothing any more in what it has made. */
static hg_rc redact(hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)op, (void)in;
    judge = NULL;
    out->action = HG_REDACT;
    out->edits = edits;
    out->n_edits = edit_count;
    return HG_OK;
}

static void will_edit(size_t at, size_t n, const char *with)
{
    judge = redact;
    edits[edit_count++] = (hg_edit){.at = at, .n = n, .with = text_of(with)};
}

START_TEST(an_insertion_on_the_border_of_two_events_is_made_once)
{
    will_edit(4, 0, "+");
    say("abcd");
    say("efgh");
    end();
    ck_assert_str_eq(heard(), "abcd|+efgh|");
}
END_TEST

START_TEST(an_insertion_at_the_start_or_the_end_is_made_once)
{
    will_edit(0, 0, "<");
    will_edit(8, 0, ">");
    say("abcd");
    say("efgh");
    end();
    ck_assert_str_eq(heard(), "<abcd|efgh>|");
}
END_TEST

START_TEST(a_replacement_stands_in_the_event_where_it_begins)
{
    will_edit(2, 7, "***");
    say("abc");
    say("def");
    say("ghij");
    end();
    ck_assert_str_eq(heard(), "ab***||j|");
}
END_TEST

START_TEST(a_replacement_that_begins_on_a_border_is_made_once)
{
    will_edit(4, 2, "**");
    say("abcd");
    say("efgh");
    end();
    ck_assert_str_eq(heard(), "abcd|**gh|");
}
END_TEST

START_TEST(edits_may_come_in_any_order)
{
    will_edit(6, 1, "2");
    will_edit(1, 1, "1");
    say("abcd");
    say("efgh");
    end();
    ck_assert_str_eq(heard(), "a1cd|ef2h|");
}
END_TEST

/* The second guard is asked about what the first has made. That the overlap is not longer than the
 * text is checked in window(). */
START_TEST(after_an_edit_the_overlap_is_what_is_left_of_it)
{
    answer_over();
    guard_count = 2;
    begin(GUARD_HOLD, GUARD_ERROR_DENIES);
    say("abcdefgh");
    will_edit(1, 14, "");
    say("ijklmnop");
    ck_assert_str_eq(seen, "[abcdefgh][abcdefgh][abcdefghijklmnop][ap]");
    end();
    ck_assert_str_eq(heard(), "a|p|");
}
END_TEST

RUN_SUITE_WITH("guard_stream", setup, teardown,
               a_text_goes_out_when_its_window_and_the_overlap_behind_it_have_passed,
               the_end_is_judged_although_no_window_is_full,
               a_stream_without_text_is_nothing_to_judge,
               a_watched_text_goes_out_at_once_and_the_guard_sees_the_end_of_it_again,
               a_no_ends_the_stream_and_what_is_held_stays, a_guard_that_fails_denies,
               a_guard_that_fails_allows_if_the_route_says_so,
               what_comes_while_the_guard_thinks_waits_for_the_next_window,
               a_stream_that_is_stopped_while_the_guard_thinks_tells_nobody,
               an_insertion_on_the_border_of_two_events_is_made_once,
               an_insertion_at_the_start_or_the_end_is_made_once,
               a_replacement_stands_in_the_event_where_it_begins,
               a_replacement_that_begins_on_a_border_is_made_once, edits_may_come_in_any_order,
               after_an_edit_the_overlap_is_what_is_left_of_it)
