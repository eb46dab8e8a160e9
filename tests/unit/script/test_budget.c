/* Endless and greedy code must end soon, in each of the ways it can be written, and the neighbours
 * must not notice. (Abuse case 27.) */
#include "bench.h"

static struct bench bench;

static void open_bench(void)
{
    bench_open(&bench);
}

static void close_bench(void)
{
    /* Whatever happened: the next routine is none the worse for it. */
    ck_assert_str_eq(bench_result(&bench, "local n = 0 for i = 1, 1000 do n = n + i end return n"),
                     "500500");
    bench_close(&bench);
}

START_TEST(an_endless_loop_ends)
{
    bench_overruns(&bench, "while true do end");
    ck_assert_ptr_nonnull(strstr(bench.message, "t.lua:2: used too much processor time"));
    ck_assert_ptr_nonnull(strstr(bench.traceback, "stack traceback"));
}
END_TEST

START_TEST(a_numeric_loop_ends)
{
    bench_overruns(&bench, "for i = 1, math.huge do end");
}
END_TEST

START_TEST(a_goto_loop_ends)
{
    bench_overruns(&bench, "::again:: goto again");
}
END_TEST

START_TEST(a_tail_recursion_ends)
{
    bench_overruns(&bench, "local function f() return f() end f()");
}
END_TEST

START_TEST(an_endless_iterator_ends)
{
    bench_overruns(&bench, "for _ in function() return 1 end do end");
}
END_TEST

START_TEST(a_loop_around_pcall_ends)
{
    bench_overruns(&bench, "repeat pcall(function() while true do end end) until false");
}
END_TEST

START_TEST(a_recursion_through_pcall_ends)
{
    bench_overruns(&bench, "local function f() pcall(f) while true do end end\n"
                           "while true do pcall(f) end");
}
END_TEST

START_TEST(an_endless_message_handler_ends)
{
    bench_overruns(&bench,
                   "xpcall(function() while true do end end, function() while true do end end)");
    bench_overruns(&bench, "xpcall(error, function() while true do end end)");
}
END_TEST

START_TEST(an_endless_close_variable_ends)
{
    bench_overruns(&bench, "local c <close> = setmetatable({}, { __close = function() while true "
                           "do end end })\n"
                           "while true do end");
    bench_overruns(&bench, "local c <close> = setmetatable({}, { __close = function() while true "
                           "do end end })\n"
                           "error 'x'");
}
END_TEST

START_TEST(many_endless_close_variables_of_a_cancelled_routine_end)
{
    struct routine *routine = bench_start(
        &bench,
        "local s = require 'headgate.bench_host'\n"
        "local function spin() while true do pcall(function() while true do end end) end end\n"
        "local mt = { __close = spin }\n"
        "return function()\n"
        "  local a <close> = setmetatable({}, mt)\n"
        "  local b <close> = setmetatable({}, mt)\n"
        "  local c <close> = setmetatable({}, mt)\n"
        "  local d <close> = setmetatable({}, mt)\n"
        "  s.sleep(1)\n"
        "end");
    hg_ns before = bench_cpu();

    ck_assert_ptr_nonnull(routine);
    routine_cancel(routine);
    ck_assert_int_eq(bench.outcome, ROUTINE_CANCELLED);
    ck_assert_int_lt(bench_cpu() - before, bench_slower() * 60 * INT64_C(1000000));
}
END_TEST

START_TEST(a_deep_stack_full_of_close_variables_ends)
{
    bench_run(&bench,
              "local mt = { __close = function() while true do end end }\n"
              "local function f() local c <close> = setmetatable({}, mt) return 1 + f() end\n"
              "f()");
    ck_assert_int_eq(bench.outcome, ROUTINE_OVERRAN);
    ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
    bench_run(&bench, "local function f() pcall(f) while true do end end\n"
                      "table.sort({1, 2}, function() f() end)");
    ck_assert_int_ne(bench.outcome, ROUTINE_DONE);
    ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
}
END_TEST

START_TEST(children_with_endless_close_variables_end_together)
{
    struct routine *routine = bench_start(
        &bench, "local s = require 'headgate.bench_host'\n"
                "local mt = { __close = function() while true do end end }\n"
                "local function child() local c <close> = setmetatable({}, mt) s.sleep(100) end\n"
                "return function() for i = 1, 60 do s.spawn(child) end s.sleep(50) end");

    for (int i = 0; i < 5; i++) {
        bench.is_soon = false;
        engine_run(bench.engine);
    }

    hg_ns before = bench_cpu();

    routine_cancel(routine);
    ck_assert_int_lt(bench_cpu() - before, bench_slower() * 60 * INT64_C(1000000));
    ck_assert_uint_eq(engine_stats(bench.engine).routines, 0);
}
END_TEST

START_TEST(endless_metamethods_end)
{
    bench_overruns(&bench, "local t = setmetatable({}, { __index = function(t, k) while true do "
                           "end end }) return t.x");
    bench_overruns(&bench, "tostring(setmetatable({}, { __tostring = function() while true do end "
                           "end }))");
    bench_overruns(&bench, "table.sort({1, 2, 3}, function() while true do end end)");
    bench_overruns(&bench, "('abc'):gsub('.', function() while true do end end)");
}
END_TEST

START_TEST(a_recursion_without_end_is_a_stack_overflow_or_overruns)
{
    bench_run(&bench, "local function f() return 1 + f() end return f()");
    ck_assert(bench.outcome == ROUTINE_FAILED || bench.outcome == ROUTINE_OVERRAN);
    ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
    bench_run(&bench, "local function f(s) return (s:gsub('.', f)) end return f('x')");
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    bench_run(&bench, "local t = {} setmetatable(t, { __index = function(t, k) return t[k] end }) "
                      "return t.x");
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    bench_run(&bench, "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x");
    ck_assert_int_eq(bench.outcome, ROUTINE_FAILED);
    bench_overruns(&bench, "local function f() pcall(f) pcall(f) end f()");
}
END_TEST

START_TEST(a_memory_bomb_ends)
{
    bench_overruns(&bench, "local t = {} for i = 1, math.huge do t[i] = { i } end");
    if (bench_slower() == 1) /* otherwise time may be up first */
        ck_assert_ptr_nonnull(strstr(bench.message, "allocated too much memory"));
    bench_overruns(&bench, "local s = 'x' while true do s = s .. s end");
    bench_overruns(&bench, "while true do pcall(function() local s = 'x' while true do s = s .. s "
                           "end end) end");
    bench_overruns(&bench, "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) end");
    bench_overruns(&bench, "local s = '' while true do s = s .. 'some more words' end");
    ck_assert_uint_lt(engine_stats(bench.engine).memory, 64 << 20);
}
END_TEST

START_TEST(garbage_counts_too)
{
    bench_overruns(&bench, "while true do local t = { 1, 2, 3 } end");
}
END_TEST

START_TEST(a_huge_concatenation_is_refused)
{
    const char *const bombs[] = {
        "local s = ('x'):rep(1000000) return #(s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s)",
        "local s = ('x'):rep(1000000) local t = {} for i = 1, 200 do t[i] = s end "
        "return #table.concat(t)",
        "local s = ('x'):rep(1000000) return #(('x'):rep(1000):gsub('x', s))",
        "local s = ('x'):rep(1000000) return #string.format(('%s'):rep(90), "
        "table.unpack((function() "
        "local t = {} for i = 1, 90 do t[i] = s end return t end)()))",
    };

    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        bench_run(&bench, bombs[i]);
        ck_assert_msg(bench.outcome != ROUTINE_DONE, "%s", bombs[i]);
        ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
    }
}
END_TEST

START_TEST(loops_in_c_have_limits)
{
    const char *const bombs[] = {
        "return ('x'):rep(1e9)",
        "return ('x'):rep(1e9, 'y')",
        "return (''):rep(1e9, 'xy')",
        "return table.move({}, 1, 1 << 60, 2)",
        "return table.move({}, 1, 1 << 60, 1, {})",
        "return table.concat(setmetatable({}, { __index = type }), '', 1, 1 << 60)",
        "return table.concat(setmetatable({}, { __index = table.concat }), '', 1, 1 << 60)",
        "return table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
        "return table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
        "return table.sort(setmetatable({}, { __len = function() return 1 << 30 end }), rawequal)",
        "return table.sort({ 'a', 'b', 'c' }, string.find)",
        "return table.unpack({}, 1, 1 << 60)",
        "return table.unpack({}, 1, 1e7)",
        "return ('x'):rep(200):find '.-.-.-.-y'",
        "return ('x'):rep(200):match '.-.-.-.-y'",
        "for _ in ('x'):rep(200):gmatch '.-.-.-.-y' do end return 1",
        "return ('x'):rep(200):gsub('.-.-.-.-y', '')",
        "return ('x'):rep(100000):find(('x*'):rep(100) .. 'y')",
        "return ('x'):rep(100000):find('[' .. ('a'):rep(100000) .. ']')",
        "return ('('):rep(100000):find '%b()'",
        "return ('a'):rep(1000000):find(('a'):rep(999999) .. 'b.')",
    };

    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        bench_run(&bench, bombs[i]);
        ck_assert_msg(bench.outcome != ROUTINE_DONE || strcmp(bench.result, "nil") == 0, "%s -> %s",
                      bombs[i], bench.result);
        ck_assert_msg(bench.cpu < bench_slower() * 60 * INT64_C(1000000), "%s: %lld us", bombs[i],
                      (long long)bench.cpu / 1000);
    }
}
END_TEST

START_TEST(c_functions_that_call_each_other_end)
{
    bench_run(&bench, "local s = ('x'):rep(200)\n"
                      "return (s:gsub('(x)', function() pcall(string.find, s, '.-.-.-.-y') end))");
    ck_assert_int_eq(bench.outcome, ROUTINE_OVERRAN);
    ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
    bench_run(&bench, "local s, p = ('x'):rep(50), '.-.-.-.-.-.-y'\n"
                      "return ((s .. p):rep(100):gsub('(x+)([^x]+)', string.find))");
    ck_assert_int_ne(bench.outcome, ROUTINE_DONE);
    ck_assert_int_lt(bench.cpu, bench_slower() * 60 * INT64_C(1000000));
}
END_TEST

START_TEST(a_route_that_loops_while_it_is_loaded_ends)
{
    const char *message = bench_load_error(&bench, "while true do end");

    ck_assert_ptr_nonnull(strstr(message, "t.lua:1: used too much processor time"));
    message = bench_load_error(&bench, "local s = 'x' while true do s = s .. s end");
    ck_assert_ptr_nonnull(strstr(message, "memory"));
    message = bench_load_error(&bench, "while true do pcall(function() while true do end end) end");
    ck_assert_ptr_nonnull(strstr(message, "too much processor time"));
}
END_TEST

START_TEST(the_sum_over_a_request_has_a_limit_too)
{
    bench_run(&bench, "local s = require 'headgate.bench_host'\n"
                      "for i = 1, 1000 do for i = 1, 200000 do end s.sleep(1) end");
    ck_assert_int_eq(bench.outcome, ROUTINE_OVERRAN);
    ck_assert_ptr_nonnull(strstr(bench.message, "for one request"));
}
END_TEST

START_TEST(the_sum_includes_the_children)
{
    bench_run(&bench, "local s = require 'headgate.bench_host'\n"
                      "local function work() for i = 1, 200000 do end end\n"
                      "for i = 1, 1000 do s.wait { s.spawn(work) } end");
    ck_assert_int_ne(bench.outcome, ROUTINE_DONE);
    ck_assert_ptr_nonnull(strstr(bench.message, "for one request"));
    bench_run(&bench, "local s = require 'headgate.bench_host'\n"
                      "local function work() local t = {} for i = 1, 10000 do t[i] = {} end end\n"
                      "for i = 1, 100 do s.wait { s.spawn(work) } end");
    ck_assert_int_ne(bench.outcome, ROUTINE_DONE);
    ck_assert_ptr_nonnull(strstr(bench.message, "too much memory"));
}
END_TEST

START_TEST(a_neighbour_that_waits_is_not_touched)
{
    struct routine *neighbour =
        bench_start(&bench, "local s = require 'headgate.bench_host'\n"
                            "return function() s.sleep(5) return 'still here' end");

    ck_assert_ptr_nonnull(neighbour);
    for (int i = 0; i < 5; i++) {
        struct routine_setup setup = {
            .function = bench_load(&bench, "return function() while true do end end")};

        ck_assert_ptr_null(routine_start(bench.engine, &setup));
    }
    bench_turn(&bench);
    ck_assert_int_eq(bench.outcome, ROUTINE_DONE);
    ck_assert_str_eq(bench.result, "still here");
    ck_assert_uint_eq(engine_stats(bench.engine).overran, 5);
}
END_TEST

START_TEST(memory_of_a_waiting_neighbour_survives_a_bomb)
{
    bench_start(&bench, "local s = require 'headgate.bench_host'\n"
                        "return function() local t = {} for i = 1, 1000 do t[i] = 'v' .. i end\n"
                        "s.sleep(5) return t[1], t[1000] end");
    struct routine_setup setup = {
        .function = bench_load(&bench, "return function() local t = {} while true do "
                                       "t[#t + 1] = ('x'):rep(1e6) end end")};
    routine_start(bench.engine, &setup);
    bench_turn(&bench);
    ck_assert_str_eq(bench.result, "v1,v1000");
}
END_TEST

START_TEST(an_idle_process_gets_no_ticks)
{
    struct timespec time = {.tv_nsec = 100000000};

    /* A tick would interrupt it, SA_RESTART or not. */
    ck_assert_int_eq(nanosleep(&time, NULL), 0);
}
END_TEST

bench_main("budget", open_bench, close_bench, children_with_endless_close_variables_end_together,
           a_deep_stack_full_of_close_variables_ends, an_endless_loop_ends, a_numeric_loop_ends,
           a_goto_loop_ends, a_tail_recursion_ends, an_endless_iterator_ends,
           a_loop_around_pcall_ends, a_recursion_through_pcall_ends,
           an_endless_message_handler_ends, an_endless_close_variable_ends,
           many_endless_close_variables_of_a_cancelled_routine_end, endless_metamethods_end,
           a_recursion_without_end_is_a_stack_overflow_or_overruns, a_memory_bomb_ends,
           garbage_counts_too, a_huge_concatenation_is_refused, loops_in_c_have_limits,
           c_functions_that_call_each_other_end, a_route_that_loops_while_it_is_loaded_ends,
           the_sum_over_a_request_has_a_limit_too, the_sum_includes_the_children,
           a_neighbour_that_waits_is_not_touched, memory_of_a_waiting_neighbour_survives_a_bomb,
           an_idle_process_gets_no_ticks)
