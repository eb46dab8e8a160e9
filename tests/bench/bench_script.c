/* What Lua costs a request: from routine_start to on_end, with a target that answers at once or
 * that is waited for; the network takes no time. Prints nanoseconds, allocated bytes and
 * coroutines. Usage: bench_script [FOLDER OF EXAMPLES] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "script/routine.h"

enum {
    ROUNDS = 200000
};

static struct {
    struct engine *engine;
    struct routine_handle waiting;
    bool is_soon, waits, has_ended;
    unsigned fails; /* calls that fail before one works */
    unsigned failing;
    enum routine_outcome outcome;
} world;

static hg_ns real_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static hg_ns now(void *arg)
{
    (void)arg;
    return 1;
}

static int64_t wall_us(void *arg)
{
    (void)arg;
    return 1;
}

static void run_soon(void *arg)
{
    (void)arg;
    world.is_soon = true;
}

static void set_timer(void *arg, hg_ns due)
{
    (void)arg, (void)due;
}

/* ---- the host: objects are userdata without a collector, as in the gateway --------------------
 */

static int push_response(lua_State *L, void *arg)
{
    (void)arg;
    if (world.failing > 0) {
        world.failing--;
        lua_pushnil(L);
        lua_createtable(L, 0, 2);
        lua_pushliteral(L, "upstream_5xx");
        lua_setfield(L, -2, "kind");
        lua_pushinteger(L, 503);
        lua_setfield(L, -2, "status");
        return 2;
    }
    lua_newuserdatauv(L, 16, 0);
    return 1;
}

static int host_call(lua_State *L)
{
    luaL_checkudata(L, 1, "bench.object");
    luaL_checkudata(L, 2, "bench.object");
    if (!world.waits)
        return push_response(L, NULL);
    routine_check_wait(L);
    world.waiting = routine_handle(routine_of(L));
    return routine_wait(L, NULL, NULL);
}

static int push_object(lua_State *L)
{
    lua_newuserdatauv(L, 16, 0);
    luaL_setmetatable(L, "bench.object");
    return 1;
}

static int host_random(lua_State *L)
{
    lua_pushnumber(L, 0.3);
    return 1;
}

static int object_index(lua_State *L)
{
    if (strcmp(luaL_checkstring(L, 2), "metadata") == 0)
        lua_pushvalue(L, 1);
    else if (strcmp(lua_tostring(L, 2), "tier") == 0)
        lua_pushliteral(L, "paid");
    else
        lua_pushnil(L);
    return 1;
}

static int store(lua_State *L)
{
    (void)L;
    return 0;
}

static int yes(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static int second(lua_State *L)
{
    lua_pushvalue(L, 2);
    return 1;
}

static const luaL_Reg functions[] = {{"target", push_object},
                                     {"call", host_call},
                                     {"random", host_random},
                                     {"bucket", host_random},
                                     {"guard", push_object},
                                     {"cache", push_object},
                                     {"cache_lookup", store},
                                     {"cache_store", store},
                                     {"guard_request", yes},
                                     {"guard_response", second},
                                     {NULL, NULL}};

static int open_objects(lua_State *L)
{
    luaL_newmetatable(L, "bench.object");
    lua_pushcfunction(L, object_index);
    lua_setfield(L, -2, "__index");
    return 0;
}

static int push_request(lua_State *L, void *arg)
{
    (void)arg;
    return push_object(L);
}

static void on_end(struct routine *routine, lua_State *L, enum routine_outcome outcome, void *arg)
{
    (void)L, (void)arg;
    world.has_ended = true;
    world.outcome = outcome;
    if (outcome != ROUTINE_DONE)
        printf("%s\n", routine_traceback(routine));
}

static int find_handler(lua_State *L)
{
    int *ref = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, *ref);
    if (lua_istable(L, -1))
        lua_getfield(L, -1, "handler");
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int load(const char *source)
{
    struct error error = {""};
    int ref = LUA_NOREF;

    if (!engine_load_route(world.engine, "bench.lua", text_of(source), &ref, &error) ||
        !engine_protected(world.engine, find_handler, &ref, &error)) {
        printf("%s\n", error.text);
        exit(1);
    }
    return ref;
}

static void run_once(const struct routine_setup *setup)
{
    world.has_ended = false;
    world.failing = world.fails;
    routine_start(world.engine, setup);
    while (!world.has_ended) {
        routine_wake(world.waiting, push_response, NULL);
        if (world.is_soon) {
            world.is_soon = false;
            engine_run(world.engine);
        }
    }
    ensure(world.outcome == ROUTINE_DONE);
}

static void measure(const char *name, const char *source, bool waits, unsigned fails)
{
    struct routine_setup setup = {.function = load(source), .push = push_request, .on_end = on_end};
    double best = 1e18;

    world.waits = waits;
    world.fails = fails;
    for (int part = 0; part < 5; part++) {
        hg_ns start = real_now();

        for (int i = 0; i < ROUNDS / 5; i++)
            run_once(&setup);

        double each = (double)(real_now() - start) / (ROUNDS / 5);

        best = each < best ? each : best;
    }
    printf("%-40s %6.0f ns  %zu coroutines, %zu KB in all\n", name, best,
           (size_t)engine_stats(world.engine).pooled, engine_stats(world.engine).memory >> 10);
}

#define S "local s = require 'headgate'\n"

int main(void)
{
    struct engine_setup setup = {.clock = {now, wall_us, run_soon, set_timer, NULL},
                                 .request_budget = INT64_C(1000000000000)};
    struct error error = {""};

    world.engine = engine_new(&setup, &error);
    ensure(world.engine &&
           engine_add_library(world.engine, "headgate.host", functions, NULL, &error) &&
           engine_protected(world.engine, open_objects, NULL, &error));

    const char *simple = S "return s.target 'x/a'";
    const char *fallback = S "return s.fallback { s.target 'x/a', s.target 'x/b', s.target 'x/c' }";
    const char *balance = S "return s.balance { { s.target 'x/a', weight = 7 }, s.target 'x/b' }";
    const char *conditional = S "local a, b = s.target 'x/a', s.target 'x/b'\n"
                                "return function(req) if req.metadata.tier == 'paid' then "
                                "return a(req) end return b(req) end";
    const char *stages = S "return s.cached(s.guard(s.retry(s.target 'x/a'), { input = 'a', "
                           "output = 'b' }), { store = 'c' })";

    measure("nothing", "return function() end", false, 0);
    measure("simple, answered at once", simple, false, 0);
    measure("simple, one wait", simple, true, 0);
    measure("fallback, first works, one wait", fallback, true, 0);
    measure("fallback, two fail, three waits", fallback, true, 2);
    measure("weighted balance, one wait", balance, true, 0);
    measure("conditional on metadata, one wait", conditional, true, 0);
    measure("cache, guards, retry, one wait", stages, true, 0);
    engine_free(&world.engine);
    return 0;
}
