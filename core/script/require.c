/* require: finds the files of the Lua library and the C functions the gateway registered, nothing
 * else. The library gets a module's table as it is; routes get a read-only face of it. */
#include "script/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "script/library.h"

/* Tables in the registry: name -> value, for the library and for routes. */
static char modules_key, faces_key;

/* In modules while a file runs, to notice a circle. */
static char loading;

void require_open(lua_State *L)
{
    char *const keys[] = {&modules_key, &faces_key};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        lua_newtable(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, keys[i]);
    }
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

static bool push_file(lua_State *L, const char *path)
{
    char part[4096];
    size_t n;
    luaL_Buffer text;
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    /* Raising in between would leave it open: but only for lack of memory, at load time. */
    luaL_buffinit(L, &text);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        luaL_addlstring(&text, part, n);
    luaL_pushresult(&text);
    fclose(file);
    return true;
}

/* A module's file below the folder for development; nil if it is not there. Its chunk has the same
 * name as the one inside, so that errors point at routes in both cases (words.c). */
static int load_below(lua_State *L, const char *folder, const char *name)
{
    static const char *const forms[] = {"%s.lua", "%s/init.lua"};
    const char *path = luaL_gsub(L, name, ".", "/");

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *file = lua_pushfstring(L, forms[i], path);
        size_t len;

        if (push_file(L, lua_pushfstring(L, "%s/%s", folder, file))) {
            const char *text = lua_tolstring(L, -1, &len);

            return luaL_loadbufferx(L, text, len, lua_pushfstring(L, "=%s", file), "t");
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
    lua_replace(L, top + 1); /* the chunk is at the top, what it was made of below it */
    lua_settop(L, top + 1);
}

/* ---- modules --------------------------------------------------------------------------------- */

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
