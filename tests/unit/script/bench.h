/* bench.h - an engine on a table of its own: a clock that moves when told, and the queue of the
 * loop reduced to two variables. For the tests of script/. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "script/inside.h"
#include "support/patience.h"

struct bench {
    struct engine *engine;
    hg_ns now, timer;
    bool is_soon;
    char log[8192];

    /* How the last routine ended. */
    int ends;
    enum routine_outcome outcome;
    char result[1024]; /* the results as text, with commas */
    char message[2048], traceback[8192];
    hg_ns cpu; /* what the last bench_run used of processor time */
};

static inline hg_ns bench_now(void *arg)
{
    return ((struct bench *)arg)->now;
}

static inline int64_t bench_wall(void *arg)
{
    return 1700000000 * INT64_C(1000000) + ((struct bench *)arg)->now / 1000;
}

static inline void bench_soon(void *arg)
{
    ((struct bench *)arg)->is_soon = true;
}

static inline void bench_timer(void *arg, hg_ns due)
{
    ((struct bench *)arg)->timer = due;
}

static inline void bench_log(void *arg, enum log_level level, hg_str text)
{
    struct bench *bench = arg;
    size_t len = strlen(bench->log);

    (void)level;
    snprintf(bench->log + len, sizeof bench->log - len, "%.*s\n", TEXT_ARG(text));
}

static inline hg_ns bench_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Makes headgate.host known to the routes of a test, by another name: the one that is private. */
static inline int bench_publish(lua_State *L)
{
    require_get(L, "headgate.host", true);
    require_set(L, "headgate.bench_host");
    return 0;
}

static inline void bench_open_with(struct bench *bench, struct engine_setup setup)
{
    if (test_patience() > 1 && !setup.resume_budget) {
        setup.resume_budget = 20 * INT64_C(1000000) * test_patience();
        setup.request_budget = 50 * INT64_C(1000000) * test_patience();
    }
    struct error error = {""};

    memset(bench, 0, sizeof *bench);
    bench->now = 1000;
    setup.clock = (struct engine_clock){bench_now, bench_wall, bench_soon, bench_timer, bench};
    setup.on_log = bench_log;
    setup.log_arg = bench;
    bench->engine = engine_new(&setup, &error);
    ck_assert_msg(bench->engine != NULL, "%s", error.text);
    ck_assert(engine_protected(bench->engine, bench_publish, NULL, &error));
}

static inline void bench_open(struct bench *bench)
{
    bench_open_with(bench, (struct engine_setup){0});
}

static inline void bench_close(struct bench *bench)
{
    engine_free(&bench->engine);
}

/* Turns the loop until nothing is due any more. Time jumps to the next timer. */
static inline void bench_turn(struct bench *bench)
{
    for (int i = 0; i < 10000; i++) {
        if (bench->is_soon) {
            bench->is_soon = false;
            engine_run(bench->engine);
        } else if (bench->timer) {
            bench->now = bench->timer;
            bench->timer = 0;
            engine_run(bench->engine);
        } else {
            return;
        }
    }
    ck_abort_msg("the loop does not come to rest");
}

static inline void bench_on_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                                void *arg)
{
    struct bench *bench = arg;

    bench->ends++;
    bench->outcome = outcome;
    bench->result[0] = '\0';
    snprintf(bench->message, sizeof bench->message, "%s", routine_message(routine));
    snprintf(bench->traceback, sizeof bench->traceback, "%s", routine_traceback(routine));
    for (int i = 1; outcome == ROUTINE_DONE && i <= lua_gettop(L); i++) {
        size_t len = strlen(bench->result);
        char text[200] = "?";

        if (lua_type(L, i) == LUA_TSTRING)
            snprintf(text, sizeof text, "%s", lua_tostring(L, i));
        else if (lua_isinteger(L, i))
            snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, i));
        else if (lua_type(L, i) == LUA_TNUMBER)
            snprintf(text, sizeof text, "%g", lua_tonumber(L, i));
        else if (lua_type(L, i) == LUA_TBOOLEAN)
            snprintf(text, sizeof text, "%s", lua_toboolean(L, i) ? "true" : "false");
        else if (lua_type(L, i) == LUA_TNIL)
            snprintf(text, sizeof text, "nil");
        snprintf(bench->result + len, sizeof bench->result - len, "%s%s", i > 1 ? "," : "", text);
    }
}

static inline int bench_load(struct bench *bench, const char *source)
{
    struct error error = {""};
    int ref = LUA_NOREF;

    ck_assert_msg(engine_load_route(bench->engine, "t.lua", text_of(source), &ref, &error), "%s",
                  error.text);
    return ref;
}

/* What loading `source` complains about; "" if it loads. */
static inline const char *bench_load_error(struct bench *bench, const char *source)
{
    static struct error error;
    int ref = LUA_NOREF;

    error.text[0] = '\0';
    if (engine_load_route(bench->engine, "t.lua", text_of(source), &ref, &error))
        engine_unref(bench->engine, &ref);
    return error.text;
}

static inline struct routine *bench_start(struct bench *bench, const char *source)
{
    struct routine_setup setup = {
        .function = bench_load(bench, source), .on_end = bench_on_end, .arg = bench};

    bench->ends = 0;

    hg_ns before = bench_cpu();
    struct routine *routine = routine_start(bench->engine, &setup);

    bench->cpu = bench_cpu() - before;
    return routine;
}

/* Runs `return function() <body> end` to its end. */
static inline void bench_run(struct bench *bench, const char *body)
{
    char source[8192];

    snprintf(source, sizeof source, "return function()\n%s\nend", body);
    bench_start(bench, source);
    bench_turn(bench);
    ck_assert_int_eq(bench->ends, 1);
}

/* The result of a body that must end well. */
static inline const char *bench_result(struct bench *bench, const char *body)
{
    bench_run(bench, body);
    ck_assert_msg(bench->outcome == ROUTINE_DONE, "%s", bench->traceback);
    return bench->result;
}

/* The message of a body that must fail. */
static inline const char *bench_failure(struct bench *bench, const char *body)
{
    bench_run(bench, body);
    ck_assert_int_eq(bench->outcome, ROUTINE_FAILED);
    return bench->message;
}

/* Code that must be ended by its budget, soon. Sanitizers make everything slower. */
static inline int bench_slower(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 6 * test_patience();
#else
    return test_patience();
#endif
}

static inline void bench_overruns(struct bench *bench, const char *body)
{
    bench_run(bench, body);
    ck_assert_msg(bench->outcome == ROUTINE_OVERRAN, "outcome %d: %s", (int)bench->outcome,
                  bench->message);
    ck_assert_msg(bench->cpu < bench_slower() * 60 * INT64_C(1000000), "%lld us",
                  (long long)bench->cpu / 1000);
}

#define bench_main(suite_name, setup, teardown, ...)              \
    int main(void)                                                \
    {                                                             \
        const TTest *tests[] = {__VA_ARGS__};                     \
        Suite *suite = suite_create(suite_name);                  \
        TCase *tcase = tcase_create(suite_name);                  \
        tcase_set_timeout(tcase, 60);                             \
        tcase_add_checked_fixture(tcase, setup, teardown);        \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) \
            tcase_add_test(tcase, tests[i]);                      \
        suite_add_tcase(suite, tcase);                            \
        SRunner *runner = srunner_create(suite);                  \
        srunner_run_all(runner, CK_ENV);                          \
        int failed = srunner_ntests_failed(runner);               \
        srunner_free(runner);                                     \
        return failed != 0;                                       \
    }
