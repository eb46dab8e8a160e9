#include "base/clock.h"
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/lua/parts.h"

/* ---- things of the configuration ------------------------------------------------------------- */

struct named {
    const char *kind; /* static */
    void *object;
};

void lua_push_named(lua_State *L, const char *kind, void *object)
{
    struct named *named = lua_newuserdatauv(L, sizeof *named, 0);

    *named = (struct named){kind, object};
    lua_object_set(L, OBJECT_NAMED);
}

void *lua_check_named(lua_State *L, int at, const char *kind)
{
    struct named *named = lua_object_check(L, at, OBJECT_NAMED);

    if (strcmp(named->kind, kind))
        luaL_error(L, "a %s is needed here, not a %s", kind, named->kind);
    return named->object;
}

int lua_open_named(lua_State *L)
{
    lua_object_open(L, OBJECT_NAMED, "target, cache or guard");
    return 0;
}

/* ---- targets --------------------------------------------------------------------------------- */

/* host.target(name, params) at load time. */
static int host_target(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    hg_str name;
    const char *params = NULL;
    struct error error;

    name.p = luaL_checklstring(L, 1, &name.n);
    if (lua_istable(L, 2)) {
        struct arena *arena = lua_scratch(L);

        params = arena_cstr(arena, lua_to_json(L, 2, arena));
    }
    struct target *target = target_get(gateway, name, params, &error);

    if (!target)
        return luaL_error(L, "%s", error.text);
    lua_push_named(L, "target", target);
    return 1;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct call {
    struct routine_handle waiter;
    struct attempt *attempt;
};

static void drop_events(void *arg, hg_str events)
{
    (void)arg, (void)events;
}

static void drop_pause(void *arg)
{
    (void)arg;
}

static void drop_end(void *arg)
{
    struct attempt *attempt = arg;

    if (attempt->end_fault != OUTBOUND_OK)
        attempt->fault = (struct fault){.kind = fault_of_outbound(attempt->end_fault),
                                        .message = attempt->end_reason,
                                        .target = text_of(attempt->target->name)};
    attempt_cancel(attempt);
}

/* Nobody delivers what a detached task has asked for: it is read to its end, for the record. */
static const struct attempt_sink drop = {
    .on_events = drop_events, .on_pause = drop_pause, .on_end = drop_end};

static int push_answer(lua_State *L, void *arg)
{
    struct call *call = arg;
    struct attempt *attempt = call->attempt;

    if (attempt->state == ATTEMPT_FAILED) {
        int count = lua_push_failure(L, &attempt->fault);

        if (attempt->detached) /* nobody else ends it */
            attempt_cancel(attempt);
        return count;
    }
    struct request *request = attempt->request;
    struct answer *answer = answer_new(request);

    answer->status = attempt->status;
    answer->attempt = attempt;
    answer->content_type = attempt->content_type;
    answer->is_stream = attempt->is_sse;
    if (attempt->is_over && !attempt->is_sse && !attempt->raw) {
        hg_str body = attempt_body(attempt);

        answer->body = chain_new(request->arena);
        chain_put_const(answer->body, body.p, body.n);
    }
    lua_push_response(L, answer);
    if (attempt->detached && answer->body)
        attempt_cancel(attempt); /* all of it is here, and nobody else ends it */
    else if (attempt->detached)
        attempt_relay(attempt, &drop, attempt);
    return 1;
}

static void on_result(void *arg, struct attempt *attempt)
{
    struct call *call = arg;

    call->attempt = attempt;
    routine_wake(call->waiter, push_answer, call);
}

static void call_cancel(void *arg)
{
    attempt_cancel(((struct call *)arg)->attempt);
}

/* host.call(target, req, opts): resp, or nil and an error. */
static int host_call(lua_State *L)
{
    struct target *target = lua_check_named(L, 1, "target");
    const struct shape *shape;
    struct request *request = lua_check_request(L, 2, &shape);
    struct attempt_options options = {.is_shadow = routine_arg(routine_of(L)) == NULL};

    routine_check_wait(L);
    if (request->asked.kind == HG_R_REALTIME && !routine_arg(routine_of(L)))
        return luaL_error(L, "nobody would speak in a realtime session beside the client's");
    if (lua_istable(L, 3)) {
        options.timeout = lua_seconds_field(L, 3, "timeout");
        options.first_token = lua_seconds_field(L, 3, "first_token");
    }
    engine_charge(L, sizeof(struct call) + sizeof(struct attempt));
    struct call *call = arena_alloc(request->arena, sizeof *call);

    call->waiter = routine_handle(routine_of(L));
    call->attempt = attempt_start(request, shape, target, &options, on_result, call);
    if (options.is_shadow)
        attempt_detach(call->attempt);
    return routine_wait(L, call_cancel, call);
}

/* host.names_provider(req): does the client say which provider it wants, or is it a request for the
 * models of all? Asked for every request of the default route, so that the usual "no" makes no
 * object in Lua. */
static int host_names_provider(lua_State *L)
{
    const struct shape *shape;
    struct request *request = lua_check_request(L, 1, &shape);
    hg_str model = shape->model;

    lua_pushboolean(L, request->asked.kind == HG_R_MODELS ||
                           (model.n && (*model.p == '@' || memchr(model.p, '/', model.n))) ||
                           head_field(request->head, HG_S("x-headgate-provider")).n ||
                           head_field(request->head, HG_S("x-portkey-provider")).n);
    return 1;
}

const luaL_Reg lua_call_functions[] = {{"target", host_target},
                                       {"call", host_call},
                                       {"names_provider", host_names_provider},
                                       {NULL, NULL}};
