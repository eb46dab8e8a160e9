#include "base/clock.h"
#include "base/text.h"
#include "gateway/handles.h"
#include "gateway/lua/parts.h"

void lua_push_text(lua_State *L, hg_str text)
{
    lua_pushlstring(L, text.n ? text.p : "", text.n);
}

hg_str lua_text_at(lua_State *L, int at)
{
    hg_str text = {0};

    if (lua_type(L, at) == LUA_TSTRING)
        text.p = lua_tolstring(L, at, &text.n);
    return text;
}

void lua_push_request(lua_State *L, struct request *request, const struct shape *shape)
{
    struct lua_request *object = lua_newuserdatauv(L, sizeof *object, 0);

    *object = (struct lua_request){request->handle, shape};
    lua_object_set(L, OBJECT_REQUEST);
}

static struct request *request_behind(lua_State *L, int at, enum lua_object object_kind,
                                      const struct shape **ret_shape)
{
    struct lua_request *object = lua_object_check(L, at, object_kind);
    struct request *request = handle_find(lua_gateway(L)->handles, object->handle);

    if (!request)
        luaL_error(L, "this request is over; do not keep it beyond the handler");
    if (ret_shape)
        *ret_shape = object->shape;
    return request;
}

struct request *lua_check_request(lua_State *L, int at, const struct shape **ret_shape)
{
    return request_behind(L, at, OBJECT_REQUEST, ret_shape);
}

/* The request again, under another metatable: its headers, its metadata. */
static int push_face(lua_State *L, enum lua_object face)
{
    const struct shape *shape;
    struct request *request = lua_check_request(L, 1, &shape);

    lua_push_request(L, request, shape);
    lua_object_set(L, face);
    return 1;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [HG_R_CHAT] = "chat",           [HG_R_COMPLETE] = "completion", [HG_R_EMBED] = "embedding",
    [HG_R_IMAGE] = "image",         [HG_R_AUDIO] = "audio",         [HG_R_RERANK] = "rerank",
    [HG_R_MODERATE] = "moderation", [HG_R_MODELS] = "models",       [HG_R_RAW] = "raw",
    [HG_R_COUNT] = "count",         [HG_R_REALTIME] = "realtime",
};

static void push_time_left(lua_State *L, const struct request *request)
{
    hg_ns left = request->deadline - clock_now();

    request->deadline ? lua_pushnumber(L, left > 0 ? (double)left / 1e9 : 0) : lua_pushnil(L);
}

static int field_push(lua_State *L, struct request *request, const struct shape *shape, hg_str name)
{
    if (text_is(name, HG_S("model")))
        lua_push_text(L, shape->model);
    else if (text_is(name, HG_S("headers")))
        push_face(L, OBJECT_HEADERS);
    else if (text_is(name, HG_S("metadata")))
        push_face(L, OBJECT_METADATA);
    else if (text_is(name, HG_S("key")))
        push_face(L, OBJECT_KEY);
    else if (text_is(name, HG_S("stream")))
        lua_pushboolean(L, request->asked.is_stream);
    else if (text_is(name, HG_S("tokens")))
        lua_pushinteger(L,
                        (lua_Integer)request->dialect->tokens(request->asked.kind, request->doc));
    else if (text_is(name, HG_S("id")))
        lua_push_text(L, request->id);
    else if (text_is(name, HG_S("kind")))
        lua_pushstring(L, kind_names[request->asked.kind]);
    else if (text_is(name, HG_S("path")))
        lua_push_text(L, request->head->path);
    else if (text_is(name, HG_S("method")))
        lua_push_text(L, http_method_name(request->head->method));
    else if (text_is(name, HG_S("attempt")))
        lua_pushinteger(L, request->attempt_count);
    else if (text_is(name, HG_S("deadline")))
        push_time_left(L, request);
    else
        return 0;
    return 1;
}

static int request_index(lua_State *L)
{
    const struct shape *shape;
    struct request *request = lua_check_request(L, 1, &shape);
    hg_str name = lua_text_at(L, 2);

    if (field_push(L, request, shape, name))
        return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2)); /* a method */
    if (lua_isnil(L, -1))
        return luaL_error(L, "a request has no field '%s'", luaL_tolstring(L, 2, NULL));
    return 1;
}

/* A shape with more members put over it; NULL values take members away. */
static const struct shape *shape_with(lua_State *L, struct request *request,
                                      const struct shape *shape, int table)
{
    size_t before = arena_used(request->arena);
    struct shape *made = arena_alloc(request->arena, sizeof *made);

    *made = *shape;
    lua_newtable(L);
    if (shape->patch.kind == HG_J_OBJ) {
        lua_pop(L, 1);
        lua_push_json(L, request->arena, shape->patch);
    }
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, table, "members have names");
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    lua_getfield(L, -1, "model");
    if (lua_type(L, -1) == LUA_TSTRING)
        made->model = arena_text(request->arena, lua_text_at(L, -1));
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_setfield(L, -2, "model");
    hg_str text = lua_to_json(L, lua_gettop(L), request->arena);

    json_parse(request->arena, text, &made->patch, NULL);
    if (made->patch.kind != HG_J_OBJ)
        made->patch = (hg_json){0};
    lua_charge(L, request->arena, before);
    lua_pop(L, 1);
    return made;
}

/* req.model = "x", req.temperature = 0: this object sees the change, the client's document stays.
 */
static int request_newindex(lua_State *L)
{
    const struct shape *shape;
    struct request *request = lua_check_request(L, 1, &shape);
    struct lua_request *object = lua_touserdata(L, 1);

    luaL_checkstring(L, 2);
    lua_settop(L, 3);
    lua_newtable(L);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    object->shape = shape_with(L, request, shape, 2);
    return 0;
}

/* ---- methods --------------------------------------------------------------------------------- */

static int request_with(lua_State *L)
{
    const struct shape *shape;
    struct request *request = lua_check_request(L, 1, &shape);

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_push_request(L, request, shape_with(L, request, shape, 2));
    return 1;
}

static int request_text(lua_State *L)
{
    enum {
        TEXT_MAX = 256 * 1024
    };
    struct request *request = lua_check_request(L, 1, NULL);
    lua_Integer max = luaL_optinteger(L, 2, TEXT_MAX);

    if (request->upload)
        return luaL_error(L, "this body is streamed: it is not held, and no text of it is here");
    if (request->body->len > (size_t)(max < 0 ? 0 : max))
        return luaL_error(L,
                          "the body has %d bytes, more than req:text() gives; ask for more with "
                          "req:text(bytes)",
                          (int)request->body->len);
    size_t before = arena_used(request->arena);

    lua_push_text(L, chain_flat(request->body, request->arena));
    lua_charge(L, request->arena, before);
    return 1;
}

static int request_get(lua_State *L)
{
    struct request *request = lua_check_request(L, 1, NULL);
    size_t before = arena_used(request->arena);

    lua_push_json(L, request->arena, json_get(request->doc, luaL_checkstring(L, 2)));
    lua_charge(L, request->arena, before);
    return 1;
}

/* Whatever it replaces stays in the arena, so that each of them counts. */
void lua_set_pair(lua_State *L, struct request *request, struct pair **list, hg_str name,
                  hg_str value)
{
    engine_charge(L, sizeof(struct pair) + name.n + value.n);
    pair_set(request->arena, list, name, value);
}

static int request_tag(lua_State *L)
{
    struct request *request = lua_check_request(L, 1, NULL);
    hg_str name, value;

    name.p = luaL_checklstring(L, 2, &name.n);
    value.p = luaL_tolstring(L, 3, &value.n);
    lua_set_pair(L, request, &request->tags, name, value);
    return 0;
}

static int request_header(lua_State *L)
{
    struct request *request = lua_check_request(L, 1, NULL);

    return lua_set_header(L, request, 2);
}

static int request_finally(lua_State *L)
{
    struct request *request = lua_check_request(L, 1, NULL);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    engine_charge(L, sizeof(struct finally));
    struct finally *finally = arena_alloc(request->arena, sizeof *finally);

    lua_pushvalue(L, 2);
    *finally = (struct finally){request->finally, luaL_ref(L, LUA_REGISTRYINDEX)};
    request->finally = finally;
    return 0;
}

static const luaL_Reg methods[] = {{"with", request_with},
                                   {"text", request_text},
                                   {"get", request_get},
                                   {"tag", request_tag},
                                   {"finally", request_finally},
                                   {"header", request_header},
                                   {NULL, NULL}};

/* ---- headers, metadata, key ------------------------------------------------------------------ */

static int headers_index(lua_State *L)
{
    struct request *request = request_behind(L, 1, OBJECT_HEADERS, NULL);
    char name[128];
    hg_str asked = lua_text_at(L, 2);

    if (asked.n == 0 || asked.n > sizeof name)
        return 0;
    for (size_t i = 0; i < asked.n; i++)
        name[i] = asked.p[i] == '_'                        ? '-'
                  : asked.p[i] >= 'A' && asked.p[i] <= 'Z' ? (char)(asked.p[i] | 0x20)
                                                           : asked.p[i];
    hg_str value = head_field(request->head, (hg_str){name, asked.n});

    if (!value.n)
        return 0;
    lua_push_text(L, value);
    return 1;
}

static int metadata_index(lua_State *L)
{
    struct request *request = request_behind(L, 1, OBJECT_METADATA, NULL);
    hg_str value = request_metadata(request, lua_text_at(L, 2));

    if (!value.n)
        return 0;
    lua_push_text(L, value);
    return 1;
}

static int metadata_newindex(lua_State *L)
{
    struct request *request = request_behind(L, 1, OBJECT_METADATA, NULL);
    hg_str name, value;

    request_metadata_read(request);
    name.p = luaL_checklstring(L, 2, &name.n);
    value.p = luaL_tolstring(L, 3, &value.n);
    lua_set_pair(L, request, &request->metadata, name, lua_isnil(L, 3) ? HG_S("") : value);
    return 0;
}

/* Credentials are not known to the gateway as keys with budgets, so there is no limit. */
static int budget_left(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)(__builtin_inf()));
    return 1;
}

static int key_index(lua_State *L)
{
    struct request *request = request_behind(L, 1, OBJECT_KEY, NULL);
    hg_str name = lua_text_at(L, 2);

    if (text_is(name, HG_S("id"))) {
        lua_push_text(L, request_key(request));
    } else if (text_is(name, HG_S("budget"))) {
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, budget_left);
        lua_setfield(L, -2, "left");
    } else {
        return luaL_error(L, "a key has the fields id and budget, not '%s'",
                          luaL_tolstring(L, 2, NULL));
    }
    return 1;
}

static void face_open(lua_State *L, enum lua_object face, const char *name, lua_CFunction index,
                      lua_CFunction newindex)
{
    lua_object_open(L, face, name);
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
    if (newindex) {
        lua_pushlightuserdata(L, lua_touserdata(L, 1));
        lua_pushcclosure(L, newindex, 1);
        lua_setfield(L, -2, "__newindex");
    }
    lua_pop(L, 1);
}

int lua_open_request(lua_State *L)
{
    face_open(L, OBJECT_HEADERS, "headers", headers_index, NULL);
    face_open(L, OBJECT_METADATA, "metadata", metadata_index, metadata_newindex);
    face_open(L, OBJECT_KEY, "key", key_index, NULL);
    lua_object_open(L, OBJECT_REQUEST, "request");
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    lua_pushcclosure(L, request_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    luaL_newlibtable(L, methods);
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    luaL_setfuncs(L, methods, 1);
    lua_pushcclosure(L, request_index, 2); /* its index also knows the methods */
    lua_setfield(L, -2, "__index");
    return 0;
}
