/* The clock of a test: it stands still while the engine runs, and jumps to whatever is due next. */
#include "cli/test.h"

static hg_ns clock_of_bench(void *arg)
{
    return ((struct bench *)arg)->now;
}

/* The tests begin at a moment that is easy to recognise: 2026-01-01, noon. */
static int64_t wall_of_bench(void *arg)
{
    return INT64_C(1767268800000000) + ((struct bench *)arg)->now / 1000;
}

static void soon(void *arg)
{
    ((struct bench *)arg)->is_soon = true;
}

static void set_timer(void *arg, hg_ns due)
{
    ((struct bench *)arg)->timer = due;
}

struct engine_clock bench_clock(struct bench *bench)
{
    return (struct engine_clock){clock_of_bench, wall_of_bench, soon, set_timer, bench};
}

bool bench_turn(struct bench *bench)
{
    if (bench->is_soon) {
        bench->is_soon = false;
    } else if (bench->timer) {
        if (bench->timer > bench->now)
            bench->now = bench->timer;
        bench->timer = 0;
    } else {
        return false;
    }
    engine_run(bench->engine);
    return true;
}
