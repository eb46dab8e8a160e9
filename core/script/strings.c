/* The string library of scripts: the stock one without dump, with a rep that has a limit, and with
 * pattern functions on our own matcher (pattern.h). */
#include "script/inside.h"

#include <string.h>

#include "script/pattern.h"

enum {
    REP_MAX = 1 << 20
};

static hg_str check_text(lua_State *L, int index)
{
    hg_str text;

    text.p = luaL_checklstring(L, index, &text.n);
    return text;
}

static void init_pattern(lua_State *L, struct pattern *pattern, hg_str text, bool may_anchor,
                         hg_str subject)
{
    const char *message;

    budget_check(L);
    if (!pattern_init(pattern, text, may_anchor, subject, &message))
        luaL_error(L, "%s", message);
}

static void check_steps(lua_State *L, const struct pattern *pattern)
{
    if (pattern_exhausted(pattern))
        luaL_error(L, "the pattern needs more than %d steps on this text: make it simpler",
                   PATTERN_STEPS_MAX);
}

static void push_text(lua_State *L, hg_str text)
{
    lua_pushlstring(L, text.p, text.n);
}

/* Capture `index`, or the whole match if there are no captures and index is 0. */
static void push_capture(lua_State *L, const struct pattern *pattern, int index, hg_str match)
{
    const struct pattern_capture *capture = &pattern->capture[index];

    if (pattern->captures == 0)
        push_text(L, match);
    else if (capture->len == PATTERN_POSITION)
        lua_pushinteger(L, capture->at - pattern->subject.p + 1);
    else
        lua_pushlstring(L, capture->at, (size_t)capture->len);
}

static int push_captures(lua_State *L, const struct pattern *pattern, hg_str match)
{
    int count = pattern->captures ? pattern->captures : 1;

    luaL_checkstack(L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(L, pattern, i, match);
    return count;
}

/* Where the search begins, from a 1-based position that may count from the end. More than the
 * length: behind the end. */
static size_t start_of(lua_State *L, int index, size_t len)
{
    lua_Integer at = luaL_optinteger(L, index, 1);

    if (at > 0)
        return at - 1 > (lua_Integer)len ? len + 1 : (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)len)
        return 0;
    return len - (size_t)-at;
}

static int push_range(lua_State *L, hg_str subject, hg_str match)
{
    lua_pushinteger(L, match.p - subject.p + 1);
    lua_pushinteger(L, match.p - subject.p + (lua_Integer)match.n);
    return 2;
}

static int find_plain(lua_State *L, hg_str subject, hg_str text, size_t start)
{
    const char *at = memmem(subject.p + start, subject.n - start, text.p, text.n);

    budget_check(L);
    if (at)
        return push_range(L, subject, (hg_str){at, text.n});
    luaL_pushfail(L);
    return 1;
}

static int search(lua_State *L, bool wants_range)
{
    hg_str subject = check_text(L, 1), text = check_text(L, 2), match;
    size_t start = start_of(L, 3, subject.n);
    struct pattern pattern;

    if (start > subject.n) {
        luaL_pushfail(L);
        return 1;
    }
    if (wants_range && (lua_toboolean(L, 4) || pattern_is_plain(text)))
        return find_plain(L, subject, text, start);
    init_pattern(L, &pattern, text, true, subject);
    if (pattern_search(&pattern, subject.p + start, &match)) {
        int count = wants_range ? push_range(L, subject, match) : 0;

        if (wants_range && pattern.captures == 0)
            return count;
        return count + push_captures(L, &pattern, match);
    }
    check_steps(L, &pattern);
    luaL_pushfail(L);
    return 1;
}

static int string_find(lua_State *L)
{
    return search(L, true);
}

static int string_match(lua_State *L)
{
    return search(L, false);
}

/* ---- gmatch ---------------------------------------------------------------------------------- */

/* Upvalues: subject, pattern, where to go on, where the last match ended (-1: none). */
static int gmatch_next(lua_State *L)
{
    hg_str subject = check_text(L, lua_upvalueindex(1)), text = check_text(L, lua_upvalueindex(2));
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct pattern pattern;

    if (at > subject.n)
        return 0;
    init_pattern(L, &pattern, text, false, subject);
    for (; at <= subject.n; at++) {
        const char *done = pattern_match_at(&pattern, subject.p + at);
        lua_Integer end = done ? done - subject.p : -1;

        if (pattern_exhausted(&pattern))
            break;
        if (end >= 0 && end != last) {
            lua_pushinteger(L, end);
            lua_copy(L, -1, lua_upvalueindex(3));
            lua_replace(L, lua_upvalueindex(4));
            return push_captures(L, &pattern, (hg_str){subject.p + at, (size_t)end - at});
        }
    }
    check_steps(L, &pattern);
    lua_pushinteger(L, (lua_Integer)subject.n + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int string_gmatch(lua_State *L)
{
    hg_str subject = check_text(L, 1), text = check_text(L, 2);
    size_t start = start_of(L, 3, subject.n);
    struct pattern pattern;

    init_pattern(L, &pattern, text, false, subject);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)start);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* ---- gsub ------------------------------------------------------------------------------------ */

static void add_template(lua_State *L, luaL_Buffer *out, const struct pattern *pattern,
                         hg_str match)
{
    hg_str template = check_text(L, 3);
    const char *p = template.p, *end = template.p + template.n;

    while (p < end) {
        const char *escape = memchr(p, '%', (size_t)(end - p));

        luaL_addlstring(out, p, (size_t)((escape ? escape : end) - p));
        if (!escape)
            return;

        char what = escape + 1 < end ? escape[1] : '\0';

        p = escape + 2;
        if (what == '%') {
            luaL_addchar(out, '%');
        } else if (what == '0') {
            luaL_addlstring(out, match.p, match.n);
        } else if (what >= '1' && what <= '9') {
            if (what - '1' >= (pattern->captures ? pattern->captures : 1))
                luaL_error(L, "the replacement says %%%c, but the pattern has no such capture",
                           what);
            push_capture(L, pattern, what - '1', match);
            luaL_tolstring(L, -1, NULL);
            lua_remove(L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(L, "invalid use of '%%' in the replacement: write '%%%%' for one");
        }
    }
}

/* What a table or a function says about the match; false keeps what was there. */
static bool add_answer(lua_State *L, luaL_Buffer *out, const struct pattern *pattern, hg_str match)
{
    if (lua_istable(L, 3)) {
        push_capture(L, pattern, 0, match);
        lua_gettable(L, 3);
    } else {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, pattern, match), 1);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, match.p, match.n);
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "the replacement gave a %s; it must give a string, false or nil",
                   luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

static bool add_replacement(lua_State *L, luaL_Buffer *out, const struct pattern *pattern,
                            hg_str match)
{
    budget_check(L);
    if (lua_type(L, 3) == LUA_TTABLE || lua_type(L, 3) == LUA_TFUNCTION)
        return add_answer(L, out, pattern, match);
    add_template(L, out, pattern, match);
    return true;
}

/* Returns the number of matches. */
static lua_Integer substitute(lua_State *L, luaL_Buffer *out, struct pattern *pattern,
                              lua_Integer most, bool *ret_is_changed)
{
    const char *at = pattern->subject.p, *end = at + pattern->subject.n, *last = NULL;
    lua_Integer count = 0;

    while (count < most) {
        const char *done = pattern_match_at(pattern, at);

        check_steps(L, pattern);
        if (done && done != last) {
            hg_str match = {at, (size_t)(done - at)};

            count++;
            if (add_replacement(L, out, pattern, match))
                *ret_is_changed = true;
            at = last = done;
        } else if (at < end) {
            luaL_addchar(out, *at++);
        } else {
            break;
        }
        if (pattern->anchored)
            break;
    }
    luaL_addlstring(out, at, (size_t)(end - at));
    return count;
}

static int string_gsub(lua_State *L)
{
    hg_str subject = check_text(L, 1), text = check_text(L, 2);
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.n + 1);
    bool is_changed = false;
    struct pattern pattern;
    luaL_Buffer out;

    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    init_pattern(L, &pattern, text, true, subject);
    luaL_buffinit(L, &out);

    lua_Integer count = substitute(L, &out, &pattern, most, &is_changed);

    luaL_pushresult(&out);
    if (!is_changed) {
        lua_pop(L, 1);
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}

/* ---- rep ------------------------------------------------------------------------------------- */

static int string_rep(lua_State *L)
{
    hg_str text = check_text(L, 1), sep = {"", 0};
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_Buffer out;

    budget_check(L);
    if (!lua_isnoneornil(L, 3))
        sep = check_text(L, 3);
    if (n <= 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (text.n + sep.n && (size_t)n > REP_MAX / (text.n + sep.n))
        return luaL_error(L, "string.rep: the result would be longer than %d bytes", REP_MAX);

    size_t len = text.n * (size_t)n + sep.n * ((size_t)n - 1);
    char *start = luaL_buffinitsize(L, &out, len);
    size_t done = text.n + sep.n < len ? text.n + sep.n : len;

    /* One period, and then what is there is copied behind itself, twice as much each time. */
    memcpy(start, text.p, text.n);
    memcpy(start + text.n, sep.p, done - text.n);
    while (done < len) {
        size_t more = done < len - done ? done : len - done;

        memcpy(start + done, start, more);
        done += more;
    }
    luaL_pushresultsize(&out, len);
    return 1;
}

void strings_open(lua_State *L)
{
    static const luaL_Reg ours[] = {{"find", string_find},     {"match", string_match},
                                    {"gmatch", string_gmatch}, {"gsub", string_gsub},
                                    {"rep", string_rep},       {NULL, NULL}};

    luaL_setfuncs(L, ours, 0);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
}
