#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static struct {
    hg_ns now;
    int64_t wall_us;
    bool frozen;
} current;

static hg_ns read_clock(clockid_t id)
{
    struct timespec at;

    clock_gettime(id, &at);
    return at.tv_sec * NS_PER_S + at.tv_nsec;
}

void clock_update(void)
{
    if (current.frozen)
        return;
    current.now = read_clock(CLOCK_MONOTONIC);
    current.wall_us = read_clock(CLOCK_REALTIME) / 1000;
}

hg_ns clock_now(void)
{
    if (!current.now)
        clock_update();
    return current.now;
}

int64_t clock_wall_us(void)
{
    if (!current.now)
        clock_update();
    return current.wall_us;
}

hg_ns clock_precise(void)
{
    return current.frozen ? current.now : read_clock(CLOCK_MONOTONIC);
}

hg_ns clock_coarse(void)
{
    return current.frozen ? current.now : read_clock(CLOCK_MONOTONIC_COARSE);
}

void clock_freeze(hg_ns now)
{
    current.frozen = now != 0;
    current.now = now;
    current.wall_us = now / 1000;
}
