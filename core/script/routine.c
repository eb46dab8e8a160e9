/* The only file that resumes coroutines. Each outcome of lua_resume gets a name of ours in
 * settle(), and each life ends in end(). */
#include "script/routine.h"

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "script/inside.h"

enum {
    POOL_MAX = 256,
    POOL_ALLOCATED_MAX = 256 << 10 /* a coroutine that did more is not kept: its stack grew */
};

/* ---- the pool ----------------------------------------------------------------------------------
 */

void routines_init(struct engine *engine)
{
    LIST_INIT(&engine->roots);
    LIST_INIT(&engine->pool);
    LIST_INIT(&engine->bare);
    TAILQ_INIT(&engine->ready);
}

/* The structs live as long as the engine, so a stale handle never points to freed memory. */
static struct routine *take_bare(struct engine *engine)
{
    struct routine *routine = LIST_FIRST(&engine->bare);

    if (!routine) {
        routine = xcalloc(1, sizeof *routine);
        routine->engine = engine;
        LIST_INSERT_HEAD(&engine->bare, routine, sibling);
    }
    return routine;
}

struct routine *routine_take(lua_State *L)
{
    struct engine *engine = engine_of(L);
    struct routine *routine = LIST_FIRST(&engine->pool);

    if (!routine) {
        routine = take_bare(engine);

        lua_State *coroutine = lua_newthread(L);

        lua_rawsetp(L, LUA_REGISTRYINDEX, routine);
        lua_sethook(coroutine, NULL, 0, 0); /* it inherits the maker's */
        memcpy(lua_getextraspace(coroutine), &routine, sizeof routine);
        routine->L = coroutine;
    } else {
        engine->pooled--;
    }
    LIST_REMOVE(routine, sibling);
    engine->alive++;
    engine->stats.started++;
    return routine;
}

static int take(lua_State *L)
{
    struct routine **ret_routine = lua_touserdata(L, 1);

    *ret_routine = routine_take(L);
    return 0;
}

/* NULL when memory is at its limit. */
static struct routine *take_protected(struct engine *engine)
{
    lua_State *L = engine->L;
    struct routine *routine = NULL;

    if (!LIST_EMPTY(&engine->pool))
        return routine_take(L);
    lua_pushcfunction(L, take);
    lua_pushlightuserdata(L, &routine);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return routine;
}

static void drop_coroutine(struct routine *routine)
{
    lua_State *L = routine->engine->L;

    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, routine);
    routine->L = NULL;
}

static void give_back(struct routine *routine, bool is_broken)
{
    struct engine *engine = routine->engine;
    bool is_kept = !is_broken && engine->pooled < POOL_MAX &&
                   routine->root->account.allocated <= POOL_ALLOCATED_MAX;

    LIST_REMOVE(routine, sibling);
    routine->root->account.children -= routine->root != routine;
    engine->detached -= routine->is_detached;
    engine->alive--;
    free(routine->message);
    free(routine->traceback);
    lua_settop(routine->L, 0);
    if (!is_kept)
        drop_coroutine(routine);

    /* What says who it is has to stay: old handles still point here. */
    *routine = (struct routine){
        .engine = engine, .L = routine->L, .turn = routine->turn, .life = routine->life + 1};
    if (is_kept) {
        engine->pooled++;
        LIST_INSERT_HEAD(&engine->pool, routine, sibling);
    } else {
        LIST_INSERT_HEAD(&engine->bare, routine, sibling);
    }
}

/* ---- the queue of those that go on ------------------------------------------------------------
 */

static void enqueue(struct routine *routine, enum routine_state state)
{
    struct engine *engine = routine->engine;

    routine->state = state;
    TAILQ_INSERT_TAIL(&engine->ready, routine, queued);
    engine->ready_count++;
    engine_soon(engine);
}

static void dequeue(struct routine *routine)
{
    TAILQ_REMOVE(&routine->engine->ready, routine, queued);
    routine->engine->ready_count--;
}

void routine_queue(struct routine *routine, struct routine *parent)
{
    struct engine *engine = routine->engine;

    routine->parent = parent;
    routine->root = parent ? parent->root : routine;
    if (parent) {
        parent->root->account.children++;
        LIST_INSERT_HEAD(&parent->children, routine, sibling);
    } else {
        LIST_INSERT_HEAD(&engine->roots, routine, sibling);
    }
    enqueue(routine, ROUTINE_FRESH);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static char *kept_text(lua_State *L, int index, size_t most)
{
    size_t len = 0;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &len) : NULL;

    if (!text)
        return xstrdup("an error that is not a text was raised");
    return xstrndup(text, len < most ? len : most);
}

void routine_failed(lua_State *L, struct routine *routine)
{
    routine->failed = true;
    if (!routine->message)
        routine->message = kept_text(L, -1, 2000);
}

void routine_note_error(lua_State *L, int level)
{
    struct routine *routine = routine_of(L);

    free(routine->message);
    free(routine->traceback);
    routine->message = kept_text(L, -1, 2000);
    routine->traceback = NULL;
    luaL_traceback(L, L, routine->message, level);
    routine->traceback = kept_text(L, -1, 8000);
    lua_pop(L, 1);
}

/* Runs where the error was raised, with the stack still there: that is why routes need no xpcall.
 */
int routine_on_error(lua_State *L)
{
    /* Lua also comes here for errors in the <close> variables of a routine that is over; those
     * have no say in why it ended. */
    if (routine_of(L)->state != ROUTINE_RUNNING)
        return 1;
    luaL_tolstring(L, 1, NULL);
    routine_note_error(L, 1);
    return 1;
}

const char *routine_message(const struct routine *routine)
{
    return routine->message ? routine->message : "";
}

const char *routine_traceback(const struct routine *routine)
{
    return routine->traceback ? routine->traceback : routine_message(routine);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void stop(struct routine *routine, enum routine_outcome outcome);

static void cancel_children(struct routine *routine)
{
    for (struct routine *child; (child = LIST_FIRST(&routine->children));)
        stop(child, ROUTINE_CANCELLED);
}

static void count_outcome(struct engine_stats *stats, enum routine_outcome outcome)
{
    switch (outcome) {
    case ROUTINE_DONE:
        break;
    case ROUTINE_FAILED:
        stats->failed++;
        break;
    case ROUTINE_OVERRAN:
        stats->overran++;
        break;
    case ROUTINE_CANCELLED:
        stats->cancelled++;
        break;
    }
}

static void end(struct routine *routine, enum routine_outcome outcome, bool is_broken)
{
    routine->state = ROUTINE_ENDING;
    routine->turn++;
    task_ended(routine, outcome); /* first: the task may be garbage as soon as other code runs */
    cancel_children(routine);
    count_outcome(&routine->engine->stats, outcome);
    if (routine->setup.on_end)
        routine->setup.on_end(routine, routine->L, outcome, routine->setup.arg);
    give_back(routine, is_broken);
}

/* Unwinds what waits, or is broken: its <close> variables run, with a budget of their own. */
static void close_variables(struct routine *routine)
{
    struct engine *engine = routine->engine;
    struct routine *outer = engine->running;
    struct stretch stretch;

    engine->running = routine;
    routine->root->closing.is_closing = true;
    stretch = budget_enter(engine, routine->L, &routine->root->closing);
#if LUA_VERSION_RELEASE_NUM >= 50406
    int status = lua_closethread(routine->L, engine->L);
#else
    int status = lua_resetthread(routine->L);
#endif
    budget_leave(engine, stretch);
    engine->running = outer;
    if (status != LUA_OK && lua_type(routine->L, -1) == LUA_TSTRING && !routine->failed)
        engine_log(engine, LOG_ERROR, "while a routine was being ended: %s",
                   lua_tostring(routine->L, -1));
}

static void end_wait(struct routine *routine)
{
    void (*cancel)(void *arg) = routine->cancel;

    sleepers_clear(routine);
    routine->cancel = NULL;
    routine->awaits = false;
    if (cancel)
        cancel(routine->cancel_arg);
}

/* Ends one that does not run at the moment. */
static void stop(struct routine *routine, enum routine_outcome outcome)
{
    bool has_begun = routine->state != ROUTINE_FRESH;

    if (routine->state == ROUTINE_ENDING || routine->state == ROUTINE_IDLE)
        return;
    if (routine->state == ROUTINE_FRESH || routine->state == ROUTINE_WOKEN)
        dequeue(routine);
    routine->state = ROUTINE_ENDING;
    routine->turn++;
    end_wait(routine);
    cancel_children(routine);
    if (has_begun)
        close_variables(routine);
    end(routine, outcome, false);
}

static bool is_running_below(const struct routine *routine)
{
    const struct routine *at = routine->engine->running;

    while (at && at != routine)
        at = at->parent;
    return at != NULL;
}

void routine_cancel(struct routine *routine)
{
    if (routine->state == ROUTINE_ENDING || routine->state == ROUTINE_IDLE)
        return;
    if (is_running_below(routine)) {
        routine->doomed = true;
        budget_arm(&routine->engine->budget, BUDGET_CANCEL);
        return;
    }
    stop(routine, ROUTINE_CANCELLED);
}

/* ---- running --------------------------------------------------------------------------------- */

/* What came of a resume. `reason` says whether the budget had to step in. */
static void settle(struct routine *routine, int status, enum budget_reason reason)
{
    if (status == LUA_YIELD && reason == BUDGET_KEPT && !routine->doomed) {
        routine->state = ROUTINE_PARKED;
        return;
    }

    bool is_cancelled = routine->doomed || reason == BUDGET_CANCEL;
    enum routine_outcome stopped = is_cancelled ? ROUTINE_CANCELLED : ROUTINE_OVERRAN;

    if (status == LUA_YIELD) {
        routine->state = ROUTINE_PARKED;
        stop(routine, stopped);
        return;
    }
    if (status != LUA_OK) {
        routine_failed(routine->L, routine);
        routine->state = ROUTINE_ENDING;
        close_variables(routine);
    }
    if (!routine->failed && !routine->doomed)
        end(routine, ROUTINE_DONE, false);
    else if (reason == BUDGET_KEPT && !routine->doomed)
        end(routine, ROUTINE_FAILED, status != LUA_OK);
    else
        end(routine, stopped, status != LUA_OK);
}

/* The highest above `routine` that was cancelled while `routine` ran. */
static struct routine *doomed_above(const struct routine *routine)
{
    struct routine *highest = NULL;

    for (struct routine *at = routine->parent; at; at = at->parent)
        if (at->doomed && at->state != ROUTINE_ENDING)
            highest = at;
    return highest;
}

static void resume(struct routine *routine, int arguments)
{
    struct engine *engine = routine->engine;
    int results;

    ensure(!engine->running);
    engine->running = routine;
    routine->state = ROUTINE_RUNNING;

    struct stretch outer = budget_enter(engine, routine->L, &routine->root->account);
    int status = lua_resume(routine->L, engine->L, arguments, &results);
    enum budget_reason reason = budget_leave(engine, outer);

    engine->running = NULL;

    struct routine *above = doomed_above(routine);

    settle(routine, status, reason);
    if (above)
        stop(above, ROUTINE_CANCELLED);
}

static int entry_done(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - 1;
    routine_failed(L, routine_of(L));
    return 0;
}

/* The function a routine of C's begins with. Everything happens inside of a pcall, because that
 * alone gives a coroutine its hooks back after a hook has raised. */
static int entry(lua_State *L)
{
    const struct routine_setup *setup = &routine_of(L)->setup;

    lua_pushcfunction(L, routine_on_error);
    lua_rawgeti(L, LUA_REGISTRYINDEX, setup->function);

    int arguments = setup->push ? setup->push(L, setup->arg) : 0;

    return entry_done(L, lua_pcallk(L, arguments, LUA_MULTRET, 1, 0, entry_done), 0);
}

static void go_on(struct routine *routine)
{
    bool is_fresh = routine->state == ROUTINE_FRESH;

    resume(routine, is_fresh ? routine->arguments : 0);
}

bool routines_run(struct engine *engine)
{
    /* Not until the queue is empty: what these wake has its turn after the rest of the loop's. */
    for (unsigned n = engine->ready_count; n > 0 && engine->ready_count > 0; n--) {
        struct routine *routine = TAILQ_FIRST(&engine->ready);

        dequeue(routine);
        go_on(routine);
    }
    return engine->ready_count > 0;
}

/* There is no memory for a coroutine: the life is over before it begins. */
static void fail_at_once(struct engine *engine, const struct routine_setup *setup)
{
    struct routine *routine = take_bare(engine);

    LIST_REMOVE(routine, sibling);
    routine->message = xstrdup("not enough memory for another coroutine");
    engine->stats.failed++;
    if (setup->on_end)
        setup->on_end(routine, engine->L, ROUTINE_FAILED, setup->arg);
    free(routine->message);
    routine->message = NULL;
    LIST_INSERT_HEAD(&engine->bare, routine, sibling);
}

struct routine *routine_start(struct engine *engine, const struct routine_setup *setup)
{
    struct routine *routine = take_protected(engine);

    if (!routine) {
        fail_at_once(engine, setup);
        return NULL;
    }
    routine->setup = *setup;
    routine->root = routine;
    LIST_INSERT_HEAD(&engine->roots, routine, sibling);
    lua_pushcfunction(routine->L, entry);
    if (engine->running || engine->budget.running) {
        enqueue(routine, ROUTINE_FRESH);
        return routine;
    }

    uint32_t life = routine->life;

    resume(routine, 0);
    return routine->life == life ? routine : NULL;
}

void routines_free(struct engine *engine)
{
    for (struct routine *routine; (routine = LIST_FIRST(&engine->roots));)
        stop(routine, ROUTINE_CANCELLED);
}

void routines_forget(struct engine *engine)
{
    struct routine *routine;

    while ((routine = LIST_FIRST(&engine->pool)) || (routine = LIST_FIRST(&engine->bare))) {
        LIST_REMOVE(routine, sibling);
        free(routine);
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

struct routine *routine_of(lua_State *L)
{
    struct routine *routine;

    memcpy(&routine, lua_getextraspace(L), sizeof routine);
    return routine;
}

void *routine_arg(const struct routine *routine)
{
    return routine->root->setup.arg;
}

struct routine_handle routine_handle(struct routine *routine)
{
    return (struct routine_handle){routine, routine->turn};
}

/* The C function that lies between the script and its coroutine. */
static const char *blocking_function(lua_State *L)
{
    lua_Debug ar;

    for (int level = 1; lua_getstack(L, level, &ar) && lua_getinfo(L, "Sf", &ar); level++) {
        const char *name = sandbox_name(L);

        if (*ar.what == 'C' && name && strcmp(name, "pcall") != 0 && strcmp(name, "xpcall") != 0)
            return name;
    }
    return "a function that C calls";
}

void routine_check_wait(lua_State *L)
{
    struct routine *routine = routine_of(L);

    if (!routine)
        luaL_error(L, "cannot wait while the route is being loaded: do it inside the handler");
    else if (routine->state != ROUTINE_RUNNING)
        luaL_error(L, "cannot wait in a <close> variable of what is being cancelled");
    else if (routine->root->setup.never_waits)
        luaL_error(L, "cannot wait inside %s", routine->root->setup.never_waits);
    else if (!lua_isyieldable(L))
        luaL_error(L, "cannot wait inside %s", blocking_function(L));
}

static int finish_wait(lua_State *L, struct routine *routine)
{
    int (*push)(lua_State *, void *) = routine->push;

    routine->push = NULL;
    routine->cancel = NULL;
    return push ? push(L, routine->push_arg) : 0;
}

static int waited(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return finish_wait(L, routine_of(L));
}

int routine_wait(lua_State *L, void (*cancel)(void *arg), void *arg)
{
    struct routine *routine = routine_of(L);

    routine_check_wait(L);
    if (routine->early) {
        routine->early = false;
        return finish_wait(L, routine);
    }
    routine->cancel = cancel;
    routine->cancel_arg = arg;
    return lua_yieldk(L, 0, 0, waited);
}

bool routine_wake(struct routine_handle handle, int (*push)(lua_State *L, void *arg), void *arg)
{
    struct routine *routine = handle.routine;

    if (!routine || routine->turn != handle.turn ||
        (routine->state != ROUTINE_PARKED && routine->state != ROUTINE_RUNNING))
        return false;
    routine->turn++;
    routine->push = push;
    routine->push_arg = arg;
    routine->awaits = false;
    sleepers_clear(routine);
    if (routine->state == ROUTINE_RUNNING)
        routine->early = true;
    else
        enqueue(routine, ROUTINE_WOKEN);
    return true;
}
