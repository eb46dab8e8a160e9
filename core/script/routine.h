/* routine.h - a coroutine with a life: it is started, waits, is woken, and ends exactly once.
 *
 *   start ──► RUNNING ──────────────── returned ──────────────► on_end(DONE)
 *               │  ▲                   raised an error ───────► on_end(FAILED)
 *    routine_wait  resumed by          ran out of budget ─────► on_end(OVERRAN)
 *               ▼  │ engine_run
 *            WAITING ◄── routine_wake: only queued ── never resumed on the caller's stack
 *               │
 *               └─ routine_cancel: the wait's cancel, then <close> variables ─► on_end(CANCELLED)
 *
 * No line of the script runs after the wait that was cancelled, so no pcall can swallow it. */
#pragma once

#include "script/engine.h"

struct routine;

enum routine_outcome {
    ROUTINE_DONE,
    ROUTINE_FAILED,
    ROUTINE_OVERRAN,
    ROUTINE_CANCELLED
};

struct routine_setup {
    int function; /* a reference in the registry, as engine_load_route gives them */

    /* Pushes the arguments and returns how many; may raise. NULL: none. */
    int (*push)(lua_State *L, void *arg);

    /* Called once, from routine_start, engine_run or routine_cancel, with no Lua running. On DONE
     * the results are L's stack, 1 to lua_gettop(L). Only raw access there: nothing that can raise.
     * The routine is gone when it returns. It may start and cancel other routines. */
    void (*on_end)(struct routine *routine, lua_State *L, enum routine_outcome outcome, void *arg);

    void *arg;

    /* For what must not wait: its name in the message, as in "cannot wait inside match". Then the
     * routine has ended when routine_start returns, unless Lua was running already. */
    const char *never_waits;
};

/* Runs it up to its first wait, or queues it if Lua is running already. NULL if it has ended by
 * then: on_end has been called before this returns. */
struct routine *routine_start(struct engine *engine, const struct routine_setup *setup);

/* Ends it now, with its children. Cancelling the one that is running takes effect when the running
 * C function returns to Lua. */
void routine_cancel(struct routine *routine);

/* The routine that runs on L; NULL while a route is being loaded. */
struct routine *routine_of(lua_State *L);

/* The `arg` of the routine_start at the top of its family; NULL for detached tasks. */
void *routine_arg(const struct routine *routine);

/* For on_end after FAILED or OVERRAN: "routes/chat.lua:7: ..." and the same with the stack below
 * it. Empty otherwise. Valid until on_end returns. */
const char *routine_message(const struct routine *routine);
const char *routine_traceback(const struct routine *routine);

/* ---- waiting: for C functions that scripts call -------------------------------------------- */

/* One wait of one routine. It goes stale when that wait is over, and a stale one is harmless. */
struct routine_handle {
    struct routine *routine;
    uint32_t turn;
};

/* The wait that is going on, or the next one if the routine is running. Take it before starting
 * what will wake it; whoever gave it away must then end in routine_wait. */
struct routine_handle routine_handle(struct routine *routine);

/* In a C function: `return routine_wait(L, cancel, arg);` as its last act. What push pushes later
 * are the function's results. If it was woken meanwhile, that happens at once, without a yield.
 *
 * Raises "cannot wait ..." at load time, inside table.sort, while being cancelled and so on; call
 * routine_check_wait before starting what would then have to be undone.
 *
 * Exactly one of `cancel` and the wake's `push` is called, even if the routine is cancelled between
 * wake and resume. `cancel` may be NULL, must not raise, and must not wake. */
int routine_wait(lua_State *L, void (*cancel)(void *arg), void *arg);
void routine_check_wait(lua_State *L);

/* Queues the routine; engine_run resumes it and calls push(L, arg), which returns the number of
 * results, may raise, and may itself end in `return routine_wait(...)`. NULL: no results. May be
 * called from anywhere on the thread. False if the handle was stale: then nothing of it is kept and
 * push is not called. */
bool routine_wake(struct routine_handle handle, int (*push)(lua_State *L, void *arg), void *arg);
