/* The table library of scripts: the stock functions behind a guard. In C no hook can stop a loop,
 * and a metamethod or a number out of the blue can make these loops endless; so they take plain
 * tables and ranges of a sane length. */
#include "script/inside.h"

#include <stddef.h>

enum {
    RANGE_MAX = 250000, /* elements in one call */
    SORT_MAX = 50000
};

/* Is one of the arguments a table that answers for its elements or its length? */
static void check_plain(lua_State *L, int index)
{
    static const char *const events[] = {"__index", "__newindex", "__len"};

    luaL_checktype(L, index, LUA_TTABLE);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (luaL_getmetafield(L, index, events[i]) != LUA_TNIL)
            luaL_argerror(L, index,
                          lua_pushfstring(L, "a plain table is needed, this has %s", events[i]));
}

static void check_length(lua_State *L, int index, lua_Unsigned most)
{
    if (lua_rawlen(L, index) > most)
        luaL_argerror(L, index, lua_pushfstring(L, "over %I elements", (LUAI_UACINT)most));
}

static void check_range(lua_State *L, lua_Integer from, lua_Integer to)
{
    if (from <= to && (lua_Unsigned)to - (lua_Unsigned)from >= RANGE_MAX)
        luaL_error(L, "a range of over %d elements", RANGE_MAX);
}

/* The stock function is the upvalue; it runs in our frame, with our arguments. */
static int stock(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int guarded_list(lua_State *L)
{
    budget_check(L);
    check_plain(L, 1);
    check_length(L, 1, RANGE_MAX);
    return stock(L);
}

/* table.concat(list, sep, i, j) */
static int guarded_concat(lua_State *L)
{
    budget_check(L);
    check_plain(L, 1);
    check_range(L, luaL_optinteger(L, 3, 1), luaL_optinteger(L, 4, (lua_Integer)lua_rawlen(L, 1)));
    return stock(L);
}

/* table.unpack(list, i, j) takes anything that can be indexed; its result has a limit of its own.
 */
static int guarded_unpack(lua_State *L)
{
    budget_check(L);
    check_plain(L, 1);
    return stock(L);
}

/* table.move(from, first, last, at, to) */
static int guarded_move(lua_State *L)
{
    budget_check(L);
    check_plain(L, 1);
    if (!lua_isnoneornil(L, 5))
        check_plain(L, 5);
    check_range(L, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3));
    return stock(L);
}

static int guarded_sort(lua_State *L)
{
    budget_check(L);
    check_plain(L, 1);
    check_length(L, 1, SORT_MAX);
    if (lua_iscfunction(L, 2)) /* C calling C: the hook would have no instruction to stop at */
        luaL_argerror(L, 2, "a function written in Lua is needed");
    return stock(L);
}

void tables_open(lua_State *L)
{
    static const luaL_Reg guards[] = {{"concat", guarded_concat}, {"insert", guarded_list},
                                      {"move", guarded_move},     {"remove", guarded_list},
                                      {"sort", guarded_sort},     {"unpack", guarded_unpack}};

    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++) {
        lua_getfield(L, -1, guards[i].name);
        lua_pushcclosure(L, guards[i].func, 1);
        lua_setfield(L, -2, guards[i].name);
    }
}
