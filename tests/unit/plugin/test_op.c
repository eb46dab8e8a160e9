/* Ops as a plugin and the gateway see them. The plugin is in this file: `act` is what its check
 * does. */
#include "shm/slot.h"
#include "support/patience.h"
#include "unit/plugin/stand.h"

static const hg_host *H;
static hg_rc (*act)(hg_op op, hg_verdict *out);
static hg_inst *self;
static char trace[256];

static void note(const char *word)
{
    strcat(trace, word);
    strcat(trace, " ");
}

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)in;
    return act(op, out);
}

static hg_rc create(hg_inst *inst, hg_op op, hg_json settings, void **ret_st)
{
    (void)op, (void)settings, (void)ret_st;
    self = inst;
    return HG_OK;
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "test", "1.0", .create = create,
          .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});

static struct stand stand;
static struct ended ended;
static hg_verdict verdict;
static hg_op kept;

static void setup(void)
{
    trace[0] = 0;
    ended = (struct ended){0};
    verdict = (hg_verdict){.size = sizeof verdict};
    kept = (hg_op){0};
    stand_open(&stand, headgate_plugin_v0, NULL);
}

static void teardown(void)
{
    stand_close(&stand);
}

static hg_rc call(struct op *op, hg_rc (*what)(hg_op op, hg_verdict *out))
{
    hg_guard_in in = {.size = sizeof in};

    act = what;
    return OP_CALL(op, "check", guard.check(NULL, op_handle(op), &in, &verdict));
}

/* ---- what check does ------------------------------------------------------------------------- */

static hg_rc answer_at_once(hg_op op, hg_verdict *out)
{
    out->message = H->fmt(op, "%s %d", "number", 7);
    return HG_OK;
}

static hg_rc answer_later(hg_op op, hg_verdict *out)
{
    (void)out;
    kept = op;
    return HG_PENDING;
}

static hg_rc answer_inside(hg_op op, hg_verdict *out)
{
    (void)out;
    kept = op;
    H->done(op, HG_SKIP);
    return HG_E_INTERNAL;
}

static hg_rc answer_twice_inside(hg_op op, hg_verdict *out)
{
    (void)out;
    H->done(op, HG_SKIP);
    H->done(op, HG_MISS);
    return HG_PENDING;
}

static hg_rc answer_nonsense(hg_op op, hg_verdict *out)
{
    (void)op, (void)out;
    return 4711;
}

static hg_rc answer_failure(hg_op op, hg_verdict *out)
{
    (void)out;
    return H->fail(op, HG_E_RATE, "project %s is over quota", "p1");
}

static void end_a(void *arg)
{
    (void)arg;
    note(H->live(kept) ? "a-live" : "a");
}

static void end_b(void *arg)
{
    note(arg);
}

static void on_time(void *arg, hg_op op)
{
    (void)op;
    note(arg);
}

static char word[] = "timer", word_b[] = "b";

static const hg_timer_api *timers(void)
{
    return H->service(HG_TIMER);
}

static hg_rc own_much(hg_op op, hg_verdict *out)
{
    (void)out;
    kept = op;
    H->at_end(op, end_a, NULL);
    H->at_end(op, end_b, word_b);
    timers()->after(op, 3 * NS_PER_MS, on_time, word);
    return HG_PENDING;
}

/* ---- answers ------------------------------------------------------------------------------------
 */

START_TEST(an_answer_at_once_leaves_its_texts_until_the_end)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_at_once), HG_OK);
    ck_assert(text_is(verdict.message, HG_S("number 7")));
    ck_assert(!op_is_pending(op));
    op_end(&op, HG_OK);
    ck_assert_ptr_null(op);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 0);
}
END_TEST

START_TEST(a_late_answer_comes_from_the_loop_and_not_from_the_plugin)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_later), HG_PENDING);
    ck_assert_int_eq(H->live(kept), 1);
    H->done(kept, HG_OK);
    ck_assert_uint_eq(ended.count, 0);
    ck_assert_int_eq(H->live(kept), 0);
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_OK);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(done_inside_the_call_wins_over_what_the_call_returns)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_inside), HG_SKIP);
    ck_assert_int_eq(H->live(kept), 0);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 0);
    op_end(&op, HG_OK);
    ck_assert_uint_eq(stand_misuse(&stand, "stale_op"), 0);
}
END_TEST

START_TEST(a_second_answer_inside_the_call_is_ignored_and_named)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_twice_inside), HG_SKIP);
    ck_assert_uint_eq(stand_misuse(&stand, "answered_twice"), 1);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(a_second_late_answer_is_ignored_and_counted)
{
    struct op *op = stand_op(&stand, 0, &ended);

    call(op, answer_later);
    H->done(kept, HG_OK);
    H->done(kept, HG_E_DENIED);
    stand_until(&stand, &ended.count, 1);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_OK);
    ck_assert_uint_eq(stand_misuse(&stand, "answered_twice"), 1);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(an_answer_to_what_was_answered_by_return_is_ignored)
{
    struct op *op = stand_op(&stand, 0, &ended);

    kept = op_handle(op);
    ck_assert_int_eq(call(op, answer_at_once), HG_OK);
    H->done(kept, HG_E_DENIED);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 0);
    ck_assert_uint_eq(stand_misuse(&stand, "answered_twice"), 1);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(an_answer_after_the_host_ended_the_op_is_stale)
{
    struct op *op = stand_op(&stand, 0, &ended);

    call(op, answer_later);
    op_end(&op, HG_E_CANCELLED);
    H->done(kept, HG_OK);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 0);
}
END_TEST

START_TEST(the_host_may_end_an_op_whose_answer_is_on_its_way)
{
    struct op *op = stand_op(&stand, 0, &ended), *other = stand_op(&stand, 0, &ended);

    call(op, answer_later);
    H->done(kept, HG_OK);
    call(other, answer_later);
    H->done(kept, HG_MISS);
    op_end(&op, HG_E_CANCELLED);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_MISS);
    op_end(&other, HG_OK);
}
END_TEST

START_TEST(a_plugin_that_never_answers_is_ended_by_the_deadline)
{
    struct op *op = stand_op(&stand, 5 * NS_PER_MS, &ended);

    ck_assert_int_eq(call(op, answer_later), HG_PENDING);
    ck_assert_int_gt(H->deadline(kept), H->now());
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_E_TIMEOUT);
    ck_assert_str_ne(op_error(op), "");
    H->done(kept, HG_OK);
    stand_turns(&stand, 2);
    ck_assert_uint_eq(ended.count, 1);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(an_answer_in_time_disarms_the_deadline)
{
    struct op *op = stand_op(&stand, 5 * NS_PER_MS, &ended);

    call(op, answer_later);
    H->done(kept, HG_OK);
    stand_until(&stand, &ended.count, 1);
    usleep(8000);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_OK);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(a_deadline_that_has_passed_ends_the_next_wait_at_once)
{
    struct op *op = stand_op(&stand, 0, &ended);

    op_set_deadline(op, clock_now() - NS_PER_S);
    ck_assert_int_eq(call(op, answer_at_once), HG_OK);
    ck_assert_int_eq(call(op, answer_later), HG_PENDING);
    stand_turns(&stand, 1);
    ck_assert_int_eq(ended.rc, HG_E_TIMEOUT);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(a_deadline_can_be_moved_while_the_answer_is_pending)
{
    struct op *op = stand_op(&stand, 60 * NS_PER_S, &ended);

    call(op, answer_later);
    op_set_deadline(op, clock_now() + 2 * NS_PER_MS);
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_E_TIMEOUT);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(an_op_carries_several_calls_and_its_memory_stays)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_at_once), HG_OK);
    hg_str first = verdict.message;

    call(op, answer_later);
    H->done(kept, HG_OK);
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(call(op, answer_at_once), HG_OK);
    ck_assert(text_is(first, HG_S("number 7")));
    ck_assert(first.p != verdict.message.p);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(a_result_that_nobody_knows_is_an_internal_error)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_nonsense), HG_E_INTERNAL);
    ck_assert_uint_eq(stand_misuse(&stand, "unknown_result"), 1);
    call(op, answer_later);
    H->done(kept, HG_PENDING);
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_E_INTERNAL);
    op_end(&op, HG_OK);
}
END_TEST

static hg_rc answer_cancelled(hg_op op, hg_verdict *out)
{
    (void)op, (void)out;
    return HG_E_CANCELLED;
}

static hg_rc answer_cancelled_inside(hg_op op, hg_verdict *out)
{
    (void)out;
    H->done(op, HG_E_CANCELLED);
    return HG_PENDING;
}

START_TEST(only_the_host_can_cancel)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_cancelled), HG_E_INTERNAL);
    ck_assert_int_eq(call(op, answer_cancelled_inside), HG_E_INTERNAL);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(waiting_where_there_is_none_is_an_internal_error)
{
    struct op *op = stand_op(&stand, 0, &ended);
    hg_guard_in in = {.size = sizeof in};

    act = answer_later;
    ck_assert_int_eq(OP_CALL_NOW(op, "frame", guard.check(NULL, op_handle(op), &in, &verdict)),
                     HG_E_INTERNAL);
    ck_assert_uint_eq(stand_misuse(&stand, "pending"), 1);
    H->done(kept, HG_OK);
    act = answer_inside;
    ck_assert_int_eq(OP_CALL_NOW(op, "frame", guard.check(NULL, op_handle(op), &in, &verdict)),
                     HG_SKIP);
    ck_assert_int_eq(call(op, answer_later), HG_PENDING);
    op_end(&op, HG_OK);

    op = op_begin(stand.host, stand.instance, NULL, 0, NULL, NULL);
    ck_assert_int_eq(call(op, answer_later), HG_E_INTERNAL);
    ck_assert_uint_eq(stand_misuse(&stand, "pending"), 2);
    op_end(&op, HG_OK);
}
END_TEST

static void nested(void *arg, hg_op op)
{
    struct culprit culprit;

    (void)arg;
    H->emit(op, &(hg_event){.size = sizeof(hg_event), .type = HG_EV_TEXT});
    ck_assert(culprit_read(region_slot(stand.region, 0), &culprit));
    ck_assert_str_eq(culprit.operation, "timer");
    note("after");
}

static hg_rc emit_by_timer(hg_op op, hg_verdict *out)
{
    (void)out;
    timers()->after(op, 0, nested, NULL);
    return HG_OK;
}

static struct op *streaming;

static hg_rc call_again(void *arg, const hg_event *event)
{
    (void)arg, (void)event;
    note("nested");
    return call(streaming, answer_at_once);
}

START_TEST(the_gateway_may_call_again_from_inside_a_callback)
{
    streaming = stand_op(&stand, 0, &ended);
    op_set_emit(streaming, call_again);
    ck_assert_int_eq(call(streaming, emit_by_timer), HG_OK);
    stand_turns(&stand, 3);
    ck_assert_str_eq(trace, "nested after ");
    op_end(&streaming, HG_OK);
}
END_TEST

START_TEST(why_an_op_failed_is_kept_until_its_end)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_str_eq(op_error(op), "");
    ck_assert_int_eq(call(op, answer_failure), HG_E_RATE);
    ck_assert_str_eq(op_error(op), "project p1 is over quota");
    op_end(&op, HG_OK);
}
END_TEST

/* ---- what an op owns ----------------------------------------------------------------------------
 */

START_TEST(the_end_first_makes_stale_then_ends_what_is_owned_then_runs_at_end_newest_first)
{
    struct op *op = stand_op(&stand, 0, &ended);

    call(op, own_much);
    op_end(&op, HG_E_CANCELLED);
    ck_assert_str_eq(trace, "b a ");
    usleep(5000);
    stand_turns(&stand, 3);
    ck_assert_str_eq(trace, "b a ");
}
END_TEST

START_TEST(a_timer_does_not_fire_once_its_op_was_answered)
{
    struct op *op = stand_op(&stand, 0, &ended);

    call(op, own_much);
    H->done(kept, HG_OK);
    usleep(5000);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(ended.count, 1);
    ck_assert_str_eq(trace, "");
    op_end(&op, HG_OK);
    ck_assert_str_eq(trace, "b a ");
}
END_TEST

static void answer_on_time(void *arg, hg_op op)
{
    (void)arg;
    note("answer");
    H->done(op, HG_OK);
    note(H->live(op) ? "live" : "over");
}

static hg_rc answer_by_timer(hg_op op, hg_verdict *out)
{
    (void)out;
    timers()->after(op, 5 * NS_PER_S, on_time, word);
    return timers()->after(op, NS_PER_MS, answer_on_time, NULL);
}

START_TEST(a_callback_may_answer_its_own_op)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, answer_by_timer), HG_PENDING);
    stand_until(&stand, &ended.count, 1);
    ck_assert_str_eq(trace, "answer over ");
    op_end(&op, HG_OK);
}
END_TEST

static struct op *victim;
static char *precious;

static hg_rc cancel_on_emit(void *arg, const hg_event *event)
{
    (void)arg;
    ck_assert(text_is(event->text, HG_S("piece")));
    op_end(&victim, HG_E_CANCELLED);
    return HG_E_CANCELLED;
}

static hg_rc emit_and_go_on(hg_op op, hg_verdict *out)
{
    (void)out;
    precious = H->alloc(op, 64);
    H->at_end(op, end_b, word_b);
    hg_event event = {.size = sizeof event, .type = HG_EV_TEXT, .text = HG_S("piece")};

    ck_assert_int_eq(H->emit(op, &event), HG_E_CANCELLED);
    ck_assert_int_eq(H->live(op), 0);
    strcpy(precious, "still mine"); /* the sanitizer objects if it is not */
    ck_assert_str_eq(trace, "");
    return HG_PENDING;
}

START_TEST(an_op_that_is_ended_inside_its_own_call_goes_when_the_call_has_returned)
{
    victim = stand_op(&stand, 0, &ended);
    op_set_emit(victim, cancel_on_emit);
    ck_assert_int_eq(call(victim, emit_and_go_on), HG_E_CANCELLED);
    ck_assert_ptr_null(victim);
    stand_turns(&stand, 1);
    ck_assert_str_eq(trace, "b ");
    ck_assert_uint_eq(ended.count, 0);
}
END_TEST

static hg_rc emit_only(hg_op op, hg_verdict *out)
{
    (void)out;
    return H->emit(op, &(hg_event){.size = sizeof(hg_event), .type = HG_EV_TEXT});
}

START_TEST(emit_is_refused_where_nothing_listens)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, emit_only), HG_E_UNSUPPORTED);
    op_end(&op, HG_OK);
}
END_TEST

/* ---- stale handles ------------------------------------------------------------------------------
 */

static hg_rc use_stale(hg_op op, hg_verdict *out)
{
    (void)op, (void)out;
    ck_assert_int_eq(H->live(kept), 0);
    ck_assert_int_eq(H->deadline(kept), 0);
    ck_assert_ptr_null(H->request(kept));
    H->at_end(kept, end_a, NULL);
    ck_assert_int_eq(H->fail(kept, HG_E_RATE, "x"), HG_E_RATE);
    ck_assert_int_eq(timers()->after(kept, 0, on_time, word), HG_E_CANCELLED);
    memset(H->alloc(kept, 1000), 7, 1000);
    ck_assert(text_is(H->fmt(kept, "%d", 5), HG_S("5")));
    H->json->put_i64(H->out(kept), 5);
    H->done(kept, HG_OK);
    return HG_OK;
}

START_TEST(a_stale_handle_harms_nobody_and_is_counted)
{
    struct op *op = stand_op(&stand, 0, &ended);

    call(op, answer_later);
    op_end(&op, HG_OK);
    op = stand_op(&stand, 0, &ended); /* most likely in the same slot */
    ck_assert_int_eq(call(op, use_stale), HG_OK);
    ck_assert_uint_eq(stand_misuse(&stand, "stale_op"), 9);
    stand_turns(&stand, 2);
    ck_assert_str_eq(trace, "");
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(no_op_and_invented_ones_are_stale)
{
    hg_op invented[] = {
        {0}, {1}, {UINT64_MAX}, {UINT64_C(1) << 32 | 0xffffff}, {UINT64_C(9) << 32}};

    for (unsigned i = 0; i < sizeof invented / sizeof *invented; i++) {
        ck_assert_int_eq(H->live(invented[i]), 0);
        H->done(invented[i], HG_OK);
    }
}
END_TEST

START_TEST(many_ops_get_different_handles)
{
    enum {
        MANY = 1000
    };
    struct op *ops[MANY];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            ops[i] = stand_op(&stand, 0, &ended);
            if (i)
                ck_assert(op_handle(ops[i]).id != op_handle(ops[i - 1]).id);
        }
        kept = op_handle(ops[MANY / 2]);
        for (unsigned i = 0; i < MANY; i++)
            op_end(&ops[i], HG_OK);
        ck_assert_int_eq(H->live(kept), 0);
    }
}
END_TEST

/* ---- memory -------------------------------------------------------------------------------------
 */

static hg_rc allocate(hg_op op, hg_verdict *out)
{
    (void)out;
    char *p = H->alloc(op, 100);

    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(p[i], 0);
    ck_assert_uint_eq((uintptr_t)p % 16, 0);
    ck_assert_ptr_nonnull(H->alloc(op, 1 << 20));
    ck_assert_ptr_null(H->alloc(op, 17 << 20));
    ck_assert_ptr_null(H->alloc(op, SIZE_MAX));
    ck_assert_ptr_null(H->alloc(op, SIZE_MAX - 8));
    for (unsigned i = 0; i < 400; i++)
        ck_assert_ptr_nonnull(H->alloc(op, 64 << 10));
    ck_assert_ptr_null(H->alloc(op, (64 << 10) + 1));
    return HG_OK;
}

START_TEST(memory_is_zeroed_and_limited_but_small_pieces_always_come)
{
    struct op *op = stand_op(&stand, 0, &ended);

    ck_assert_int_eq(call(op, allocate), HG_OK);
    op_end(&op, HG_OK);
}
END_TEST

/* ---- background ---------------------------------------------------------------------------------
 */

static void background_over(void *arg, hg_rc rc)
{
    char text[32];

    snprintf(text, sizeof text, "%s:%d", (char *)arg, rc);
    note(text);
}

START_TEST(a_background_op_ends_by_done)
{
    hg_op op = H->background(self, 0, background_over, word);

    ck_assert_int_eq(H->live(op), 1);
    ck_assert_ptr_null(H->request(op));
    H->at_end(op, end_b, word_b);
    H->done(op, HG_OK);
    ck_assert_str_eq(trace, "");
    stand_turns(&stand, 1);
    ck_assert_str_eq(trace, "timer:0 b ");
    ck_assert_int_eq(H->live(op), 0);
}
END_TEST

START_TEST(a_background_op_ends_by_its_timeout)
{
    hg_op op = H->background(self, NS_PER_MS, background_over, word);

    usleep(3000);
    stand_turns(&stand, 3);
    ck_assert_str_eq(trace, "timer:-8 ");
    ck_assert_int_eq(H->live(op), 0);
}
END_TEST

START_TEST(a_shutdown_ends_background_ops_and_refuses_new_ones)
{
    hg_op op = H->background(self, 0, background_over, word);

    H->background(self, 0, NULL, NULL);
    plugin_host_stop(stand.host);
    ck_assert_str_eq(trace, "timer:-9 ");
    ck_assert_int_eq(H->live(op), 0);
    op = H->background(self, 0, background_over, word);
    ck_assert_int_eq(H->live(op), 0);
}
END_TEST

START_TEST(an_answered_background_op_does_not_outlive_its_instance)
{
    H->done(H->background(self, 0, background_over, word), HG_OK);
    instance_destroy(&stand.instance);
    ck_assert_str_eq(trace, "timer:-9 ");
    stand_turns(&stand, 2);
    ck_assert_str_eq(trace, "timer:-9 ");
}
END_TEST

/* ---- cost ---------------------------------------------------------------------------------------
 */

START_TEST(an_op_costs_little)
{
    enum {
        ROUNDS = 300000
    };
    hg_guard_in in = {.size = sizeof in};
    hg_ns start = clock_precise();

    act = answer_nonsense;
    for (int i = 0; i < ROUNDS; i++) {
        struct op *op = stand_op(&stand, 0, &ended);

        op_end(&op, HG_OK);
    }
    hg_ns bare = (clock_precise() - start) / ROUNDS;
    struct op *op = stand_op(&stand, 0, &ended);

    start = clock_precise();
    for (int i = 0; i < ROUNDS; i++) {
        op_enter(op, "check");
        op_leave(op, HG_OK);
    }
    hg_ns bracket = (clock_precise() - start) / ROUNDS;

    (void)in;
    op_end(&op, HG_OK);
    if (getenv("HEADGATE_TEST_TIMES"))
        printf("begin and end %d ns, bracket %d ns\n", (int)bare, (int)bracket);
    ck_assert_int_lt(bare,
                     5000 * test_patience()); /* a slow machine with a sanitizer; the aim is 60 */
    ck_assert_int_lt(bracket, 5000 * test_patience());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("op");
    TCase *tcase = tcase_create("op");
    SRunner *runner = srunner_create(suite);

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_answer_at_once_leaves_its_texts_until_the_end);
    tcase_add_test(tcase, a_late_answer_comes_from_the_loop_and_not_from_the_plugin);
    tcase_add_test(tcase, done_inside_the_call_wins_over_what_the_call_returns);
    tcase_add_test(tcase, a_second_answer_inside_the_call_is_ignored_and_named);
    tcase_add_test(tcase, a_second_late_answer_is_ignored_and_counted);
    tcase_add_test(tcase, an_answer_to_what_was_answered_by_return_is_ignored);
    tcase_add_test(tcase, an_answer_after_the_host_ended_the_op_is_stale);
    tcase_add_test(tcase, the_host_may_end_an_op_whose_answer_is_on_its_way);
    tcase_add_test(tcase, a_plugin_that_never_answers_is_ended_by_the_deadline);
    tcase_add_test(tcase, an_answer_in_time_disarms_the_deadline);
    tcase_add_test(tcase, a_deadline_that_has_passed_ends_the_next_wait_at_once);
    tcase_add_test(tcase, a_deadline_can_be_moved_while_the_answer_is_pending);
    tcase_add_test(tcase, an_op_carries_several_calls_and_its_memory_stays);
    tcase_add_test(tcase, a_result_that_nobody_knows_is_an_internal_error);
    tcase_add_test(tcase, only_the_host_can_cancel);
    tcase_add_test(tcase, waiting_where_there_is_none_is_an_internal_error);
    tcase_add_test(tcase, the_gateway_may_call_again_from_inside_a_callback);
    tcase_add_test(tcase, why_an_op_failed_is_kept_until_its_end);
    tcase_add_test(tcase,
                   the_end_first_makes_stale_then_ends_what_is_owned_then_runs_at_end_newest_first);
    tcase_add_test(tcase, a_timer_does_not_fire_once_its_op_was_answered);
    tcase_add_test(tcase, a_callback_may_answer_its_own_op);
    tcase_add_test(tcase, an_op_that_is_ended_inside_its_own_call_goes_when_the_call_has_returned);
    tcase_add_test(tcase, emit_is_refused_where_nothing_listens);
    tcase_add_test(tcase, a_stale_handle_harms_nobody_and_is_counted);
    tcase_add_test(tcase, no_op_and_invented_ones_are_stale);
    tcase_add_test(tcase, many_ops_get_different_handles);
    tcase_add_test(tcase, memory_is_zeroed_and_limited_but_small_pieces_always_come);
    tcase_add_test(tcase, a_background_op_ends_by_done);
    tcase_add_test(tcase, a_background_op_ends_by_its_timeout);
    tcase_add_test(tcase, a_shutdown_ends_background_ops_and_refuses_new_ones);
    tcase_add_test(tcase, an_answered_background_op_does_not_outlive_its_instance);
    tcase_add_test(tcase, an_op_costs_little);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
