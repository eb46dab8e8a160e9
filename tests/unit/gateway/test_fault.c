/* What goes wrong somewhere, and which failure that is for a route and for the client. */
#include "gateway/fault.h"

#include "base/text.h"
#include "support/suite.h"

START_TEST(every_failure_has_a_name_a_status_of_its_own_and_a_type)
{
    for (int kind = FAULT_TIMEOUT; kind < FAULT_COUNT; kind++) {
        struct fault fault = {.kind = (enum fault_kind)kind};

        ck_assert_uint_gt(fault_name(fault.kind).n, 0);
        ck_assert_int_eq(fault_named(fault_name(fault.kind)), kind);
        ck_assert_int_ge(fault_status(&fault), 400);
        ck_assert_uint_gt(fault_type(&fault).n, 0);
    }
}
END_TEST

START_TEST(a_name_that_nobody_has_is_an_internal_failure)
{
    ck_assert_int_eq(fault_named(HG_S("nonsense")), FAULT_INTERNAL);
    ck_assert_int_eq(fault_named(HG_S("")), FAULT_INTERNAL);
    ck_assert_int_eq(fault_named(HG_S("none")), FAULT_INTERNAL);
}
END_TEST

START_TEST(a_status_that_was_given_goes_out_if_it_is_one)
{
    struct fault fault = {.kind = FAULT_DENIED, .status = 451};

    ck_assert_int_eq(fault_status(&fault), 451);
    fault.status = 600;
    ck_assert_int_eq(fault_status(&fault), 403);
    fault.status = 101;
    ck_assert_int_eq(fault_status(&fault), 403);
    fault.status = 0;
    ck_assert_int_eq(fault_status(&fault), 403);
}
END_TEST

START_TEST(an_upstreams_status_says_what_a_fallback_needs_to_know)
{
    static const struct {
        int status;
        enum fault_kind kind;
    } rows[] = {{400, FAULT_UPSTREAM_4XX}, {401, FAULT_UPSTREAM_4XX}, {404, FAULT_UPSTREAM_4XX},
                {408, FAULT_TIMEOUT},      {429, FAULT_RATE_LIMITED}, {500, FAULT_UPSTREAM_5XX},
                {502, FAULT_UPSTREAM_5XX}, {503, FAULT_UPSTREAM_5XX}, {504, FAULT_TIMEOUT},
                {529, FAULT_UPSTREAM_5XX}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_int_eq(fault_of_status(rows[i].status), rows[i].kind);
}
END_TEST

START_TEST(what_happens_on_the_way_is_told_apart)
{
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_OK), FAULT_NONE);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_CONNECT), FAULT_CONNECT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_NO_DESCRIPTORS), FAULT_CONNECT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_CONNECT_TIMEOUT), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_FIRST_BYTE_TIMEOUT), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_IDLE_TIMEOUT), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_TOTAL_TIMEOUT), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_CLOSED), FAULT_PROTOCOL);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_PROTOCOL), FAULT_PROTOCOL);
    ck_assert_int_eq(fault_of_outbound(OUTBOUND_TOO_LARGE), FAULT_PROTOCOL);
}
END_TEST

START_TEST(a_plugins_code_is_told_apart)
{
    ck_assert_int_eq(fault_of_rc(HG_E_INPUT), FAULT_BAD_REQUEST);
    ck_assert_int_eq(fault_of_rc(HG_E_UNSUPPORTED), FAULT_BAD_REQUEST);
    ck_assert_int_eq(fault_of_rc(HG_E_AUTH), FAULT_AUTH);
    ck_assert_int_eq(fault_of_rc(HG_E_DENIED), FAULT_DENIED);
    ck_assert_int_eq(fault_of_rc(HG_E_RATE), FAULT_RATE_LIMITED);
    ck_assert_int_eq(fault_of_rc(HG_E_UPSTREAM), FAULT_UPSTREAM_5XX);
    ck_assert_int_eq(fault_of_rc(HG_E_TIMEOUT), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_rc(HG_E_CANCELLED), FAULT_CANCELLED);
    ck_assert_int_eq(fault_of_rc(HG_E_CONNECT), FAULT_CONNECT);
    ck_assert_int_eq(fault_of_rc((hg_rc)12345), FAULT_INTERNAL);
}
END_TEST

START_TEST(providers_words_for_the_same_are_the_same)
{
    ck_assert_int_eq(fault_of_error(HG_S("rate_limit_error")), FAULT_RATE_LIMITED);
    ck_assert_int_eq(fault_of_error(HG_S("RESOURCE_EXHAUSTED")), FAULT_RATE_LIMITED);
    ck_assert_int_eq(fault_of_error(HG_S("throttlingException")), FAULT_RATE_LIMITED);
    ck_assert_int_eq(fault_of_error(HG_S("modelTimeoutException")), FAULT_TIMEOUT);
    ck_assert_int_eq(fault_of_error(HG_S("validationException")), FAULT_UPSTREAM_4XX);
    ck_assert_int_eq(fault_of_error(HG_S("overloaded_error")), FAULT_UPSTREAM_5XX);
}
END_TEST

RUN_SUITE("fault", every_failure_has_a_name_a_status_of_its_own_and_a_type,
          a_name_that_nobody_has_is_an_internal_failure,
          a_status_that_was_given_goes_out_if_it_is_one,
          an_upstreams_status_says_what_a_fallback_needs_to_know,
          what_happens_on_the_way_is_told_apart, a_plugins_code_is_told_apart,
          providers_words_for_the_same_are_the_same)
