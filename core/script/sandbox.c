/* What scripts see: a list of allowed names, and read-only faces of the tables behind them. Left
 * out is what reaches code, files or other environments (load, dofile, os, io, debug, coroutine,
 * collectgarbage, string.dump); replaced is what could loop in C or break the fence. */
#include "script/inside.h"

#include <stdio.h>
#include <string.h>

#include <lualib.h>

#include "base/text.h"

/* Keys of the registry. */
static char base_key, names_key;

static const char *const base_names[] = {
    "assert",   "error",    "getmetatable", "ipairs",   "math",         "next",
    "pairs",    "pcall",    "print",        "rawequal", "rawget",       "rawlen",
    "rawset",   "require",  "select",       "string",   "setmetatable", "table",
    "tonumber", "tostring", "type",         "utf8",     "xpcall",       "_VERSION"};
enum {
    BASE_NAMES = sizeof base_names / sizeof *base_names
};

/* ---- messages -------------------------------------------------------------------------------- */

static int on_global_write(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "the environment of a file is read-only");
    return luaL_error(L,
                      "'%s' is not declared: write 'local %s = ...'; what requests share belongs "
                      "into s.shared",
                      lua_tostring(L, 2), lua_tostring(L, 2));
}

static int on_undefined(lua_State *L)
{
    size_t len;
    const char *name = luaL_tolstring(L, 2, &len);
    const char *near = text_suggest((hg_str){name, len}, base_names, BASE_NAMES);

    if (near)
        return luaL_error(L, "'%s' is not defined; did you mean '%s'?", name, near);
    return luaL_error(L, "'%s' is not defined: routes have no such global", name);
}

static int on_protected_write(lua_State *L)
{
    return luaL_error(L, "this table is read-only");
}

/* Upvalues: the module's name, and its table. */
static int on_missing(lua_State *L)
{
    const char *names[128];
    size_t count = 0, len;
    const char *name = luaL_tolstring(L, 2, &len);

    lua_pushnil(L);
    while (count < 128 && lua_next(L, lua_upvalueindex(2))) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING)
            names[count++] = lua_tostring(L, -1); /* its table keeps it alive */
    }

    const char *near = text_suggest((hg_str){name, len}, names, count);
    const char *module = lua_tostring(L, lua_upvalueindex(1));

    if (near)
        return luaL_error(L, "%s has no '%s'; did you mean '%s'?", module, name, near);
    return luaL_error(L, "%s has no '%s'", module, name);
}

/* ---- read-only faces --------------------------------------------------------------------------
 */

/* The table at the top becomes an empty one whose reads go to it and whose writes are errors. */
static void push_face(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, on_protected_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

static void push_copy(lua_State *L, const char *name)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        if (lua_istable(L, -1) && !lua_getmetatable(L, -1)) {
            lua_pushfstring(L, "%s.%s", name,
                            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?");
            lua_insert(L, -2);
            sandbox_protect(L, lua_tostring(L, -2));
            lua_remove(L, -2);
        } else if (lua_istable(L, -1)) {
            lua_pop(L, 1); /* has a metatable: it looks after itself */
        }
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

void sandbox_protect(lua_State *L, const char *name)
{
    if (name) {
        push_copy(L, name);
        lua_createtable(L, 0, 1);
        lua_pushstring(L, name);
        lua_pushvalue(L, -3);
        lua_pushcclosure(L, on_missing, 2);
        lua_setfield(L, -2, "__index");
        lua_setmetatable(L, -2);
    }
    push_face(L);
}

/* ---- replaced functions -----------------------------------------------------------------------
 */

/* A table with a locked metatable belongs to the gateway, or to somebody who wants it left alone.
 */
static void check_unlocked(lua_State *L, const char *function)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        luaL_error(L, "%s: this table is protected", function);
}

static int safe_rawget(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    check_unlocked(L, "rawget");
    lua_rawget(L, 1);
    return 1;
}

static int safe_rawset(lua_State *L)
{
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    check_unlocked(L, "rawset");
    lua_rawset(L, 1);
    return 1;
}

static int safe_setmetatable(lua_State *L)
{
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    check_unlocked(L, "setmetatable");
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "__gc is not available; use a <close> variable");
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int xpcall_handled(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L) - 1;
}

static int xpcall_done(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - 1;
    lua_pushboolean(L, 0);
    lua_replace(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, -2);
    status = lua_pcallk(L, 1, LUA_MULTRET, 0, 0, xpcall_handled);
    return xpcall_handled(L, status, 0);
}

/* The stock one calls its handler where the error was raised. If that was our hook, hooks are off
 * there and an endless handler could not be stopped; so here it is called after the unwinding. */
static int safe_xpcall(lua_State *L)
{
    int arguments = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 1);
    lua_insert(L, 3); /* f, h, f, ... */
    lua_pushvalue(L, 2);
    lua_replace(L, 1);
    lua_pushboolean(L, 1);
    lua_replace(L, 2); /* h, true, f, ... */
    return xpcall_done(L, lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, xpcall_done), 0);
}

static int safe_print(lua_State *L)
{
    enum {
        MOST = 2000
    };
    int count = lua_gettop(L);
    luaL_Buffer line;

    luaL_checkstack(L, 8, NULL);
    luaL_where(L, 1);
    lua_insert(L, 1);
    luaL_buffinit(L, &line);
    lua_pushvalue(L, 1);
    luaL_addvalue(&line);
    for (int i = 0; i < count && luaL_bufflen(&line) < MOST; i++) {
        if (i > 0)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i + 2, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);

    size_t len;
    const char *text = lua_tolstring(L, -1, &len);

    engine_log(engine_of(L), LOG_INFO, "%.*s", (int)(len < MOST ? len : MOST), text);
    return 0;
}

static const luaL_Reg replaced[] = {
    {"rawget", safe_rawget}, {"rawset", safe_rawset}, {"setmetatable", safe_setmetatable},
    {"xpcall", safe_xpcall}, {"print", safe_print},   {NULL, NULL}};

/* ---- putting it together -----------------------------------------------------------------------
 */

/* names[function] = "table.sort", for the C functions of the table at the top. */
static void note_names(lua_State *L, const char *prefix)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        if (lua_iscfunction(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
            lua_pushfstring(L, "%s%s", prefix, lua_tostring(L, -2));
            lua_rawset(L, -4);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

const char *sandbox_name(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);

    const char *name = lua_tostring(L, -1); /* the table keeps it */

    lua_pop(L, 3);
    return name;
}

static void lock_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* base[name] = a face of the loaded library `name`, which stays with its true table in _LOADED,
 * where tracebacks look for names. */
static void add_library(lua_State *L, const char *name, void (*change)(lua_State *L))
{
    char prefix[16];

    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, name);
    if (change)
        change(L);
    snprintf(prefix, sizeof prefix, "%s.", name);
    note_names(L, prefix);
    if (strcmp(name, LUA_STRLIBNAME) == 0)
        lock_strings(L);
    sandbox_protect(L, NULL);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

static void add_functions(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    for (int i = 0; i < BASE_NAMES; i++) {
        lua_getfield(L, -1, base_names[i]);
        if (lua_isfunction(L, -1) || lua_isstring(L, -1))
            lua_setfield(L, -3, base_names[i]);
        else
            lua_pop(L, 1);
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, replaced, 0);
    note_names(L, "");
}

/* Nothing may look at the stock globals any more; tracebacks look through _LOADED. */
static void forget_globals(lua_State *L)
{
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushnil(L);
    lua_setfield(L, -2, LUA_GNAME);
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_newtable(L);
    add_functions(L);
    add_library(L, LUA_STRLIBNAME, strings_open);
    add_library(L, LUA_TABLIBNAME, tables_open);
    add_library(L, LUA_MATHLIBNAME, NULL);
    add_library(L, LUA_UTF8LIBNAME, NULL);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, on_undefined);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &base_key);
    forget_globals(L);
}

/* Two levels: what differs by file is in a table of its own, so that base is shared by all. */
void sandbox_push_env(lua_State *L, bool is_library)
{
    lua_newtable(L);
    require_push(L, is_library);
    lua_setfield(L, -2, "require");
    lua_createtable(L, 0, 3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &base_key);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, on_global_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
