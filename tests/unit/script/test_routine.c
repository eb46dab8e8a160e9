#include "bench.h"

#define LIBRARY "local host = require 'headgate.bench'\n"

static struct bench bench;

/* ---- a host function that waits ------------------------------------------------------------- */

static struct {
    struct routine_handle handle;
    int calls, cancels, pushes;
} op;

static int push_answer(lua_State *L, void *arg)
{
    op.pushes++;
    lua_pushstring(L, arg);
    return 1;
}

static void cancel_op(void *arg)
{
    ck_assert_ptr_eq(arg, &op);
    op.cancels++;
}

static int host_ask(lua_State *L)
{
    routine_check_wait(L);
    op.calls++;
    op.handle = routine_handle(routine_of(L));
    return routine_wait(L, cancel_op, &op);
}

static int host_ask_early(lua_State *L)
{
    static char answer[] = "early";
    struct routine_handle handle = routine_handle(routine_of(L));

    routine_check_wait(L);
    ck_assert(routine_wake(handle, push_answer, answer));
    ck_assert(!routine_wake(handle, push_answer, answer));
    return routine_wait(L, cancel_op, &op);
}

static int host_cancel_me(lua_State *L)
{
    routine_cancel(routine_of(L));
    return 0;
}

static int host_note(lua_State *L)
{
    bench_log(lua_touserdata(L, lua_upvalueindex(1)), LOG_INFO, text_of(luaL_checkstring(L, 1)));
    return 0;
}

static const luaL_Reg functions[] = {{"ask", host_ask},
                                     {"ask_early", host_ask_early},
                                     {"cancel_me", host_cancel_me},
                                     {"note", host_note},
                                     {NULL, NULL}};

static char hello[] = "hello", again[] = "again";

static void open_bench(void)
{
    struct error error;

    memset(&op, 0, sizeof op);
    bench_open(&bench);
    ck_assert(engine_add_library(bench.engine, "headgate.bench", functions, &bench, &error));
    ck_assert(engine_add_library(bench.engine, "headgate.bench", functions, &bench, &error));
}

static void close_bench(void)
{
    bench_close(&bench);
}

static struct routine *start(const char *body)
{
    char source[4096];

    snprintf(source, sizeof source, LIBRARY "return function()\n%s\nend", body);
    return bench_start(&bench, source);
}

START_TEST(a_routine_that_never_waits_ends_in_its_start)
{
    ck_assert_ptr_null(start("return 1, 'two', true, nil"));
    ck_assert_int_eq(bench.ends, 1);
    ck_assert_int_eq(bench.outcome, ROUTINE_DONE);
    ck_assert_str_eq(bench.result, "1,two,true,nil");
}
END_TEST

START_TEST(a_wake_is_queued_and_its_values_are_the_results_of_the_call)
{
    struct routine *routine = start("local a = host.ask() return a .. '!', host.ask()");

    ck_assert_ptr_nonnull(routine);
    ck_assert(routine_wake(op.handle, push_answer, hello));
    ck_assert_int_eq(op.pushes, 0);
    bench_turn(&bench);
    ck_assert_int_eq(op.calls, 2);
    ck_assert(routine_wake(op.handle, NULL, NULL));
    bench_turn(&bench);
    ck_assert_int_eq(bench.outcome, ROUTINE_DONE);
    ck_assert_str_eq(bench.result, "hello!");
    ck_assert_int_eq(op.cancels, 0);
}
END_TEST

START_TEST(a_wake_before_the_wait_needs_no_turn)
{
    ck_assert_ptr_null(start("return host.ask_early()"));
    ck_assert_str_eq(bench.result, "early");
    ck_assert(!bench.is_soon);
}
END_TEST

START_TEST(a_second_wake_and_a_wake_of_an_old_wait_are_harmless)
{
    start("return host.ask(), host.ask()");

    struct routine_handle first = op.handle;

    ck_assert(routine_wake(first, push_answer, hello));
    ck_assert(!routine_wake(first, push_answer, hello));
    bench_turn(&bench);
    ck_assert(!routine_wake(first, push_answer, hello));
    ck_assert(routine_wake(op.handle, push_answer, again));
    bench_turn(&bench);
    ck_assert_str_eq(bench.result, "hello,again");
    ck_assert(!routine_wake(op.handle, push_answer, hello));

    /* The coroutine has another life now. */
    start("return host.ask()");
    ck_assert(!routine_wake(first, push_answer, hello));
    ck_assert_int_eq(op.pushes, 2);
}
END_TEST

START_TEST(a_cancel_tells_the_op_and_runs_close_variables_and_no_line_more)
{
    struct routine *routine =
        start("local function closer(name)\n"
              "  return setmetatable({}, { __close = function() host.note(name) end })\n"
              "end\n"
              "local outer <close> = closer 'outer'\n"
              "while true do pcall(function()\n"
              "  local inner <close> = closer 'inner'\n"
              "  host.ask()\n"
              "  host.note 'after'\n"
              "end) host.note 'behind' end\n");
    struct routine_handle handle = op.handle;

    routine_cancel(routine);
    ck_assert_int_eq(bench.ends, 1);
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_int_eq(op.cancels, 1);
    ck_assert_str_eq(bench.log, "inner\nouter\n");
    ck_assert(!routine_wake(handle, push_answer, hello));
    bench_turn(&bench);
    ck_assert_int_eq(bench.ends, 1);
}
END_TEST

START_TEST(a_cancel_between_wake_and_resume_calls_cancel_and_not_push)
{
    struct routine *routine = start("return host.ask()");

    ck_assert(routine_wake(op.handle, push_answer, hello));
    routine_cancel(routine);
    bench_turn(&bench);
    ck_assert_int_eq(op.cancels, 1);
    ck_assert_int_eq(op.pushes, 0);
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
}
END_TEST

START_TEST(a_routine_can_be_cancelled_while_it_runs)
{
    ck_assert_ptr_null(start("pcall(host.cancel_me) pcall(host.note, 'x') host.note 'no'"));
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_str_eq(bench.log, "");
    ck_assert_ptr_null(start("host.cancel_me() host.ask()"));
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_str_eq(bench_result(&bench, "return 'next'"), "next");
}
END_TEST

START_TEST(waiting_in_a_close_variable_of_a_cancelled_routine_is_an_error)
{
    struct routine *routine =
        start("local c <close> = setmetatable({}, { __close = function() host.ask() end })\n"
              "host.ask()");

    routine_cancel(routine);
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_int_eq(op.calls, 1);
    ck_assert_ptr_nonnull(strstr(bench.log, "cannot wait in a <close> variable"));
}
END_TEST

START_TEST(waiting_in_a_close_variable_is_fine_otherwise)
{
    start("do local c <close> = setmetatable({}, { __close = function() host.ask() end }) end\n"
          "return 'after'");
    routine_wake(op.handle, NULL, NULL);
    bench_turn(&bench);
    ck_assert_str_eq(bench.result, "after");
}
END_TEST

START_TEST(an_error_comes_with_place_and_traceback)
{
    start("local function deep() local t = nil; return t.x end\nlocal x = deep() return x");
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    ck_assert_str_eq(bench.message, "t.lua:3: attempt to index a nil value (local 't')");
    ck_assert_ptr_nonnull(strstr(bench.traceback, "deep"));
    ck_assert_ptr_nonnull(strstr(bench.traceback, "t.lua:4"));

    start("error { kind = 'odd' }");
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    ck_assert_ptr_nonnull(strstr(bench.message, "table"));
    start("error(setmetatable({}, { __tostring = function() return 'in words' end }))");
    ck_assert_str_eq(bench.message, "in words");
}
END_TEST

START_TEST(waiting_across_pcall_and_metamethods_and_iterators_works)
{
    start("local t = setmetatable({}, { __index = function() return host.ask() end,\n"
          "  __add = function() return host.ask() end })\n"
          "local ok, a = pcall(function() return t.x end)\n"
          "for v in function(_, i) return (not i) and host.ask() or nil end do a = a .. v end\n"
          "return a .. (t + 1)");
    for (int i = 0; i < 3; i++) {
        ck_assert(routine_wake(op.handle, push_answer, hello));
        bench_turn(&bench);
    }
    ck_assert_str_eq(bench.result, "hellohellohello");
}
END_TEST

START_TEST(waiting_inside_a_c_function_names_it)
{
    start("table.sort({3, 1, 2}, function() host.ask() end)");
    ck_assert_ptr_nonnull(strstr(bench.message, "t.lua:3: cannot wait inside table.sort"));
    start("return (('abc'):gsub('b', function() host.ask() end))");
    ck_assert_ptr_nonnull(strstr(bench.message, "cannot wait inside string.gsub"));
    start("return tostring(setmetatable({}, { __tostring = function() return host.ask() end }))");
    ck_assert_ptr_nonnull(strstr(bench.message, "cannot wait inside tostring"));
    ck_assert_int_eq(op.calls, 0);
}
END_TEST

START_TEST(waiting_at_load_time_is_an_error)
{
    const char *message = bench_load_error(&bench, LIBRARY "host.ask()\nreturn 1");

    ck_assert_str_eq(message, "t.lua:2: cannot wait while the route is being loaded: do it inside "
                              "the handler");
}
END_TEST

START_TEST(what_must_not_wait_says_so)
{
    struct routine_setup setup = {
        .function = bench_load(&bench, LIBRARY "return function() host.ask() end"),
        .on_end = bench_on_end,
        .arg = &bench,
        .never_waits = "match"};

    ck_assert_ptr_null(routine_start(bench.engine, &setup));
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    ck_assert_str_eq(bench.message, "t.lua:2: cannot wait inside match");
}
END_TEST

static int push_arguments(lua_State *L, void *arg)
{
    lua_pushstring(L, arg == &bench ? "mine" : "other");
    lua_pushinteger(L, 7);
    return 2;
}

static int push_badly(lua_State *L, void *arg)
{
    (void)arg;
    return luaL_error(L, "nothing to push");
}

START_TEST(arguments_come_from_push)
{
    struct routine_setup setup = {
        .function = bench_load(&bench, "return function(a, b) return a, b, 'x' end"),
        .push = push_arguments,
        .on_end = bench_on_end,
        .arg = &bench};

    routine_start(bench.engine, &setup);
    ck_assert_str_eq(bench.result, "mine,7,x");

    setup.push = push_badly;
    routine_start(bench.engine, &setup);
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    ck_assert_str_eq(bench.message, "nothing to push");
}
END_TEST

START_TEST(coroutines_are_reused)
{
    for (int i = 0; i < 100; i++)
        start("return host.ask_early()");
    ck_assert_uint_eq(engine_stats(bench.engine).pooled, 1);

    struct routine *routines[3];

    for (int i = 0; i < 3; i++)
        routines[i] = start("host.ask()");
    ck_assert_uint_eq(engine_stats(bench.engine).routines, 3);
    ck_assert_uint_eq(engine_stats(bench.engine).pooled, 0);
    for (int i = 0; i < 3; i++)
        routine_cancel(routines[i]);
    ck_assert_uint_eq(engine_stats(bench.engine).routines, 0);
    ck_assert_uint_eq(engine_stats(bench.engine).pooled, 3);
    ck_assert_uint_eq(engine_stats(bench.engine).cancelled, 3);
    start("return 'fine'");
    ck_assert_str_eq(bench.result, "fine");
}
END_TEST

START_TEST(a_coroutine_that_allocated_much_is_dropped)
{
    start("local t = {} for i = 1, 20000 do t[i] = { i } end");
    ck_assert_int_eq(bench.outcome, ROUTINE_DONE);
    ck_assert_uint_eq(engine_stats(bench.engine).pooled, 0);
}
END_TEST

static void start_another(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                          void *arg)
{
    struct routine_setup setup = {.function = *(int *)arg, .on_end = bench_on_end, .arg = &bench};

    (void)routine;
    (void)L;
    (void)outcome;
    ck_assert_ptr_null(routine_start(bench.engine, &setup));
}

START_TEST(an_end_may_start_another_routine)
{
    int next = bench_load(&bench, "return function() return 'the next' end");
    struct routine_setup setup = {.function = bench_load(&bench, "return function() end"),
                                  .on_end = start_another,
                                  .arg = &next};

    ck_assert_ptr_null(routine_start(bench.engine, &setup));
    ck_assert_str_eq(bench.result, "the next");
}
END_TEST

START_TEST(freeing_the_engine_ends_what_runs)
{
    start("host.ask()");
    bench_close(&bench);
    ck_assert_int_eq(bench.ends, 1);
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_int_eq(op.cancels, 1);
    bench_open(&bench);
}
END_TEST

bench_main("routine", open_bench, close_bench, a_routine_that_never_waits_ends_in_its_start,
           a_wake_is_queued_and_its_values_are_the_results_of_the_call,
           a_wake_before_the_wait_needs_no_turn,
           a_second_wake_and_a_wake_of_an_old_wait_are_harmless,
           a_cancel_tells_the_op_and_runs_close_variables_and_no_line_more,
           a_cancel_between_wake_and_resume_calls_cancel_and_not_push,
           a_routine_can_be_cancelled_while_it_runs,
           waiting_in_a_close_variable_of_a_cancelled_routine_is_an_error,
           waiting_in_a_close_variable_is_fine_otherwise, an_error_comes_with_place_and_traceback,
           waiting_across_pcall_and_metamethods_and_iterators_works,
           waiting_inside_a_c_function_names_it, waiting_at_load_time_is_an_error,
           what_must_not_wait_says_so, arguments_come_from_push, coroutines_are_reused,
           a_coroutine_that_allocated_much_is_dropped, an_end_may_start_another_routine,
           freeing_the_engine_ends_what_runs)
