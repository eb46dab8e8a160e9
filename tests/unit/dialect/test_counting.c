#include "dialect/counting.h"

#include "base/text.h"
#include "support/suite.h"
#include "json/index.h"

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
    hg_json doc;

    ck_assert(json_parse(arena, text_of(text), &doc, NULL));
    return doc;
}

static const char *written(const struct dialect *dialect, const char *chat)
{
    struct chain *in = chain_new(arena), *out = chain_new(arena);

    chain_put_const(in, chat, strlen(chat));
    return counting_write(dialect, HG_S("m\"1"), in, out)
               ? arena_cstr(arena, chain_flat(out, arena))
               : "none";
}

START_TEST(what_does_not_count_is_left_out)
{
    ck_assert_str_eq(written(&dialect_anthropic,
                             "{\"model\":\"m\",\"max_tokens\":5,"
                             "\"messages\":[],\"stream\":true,\"system\":\"s\"}"),
                     "{\"model\":\"m\",\"messages\":[],\"system\":\"s\"}");
    ck_assert_str_eq(written(&dialect_openai_responses, "{\"input\":\"x\",\"store\":false}"),
                     "{\"input\":\"x\"}");
}
END_TEST

START_TEST(what_stands_around_it_is_the_formats_own)
{
    ck_assert_str_eq(written(&dialect_gemini, "{\"contents\":[]}"),
                     "{\"generateContentRequest\":{\"model\":\"models/m\\\"1\",\"contents\":[]}}");
    ck_assert_str_eq(written(&dialect_converse, "{\"messages\":[],\"inferenceConfig\":{}}"),
                     "{\"input\":{\"converse\":{\"messages\":[]}}}");
    ck_assert_str_eq(written(&dialect_anthropic, "not JSON"), "none");
}
END_TEST

START_TEST(the_chat_is_found_inside_of_it)
{
    hg_json doc = parsed("{\"generateContentRequest\":{\"contents\":1},\"contents\":2}");

    ck_assert_int_eq(
        json_i64(json_member(counting_inside(&dialect_gemini, doc), HG_S("contents")), 0), 1);
    doc = parsed("{\"generateContentRequest\":7,\"contents\":2}");
    ck_assert_int_eq(
        json_i64(json_member(counting_inside(&dialect_gemini, doc), HG_S("contents")), 0), 2);
}
END_TEST

START_TEST(a_number_is_read_and_written_in_each_format)
{
    static const struct dialect *const dialects[] = {&dialect_anthropic, &dialect_openai_responses,
                                                     &dialect_gemini, &dialect_converse};

    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        hg_str answer = counting_answer(dialects[i], arena, 1234567890123);

        ck_assert_int_eq(counting_read(dialects[i], parsed(arena_cstr(arena, answer))),
                         1234567890123);
        ck_assert_int_eq(counting_read(dialects[i], parsed("{\"x\":1}")), -1);
        ck_assert_int_eq(counting_read(dialects[i], parsed("[]")), -1);
        ck_assert_uint_eq(counting_estimate(dialects[i], parsed("{}")), 1);
    }
}
END_TEST

RUN_SUITE_WITH("counting", setup, teardown, what_does_not_count_is_left_out,
               what_stands_around_it_is_the_formats_own, the_chat_is_found_inside_of_it,
               a_number_is_read_and_written_in_each_format)
