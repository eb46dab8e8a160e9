/* Ends code that runs too long. A permanent hook would halve the speed of every route, so there is
 * none: a timer that counts this thread's processor time ticks each 10 ms, and its signal handler
 * arms a hook on the coroutine that runs, if the same stretch of code was running for too many
 * ticks. An idle process gets no signals, and other threads' work does not count.
 *
 * The hook leaves the coroutine by a yield that nobody will continue: no pcall sees it, and the
 * depth of the stack does not matter. Where a yield is impossible (below table.sort, at load time,
 * in <close> variables) it raises, and stays armed, so that code which catches the error gets it
 * again at its next instruction. */
#include "script/inside.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TICK_MS = 10,
    LOAD_TICKS = 50, /* loading a route may compile and build for half a second */
    CLOSE_TICKS = 2  /* for all <close> variables of one request that was ended */
};

static const char *reason_text(enum budget_reason reason)
{
    switch (reason) {
    case BUDGET_RESUME:
        return "used too much processor time without waiting";
    case BUDGET_REQUEST:
        return "used too much processor time for one request";
    case BUDGET_MEMORY:
        return "allocated too much memory for one request";
    case BUDGET_CANCEL:
        return "was cancelled";
    case BUDGET_KEPT:
        break;
    }
    return "was stopped";
}

/* The number of instructions between two calls is 1, and what it counts is for people who read a
 * report: a linear search through a few names will do. */
static void count_instruction(struct engine *engine, lua_State *L, lua_Debug *ar)
{
    struct counted *counted = engine->counted;
    size_t i = 0;

    lua_getinfo(L, "S", ar);

    const char *name = ar->source + (*ar->source == '@' || *ar->source == '=');
    enum {
        MOST = sizeof counted->name - 1
    };

    while (i < engine->counted_count && strncmp(counted[i].name, name, MOST) != 0)
        i++;
    if (i == engine->counted_count) {
        if (i == sizeof engine->counted / sizeof *engine->counted)
            return;
        strncpy(counted[i].name, name, MOST);
        engine->counted_count++;
    }
    counted[i].instructions++;
}

static const char *current_reason(const struct engine *engine)
{
    return reason_text((enum budget_reason)engine->budget.reason);
}

/* With the place for the first time; then without, because that needs no memory: there may be none
 * left, and thousands of <close> variables to get it. */
static void push_reason(struct engine *engine, lua_State *L)
{
    if (engine->budget.is_noted) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, current_reason(engine));
        return;
    }
    engine->budget.is_noted = true;
    luaL_where(L, 0);
    lua_pushstring(L, current_reason(engine));
    lua_concat(L, 2);
}

static void note_place(struct engine *engine, lua_State *L)
{
    if (engine->budget.is_noted || !routine_of(L))
        return;
    push_reason(engine, L);
    routine_note_error(L, 0);
    lua_pop(L, 1);
}

void budget_open(lua_State *L)
{
    for (int reason = BUDGET_KEPT; reason <= BUDGET_CANCEL; reason++) {
        lua_pushstring(L, reason_text((enum budget_reason)reason));
        lua_rawsetp(L, LUA_REGISTRYINDEX, reason_text((enum budget_reason)reason));
    }
}

static void on_instruction(lua_State *L, lua_Debug *ar)
{
    struct engine *engine = engine_of(L);

    if (engine->setup.count_instructions)
        count_instruction(engine, L, ar);
    if (engine->budget.reason == BUDGET_KEPT)
        return;

    if (lua_isyieldable(L)) {
        note_place(engine, L);
        lua_yield(L, 0);
        return;
    }
    push_reason(engine, L);
    lua_error(L);
}

void budget_check(lua_State *L)
{
    if (budget_is_spent(L))
        luaL_error(L, "%s", reason_text((enum budget_reason)engine_of(L)->budget.reason));
}

/* lua_sethook is made to be called from signal handlers. */
void budget_arm(struct budget *budget, enum budget_reason reason)
{
    lua_State *L = budget->running;

    if (!L || budget->reason != BUDGET_KEPT)
        return;
    budget->reason = (sig_atomic_t)reason;
    lua_sethook(L, on_instruction, LUA_MASKCOUNT, 1);
}

static bool is_over_request(const struct budget *budget, const struct account *account)
{
    unsigned limit = account->is_closing ? CLOSE_TICKS : budget->request_limit;

    return account->ticks >= limit && budget->limit != LOAD_TICKS;
}

static void on_tick(int signal, siginfo_t *info, void *where)
{
    (void)signal;
    (void)where;
    /* Somebody else's kill(2) carries no budget. */
    if (info->si_code != SI_TIMER || !info->si_value.sival_ptr)
        return;

    struct budget *budget = info->si_value.sival_ptr;
    struct account *account = budget->account;

    if (!budget->running || !account)
        return;
    budget->resume_ticks++;
    account->ticks++;
    if (budget->resume_ticks >= budget->limit)
        budget_arm(budget, BUDGET_RESUME);
    else if (is_over_request(budget, account))
        budget_arm(budget, BUDGET_REQUEST);
}

static unsigned ticks_of(hg_ns time)
{
    hg_ns ticks = time / (TICK_MS * INT64_C(1000000));

    return ticks < 1 ? 1 : ticks > 1000000 ? 1000000 : (unsigned)ticks;
}

static bool start_ticking(struct budget *budget)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    struct itimerspec each = {tick, tick};

    sigfillset(&action.sa_mask);
    event.sigev_value.sival_ptr = budget;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (sigaction(SIGVTALRM, &action, NULL) != 0 ||
        timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &budget->timer) != 0)
        return false;
    budget->has_timer = true;
    return timer_settime(budget->timer, 0, &each, NULL) == 0;
}

bool budget_init(struct engine *engine, struct error *error)
{
    struct budget *budget = &engine->budget;

    budget->resume_limit = ticks_of(engine->setup.resume_budget);
    budget->request_limit = ticks_of(engine->setup.request_budget);
    budget->memory_limit = engine->setup.request_memory;
    if (start_ticking(budget))
        return true;
    return error_set(error, "no timer for the processor time of scripts: %s", strerror(errno));
}

void budget_done(struct engine *engine)
{
    if (engine->budget.has_timer)
        timer_delete(engine->budget.timer);
    engine->budget.has_timer = false;
}

struct stretch budget_enter(struct engine *engine, lua_State *L, struct account *account)
{
    struct budget *budget = &engine->budget;
    struct stretch outer = {.running = budget->running,
                            .account = budget->account,
                            .ticks = budget->resume_ticks,
                            .limit = budget->limit,
                            .reason = budget->reason,
                            .is_noted = budget->is_noted};

    budget->running = NULL; /* a tick in between must not see half of the change */
    budget->account = account;
    budget->resume_ticks = 0;
    budget->limit = account == &engine->load_account ? LOAD_TICKS : budget->resume_limit;
    if (account->is_closing)
        budget->limit = CLOSE_TICKS;
    budget->reason = BUDGET_KEPT;
    budget->is_noted = false;
    if (engine->setup.count_instructions)
        lua_sethook(L, on_instruction, LUA_MASKCOUNT, 1);
    budget->running = L;
    if (account->allocated > budget->memory_limit)
        budget_arm(budget, BUDGET_MEMORY);
    else if (is_over_request(budget, account))
        budget_arm(budget, BUDGET_REQUEST);
    return outer;
}

enum budget_reason budget_leave(struct engine *engine, struct stretch outer)
{
    struct budget *budget = &engine->budget;
    lua_State *L = budget->running;

    budget->running = NULL;

    enum budget_reason reason = (enum budget_reason)budget->reason;

    if (reason != BUDGET_KEPT)
        lua_sethook(L, NULL, 0, 0);
    budget->account = outer.account;
    budget->resume_ticks = outer.ticks;
    budget->limit = outer.limit;
    budget->reason = outer.reason;
    budget->is_noted = outer.is_noted;
    budget->running = outer.running;
    return reason;
}
