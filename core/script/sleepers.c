/* Who sleeps until when: a heap of routines, the earliest first. A routine waits for one thing at a
 * time, so each has one place in it. */
#include "script/inside.h"

#include <stdlib.h>

#include "base/memory.h"

static void put_at(struct engine *engine, size_t at, struct routine *routine)
{
    engine->heap[at] = routine;
    routine->heap_at = at;
}

static void sift_up(struct engine *engine, size_t at, struct routine *routine)
{
    while (at > 0 && routine->due < engine->heap[(at - 1) / 2]->due) {
        put_at(engine, at, engine->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put_at(engine, at, routine);
}

static void sift_down(struct engine *engine, size_t at, struct routine *routine)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < engine->heap_count &&
            engine->heap[child + 1]->due < engine->heap[child]->due)
            child++;
        if (child >= engine->heap_count || routine->due <= engine->heap[child]->due)
            break;
        put_at(engine, at, engine->heap[child]);
        at = child;
    }
    put_at(engine, at, routine);
}

void sleepers_tell(struct engine *engine)
{
    hg_ns next = sleepers_next(engine);

    if (next == engine->timer_at || engine->is_closing)
        return;
    engine->timer_at = next;
    engine->setup.clock.set_timer(engine->setup.clock.arg, next);
}

void sleepers_set(struct routine *routine, hg_ns due, int (*push)(lua_State *L, void *arg))
{
    struct engine *engine = routine->engine;

    sleepers_clear(routine);
    if (engine->heap_count == engine->heap_cap) {
        engine->heap_cap = engine->heap_cap ? 2 * engine->heap_cap : 64;
        engine->heap = xrealloc(engine->heap, engine->heap_cap * sizeof(struct routine *));
    }
    routine->due = due > 0 ? due : 1;
    routine->on_due = push;
    sift_up(engine, engine->heap_count++, routine);
    sleepers_tell(engine);
}

void sleepers_clear(struct routine *routine)
{
    struct engine *engine = routine->engine;
    size_t at = routine->heap_at;

    if (!routine->due)
        return;
    routine->due = 0;

    struct routine *last = engine->heap[--engine->heap_count];

    if (last == routine)
        return;
    if (at > 0 && last->due < engine->heap[(at - 1) / 2]->due)
        sift_up(engine, at, last);
    else
        sift_down(engine, at, last);
}

struct routine *sleepers_due(struct engine *engine, hg_ns now)
{
    struct routine *routine = engine->heap_count ? engine->heap[0] : NULL;

    if (!routine || routine->due > now)
        return NULL;
    sleepers_clear(routine);
    return routine;
}

hg_ns sleepers_next(const struct engine *engine)
{
    return engine->heap_count ? engine->heap[0]->due : 0;
}

void sleepers_done(struct engine *engine)
{
    free(engine->heap);
    engine->heap = NULL;
    engine->heap_count = engine->heap_cap = 0;
}
