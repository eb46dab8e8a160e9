#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "json/index.h"
#include "json/write.h"

static struct arena *arena;
static struct chain *out;

static void setup(void)
{
    arena = arena_new();
    out = chain_new(arena);
}

static void teardown(void)
{
    arena_free(&arena);
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "'%.*s' is not '%s'", TEXT_ARG(text), expected);
}

static void wrote(const char *expected)
{
    ck_assert(json_ok(out));
    same(chain_flat(out, arena), expected);
}

START_TEST(commas_and_colons_come_by_themselves)
{
    json_obj(out);
    JSON_KEY(out, "a");
    json_arr(out);
    json_put_i64(out, INT64_MIN);
    json_put_u64(out, UINT64_MAX);
    json_put_bool(out, 1);
    json_put_bool(out, 0);
    json_put_bool(out, -1);
    json_obj(out);
    json_end(out);
    json_arr(out);
    json_end(out);
    json_end(out);
    json_key(out, HG_S("b\""));
    json_put_raw(out, HG_S("{\"x\":1}"));
    JSON_KEY(out, "c");
    json_put_str(out, HG_S(""));
    json_end(out);
    wrote("{\"a\":[-9223372036854775808,18446744073709551615,true,false,null,{},[]],"
          "\"b\\\"\":{\"x\":1},\"c\":\"\"}");
}
END_TEST

START_TEST(a_raw_value_is_put_on_one_line)
{
    json_arr(out);
    json_put_raw(out, HG_S("{\r\n  \"a\\n\": [\n1,\r2\n]\n}\n"));
    json_put_raw(out, HG_S("\n\"b\""));
    json_end(out);
    wrote("[{  \"a\\n\": [1,2]},\"b\"]");
}
END_TEST

START_TEST(strings_are_escaped_and_repaired)
{
    json_put_str(out, HG_S("q\" b\\ n\n t\t \b\f\r \x01\x1f \x7f é😀 \xFF \xE2\x82 \xED\xA0\x80."));
    wrote("\"q\\\" b\\\\ n\\n t\\t \\b\\f\\r \\u0001\\u001f \x7f é😀 \xEF\xBF\xBD \xEF\xBF\xBD "
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD.\"");
}
END_TEST

START_TEST(escapes_into_memory_are_the_same_as_into_a_chain)
{
    static const char *const pieces[] = {"plain", "\"", "\\",   "\n",       "\x01",
                                         "é",     "😀",  "\xFF", "\xE2\x82", "\xED\xA0\x80"};

    srand(3);
    for (int round = 0; round < 3000; round++) {
        char text[512], made[JSON_ESCAPED_MAX * sizeof text];
        size_t n = 0;

        for (int i = rand() % 60; i > 0; i--)
            n = (size_t)(put_text(text + n, text_of(pieces[rand() % 10])) - text);
        n = n > 2 ? n - (size_t)rand() % 3 : n; /* also in the middle of a character */
        chain_clear(out);
        json_escape(out, (hg_str){text, n});
        char *end = json_escape_at(made, (hg_str){text, n});

        ck_assert(text_is(chain_flat(out, arena), (hg_str){made, (size_t)(end - made)}));
    }
}
END_TEST

START_TEST(numbers_are_written_so_that_they_read_the_same)
{
    static const double numbers[] = {0.1, 1.0 / 3, 1e300, 5e-324, 123456789.125, -0.7, 1e22};

    json_arr(out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_put_f64(out, numbers[i]);
    json_put_f64(out, (double)NAN);
    json_put_f64(out, (double)-INFINITY);
    json_end(out);
    hg_json root;

    ck_assert(json_parse(arena, chain_flat(out, arena), &root, NULL));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_double_eq(json_f64(json_element(root, i), 0), numbers[i]);
    ck_assert_uint_eq(json_get(root, "/7").kind, HG_J_NULL);
    ck_assert_uint_eq(json_get(root, "/8").kind, HG_J_NULL);
    same(json_raw(json_get(root, "/0")), "0.1");
}
END_TEST

static void nothing_more(struct chain *chain)
{
    size_t len = chain->len;

    ck_assert(!json_ok(chain));
    json_put_i64(chain, 1);
    json_obj(chain);
    json_end(chain);
    ck_assert_uint_eq(chain->len, len);
}

START_TEST(what_does_not_fit_its_place_breaks_the_output)
{
    json_obj(out);
    json_put_i64(out, 1);
    nothing_more(out);

    out = chain_new(arena);
    json_end(out);
    nothing_more(out);

    out = chain_new(arena);
    json_arr(out);
    JSON_KEY(out, "a");
    nothing_more(out);

    out = chain_new(arena);
    json_obj(out);
    JSON_KEY(out, "a");
    JSON_KEY(out, "b");
    nothing_more(out);

    out = chain_new(arena);
    json_obj(out);
    JSON_KEY(out, "a");
    json_end(out);
    nothing_more(out);

    out = chain_new(arena);
    for (int i = 0; i < CHAIN_DEPTH; i++)
        json_arr(out);
    ck_assert(!out->broken && !json_ok(out));
    json_arr(out);
    nothing_more(out);
}
END_TEST

RUN_SUITE_WITH("json/write", setup, teardown, commas_and_colons_come_by_themselves,
               a_raw_value_is_put_on_one_line, strings_are_escaped_and_repaired,
               escapes_into_memory_are_the_same_as_into_a_chain,
               numbers_are_written_so_that_they_read_the_same,
               what_does_not_fit_its_place_breaks_the_output)
