/* Configurations that are hostile, or Lua that was not meant for this place. */
#include "base/clock.h"
#include "base/text.h"

#include "support/suite.h"
#include "unit/gateway/config/config_folder.h"

/* A test that freezes the clock is about the other limits, also on a slow machine. */
static void setup(void)
{
    clock_freeze(0);
    folder_make();
}

static void teardown(void)
{
    folder_remove();
}

static void expect_part(const char *text, const char *part)
{
    hg_ns started = clock_precise();
    const char *why = reason(text);

    ck_assert_msg(strstr(why, part) != NULL, "%s\nis not in\n%s", part, why);
    ck_assert_msg(!strchr(why, '\n'), "%s", why);
    ck_assert_int_lt(clock_precise() - started, 5 * NS_PER_S);
}

#define ENDLESS "does not come to an end"
#define MEMORY  "needs more than 32 MB of memory"

START_TEST(loops_end)
{
    expect_part("while true do end", "headgate.lua:1: the configuration " ENDLESS);
    expect_part("\nlocal function f() return f() end f()",
                "headgate.lua:2: the configuration " ENDLESS);
    expect_part("::a:: goto a", ENDLESS);
    expect_part("for i = 1, math.huge do end", ENDLESS);
    expect_part("local t = {} for i = 1, 1e6 do t[i] = i end\n"
                "while true do table.insert(t, 1, 0) table.remove(t, 1) end",
                ENDLESS);
    expect_part("local s = 'x' for i = 1, 22 do s = s .. s end\n"
                "local t = s .. 'y' while true do local b = s < t end",
                ENDLESS);
}
END_TEST

START_TEST(recursion_ends)
{
    clock_freeze(1);
    expect_part("local function f() return 1 + f() end f()", MEMORY);
    char nested[30000] = "local x = ";

    memset(nested + 10, '(', sizeof nested - 11);
    expect_part(nested, "headgate.lua: expressions inside of expressions, too deep");
    memset(nested + 10, '{', sizeof nested - 11);
    expect_part(nested, "headgate.lua: expressions inside of expressions, too deep");
}
END_TEST

START_TEST(memory_is_limited)
{
    clock_freeze(1);
    expect_part("local s = 'x' while true do s = s .. s end", MEMORY);
    expect_part("local t = {} while true do t = { t, t, t } end", MEMORY);
    expect_part("local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end", MEMORY);
    expect_part("local s = 'x' for i = 1, 20 do s = s .. s end\n"
                "local t = {} for i = 1, 1000 do t[i] = s end table.concat(t)",
                MEMORY);
}
END_TEST

START_TEST(tables_are_limited)
{
    clock_freeze(1);
    expect_part("local t = {} t.t = t guard 'x' (t)", "headgate.lua:1: guard 'x': t.t.t");
    expect_part("local t = {} for i = 1, 20 do t = { t, t, t, t, t, t, t, t } end\n"
                "guard 'x' { plugin = 'y', bomb = t }",
                "the configuration has too many values");
    expect_part("local s = 'x' for i = 1, 20 do s = s .. s end\n"
                "local t = {} for i = 1, 20 do t[i] = s end\n"
                "guard 'x' { plugin = 'y', bomb = t }",
                "the configuration has too much text");
    expect_part("for i = 1, 1e9 do listen('[::1]:' .. i) end", "too many values");
}
END_TEST

START_TEST(what_can_reach_out_is_not_there)
{
    expect_part("\n local x = os.getenv('HOME')",
                "headgate.lua:2: there is no 'os' here: to use an environment variable write "
                "secret \"NAME\"");
    expect_part("io.open('x')", "there is no 'io' here: to use the content of a file write secret "
                                "{ file = \"path\" }");
    static const char *const names[] = {
        "require",      "load",       "loadfile",       "dofile",
        "loadstring",   "debug",      "package",        "_G",
        "rawset",       "rawget",     "collectgarbage", "setmetatable",
        "getmetatable", "pcall",      "xpcall",         "coroutine",
        "print",        "utf8",       "warn",           "rawlen",
        "rawequal",     "string.rep", "string.dump",    "string.find",
        "string.gsub",  "table.sort", "table.move",     "string.gmatch",
        "string.pack",  "math.random"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];

        snprintf(text, sizeof text, "local x = %s", names[i]);
        expect_part(text, names[i]);
    }
    expect_part("local s = ('x'):rep(1e9)", "there is no string.rep in a configuration");
}
END_TEST

START_TEST(globals_are_refused_with_the_right_word)
{
    expect_part("x = 1", "headgate.lua:1: 'x' would be a global variable: write local x = ...");
    expect_part("provider = {}", "'provider' is declared without '=': provider \"openai\"");
    expect_part("function f() end", "'f' would be a global variable");
    expect_part("secret = 1", "'secret' cannot be replaced");
    expect_part("_ENV = nil listen ':1'", "headgate.lua:1: ");
    expect_part("local _ENV = {} listen ':1'", "headgate.lua:1: ");
    expect_part("local t = {} for k in pairs(_ENV) do t[#t + 1] = k end error('n ' .. #t)", "n 0");
}
END_TEST

START_TEST(bytecode_is_refused)
{
    struct error error;
    static const char code[] = "\x1bLuaT\0\x19\x93\r\n\x1a\n";

    write_file_n("headgate.lua", code, sizeof code);
    ck_assert_ptr_null(config_load("headgate.lua", &error));
    ck_assert_str_eq(error.text, "headgate.lua: not a text in UTF-8");
    expect_part("\x1bLua", "headgate.lua: this is not a text file");
}
END_TEST

START_TEST(syntax_errors_have_a_line)
{
    expect_part("listen ':1'\nprovider 'x' {\n plugin = 'y'\n api_key = 'z'\n}",
                "headgate.lua:4: '}' expected (to close '{' at line 2) near 'api_key'; is a comma "
                "missing before it?");
    expect_part("listen 'x", "headgate.lua:1: unfinished string");
    expect_part("listen =", "headgate.lua:1: unexpected symbol near <eof>");
    expect_part("error 'my own words'", "headgate.lua:1: my own words");
    expect_part("error { }", "headgate.lua: error() was called without a text");
    ck_assert_str_eq(reason("error('two\\nlines')"), "headgate.lua:1: two");
    expect_part("error('\\27[2J')", "headgate.lua:1: ?[2J");
}
END_TEST

START_TEST(a_key_in_the_wrong_place_is_not_shown)
{
    const char *why = reason("provider 'x' {\n plugin = 'y' 'sk-secret'\n}");

    ck_assert_msg(!strstr(why, "sk-secret"), "%s", why);
    ck_assert(text_starts(text_of(why), HG_S("headgate.lua:2: ")));
    why = reason("provider 'x' { api_key = 'sk-secret");
    ck_assert_msg(!strstr(why, "sk-secret"), "%s", why);
}
END_TEST

START_TEST(a_long_path_is_shown_whole)
{
    struct error error;
    char path[] =
        "this-is-a-name-that-is-longer-than-what-lua-shows-in-its-own-messages-by-far.lua";

    write_file(path, "x = 1");
    ck_assert_ptr_null(config_load(path, &error));
    ck_assert(text_starts(text_of(error.text), text_of(path)));
}
END_TEST

RUN_SUITE_WITH("config_lua", setup, teardown, loops_end, recursion_ends, memory_is_limited,
               tables_are_limited, what_can_reach_out_is_not_there,
               globals_are_refused_with_the_right_word, bytecode_is_refused,
               syntax_errors_have_a_line, a_key_in_the_wrong_place_is_not_shown,
               a_long_path_is_shown_whole)
