#include "simulate/rule.h"

#include <jansson.h>

#include "base/text.h"
#include "support/suite.h"

static struct arena *arena;
static struct rule rule;
static struct error error;

static void setup(void)
{
    arena = arena_new();
    rule = rule_default;
    error = (struct error){0};
}

static void teardown(void)
{
    arena_free(&arena);
}

static bool set(const char *name, const char *value)
{
    return rule_set(&rule, arena, text_of(name), text_of(value), &error);
}

START_TEST(each_kind_of_value_is_read)
{
    ck_assert(set("status", "429"));
    ck_assert_uint_eq(rule.status, 429);
    ck_assert(set("delay", "250ms"));
    ck_assert_int_eq(rule.delay, 250000000);
    ck_assert(set("text", "two words"));
    ck_assert(text_is(rule.text, HG_S("two words")));
    ck_assert(set("no-done", ""));
    ck_assert(rule.no_done);
    ck_assert(set("no-done", "false"));
    ck_assert(!rule.no_done);
    ck_assert(set("garbage", "html"));
    ck_assert(text_is(rule.garbage, HG_S("html")));
}
END_TEST

START_TEST(an_option_that_was_not_given_is_told_from_zero)
{
    ck_assert_uint_eq(rule.close_after_bytes, UNSET);
    ck_assert(set("close-after-bytes", "0"));
    ck_assert_uint_eq(rule.close_after_bytes, 0);
}
END_TEST

START_TEST(a_misspelt_option_names_the_right_one)
{
    ck_assert(!set("statsu", "429"));
    ck_assert_ptr_nonnull(strstr(error.text, "\"status\""));
    ck_assert(!set("entirely-unlike-anything", "1"));
    ck_assert_ptr_null(strstr(error.text, "did you mean"));
}
END_TEST

START_TEST(bad_values_are_refused)
{
    static const char *const bad[][2] = {
        {"status", "42"},        {"status", "1000"},
        {"status", "many"},      {"delay", "soon"},
        {"split", "0"},          {"split", "random:x"},
        {"split", "at:"},        {"split", "at:5+3"},
        {"garbage", "nonsense"}, {"endless", "patience"},
        {"usage", "later"},      {"no-usage", "perhaps"},
        {"tokens", "-1"},        {"header", "no colon here"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!set(bad[i][0], bad[i][1]), "%s=%s", bad[i][0], bad[i][1]);
}
END_TEST

START_TEST(splits_have_three_forms)
{
    ck_assert(set("split", "7"));
    ck_assert_int_eq(rule.split.mode, SPLIT_SIZE);
    ck_assert_uint_eq(rule.split.size, 7);
    ck_assert(set("split", "random:42"));
    ck_assert_int_eq(rule.split.mode, SPLIT_RANDOM);
    ck_assert(set("chunk-bytes", "at:3+17,99"));
    ck_assert_int_eq(rule.split.mode, SPLIT_OFFSETS);
    ck_assert_uint_eq(rule.split.count, 3);
    ck_assert_uint_eq(rule.split.offsets[2], 99);
}
END_TEST

START_TEST(nothing_can_break_out_of_a_header)
{
    ck_assert(!set("header", "x-a: b\r\nx-c: d"));
    ck_assert(!set("content-type", "text/plain\r\nx: y"));
    ck_assert(!set("retry-after", "1\n"));
    ck_assert(set("header", "x-a: b"));
    ck_assert(set("header", "X-C:d"));
    ck_assert(text_is(rule.headers, HG_S("x-a: b\r\nX-C: d\r\n")));
}
END_TEST

START_TEST(a_model_carries_options)
{
    ck_assert(
        rule_set_model(&rule, arena, HG_S("sim:status=503,retry-after=2,text=a%2cb%20c"), &error));
    ck_assert_uint_eq(rule.status, 503);
    ck_assert(text_is(rule.retry_after, HG_S("2")));
    ck_assert(text_is(rule.text, HG_S("a,b c")));
    ck_assert(rule_set_model(&rule, arena, HG_S("sim:no-usage"), &error));
    ck_assert(rule.no_usage);
}
END_TEST

START_TEST(a_usual_model_changes_nothing)
{
    ck_assert(rule_set_model(&rule, arena, HG_S("gpt-4o:status=1"), &error));
    ck_assert_mem_eq(&rule, &rule_default, sizeof rule);
    ck_assert(!rule_set_model(&rule, arena, HG_S("sim:wrong=1"), &error));
}
END_TEST

START_TEST(a_percent_sign_at_the_end_is_a_percent_sign)
{
    ck_assert(rule_set_model(&rule, arena, HG_S("sim:text=50%,finish=%4"), &error));
    ck_assert(text_is(rule.text, HG_S("50%")));
    ck_assert(text_is(rule.finish, HG_S("%4")));
}
END_TEST

START_TEST(json_sets_options_of_every_type)
{
    json_t *object = json_loads("{\"status\": 201, \"no-usage\": true, \"delay\": \"1s\","
                                " \"body\": {\"a\": [1]}, \"headers\": {\"x-a\": \"b\"}}",
                                0, NULL);

    ck_assert(rule_set_json(&rule, arena, object, &error));
    json_decref(object);
    ck_assert_uint_eq(rule.status, 201);
    ck_assert(rule.no_usage);
    ck_assert(text_is(rule.body, HG_S("{\"a\":[1]}")));
    ck_assert(text_is(rule.headers, HG_S("x-a: b\r\n")));
}
END_TEST

RUN_SUITE_WITH("rule", setup, teardown, each_kind_of_value_is_read,
               an_option_that_was_not_given_is_told_from_zero,
               a_misspelt_option_names_the_right_one, bad_values_are_refused,
               splits_have_three_forms, nothing_can_break_out_of_a_header, a_model_carries_options,
               a_usual_model_changes_nothing, a_percent_sign_at_the_end_is_a_percent_sign,
               json_sets_options_of_every_type)
