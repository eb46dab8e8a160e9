/* Names with several addresses: which is tried when. */
#include "support/suite.h"
#include "unit/net/dialling.h"

START_TEST(a_black_hole_costs_a_quarter_second)
{
    struct server server;
    struct hole hole;
    struct call call;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);

    hole_dig(&hole, "127.0.0.2", port);
    hg_ns began = clock_precise();

    call_start(&call, "two.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    hg_ns took = clock_precise() - began;

    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "127.0.0.1");
    ck_assert_msg(took > 240 * NS_PER_MS && took < 900 * NS_PER_MS, "%ld ms",
                  (long)(took / NS_PER_MS));
    call_close(&call);
    hole_fill(&hole);
    server_stop(&server);
}
END_TEST

START_TEST(after_a_refusal_the_next_address_has_its_turn_at_once)
{
    struct server server;
    struct call call;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);
    hg_ns began = clock_precise();

    call_start(&call, "mixed.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "127.0.0.1");
    ck_assert_int_lt(clock_precise() - began, 200 * NS_PER_MS);
    call_close(&call);
    server_stop(&server);
}
END_TEST

START_TEST(families_take_turns)
{
    struct server server, third;
    struct hole hole;
    struct call call;
    uint16_t port = hole_dig(&hole, "127.0.0.1", 0);

    /* The list is v4, v4, v6: the v6 one comes second, before 127.0.0.2. */
    server_start(&server, "::1", port, NULL);
    server_start(&third, "127.0.0.2", port, NULL);
    call_start(&call, "families.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "::1");
    call_close(&call);
    server_stop(&server);
    server_stop(&third);
    hole_fill(&hole);
}
END_TEST

RUN_SUITE_WITH("net/dial_addresses", dialling_setup, dialling_teardown,
               a_black_hole_costs_a_quarter_second,
               after_a_refusal_the_next_address_has_its_turn_at_once, families_take_turns)
