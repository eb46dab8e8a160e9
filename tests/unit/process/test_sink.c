/* A sink with a logger that the test itself is: `answer` is what its deliver comes to. */
#include "support/patience.h"
#include "unit/plugin/stand.h"

#include "process/sink.h"
#include "support/suite.h"

static const hg_host *H;
static struct {
    hg_rc answer;
    hg_op kept; /* of a delivery that is pending */
    unsigned calls, records, flushes, reopens, last_batch;
    char order[256];
} logger;

static hg_rc deliver(void *st, hg_op op, const hg_record *const *records, size_t n)
{
    (void)st;
    logger.calls++;
    logger.last_batch = (unsigned)n;
    logger.kept = op;
    if (logger.answer == HG_OK || logger.answer == HG_PENDING) {
        logger.records += (unsigned)n;
        for (size_t i = 0; i < n && strlen(logger.order) < 200; i++)
            strncat(logger.order, records[i]->id.p, records[i]->id.n);
    }
    return logger.answer;
}

static hg_rc flush(void *st, hg_op op)
{
    (void)st, (void)op;
    logger.flushes++;
    return HG_OK;
}

static hg_rc reopen(void *st, hg_op op)
{
    (void)st, (void)op;
    logger.reopens++;
    return HG_OK;
}

static const hg_logger functions = {
    .size = sizeof functions, .max_batch = 4, .deliver = deliver, .flush = flush, .reopen = reopen};
HG_PLUGIN(H, "test", "1.0", .ifaces = (const hg_iface[]){{HG_LOGGER, &functions}, {0}});

static struct stand stand;
static struct sink *sink;
static unsigned finished;
static unsigned live; /* records that somebody still holds */

static struct sink_limits limits = {
    .records = 6,
    .bytes = 1 << 20,
    .patience = 50 * NS_PER_MS,
    .retry_first = 5 * NS_PER_MS,
    .retry_most = 10 * NS_PER_MS,
};

static void on_finished(void *arg)
{
    (void)arg;
    finished++;
}

static void setup(void)
{
    struct error error = {""};

    memset(&logger, 0, sizeof logger);
    finished = live = 0;
    log_set_level(LOG_ERROR);
    limits.patience = 50 * NS_PER_MS * test_patience();
    stand_open(&stand, NULL, NULL);
    struct plugin *plugin = plugin_static(stand.host, headgate_plugin_v0, &error);

    ck_assert_msg(plugin != NULL, "%s", error.text);
    stand.instance = instance_create(
        stand.host, &(struct instance_setup){.kind = "logger", .name = "test", .plugin = plugin},
        NULL, NULL, &error);
    ck_assert_msg(stand.instance != NULL, "%s", error.text);
    sink = sink_new(&(struct sink_setup){.loop = stand.loop,
                                         .host = stand.host,
                                         .instance = stand.instance,
                                         .limits = &limits,
                                         .metrics = region_metrics(stand.region)});
}

static void teardown(void)
{
    sink_free(&sink);
    stand_close(&stand);
    ck_assert_uint_eq(live, 0);
}

static void on_gone(void *arg)
{
    (void)arg;
    live--;
}

static void push(char id)
{
    struct arena *arena = arena_new();
    struct log_record *record = arena_zalloc(arena, sizeof *record);

    record->arena = arena;
    record->refs = 1;
    record->size = 100;
    record->record.size = sizeof record->record;
    record->record.id = arena_fmt(arena, "%c", id);
    arena_on_end(arena, on_gone, NULL);
    live++;
    sink_push(sink, record);
    log_record_unref(record);
}

static double total(const char *name)
{
    struct metrics *metrics = region_metrics(stand.region);
    static const char *const labels[] = {"logger", NULL};
    int32_t id = metric_declare(
        metrics,
        &(struct metric_spec){.type = METRIC_COUNTER, .name = name, .help = "", .labels = labels});

    return metric_total(metrics, id, (hg_str[]){HG_S("test")});
}

START_TEST(records_arrive_in_order_and_in_batches_of_the_size_that_the_logger_likes)
{
    for (char id = 'a'; id < 'g'; id++)
        push(id);
    sink_go(sink);
    ck_assert_uint_eq(logger.last_batch, 4);
    stand_until(&stand, &logger.records, 6);
    ck_assert_str_eq(logger.order, "abcdef");
    ck_assert_uint_eq(logger.calls, 2);
    ck_assert(sink_is_idle(sink));
    ck_assert_uint_eq(live, 0);
}
END_TEST

START_TEST(nothing_is_delivered_while_a_delivery_is_pending)
{
    logger.answer = HG_PENDING;
    push('a');
    sink_go(sink);
    push('b');
    sink_go(sink);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(logger.calls, 1);
    ck_assert_uint_eq(live, 2);
    logger.answer = HG_OK;
    H->done(logger.kept, HG_OK);
    stand_until(&stand, &logger.calls, 2);
    ck_assert_str_eq(logger.order, "ab");
    ck_assert_uint_eq(live, 0);
}
END_TEST

START_TEST(a_logger_that_cannot_take_them_now_gets_the_same_records_again)
{
    logger.answer = HG_E_AGAIN;
    push('a');
    push('b');
    sink_go(sink);
    stand_until(&stand, &logger.calls, 3);
    ck_assert_uint_eq(logger.records, 0);
    logger.answer = HG_OK;
    stand_until(&stand, &logger.records, 2);
    ck_assert_str_eq(logger.order, "ab");
    ck_assert(total("headgate_log_retries_total") >= 3);
    ck_assert(total("headgate_log_records_dropped_total") == 0);
}
END_TEST

START_TEST(a_logger_that_never_answers_is_asked_again_after_the_deadline)
{
    logger.answer = HG_PENDING;
    push('a');
    sink_go(sink);
    stand_until(&stand, &logger.calls, 2);
    ck_assert_uint_eq(live, 1);
}
END_TEST

START_TEST(what_finds_no_room_is_dropped_and_counted)
{
    logger.answer = HG_E_AGAIN;
    for (char id = 'a'; id < 'j'; id++)
        push(id);
    ck_assert(!sink_has_room(sink));
    ck_assert(total("headgate_log_records_dropped_total") == 3);
    ck_assert_uint_eq(live, 6);
    logger.answer = HG_OK;
    sink_go(sink);
    stand_until(&stand, &logger.records, 6);
    ck_assert_str_eq(logger.order, "abcdef");
    ck_assert(sink_has_room(sink));
}
END_TEST

START_TEST(refused_records_are_not_tried_again)
{
    logger.answer = HG_E_INTERNAL;
    log_set_level(LOG_ERROR + 1);
    push('a');
    sink_go(sink);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(logger.calls, 1);
    ck_assert(sink_is_idle(sink));
    ck_assert(total("headgate_log_records_dropped_total") == 1);
}
END_TEST

START_TEST(finishing_delivers_everything_and_then_flushes_once)
{
    for (char id = 'a'; id < 'g'; id++)
        push(id);
    sink_finish(sink, clock_now() + NS_PER_S, on_finished, NULL);
    stand_until(&stand, &finished, 1);
    ck_assert_uint_eq(logger.records, 6);
    ck_assert_uint_eq(logger.flushes, 1);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(finished, 1);
}
END_TEST

START_TEST(finishing_ends_at_its_deadline_whatever_the_logger_does)
{
    log_set_level(LOG_ERROR + 1);
    logger.answer = HG_E_AGAIN;
    push('a');
    sink_finish(sink, clock_now() + 30 * NS_PER_MS, on_finished, NULL);
    stand_until(&stand, &finished, 1);
    ck_assert_uint_eq(logger.flushes, 0);
}
END_TEST

START_TEST(finishing_does_not_wait_for_an_answer_that_never_comes)
{
    log_set_level(LOG_ERROR + 1);
    logger.answer = HG_PENDING;
    push('a');
    sink_go(sink);
    sink_finish(sink, clock_now() + 30 * NS_PER_MS, on_finished, NULL);
    stand_until(&stand, &finished, 1);
}
END_TEST

START_TEST(reopening_waits_for_the_delivery_under_way)
{
    logger.answer = HG_PENDING;
    push('a');
    sink_go(sink);
    sink_reopen(sink);
    ck_assert_uint_eq(logger.reopens, 0);
    logger.answer = HG_OK;
    H->done(logger.kept, HG_OK);
    stand_until(&stand, &logger.reopens, 1);
}
END_TEST

RUN_SUITE_WITH("process/sink", setup, teardown,
               records_arrive_in_order_and_in_batches_of_the_size_that_the_logger_likes,
               nothing_is_delivered_while_a_delivery_is_pending,
               a_logger_that_cannot_take_them_now_gets_the_same_records_again,
               a_logger_that_never_answers_is_asked_again_after_the_deadline,
               what_finds_no_room_is_dropped_and_counted, refused_records_are_not_tried_again,
               finishing_delivers_everything_and_then_flushes_once,
               finishing_ends_at_its_deadline_whatever_the_logger_does,
               finishing_does_not_wait_for_an_answer_that_never_comes,
               reopening_waits_for_the_delivery_under_way)
