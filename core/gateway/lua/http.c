/* http.c - s.http "name": routes may call servers that the configuration names, and no others.
 */
#include "base/clock.h"
#include "base/text.h"
#include "gateway/lua/parts.h"
#include "gateway/upstreams.h"
#include "gateway/url.h"

#define HTTP  "headgate.http"
#define REPLY "headgate.http_reply"

enum {
    REPLY_MAX = 4 * 1024 * 1024
};

struct http_client {
    struct gateway_http *http;
};

/* One call, and afterwards its reply: an arena of its own that goes with the Lua object. */
struct http_call {
    struct arena *arena;
    struct gateway *gateway;
    struct outbound *outbound;
    struct routine_handle waiter;
    const struct head *head;
    struct buffer head_text, body;
    struct fault fault;
    bool over;
};

struct reply {
    struct http_call *call;
};

static void call_free(struct http_call *call)
{
    struct arena *arena = call->arena;

    outbound_cancel(&call->outbound);
    arena_free(&arena);
}

static void buffers_done(void *arg)
{
    struct http_call *call = arg;

    buffer_done(&call->head_text);
    buffer_done(&call->body);
}

/* ---- the exchange ---------------------------------------------------------------------------- */

static void on_head(void *arg, const struct head *head)
{
    ((struct http_call *)arg)->head = head;
}

static void on_data(void *arg, hg_str data)
{
    buffer_add(&((struct http_call *)arg)->body, data.p, data.n);
}

static int push_reply(lua_State *L, void *arg)
{
    struct http_call *call = arg;

    if (call->fault.kind != FAULT_NONE) {
        struct fault fault = call->fault;

        lua_push_failure(L, &fault);
        call_free(call);
        return 2;
    }
    struct reply *reply = lua_newuserdatauv(L, sizeof *reply, 0);

    reply->call = call;
    luaL_setmetatable(L, REPLY);
    return 1;
}

static void on_end(void *arg, enum outbound_fault fault, const char *reason)
{
    struct http_call *call = arg;

    call->outbound = NULL;
    call->over = true;
    if (fault != OUTBOUND_OK)
        call->fault = (struct fault){.kind = fault_of_outbound(fault),
                                     .message = arena_text(call->arena, text_of(reason))};
    routine_wake(call->waiter, push_reply, call);
}

static const struct outbound_events events = {
    .on_head = on_head, .on_data = on_data, .on_end = on_end};

static void call_cancel(void *arg)
{
    call_free(arg);
}

/* ---- making the request ---------------------------------------------------------------------- */

static bool is_clean(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}

static void add_text(struct buffer *out, hg_str text)
{
    buffer_add(out, text.p, text.n);
}

static void add_field(struct buffer *out, hg_str name, hg_str value)
{
    add_text(out, name);
    add_text(out, HG_S(": "));
    add_text(out, value);
    add_text(out, HG_S("\r\n"));
}

static void add_encoded(struct buffer *out, hg_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        char hex[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';

        if (plain)
            buffer_add(out, text.p + i, 1);
        else
            buffer_add(out, hex, sizeof hex);
    }
}

/* Headers of the call; those that frame or address it are ours. */
static void add_headers(lua_State *L, int options, struct buffer *out)
{
    lua_getfield(L, options, "headers");
    if (lua_istable(L, -1))
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            hg_str name = lua_text_at(L, -2), value = lua_text_at(L, -1);

            if (name.n && is_clean(name) && !memchr(name.p, ':', name.n) &&
                !(value.n && (memchr(value.p, '\r', value.n) || memchr(value.p, '\n', value.n))) &&
                !text_is_nocase(name, HG_S("host")) &&
                !text_is_nocase(name, HG_S("content-length")) &&
                !text_is_nocase(name, HG_S("transfer-encoding")))
                add_field(out, name, value);
        }
    lua_pop(L, 1);
}

/* The body and its type: json, form or body, whichever is there. */
static hg_str body_read(lua_State *L, int options, struct arena *arena, hg_str *ret_type)
{
    struct buffer form = {0};
    hg_str body = {0};

    *ret_type = HG_S("");
    if (lua_getfield(L, options, "json") != LUA_TNIL) {
        *ret_type = HG_S("application/json");
        body = lua_to_json(L, lua_gettop(L), arena);
    } else if (lua_getfield(L, options, "form") == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (form.len)
                add_text(&form, HG_S("&"));
            add_encoded(&form, lua_text_at(L, -2));
            add_text(&form, HG_S("="));
            add_encoded(&form, lua_text_at(L, -1));
        }
        *ret_type = HG_S("application/x-www-form-urlencoded");
        body = arena_text(arena, buffer_text(&form));
        buffer_done(&form);
    } else {
        lua_getfield(L, options, "body");
        body = arena_text(arena, lua_text_at(L, -1));
    }
    return body;
}

static void request_write(lua_State *L, int options, struct http_call *call,
                          const struct gateway_http *http, hg_str method, hg_str path,
                          const struct url *url, struct outbound_request *ret)
{
    struct buffer *head = &call->head_text;
    hg_str type, body = {0};
    char length[PUT_U64_MAX];

    add_text(head, method);
    add_text(head, HG_S(" "));
    add_text(head, (hg_str){url->path.p, url->path.n - (text_ends(url->path, HG_S("/")) ? 1 : 0)});
    if (!text_starts(path, HG_S("/")))
        add_text(head, HG_S("/"));
    add_text(head, path);
    add_text(head, HG_S(" HTTP/1.1\r\n"));
    add_field(head, HG_S("host"), url->authority);
    for (const struct pair *pair = http->headers; pair; pair = pair->next)
        add_field(head, pair->name, pair->value);
    if (lua_istable(L, options)) {
        add_headers(L, options, head);
        body = body_read(L, options, call->arena, &type);
        if (type.n)
            add_field(head, HG_S("content-type"), type);
    }
    if (body.n || text_is(method, HG_S("POST")))
        add_field(head, HG_S("content-length"),
                  (hg_str){length, (size_t)(put_u64(length, body.n) - length)});
    add_text(head, HG_S("\r\n"));
    ret->head = buffer_text(head);
    if (body.n) {
        struct chain *chain = chain_new(call->arena);

        chain_put_const(chain, body.p, body.n);
        ret->body = chain;
    }
}

static int http_send(lua_State *L, hg_str method)
{
    struct http_client *client = luaL_checkudata(L, 1, HTTP);
    struct gateway *gateway = lua_gateway(L);
    const struct config_upstream *limits = &client->http->config->upstream;
    struct outbound_request request = {.is_safe = text_is(method, HG_S("GET"))};
    struct error error;
    struct url url;
    hg_str path;

    path.p = luaL_checklstring(L, 2, &path.n);
    luaL_argcheck(L, is_clean(path), 2, "a path without spaces and control characters is needed");
    routine_check_wait(L);
    lua_settop(L, 3);
    if (!url_split(client->http->base_url, &url))
        return luaL_error(L, "http '%s': its base_url is no URL", client->http->config->name);
    struct upstream *upstream =
        upstreams_get(gateway->upstreams, limits, url.is_tls, url.host, url.port, &error);

    if (!upstream)
        return luaL_error(L, "http '%s': %s", client->http->config->name, error.text);
    struct arena *arena = lua_scratch(L); /* until nothing can raise any more */
    struct http_call *call = arena_zalloc(arena, sizeof *call);

    call->arena = arena;
    call->gateway = gateway;
    arena_on_end(arena, buffers_done, call);
    request_write(L, 3, call, client->http, method, path, &url, &request);
    lua_charge(L, arena, 0);
    hg_ns total = lua_istable(L, 3) ? lua_seconds_field(L, 3, "timeout") : 0;

    total = total ? total : limits->total_timeout;
    request.deadline = total ? clock_now() + total : 0;
    request.connect_timeout = limits->connect_timeout;
    request.first_byte_timeout = limits->first_byte_timeout;
    request.idle_timeout = limits->idle_timeout;
    request.max_body = REPLY_MAX;
    lua_scratch_take(L, 4);
    call->waiter = routine_handle(routine_of(L));
    call->outbound = outbound_send(upstream, arena, &request, &events, call);
    return routine_wait(L, call_cancel, call);
}

static int http_get(lua_State *L)
{
    return http_send(L, HG_S("GET"));
}

static int http_post(lua_State *L)
{
    return http_send(L, HG_S("POST"));
}

/* ---- replies --------------------------------------------------------------------------------- */

static struct http_call *check_reply(lua_State *L)
{
    return ((struct reply *)luaL_checkudata(L, 1, REPLY))->call;
}

static int reply_text(lua_State *L)
{
    lua_push_text(L, buffer_text(&check_reply(L)->body));
    return 1;
}

static int reply_json(lua_State *L)
{
    struct http_call *call = check_reply(L);
    hg_json doc;

    if (!json_parse(call->arena, buffer_text(&call->body), &doc, NULL))
        return 0;
    lua_push_json(L, call->arena, doc);
    return 1;
}

static int reply_header(lua_State *L)
{
    hg_str value = head_field(check_reply(L)->head, text_of(luaL_checkstring(L, 2)));

    if (!value.n)
        return 0;
    lua_push_text(L, value);
    return 1;
}

static int reply_index(lua_State *L)
{
    struct http_call *call = check_reply(L);

    if (text_is(lua_text_at(L, 2), HG_S("status"))) {
        lua_pushinteger(L, call->head->status);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    return 1;
}

static int reply_gc(lua_State *L)
{
    struct reply *reply = lua_touserdata(L, 1);

    call_free(reply->call);
    return 0;
}

/* host.http(name) at load time. */
static int host_http(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    hg_str name = {luaL_checkstring(L, 1), 0};

    name.n = strlen(name.p);
    for (size_t i = 0; i < gateway->http_count; i++)
        if (text_is(name, text_of(gateway->https[i].config->name))) {
            struct http_client *client = lua_newuserdatauv(L, sizeof *client, 0);

            client->http = &gateway->https[i];
            luaL_setmetatable(L, HTTP);
            return 1;
        }
    return luaL_error(L,
                      "there is no http '%s'; declare it in headgate.lua: http \"%s\" "
                      "{ base_url = \"https://...\" }",
                      name.p, name.p);
}

const luaL_Reg lua_http_functions[] = {{"http", host_http}, {NULL, NULL}};

static void methods_open(lua_State *L, const luaL_Reg *methods)
{
    lua_newtable(L);
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    luaL_setfuncs(L, methods, 1);
}

int lua_open_http(lua_State *L)
{
    static const luaL_Reg client[] = {{"get", http_get}, {"post", http_post}, {NULL, NULL}};
    static const luaL_Reg reply[] = {
        {"text", reply_text}, {"json", reply_json}, {"header", reply_header}, {NULL, NULL}};

    luaL_newmetatable(L, HTTP);
    methods_open(L, client);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    luaL_newmetatable(L, REPLY);
    lua_pushlightuserdata(L, lua_touserdata(L, 1));
    methods_open(L, reply);
    lua_pushcclosure(L, reply_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, reply_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    return 0;
}
