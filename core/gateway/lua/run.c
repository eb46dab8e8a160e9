#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/lua/parts.h"
#include "gateway/request_steps.h"
#include "gateway/route.h"

struct gateway *lua_gateway(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* ---- objects -----------------------------------------------------------------------------------
 */

/* One engine at a time lives in a process, so these can be looked up without asking anybody. */
static struct {
    int ref;
    const void *table;
    const char *name;
} objects[OBJECT_COUNT];

void lua_object_open(lua_State *L, enum lua_object object, const char *name)
{
    lua_newtable(L);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    objects[object].name = name;
    objects[object].table = lua_topointer(L, -1);
    objects[object].ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void lua_object_set(lua_State *L, enum lua_object object)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, objects[object].ref);
    lua_setmetatable(L, -2);
}

void *lua_object_check(lua_State *L, int at, enum lua_object object)
{
    void *found = lua_touserdata(L, at);

    if (found && lua_getmetatable(L, at)) {
        bool is = lua_topointer(L, -1) == objects[object].table;

        lua_pop(L, 1);
        if (is)
            return found;
    }
    luaL_typeerror(L, at, objects[object].name);
    return NULL;
}

/* ---- the engine ---------------------------------------------------------------------------------
 */

static hg_ns engine_now(void *arg)
{
    (void)arg;
    return clock_now();
}

static int64_t engine_wall(void *arg)
{
    (void)arg;
    return clock_wall_us();
}

static void engine_soon(void *arg)
{
    struct gateway *gateway = arg;

    task_queue(gateway->loop, &gateway->engine_task);
}

static void engine_timer(void *arg, hg_ns due)
{
    struct gateway *gateway = arg;

    if (due)
        timer_set(gateway->loop, &gateway->engine_timer, due);
    else
        timer_clear(gateway->loop, &gateway->engine_timer);
}

static void on_engine_due(void *arg)
{
    struct gateway *gateway = arg;

    engine_run(gateway->engine);
}

static int open_objects(lua_State *L)
{
    static const lua_CFunction opens[] = {lua_open_request, lua_open_response, lua_open_named,
                                          lua_open_miss,    lua_open_http,     lua_open_values};
    void *gateway = lua_touserdata(L, 1);

    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
        lua_pushcfunction(L, opens[i]);
        lua_pushlightuserdata(L, gateway);
        lua_call(L, 1, 0);
    }
    return 0;
}

bool lua_start(struct gateway *gateway, struct error *error)
{
    const struct config_lua *limits = &gateway->config->lua;

    gateway->engine_task = (struct task){.fn = on_engine_due, .arg = gateway};
    gateway->engine_timer = (struct timer){.fn = on_engine_due, .arg = gateway};
    gateway->engine = engine_new(
        &(struct engine_setup){
            .clock = {engine_now, engine_wall, engine_soon, engine_timer, gateway},
            .library_path = getenv("HEADGATE_LUA_PATH"),
            .memory_limit = limits->memory,
            .request_memory = limits->memory_per_request,
            .resume_budget = limits->cpu_per_resume,
            .request_budget = limits->cpu_per_request,
        },
        error);
    if (!gateway->engine)
        return false;
    static const luaL_Reg *const libraries[] = {lua_call_functions, lua_stage_functions,
                                                lua_http_functions, lua_value_functions,
                                                lua_models_functions};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (!engine_add_library(gateway->engine, "headgate.host", libraries[i], gateway, error))
            return false;
    return engine_protected(gateway->engine, open_objects, gateway, error);
}

void lua_stop(struct gateway *gateway)
{
    engine_free(&gateway->engine);
    timer_clear(gateway->loop, &gateway->engine_timer);
    task_clear(gateway->loop, &gateway->engine_task);
}

/* ---- functions of a route -------------------------------------------------------------------- */

static int push_request(lua_State *L, void *arg)
{
    struct request *request = arg;

    lua_push_request(L, request, &request->shape);
    return 1;
}

static void failure_take(struct request *request, lua_State *L, int at)
{
    if (request->fault.kind != FAULT_NONE)
        return;
    lua_read_error(L, at, request, &request->fault);
}

/* The operator gets the stack, the client gets the request's id. */
void lua_take_bug(struct request *request, struct routine *routine, enum routine_outcome outcome)
{
    log_error("route %.*s, request %.*s: %s", TEXT_ARG(route_name(request->route)),
              TEXT_ARG(request->id), routine_traceback(routine));
    request_fail(request, FAULT_INTERNAL, "the route %s (request %.*s)",
                 outcome == ROUTINE_OVERRAN ? "used more time or memory than it may" : "failed",
                 TEXT_ARG(request->id));
}

static void run_next(struct request *request);

static void on_auth_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                        void *arg)
{
    struct request *request = arg;

    request->routine = NULL;
    if (outcome == ROUTINE_CANCELLED)
        return;
    if (outcome != ROUTINE_DONE)
        lua_take_bug(request, routine, outcome);
    else if (!lua_toboolean(L, 1))
        failure_take(request, L, 2);
    else
        request->is_authorised = true;
    run_next(request);
    if (!request->routine)
        request_routine_ended(request);
}

static void handler_result(struct request *request, lua_State *L)
{
    if (lua_isuserdata(L, 1)) {
        request->answer = lua_result_response(L, 1, request);
        if (request->answer && !request->answer->is_spent)
            return;
    }
    if (request->answer) {
        log_error("route %.*s: returned a response that it has read in part",
                  TEXT_ARG(route_name(request->route)));
        request->answer = NULL;
        request_fail(request, FAULT_INTERNAL, "the route failed (request %.*s)",
                     TEXT_ARG(request->id));
        return;
    }
    if (lua_isnoneornil(L, 1) && !lua_isnoneornil(L, 2)) {
        failure_take(request, L, 2);
        return;
    }
    log_error("route %.*s: returned %s; a handler returns a response, or nil and an error",
              TEXT_ARG(route_name(request->route)), luaL_typename(L, 1));
    request_fail(request, FAULT_INTERNAL, "the route gave neither an answer nor an error");
}

static void on_handler_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                           void *arg)
{
    struct request *request = arg;
    bool retry =
        outcome == ROUTINE_FAILED && request->route->on_error != LUA_NOREF && !request->is_rescue;

    request->routine = NULL;
    if (outcome == ROUTINE_CANCELLED)
        return;
    if (outcome == ROUTINE_DONE) {
        handler_result(request, L);
    } else if (retry) {
        log_error("route %.*s, request %.*s: %s", TEXT_ARG(route_name(request->route)),
                  TEXT_ARG(request->id), routine_traceback(routine));
        request->is_rescue = true;
        run_next(request);
    } else {
        lua_take_bug(request, routine, outcome);
    }
    if (!request->routine)
        request_routine_ended(request);
}

/* Starts the function whose turn it is: auth, then the handler, or on_error in its place. */
static void run_next(struct request *request)
{
    const struct route *route = request->route;
    bool auth = route->auth != LUA_NOREF && !request->is_authorised;

    if (request->fault.kind != FAULT_NONE)
        return;
    /* An end inside routine_start finds the routine NULL and leaves it so. */
    struct routine *routine =
        routine_start(request->gateway->engine,
                      &(struct routine_setup){.function = auth                 ? route->auth
                                                          : request->is_rescue ? route->on_error
                                                                               : route->handler,
                                              .push = push_request,
                                              .on_end = auth ? on_auth_end : on_handler_end,
                                              .arg = request});
    if (routine)
        request->routine = routine;
}

void lua_run_route(struct request *request)
{
    run_next(request);
}

/* ---- match ----------------------------------------------------------------------------------- */

struct match {
    struct request *request;
    bool takes;
};

static int push_match(lua_State *L, void *arg)
{
    return push_request(L, ((struct match *)arg)->request);
}

static void on_match_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                         void *arg)
{
    struct match *match = arg;

    if (outcome == ROUTINE_DONE)
        match->takes = lua_toboolean(L, 1);
    else
        lua_take_bug(match->request, routine, outcome);
}

bool lua_run_match(struct request *request, int function)
{
    struct match match = {request, false};

    routine_start(request->gateway->engine, &(struct routine_setup){.function = function,
                                                                    .push = push_match,
                                                                    .on_end = on_match_end,
                                                                    .arg = &match,
                                                                    .never_waits = "match"});
    return match.takes;
}

/* ---- finally --------------------------------------------------------------------------------- */

struct outcome_run {
    struct request *request;
    int function;
};

static void set_number(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, hg_str value)
{
    lua_push_text(L, value);
    lua_setfield(L, -2, name);
}

static int push_outcome(lua_State *L, void *arg)
{
    struct request *request = ((struct outcome_run *)arg)->request;
    const struct attempt *attempt = request->answer ? request->answer->attempt : NULL;

    lua_createtable(L, 0, 10);
    set_number(L, "status", request->status);
    set_number(L, "seconds", (double)(request->ended - request->began) / 1e9);
    if (request->first_token)
        set_number(L, "first_token", (double)(request->first_token - request->began) / 1e9);
    bool ok = request->fault.kind == FAULT_NONE;

    set_text(L, "outcome", ok ? HG_S("ok") : fault_name(request->fault.kind));
    lua_pushboolean(L, ok);
    lua_setfield(L, -2, "ok");
    lua_pushboolean(L, request->client_gone);
    lua_setfield(L, -2, "client_gone");
    if (attempt) {
        set_text(L, "target", text_of(attempt->target->name));
        lua_push_usage(L, attempt);
        lua_setfield(L, -2, "usage");
    }
    return 1;
}

static void on_finally_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                           void *arg)
{
    struct outcome_run *run = arg;

    (void)L;
    if (outcome == ROUTINE_FAILED || outcome == ROUTINE_OVERRAN)
        log_error("finally, request %.*s: %s", TEXT_ARG(run->request->id),
                  routine_traceback(routine));
    engine_unref(run->request->gateway->engine, &run->function);
    request_unref(&run->request);
}

void lua_run_finally(struct request *request)
{
    for (struct finally *at = request->finally; at; at = at->next) {
        struct outcome_run *run = arena_alloc(request->arena, sizeof *run);

        *run = (struct outcome_run){request_ref(request), at->function};
        routine_start(request->gateway->engine, &(struct routine_setup){.function = at->function,
                                                                        .push = push_outcome,
                                                                        .on_end = on_finally_end,
                                                                        .arg = run});
    }
}
