/* loop.h - time and readiness: the one event loop of a process. Everything here is for its thread.
 *
 * With net/ the only user of libevent. Timers have a heap of their own, because nearly all of them
 * are moved on before they fire: moving one to a later moment costs a store. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>

#include <headgate/abi.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop **loop);

/* Runs until loop_stop; what the turn has begun is still finished. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs one turn, waiting at most `wait` for something to happen. For tests. */
void loop_turn(struct loop *loop, hg_ns wait);

/* ---- timers ------------------------------------------------------------------------------ */

/* Embed it, zeroed; set fn and arg before timer_set. `heap_at`, `heap_due` are the loop's. */
struct timer {
    void (*fn)(void *arg);
    void *arg;
    hg_ns due; /* the moment it fires; 0: not set */
    hg_ns heap_due;
    uint32_t heap_at;
};

/* Fires once at `due`, a moment of clock_now(); setting it again moves it. */
void timer_set(struct loop *loop, struct timer *timer, hg_ns due);
void timer_clear(struct loop *loop, struct timer *timer); /* required before its memory goes */

/* ---- tasks: "run me again soon", the only way to go on later -------------------------------- */

struct task {
    void (*fn)(void *arg);
    void *arg;
    struct task *next;
    bool queued;
};

/* Runs once, after the callback that is running now has returned and before the loop sleeps. */
void task_queue(struct loop *loop, struct task *task);
void task_clear(struct loop *loop, struct task *task); /* required before its memory goes */

/* ---- descriptors and signals ---------------------------------------------------------------- */

enum {
    WATCH_READ = 1,
    WATCH_WRITE = 2
};

/* Level-triggered readiness of one descriptor. Embed it. */
struct watch {
    struct loop *loop;
    void (*fn)(void *arg, unsigned ready);
    void *arg;
    unsigned want;
    struct event read, write;
};

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*fn)(void *arg, unsigned ready), void *arg);
void watch_want(struct watch *watch, unsigned want); /* costs nothing if it is what was wanted */
void watch_done(struct watch *watch);                /* before the descriptor is closed */

/* Calls fn(arg, signal) from the loop. Lasts as long as the loop does. */
void loop_on_signal(struct loop *loop, int signal, void (*fn)(void *arg, int signal), void *arg);
