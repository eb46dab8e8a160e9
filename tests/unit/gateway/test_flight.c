/* Requests for the same thing at the same time: who goes, who waits, and what those get. */
#include "gateway/flight.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "support/suite.h"

enum {
    WAITERS = 3,
    FAR = 3600
};

struct waiter {
    struct request request;
    struct flight_follower follower;
    unsigned turns;
    enum flight_turn turn;
    struct flight *flight;
    char bytes[32];
};

static const uint8_t key[FLIGHT_KEY] = {7, 1, 9}, other_key[FLIGHT_KEY] = {7, 1, 8};
static const int cache, other_cache;
static struct gateway gateway;
static struct request leader;
static struct flight *flight;
static struct waiter waiters[WAITERS];

static void on_turn(void *arg, enum flight_turn turn, struct flight *given, hg_str bytes,
                    bool is_events)
{
    struct waiter *waiter = arg;

    (void)is_events;
    waiter->turns++;
    waiter->turn = turn;
    waiter->flight = given;
    ck_assert_uint_lt(bytes.n, sizeof waiter->bytes);
    memcpy(waiter->bytes, bytes.p, bytes.n);
    waiter->bytes[bytes.n] = 0;
}

static void wait_for(struct waiter *waiter, hg_ns due)
{
    waiter->request.gateway = &gateway;
    waiter->follower =
        (struct flight_follower){.request = &waiter->request, .on_turn = on_turn, .arg = waiter};
    flight_follow(flight, &waiter->follower, due);
}

static void setup(void)
{
    gateway = (struct gateway){.loop = loop_new()};
    leader = (struct request){.gateway = &gateway};
    memset(waiters, 0, sizeof waiters);
    flight = flight_lead(&leader, &cache, key);
    for (int i = 0; i < WAITERS; i++)
        wait_for(&waiters[i], clock_now() + FAR * NS_PER_S);
}

static void teardown(void)
{
    flight_dissolve(&flight);
    flights_free(&gateway.flights);
    loop_free(&gateway.loop);
}

START_TEST(it_is_found_by_its_key_in_its_cache_only)
{
    ck_assert_ptr_eq(flight_find(&gateway, &cache, key), flight);
    ck_assert_ptr_null(flight_find(&gateway, &cache, other_key));
    ck_assert_ptr_null(flight_find(&gateway, &other_cache, key));
    flight_dissolve(&flight);
    ck_assert_ptr_null(flight_find(&gateway, &cache, key));
}
END_TEST

START_TEST(who_leads_is_counted_until_it_has_ended)
{
    ck_assert_uint_eq(leader.flights, 1);
    flight_land(&flight, HG_S("done"), false);
    ck_assert_uint_eq(leader.flights, 0);
    ck_assert_ptr_null(flight);
    flight_land(&flight, HG_S("again"), false);
    ck_assert_uint_eq(waiters[0].turns, 1);
}
END_TEST

START_TEST(all_that_wait_get_what_it_brings_back)
{
    flight_land(&flight, HG_S("an answer"), false);
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_uint_eq(waiters[i].turns, 1);
        ck_assert_int_eq(waiters[i].turn, FLIGHT_LANDED);
        ck_assert_str_eq(waiters[i].bytes, "an answer");
        ck_assert_ptr_null(waiters[i].follower.flight);
    }
}
END_TEST

START_TEST(after_a_failure_the_first_leads_and_the_others_wait_for_it)
{
    struct flight *mine;

    flight_fail(&flight);
    ck_assert_ptr_null(flight);
    ck_assert_uint_eq(leader.flights, 0);
    ck_assert_int_eq(waiters[0].turn, FLIGHT_LEADS);
    ck_assert_uint_eq(waiters[0].request.flights, 1);
    ck_assert_uint_eq(waiters[1].turns + waiters[2].turns, 0);
    mine = waiters[0].flight;
    ck_assert_ptr_eq(flight_find(&gateway, &cache, key), mine);
    flight_land(&mine, HG_S("second"), false);
    ck_assert_uint_eq(waiters[0].turns, 1);
    ck_assert_str_eq(waiters[1].bytes, "second");
    ck_assert_str_eq(waiters[2].bytes, "second");
}
END_TEST

START_TEST(a_failure_that_nobody_waits_for_is_the_end)
{
    for (int i = 0; i < WAITERS; i++)
        flight_leave(&waiters[i].follower);
    flight_fail(&flight);
    ck_assert_ptr_null(flight_find(&gateway, &cache, key));
    ck_assert_uint_eq(waiters[0].turns, 0);
}
END_TEST

START_TEST(when_it_dissolves_each_goes_for_itself)
{
    flight_dissolve(&flight);
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_eq(waiters[i].turn, FLIGHT_ALONE);
}
END_TEST

START_TEST(who_has_left_is_not_called)
{
    flight_leave(&waiters[1].follower);
    flight_leave(&waiters[1].follower);
    flight_land(&flight, HG_S("x"), false);
    ck_assert_uint_eq(waiters[0].turns, 1);
    ck_assert_uint_eq(waiters[1].turns, 0);
    ck_assert_uint_eq(waiters[2].turns, 1);
}
END_TEST

START_TEST(who_has_waited_long_enough_goes_alone_and_the_others_go_on_waiting)
{
    flight_leave(&waiters[1].follower);
    wait_for(&waiters[1], clock_now());
    for (int i = 0; i < 100 && !waiters[1].turns; i++)
        loop_turn(gateway.loop, NS_PER_MS);
    ck_assert_int_eq(waiters[1].turn, FLIGHT_ALONE);
    ck_assert_uint_eq(waiters[0].turns + waiters[2].turns, 0);
    flight_land(&flight, HG_S("x"), false);
    ck_assert_uint_eq(waiters[1].turns, 1);
}
END_TEST

static void on_turn_begin_again(void *arg, enum flight_turn turn, struct flight *given,
                                hg_str bytes, bool is_events)
{
    struct waiter *waiter = arg;

    on_turn(arg, turn, given, bytes, is_events);
    ck_assert_ptr_null(flight_find(&gateway, &cache, key));
    waiter->flight = flight_lead(&waiter->request, &cache, key);
}

START_TEST(who_is_told_of_the_end_may_begin_another_one)
{
    waiters[2].follower.on_turn = on_turn_begin_again;
    flight_dissolve(&flight);
    ck_assert_ptr_eq(flight_find(&gateway, &cache, key), waiters[2].flight);
    flight_dissolve(&waiters[2].flight);
}
END_TEST

RUN_SUITE_WITH("flight", setup, teardown, it_is_found_by_its_key_in_its_cache_only,
               who_leads_is_counted_until_it_has_ended, all_that_wait_get_what_it_brings_back,
               after_a_failure_the_first_leads_and_the_others_wait_for_it,
               a_failure_that_nobody_waits_for_is_the_end, when_it_dissolves_each_goes_for_itself,
               who_has_left_is_not_called,
               who_has_waited_long_enough_goes_alone_and_the_others_go_on_waiting,
               who_is_told_of_the_end_may_begin_another_one)
