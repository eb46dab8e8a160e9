#include "loop/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"

enum {
    SIGNALS_MAX = 12
};

struct signal_watch {
    struct loop *loop;
    struct event event;
    void (*fn)(void *arg, int signal);
    void *arg;
};

struct loop {
    struct event_base *base;
    bool stopping, awake;

    /* A binary heap by heap_due, from place 1. A timer moved to later keeps its place until that
     * comes up; only then it sinks. */
    struct timer **heap;
    uint32_t heap_count, heap_room;
    struct event tick;
    hg_ns tick_due; /* 0: not armed */

    struct task *first, *last;
    struct signal_watch signals[SIGNALS_MAX];
    unsigned signal_count;
};

/* The clock is read once a turn, by whatever callback comes first after the sleep. */
static void loop_wake(struct loop *loop)
{
    if (!loop->awake) {
        loop->awake = true;
        clock_update();
    }
}

/* ---- timers ------------------------------------------------------------------------------ */

static void heap_put(struct loop *loop, uint32_t at, struct timer *timer)
{
    loop->heap[at] = timer;
    timer->heap_at = at;
}

static void heap_rise(struct loop *loop, uint32_t at, struct timer *timer)
{
    for (; at > 1 && loop->heap[at / 2]->heap_due > timer->heap_due; at /= 2)
        heap_put(loop, at, loop->heap[at / 2]);
    heap_put(loop, at, timer);
}

static void heap_sink(struct loop *loop, uint32_t at, struct timer *timer)
{
    for (uint32_t child = at * 2; child <= loop->heap_count; at = child, child *= 2) {
        if (child < loop->heap_count &&
            loop->heap[child + 1]->heap_due < loop->heap[child]->heap_due)
            child++;
        if (loop->heap[child]->heap_due >= timer->heap_due)
            break;
        heap_put(loop, at, loop->heap[child]);
    }
    heap_put(loop, at, timer);
}

static void heap_remove(struct loop *loop, struct timer *timer)
{
    uint32_t at = timer->heap_at;
    struct timer *last = loop->heap[loop->heap_count--];

    timer->heap_at = 0;
    if (last == timer)
        return;
    if (last->heap_due < timer->heap_due)
        heap_rise(loop, at, last);
    else
        heap_sink(loop, at, last);
}

void timer_set(struct loop *loop, struct timer *timer, hg_ns due)
{
    timer->due = due > 0 ? due : 1;
    if (timer->heap_at && timer->heap_due <= timer->due)
        return;
    if (timer->heap_at)
        heap_remove(loop, timer);
    if (loop->heap_count + 1 >= loop->heap_room) {
        loop->heap_room = loop->heap_room ? loop->heap_room * 2 : 64;
        loop->heap = xrealloc(loop->heap, loop->heap_room * sizeof *loop->heap);
    }
    timer->heap_due = timer->due;
    heap_rise(loop, ++loop->heap_count, timer);
}

void timer_clear(struct loop *loop, struct timer *timer)
{
    timer->due = 0;
    if (timer->heap_at)
        heap_remove(loop, timer);
}

static void timers_run(struct loop *loop)
{
    hg_ns now = clock_now();

    while (loop->heap_count && loop->heap[1]->heap_due <= now) {
        struct timer *timer = loop->heap[1];

        if (timer->due > timer->heap_due) { /* after those that are due before it */
            timer->heap_due = timer->due;
            heap_sink(loop, 1, timer);
            continue;
        }
        heap_remove(loop, timer);
        timer->due = 0;
        timer->fn(timer->arg);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd, (void)what;
    loop->tick_due = 0;
    loop_wake(loop);
}

/* Makes libevent wake us for the earliest timer. An earlier waking than needed is harmless, so the
 * tick is only moved when it would come too late. */
static void tick_arm(struct loop *loop)
{
    if (!loop->heap_count || (loop->tick_due && loop->tick_due <= loop->heap[1]->heap_due))
        return;
    hg_ns wait = loop->heap[1]->heap_due - clock_now();
    struct timeval tv = {0, 0};

    if (wait > 0) {
        wait += NS_PER_MS / 2; /* epoll counts in milliseconds: rather once a little late */
        tv = (struct timeval){wait / NS_PER_S, wait % NS_PER_S / 1000};
    }
    loop->tick_due = loop->heap[1]->heap_due;
    event_add(&loop->tick, &tv);
}

/* ---- tasks ------------------------------------------------------------------------------- */

void task_queue(struct loop *loop, struct task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    if (loop->first)
        loop->last->next = task;
    else
        loop->first = task;
    loop->last = task;
}

void task_clear(struct loop *loop, struct task *task)
{
    if (!task->queued)
        return;
    struct task *before = NULL;

    for (struct task *at = loop->first; at != task; at = at->next)
        before = at;
    if (before)
        before->next = task->next;
    else
        loop->first = task->next;
    if (loop->last == task)
        loop->last = before;
    task->queued = false;
}

/* A task that queues tasks without end must not keep sockets from being looked at. */
static void tasks_run(struct loop *loop)
{
    enum {
        AT_ONCE = 1000
    };

    for (int i = 0; loop->first && i < AT_ONCE; i++) {
        struct task *task = loop->first;

        loop->first = task->next;
        task->queued = false;
        task->fn(task->arg);
    }
}

/* ---- the loop ------------------------------------------------------------------------------ */

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    struct event_config *config = event_config_new();

    ensure(config);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    ensure(loop->base);
    event_assign(&loop->tick, loop->base, -1, 0, on_tick, loop);
    clock_update();
    return loop;
}

void loop_free(struct loop **loop)
{
    if (!*loop)
        return;
    event_del(&(*loop)->tick);
    for (unsigned i = 0; i < (*loop)->signal_count; i++)
        event_del(&(*loop)->signals[i].event);
    event_base_free((*loop)->base);
    free((*loop)->heap);
    free(*loop);
    *loop = NULL;
}

static void turn(struct loop *loop, int flags)
{
    tick_arm(loop);
    loop->awake = false;
    event_base_loop(loop->base, flags);
    loop_wake(loop);
    timers_run(loop);
    tasks_run(loop);
}

void loop_run(struct loop *loop)
{
    tasks_run(loop);
    while (!loop->stopping)
        turn(loop, loop->first ? EVLOOP_NONBLOCK : EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_turn(struct loop *loop, hg_ns wait)
{
    struct timeval tv = {wait / NS_PER_S, wait % NS_PER_S / 1000};

    tasks_run(loop);
    event_base_loopexit(loop->base, &tv);
    turn(loop, loop->first ? EVLOOP_NONBLOCK : EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

/* ---- descriptors and signals ---------------------------------------------------------------- */

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;
    unsigned ready = (what & EV_READ ? WATCH_READ : 0u) | (what & EV_WRITE ? WATCH_WRITE : 0u);

    (void)fd;
    loop_wake(watch->loop);
    watch->fn(watch->arg, ready);
}

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*fn)(void *arg, unsigned ready), void *arg)
{
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    watch->want = 0;
    event_assign(&watch->read, loop->base, fd, EV_READ | EV_PERSIST, on_ready, watch);
    event_assign(&watch->write, loop->base, fd, EV_WRITE | EV_PERSIST, on_ready, watch);
}

static void event_switch(struct event *event, bool was, bool is)
{
    if (was == is)
        return;
    if (is)
        ensure(event_add(event, NULL) == 0);
    else
        event_del(event);
}

void watch_want(struct watch *watch, unsigned want)
{
    event_switch(&watch->read, watch->want & WATCH_READ, want & WATCH_READ);
    event_switch(&watch->write, watch->want & WATCH_WRITE, want & WATCH_WRITE);
    watch->want = want;
}

void watch_done(struct watch *watch)
{
    watch_want(watch, 0);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    struct signal_watch *watch = arg;

    (void)what;
    loop_wake(watch->loop);
    watch->fn(watch->arg, (int)signal);
}

void loop_on_signal(struct loop *loop, int signal, void (*fn)(void *arg, int signal), void *arg)
{
    ensure(loop->signal_count < SIGNALS_MAX);
    struct signal_watch *watch = &loop->signals[loop->signal_count++];

    *watch = (struct signal_watch){.loop = loop, .fn = fn, .arg = arg};
    event_assign(&watch->event, loop->base, signal, EV_SIGNAL | EV_PERSIST, on_signal, watch);
    event_add(&watch->event, NULL);
}
