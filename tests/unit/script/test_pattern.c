/* The matcher against the one inside Lua: the same answers on many random patterns and texts. */
#include <check.h>
#include <lauxlib.h>
#include <lualib.h>

#include "bench.h"
#include "script/pattern.h"

static struct bench bench;
static lua_State *stock;

static void open_bench(void)
{
    bench_open(&bench);
    stock = luaL_newstate();
    luaL_requiref(stock, "_G", luaopen_base, 1);
    luaL_requiref(stock, "string", luaopen_string, 1);
    luaL_requiref(stock, "table", luaopen_table, 1);
    lua_settop(stock, 0);
}

static void close_bench(void)
{
    lua_close(stock);
    bench_close(&bench);
}

/* Runs as the library does: our functions are in `string` of a state with our sandbox. */
static const char *const compare =
    "local find, match, gmatch, gsub = string.find, string.match, "
    "string.gmatch, string.gsub\n"
    "local function show(ok, ...)\n"
    "  if not ok then return 'error' end\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local function all(s, p)\n"
    "  local out = {}\n"
    "  for a, b in gmatch(s, p) do\n"
    "    out[#out + 1] = tostring(a) .. ',' .. tostring(b)\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end\n"
    "return function(s, p, r, i)\n"
    "  return table.concat({\n"
    "    show(pcall(find, s, p, i)), show(pcall(match, s, p, i)),\n"
    "    show(pcall(all, s, p)), show(pcall(gsub, s, p, r)),\n"
    "    show(pcall(gsub, s, p, '<%0>', 2)),\n"
    "    show(pcall(gsub, s, p, { a = 'A', b = false, ab = 7 })),\n"
    "    show(pcall(gsub, s, p, function(x) return x == 'a' and 'Q' end)),\n"
    "    show(pcall(find, s, p, i, true)),\n"
    "  }, '\\n')\n"
    "end\n";

static unsigned long long seed = 88172645463325252ULL;

static unsigned next(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % below;
}

static void random_text(char *at, size_t most)
{
    static const char letters[] = "aabbc1 .-%()[]$^x\n";
    size_t n = next((unsigned)most);

    for (size_t i = 0; i < n; i++)
        *at++ = letters[next(sizeof letters - 1)];
    *at = '\0';
}

static void random_pattern(char *at)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         ".",
                                         "%a",
                                         "%d",
                                         "%s",
                                         "%w",
                                         "%p",
                                         "%A",
                                         "[ab]",
                                         "[^a]",
                                         "[a-c]",
                                         "[%a-]",
                                         "[]]",
                                         "[^]]",
                                         "[%]x]",
                                         "(",
                                         ")",
                                         "()",
                                         "(a)",
                                         "%1",
                                         "%2",
                                         "%b()",
                                         "%bab",
                                         "%bxx",
                                         "%f[a]",
                                         "%f[^a]",
                                         "*",
                                         "+",
                                         "-",
                                         "?",
                                         "$",
                                         "^",
                                         "%%",
                                         "%.",
                                         "1",
                                         "x",
                                         " ",
                                         "%0",
                                         "[a-",
                                         "%",
                                         "[^%s]",
                                         "%f",
                                         "%b(",
                                         "[a-%%]",
                                         "%u",
                                         "%x",
                                         "-",
                                         "*",
                                         "?",
                                         "(.-)",
                                         "(%a*)b",
                                         "(a*(.)%w(%s*))",
                                         "[%w_]"};
    unsigned n = 1 + next(6);

    *at = '\0';
    for (unsigned i = 0; i < n; i++)
        strcat(at, pieces[next(sizeof pieces / sizeof *pieces)]);
}

static const char *call(lua_State *L, const char *s, const char *p, const char *r, int i)
{
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushstring(L, s);
    lua_pushstring(L, p);
    lua_pushstring(L, r);
    lua_pushinteger(L, i);
    ck_assert_int_eq(lua_pcall(L, 4, 1, 0), LUA_OK);
    return lua_tostring(L, -1);
}

/* Ours refuses a malformed pattern at once, the stock one when it comes to the place. */
static bool is_malformed(const char *p)
{
    struct pattern pattern;
    const char *message;

    return !pattern_init(&pattern, text_of(p), true, text_of(""), &message);
}

START_TEST(random_patterns_give_what_lua_gives)
{
    static const char *const replacements[] = {"", "x", "%0%0", "%1", "%%", "[%1-%2]", "%", "%x"};
    lua_State *ours = engine_state(bench.engine);
    int ref = bench_load(&bench, compare), checked = 0;
    char p[200], s[60];

    lua_settop(ours, 0);
    lua_rawgeti(ours, LUA_REGISTRYINDEX, ref);
    ck_assert_int_eq(luaL_dostring(stock, compare), LUA_OK);
    for (int round = 0; round < 60000; round++) {
        random_pattern(p);
        random_text(s, sizeof s - 1);

        const char *r = replacements[next(8)];
        int i = (int)next(12) - 4;

        if (is_malformed(p))
            continue;
        checked++;

        const char *want = call(stock, s, p, r, i), *got = call(ours, s, p, r, i);

        ck_assert_msg(strcmp(want, got) == 0, "'%s' ~ '%s' -> '%s' from %d\nwant %s\ngot %s", s, p,
                      r, i, want, got);
    }
    ck_assert_int_gt(checked, 20000);
    lua_settop(ours, 0);
}
END_TEST

START_TEST(what_lua_refuses_we_refuse)
{
    char p[200];

    for (int round = 0; round < 20000; round++) {
        random_pattern(p);

        /* A text on which a pattern is tried from every place. */
        lua_getglobal(stock, "string");
        lua_getfield(stock, -1, "find");
        lua_pushstring(stock, "ab(ab)xx aabbc1 .-%%()[]");
        lua_pushstring(stock, p);
        if (lua_pcall(stock, 2, 0, 0) != LUA_OK)
            ck_assert_msg(is_malformed(p), "'%s': %s", p, lua_tostring(stock, -1));
        lua_settop(stock, 0);
    }
}
END_TEST

START_TEST(zero_bytes_are_bytes)
{
    ck_assert_str_eq(bench_result(&bench,
                                  "return ('a\\0b'):find('\\0'), ('a\\0b'):match('%z?(.)$'), "
                                  "#('\\0\\0'):gsub('\\0', 'xy'), ('\\0a'):find('%f[%a]')"),
                     "2,b,4,2,1");
}
END_TEST

START_TEST(messages_say_what_is_wrong)
{
    ck_assert_str_eq(bench_failure(&bench, "return ('x'):find('%')"),
                     "t.lua:2: malformed pattern (ends with '%'; write '%%' for one)");
    ck_assert_ptr_nonnull(strstr(bench_failure(&bench, "return ('x'):find('[a')"), "missing ']'"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):find('(a')"), "unfinished capture"));
    ck_assert_ptr_nonnull(strstr(bench_failure(&bench, "return ('x'):find('.)')"), "without '('"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):find('%1')"), "invalid capture index"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):find(('()'):rep(33))"), "too many captures"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):find(('x?'):rep(201))"), "too complex"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):gsub('x', '%')"), "invalid use of '%'"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):gsub('x', '%2')"), "no such capture"));
    ck_assert_ptr_nonnull(
        strstr(bench_failure(&bench, "return ('x'):gsub('x', function() return {} end)"),
               "the replacement gave a table"));
    ck_assert_ptr_nonnull(strstr(bench_failure(&bench, "return ('x'):gsub('x', true)"),
                                 "string/function/table expected"));
    ck_assert_ptr_nonnull(strstr(bench_failure(&bench, "return ('x'):rep(200):find '.-.-.-.-y'"),
                                 "needs more than 1000000 steps"));
}
END_TEST

START_TEST(rep_is_what_lua_has)
{
    ck_assert_ptr_nonnull(strstr(bench_failure(&bench, "return ('x'):rep((1 << 20) + 1)"),
                                 "the result would be longer than 1048576 bytes"));
    ck_assert_str_eq(
        bench_result(&bench, "return ('ab'):rep(3), ('ab'):rep(3, '-'), ('ab'):rep(0), "
                             "('ab'):rep(-1), ('ab'):rep(1, '-'), (''):rep(5), (''):rep(3, ',')"),
        "ababab,ab-ab-ab,,,ab,,,,");
    ck_assert_str_eq(bench_result(&bench, "return #('x'):rep(1 << 20), #(''):rep(1 << 40)"),
                     "1048576,0");
}
END_TEST

bench_main("pattern", open_bench, close_bench, random_patterns_give_what_lua_gives,
           what_lua_refuses_we_refuse, zero_bytes_are_bytes, messages_say_what_is_wrong,
           rep_is_what_lua_has)
