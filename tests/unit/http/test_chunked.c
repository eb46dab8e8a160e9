#include "base/text.h"
#include "http/chunked.h"
#include "support/suite.h"

/* Reads `bytes` in pieces of `step`; returns the payload, or "bad" or "more". */
static const char *read_all(const char *bytes, size_t step)
{
    static char out[256];
    struct chunked chunked = {0};
    size_t n = strlen(bytes), at = 0, len = 0;

    while (at < n && !chunked.done && !chunked.bad) {
        hg_str piece;
        size_t room = n - at < step ? n - at : step;

        at += chunked_read(&chunked, (hg_str){bytes + at, room}, &piece);
        if (piece.n)
            memcpy(out + len, piece.p, piece.n);
        len += piece.n;
    }
    out[len] = 0;
    return chunked.bad ? "bad" : chunked.done ? out : "more";
}

START_TEST(payload_is_the_same_however_it_is_cut)
{
    for (size_t step = 1; step < 40; step++)
        ck_assert_str_eq(read_all("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n", step),
                         "hello world");
}
END_TEST

START_TEST(malformed_sizes_and_ends_are_refused)
{
    static const char *const bad[] = {
        "g\r\n",
        "\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "-5\r\n",
        "5\nhello\r\n",
        "5\r\nhelloX",
        "5\r\nhello\nX",
        "5;a\nb\r\n",
        "fffffffffffffffff\r\n",
        "0\r\n folded\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!strcmp(read_all(bad[i], 3), "bad"), "taken: %s", bad[i]);
}
END_TEST

START_TEST(an_endless_extension_is_refused)
{
    struct chunked chunked = {0};
    char line[8192];
    hg_str piece;

    memset(line, 'a', sizeof line);
    memcpy(line, "5;", 2);
    chunked_read(&chunked, (hg_str){line, sizeof line}, &piece);
    ck_assert(chunked.bad);
}
END_TEST

START_TEST(an_unfinished_body_is_not_whole)
{
    ck_assert_str_eq(read_all("5\r\nhello\r\n0\r\n", 100), "more");
    ck_assert_str_eq(read_all("5\r\nhel", 100), "more");
}
END_TEST

START_TEST(a_size_line_is_hexadecimal)
{
    char line[CHUNKED_LINE_MAX];

    ck_assert_uint_eq(chunked_line(line, 255), 4);
    ck_assert_mem_eq(line, "ff\r\n", 4);
}
END_TEST

RUN_SUITE("chunked", payload_is_the_same_however_it_is_cut, malformed_sizes_and_ends_are_refused,
          an_endless_extension_is_refused, an_unfinished_body_is_not_whole,
          a_size_line_is_hexadecimal)
