#include "common/delay.h"

#include "base/text.h"
#include "support/suite.h"

static const struct {
    const char *text;
    int64_t ms; /* 0: none */
} delays[] = {{"1", 1000},
              {"2.5", 2500},
              {"0", 0},
              {"-5", 0},
              {"86401", 0},
              {"12ms", 12},
              {"1m2.5s", 62500},
              {"6h", 21600000},
              {"1700000010", 10000},
              {"1700000010500", 10500},
              {"1699999999", 0},
              {"Tue, 14 Nov 2023 22:13:30 GMT", 10000},
              {"2023-11-14T22:13:40Z", 20000},
              {"2023-11-14T22:13:40.123456Z", 20000},
              {"soon", 0},
              {"", 0},
              {"1e9", 0},
              {"nan", 0},
              {"inf", 0},
              {"99999999999999999999999999999999999999999999999", 0},
              {"5x", 0},
              {"5s5", 0}};

START_TEST(delays_are_read_in_every_form)
{
    hg_ns delay = 0;
    bool ok = delay_parse(text_of(delays[_i].text), INT64_C(1700000000000), &delay);

    ck_assert_int_eq(ok, delays[_i].ms != 0);
    if (ok)
        ck_assert_int_eq(delay / 1000000, delays[_i].ms);
}
END_TEST

START_TEST(delays_are_found_in_sentences)
{
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("Please try again in 6ms. Visit"), 0), 6000000);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("Retry after 20 seconds."), 0),
                     INT64_C(20000000000));
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in 1m2s"), 0), INT64_C(62000000000));
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in a moment"), 0), 0);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in "), 0), 0);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S(""), 0), 0);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, delays_are_read_in_every_form, delays);
}

RUN_SUITE_OF("provider/openai/delay", NULL, NULL, add_loops, delays_are_found_in_sentences)
