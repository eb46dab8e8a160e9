#include "base/text.h"
#include "gateway/cache.h"
#include "gateway/guard.h"
#include "gateway/handles.h"
#include "gateway/lua/parts.h"
#include "plugin/registry.h"

/* host.cache(name, how), host.guard(name) at load time. */
static struct gateway_instance *instance_find(lua_State *L, const char *kind)
{
    struct gateway *gateway = lua_gateway(L);
    const char *names[64], *near;
    size_t count = 0;
    hg_str name;

    name.p = luaL_checklstring(L, 1, &name.n);
    struct gateway_instance *found = gateway_instance(gateway, kind, name);

    if (found)
        return found;
    for (size_t i = 0; i < gateway->instance_count && count < 64; i++)
        if (!strcmp(gateway->instances[i].config->kind, kind))
            names[count++] = gateway->instances[i].config->name;
    near = text_suggest(name, names, count);
    if (near)
        luaL_error(L, "there is no %s '%s'; did you mean '%s'?", kind, name.p, near);
    luaL_error(L, "there is no %s '%s'; declare it in headgate.lua", kind, name.p);
    return NULL;
}

static bool field_is(lua_State *L, int table, const char *name, hg_str value)
{
    if (!lua_istable(L, table))
        return false;
    lua_getfield(L, table, name);
    bool is = text_is(lua_text_at(L, -1), value);

    lua_pop(L, 1);
    return is;
}

/* host.cache(name, { mode =, ttl =, wait =, threshold = }) */
static int host_cache(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    struct cache_options *options = arena_zalloc(gateway->arena, sizeof *options);
    struct error error;

    options->cache = instance_find(L, "cache");
    options->is_semantic = field_is(L, 2, "mode", HG_S("semantic"));
    if (lua_istable(L, 2)) {
        options->ttl = lua_seconds_field(L, 2, "ttl");
        options->wait = lua_seconds_field(L, 2, "wait");
        lua_getfield(L, 2, "threshold");
        options->threshold = lua_tonumber(L, -1);
    }
    if (!cache_can(options, &error))
        return luaL_error(L, "%s", error.text);
    lua_push_named(L, "cache", options);
    return 1;
}

static int host_guard(lua_State *L)
{
    lua_push_named(L, "guard", instance_find(L, "guard"));
    return 1;
}

/* ---- caches ---------------------------------------------------------------------------------- */

/* What Lua holds of a miss, until the answer is there or not going to be. */
struct lua_miss {
    uint64_t request; /* a handle */
    struct cache_lookup *lookup;
};

static struct lua_miss *check_miss(lua_State *L)
{
    struct lua_miss *miss = lua_object_check(L, 1, OBJECT_MISS);

    return handle_find(lua_gateway(L)->handles, miss->request) ? miss : NULL;
}

static int miss_close(lua_State *L)
{
    struct lua_miss *miss = check_miss(L);

    if (miss)
        cache_give_up(miss->lookup);
    return 0;
}

int lua_open_miss(lua_State *L)
{
    void *gateway = lua_touserdata(L, 1);

    lua_object_open(L, OBJECT_MISS, "cache miss");
    lua_pushlightuserdata(L, gateway);
    lua_pushcclosure(L, miss_close, 1);
    lua_setfield(L, -2, "__close");
    return 0;
}

struct looking {
    struct routine_handle waiter;
    struct request *request;
    struct cache_lookup *lookup;
};

static int push_found(lua_State *L, void *arg)
{
    struct looking *looking = arg;
    struct answer *answer = cache_found(looking->lookup);

    if (answer) {
        lua_push_response(L, answer);
        return 1;
    }
    lua_pushnil(L);
    struct lua_miss *miss = lua_newuserdatauv(L, sizeof *miss, 0);

    *miss = (struct lua_miss){looking->request->handle, looking->lookup};
    lua_object_set(L, OBJECT_MISS);
    return 2;
}

static void on_looked_up(void *arg)
{
    struct looking *looking = arg;

    if (!routine_wake(looking->waiter, push_found, looking))
        cache_give_up(looking->lookup);
}

static void looking_cancel(void *arg)
{
    cache_find_cancel(((struct looking *)arg)->lookup);
}

/* host.cache_lookup(cache, req): resp; or nil and a miss, which is nil too for what no cache can
 * have. The miss is to be closed. */
static int host_cache_lookup(lua_State *L)
{
    const struct cache_options *options = lua_check_named(L, 1, "cache");
    const struct shape *shape;
    struct request *request = lua_check_request(L, 2, &shape);
    bool detached = routine_arg(routine_of(L)) == NULL;

    size_t before = arena_used(request->arena);

    routine_check_wait(L);
    struct cache_lookup *lookup = cache_lookup_new(request, shape, options);

    if (!lookup)
        return 0;
    struct looking *looking = arena_alloc(request->arena, sizeof *looking);

    *looking = (struct looking){routine_handle(routine_of(L)), request, lookup};
    if (!cache_find(lookup, detached, on_looked_up, looking))
        return routine_wait(L, looking_cancel, looking);
    if (cache_found(lookup)) /* what others may wait for must not be given up by an error */
        lua_charge(L, request->arena, before);
    return push_found(L, looking);
}

/* host.cache_store(miss, resp). */
static int host_cache_store(lua_State *L)
{
    struct lua_miss *miss = check_miss(L);
    struct answer *answer = lua_check_response(L, 2);

    if (miss)
        cache_keep(miss->lookup, answer);
    return 0;
}

/* ---- guards ---------------------------------------------------------------------------------- */

struct judging {
    struct routine_handle waiter;
    struct guard_check *check;
    struct answer *answer; /* NULL: a request */
    struct fault fault;
};

static int push_judged(lua_State *L, void *arg)
{
    struct judging *judging = arg;

    if (judging->fault.kind != FAULT_NONE)
        return lua_push_failure(L, &judging->fault);
    if (judging->answer)
        lua_push_response(L, judging->answer);
    else
        lua_pushboolean(L, 1);
    return 1;
}

static void on_judged(void *arg, const struct fault *fault)
{
    struct judging *judging = arg;

    judging->fault = *fault;
    routine_wake(judging->waiter, push_judged, judging);
}

static void judging_cancel(void *arg)
{
    guard_check_cancel(((struct judging *)arg)->check);
}

static unsigned guards_read(lua_State *L, int table, struct gateway_instance **guards)
{
    unsigned count = 0;

    luaL_checktype(L, table, LUA_TTABLE);
    for (lua_Integer i = 1; lua_rawgeti(L, table, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
        if (count == GUARDS_MAX)
            return (unsigned)luaL_error(L, "more than %d guards in one place", GUARDS_MAX);
        guards[count++] = lua_check_named(L, lua_gettop(L), "guard");
    }
    lua_pop(L, 1);
    return count;
}

static struct guard_options options_read(lua_State *L, int table)
{
    return (struct guard_options){
        .on_error =
            field_is(L, table, "on_error", HG_S("allow")) ? GUARD_ERROR_ALLOWS : GUARD_ERROR_DENIES,
        .mode = field_is(L, table, "stream", HG_S("watch")) ? GUARD_WATCH : GUARD_HOLD};
}

/* The guards of a check outlive this call: they may be waited for. */
static struct gateway_instance **guards_keep(struct arena *arena, struct gateway_instance **guards,
                                             unsigned count)
{
    struct gateway_instance **kept = arena_alloc(arena, (count + 1) * sizeof *kept);

    memcpy(kept, guards, count * sizeof *kept);
    return kept;
}

/* host.guard_request(guards, req, opts): true, or nil and an error. */
static int host_guard_request(lua_State *L)
{
    struct gateway_instance *guards[GUARDS_MAX];
    unsigned count = guards_read(L, 1, guards);
    struct request *request = lua_check_request(L, 2, NULL);
    struct guard_options options = options_read(L, 3);
    size_t before = arena_used(request->arena);
    struct judging *judging = arena_zalloc(request->arena, sizeof *judging);

    routine_check_wait(L);
    judging->waiter = routine_handle(routine_of(L));
    if (!guard_can_read_request(request)) {
        judging->fault = guard_unread(request, &options, "request");
        return push_judged(L, judging);
    }
    if (!guard_request(request, guards_keep(request->arena, guards, count), count, &options,
                       on_judged, judging, &judging->fault, &judging->check))
        return routine_wait(L, judging_cancel, judging);
    lua_charge(L, request->arena, before);
    return push_judged(L, judging);
}

/* host.guard_response(guards, resp, opts): resp, or nil and an error. A stream is judged while it
 * goes out. */
static int host_guard_response(lua_State *L)
{
    struct gateway_instance *guards[GUARDS_MAX];
    unsigned count = guards_read(L, 1, guards);
    struct answer *answer = lua_check_response(L, 2);
    struct guard_options options = options_read(L, 3);
    struct arena *arena = answer->request->arena;
    size_t before = arena_used(arena);
    struct judging *judging = arena_zalloc(arena, sizeof *judging);

    judging->answer = answer;
    if (!guard_can_read(answer))
        judging->fault = guard_unread(answer->request, &options, "answer");
    else if (answer->is_stream)
        guard_use_new(answer, guards, count, &options);
    if (answer->is_stream || !answer->body)
        return push_judged(L, judging);
    routine_check_wait(L);
    judging->waiter = routine_handle(routine_of(L));
    if (!guard_answer(answer, guards_keep(arena, guards, count), count, &options, on_judged,
                      judging, &judging->fault, &judging->check))
        return routine_wait(L, judging_cancel, judging);
    lua_charge(L, arena, before);
    return push_judged(L, judging);
}

const luaL_Reg lua_stage_functions[] = {{"cache", host_cache},
                                        {"guard", host_guard},
                                        {"cache_lookup", host_cache_lookup},
                                        {"cache_store", host_cache_store},
                                        {"guard_request", host_guard_request},
                                        {"guard_response", host_guard_response},
                                        {NULL, NULL}};
