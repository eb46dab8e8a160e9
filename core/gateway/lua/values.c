#include <math.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/handles.h"
#include "gateway/lua/parts.h"
#include "shm/map.h"
#include "shm/region.h"
#include "json/write.h"

/* A time as scripts give it; 0 if it makes no sense. */
static hg_ns lua_seconds(double seconds)
{
    return seconds > 0 && seconds < 1e9 ? (hg_ns)(seconds * 1e9) : 0;
}

hg_ns lua_seconds_field(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    double seconds = lua_tonumber(L, -1);

    lua_pop(L, 1);
    return lua_seconds(seconds);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *name, hg_str value)
{
    if (!value.n)
        return;
    lua_push_text(L, value);
    lua_setfield(L, -2, name);
}

static void lua_push_error(lua_State *L, const struct fault *fault)
{
    lua_createtable(L, 0, 8);
    set_text(L, "kind", fault_name(fault->kind));
    set_text(L, "message", fault->message);
    set_text(L, "code", fault->code);
    set_text(L, "target", fault->target);
    lua_pushinteger(L, fault_status(fault));
    lua_setfield(L, -2, "status");
    if (fault->retry_after) {
        lua_pushnumber(L, (double)fault->retry_after / 1e9);
        lua_setfield(L, -2, "retry_after");
    }
    if (fault->is_final) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "final");
    }
    if (fault->is_spent) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "spent");
    }
    if (fault->attempt) { /* whose error body the client may get */
        lua_pushinteger(L, (lua_Integer)fault->attempt->handle);
        lua_setfield(L, -2, "attempt");
    }
}

int lua_push_failure(lua_State *L, const struct fault *fault)
{
    lua_pushnil(L);
    lua_push_error(L, fault);
    return 2;
}

/* 0, the kind's own, for what is none. */
static int status_of(lua_Integer number)
{
    return number >= 200 && number <= 599 ? (int)number : 0;
}

/* One field of an err table, whose value is at the top of the stack. */
static void error_field(lua_State *L, hg_str name, struct request *request, struct fault *ret)
{
    hg_str text = lua_text_at(L, -1);

    if (text_is(name, HG_S("kind")))
        ret->kind = fault_named(text);
    else if (text_is(name, HG_S("message")))
        ret->message = arena_text(request->arena, text);
    else if (text_is(name, HG_S("code")))
        ret->code = arena_text(request->arena, text);
    else if (text_is(name, HG_S("target")))
        ret->target = arena_text(request->arena, text);
    else if (text_is(name, HG_S("status")) && lua_isnumber(L, -1))
        ret->status = status_of(lua_tointeger(L, -1));
    else if (text_is(name, HG_S("retry_after")) && lua_isnumber(L, -1))
        ret->retry_after = lua_seconds(lua_tonumber(L, -1));
    else if (text_is(name, HG_S("spent")))
        ret->is_spent = lua_toboolean(L, -1);
    else if (text_is(name, HG_S("attempt")) && lua_isinteger(L, -1))
        ret->attempt = handle_find(request->gateway->handles, (uint64_t)lua_tointeger(L, -1));
}

void lua_read_error(lua_State *L, int at, struct request *request, struct fault *ret)
{
    *ret = (struct fault){.kind = FAULT_INTERNAL, .message = HG_S("the route failed")};
    if (lua_type(L, at) == LUA_TSTRING) {
        ret->message = arena_text(request->arena, lua_text_at(L, at));
        return;
    }
    if (!lua_istable(L, at))
        return;
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            error_field(L, lua_text_at(L, -2), request, ret);
    if (ret->attempt && ret->attempt->request != request)
        ret->attempt = NULL;
}

/* host.error(kind, status, message, more): an err table. */
static int host_error(lua_State *L)
{
    struct fault fault = {.kind = fault_named(text_of(luaL_checkstring(L, 1))),
                          .status = status_of(luaL_optinteger(L, 2, 0))};

    fault.message.p = luaL_optlstring(L, 3, "", &fault.message.n);
    lua_push_error(L, &fault);
    if (!lua_istable(L, 4))
        return 1;
    for (lua_pushnil(L); lua_next(L, 4); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    return 1;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

enum {
    JSON_LUA_DEPTH = 64,
    JSON_LUA_MAX = 16 * 1024 * 1024 /* of a text that a table becomes */
};

static void push_value(lua_State *L, struct arena *arena, hg_json value, int depth)
{
    hg_json_it it = {0};
    hg_str key;
    hg_json member;

    luaL_checkstack(L, 4, "JSON nested too deep");
    switch (value.kind) {
    case HG_J_FALSE:
    case HG_J_TRUE:
        lua_pushboolean(L, value.kind == HG_J_TRUE);
        return;
    case HG_J_NUM: {
        int64_t whole = json_i64(value, INT64_MIN);

        if (whole != INT64_MIN)
            lua_pushinteger(L, whole);
        else
            lua_pushnumber(L, json_f64(value, 0));
        return;
    }
    case HG_J_STR:
        lua_push_text(L, json_str(arena, value));
        return;
    case HG_J_ARR:
    case HG_J_OBJ:
        break;
    default:
        lua_pushnil(L);
        return;
    }
    if (depth == JSON_LUA_DEPTH)
        luaL_error(L, "JSON nested deeper than %d", JSON_LUA_DEPTH);
    lua_newtable(L);
    for (lua_Integer i = 1; json_next(value, &it, &key, &member); i++) {
        if (value.kind == HG_J_OBJ)
            lua_push_text(L, json_unescape(arena, key));
        else
            lua_pushinteger(L, i);
        push_value(L, arena, member, depth + 1);
        lua_rawset(L, -3);
    }
}

void lua_push_json(lua_State *L, struct arena *arena, hg_json value)
{
    push_value(L, arena, value, 0);
}

struct writing {
    lua_State *L;
    struct chain *out;
    size_t charged; /* bytes of `out` */
};

/* A small table that holds another one twice, and so on, is endless on paper. */
static void writing_charge(struct writing *writing)
{
    size_t more = writing->out->len - writing->charged;

    if (writing->out->len > JSON_LUA_MAX)
        luaL_error(writing->L, "a table that has more than %d MB as JSON", JSON_LUA_MAX >> 20);
    writing->charged += more;
    engine_charge(writing->L, more);
}

static void write_value(struct writing *writing, int at, int depth);

static void write_table(struct writing *writing, int at, int depth)
{
    lua_State *L = writing->L;
    struct chain *out = writing->out;
    size_t length = lua_rawlen(L, at);

    lua_pushnil(L);
    if (length == 0 && lua_next(L, at)) {
        json_obj(out);
        do {
            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "a JSON object has text for keys, not a %s", luaL_typename(L, -2));
            json_key(out, lua_text_at(L, -2));
            write_value(writing, lua_gettop(L), depth + 1);
            lua_pop(L, 1);
        } while (lua_next(L, at));
        json_end(out);
        return;
    }
    if (length == 0) { /* an empty table: an object, which is what settings mostly are */
        json_obj(out);
        json_end(out);
        return;
    }
    lua_pop(L, 1);
    json_arr(out);
    for (size_t i = 1; i <= length; i++) {
        lua_rawgeti(L, at, (lua_Integer)i);
        write_value(writing, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    json_end(out);
}

static void write_value(struct writing *writing, int at, int depth)
{
    lua_State *L = writing->L;
    struct chain *out = writing->out;

    writing_charge(writing);
    luaL_checkstack(L, 6, "a table nested too deep");
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        json_put_bool(out, -1);
        return;
    case LUA_TBOOLEAN:
        json_put_bool(out, lua_toboolean(L, at));
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, at))
            json_put_i64(out, lua_tointeger(L, at));
        else
            json_put_f64(out, lua_tonumber(L, at));
        return;
    case LUA_TSTRING:
        json_put_str(out, lua_text_at(L, at));
        return;
    case LUA_TTABLE:
        if (depth == JSON_LUA_DEPTH)
            luaL_error(L, "a table nested deeper than %d, or one that holds itself",
                       JSON_LUA_DEPTH);
        write_table(writing, at, depth);
        return;
    default:
        luaL_error(L, "a %s has no form in JSON", luaL_typename(L, at));
    }
}

hg_str lua_to_json(lua_State *L, int at, struct arena *arena)
{
    struct writing writing = {L, chain_new(arena), 0};

    write_value(&writing, lua_absindex(L, at), 0);
    return chain_flat(writing.out, arena);
}

/* ---- memory of C's that a script causes ------------------------------------------------------ */

void lua_charge(lua_State *L, const struct arena *arena, size_t before)
{
    engine_charge(L, arena_used(arena) - before);
}

#define SCRATCH "headgate.scratch"

static int scratch_gc(lua_State *L)
{
    arena_free(lua_touserdata(L, 1));
    return 0;
}

struct arena *lua_scratch(lua_State *L)
{
    struct arena **scratch = lua_newuserdatauv(L, sizeof *scratch, 0);

    *scratch = NULL;
    luaL_setmetatable(L, SCRATCH);
    return *scratch = arena_new();
}

struct arena *lua_scratch_take(lua_State *L, int at)
{
    struct arena **scratch = luaL_checkudata(L, at, SCRATCH), *arena = *scratch;

    *scratch = NULL;
    return arena;
}

/* Away with it now: the collector sees a pointer, and not how much memory is behind it. */
static int scratch_end(lua_State *L, int at, int results)
{
    struct arena *arena = lua_scratch_take(L, at);

    arena_free(&arena);
    return results;
}

static int host_json_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    struct arena *arena = lua_scratch(L);

    lua_push_text(L, lua_to_json(L, 1, arena));
    return scratch_end(L, 2, 1);
}

/* host.json_decode(text): the value, or nil and why not. */
static int host_json_decode(lua_State *L)
{
    struct json_fault fault;
    hg_json doc;
    hg_str text;

    text.p = luaL_checklstring(L, 1, &text.n);
    lua_settop(L, 1);
    struct arena *arena = lua_scratch(L);

    if (!json_parse(arena, text, &doc, &fault)) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s at byte %d", fault.reason, (int)fault.at);
        return scratch_end(L, 2, 2);
    }
    lua_charge(L, arena, 0);
    lua_push_json(L, arena, doc);
    return scratch_end(L, 2, 1);
}

/* ---- shared values --------------------------------------------------------------------------- */

#define SHARED "headgate.shared"

struct shared {
    size_t n;
    char space[];
};

static hg_str check_space(lua_State *L)
{
    struct shared *shared = luaL_checkudata(L, 1, SHARED);

    return (hg_str){shared->space, shared->n};
}

static hg_str check_text(lua_State *L, int at)
{
    hg_str text;

    text.p = luaL_checklstring(L, at, &text.n);
    return text;
}

static hg_ns opt_seconds(lua_State *L, int at)
{
    double seconds = luaL_optnumber(L, at, 0);

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, at, "seconds are needed");
    return (hg_ns)(seconds * 1e9);
}

static struct map *shared_map(lua_State *L)
{
    return region_map(lua_gateway(L)->region);
}

static void check_rc(lua_State *L, hg_rc rc)
{
    if (rc == HG_E_TOOBIG)
        luaL_error(L, "too large for a shared map: keys up to 1 KB, values up to 64 KB");
    if (rc == HG_E_INPUT)
        luaL_error(L, "this key holds another type of value");
}

/* host.shared(name) */
static int host_shared(lua_State *L)
{
    hg_str name = check_text(L, 1);
    struct shared *shared = lua_newuserdatauv(L, sizeof *shared + name.n + 4, 0);

    shared->n = name.n + 4;
    memcpy(shared->space, "lua:", 4);
    memcpy(shared->space + 4, name.p, name.n);
    luaL_setmetatable(L, SHARED);
    return 1;
}

static int shared_get(lua_State *L)
{
    struct buffer value = {0};
    hg_rc rc = map_get(shared_map(L), check_space(L), check_text(L, 2), &value);

    if (rc != HG_OK) {
        buffer_done(&value);
        return 0;
    }
    /* If this raises for want of memory the buffer is lost; the request ends, and 64 KB at most. */
    lua_pushlstring(L, value.len ? buffer_at(&value) : "", value.len);
    buffer_done(&value);
    if (lua_stringtonumber(L, lua_tostring(L, -1))) { /* what incr has made comes back as it was */
        if (lua_isinteger(L, -1))
            return 1;
        lua_pop(L, 1);
    }
    return 1;
}

static int shared_set(lua_State *L)
{
    hg_ns ttl = opt_seconds(L, 4);

    if (lua_isnil(L, 3)) {
        map_remove(shared_map(L), check_space(L), check_text(L, 2));
        return 0;
    }
    check_rc(L, map_set(shared_map(L), check_space(L), check_text(L, 2), check_text(L, 3), ttl));
    return 0;
}

static int shared_incr(lua_State *L)
{
    int64_t value = 0;

    check_rc(L, map_add(shared_map(L), check_space(L), check_text(L, 2), luaL_optinteger(L, 3, 1),
                        opt_seconds(L, 4), &value));
    lua_pushinteger(L, value);
    return 1;
}

static int shared_cas(lua_State *L)
{
    hg_str old = lua_isnil(L, 3) ? HG_S("") : check_text(L, 3);
    hg_rc rc = map_cas(shared_map(L), check_space(L), check_text(L, 2), old, check_text(L, 4),
                       opt_seconds(L, 5));

    check_rc(L, rc);
    lua_pushboolean(L, rc == HG_OK);
    return 1;
}

static double number_field(lua_State *L, const char *name, double otherwise)
{
    lua_getfield(L, 3, name);
    double value = luaL_optnumber(L, -1, otherwise);

    lua_pop(L, 1);
    return value;
}

static int shared_take(lua_State *L)
{
    hg_ns wait = 0;

    luaL_checktype(L, 3, LUA_TTABLE);
    double rate = number_field(L, "rate", 0);
    hg_rc rc = map_take(shared_map(L), check_space(L), check_text(L, 2), rate,
                        number_field(L, "burst", rate), number_field(L, "n", 1), &wait);

    check_rc(L, rc);
    lua_pushboolean(L, rc == HG_OK);
    lua_pushnumber(L, (double)wait / 1e9);
    return 2;
}

static const luaL_Reg shared_methods[] = {{"get", shared_get},   {"set", shared_set},
                                          {"incr", shared_incr}, {"cas", shared_cas},
                                          {"take", shared_take}, {NULL, NULL}};

/* ---- chance ---------------------------------------------------------------------------------- */

static int host_random(lua_State *L)
{
    uint64_t *state = &lua_gateway(L)->chance;

    if (!*state)
        random_fill(state, sizeof *state);
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    lua_pushnumber(L, (double)(*state >> 11) / 9007199254740992.0);
    return 1;
}

/* host.bucket(salt, key): the same place in [0, 1) for the same key, always and everywhere. */
static int host_bucket(lua_State *L)
{
    struct digest *digest = lua_gateway(L)->digest;
    uint8_t sum[DIGEST_SIZE];
    uint64_t place = 0;
    hg_str salt = check_text(L, 1), key = check_text(L, 2);

    digest_begin(digest);
    digest_add(digest, salt.p, salt.n);
    digest_add(digest, "\0", 1);
    digest_add(digest, key.p, key.n);
    digest_end(digest, sum);
    for (int i = 0; i < 8; i++)
        place = place << 8 | sum[i];
    lua_pushnumber(L, (double)(place >> 11) / 9007199254740992.0);
    return 1;
}

static int host_log(lua_State *L)
{
    enum log_level level = LOG_INFO;
    hg_str text = check_text(L, 2);

    log_level_of(luaL_checkstring(L, 1), &level);
    log_line(level, "lua: %.*s", TEXT_ARG(text));
    return 0;
}

/* host.providers(): the names of all providers in the order of the configuration. */
static int host_providers(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    lua_Integer count = 0;

    lua_newtable(L);
    for (size_t i = 0; i < gateway->instance_count; i++)
        if (!strcmp(gateway->instances[i].config->kind, "provider")) {
            lua_pushstring(L, gateway->instances[i].config->name);
            lua_rawseti(L, -2, ++count);
        }
    return 1;
}

const luaL_Reg lua_value_functions[] = {
    {"error", host_error},   {"json_encode", host_json_encode}, {"json_decode", host_json_decode},
    {"shared", host_shared}, {"random", host_random},           {"bucket", host_bucket},
    {"log", host_log},       {"providers", host_providers},     {NULL, NULL}};

int lua_open_values(lua_State *L)
{
    void *gateway = lua_touserdata(L, 1);

    luaL_newmetatable(L, SCRATCH);
    lua_pushcfunction(L, scratch_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, SHARED);
    luaL_newlibtable(L, shared_methods);
    lua_pushlightuserdata(L, gateway);
    luaL_setfuncs(L, shared_methods, 1);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    return 0;
}
