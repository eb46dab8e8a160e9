/* engine.h - one Lua state with a fence around it: what routes run in.
 *
 * Everything here belongs to one thread, the one that called engine_new. A process that forks makes
 * its engines afterwards: the processor-time tick does not survive a fork.
 *
 * Inside: memory is capped and charged to the routine that runs (routine.h), endless code is ended
 * by the tick (budget.c), and scripts see an allow-list of names (sandbox.c). It guards against the
 * mistakes of trusted operators; it is not a wall against enemies. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include <headgate/abi.h>

#include "base/error.h"
#include "base/log.h"

struct engine;

/* What the engine needs of a loop. A test puts a clock of its own under it. */
struct engine_clock {
    hg_ns (*now)(void *arg);       /* monotonic */
    int64_t (*wall_us)(void *arg); /* microseconds since 1970 */

    /* Calls engine_run once, soon, from the loop, with nothing of Lua on the stack. Asked again
     * before that has happened, once is enough. */
    void (*run_soon)(void *arg);

    /* Calls engine_run at `due`, a moment of now(); the engine has one timer, a new moment replaces
     * the old one. 0 clears it. */
    void (*set_timer)(void *arg, hg_ns due);

    void *arg;
};

/* Zero means the default. */
struct engine_setup {
    struct engine_clock clock;

    /* What print() and complaints about lost errors become. `text` is borrowed. NULL: to log.h. */
    void (*on_log)(void *arg, enum log_level level, hg_str text);
    void *log_arg;

    /* A folder with headgate/?.lua to use instead of the library inside the binary. Borrowed until
     * engine_free. NULL: the one inside. */
    const char *library_path;

    size_t memory_limit;     /* of the whole state, live bytes; 64 MB */
    size_t request_memory;   /* allocated, not live, by one request with its children; 8 MB */
    hg_ns resume_budget;     /* processor time between two waits; 20 ms, counted in 10 ms ticks */
    hg_ns request_budget;    /* processor time of one request with its children; 50 ms */
    unsigned detached_limit; /* detached tasks alive at once; 256 */
    unsigned children_limit; /* tasks alive at once below one request; 64 */
    bool count_instructions; /* for `headgate test`: see engine_instructions; makes Lua slow */
};

/* NULL with a reason if it cannot be. The module `headgate.host` begins with the functions that
 * need nothing but time: now, clock, sleep, spawn, detach, wait, result, cancel (task.c). */
struct engine *engine_new(const struct engine_setup *setup, struct error *error);

/* Ends what still runs (on_end is called with ROUTINE_CANCELLED), then frees the state. */
void engine_free(struct engine **engine);

/* Adds C functions to the module `name` and makes the module if there is none. Each function has
 * `upvalue` as light userdata at lua_upvalueindex(1). `headgate.host` is for library modules only,
 * routes cannot require it. Call this before the first engine_load_route: the library looks its
 * functions up when it is loaded. */
bool engine_add_library(struct engine *engine, const char *name, const luaL_Reg *functions,
                        void *upvalue, struct error *error);

/* Runs a route file in an environment of its own and keeps what it returns; *ret_ref is for
 * lua_rawgeti(L, LUA_REGISTRYINDEX, ref). `name` is what errors call it ("routes/chat.lua"), and
 * every error begins with name:line. Waiting is not possible while it runs. */
bool engine_load_route(struct engine *engine, const char *name, hg_str source, int *ret_ref,
                       struct error *error);
void engine_unref(struct engine *engine, int *ref); /* sets it to LUA_NOREF */

/* The value a library module returns, as routes see it, for "headgate.default_route" and such. */
bool engine_require(struct engine *engine, const char *module, int *ret_ref, struct error *error);

/* Calls fn with `arg` as light userdata at index 1, protected, at load time: it may raise, and may
 * not wait. The way for C to read what a route file returned. */
bool engine_protected(struct engine *engine, lua_CFunction fn, void *arg, struct error *error);

/* Goes on with whatever is due; see engine_clock. */
void engine_run(struct engine *engine);

/* A step of the garbage collector, for a turn of the loop with nothing to do. True when a cycle was
 * finished, so that more steps are pointless until something ran again. */
bool engine_idle(struct engine *engine);

/* For C functions that scripts call: charges the running code for memory that C allocates on its
 * behalf outside of Lua, and raises if that code is to end, for what it has allocated or for its
 * processor time. A loop over what a script gave calls it in each turn, with 0 if nothing was
 * allocated. */
void engine_charge(lua_State *L, size_t bytes);

/* The engine a state or a coroutine belongs to; cheap. */
struct engine *engine_of(lua_State *L);
lua_State *engine_state(struct engine *engine);

struct engine_stats {
    size_t memory;     /* live bytes, as the allocator sees it */
    unsigned routines; /* alive: running, queued or waiting */
    unsigned pooled;   /* coroutines ready for reuse */
    uint64_t started, failed, overran, cancelled;
};
struct engine_stats engine_stats(const struct engine *engine);

/* Instructions counted since the last call, in files whose names begin with `prefix`.
 * Only with count_instructions. */
uint64_t engine_instructions(struct engine *engine, const char *prefix);
