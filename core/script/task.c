/* What scripts know of time and of doing several things at once: the part of headgate.host that
 * needs no host. A task is a routine with a parent; it ends with it. */
#include "script/inside.h"

#include <math.h>

#include "base/ensure.h"

static const char task_type[] = "headgate.task";

enum {
    ARGUMENTS_MAX = 16
};

/* ---- time ------------------------------------------------------------------------------------ */

static hg_ns moment(struct engine *engine)
{
    return engine->setup.clock.now(engine->setup.clock.arg);
}

static hg_ns check_seconds(lua_State *L, int index)
{
    double seconds = luaL_checknumber(L, index);

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "seconds are needed, 0 or more");
    return (hg_ns)(seconds * 1e9);
}

/* Seconds since 1970. */
static int host_now(lua_State *L)
{
    const struct engine_clock *clock = &engine_of(L)->setup.clock;

    lua_pushnumber(L, (double)clock->wall_us(clock->arg) / 1e6);
    return 1;
}

/* Seconds of a clock that never jumps, the same for all processes of the machine. */
static int host_clock(lua_State *L)
{
    lua_pushnumber(L, (double)moment(engine_of(L)) / 1e9);
    return 1;
}

static int host_sleep(lua_State *L)
{
    hg_ns time = check_seconds(L, 1);
    struct routine *routine = routine_of(L);

    routine_check_wait(L);
    sleepers_set(routine, moment(routine->engine) + time, NULL);
    return routine_wait(L, NULL, NULL);
}

/* ---- the life of a task ------------------------------------------------------------------------
 */

/* The stack of a task's coroutine: the task, the message handler, the function, its arguments. */
static int task_done(lua_State *L, int status, lua_KContext context)
{
    struct task *task = lua_touserdata(L, 1);
    int count = lua_gettop(L) - 2;

    (void)context;
    if (status != LUA_OK && status != LUA_YIELD) {
        routine_failed(L, routine_of(L));
        lua_setiuservalue(L, 1, 1);
        task->state = TASK_FAILED;
        return 0;
    }
    lua_createtable(L, count, 1);
    lua_insert(L, 3);
    for (int i = count; i > 0; i--)
        lua_rawseti(L, 3, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 3, "n");
    lua_setiuservalue(L, 1, 1);
    task->state = TASK_DONE;
    return 0;
}

static int task_entry(lua_State *L)
{
    int arguments = lua_gettop(L) - 2;

    lua_pushcfunction(L, routine_on_error);
    lua_insert(L, 2);
    return task_done(L, lua_pcallk(L, arguments, LUA_MULTRET, 2, 0, task_done), 0);
}

static int awake(lua_State *L, void *arg);

void task_ended(struct routine *routine, enum routine_outcome outcome)
{
    struct task *task = routine->task;
    struct routine *parent = routine->parent;

    if (!task)
        return;
    routine->task = NULL;
    if (outcome == ROUTINE_CANCELLED)
        task->state = TASK_CANCELLED;
    else if (outcome != ROUTINE_DONE || task->state == TASK_ALIVE)
        task->state = TASK_FAILED;
    if (outcome == ROUTINE_FAILED || outcome == ROUTINE_OVERRAN)
        engine_log(routine->engine, LOG_ERROR, "in a task: %s", routine_traceback(routine));
    if (parent && parent->awaits && parent->state == ROUTINE_PARKED)
        routine_wake(routine_handle(parent), awake, NULL);
}

/* spawn(f, ...): the function and its arguments move to the task's coroutine. */
static struct task *make_task(lua_State *L, struct routine *parent)
{
    int count = lua_gettop(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_argcheck(L, count <= ARGUMENTS_MAX, ARGUMENTS_MAX, "too many arguments");

    struct task *task = lua_newuserdatauv(L, sizeof *task, 1);

    *task = (struct task){.state = TASK_CANCELLED}; /* until it has a routine */
    luaL_setmetatable(L, task_type);
    lua_insert(L, 1);

    struct routine *routine = routine_take(L);

    ensure(lua_checkstack(routine->L, 1)); /* an empty one has room for twenty */
    lua_pushcfunction(routine->L, task_entry);
    lua_pushvalue(L, 1);
    lua_insert(L, 2);
    lua_xmove(L, routine->L, count + 1);
    routine->arguments = count + 1;
    routine->task = task;
    task->routine = routine;
    task->life = routine->life;
    task->state = TASK_ALIVE;
    routine_queue(routine, parent);
    return task;
}

static int host_spawn(lua_State *L)
{
    struct routine *parent = routine_of(L);

    if (!parent || parent->state != ROUTINE_RUNNING)
        return luaL_error(L, "a task can only be started while a request is handled");
    if (parent->root->account.children >= parent->engine->setup.children_limit)
        return luaL_error(L, "over %d tasks at once below one request",
                          (int)parent->engine->setup.children_limit);
    make_task(L, parent);
    lua_settop(L, 1);
    return 1;
}

/* detach(f, ...): belongs to the engine, not to the request. False if there are too many. */
static int host_detach(lua_State *L)
{
    struct routine *parent = routine_of(L);
    struct engine *engine = engine_of(L);

    if (!parent || parent->state != ROUTINE_RUNNING)
        return luaL_error(L, "a task can only be started while a request is handled");
    if (engine->detached >= engine->setup.detached_limit) {
        lua_pushboolean(L, 0);
        return 1;
    }
    make_task(L, NULL)->routine->is_detached = true;
    engine->detached++;
    lua_settop(L, 1);
    return 1;
}

/* ---- waiting for tasks --------------------------------------------------------------------------
 */

static struct task *check_child(lua_State *L, int index)
{
    struct task *task = luaL_checkudata(L, index, task_type);

    if (task->state == TASK_ALIVE && task->routine->parent != routine_of(L))
        luaL_error(L, "only the one who spawned a task can wait for it");
    return task;
}

/* The place of a finished task in the list at 1; 0 if all are alive. Holes may be false. */
static lua_Integer finished(lua_State *L)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);

    luaL_argcheck(L, count <= 1000, 1, "too many tasks");
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, 1, i) == LUA_TUSERDATA && check_child(L, -1)->state != TASK_ALIVE)
            return i;
        lua_pop(L, 1);
    }
    return 0;
}

/* The stack: the list of tasks, and the moment to give up or nil. */
static int awake(lua_State *L, void *arg)
{
    struct routine *routine = routine_of(L);
    hg_ns due = lua_isnil(L, 2) ? 0 : (hg_ns)lua_tointeger(L, 2);
    lua_Integer index;

    (void)arg;
    lua_settop(L, 2);
    index = finished(L);
    if (index > 0) {
        lua_pushinteger(L, index);
        return 1;
    }
    if (due && moment(routine->engine) >= due) {
        lua_pushnil(L);
        return 1;
    }
    if (due)
        sleepers_set(routine, due, awake);
    routine->awaits = true;
    return routine_wait(L, NULL, NULL);
}

/* wait(tasks [, seconds]) -> index | nil */
static int host_wait(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        lua_pushinteger(L, moment(engine_of(L)) + check_seconds(L, 2));
        lua_replace(L, 2);
    }
    routine_check_wait(L);
    return awake(L, NULL);
}

/* result(task): what its function returned; its error is raised here; nothing if cancelled. */
static int host_result(lua_State *L)
{
    const struct task *task = luaL_checkudata(L, 1, task_type);

    switch (task->state) {
    case TASK_ALIVE:
        return luaL_error(L, "the task has not finished");
    case TASK_CANCELLED:
        return 0;
    case TASK_FAILED:
        if (lua_getiuservalue(L, 1, 1) != LUA_TSTRING)
            return luaL_error(L, "a task failed");
        return lua_error(L);
    case TASK_DONE:
        break;
    }
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    lua_getfield(L, 2, "n");

    int count = (int)lua_tointeger(L, -1);

    luaL_checkstack(L, count, "too many results");
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, 2, i);
    return count;
}

static int host_cancel(lua_State *L)
{
    const struct task *task = luaL_checkudata(L, 1, task_type);

    if (task->state == TASK_ALIVE && task->routine->life == task->life)
        routine_cancel(task->routine);
    return 0;
}

/* `local task <close> = s.spawn(f)` */
static int task_close(lua_State *L)
{
    lua_settop(L, 1);
    return host_cancel(L);
}

void task_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"now", host_now},       {"clock", host_clock},   {"sleep", host_sleep},
        {"spawn", host_spawn},   {"detach", host_detach}, {"wait", host_wait},
        {"result", host_result}, {"cancel", host_cancel}, {NULL, NULL}};

    luaL_newmetatable(L, task_type);
    lua_pushcfunction(L, task_close);
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
