#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "support/suite.h"

static struct loop *loop;
static int fired[4], count;

static void fire(void *arg)
{
    fired[count++] = *(int *)arg;
    if (count == 3)
        loop_stop(loop);
}

START_TEST(timers_fire_in_the_order_of_their_moments)
{
    static int names[] = {1, 2, 3};
    struct timer timers[3] = {0};

    loop = loop_new();
    count = 0;
    for (int i = 0; i < 3; i++)
        timers[i] = (struct timer){.fn = fire, .arg = &names[i]};
    timer_set(loop, &timers[2], clock_now() + 9 * NS_PER_MS);
    timer_set(loop, &timers[0], clock_now() + 3 * NS_PER_MS);
    timer_set(loop, &timers[1], clock_now() + 6 * NS_PER_MS);
    loop_run(loop);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fired[i], i + 1);
    loop_free(&loop);
}
END_TEST

START_TEST(a_timer_that_was_moved_fires_at_the_later_moment)
{
    static int one = 1, two = 2, three = 3;
    struct timer moved = {.fn = fire, .arg = &three}, first = {.fn = fire, .arg = &one};
    struct timer second = {.fn = fire, .arg = &two};

    loop = loop_new();
    count = 0;
    timer_set(loop, &moved, clock_now() + 2 * NS_PER_MS);
    timer_set(loop, &first, clock_now() + 4 * NS_PER_MS);
    timer_set(loop, &second, clock_now() + 8 * NS_PER_MS);
    timer_set(loop, &moved, clock_now() + 12 * NS_PER_MS);
    loop_run(loop);
    ck_assert_int_eq(fired[0], 1);
    ck_assert_int_eq(fired[2], 3);
    loop_free(&loop);
}
END_TEST

START_TEST(a_cleared_timer_is_silent)
{
    static int one = 1;
    struct timer timer = {.fn = fire, .arg = &one};

    loop = loop_new();
    count = 0;
    timer_set(loop, &timer, clock_now() + NS_PER_MS);
    timer_clear(loop, &timer);
    loop_turn(loop, 5 * NS_PER_MS);
    ck_assert_int_eq(count, 0);
    loop_free(&loop);
}
END_TEST

START_TEST(tasks_run_once_and_in_order)
{
    static int one = 1, two = 2;
    struct task a = {.fn = fire, .arg = &one}, b = {.fn = fire, .arg = &two};

    loop = loop_new();
    count = 0;
    task_queue(loop, &a);
    task_queue(loop, &b);
    task_queue(loop, &a);
    loop_turn(loop, 0);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(fired[0], 1);
    ck_assert_int_eq(fired[1], 2);
    loop_free(&loop);
}
END_TEST

START_TEST(a_cleared_task_does_not_run)
{
    static int one = 1, two = 2;
    struct task a = {.fn = fire, .arg = &one}, b = {.fn = fire, .arg = &two};

    loop = loop_new();
    count = 0;
    task_queue(loop, &a);
    task_queue(loop, &b);
    task_clear(loop, &b);
    task_queue(loop, &b);
    task_clear(loop, &a);
    loop_turn(loop, 0);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(fired[0], 2);
    loop_free(&loop);
}
END_TEST

static void on_ready(void *arg, unsigned ready)
{
    char byte;

    *(unsigned *)arg = ready;
    ck_assert_int_eq(read(fired[3], &byte, 1), 1);
}

START_TEST(a_descriptor_tells_when_it_can_be_read)
{
    struct watch watch;
    unsigned ready = 0;
    int ends[2];

    loop = loop_new();
    ck_assert_int_eq(pipe(ends), 0);
    fired[3] = ends[0];
    watch_init(&watch, loop, ends[0], on_ready, &ready);
    watch_want(&watch, WATCH_READ);
    loop_turn(loop, NS_PER_MS);
    ck_assert_uint_eq(ready, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    loop_turn(loop, 100 * NS_PER_MS);
    ck_assert_uint_eq(ready, WATCH_READ);
    watch_done(&watch);
    close(ends[0]);
    close(ends[1]);
    loop_free(&loop);
}
END_TEST

RUN_SUITE("loop", timers_fire_in_the_order_of_their_moments,
          a_timer_that_was_moved_fires_at_the_later_moment, a_cleared_timer_is_silent,
          tasks_run_once_and_in_order, a_cleared_task_does_not_run,
          a_descriptor_tells_when_it_can_be_read)
