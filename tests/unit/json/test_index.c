#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "support/suite.h"
#include "json/index.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(const char *text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text_of(text), &root, &fault), "%s: %s at %zu", text,
                  fault.reason, fault.at);
    return root;
}

static struct json_fault refused(const char *text)
{
    struct json_fault fault = {0, NULL};
    hg_json root = {0};

    ck_assert_msg(!json_parse(arena, text_of(text), &root, &fault), "accepted: %s", text);
    ck_assert_ptr_nonnull(fault.reason);
    ck_assert_uint_le(fault.at, strlen(text));
    return fault;
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "'%.*s' is not '%s'", TEXT_ARG(text), expected);
}

START_TEST(values_are_found_by_pointer)
{
    hg_json root =
        parsed("{\"model\":\"m\", \"messages\" : [ {\"role\":\"user\",\"content\":\"hi\"},"
               "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]} ], \"a/b\":{\"~\":1} }");

    same(json_str(arena, json_get(root, "/model")), "m");
    same(json_str(arena, json_get(root, "/messages/0/content")), "hi");
    same(json_raw(json_get(root, "/messages/1/content/0")), "{\"type\":\"text\",\"text\":\"a\"}");
    ck_assert_int_eq(json_i64(json_get(root, "/a~1b/~0"), 0), 1);
    ck_assert_uint_eq(json_get(root, "/messages/2").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "/messages/00").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "/messages/-").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "/model/x").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "model").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "/a~2b").kind, HG_J_NONE);
    ck_assert_uint_eq(json_get(root, "").kind, HG_J_OBJ);
    ck_assert_uint_eq(json_get((hg_json){0}, "/x").kind, HG_J_NONE);
}
END_TEST

START_TEST(a_key_twice_at_the_top_is_refused_in_any_spelling)
{
    struct json_fault fault = refused("{\"model\":1,\"mod\\u0065l\":2}");

    ck_assert_str_eq(fault.reason, "duplicate key at the top level");
    ck_assert_uint_eq(fault.at, 12);
    refused("{\"\":1,\"\":2}");
    refused("{\"a\\\"\":1,\"b\":0,\"a\\u0022\":2}");
    parsed("{\"a\":1,\"ab\":2,\"A\":3,\"b\":{\"a\":1,\"a\":2}}");
}
END_TEST

static char *many_members(unsigned count, unsigned twice)
{
    char *text = malloc(count * 24 + 64), *at = text;

    at += sprintf(at, "{");
    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, "%s\"key%u\":%u", i ? "," : "", i == count - 1 ? twice : i, i);
    sprintf(at, "}");
    return text;
}

START_TEST(many_members_are_found_and_compared_as_well)
{
    for (unsigned count = 30; count < 3000; count = count * 2 + 1) {
        char *text = many_members(count, count - 1);
        hg_json root = parsed(text);
        char key[16];

        for (unsigned i = 0; i < count; i++) {
            sprintf(key, "key%u", i);
            ck_assert_int_eq(json_i64(json_member(root, text_of(key)), -1), i);
        }
        ck_assert_uint_eq(json_member(root, HG_S("key")).kind, HG_J_NONE);
        ck_assert_uint_eq(json_member(root, HG_S("kez")).kind, HG_J_NONE);
        ck_assert_uint_eq(json_count(root), count);
        free(text);
        text = many_members(count, count / 2);
        ck_assert_str_eq(refused(text).reason, "duplicate key at the top level");
        free(text);
    }
}
END_TEST

START_TEST(the_last_of_equal_keys_below_the_top_counts)
{
    hg_json root = parsed("{\"o\":{\"a\":1,\"\\u0061\":2}}");

    ck_assert_int_eq(json_i64(json_get(root, "/o/a"), 0), 2);
}
END_TEST

START_TEST(iteration_gives_every_member_in_order)
{
    hg_json root = parsed(" { \"a\" : [ ] , \"b\\n\":{ },\"c\":[1 ,[2],\"]\" ] } ");
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    ck_assert(json_next(root, &it, &key, &value));
    same(key, "a");
    ck_assert_uint_eq(json_count(value), 0);
    ck_assert(json_next(root, &it, &key, &value));
    same(key, "b\\n");
    ck_assert_uint_eq(json_count(value), 0);
    ck_assert(json_next(root, &it, &key, &value));
    ck_assert(!json_next(root, &it, &key, NULL));
    ck_assert(!json_next(root, &it, &key, NULL));
    it = (hg_json_it){{0, 0}};
    ck_assert(json_next(value, &it, &key, &root));
    ck_assert_uint_eq(key.n, 0);
    same(json_raw(root), "1");
    ck_assert(json_next(value, &it, NULL, &root));
    same(json_raw(root), "[2]");
    ck_assert(json_next(value, &it, NULL, &root));
    same(json_raw_str(root), "]");
    ck_assert(!json_next(value, &it, NULL, &root));
    ck_assert(!json_next(value, &it, NULL, &root));
    ck_assert(!json_next((hg_json){0}, &it, NULL, NULL));
}
END_TEST

START_TEST(a_walk_goes_on_behind_what_was_walked_inside_of_it)
{
    hg_json root = parsed(
        " [ {\"a\": [1, {\"]\": 2} ] , \"b\":{}} ,7, [] , \"x\\\"],\" , [8 ] ,-1e+2,true ] ");
    hg_json_it it = {{0, 0}}, inner = {{0, 0}};
    hg_json value, plain;
    hg_json_it again = {{0, 0}};

    while (json_next(root, &it, NULL, &value)) {
        ck_assert(json_next(root, &again, NULL, &plain));
        ck_assert_uint_eq(value.at, plain.at);
        inner = (hg_json_it){{0, 0}};
        while (json_next(value, &inner, NULL, NULL))
            ;
        ck_assert(!json_next(value, &inner, NULL, NULL));
        json_pass(&it, &inner);
        hg_str raw = json_pass_str(&it, value);

        ck_assert_uint_eq(raw.n, value.kind == HG_J_STR ? 5 : 0);
    }
    ck_assert(!json_next(root, &again, NULL, NULL));
    ck_assert(!json_next(root, &it, NULL, NULL));
    it = inner = (hg_json_it){{0, 0}};
    ck_assert(json_next(root, &it, NULL, &value));
    ck_assert(json_next(value, &inner, NULL, NULL)); /* not to its end */
    json_pass(&it, &inner);
    ck_assert(json_next(root, &it, NULL, &value));
    ck_assert_int_eq(json_i64(value, 0), 7);
}
END_TEST

START_TEST(several_members_are_found_in_one_walk)
{
    static const hg_str keys[] = {{"a", 1}, {"none", 4}, {"long key", 8}, {"b", 1}};
    hg_json root = parsed("[{\"b\":[1,2],\"c\":{\"a\":0},\"a\":1,\"\\u0061\":2,"
                          "\"l\\u006Fng key\":\"x\"}, 7]");
    hg_json values[4], object;
    hg_json_it it = {{0, 0}};

    ck_assert(json_next(root, &it, NULL, &object));
    json_pick(object, &it, keys, 4, values);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(json_offset(values[i]), json_offset(json_member(object, keys[i])));
    ck_assert_int_eq(json_i64(values[0], 0), 2); /* the last one counts */
    ck_assert_uint_eq(values[1].kind, HG_J_NONE);
    same(json_raw(values[2]), "\"x\"");
    ck_assert(json_next(root, &it, NULL, &object));
    ck_assert_int_eq(json_i64(object, 0), 7);
    json_pick(object, &it, keys, 4, values); /* no object */
    ck_assert_uint_eq(values[0].kind, HG_J_NONE);
    ck_assert(!json_next(root, &it, NULL, &object));
    json_pick(parsed("{\"b\":3,\"x\":4}"), NULL, keys, 4, values);
    ck_assert_int_eq(json_i64(values[3], 0), 3);
    ck_assert_uint_eq(values[0].kind, HG_J_NONE);
}
END_TEST

/* White space is passed over 16 bytes at a time as well. */
START_TEST(white_space_of_every_length_is_passed_over)
{
    for (size_t n = 0; n < 100; n++) {
        for (size_t wrong = 0; wrong <= n; wrong++) {
            size_t whole = 2 * n + 10, at = 0;
            char *text = malloc(whole);
            hg_json root;

            at += (size_t)sprintf(text, "[");
            for (size_t i = 0; i < n; i++)
                text[at++] = " \n\t\r"[i % 4];
            memcpy(text + at, "{\"k\":17", 7);
            at += 7;
            for (size_t i = 0; i < n; i++)
                text[at++] = " \n\t\r"[i % 3];
            memcpy(text + at, "}]", 2);
            if (wrong < n) {
                text[wrong % 2 ? 1 + wrong : 8 + n + wrong] = "\v\f\xA0\0"[wrong % 4];
                ck_assert(!json_parse(arena, (hg_str){text, whole}, &root, NULL));
            } else {
                ck_assert(json_parse(arena, (hg_str){text, whole}, &root, NULL));
                ck_assert_int_eq(json_i64(json_get(root, "/0/k"), 0), 17);
                ck_assert_uint_eq(json_count(root), 1);
            }
            free(text);
        }
    }
}
END_TEST

START_TEST(escapes_are_undone)
{
    hg_json root =
        parsed("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\u20ac\\ud83d\\ude00\",\"\\ud800x\","
               "\"\\udc00\",\"\\ud800\\ud800\\udc00\",\"plain\",\"\\u0000\"]");

    same(json_str(arena, json_get(root, "/0")), "\"\\/\b\f\n\r\t");
    same(json_str(arena, json_get(root, "/1")), "é€😀");
    same(json_str(arena, json_get(root, "/2")), "\xEF\xBF\xBDx");
    same(json_str(arena, json_get(root, "/3")), "\xEF\xBF\xBD");
    same(json_str(arena, json_get(root, "/4")), "\xEF\xBF\xBD\xF0\x90\x80\x80");
    same(json_str(arena, json_get(root, "/5")), "plain");
    ck_assert_uint_eq(json_str(arena, json_get(root, "/6")).n, 1);
    ck_assert(json_is(json_get(root, "/1"), HG_S("é€😀")));
    ck_assert(!json_is(json_get(root, "/1"), HG_S("é€")));
    ck_assert(json_is(json_get(root, "/5"), HG_S("plain")));
    ck_assert(!json_is(json_get(root, "/5"), HG_S("plai")));
    ck_assert(!json_is(json_get(root, "/5"), HG_S("plaid")));
    ck_assert(!json_is(json_get(root, ""), HG_S("")));
}
END_TEST

START_TEST(numbers_keep_their_size)
{
    hg_json root = parsed("[0,-0,9223372036854775807,-9223372036854775808,9223372036854775808,"
                          "12.0,1e3,1.5,1e400,-1.25e-2,123456789012345678901234567890,"
                          "123456789012345678,1234567890123456789,2E+1,3e0,4.0e0]");

    ck_assert_int_eq(json_i64(json_get(root, "/0"), 7), 0);
    ck_assert_int_eq(json_i64(json_get(root, "/1"), 7), 0);
    ck_assert(json_i64(json_get(root, "/2"), 7) == INT64_MAX);
    ck_assert(json_i64(json_get(root, "/3"), 7) == INT64_MIN);
    ck_assert_int_eq(json_i64(json_get(root, "/4"), 7), 7);
    ck_assert_int_eq(json_i64(json_get(root, "/5"), 7), 12);
    ck_assert_int_eq(json_i64(json_get(root, "/6"), 7), 1000);
    ck_assert_int_eq(json_i64(json_get(root, "/7"), 7), 7);
    ck_assert_int_eq(json_i64(json_get(root, "/8"), 7), 7);
    ck_assert_int_eq(json_i64(json_get(root, "/10"), 7), 7);
    ck_assert(json_i64(json_get(root, "/11"), 7) == 123456789012345678);
    ck_assert(json_i64(json_get(root, "/12"), 7) == 1234567890123456789);
    ck_assert_int_eq(json_i64(json_get(root, "/13"), 7), 20);
    ck_assert_int_eq(json_i64(json_get(root, "/14"), 7), 3);
    ck_assert_int_eq(json_i64(json_get(root, "/15"), 7), 4);
    ck_assert_int_eq(json_i64(parsed("42"), 7), 42);
    ck_assert_int_eq(json_i64(parsed("-42 "), 7), -42);
    ck_assert_double_eq(json_f64(json_get(root, "/9"), 0), -0.0125);
    ck_assert_double_eq(json_f64(json_get(root, "/8"), 3), 3);
    ck_assert_double_eq(json_f64(root, 3), 3);
}
END_TEST

START_TEST(what_is_not_strictly_json_is_refused)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1,",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "[1}",
                                        "{\"a\":1]",
                                        "01",
                                        "-",
                                        "-01",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "+1",
                                        "nul",
                                        "nullx",
                                        "tru",
                                        "True",
                                        "NaN",
                                        "\"",
                                        "\"\\",
                                        "\"\\u12",
                                        "\"\\u12g4\"",
                                        "\"\\x\"",
                                        "\"\t\"",
                                        "\"\x01\"",
                                        "\"\x80\"",
                                        "\"\xC0\xAF\"",
                                        "\"\xED\xA0\x80\"",
                                        "\"\xF4\x90\x80\x80\"",
                                        "\"\xE2\x82\"",
                                        "\xEF\xBB\xBF{}",
                                        "{} x",
                                        "[] []",
                                        "1 2",
                                        "[1 2]",
                                        "{\"a\" 1}",
                                        "/**/1",
                                        "[1]\f",
                                        "\xC2\xA0[1]"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refused(texts[i]);
    ck_assert_str_eq(refused("{} x").reason, "text behind the value");
    ck_assert_uint_eq(refused("{} x").at, 3);
}
END_TEST

START_TEST(depth_has_a_limit)
{
    char text[2 * JSON_DEPTH + 3];
    hg_json root;

    memset(text, '[', sizeof text);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    ck_assert(json_parse(arena, (hg_str){text, 2 * JSON_DEPTH}, &root, NULL));
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    text[2 * JSON_DEPTH + 2] = 0;
    ck_assert_str_eq(refused(text).reason, "nested too deep");
    ck_assert(json_parse_depth(arena, text_of(text), JSON_DEPTH + 1, &root, NULL));
}
END_TEST

/* The searches work on blocks of 16, 32 and 64 bytes: what matters is put at every place of them,
 * in a text that ends where its memory ends, so that ASan sees a byte too many. */
START_TEST(strings_of_every_length_end_where_they_end)
{
    static const char *const ends[] = {"", "\\n", "\\\\", "\\\"", "\\u0041", "é", "€", "😀", "é x"};

    for (size_t n = 0; n < 200; n++) {
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            size_t tail = strlen(ends[k]), whole = n + tail + 6;
            char *text = malloc(whole);
            hg_json root;

            memcpy(text, "[\"", 2);
            memset(text + 2, 'a', n);
            memcpy(text + 2 + n, ends[k], tail);
            memcpy(text + 2 + n + tail, "\",1]", 4);
            ck_assert(json_parse(arena, (hg_str){text, whole}, &root, NULL));
            ck_assert_uint_eq(json_raw_str(json_get(root, "/0")).n, n + tail);
            ck_assert_int_eq(json_i64(json_get(root, "/1"), 0), 1);
            for (size_t cut = whole - 1; cut > 0 && cut + 12 > whole; cut--) {
                char *less = malloc(cut);

                memcpy(less, text, cut);
                ck_assert(!json_parse(arena, (hg_str){less, cut}, &root, NULL));
                free(less);
            }
            text[2 + n + tail] = '\x1F';
            ck_assert(!json_parse(arena, (hg_str){text, whole}, &root, NULL));
            text[2 + n + tail] = '\xFF';
            ck_assert(!json_parse(arena, (hg_str){text, whole}, &root, NULL));
            free(text);
        }
    }
}
END_TEST

static bool is_utf8(hg_str text)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;

    while (p < end) {
        size_t n = utf8_length(p, end);

        if (!n)
            return false;
        p += n;
    }
    return true;
}

/* Long texts are checked many bytes at a time, from their first character beyond ASCII on. */
START_TEST(foreign_text_is_checked_at_every_place)
{
    static const char *const samples[] = {"é",
                                          "€",
                                          "😀",
                                          "\xC2",
                                          "\x80",
                                          "\xC0\x80",
                                          "\xC1\xBF",
                                          "\xE0\x80\x80",
                                          "\xE0\x9F\xBF",
                                          "\xE0\xA0\x80",
                                          "\xED\x9F\xBF",
                                          "\xED\xA0\x80",
                                          "\xED\xBF\xBF",
                                          "\xEE\x80\x80",
                                          "\xE2\x82",
                                          "\xE2\x82\xAC\x80",
                                          "\xF0\x8F\xBF\xBF",
                                          "\xF0\x90\x80\x80",
                                          "\xF4\x8F\xBF\xBF",
                                          "\xF4\x90\x80\x80",
                                          "\xF5\x80\x80\x80",
                                          "\xFF",
                                          "\xF0\x9F\x98",
                                          "\xF0\x9F\x98\x80\x80",
                                          "\xC3\xC3\xA9",
                                          "\xE2\xE2\x82\xAC",
                                          "\xF8\x88\x80\x80\x80",
                                          "\xE2\x82\xAC\xE2\x82\xAC"};
    enum {
        WHOLE = 180
    };
    char *text = malloc(WHOLE);
    hg_json root;

    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        size_t n = strlen(samples[i]);

        for (size_t at = 5; at + n <= WHOLE - 2; at++) {
            memset(text, 'a', WHOLE);
            memcpy(text, "[\"", 2);
            memcpy(text + 3, "é", 2); /* behind three bytes of ASCII, as the wide check wants */
            memcpy(text + at, samples[i], n);
            memcpy(text + WHOLE - 2, "\"]", 2);
            hg_str all = {text, WHOLE};

            ck_assert_msg(json_parse(arena, all, &root, NULL) == is_utf8(all), "%zu at %zu", i, at);
        }
    }
    free(text);
}
END_TEST

START_TEST(the_value_at_the_start_of_a_text_is_measured)
{
    ck_assert_uint_eq(json_measure(HG_S("{\"a\":[1,2]},\"b\":3}")), 11);
    ck_assert_uint_eq(json_measure(HG_S("{\"a\":1,\"a\":2}x")), 13);
    ck_assert_uint_eq(json_measure(HG_S("12,")), 2);
    ck_assert_uint_eq(json_measure(HG_S("{\"a\":")), 0);
    ck_assert_uint_eq(json_measure(HG_S("")), 0);
}
END_TEST

/* Runs of plain text are copied many bytes at a time, and escapes may stand anywhere in them. */
START_TEST(escapes_at_every_distance_are_undone)
{
    static const char *const pairs[][2] = {{"\\n", "\n"},
                                           {"\\\\", "\\"},
                                           {"\\u20ac", "\xe2\x82\xac"},
                                           {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}};
    char raw[256], want[256];

    for (size_t first = 0; first < 40; first++) {
        for (size_t second = 0; second < 40; second++) {
            const char *const *pair = pairs[(first + second) % 4];
            int n = snprintf(raw, sizeof raw, "%.*s%s%.*s%sz", (int)first, LETTERS, pair[0],
                             (int)second, LETTERS, pair[0]);
            int w = snprintf(want, sizeof want, "%.*s%s%.*s%sz", (int)first, LETTERS, pair[1],
                             (int)second, LETTERS, pair[1]);
            char *exact = malloc((size_t)n); /* so that a read beyond it is seen */

            memcpy(exact, raw, (size_t)n);
            hg_str got = json_unescape(arena, (hg_str){exact, (size_t)n});

            ck_assert_uint_eq(got.n, (size_t)w);
            ck_assert_mem_eq(got.p, want, got.n);
            free(exact);
        }
    }
}
END_TEST

START_TEST(offsets_and_raw_text_are_those_of_the_document)
{
    const char *text = " {\"a\" : \"x\" , \"b\":[ 1 ] } ";
    hg_json root = parsed(text);

    ck_assert_uint_eq(json_offset(root), 1);
    same(json_raw(root), "{\"a\" : \"x\" , \"b\":[ 1 ] }");
    ck_assert_uint_eq(json_offset(json_get(root, "/b")), 18);
    same(json_raw(json_get(root, "/b")), "[ 1 ]");
    same(json_raw(json_get(root, "/a")), "\"x\"");
    same(json_text(json_get(root, "/a")), text);
    same(json_raw((hg_json){0}), "");
}
END_TEST

RUN_SUITE_WITH("json/index", setup, teardown, values_are_found_by_pointer,
               a_key_twice_at_the_top_is_refused_in_any_spelling,
               many_members_are_found_and_compared_as_well,
               the_last_of_equal_keys_below_the_top_counts, iteration_gives_every_member_in_order,
               a_walk_goes_on_behind_what_was_walked_inside_of_it,
               several_members_are_found_in_one_walk, white_space_of_every_length_is_passed_over,
               escapes_are_undone, escapes_at_every_distance_are_undone, numbers_keep_their_size,
               what_is_not_strictly_json_is_refused, depth_has_a_limit,
               strings_of_every_length_end_where_they_end, foreign_text_is_checked_at_every_place,
               the_value_at_the_start_of_a_text_is_measured,
               offsets_and_raw_text_are_those_of_the_document)
