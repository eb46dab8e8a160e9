/* inside.h - what the files of script/ know of each other. Nobody else includes it. */
#pragma once

#include <signal.h>
#include <sys/queue.h>
#include <time.h>

#include "script/routine.h"

/* What one request, with all its children, has used up. */
struct account {
    size_t allocated; /* gross: what is freed again does not come off */
    unsigned ticks;
    unsigned children;
    bool is_closing; /* for the <close> variables of what was ended */
};

enum routine_state {
    ROUTINE_IDLE,    /* in the pool; its stack is empty */
    ROUTINE_FRESH,   /* queued for its first resume */
    ROUTINE_RUNNING, /* inside lua_resume */
    ROUTINE_PARKED,  /* waits */
    ROUTINE_WOKEN,   /* queued for the next resume */
    ROUTINE_ENDING
};

LIST_HEAD(routine_list, routine);
TAILQ_HEAD(routine_queue, routine);

struct routine {
    struct engine *engine;
    lua_State *L; /* NULL in the pool of those whose coroutine was dropped */
    enum routine_state state;
    uint32_t turn; /* goes up with each wake, cancel and end */
    uint32_t life; /* goes up with each end */

    struct routine_setup setup;
    int arguments; /* on the stack already when it starts */
    bool early;    /* woken before it waited */
    bool awaits;   /* for its children, in host.wait */
    bool doomed;   /* cancelled while it runs */
    bool failed;   /* the script raised an error nobody caught */
    char *message, *traceback;

    void (*cancel)(void *arg);
    void *cancel_arg;
    int (*push)(lua_State *L, void *arg);
    void *push_arg;

    struct routine *parent, *root;   /* a root is its own; a detached task too */
    struct account account, closing; /* used in roots */
    struct task *task;               /* the child's face in Lua; NULL for what C started */
    bool is_detached;
    struct routine_list children;
    LIST_ENTRY(routine) sibling; /* among the children, or the engine's roots, or in a pool */
    TAILQ_ENTRY(routine) queued;

    hg_ns due; /* of its timer; 0: not set */
    int (*on_due)(lua_State *L, void *arg);
    size_t heap_at;
};

/* Written by the signal handler, or read by it; see budget.c. */
struct budget {
    lua_State *volatile running;
    struct account *volatile account;
    volatile unsigned resume_ticks;
    volatile sig_atomic_t reason; /* enum budget_reason */
    volatile unsigned limit;      /* of resume_ticks in this stretch */
    unsigned resume_limit, request_limit;
    size_t memory_limit;
    timer_t timer;
    bool has_timer;
    bool is_noted; /* the place where the code was stopped */
};
enum budget_reason {
    BUDGET_KEPT,
    BUDGET_RESUME,
    BUDGET_REQUEST,
    BUDGET_MEMORY,
    BUDGET_CANCEL
};

struct engine {
    lua_State *L;
    struct engine_setup setup;
    struct budget budget;
    struct account load_account; /* charged while no routine runs */
    size_t memory;               /* live bytes */
    bool is_closing;

    struct routine *running;
    struct routine_list roots, pool, bare; /* bare: without a coroutine */
    unsigned pooled, alive, detached;
    struct routine_queue ready;
    unsigned ready_count;
    bool is_asked; /* run_soon was called and engine_run has not come yet */
    struct engine_stats stats;

    struct routine **heap; /* by due, the earliest first */
    size_t heap_count, heap_cap;
    hg_ns timer_at; /* what set_timer was told */

    struct counted {
        char name[128];
        uint64_t instructions;
    } counted[32];
    size_t counted_count;
};

/* budget.c */
bool budget_init(struct engine *engine, struct error *error);
void budget_done(struct engine *engine);
void budget_open(lua_State *L); /* keeps the messages, so that raising them needs no memory */

/* A stretch in which code runs on L and is charged to `account`. They nest: put back what enter
 * gave. leave says why the code had to be stopped, if it had to, and takes the hook off. */
struct stretch {
    lua_State *running;
    struct account *account;
    unsigned ticks, limit;
    int reason;
    bool is_noted;
};
struct stretch budget_enter(struct engine *engine, lua_State *L, struct account *account);
enum budget_reason budget_leave(struct engine *engine, struct stretch outer);

/* Ends what runs now at its next instruction. Safe in a signal handler. */
void budget_arm(struct budget *budget, enum budget_reason reason);

/* For C functions that loop over what a script gave them: raises if the running code is to end. */
static inline bool budget_is_spent(lua_State *L)
{
    return engine_of(L)->budget.reason != BUDGET_KEPT;
}
void budget_check(lua_State *L);

/* engine.c */
void engine_soon(struct engine *engine);
void engine_log(struct engine *engine, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* sandbox.c: the names scripts see. All of these may raise. */
void sandbox_open(lua_State *L);
void sandbox_push_env(lua_State *L, bool is_library); /* an environment for one chunk */
/* Replaces the table at the top by a read-only face of it. With `name`, reading a field that does
 * not exist is an error that suggests one. */
void sandbox_protect(lua_State *L, const char *name);
/* What the C function at the top is called ("table.sort"); NULL if unknown. Pops it. */
const char *sandbox_name(lua_State *L);

void strings_open(lua_State *L); /* turns the string library at the top into ours */
void tables_open(lua_State *L);  /* the same for table */

/* require.c: may raise too */
void require_open(lua_State *L);
void require_push(lua_State *L, bool is_library); /* the function `require` */
void require_set(lua_State *L, const char *name); /* pops the value of module `name` */
void require_get(lua_State *L, const char *name, bool is_library); /* loads it and pushes it */

/* routine.c */
void routines_init(struct engine *engine);
void routines_free(struct engine *engine);   /* ends all; the state still exists */
void routines_forget(struct engine *engine); /* the memory, once the state is gone */
bool routines_run(struct engine *engine);    /* true: there is more to do */
struct routine *routine_take(lua_State *L);  /* from the pool; may raise */
/* Queues what routine_take gave, as a child of `parent` or detached (NULL). */
void routine_queue(struct routine *routine, struct routine *parent);
int routine_on_error(lua_State *L); /* a message handler that keeps message and traceback */
/* The same for the text at the top, which stays; the traceback begins at `level`. */
void routine_note_error(lua_State *L, int level);
void routine_failed(lua_State *L, struct routine *routine); /* with the error at the top */

/* task.c */
struct task {
    struct routine *routine;
    uint32_t life;
    enum {
        TASK_ALIVE,
        TASK_DONE,
        TASK_FAILED,
        TASK_CANCELLED
    } state;
};
void task_open(lua_State *L); /* adds to the table at the top what headgate.host has of ours */
void task_ended(struct routine *routine, enum routine_outcome outcome);

/* words.c */
void words_open(lua_State *L); /* the same */

/* sleepers.c */
/* At `due` the routine is woken with `push`. It must be about to wait. */
void sleepers_set(struct routine *routine, hg_ns due, int (*push)(lua_State *L, void *arg));
void sleepers_clear(struct routine *routine);
struct routine *sleepers_due(struct engine *engine, hg_ns now); /* taken out; NULL: none */
void sleepers_tell(struct engine *engine);                      /* the loop, when to come */
hg_ns sleepers_next(const struct engine *engine);               /* 0: none */
void sleepers_done(struct engine *engine);
