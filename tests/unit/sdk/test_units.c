#include <headgate/units.h>

#include "base/text.h"

#include "support/suite.h"

static const struct {
    const char *text;
    uint64_t bytes;
} good[] = {
    {"0", 0},
    {"4096", 4096},
    {"7B", 7},
    {"1K", 1 << 10},
    {"1kb", 1 << 10},
    {"64MB", 64 << 20},
    {"64MiB", 64 << 20},
    {"1g", 1 << 30},
    {"1.5KB", 1536},
    {"0.25m", 1 << 18},
    {"2TB", UINT64_C(2) << 40},
    {"3.k", 3072},
};

static const char *const bad[] = {"",
                                  "MB",
                                  "-1",
                                  "1 MB",
                                  "1XB",
                                  "1MBB",
                                  "1BB",
                                  "1iB",
                                  "0x10",
                                  ".5MB",
                                  "1..5M",
                                  "1Ki",
                                  "99999999999999999999T",
                                  "1KiBB"};

START_TEST(sizes_are_read)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t bytes = 1;

        ck_assert_msg(hg_size_of_text(text_of(good[i].text), &bytes), "%s", good[i].text);
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t bytes;

        ck_assert_msg(!hg_size_of_text(text_of(bad[i]), &bytes), "%s", bad[i]);
        ck_assert_msg(!text_to_size(text_of(bad[i]), &bytes), "the gateway: %s", bad[i]);
    }
}
END_TEST

/* What the schema's check has let through, the plugin can read. */
START_TEST(the_gateway_reads_the_same)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t bytes = 1;

        ck_assert_msg(text_to_size(text_of(good[i].text), &bytes), "%s", good[i].text);
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
}
END_TEST

RUN_SUITE("sdk/units", sizes_are_read, what_is_no_size_is_refused, the_gateway_reads_the_same)
