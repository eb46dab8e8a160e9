/* What a test needs, loaded: the library with its fake host, the test file with its plan, and the
 * routes that it is about. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/test.h"

enum {
    SOURCE_MAX = 4 << 20
};

/* ---- files ---------------------------------------------------------------------------------- */

/* The content of a file, NULL with a message if it cannot be read. */
static char *read_file(const char *path, size_t *ret_len, struct error *error)
{
    FILE *file = fopen(path, "re");
    struct buffer text = {0};
    size_t n;

    if (!file) {
        error_set(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        char *room = buffer_room(&text, 4096);

        n = fread(room, 1, 4096, file);
        buffer_grew(&text, n);
    } while (n > 0 && text.len < SOURCE_MAX);

    bool is_bad = ferror(file) || text.len >= SOURCE_MAX;

    fclose(file);
    if (is_bad) {
        buffer_done(&text);
        error_set(error, "%s: it cannot be read, or is too big for a script", path);
        return NULL;
    }

    char *copy = xstrndup(text.len ? buffer_at(&text) : "", text.len);

    *ret_len = text.len;
    buffer_done(&text);
    return copy;
}

static bool load_file(struct bench *bench, const char *path, int *ret_ref, struct error *error)
{
    size_t len;
    char *source = read_file(path, &len, error);

    if (!source)
        return false;

    bool is_loaded = engine_load_route(bench->engine, path, (hg_str){source, len}, ret_ref, error);

    free(source);
    return is_loaded;
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* What t.route names: beside the test, or from here; or a module of the library. */
static char *route_path(const char *test_file, const char *name)
{
    const char *slash = strrchr(test_file, '/');
    const char *base = strrchr(name, '/');
    char path[4096];

    if (slash) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - test_file), test_file, name);
        if (is_file(path))
            return xstrdup(path);
    }
    if (is_file(name) || !slash)
        return xstrdup(name);
    snprintf(path, sizeof path, "%.*s/%s", (int)(slash - test_file), test_file,
             base ? base + 1 : name);
    return xstrdup(is_file(path) ? path : name);
}

/* ---- the plan and the routes ---------------------------------------------------------------- */

void bench_push_plan(lua_State *L, const struct bench *bench, const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, bench->plan);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* Without t.route: "x_test.lua" is for "x.lua". */
static void add_own_route(struct bench *bench)
{
    size_t len = strlen(bench->file) - strlen("_test.lua");
    char path[4096];

    snprintf(path, sizeof path, "%.*s.lua", (int)len, bench->file);
    if (is_file(path))
        bench->routes[bench->route_count++] = xstrdup(path);
}

static int read_plan(lua_State *L)
{
    struct bench *bench = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, bench->plan);
    lua_getfield(L, -1, "plan");
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, bench->plan);
    lua_getfield(L, -1, "tests");
    bench->tests = lua_rawlen(L, -1);
    lua_pop(L, 1);
    lua_getfield(L, -1, "routes");
    for (size_t i = 0; i < lua_rawlen(L, -1) && i < ROUTES_MAX; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);

        const char *name = luaL_checkstring(L, -1);

        bench->routes[bench->route_count++] = text_starts(text_of(name), text_of("headgate."))
                                                  ? xstrdup(name)
                                                  : route_path(bench->file, name);
        lua_pop(L, 1);
    }
    return 0;
}

struct loaded {
    struct bench *bench;
    int ref;
};

static int add_loaded(lua_State *L)
{
    const struct loaded *loaded = lua_touserdata(L, 1);

    bench_push_plan(L, loaded->bench, "loaded");
    lua_rawgeti(L, LUA_REGISTRYINDEX, loaded->ref);
    if (lua_isfunction(L, -1)) /* the library's own routes */
        lua_call(L, 0, 1);
    if (!lua_istable(L, -1) || (lua_getfield(L, -1, "handler"), !lua_isfunction(L, -1)))
        return luaL_error(L, "the file does not return s.route { ... }");
    lua_pop(L, 1);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static bool load_route(struct bench *bench, const char *path, struct error *error)
{
    struct loaded loaded = {.bench = bench};

    if (text_starts(text_of(path), text_of("headgate.")))
        return engine_require(bench->engine, path, &loaded.ref, error) &&
               engine_protected(bench->engine, add_loaded, &loaded, error);
    if (!load_file(bench, path, &loaded.ref, error))
        return false;
    if (engine_protected(bench->engine, add_loaded, &loaded, error))
        return true;
    return error_prefix(error, "%s", path);
}

/* ---- the bench ------------------------------------------------------------------------------ */

static void on_log(void *arg, enum log_level level, hg_str text)
{
    struct bench *bench = arg;

    (void)level;
    buffer_add(&bench->log, text.p, text.n);
    buffer_add(&bench->log, "\n", 1);
}

/* Tests may do more than one request has a right to; but even they end. */
bool bench_open(struct bench *bench, struct test_run *run, const char *file, struct error *error)
{
    struct engine_setup setup = {
        .clock = bench_clock(bench),
        .on_log = on_log,
        .log_arg = bench,
        .library_path = run->library_path,
        .memory_limit = (size_t)512 << 20,
        .request_memory = (size_t)256 << 20,
        .resume_budget = (run->is_verbose ? 20 : 2) * INT64_C(1000000000),
        .request_budget = (run->is_verbose ? 100 : 10) * INT64_C(1000000000),
        .detached_limit = 10000,
        .children_limit = 1000,
        .count_instructions = run->is_verbose,
    };
    int ref;

    *bench = (struct bench){.run = run, .file = file, .now = INT64_C(1000000000)};
    bench->engine = engine_new(&setup, error);
    if (!bench->engine ||
        !engine_add_library(bench->engine, "headgate.test_native", test_json, bench, error) ||
        !engine_require(bench->engine, "headgate.test_host", &ref, error) ||
        !engine_require(bench->engine, "headgate.test", &bench->plan, error))
        return error_prefix(error, "the library");

    /* A test file returns nothing; what it says is in the plan. */
    size_t len;
    char *source = read_file(file, &len, error);

    if (!source)
        return false;

    struct buffer text = {0};

    buffer_add(&text, source, len);
    buffer_add(&text, "\nreturn true", 12);

    bool is_loaded = engine_load_route(bench->engine, file, buffer_text(&text), &ref, error);

    buffer_done(&text);
    free(source);
    return is_loaded && engine_protected(bench->engine, read_plan, bench, error);
}

void bench_close(struct bench *bench)
{
    engine_free(&bench->engine);
    for (size_t i = 0; i < bench->route_count; i++)
        free(bench->routes[i]);
    buffer_done(&bench->log);
    free(bench->name);
    free(bench->failure);
}

bool bench_load_routes(struct bench *bench, struct error *error)
{
    if (bench->tests == 0)
        return error_set(error, "there is no t.it in it");
    if (bench->route_count == 0)
        add_own_route(bench);
    for (size_t i = 0; i < bench->route_count; i++)
        if (!load_route(bench, bench->routes[i], error))
            return false;
    return true;
}
