/* Evaluates headgate.lua in a Lua state of its own that can do nothing but declare: no files, no
 * environment, no code loading, nothing of the library that could run for long inside of C. Limits
 * on memory, instructions and time end what does not end by itself. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

#include "gateway/config/convert.h"

#define MEMORY_MAX       ((size_t)32 << 20)
#define INSTRUCTIONS_MAX 20000000
#define TIME_MAX         NS_PER_S
#define CHUNK            "config" /* stands for the path, because Lua shortens long ones */

enum {
    HOOK_EVERY = 100
};

/* ---- declarations --------------------------------------------------------------------------- */

enum shape {
    VALUE,           /* workers(4) */
    VALUE_AND_TABLE, /* listen "..." { } ; the table may be left out */
    NAME_AND_TABLE,  /* provider "x" { } */
    TABLE            /* limits { } */
};

static const struct declaration {
    const char *name;
    enum shape shape;
    const char *example;
} declarations[] = {
    {"listen", VALUE_AND_TABLE, "listen \"127.0.0.1:8787\""},
    {"admin", VALUE_AND_TABLE, "admin \"127.0.0.1:8788\""},
    {"provider", NAME_AND_TABLE, "provider \"openai\" { plugin = \"openai\" }"},
    {"cache", NAME_AND_TABLE, "cache \"memory\" { plugin = \"memory\" }"},
    {"guard", NAME_AND_TABLE, "guard \"words\" { plugin = \"regex\" }"},
    {"logger", NAME_AND_TABLE, "logger \"access\" { plugin = \"jsonl\" }"},
    {"http", NAME_AND_TABLE, "http \"search\" { base_url = \"https://search.example\" }"},
    {"routes", VALUE, "routes \"routes/*.lua\""},
    {"aliases", TABLE, "aliases { fast = \"openai/gpt-4o-mini\" }"},
    {"workers", VALUE, "workers \"auto\""},
    {"drain_timeout", VALUE, "drain_timeout \"10m\""},
    {"log_level", VALUE, "log_level \"info\""},
    {"limits", TABLE, "limits { max_body = \"64MB\" }"},
    {"lua", TABLE, "lua { memory = \"64MB\" }"},
    {"plugin_path", VALUE, "plugin_path \"plugins\""},
    {"ring_size", VALUE, "ring_size \"4MB\""},
    {"shared_size", VALUE, "shared_size \"16MB\""},
};

enum {
    DECLARATIONS = sizeof declarations / sizeof *declarations
};

/* What people reach for that is not here, and what to use. */
static const struct hint {
    const char *name, *hint;
} hints[] = {
    {"os", "to use an environment variable write secret \"NAME\""},
    {"io", "to use the content of a file write secret { file = \"path\" }"},
    {"require", "a configuration is one file"},
    {"load", "a configuration is one file"},
    {"loadfile", "a configuration is one file"},
    {"dofile", "a configuration is one file"},
    {"print", "a configuration only declares; to stop with a message use error(\"...\")"},
    {"pcall", "a configuration only declares, and its first error ends it"},
    {"xpcall", "a configuration only declares, and its first error ends it"},
    {"setmetatable", "a configuration only declares plain values"},
    {"getmetatable", "a configuration only declares plain values"},
    {"rawset", "a configuration only declares plain values"},
    {"rawget", "a configuration only declares plain values"},
    {"coroutine", "a configuration only declares, and never waits"},
    {"debug", "a configuration only declares plain values"},
    {"utf8", "a configuration only declares plain values"},
    {"package", "a configuration is one file"},
    {"_G", "there are no globals: begin with local"},
    {"route", "routes are written in files of their own: routes \"routes/*.lua\""},
    {"env", "to use an environment variable write secret \"NAME\""},
    {"getenv", "to use an environment variable write secret \"NAME\""},
};

struct evaluation {
    const char *path;
    hg_str source;
    json_t *list;
    size_t memory;
    hg_ns started;
    uint64_t instructions;
    struct config_conversion conversion;
};

static struct evaluation *evaluation_of(lua_State *L)
{
    return *(struct evaluation **)lua_getextraspace(L);
}

/* ---- errors with a line --------------------------------------------------------------------- */

/* Of the nearest Lua code: luaL_error gives none if a C function called the one that fails. */
static int current_line(lua_State *L)
{
    lua_Debug debug;

    for (int level = 0; lua_getstack(L, level, &debug); level++)
        if (lua_getinfo(L, "l", &debug) && debug.currentline > 0)
            return debug.currentline;
    return 0;
}

int config_raise(lua_State *L, const char *fmt, ...)
{
    va_list args;

    lua_pushfstring(L, CHUNK ":%d: ", current_line(L));
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 2);
    return lua_error(L);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void *allocate(void *arg, void *old, size_t old_size, size_t size)
{
    struct evaluation *evaluation = arg;
    size_t had = old ? old_size : 0; /* for new objects old_size is their type */

    if (size == 0) {
        free(old);
        evaluation->memory -= had;
        return NULL;
    }
    if (size > had && size - had > MEMORY_MAX - evaluation->memory)
        return NULL;
    evaluation->memory += size - had;
    return xrealloc(old, size);
}

static void check_limits(lua_State *L, lua_Debug *debug)
{
    struct evaluation *evaluation = evaluation_of(L);

    (void)debug;
    evaluation->instructions += HOOK_EVERY;
    if (evaluation->instructions > INSTRUCTIONS_MAX ||
        clock_precise() - evaluation->started > TIME_MAX)
        config_raise(L, "the configuration does not come to an end: is this loop endless?");
}

/* ---- what a configuration can call ---------------------------------------------------------- */

/* Raises an error at a line that is not the present one. */
static int raise_at(lua_State *L, int line, const char *message)
{
    lua_pushfstring(L, CHUNK ":%d: %s", line, message);
    return lua_error(L);
}

/* Adds the table at `index` to a record. */
static void take_table(lua_State *L, json_t *record, const char *what, int index)
{
    struct config_conversion *conversion = &evaluation_of(L)->conversion;
    int line = (int)json_integer_value(json_object_get(record, "line"));
    json_t *table = config_convert(conversion, L, index);

    if (!table)
        raise_at(L, line, lua_pushfstring(L, "%s: %s", what, conversion->error.text));
    if (json_is_array(table) || json_object_get(table, "$secret")) {
        json_decref(table);
        raise_at(L, line, lua_pushfstring(L, "%s: expected a table of names and values", what));
    }
    json_object_set_new(record, "table", table);
}

/* The second half of: provider "x" { ... }. */
static int declare_table(lua_State *L)
{
    json_t *record =
        json_array_get(evaluation_of(L)->list, (size_t)lua_tointeger(L, lua_upvalueindex(1)));
    const char *what = lua_tostring(L, lua_upvalueindex(2));

    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        return config_raise(L, "%s: expected one table { ... } here", what);
    if (json_object_get(record, "table"))
        return config_raise(L, "%s: has its settings already", what);
    take_table(L, record, what, 1);
    return 0;
}

/* What goes on: a function that takes the table. */
static int table_follows(lua_State *L, json_t *record, const struct declaration *declaration)
{
    const json_t *list = evaluation_of(L)->list;

    lua_pushinteger(L, (lua_Integer)json_array_size(list) - 1);
    lua_pushfstring(L, "%s '%s'", declaration->name,
                    json_string_value(json_object_get(record, "value")));
    if (lua_istable(L, 2)) {
        take_table(L, record, lua_tostring(L, -1), 2);
        return 0;
    }
    lua_pushcclosure(L, declare_table, 2);
    return 1;
}

static int wrong_argument(lua_State *L, const struct declaration *declaration)
{
    return config_raise(L, "%s: expected it like this: %s", declaration->name,
                        declaration->example);
}

static int declare(lua_State *L)
{
    const struct declaration *declaration = lua_touserdata(L, lua_upvalueindex(1));
    struct evaluation *evaluation = evaluation_of(L);
    bool takes_table = declaration->shape == TABLE;
    bool takes_text = declaration->shape == NAME_AND_TABLE || declaration->shape == VALUE_AND_TABLE;
    int top = lua_gettop(L);

    if (top < 1 || top > (takes_text ? 2 : 1) || lua_istable(L, 1) != takes_table ||
        (takes_text && lua_type(L, 1) != LUA_TSTRING) || (top == 2 && !lua_istable(L, 2)))
        return wrong_argument(L, declaration);
    json_t *record = json_pack("{s:s, s:i}", "what", declaration->name, "line", current_line(L));

    json_array_append_new(evaluation->list, record);
    if (takes_table) {
        take_table(L, record, declaration->name, 1);
        return 0;
    }
    json_t *value = config_convert(&evaluation->conversion, L, 1);

    if (!value)
        return config_raise(L, "%s: %s", declaration->name, evaluation->conversion.error.text);
    json_object_set_new(record, "value", value);
    return takes_text ? table_follows(L, record, declaration) : 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

static const char *hint_for(const char *name)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(name, hints[i].name) == 0)
            return hints[i].hint;
    return NULL;
}

static bool is_declaration(const char *name)
{
    for (size_t i = 0; i < DECLARATIONS; i++)
        if (strcmp(name, declarations[i].name) == 0)
            return true;
    return strcmp(name, "secret") == 0;
}

static const char *suggestion_for(const char *name)
{
    const char *names[DECLARATIONS + 1];

    for (size_t i = 0; i < DECLARATIONS; i++)
        names[i] = declarations[i].name;
    names[DECLARATIONS] = "secret";
    return text_suggest(text_of(name), names, DECLARATIONS + 1);
}

static int unknown_name(lua_State *L)
{
    const char *name = luaL_tolstring(L, 2, NULL);
    const char *hint = hint_for(name);
    const char *suggestion = suggestion_for(name);

    if (hint)
        return config_raise(L, "there is no '%s' here: %s", name, hint);
    if (suggestion)
        return config_raise(L, "unknown declaration '%s'; did you mean '%s'?", name, suggestion);
    return config_raise(L,
                        "unknown declaration '%s' (a variable of your own needs 'local' where it "
                        "is made)",
                        name);
}

static int global_write(lua_State *L)
{
    const char *name = luaL_tolstring(L, 2, NULL);

    for (size_t i = 0; i < DECLARATIONS; i++)
        if (strcmp(name, declarations[i].name) == 0)
            return config_raise(L, "'%s' is declared without '=': %s", name,
                                declarations[i].example);
    if (is_declaration(name))
        return config_raise(L, "'%s' cannot be replaced", name);
    return config_raise(L, "'%s' would be a global variable: write local %s = ...", name, name);
}

static int unknown_member(lua_State *L)
{
    return config_raise(L, "there is no %s.%s in a configuration",
                        lua_tostring(L, lua_upvalueindex(1)), luaL_tolstring(L, 2, NULL));
}

/* ---- the environment ------------------------------------------------------------------------ */

/* Leaves a table with the `members` of a library, which the open function makes; only what takes no
 * time of its own and no pattern. */
static void push_library(lua_State *L, const char *name, lua_CFunction open,
                         const char *const *members)
{
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    lua_newtable(L);
    for (; *members; members++) {
        lua_getfield(L, -2, *members);
        lua_setfield(L, -2, *members);
    }
    lua_remove(L, -2);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, name);
    lua_pushcclosure(L, unknown_member, 1);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

/* ("x"):upper() finds the same members as string.upper. Replaces what string's open has set. */
static void set_string_methods(lua_State *L, int strings)
{
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, strings);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static void add_libraries(lua_State *L, int api)
{
    static const char *const strings[] = {"byte",  "char", "format", "len",
                                          "lower", "sub",  "upper",  NULL};
    static const char *const tables[] = {"concat", "insert", "pack", "remove", "unpack", NULL};
    static const char *const maths[] = {"abs",        "ceil", "floor", "huge",      "max",
                                        "maxinteger", "min",  "type",  "tointeger", NULL};
    static const char *const base[] = {"assert", "error", "ipairs",   "next",     "pairs",
                                       "select", "type",  "tostring", "tonumber", NULL};

    push_library(L, "string", luaopen_string, strings);
    set_string_methods(L, lua_gettop(L));
    lua_setfield(L, api, "string");
    push_library(L, "table", luaopen_table, tables);
    lua_setfield(L, api, "table");
    push_library(L, "math", luaopen_math, maths);
    lua_setfield(L, api, "math");
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    for (size_t i = 0; base[i]; i++) {
        lua_getfield(L, -1, base[i]);
        lua_setfield(L, api, base[i]);
    }
    lua_pop(L, 1);
}

/* Leaves the table that is _ENV of the chunk: empty, so that every write is seen. */
static void push_environment(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_newtable(L);
    int api = lua_gettop(L);

    add_libraries(L, api);
    for (size_t i = 0; i < DECLARATIONS; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&declarations[i]);
        lua_pushcclosure(L, declare, 1);
        lua_setfield(L, api, declarations[i].name);
    }
    config_push_secret(L);
    lua_setfield(L, api, "secret");
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, unknown_name);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, api);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, global_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

/* Runs protected. */
static int run(lua_State *L)
{
    struct evaluation *evaluation = evaluation_of(L);

    push_environment(L);
    if (luaL_loadbufferx(L, evaluation->source.p, evaluation->source.n, "=" CHUNK, "t") != LUA_OK)
        return lua_error(L);
    lua_insert(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_sethook(L, check_limits, LUA_MASKCOUNT, HOOK_EVERY);
    lua_call(L, 0, 0);
    lua_sethook(L, NULL, 0, 0);
    return 0;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* Lua shows the words at which it stopped. A text may be a key that should not be shown. */
static void hide_text(char *line, size_t room)
{
    char *near = strstr(line, " near '");

    if (near && strchr("\"'[", near[7]))
        snprintf(near, room - (size_t)(near - line), " near a text");
}

/* One line, printable, with the path where Lua has our short name. */
static void explain(const struct evaluation *evaluation, const char *message, struct error *error)
{
    const char *rest = message;
    char line[900];

    if (strncmp(rest, CHUNK ":", sizeof CHUNK) == 0)
        rest += sizeof CHUNK;
    else
        rest = NULL;
    snprintf(line, sizeof line, "%s", rest ? rest : message);
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    hide_text(line, sizeof line);
    bool comma = strstr(line, "(to close '{'") || strstr(line, "'}' expected");

    error_set(error, "%s:%s%s%s", evaluation->path, rest ? "" : " ", line,
              comma ? "; is a comma missing before it?" : "");
}

static void fail(const struct evaluation *evaluation, lua_State *L, int status, struct error *error)
{
    if (status == LUA_ERRMEM)
        error_set(error,
                  "%s: the configuration needs more than %zu MB of memory: "
                  "is there a loop or a recursion without end?",
                  evaluation->path, MEMORY_MAX >> 20);
    else if (lua_type(L, -1) != LUA_TSTRING)
        error_set(error, "%s: error() was called without a text", evaluation->path);
    else if (strstr(lua_tostring(L, -1), "attempt to load a binary chunk"))
        error_set(error, "%s: this is not a text file", evaluation->path);
    else if (strstr(lua_tostring(L, -1), "C stack overflow"))
        error_set(error, "%s: expressions inside of expressions, too deep", evaluation->path);
    else
        explain(evaluation, lua_tostring(L, -1), error);
}

/* provider "x" without its table is found when all is over. */
static bool all_have_tables(const struct evaluation *evaluation, struct error *error)
{
    json_t *record;
    size_t i;

    json_array_foreach(evaluation->list, i, record) {
        const char *what = json_string_value(json_object_get(record, "what"));

        for (size_t k = 0; k < DECLARATIONS; k++)
            if (declarations[k].shape == NAME_AND_TABLE &&
                strcmp(what, declarations[k].name) == 0 && !json_object_get(record, "table"))
                return error_set(
                    error, "%s:%d: %s '%s': its settings are missing, as in %s", evaluation->path,
                    (int)json_integer_value(json_object_get(record, "line")), what,
                    json_string_value(json_object_get(record, "value")), declarations[k].example);
    }
    return true;
}

json_t *config_evaluate(const char *path, hg_str source, struct error *error)
{
    struct evaluation evaluation = {
        .path = path, .source = source, .list = json_array(), .started = clock_precise()};
    lua_State *L = lua_newstate(allocate, &evaluation);

    if (!L) {
        json_decref(evaluation.list);
        error_set(error, "%s: cannot make a Lua state", path);
        return NULL;
    }
    *(struct evaluation **)lua_getextraspace(L) = &evaluation;
    lua_pushcfunction(L, run);
    int status = lua_pcall(L, 0, 0, 0);

    if (status != LUA_OK)
        fail(&evaluation, L, status, error);
    lua_close(L);
    if (status == LUA_OK && all_have_tables(&evaluation, error))
        return evaluation.list;
    json_decref(evaluation.list);
    return NULL;
}
