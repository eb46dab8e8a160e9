#include "base/text.h"
#include "gateway/handles.h"
#include "gateway/lua/texts.h"
#include "plugin/registry.h"

struct lua_response {
    uint64_t handle;
};

void lua_push_response(lua_State *L, struct answer *answer)
{
    struct lua_response *object = lua_newuserdatauv(L, sizeof *object, 0);

    object->handle = answer->handle;
    lua_object_set(L, OBJECT_RESPONSE);
}

struct answer *lua_check_response(lua_State *L, int at)
{
    struct lua_response *object = lua_object_check(L, at, OBJECT_RESPONSE);
    struct answer *answer = handle_find(lua_gateway(L)->handles, object->handle);

    if (!answer)
        luaL_error(L, "this response is gone; do not keep it beyond the handler");
    return answer;
}

struct answer *lua_result_response(lua_State *L, int at, struct request *request)
{
    struct answer *found = NULL;

    /* A request object is of the same size or larger, and its handle is none of an answer. */
    if (lua_rawlen(L, at) < sizeof(struct lua_response))
        return NULL;
    uint64_t handle = ((struct lua_response *)lua_touserdata(L, at))->handle;

    for (struct answer *answer = request->answers; answer; answer = answer->next)
        if (answer->handle == handle)
            found = answer;
    return found;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void set_count(lua_State *L, const char *name, uint32_t known, uint32_t flag, uint64_t n)
{
    if (!(known & flag))
        return;
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

void lua_push_usage(lua_State *L, const struct attempt *attempt)
{
    const hg_usage *usage = &attempt->usage;

    if (!attempt->has_usage) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 0, 5);
    set_count(L, "input", usage->flags, HG_U_INPUT, usage->input);
    set_count(L, "output", usage->flags, HG_U_OUTPUT, usage->output);
    set_count(L, "cached_input", usage->flags, HG_U_CACHED, usage->cached_input);
    set_count(L, "cache_write", usage->flags, HG_U_CACHE_WRITE, usage->cache_write);
    set_count(L, "reasoning", usage->flags, HG_U_REASONING, usage->reasoning);
}

static int field_push(lua_State *L, const struct answer *answer, hg_str name)
{
    const struct attempt *attempt = answer->attempt;

    if (text_is(name, HG_S("status")))
        lua_pushinteger(L, answer->status);
    else if (text_is(name, HG_S("stream")))
        lua_pushboolean(L, answer->is_stream);
    else if (text_is(name, HG_S("usage")))
        attempt ? lua_push_usage(L, attempt) : lua_pushnil(L);
    else if (text_is(name, HG_S("provider")))
        attempt ? (void)lua_pushstring(L, instance_name(attempt->target->instance))
                : lua_pushnil(L);
    else if (text_is(name, HG_S("target")))
        attempt ? (void)lua_pushstring(L, attempt->target->name) : lua_pushnil(L);
    else if (text_is(name, HG_S("model")))
        attempt
            ? lua_push_text(L, attempt->model_answered.n ? attempt->model_answered : attempt->model)
            : lua_pushnil(L);
    else
        return 0;
    return 1;
}

static int response_index(lua_State *L)
{
    struct answer *answer = lua_check_response(L, 1);

    if (field_push(L, answer, lua_text_at(L, 2)))
        return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    if (lua_isnil(L, -1))
        return luaL_error(L, "a response has no field '%s'", luaL_tolstring(L, 2, NULL));
    return 1;
}

/* ---- methods --------------------------------------------------------------------------------- */

/* Letters, digits and '-'; the protocol's own fields are ours to write. */
static bool name_is_allowed(hg_str name)
{
    static const hg_str ours[] = {{"content-length", 14}, {"transfer-encoding", 17},
                                  {"connection", 10},     {"date", 4},
                                  {"content-type", 12},   {"x-headgate-request-id", 21}};

    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') ||
              name.p[i] == '-'))
            return false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (text_is(name, ours[i]))
            return false;
    return name.n > 0;
}

int lua_set_header(lua_State *L, struct request *request, int at)
{
    hg_str given, value;

    given.p = luaL_checklstring(L, at, &given.n);
    value.p = luaL_tolstring(L, at + 1, &value.n);
    engine_charge(L, given.n);
    hg_str name = arena_text(request->arena, given);

    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] >= 'A' && name.p[i] <= 'Z')
            ((char *)(uintptr_t)name.p)[i] |= 0x20;
    if (!name_is_allowed(name))
        return luaL_error(L, "a response header cannot be named '%s'", given.p);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return luaL_error(L, "the value of the header '%s' holds a control character", given.p);
    lua_set_pair(L, request, &request->headers, name, value);
    return 0;
}

static int response_header(lua_State *L)
{
    struct answer *answer = lua_check_response(L, 1);

    if (lua_gettop(L) >= 3)
        return lua_set_header(L, answer->request, 2);
    hg_str name = {luaL_checkstring(L, 2), 0};
    hg_str value = {0};

    name.n = strlen(name.p);
    if (answer->attempt && answer->attempt->head)
        value = head_field(answer->attempt->head, name);
    if (!value.n)
        return 0;
    lua_push_text(L, value);
    return 1;
}

static const luaL_Reg methods[] = {{"header", response_header}, {"text", response_text},
                                   {"json", response_json},     {"each", response_each},
                                   {"map", response_map},       {NULL, NULL}};

int lua_open_response(lua_State *L)
{
    struct gateway *gateway = lua_touserdata(L, 1);

    lua_pushcfunction(L, texts_map_main);
    gateway->map_function = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_object_open(L, OBJECT_RESPONSE, "response");
    lua_pushlightuserdata(L, gateway);
    luaL_newlibtable(L, methods);
    lua_pushlightuserdata(L, gateway);
    luaL_setfuncs(L, methods, 1);
    lua_pushcclosure(L, response_index, 2);
    lua_setfield(L, -2, "__index");
    return 0;
}
