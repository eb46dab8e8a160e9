#include "bench.h"

#define LIBRARY "local s = require 'headgate.bench_host'\n"

static struct bench bench;

static void open_bench(void)
{
    bench_open(&bench);
}

static void close_bench(void)
{
    ck_assert_uint_eq(engine_stats(bench.engine).routines, 0);
    bench_close(&bench);
}

static const char *result(const char *body)
{
    char text[4096];

    snprintf(text, sizeof text, LIBRARY "%s", body);
    return bench_result(&bench, text);
}

static const char *failure(const char *body)
{
    char text[4096];

    snprintf(text, sizeof text, LIBRARY "%s", body);
    return bench_failure(&bench, text);
}

START_TEST(sleep_takes_its_time)
{
    ck_assert_str_eq(result("local t = s.clock() s.sleep(1.5) local u = s.clock() s.sleep(0) "
                            "return u - t, s.clock() - u, s.now() > 1.6e9"),
                     "1.5,0,true");
    ck_assert_ptr_nonnull(strstr(failure("s.sleep(-1)"), "seconds are needed"));
    ck_assert_ptr_nonnull(strstr(failure("s.sleep(0/0)"), "seconds are needed"));
    ck_assert_ptr_nonnull(strstr(failure("s.sleep '1s'"), "number expected"));
}
END_TEST

START_TEST(sleepers_wake_in_order)
{
    ck_assert_str_eq(
        result(
            "local out, tasks = {}, {}\n"
            "for i, t in ipairs { 5, 1, 4, 2, 3, 9, 7, 8, 6 } do\n"
            "  tasks[i] = s.spawn(function() s.sleep(t) out[#out + 1] = t end)\n"
            "end\n"
            "for i = 1, #tasks do local k = s.wait(tasks) s.result(tasks[k]) tasks[k] = false end\n"
            "return table.concat(out)"),
        "123456789");
}
END_TEST

START_TEST(a_task_gets_arguments_and_gives_results)
{
    ck_assert_str_eq(
        result("local t = s.spawn(function(a, b) s.sleep(1) return b, nil, a, nil end, 'x', 7)\n"
               "local i = s.wait { t }\n"
               "return i, select('#', s.result(t)), s.result(t)"),
        "1,4,7,nil,x,nil");
}
END_TEST

START_TEST(wait_gives_the_first_and_times_out)
{
    ck_assert_str_eq(result("local a = s.spawn(s.sleep, 5) local b = s.spawn(s.sleep, 2)\n"
                            "local before = s.wait({ a, b }, 1) local i = s.wait { a, b }\n"
                            "return before, i, s.wait({ a, false }, 10), s.wait({ a, b }, 0)"),
                     "nil,2,1,1");
}
END_TEST

START_TEST(an_error_in_a_task_is_raised_where_its_result_is_taken)
{
    ck_assert_str_eq(failure("local t = s.spawn(function() local x = nil; x.y = 1 end)\n"
                             "s.wait { t }\nreturn s.result(t)"),
                     "t.lua:3: attempt to index a nil value (local 'x')");
    ck_assert_ptr_nonnull(strstr(bench.log, "in a task: t.lua:3: attempt to index"));
    ck_assert_str_eq(result("local t = s.spawn(error, {}) s.wait { t }\n"
                            "local ok, err = pcall(s.result, t) return ok, type(err)"),
                     "false,string");
    ck_assert_ptr_nonnull(
        strstr(failure("return s.result(s.spawn(s.sleep, 1))"), "has not finished"));
}
END_TEST

START_TEST(children_end_with_their_parent)
{
    ck_assert_str_eq(
        result("local mt = { __close = function(t) print(t.name) end }\n"
               "s.spawn(function() local c <close> = setmetatable({ name = 'child' }, mt)\n"
               "  s.spawn(function() local c <close> = setmetatable({ name = 'grand' }, mt)\n"
               "    s.sleep(100) end)\n"
               "  s.sleep(100) end)\n"
               "s.sleep(1) return 'done'"),
        "done");
    ck_assert_str_eq(bench.log, "t.lua:3: grand\nt.lua:3: child\n");
    ck_assert_int_lt(bench.now, 2 * INT64_C(1000000000));
    bench.log[0] = '\0';
    ck_assert_str_eq(
        failure("s.spawn(function() local c <close> = setmetatable({}, { __close = "
                "function() print 'ended' end }) s.sleep(100) end) s.sleep(1) error('x', 0)"),
        "x");
    ck_assert_str_eq(bench.log, "t.lua:3: ended\n");
}
END_TEST

START_TEST(a_cancelled_task_runs_no_further_and_has_no_result)
{
    ck_assert_str_eq(
        result("local t = s.spawn(function() pcall(s.sleep, 5) print 'no' return 1 end)\n"
               "s.sleep(1) s.cancel(t) s.cancel(t)\n"
               "local i = s.wait { t } return i, select('#', s.result(t))"),
        "1,0");
    ck_assert_str_eq(bench.log, "");
    ck_assert_str_eq(
        result("do local t <close> = s.spawn(function() s.sleep(1) print 'no' end) end "
               "s.sleep(2) return 1"),
        "1");
    ck_assert_str_eq(bench.log, "");
}
END_TEST

START_TEST(a_task_never_started_can_be_cancelled)
{
    ck_assert_str_eq(result("local t = s.spawn(print, 'no') s.cancel(t) return s.wait { t }"), "1");
    ck_assert_str_eq(bench.log, "");
}
END_TEST

START_TEST(only_the_parent_waits)
{
    ck_assert_str_eq(result("local a = s.spawn(s.sleep, 5)\n"
                            "local b = s.spawn(function() return pcall(s.wait, { a }) end)\n"
                            "s.wait { b } return select(2, s.result(b))"),
                     "only the one who spawned a task can wait for it");
}
END_TEST

START_TEST(a_detached_task_outlives_the_request)
{
    struct routine *routine =
        bench_start(&bench, LIBRARY "return function() return s.detach(function(x) s.sleep(5) "
                                    "print(x) end, 'late') ~= false end");

    ck_assert_ptr_null(routine);
    ck_assert_str_eq(bench.result, "true");
    ck_assert_str_eq(bench.log, "");
    bench_turn(&bench);
    ck_assert_str_eq(bench.log, "t.lua:2: late\n");
    result("s.detach(error, 'lost') return 1");
    ck_assert_ptr_nonnull(strstr(bench.log, "in a task: lost"));
}
END_TEST

START_TEST(there_are_caps_on_tasks)
{
    ck_assert_str_eq(result("local n = 0 while s.detach(s.sleep, 1) do n = n + 1 end return n"),
                     "256");
    ck_assert_str_eq(result("return s.detach(print, 'again') ~= false"), "true");
    ck_assert_ptr_nonnull(
        strstr(failure("for i = 1, 65 do s.spawn(s.sleep, 1) end"), "over 64 tasks at once"));
    ck_assert_str_eq(result("for i = 1, 1000 do s.wait { s.spawn(s.sleep, 0) } end return 'fine'"),
                     "fine");
}
END_TEST

START_TEST(a_task_cannot_start_at_load_time)
{
    ck_assert_ptr_nonnull(strstr(bench_load_error(&bench, LIBRARY "s.spawn(print)"),
                                 "only be started while a request is handled"));
}
END_TEST

START_TEST(garbage_collection_during_all_of_it_is_harmless)
{
    ck_assert_str_eq(
        result("local tasks = {}\n"
               "for i = 1, 60 do tasks[i] = s.spawn(function()\n"
               "  local t = {} for j = 1, 50 do t[j] = ('x'):rep(j) s.sleep(j % 3) end\n"
               "  if i % 2 == 0 then error 'odd' end return #t end) end\n"
               "s.sleep(20) for i = 1, 30 do s.cancel(tasks[i]) tasks[i] = nil end\n"
               "s.sleep(1000) return s.result(tasks[31])"),
        "50");
}
END_TEST

bench_main("task", open_bench, close_bench, sleep_takes_its_time, sleepers_wake_in_order,
           a_task_gets_arguments_and_gives_results, wait_gives_the_first_and_times_out,
           an_error_in_a_task_is_raised_where_its_result_is_taken, children_end_with_their_parent,
           a_cancelled_task_runs_no_further_and_has_no_result,
           a_task_never_started_can_be_cancelled, only_the_parent_waits,
           a_detached_task_outlives_the_request, there_are_caps_on_tasks,
           a_task_cannot_start_at_load_time, garbage_collection_during_all_of_it_is_harmless)
