#include "gateway/route.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/lua/parts.h"

/* Reads what route files return: a route, or a list of them. */
struct reading {
    struct gateway *gateway;
    const char *file;
    int ref;
    struct route *first, **end;
};

/* ---- reading --------------------------------------------------------------------------------- */

static char *copy_at(lua_State *L, int at)
{
    hg_str text = lua_text_at(L, at);

    return xstrndup(text.p, text.n);
}

/* A text or a list of texts. */
static char **texts_field(lua_State *L, int route, const char *name, unsigned *ret_count)
{
    char **texts = NULL;
    int type = lua_getfield(L, route, name);

    *ret_count = 0;
    if (type == LUA_TSTRING) {
        texts = xmalloc(sizeof *texts);
        texts[(*ret_count)++] = copy_at(L, -1);
    } else if (type == LUA_TTABLE) {
        texts = xcalloc(lua_rawlen(L, -1) + 1, sizeof *texts);
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1))
            texts[(*ret_count)++] = copy_at(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return texts;
}

static int function_field(lua_State *L, int route, const char *name)
{
    if (lua_getfield(L, route, name) == LUA_TFUNCTION)
        return luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
    return LUA_NOREF;
}

static void route_read(lua_State *L, int at, struct reading *reading)
{
    struct route *route = xcalloc(1, sizeof *route);

    *reading->end = route;
    reading->end = &route->next;
    route->auth = function_field(L, at, "auth");
    route->match = function_field(L, at, "match");
    route->handler = function_field(L, at, "handler");
    route->on_error = function_field(L, at, "on_error");
    route->paths = texts_field(L, at, "path", &route->path_count);
    route->methods = texts_field(L, at, "method", &route->method_count);
    route->hosts = texts_field(L, at, "host", &route->host_count);
    route->deadline = lua_seconds_field(L, at, "deadline");
    route->name =
        lua_getfield(L, at, "name") == LUA_TSTRING ? copy_at(L, -1) : xstrdup(reading->file);
    lua_pop(L, 1);
    if (route->handler == LUA_NOREF)
        luaL_error(L, "%s: a route file returns s.route { ... } with a handler", reading->file);
}

static int read_routes(lua_State *L)
{
    struct reading *reading = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, reading->ref);
    if (lua_isfunction(L, 2)) /* the library's own: what its modules return is read-only */
        lua_call(L, 0, 1);
    if (!lua_istable(L, 2))
        return luaL_error(L, "%s: a route file returns s.route { ... }, not a %s", reading->file,
                          luaL_typename(L, 2));
    if (lua_rawlen(L, 2) == 0) {
        route_read(L, 2, reading);
        return 0;
    }
    for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TTABLE; i++, lua_pop(L, 1))
        route_read(L, lua_gettop(L), reading);
    return 0;
}

static bool returned_read(struct reading *reading, struct error *error)
{
    bool ok = engine_protected(reading->gateway->engine, read_routes, reading, error);

    engine_unref(reading->gateway->engine, &reading->ref);
    return ok;
}

static bool file_read(struct reading *reading, const struct config_route *file, struct error *error)
{
    reading->file = file->name;
    return engine_load_route(reading->gateway->engine, file->name,
                             (hg_str){file->source, file->length}, &reading->ref, error) &&
           returned_read(reading, error);
}

struct route *routes_load(struct gateway *gateway, struct error *error)
{
    const struct config *config = gateway->config;
    struct reading reading = {.gateway = gateway, .file = "the default route"};
    bool ok = true;

    reading.end = &reading.first;
    for (size_t i = 0; i < config->route_count && ok; i++)
        ok = file_read(&reading, &config->routes[i], error);
    if (config->route_count == 0)
        ok = engine_require(gateway->engine, "headgate.default_route", &reading.ref, error) &&
             returned_read(&reading, error);
    if (!ok)
        routes_free(gateway, &reading.first);
    return reading.first;
}

/* The functions of a route go with the engine, if that is gone. */
static void functions_free(struct gateway *gateway, struct route *route)
{
    if (!gateway->engine)
        return;
    engine_unref(gateway->engine, &route->auth);
    engine_unref(gateway->engine, &route->match);
    engine_unref(gateway->engine, &route->handler);
    engine_unref(gateway->engine, &route->on_error);
}

static void texts_free(char **texts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void routes_free(struct gateway *gateway, struct route **routes)
{
    for (struct route *route = *routes, *next; route; route = next) {
        next = route->next;
        functions_free(gateway, route);
        texts_free(route->paths, route->path_count);
        texts_free(route->methods, route->method_count);
        texts_free(route->hosts, route->host_count);
        free(route->name);
        free(route);
    }
    *routes = NULL;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* "/v1/..." and a star at the end take everything below /v1/. */
static bool path_fits(const char *pattern, hg_str path)
{
    hg_str wanted = text_of(pattern);

    if (text_ends(wanted, HG_S("/...")))
        wanted.n -= 3;
    else if (text_ends(wanted, HG_S("*")))
        wanted.n -= 1;
    else
        return text_is(wanted, path);
    return text_starts(path, wanted);
}

static bool any_path(const struct route *route, hg_str path)
{
    for (unsigned i = 0; i < route->path_count; i++)
        if (path_fits(route->paths[i], path))
            return true;
    return !route->paths;
}

static bool any_text(char *const *texts, unsigned count, hg_str text)
{
    for (unsigned i = 0; i < count; i++)
        if (text_is_nocase(text_of(texts[i]), text))
            return true;
    return !texts;
}

/* The Host field without its port. */
static hg_str host_of(hg_str field)
{
    const char *end = field.n ? memchr(field.p, *field.p == '[' ? ']' : ':', field.n) : NULL;

    if (!end)
        return field;
    return (hg_str){field.p, (size_t)(end - field.p) + (*end == ']')};
}

/* "api.example.com" with any port, "api.example.com:8443" with that one, and "*.example.com". */
static bool host_fits(const char *pattern, hg_str field)
{
    hg_str wanted = text_of(pattern), host = host_of(field);

    if (host_of(wanted).n < wanted.n)
        host = field;
    if (!text_starts(wanted, HG_S("*.")))
        return text_is_nocase(wanted, host);
    wanted = (hg_str){wanted.p + 1, wanted.n - 1};
    return host.n > wanted.n &&
           text_is_nocase(wanted, (hg_str){host.p + host.n - wanted.n, wanted.n});
}

static bool any_host(const struct route *route, hg_str field)
{
    for (unsigned i = 0; i < route->host_count; i++)
        if (host_fits(route->hosts[i], field))
            return true;
    return !route->hosts;
}

struct route *route_find(struct gateway *gateway, struct request *request)
{
    const struct head *head = request->head;
    hg_str method = http_method_name(head->method);

    for (struct route *route = gateway->routes; route; route = route->next)
        if (any_path(route, head->path) && any_text(route->methods, route->method_count, method) &&
            any_host(route, head->host) &&
            (route->match == LUA_NOREF || lua_run_match(request, route->match)))
            return route;
    return NULL;
}

hg_str route_name(const struct route *route)
{
    return route ? text_of(route->name) : HG_S("");
}
