#include <stdlib.h>

#include "base/clock.h"
#include "process/backoff.h"
#include "support/suite.h"

START_TEST(the_first_death_costs_little_and_each_further_one_twice_as_much)
{
    struct backoff backoff = {0};
    hg_ns now = 1000 * NS_PER_S;

    ck_assert_int_eq(backoff_died(&backoff, now - NS_PER_S, now), 100 * NS_PER_MS);
    ck_assert_int_eq(backoff_died(&backoff, now, now + NS_PER_S), 200 * NS_PER_MS);
    ck_assert_int_eq(backoff_died(&backoff, now, now + NS_PER_S), 400 * NS_PER_MS);
}
END_TEST

START_TEST(the_wait_stops_growing_at_ten_seconds)
{
    struct backoff backoff = {0};
    hg_ns wait = 0;

    for (int i = 0; i < 100; i++)
        wait = backoff_died(&backoff, NS_PER_S, 2 * NS_PER_S);
    ck_assert_int_eq(wait, 10 * NS_PER_S);
}
END_TEST

START_TEST(a_healthy_minute_is_forgiven_everything)
{
    struct backoff backoff = {0};

    for (int i = 0; i < 5; i++)
        backoff_died(&backoff, NS_PER_S, 2 * NS_PER_S);
    ck_assert_int_eq(backoff_died(&backoff, 2 * NS_PER_S, 61 * NS_PER_S), 3200 * NS_PER_MS);
    ck_assert_int_eq(backoff_died(&backoff, 2 * NS_PER_S, 62 * NS_PER_S), 100 * NS_PER_MS);
}
END_TEST

START_TEST(only_deaths_within_the_span_are_recent)
{
    struct backoff backoff = {0};
    const hg_ns minute = 60 * NS_PER_S;

    backoff_died(&backoff, 0, 100 * NS_PER_S);
    backoff_died(&backoff, 0, 150 * NS_PER_S);
    ck_assert_uint_eq(backoff_recent(&backoff, 155 * NS_PER_S, minute), 2);
    ck_assert_uint_eq(backoff_recent(&backoff, 170 * NS_PER_S, minute), 1);
    ck_assert_uint_eq(backoff_recent(&backoff, 300 * NS_PER_S, minute), 0);
}
END_TEST

START_TEST(more_deaths_than_are_remembered_do_no_harm)
{
    struct backoff backoff = {0};

    for (int i = 0; i < 1000; i++)
        backoff_died(&backoff, 0, NS_PER_S);
    ck_assert_uint_eq(backoff.count, 1000);
    ck_assert_uint_eq(backoff_recent(&backoff, NS_PER_S, NS_PER_S), BACKOFF_REMEMBERED);
}
END_TEST

RUN_SUITE("process/backoff", the_first_death_costs_little_and_each_further_one_twice_as_much,
          the_wait_stops_growing_at_ten_seconds, a_healthy_minute_is_forgiven_everything,
          only_deaths_within_the_span_are_recent, more_deaths_than_are_remembered_do_no_harm)
