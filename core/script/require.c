/* require: finds the files of the Lua library and the C functions the gateway registered, nothing
 * else. The library gets a module's table as it is; routes get a read-only face of it. */
#include "script/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "script/library.h"

/* Tables in the registry: name -> value, for the library and for routes, and name -> other name. */
static char modules_key, faces_key, aliases_key;

/* In modules while a file runs, to notice a circle. */
static char loading;

void require_open(lua_State *L)
{
    char *const keys[] = {&modules_key, &faces_key, &aliases_key};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        lua_newtable(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, keys[i]);
    }
}

void require_alias(lua_State *L, const char *name, const char *other)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &aliases_key);
    lua_pushstring(L, other);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* Adds the fields to what is there, so that several can register parts of one module. */
void require_set(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
    if (lua_getfield(L, -1, name) == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -4)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_settable(L, -4);
        }
        lua_pop(L, 3);
        return;
    }
    lua_pop(L, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* "headgate.retry": words of small letters, digits and underscores, with dots between them. */
static bool is_name(const char *name)
{
    for (const char *p = name; *p; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_';

        if (!is_letter && (*p != '.' || p == name || p[-1] == '.' || !p[1]))
            return false;
    }
    return *name != '\0';
}

/* ---- files ----------------------------------------------------------------------------------- */

static int load_inside(lua_State *L, const char *name)
{
    for (const struct library_file *file = library_files; file->name; file++)
        if (strcmp(file->name, name) == 0) {
            lua_pushfstring(L, "=%s", file->file);
            return luaL_loadbufferx(L, file->text, file->len, lua_tostring(L, -1), "t");
        }
    lua_pushnil(L);
    return LUA_OK;
}

/* A library module's file below the folder for development; nil if it is not there. */
static int load_below(lua_State *L, const char *folder, const char *name)
{
    static const char *const forms[] = {"%s/%s.lua", "%s/%s/init.lua"};
    const char *path = luaL_gsub(L, name, ".", "/");

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *full = lua_pushfstring(L, forms[i], folder, path);
        FILE *file = fopen(full, "re");

        if (file) {
            fclose(file);
            return luaL_loadfilex(L, full, "t");
        }
    }
    lua_pushnil(L);
    return LUA_OK;
}

static void push_chunk(lua_State *L, const char *name)
{
    const char *folder = engine_of(L)->setup.library_path;
    int top = lua_gettop(L);
    int status = folder ? load_below(L, folder, name) : load_inside(L, name);

    if (status != LUA_OK)
        lua_error(L);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

/* ---- modules --------------------------------------------------------------------------------- */

static const char *real_name(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &aliases_key);
    lua_getfield(L, -1, name);

    const char *other = lua_tostring(L, -1); /* the table keeps it */

    lua_pop(L, 2);
    return other ? other : name;
}

static void unknown_module(lua_State *L, const char *name)
{
    const char *names[64];
    size_t count = 0;

    for (const struct library_file *file = library_files; file->name && count < 64; file++)
        names[count++] = file->name;

    const char *near = text_suggest(text_of(name), names, count);

    if (near)
        luaL_error(L, "there is no module '%s'; did you mean '%s'?", name, near);
    luaL_error(L, "there is no module '%s': a route can require the gateway's library, no files",
               name);
}

/* Runs the file of a module and pushes what it returns. */
static void run_module(lua_State *L, int modules, const char *name)
{
    push_chunk(L, name);
    if (lua_isnil(L, -1))
        unknown_module(L, name);
    sandbox_push_env(L, true);
    lua_setupvalue(L, -2, 1);
    lua_pushlightuserdata(L, &loading);
    lua_setfield(L, modules, name);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
        lua_pushnil(L);
        lua_setfield(L, modules, name);
        lua_error(L);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, modules, name);
}

static void push_module(lua_State *L, const char *name)
{
    name = real_name(L, name);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        run_module(L, lua_gettop(L), name);
    } else if (lua_touserdata(L, -1) == &loading) {
        luaL_error(L, "the module '%s' requires itself", name);
    }
    lua_remove(L, -2);
}

static void push_face(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &faces_key);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        push_module(L, name);
        if (lua_istable(L, -1))
            sandbox_protect(L, name);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
    }
    lua_remove(L, -2);
}

void require_get(lua_State *L, const char *name, bool is_library)
{
    luaL_checkstack(L, 20, "require goes too deep");
    if (!is_name(name) || (!is_library && strcmp(name, "headgate.host") == 0))
        unknown_module(L, name);
    if (is_library)
        push_module(L, name);
    else
        push_face(L, name);
}

static int require_for_library(lua_State *L)
{
    require_get(L, luaL_checkstring(L, 1), true);
    return 1;
}

static int require_for_routes(lua_State *L)
{
    require_get(L, luaL_checkstring(L, 1), false);
    return 1;
}

void require_push(lua_State *L, bool is_library)
{
    lua_pushcfunction(L, is_library ? require_for_library : require_for_routes);
}
