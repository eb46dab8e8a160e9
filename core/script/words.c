/* Small things the Lua library needs of C: times and sizes in words, suggestions, and errors that
 * point at the line of the route instead of the library. Part of headgate.host. */
#include "script/inside.h"

#include <string.h>

#include "base/text.h"

/* duration("8s") -> 8.0; nil if it is none. Numbers are seconds already. */
static int host_duration(lua_State *L)
{
    hg_str text;
    hg_ns time;

    if (lua_type(L, 1) == LUA_TNUMBER && lua_tonumber(L, 1) >= 0) {
        lua_pushnumber(L, lua_tonumber(L, 1));
        return 1;
    }
    if (lua_type(L, 1) != LUA_TSTRING)
        return 0;
    text.p = lua_tolstring(L, 1, &text.n);
    if (!text_to_duration(text, &time))
        return 0;
    lua_pushnumber(L, (double)time / 1e9);
    return 1;
}

/* size("10MB") -> bytes; nil if it is none. */
static int host_size(lua_State *L)
{
    hg_str text;
    uint64_t size;

    if (lua_isinteger(L, 1) && lua_tointeger(L, 1) >= 0) {
        lua_settop(L, 1);
        return 1;
    }
    if (lua_type(L, 1) != LUA_TSTRING)
        return 0;
    text.p = lua_tolstring(L, 1, &text.n);
    if (!text_to_size(text, &size))
        return 0;
    lua_pushinteger(L, (lua_Integer)size);
    return 1;
}

/* suggest(word, list) -> the word of the list that may have been meant, or nil. */
static int host_suggest(lua_State *L)
{
    enum {
        MOST = 200
    };
    const char *words[MOST];
    lua_Integer count = 0;
    hg_str word;

    word.p = luaL_checklstring(L, 1, &word.n);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checkstack(L, MOST + 1, NULL);
    while (count < MOST && lua_rawgeti(L, 2, count + 1) == LUA_TSTRING)
        words[count++] = lua_tostring(L, -1); /* stays on the stack */

    const char *near = text_suggest(word, words, (size_t)count);

    lua_pushstring(L, near);
    return 1;
}

/* fail(message): an error at the innermost line that is not the library's. */
static int host_fail(lua_State *L)
{
    lua_Debug ar;

    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    for (int level = 1; lua_getstack(L, level, &ar) && lua_getinfo(L, "Sl", &ar); level++)
        if (*ar.source == '@' && ar.currentline > 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            lua_insert(L, 1);
            break;
        }
    lua_concat(L, lua_gettop(L));
    return lua_error(L);
}

void words_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"duration", host_duration},
                                         {"size", host_size},
                                         {"suggest", host_suggest},
                                         {"fail", host_fail},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
