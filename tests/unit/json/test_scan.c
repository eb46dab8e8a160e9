/* The strict check looks at many bytes at a time. Here it is compared with a look at one byte at a
 * time, on texts in which what matters stands at every place of a block, and that end where their
 * memory ends, so that ASan sees a byte too many. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "json/index.h"

static struct arena *arena;
static uint64_t state;

static void setup(void)
{
    arena = arena_new();
    state = 1;
}

static void teardown(void)
{
    arena_free(&arena);
}

static unsigned random_below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(state >> 33) % limit;
}

/* ---- one byte at a time ---------------------------------------------------------------------- */

static const uint8_t *fault_at(struct json_fault *fault, const uint8_t *p, const char *reason)
{
    fault->at = (size_t)(uintptr_t)p;
    fault->reason = reason;
    return NULL;
}

static const uint8_t *plain_escape(const uint8_t *p, const uint8_t *end, struct json_fault *fault)
{
    if (end - p < 2 || (p[1] == 'u' && end - p < 6))
        return fault_at(fault, end, "unfinished string");
    if (p[1] == 'u') {
        for (int i = 2; i < 6; i++)
            if (!strchr("0123456789abcdefABCDEF", p[i]) || !p[i])
                return fault_at(fault, p, "\\u without four hexadecimal digits");
        return p + 6;
    }
    if (!strchr("\"\\/bfnrt", p[1]) || !p[1])
        return fault_at(fault, p, "unknown escape in a string");
    return p + 2;
}

/* Behind the string whose first byte is at `p`, or NULL. */
static const uint8_t *plain_string(const uint8_t *p, const uint8_t *end, struct json_fault *fault)
{
    while (p && p < end && *p != '"') {
        size_t n = utf8_length(p, end);

        if (*p == '\\')
            p = plain_escape(p, end, fault);
        else if (*p < 0x20)
            p = fault_at(fault, p, "control character in a string");
        else if (!n)
            p = fault_at(fault, p, "invalid UTF-8");
        else
            p += n;
    }
    if (p == end)
        return fault_at(fault, end, "unfinished string");
    return p ? p + 1 : NULL;
}

/* ---- the comparison -------------------------------------------------------------------------- */

/* `text` is `lead` bytes and a string's inside, in memory of just its size. */
static void compare(const char *text, size_t lead, size_t n)
{
    const uint8_t *from = (const uint8_t *)text, *end = from + n;
    struct json_fault plain = {0, NULL}, fault = {0, NULL};
    const uint8_t *behind = plain_string(from + lead, end, &plain);
    bool is_whole = behind && end - behind == 1 && *behind == ']';
    hg_json root;

    ck_assert_int_eq(json_parse(arena, (hg_str){text, n}, &root, &fault), is_whole);
    if (behind) {
        ck_assert_uint_eq(json_measure((hg_str){text + lead - 1, n - lead + 1}),
                          (size_t)(behind - from) - lead + 1);
    } else {
        ck_assert_str_eq(fault.reason, plain.reason);
        ck_assert_uint_eq(fault.at, plain.at - (size_t)(uintptr_t)from);
        ck_assert_uint_eq(json_measure((hg_str){text + lead - 1, n - lead + 1}), 0);
    }
    if (is_whole)
        ck_assert_uint_eq(json_raw_str(json_element(root, 0)).n, n - lead - 2);
}

static void compare_copy(const char *text, size_t lead, size_t n)
{
    char *copy = malloc(n);

    memcpy(copy, text, n);
    compare(copy, lead, n);
    free(copy);
}

static const char *const pieces[] = {
    "\\n",  "\\\"",         "\\\\",         "\\/",         "\\b",      "\\f",
    "\\t",  "\\r",          "\\u00e9",      "\\uD800",     "é",        "€",
    "😀",    "été à la mer", "どこですか。", "где посылка", "a",        " ",
    "\x7F", "plain text",   "\\\\\\\\",     "\\\\\\\"",    "\\\\\\\\n"};
static const char *const wrongs[] = {"\x80",
                                     "\xC2",
                                     "\xC0\x80",
                                     "\xC1\xBF",
                                     "\xE0\x80\x80",
                                     "\xE0\x9F\xBF",
                                     "\xED\xA0\x80",
                                     "\xED\xBF\xBF",
                                     "\xE2\x82",
                                     "\xE2\x82\xAC\x80",
                                     "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80",
                                     "\xF5\x80\x80\x80",
                                     "\xFF",
                                     "\xF0\x9F\x98",
                                     "\xF0\x9F\x98\x80\x80",
                                     "\xC3\xC3\xA9",
                                     "\xE2\xE2\x82\xAC",
                                     "\xF8\x88\x80\x80\x80",
                                     "\x01",
                                     "\x1F",
                                     "\n",
                                     "\\x",
                                     "\\\x01",
                                     "\\é",
                                     "\\u12g4",
                                     "\\U0041",
                                     "\\\\\\x",
                                     "\"",
                                     "\\\\\""};

enum {
    PIECES = sizeof pieces / sizeof *pieces,
    WRONGS = sizeof wrongs / sizeof *wrongs
};

/* Each piece alone at every place of strings around the sizes of blocks, and each of them cut. */
START_TEST(what_matters_is_seen_at_every_place)
{
    for (size_t i = 0; i < PIECES + WRONGS; i++) {
        const char *piece = i < PIECES ? pieces[i] : wrongs[i - PIECES];
        size_t n = strlen(piece);

        for (size_t whole = 1; whole<200; whole += whole> 70 ? 13 : 1) {
            for (size_t at = 0; at + n <= whole; at++) {
                char text[260];

                memcpy(text, "[\"", 2);
                memset(text + 2, 'n', whole);
                memcpy(text + 2 + at, piece, n);
                memcpy(text + 2 + whole, "\"]", 2);
                compare_copy(text, 2, whole + 4);
                if (at + n == whole)
                    compare_copy(text, 2, whole + 2);
            }
        }
    }
}
END_TEST

/* Runs of backslashes of every length, up to more than a block, from every place. */
START_TEST(runs_of_backslashes_escape_every_other_byte)
{
    for (size_t before = 0; before < 70; before++) {
        for (size_t run = 0; run < 140; run++) {
            char text[300];
            size_t n = 2;

            memcpy(text, "[\"", 2);
            memset(text + n, 'a', before);
            n += before;
            memset(text + n, '\\', run);
            n += run;
            memcpy(text + n, "\"n\\n\"]", 6);
            compare_copy(text, 2, n + 6);
            memset(text + n, 'x', 70);
            memcpy(text + n + 70, "\"]", 2);
            compare_copy(text, 2, n + 72);
        }
    }
}
END_TEST

static size_t put_random(char *at, unsigned most_plain, unsigned wrong_in)
{
    size_t n = random_below(most_plain);
    const char *piece = wrong_in && random_below(wrong_in) == 0 ? wrongs[random_below(WRONGS)]
                                                                : pieces[random_below(PIECES)];

    memset(at, 'b', n);
    memcpy(at + n, piece, strlen(piece));
    return n + strlen(piece);
}

START_TEST(random_strings_are_judged_as_by_one_byte_at_a_time)
{
    for (int round = 0; round < 60000; round++) {
        char text[1024];
        size_t lead = 2 + random_below(4), n = lead;
        unsigned most_plain = 1 + random_below(60), limit = random_below(600);
        unsigned wrong_in = random_below(3) ? 0 : 1 + random_below(30);

        memset(text, ' ', lead);
        text[0] = '[';
        text[lead - 1] = '"';
        while (n < limit + lead)
            n += put_random(text + n, most_plain, wrong_in);
        if (random_below(8)) {
            text[n++] = '"';
            text[n++] = ']';
        }
        compare_copy(text, lead, n);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/scan");
    TCase *tcase = tcase_create("scan");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_matters_is_seen_at_every_place);
    tcase_add_test(tcase, runs_of_backslashes_escape_every_other_byte);
    tcase_add_test(tcase, random_strings_are_judged_as_by_one_byte_at_a_time);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
