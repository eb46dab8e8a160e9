#include "script/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "script/inside.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* May `more` bytes be had? Beyond a request's limit the hook is armed, and what C allocates before
 * the next instruction has as much again. NULL makes Lua collect all garbage first: dear, so that
 * is only the second line. */
static bool may_grow(struct engine *engine, size_t more)
{
    struct budget *budget = &engine->budget;
    struct account *account = budget->account;

    if (more > engine->setup.memory_limit || engine->memory > engine->setup.memory_limit - more)
        return false;
    account->allocated += more;
    if (account->allocated > budget->memory_limit && budget->running) {
        budget_arm(budget, BUDGET_MEMORY);
        return account->allocated - budget->memory_limit < budget->memory_limit;
    }
    return true;
}

void engine_charge(lua_State *L, size_t bytes)
{
    struct budget *budget = &engine_of(L)->budget;

    budget->account->allocated += bytes;
    if (budget->account->allocated > budget->memory_limit)
        budget_arm(budget, BUDGET_MEMORY);
    budget_check(L);
}

static void *allocate(void *ud, void *old, size_t old_size, size_t size)
{
    struct engine *engine = ud;
    size_t have = old ? old_size : 0; /* for new objects Lua tells their type instead */

    if (size == 0) {
        engine->memory -= have;
        free(old);
        return NULL;
    }
    if (size > have && !may_grow(engine, size - have))
        return NULL;

    void *new = realloc(old, size);

    if (!new &&size <= have)
        return old; /* Lua relies on it that shrinking works */
    if (new)
        engine->memory += size - have;
    return new;
}

/* ---- making one ------------------------------------------------------------------------------ */

static int on_panic(lua_State *L)
{
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message";

    log_error("a Lua error outside of every protection: %s", message);
    bool is_protected = false; /* Lua is never entered in another way */
    ensure(is_protected);
    return 0;
}

static int open_all(lua_State *L)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_UTF8LIBNAME, luaopen_utf8}};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        luaL_requiref(L, libraries[i].name, libraries[i].func, 0);
    lua_settop(L, 0);
    budget_open(L);
    sandbox_open(L);
    require_open(L);
    lua_newtable(L);
    task_open(L);
    words_open(L);
    require_set(L, "headgate.host");
    return 0;
}

static void set_defaults(struct engine_setup *setup)
{
    if (!setup->memory_limit)
        setup->memory_limit = (size_t)64 << 20;
    if (!setup->request_memory)
        setup->request_memory = (size_t)8 << 20;
    if (!setup->resume_budget)
        setup->resume_budget = 20 * INT64_C(1000000);
    if (!setup->request_budget)
        setup->request_budget = 50 * INT64_C(1000000);
    if (!setup->detached_limit)
        setup->detached_limit = 256;
    if (!setup->children_limit)
        setup->children_limit = 64;
}

struct engine *engine_new(const struct engine_setup *setup, struct error *error)
{
    struct engine *engine = xcalloc(1, sizeof *engine);

    engine->setup = *setup;
    set_defaults(&engine->setup);
    engine->budget.account = &engine->load_account;
    routines_init(engine);
    engine->L = lua_newstate(allocate, engine);
    ensure(engine->L);
    lua_atpanic(engine->L, on_panic);
    memset(lua_getextraspace(engine->L), 0, sizeof(void *));
    lua_gc(engine->L, LUA_GCINC, 200, 0, 0);
    if (!budget_init(engine, error) || !engine_protected(engine, open_all, NULL, error))
        engine_free(&engine);
    return engine;
}

void engine_free(struct engine **ret_engine)
{
    struct engine *engine = *ret_engine;

    if (!engine)
        return;
    *ret_engine = NULL;
    ensure(!engine->running);
    engine->is_closing = true;
    routines_free(engine);
    budget_done(engine);
    lua_close(engine->L);
    routines_forget(engine);
    sleepers_done(engine);
    free(engine);
}

struct engine *engine_of(lua_State *L)
{
    void *engine;

    lua_getallocf(L, &engine);
    return engine;
}

lua_State *engine_state(struct engine *engine)
{
    return engine->L;
}

void engine_log(struct engine *engine, enum log_level level, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    if (n >= (int)sizeof text)
        n = sizeof text - 1;
    if (engine->setup.on_log)
        engine->setup.on_log(engine->setup.log_arg, level, (hg_str){text, (size_t)n});
    else
        log_line(level, "%s", text);
}

/* ---- entries at load time ---------------------------------------------------------------------
 */

bool engine_protected(struct engine *engine, lua_CFunction fn, void *arg, struct error *error)
{
    lua_State *L = engine->L;
    int top = lua_gettop(L);

    engine->load_account = (struct account){0};
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);

    struct stretch outer = budget_enter(engine, L, &engine->load_account);
    int status = lua_pcall(L, 1, 0, 0);

    budget_leave(engine, outer);
    if (status != LUA_OK)
        error_set(error, "%s",
                  lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                 : "an error that is not a text was raised");
    lua_settop(L, top);
    return status == LUA_OK;
}

struct route_load {
    const char *name;
    hg_str source;
    int ref;
};

static int load_route(lua_State *L)
{
    struct route_load *load = lua_touserdata(L, 1);

    if (load->source.n && *load->source.p == LUA_SIGNATURE[0])
        return luaL_error(L, "%s: this is compiled Lua; only source text is accepted", load->name);
    lua_pushfstring(L, "@%s", load->name);
    if (luaL_loadbufferx(L, load->source.p, load->source.n, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    sandbox_push_env(L, false);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1))
        return luaL_error(L, "%s: the file returns nothing; end it with 'return s.route { ... }'",
                          load->name);
    load->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

bool engine_load_route(struct engine *engine, const char *name, hg_str source, int *ret_ref,
                       struct error *error)
{
    struct route_load load = {name, source, LUA_NOREF};

    if (!load.source.p)
        load.source.p = "";
    if (!engine_protected(engine, load_route, &load, error))
        return false;
    *ret_ref = load.ref;
    return true;
}

void engine_unref(struct engine *engine, int *ref)
{
    luaL_unref(engine->L, LUA_REGISTRYINDEX, *ref);
    *ref = LUA_NOREF;
}

static int load_module(lua_State *L)
{
    struct route_load *load = lua_touserdata(L, 1);

    require_get(L, load->name, false);
    load->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

bool engine_require(struct engine *engine, const char *module, int *ret_ref, struct error *error)
{
    struct route_load load = {.name = module, .ref = LUA_NOREF};

    if (!engine_protected(engine, load_module, &load, error))
        return false;
    *ret_ref = load.ref;
    return true;
}

struct library_add {
    const char *name;
    const luaL_Reg *functions;
    void *upvalue;
};

static int add_library(lua_State *L)
{
    const struct library_add *add = lua_touserdata(L, 1);

    lua_newtable(L);
    lua_pushlightuserdata(L, add->upvalue);
    luaL_setfuncs(L, add->functions, 1);
    require_set(L, add->name);
    return 0;
}

bool engine_add_library(struct engine *engine, const char *name, const luaL_Reg *functions,
                        void *upvalue, struct error *error)
{
    struct library_add add = {name, functions, upvalue};

    return engine_protected(engine, add_library, &add, error);
}

/* ---- going on -------------------------------------------------------------------------------- */

void engine_soon(struct engine *engine)
{
    if (engine->is_asked || engine->is_closing)
        return;
    engine->is_asked = true;
    engine->setup.clock.run_soon(engine->setup.clock.arg);
}

void engine_run(struct engine *engine)
{
    engine->is_asked = false;
    if (engine->running || engine->is_closing) {
        engine_soon(engine);
        return;
    }

    hg_ns now = engine->setup.clock.now(engine->setup.clock.arg);

    if (engine->timer_at <= now)
        engine->timer_at = 0;
    for (struct routine *due; (due = sleepers_due(engine, now));)
        routine_wake(routine_handle(due), due->on_due, due);
    if (routines_run(engine))
        engine_soon(engine);
    sleepers_tell(engine);
}

bool engine_idle(struct engine *engine)
{
    return lua_gc(engine->L, LUA_GCSTEP, 0) != 0;
}

struct engine_stats engine_stats(const struct engine *engine)
{
    struct engine_stats stats = engine->stats;

    stats.memory = engine->memory;
    stats.routines = engine->alive;
    stats.pooled = engine->pooled;
    return stats;
}

uint64_t engine_instructions(struct engine *engine, const char *prefix)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < engine->counted_count; i++)
        if (strncmp(engine->counted[i].name, prefix, strlen(prefix)) == 0) {
            sum += engine->counted[i].instructions;
            engine->counted[i].instructions = 0;
        }
    return sum;
}
