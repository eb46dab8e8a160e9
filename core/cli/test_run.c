/* The tests of a file, one after the other, each to its end. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/test.h"

enum {
    TURNS_MAX = 1000000
};

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

    bench_push_plan(L, pick->bench, "tests");
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
        if (!bench_turn(bench))
            break;
    if (!bench->has_ended)
        bench->failure = xstrdup("the test waits for something that never happens");
}

/* Test `index` of the file; how many there are. */
static size_t run_test(struct test_run *run, const char *file, size_t index)
{
    struct bench bench;
    struct pick pick = {&bench, index, LUA_NOREF};
    struct error error = {""};
    size_t count = 0;

    if (!bench_open(&bench, run, file, &error) || !bench_load_routes(&bench, &error) ||
        !engine_protected(bench.engine, pick_test, &pick, &error)) {
        test_report_error(run, file, &error);
    } else {
        bench_drop_instructions(&bench);
        run_to_the_end(&bench, pick.function);
        bench_report(&bench);
        count = bench.tests;
    }
    bench_close(&bench);
    return count;
}

void test_file_run(struct test_run *run, const char *file)
{
    size_t count = 1;

    for (size_t i = 0; i < count; i++)
        count = run_test(run, file, i);
    fflush(stdout);
}
