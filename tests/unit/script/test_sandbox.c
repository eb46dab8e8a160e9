/* What scripts must not reach, and what the fence says when they try. (Abuse case 27.) */
#include "bench.h"

static struct bench bench;

static void open_bench(void)
{
    bench_open(&bench);
}

static void close_bench(void)
{
    bench_close(&bench);
}

static void fails(const char *body, const char *message)
{
    const char *got = bench_failure(&bench, body);

    ck_assert_msg(strstr(got, message) != NULL, "%s\n-> %s", body, got);
}

START_TEST(names_that_reach_out_do_not_exist)
{
    const char *const names[] = {"load",   "loadstring", "loadfile",       "dofile",  "os",
                                 "io",     "debug",      "coroutine",      "package", "_G",
                                 "module", "setfenv",    "collectgarbage", "warn",    "jit"};
    char body[100];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(body, sizeof body, "return %s", names[i]);
        fails(body, "is not defined");
    }
    ck_assert_str_eq(bench_result(&bench, "return string.dump, ('x').dump"), "nil,nil");
}
END_TEST

START_TEST(an_undefined_name_is_an_error_with_a_suggestion)
{
    ck_assert_str_eq(bench_load_error(&bench, "\nlocal x = tostrnig(1)\nreturn x"),
                     "t.lua:2: 'tostrnig' is not defined; did you mean 'tostring'?");
    fails("return zebra", "t.lua:2: 'zebra' is not defined");
}
END_TEST

START_TEST(a_global_write_is_an_error_at_its_line)
{
    ck_assert_ptr_nonnull(strstr(bench_load_error(&bench, "\n\ncount = 1"),
                                 "t.lua:3: 'count' is not declared: write 'local count = ...'"));
    fails("function helper() end", "'helper' is not declared");
    fails("print = nil", "'print' is not declared");
    fails("_ENV.x = 1", "'x' is not declared");
    fails("rawset(_ENV, 'x', 1)", "this table is protected");
    fails("setmetatable(_ENV, nil)", "this table is protected");
    fails("return getmetatable(_ENV).__index", "attempt to index a boolean value");
}
END_TEST

START_TEST(files_do_not_share_their_environment)
{
    ck_assert_str_eq(bench_result(&bench, "return pcall(function() shared_by_accident = 1 end)"),
                     "false,t.lua:2: 'shared_by_accident' is not declared: write 'local "
                     "shared_by_accident = ...'; what requests share belongs into s.shared");
    fails("return shared_by_accident", "is not defined");
    /* Another _ENV of one's own is a table like any other. */
    ck_assert_str_eq(bench_result(&bench, "local _ENV = { x = 5 } y = 6 return x, y"), "5,6");
}
END_TEST

START_TEST(bytecode_is_refused)
{
    char chunk[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n";
    struct error error;
    int ref;

    ck_assert(
        !engine_load_route(bench.engine, "b.lua", (hg_str){chunk, sizeof chunk - 1}, &ref, &error));
    ck_assert_str_eq(error.text, "b.lua: this is compiled Lua; only source text is accepted");
}
END_TEST

START_TEST(tables_of_the_library_are_read_only)
{
    fails("string.rep = nil", "read-only");
    fails("table.x = 1", "read-only");
    fails("math.pi = 3", "read-only");
    fails("utf8.char = print", "read-only");
    fails("rawset(string, 'x', 1)", "protected");
    fails("rawget(string, 'x')", "protected");
    fails("setmetatable(string, {})", "protected");
    fails("table.insert(string, 1)", "a plain table is needed");
    fails("table.move({ 1, 2 }, 1, 2, 1, math)", "a plain table is needed");
    ck_assert_str_eq(bench_result(&bench, "return getmetatable(string), next(string)"),
                     "false,nil");
}
END_TEST

START_TEST(the_string_metatable_is_locked)
{
    ck_assert_str_eq(bench_result(&bench, "return getmetatable('')"), "false");
    fails("getmetatable('').__index = nil", "attempt to index a boolean value");
    fails("return getmetatable('').__index.rep", "attempt to index a boolean value");
    ck_assert_str_eq(bench_result(&bench, "return ('x'):rep(3), ('%d'):format(5)"), "xxx,5");
}
END_TEST

START_TEST(finalizers_are_refused)
{
    fails("setmetatable({}, { __gc = function() end })", "__gc is not available");
    fails("setmetatable({}, { __gc = true })", "__gc is not available");
    ck_assert_str_eq(bench_result(&bench, "local mt = {} setmetatable({}, mt) mt.__gc = print "
                                          "return 'no finalizer'"),
                     "no finalizer");
    ck_assert_str_eq(bench.log, "");
}
END_TEST

START_TEST(a_locked_metatable_of_a_script_stays_locked)
{
    fails("local t = setmetatable({}, { __metatable = 'mine' }) setmetatable(t, nil)", "protected");
    ck_assert_str_eq(bench_result(&bench, "local t = setmetatable({}, { __index = { a = 1 } }) "
                                          "setmetatable(t, nil) return t.a, rawget(t, 'a')"),
                     "nil,nil");
}
END_TEST

START_TEST(require_finds_only_the_library)
{
    const char *const names[] = {"os",          "io",   "headgate.host", "../secret",
                                 "/etc/passwd", "a..b", ".headgate",     "headgate.",
                                 "HEADGATE",    "",     "lfs",           "socket"};
    char body[100];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(body, sizeof body, "return require '%s'", names[i]);
        fails(body, "there is no module");
    }
    ck_assert_str_eq(bench_load_error(&bench, "return require 'headgat'"),
                     "t.lua:1: there is no module 'headgat'; did you mean 'headgate'?");
}
END_TEST

START_TEST(print_goes_to_the_log)
{
    bench_result(&bench, "print('a', 1, nil, true)\nprint(('x'):rep(100000))");
    ck_assert_ptr_nonnull(strstr(bench.log, "t.lua:2: a\t1\tnil\ttrue\n"));
    ck_assert_uint_lt(strlen(bench.log), 5000);
}
END_TEST

START_TEST(xpcall_calls_its_handler_and_may_wait)
{
    ck_assert_str_eq(
        bench_result(&bench, "return xpcall(function(a, b) return a + b end, print, 1, 2)"),
        "true,3");
    ck_assert_str_eq(
        bench_result(&bench, "return xpcall(error, function(e) return e .. '!', 2 end, 'x')"),
        "false,x!,2");
    ck_assert_str_eq(
        bench_result(&bench, "return xpcall(error, function(e) error 'worse' end, 'x')"),
        "false,t.lua:2: worse");
    ck_assert_str_eq(
        bench_result(
            &bench, "local s = require 'headgate.bench_host'\n"
                    "return xpcall(function() s.sleep(1) error('x', 0) end, function(e) s.sleep(1) "
                    "return e .. 'y' end)"),
        "false,xy");
}
END_TEST

START_TEST(stock_functions_still_work)
{
    ck_assert_str_eq(
        bench_result(&bench, "local t = { 3, 1, 2 } table.sort(t) table.insert(t, 4) "
                             "table.insert(t, 1, 0) table.remove(t) "
                             "return table.concat(t, ' '), table.unpack(table.move(t, 1, 2, 3))"),
        "0 1 2 3,0,1,0,1");
    ck_assert_str_eq(
        bench_result(&bench, "return select('#', 1, 2), tonumber('0x10'), utf8.len('h\\u{e9}'), "
                             "math.max(1, 2), #table.pack(1, 2), type(next)"),
        "2,16,2,2,2,function");
    ck_assert_str_eq(bench_result(&bench,
                                  "local t = { 2, 3, 1 } table.sort(t, function(a, b) return a > b "
                                  "end) return table.concat(t)"),
                     "321");
}
END_TEST

START_TEST(a_script_cannot_break_the_next_one)
{
    bench_run(&bench, "pcall(function() string.format = nil end) pcall(rawset, table, 'concat', 1) "
                      "local ok = pcall(setmetatable, 'x', {})");
    ck_assert_str_eq(bench_result(&bench, "return string.format('%d', 1), table.concat({ 1, 2 })"),
                     "1,12");
}
END_TEST

START_TEST(a_file_that_returns_nothing_is_refused)
{
    ck_assert_ptr_nonnull(
        strstr(bench_load_error(&bench, "local x = 1"), "t.lua: the file returns nothing"));
    ck_assert_ptr_nonnull(
        strstr(bench_load_error(&bench, "return ("), "t.lua:1: unexpected symbol"));
    ck_assert_ptr_nonnull(strstr(bench_load_error(&bench, "error {}"), "not a text"));
}
END_TEST

START_TEST(deep_nesting_in_a_source_is_an_error)
{
    static char source[100000];

    memset(source, '(', sizeof source - 1);
    memcpy(source, "return ", 7);
    ck_assert_ptr_nonnull(strstr(bench_load_error(&bench, source), "overflow"));
}
END_TEST

bench_main("sandbox", open_bench, close_bench, names_that_reach_out_do_not_exist,
           an_undefined_name_is_an_error_with_a_suggestion, a_global_write_is_an_error_at_its_line,
           files_do_not_share_their_environment, bytecode_is_refused,
           tables_of_the_library_are_read_only, the_string_metatable_is_locked,
           finalizers_are_refused, a_locked_metatable_of_a_script_stays_locked,
           require_finds_only_the_library, print_goes_to_the_log,
           xpcall_calls_its_handler_and_may_wait, stock_functions_still_work,
           a_script_cannot_break_the_next_one, a_file_that_returns_nothing_is_refused,
           deep_nesting_in_a_source_is_an_error)
