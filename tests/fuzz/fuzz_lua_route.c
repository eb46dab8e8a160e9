/* Anything as a route: it loads or is refused, what it returns runs if it is a function, and all of
 * it ends within its budgets and leaves the engine usable. */
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "script/routine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    hg_ns now, timer;
    bool is_soon;
    int ends;
} world;

static hg_ns now(void *arg)
{
    (void)arg;
    return world.now;
}

static int64_t wall_us(void *arg)
{
    (void)arg;
    return world.now / 1000;
}

static void run_soon(void *arg)
{
    (void)arg;
    world.is_soon = true;
}

static void set_timer(void *arg, hg_ns due)
{
    (void)arg;
    world.timer = due;
}

static void on_log(void *arg, enum log_level level, hg_str text)
{
    (void)arg, (void)level, (void)text;
}

static void on_end(struct routine *routine, lua_State *L, enum routine_outcome outcome, void *arg)
{
    (void)routine, (void)L, (void)outcome, (void)arg;
    world.ends++;
}

static int check_function(lua_State *L)
{
    int **ref = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, **ref);
    if (!lua_isfunction(L, -1))
        *ref = NULL;
    return 0;
}

static void turn_a_while(struct engine *engine)
{
    for (int i = 0; i < 100 && (world.is_soon || world.timer); i++) {
        if (!world.is_soon && world.timer > world.now)
            world.now = world.timer;
        if (!world.is_soon)
            world.timer = 0;
        world.is_soon = false;
        engine_run(engine);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_setup setup = {.clock = {now, wall_us, run_soon, set_timer, NULL},
                                 .on_log = on_log,
                                 .memory_limit = 16 << 20,
                                 .request_memory = 2 << 20};
    struct error error = {""};
    int ref = LUA_NOREF, *function = &ref;

    memset(&world, 0, sizeof world);
    world.now = 1;

    struct engine *engine = engine_new(&setup, &error);

    ensure(engine);
    if (engine_load_route(engine, "fuzz.lua", (hg_str){(const char *)data, size}, &ref, &error) &&
        engine_protected(engine, check_function, &function, &error) && function) {
        struct routine *routine =
            routine_start(engine, &(struct routine_setup){.function = ref, .on_end = on_end});

        turn_a_while(engine);
        if (world.ends == 0)
            routine_cancel(routine);
        ensure(world.ends == 1);
    }
    ensure(engine_load_route(engine, "after.lua", text_of("return ('x'):rep(3)"), &ref, &error));
    engine_free(&engine);
    return 0;
}
