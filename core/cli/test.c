/* headgate test: runs *_test.lua files on the real engine and the real library, with targets that
 * answer what the test says (lua/headgate/test_host.lua) and a clock that jumps to whatever is due
 * next. Each test has an engine of its own, so none can disturb another. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "script/routine.h"

enum {
    FILES_MAX = 4096,
    DEPTH_MAX = 8,
    SOURCE_MAX = 4 << 20,
    ROUTES_MAX = 32,
    TURNS_MAX = 1000000
};

struct run {
    bool is_verbose;
    const char *library_path;
    char *files[FILES_MAX];
    size_t file_count;
    unsigned passed, failed;
};

/* One test on its engine. */
struct bench {
    struct run *run;
    const char *file;
    struct engine *engine;
    struct buffer log;

    hg_ns now, timer;
    bool is_soon;

    int plan;     /* reference of the plan: see test.lua */
    size_t tests; /* how many there are in the file */
    char *name;   /* of the one that runs */
    char *routes[ROUTES_MAX];
    size_t route_count;

    bool has_ended;
    char *failure; /* NULL: passed */
};

/* ---- the clock ------------------------------------------------------------------------------- */

static hg_ns clock_of_bench(void *arg)
{
    return ((struct bench *)arg)->now;
}

/* The tests begin at a moment that is easy to recognise: 2026-01-01, noon. */
static int64_t wall_of_bench(void *arg)
{
    return INT64_C(1767268800000000) + ((struct bench *)arg)->now / 1000;
}

static void soon(void *arg)
{
    ((struct bench *)arg)->is_soon = true;
}

static void set_timer(void *arg, hg_ns due)
{
    ((struct bench *)arg)->timer = due;
}

static void on_log(void *arg, enum log_level level, hg_str text)
{
    struct bench *bench = arg;

    (void)level;
    buffer_add(&bench->log, text.p, text.n);
    buffer_add(&bench->log, "\n", 1);
}

/* True as long as something happens. */
static bool turn(struct bench *bench)
{
    if (bench->is_soon) {
        bench->is_soon = false;
    } else if (bench->timer) {
        if (bench->timer > bench->now)
            bench->now = bench->timer;
        bench->timer = 0;
    } else {
        return false;
    }
    engine_run(bench->engine);
    return true;
}

/* ---- JSON for the fake host --------------------------------------------------------------------
 */

static void push_json(lua_State *L, const json_t *value);

static void push_object(lua_State *L, const json_t *object)
{
    /* jansson's walk wants it mutable, and changes nothing. */
    json_t *walked = json_deep_copy(object);
    const char *key;
    json_t *member;

    lua_newtable(L);
    json_object_foreach(walked, key, member) {
        if (json_is_null(member))
            continue;
        lua_pushstring(L, key);
        push_json(L, member);
        lua_rawset(L, -3);
    }
    json_decref(walked);
}

static void push_array(lua_State *L, const json_t *array)
{
    lua_newtable(L);
    for (size_t i = 0; i < json_array_size(array); i++) {
        push_json(L, json_array_get(array, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_json(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 4, "too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_array(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL: /* in lists a hole would end the list */
        lua_pushboolean(L, json_is_true(value));
        break;
    }
}

static int native_decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY, &error);

    if (!value) {
        lua_pushnil(L);
        lua_pushfstring(L, "not JSON: %s", error.text);
        return 2;
    }
    push_json(L, value);
    json_decref(value);
    return 1;
}

/* A table with a list part is an array, any other an object. NULL with a message for what has no
 * form in JSON. Nothing here raises, so nothing is lost on the way. */
static json_t *to_json(lua_State *L, int index, int depth, const char **message);

static json_t *to_array(lua_State *L, int index, int depth, const char **message)
{
    json_t *array = json_array();
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);

    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        json_t *value = to_json(L, lua_gettop(L), depth, message);

        lua_pop(L, 1);
        if (!value || json_array_append_new(array, value) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *to_object(lua_State *L, int index, int depth, const char **message)
{
    json_t *object = json_object();

    lua_pushnil(L);
    while (lua_next(L, index)) {
        json_t *value =
            lua_type(L, -2) == LUA_TSTRING ? to_json(L, lua_gettop(L), depth, message) : NULL;

        if (!value || json_object_set_new(object, lua_tostring(L, -2), value) != 0) {
            if (!*message)
                *message = "the keys of an object are texts";
            lua_pop(L, 2);
            json_decref(object);
            return NULL;
        }
        lua_pop(L, 1);
    }
    return object;
}

static json_t *to_json(lua_State *L, int index, int depth, const char **message)
{
    size_t len;

    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, index, &len);
        json_t *value = json_stringn(text, len);

        if (!value)
            *message = "a text is not UTF-8";
        return value;
    }
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
                                       : json_real(lua_tonumber(L, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TTABLE:
        if (depth > 0 && lua_checkstack(L, 6))
            return lua_rawlen(L, index) > 0 ? to_array(L, index, depth - 1, message)
                                            : to_object(L, index, depth - 1, message);
        *message = "the table is too deep";
        return NULL;
    default:
        *message = "there is a value that JSON does not have";
        return NULL;
    }
}

static int native_encode(lua_State *L)
{
    const char *message = NULL;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "null");
        return 1;
    }

    json_t *value = to_json(L, 1, 100, &message);

    if (!value)
        return luaL_error(L, "json_encode: %s", message ? message : "it has no form in JSON");

    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

    json_decref(value);
    lua_pushstring(L, text);
    free(text);
    return 1;
}

static const luaL_Reg native[] = {
    {"json_decode", native_decode}, {"json_encode", native_encode}, {NULL, NULL}};

/* ---- files ----------------------------------------------------------------------------------- */

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

/* ---- one test ----------------------------------------------------------------------------------
 */

static void push_plan_field(lua_State *L, const struct bench *bench, const char *name)
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

    push_plan_field(L, loaded->bench, "loaded");
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

/* Tests may do more than one request has a right to; but even they end. */
static bool open_bench(struct bench *bench, struct run *run, const char *file, struct error *error)
{
    struct engine_setup setup = {
        .clock = {clock_of_bench, wall_of_bench, soon, set_timer, bench},
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
        !engine_add_library(bench->engine, "headgate.test_native", native, bench, error) ||
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

static void close_bench(struct bench *bench)
{
    engine_free(&bench->engine);
    for (size_t i = 0; i < bench->route_count; i++)
        free(bench->routes[i]);
    buffer_done(&bench->log);
    free(bench->name);
    free(bench->failure);
}

static bool load_routes(struct bench *bench, struct error *error)
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

static void on_end(struct routine *routine, lua_State *L, enum routine_outcome outcome, void *arg)
{
    struct bench *bench = arg;

    (void)L;
    bench->has_ended = true;
    if (outcome != ROUTINE_DONE)
        bench->failure = xstrdup(routine_message(routine));
}

struct pick {
    struct bench *bench;
    size_t index;
    int function;
};

static int pick_test(lua_State *L)
{
    struct pick *pick = lua_touserdata(L, 1);

    push_plan_field(L, pick->bench, "tests");
    lua_rawgeti(L, -1, (lua_Integer)pick->index + 1);
    lua_getfield(L, -1, "name");
    pick->bench->name = xstrdup(luaL_checkstring(L, -1));
    lua_pop(L, 1);
    lua_getfield(L, -1, "run");
    pick->function = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void run_to_the_end(struct bench *bench, int function)
{
    struct routine_setup setup = {.function = function, .on_end = on_end, .arg = bench};

    routine_start(bench->engine, &setup);
    for (unsigned i = 0; !bench->has_ended && i < TURNS_MAX; i++)
        if (!turn(bench))
            break;
    if (!bench->has_ended)
        bench->failure = xstrdup("the test waits for something that never happens");
}

static void count_instructions(struct bench *bench)
{
    for (size_t i = 0; i < bench->route_count; i++)
        engine_instructions(bench->engine, bench->routes[i]);
    engine_instructions(bench->engine, "headgate/");
}

static void print_instructions(struct bench *bench)
{
    engine_instructions(bench->engine, "headgate/test");

    uint64_t library = engine_instructions(bench->engine, "headgate/");

    for (size_t i = 0; i < bench->route_count; i++)
        printf("      %llu instructions in %s\n",
               (unsigned long long)engine_instructions(bench->engine, bench->routes[i]),
               bench->routes[i]);
    printf("      %llu instructions in the library\n", (unsigned long long)library);
}

/* Further lines go below the first. */
static void print_indented(const char *text, size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;

        printf("      %.*s\n", (int)n, text);
        text += n + (end != NULL);
        len -= n + (end != NULL);
    }
}

static void report(struct bench *bench)
{
    if (!bench->failure) {
        bench->run->passed++;
        printf("ok    %s: %s\n", bench->file, bench->name);
    } else {
        bench->run->failed++;
        printf("FAIL  %s: %s\n", bench->file, bench->name);
        print_indented(bench->failure, strlen(bench->failure));
    }
    if (bench->log.len && (bench->failure || bench->run->is_verbose))
        print_indented(buffer_at(&bench->log), bench->log.len);
    if (bench->run->is_verbose)
        print_instructions(bench);
}

static void report_error(struct run *run, const char *file, const struct error *error)
{
    run->failed++;
    printf("FAIL  %s: it does not load\n", file);
    print_indented(error->text, strlen(error->text));
}

/* Test `index` of the file; how many there are. */
static size_t run_test(struct run *run, const char *file, size_t index)
{
    struct bench bench;
    struct pick pick = {&bench, index, LUA_NOREF};
    struct error error = {""};
    size_t count = 0;

    if (!open_bench(&bench, run, file, &error) || !load_routes(&bench, &error) ||
        !engine_protected(bench.engine, pick_test, &pick, &error)) {
        report_error(run, file, &error);
    } else {
        count_instructions(&bench);
        run_to_the_end(&bench, pick.function);
        report(&bench);
        count = bench.tests;
    }
    close_bench(&bench);
    return count;
}

static void run_file(struct run *run, const char *file)
{
    size_t count = 1;

    for (size_t i = 0; i < count; i++)
        count = run_test(run, file, i);
    fflush(stdout);
}

/* ---- which files -------------------------------------------------------------------------------
 */

static bool collect(struct run *run, const char *path, int depth, struct error *error);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool collect_folder(struct run *run, const char *path, int depth, struct error *error)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    bool is_good = count >= 0;

    if (!is_good)
        return error_set(error, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char below[4096];
        struct stat st;

        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);

        bool is_wanted = stat(below, &st) == 0 &&
                         (S_ISDIR(st.st_mode) || text_ends(text_of(below), text_of("_test.lua")));

        if (is_good && is_wanted)
            is_good = collect(run, below, depth - 1, error);
        free(entries[i]);
    }
    free(entries);
    return is_good;
}

static bool collect(struct run *run, const char *path, int depth, struct error *error)
{
    struct stat st;
    size_t len = strlen(path);

    if (stat(path, &st) != 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    while (len > 1 && path[len - 1] == '/')
        len--;

    char *name = xstrndup(path, len);
    bool is_good = true;

    if (S_ISDIR(st.st_mode)) {
        is_good = depth > 0 ? collect_folder(run, name, depth, error)
                            : error_set(error, "%s: too many folders in each other", name);
    } else if (!text_ends(text_of(name), text_of("_test.lua"))) {
        is_good = error_set(error, "%s: the name of a test ends with _test.lua", name);
    } else if (run->file_count < FILES_MAX) {
        run->files[run->file_count++] = xstrdup(name);
    }
    free(name);
    return is_good;
}

int cli_test(int argc, char **argv)
{
    struct run *run = xcalloc(1, sizeof *run);
    const struct cli_option option[] = {
        {"verbose", 'v', NULL, "count instructions and show the log of each test", &run->is_verbose,
         NULL},
        {"lua-path", 0, "DIR", "use the Lua library below DIR instead of the one inside", NULL,
         &run->library_path},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate test [-v] [FILE or FOLDER]...",
        .about = "Runs the tests of routes: files whose names end with _test.lua, those below a\n"
                 "folder, by default below routes. Providers are played by the test, and time is\n"
                 "only counted, so a test of a timeout takes no time.",
        .option = option,
        .words_max = 1000,
    };
    int words = 0, status = cli_parse(&options, argc, argv, &words);
    struct error error = {""};
    bool is_good = status == CLI_GO_ON;

    if (is_good && words == 0)
        is_good = collect(run, "routes", DEPTH_MAX, &error);
    for (int i = 1; is_good && i <= words; i++)
        is_good = collect(run, argv[i], DEPTH_MAX, &error);
    if (status == CLI_GO_ON)
        status = is_good ? CLI_OK : cli_fail("test", "%s", error.text);
    for (size_t i = 0; i < run->file_count; i++) {
        if (is_good)
            run_file(run, run->files[i]);
        free(run->files[i]);
    }
    if (is_good)
        printf("%u passed, %u failed\n", run->passed, run->failed);
    if (is_good && run->failed > 0)
        status = CLI_FAILED;
    if (is_good && run->file_count == 0)
        status = cli_fail("test", "there is no file whose name ends with _test.lua");
    free(run);
    return status;
}
