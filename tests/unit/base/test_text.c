#include "base/text.h"

#include "support/suite.h"
#include <stdio.h>
#include <time.h>

START_TEST(durations_are_read_with_their_unit)
{
    hg_ns ns = 0;

    ck_assert(text_to_duration(HG_S("250ms"), &ns) && ns == 250000000);
    ck_assert(text_to_duration(HG_S("1.5s"), &ns) && ns == 1500000000);
    ck_assert(text_to_duration(HG_S("30"), &ns) && ns == 30000000000);
    ck_assert(text_to_duration(HG_S("10m"), &ns) && ns == 600000000000);
    ck_assert(!text_to_duration(HG_S("fast"), &ns));
    ck_assert(!text_to_duration(HG_S("1.2.3s"), &ns));
    ck_assert(!text_to_duration(HG_S("99999999999999999d"), &ns));
    ck_assert(!text_to_duration(HG_S(""), &ns));
}
END_TEST

START_TEST(sizes_count_in_powers_of_1024)
{
    uint64_t bytes = 0;

    ck_assert(text_to_size(HG_S("64KB"), &bytes) && bytes == 65536);
    ck_assert(text_to_size(HG_S("1m"), &bytes) && bytes == 1048576);
    ck_assert(text_to_size(HG_S("7"), &bytes) && bytes == 7);
    ck_assert(!text_to_size(HG_S("-7"), &bytes));
    ck_assert(!text_to_size(HG_S("7XB"), &bytes));
}
END_TEST

START_TEST(numbers_do_not_overflow)
{
    uint64_t value = 0;

    ck_assert(text_to_u64(HG_S("18446744073709551615"), &value) && value == UINT64_MAX);
    ck_assert(!text_to_u64(HG_S("18446744073709551616"), &value));
    ck_assert(!text_to_u64(HG_S("+1"), &value));
    ck_assert(!text_to_u64(HG_S(""), &value));
}
END_TEST

START_TEST(a_misspelling_finds_its_word)
{
    static const char *const words[] = {"provider", "listen", "logger"};

    ck_assert_str_eq(text_suggest(HG_S("provder"), words, 3), "provider");
    ck_assert_str_eq(text_suggest(HG_S("lsiten"), words, 3), "listen");
    ck_assert_ptr_null(text_suggest(HG_S("umbrella"), words, 3));
}
END_TEST

START_TEST(a_cut_text_leaves_the_rest)
{
    hg_str rest;

    ck_assert(text_is(text_cut(HG_S("a/b/c"), '/', &rest), HG_S("a")));
    ck_assert(text_is(rest, HG_S("b/c")));
    ck_assert(text_is(text_cut(HG_S("abc"), '/', &rest), HG_S("abc")));
    ck_assert_uint_eq(rest.n, 0);
}
END_TEST

START_TEST(numbers_are_written_without_printf)
{
    char text[32];

    *put_u64(text, 0) = 0;
    ck_assert_str_eq(text, "0");
    *put_u64(text, UINT64_MAX) = 0;
    ck_assert_str_eq(text, "18446744073709551615");
    *put_hex(text, 0xbeef) = 0;
    ck_assert_str_eq(text, "beef");
    for (uint64_t value = 1, n = 0; n < 200; n++, value = value * 3 + n) {
        char expected[32];

        snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
        *put_u64(text, value) = 0;
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(control_characters_are_found_wherever_they_stand)
{
    ck_assert(!text_has_control(HG_S("")));
    ck_assert(!text_has_control(HG_S("\ta long value\twith tabs\t")));
    ck_assert(text_has_control(HG_S("a\tb\r\nx-injected: yes")));
    srand(4);
    for (int round = 0; round < 20000; round++) {
        char text[40];
        size_t n = (size_t)rand() % sizeof text;
        bool expected = false;

        for (size_t i = 0; i < n; i++) {
            static const char odd[] = {'\t', '\n', 0x1f, 0x7f, (char)0x80, (char)0xff, 0, ' '};

            text[i] = (char)(rand() % 30 ? '!' + rand() % 90 : odd[rand() % 8]);
            expected |= ((unsigned char)text[i] < 0x20 && text[i] != '\t') ||
                        (unsigned char)text[i] == 0x7f;
        }
        ck_assert(text_has_control((hg_str){text, n}) == expected);
    }
}
END_TEST

/* Compared with the C library's calendar on many days, the ends of years and months among them. */
START_TEST(moments_are_written_as_dates)
{
    char text[64], expected[64];

    for (int64_t day = -719528; day < 2932897; day += day < -700000 || day > 2900000 ? 1 : 13) {
        time_t seconds = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 4711);
        *put_utc(text, (int64_t)seconds * 1000000 + 4711) = 0;
        ck_assert_str_eq(text, expected);
    }
    *put_utc(text, INT64_MAX) = 0;
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999999Z");
    *put_utc(text, INT64_MIN) = 0;
    ck_assert_str_eq(text, "0000-01-01T00:00:00.000000Z");
    ck_assert_uint_eq(strlen(text), PUT_UTC_SIZE);
    *put_utc(text, -1) = 0;
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
}
END_TEST

START_TEST(percent_stands_for_a_byte_where_two_digits_follow)
{
    static const char *const others[] = {"", "%", "%4", "%4g", "%g4", "%-4", "% 4", "4141"};
    hg_str text = HG_S("a%2f%C3%00");
    char byte = '?';

    ck_assert(text_percent_at(text, 1, &byte) && byte == '/');
    ck_assert(text_percent_at(text, 4, &byte) && byte == (char)0xc3);
    ck_assert(text_percent_at(text, 7, &byte) && byte == 0);
    byte = '?';
    ck_assert(!text_percent_at(text, 0, &byte) && !text_percent_at(text, 8, &byte));
    ck_assert(!text_percent_at(text, text.n, &byte) && !text_percent_at(text, SIZE_MAX, &byte));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(!text_percent_at(text_of(others[i]), 0, &byte));
    ck_assert(byte == '?');
}
END_TEST

RUN_SUITE("text", durations_are_read_with_their_unit, sizes_count_in_powers_of_1024,
          numbers_do_not_overflow, a_misspelling_finds_its_word, a_cut_text_leaves_the_rest,
          numbers_are_written_without_printf, control_characters_are_found_wherever_they_stand,
          moments_are_written_as_dates, percent_stands_for_a_byte_where_two_digits_follow)
