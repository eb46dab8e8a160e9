/* Tools that providers run themselves: left out and told where there is no equal. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "json/index.h"

static struct arena *arena;
static struct translation translation;
static struct error error;

static void setup(void)
{
    arena = arena_new();
    error = (struct error){""};
}

static void teardown(void)
{
    arena_free(&arena);
}

#define HI       "{\"model\":\"m\",\"input\":\"hi\""
#define FUNCTION "{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}"
#define SHELL    "{\"type\":\"local_shell\"}"

static const struct dialect *const others[] = {&dialect_openai_chat, &dialect_anthropic,
                                               &dialect_gemini, &dialect_converse, &dialect_cohere};

enum {
    OTHERS = sizeof others / sizeof *others
};

/* What a client of Responses asks of another; empty if it is refused. */
static hg_str asked(const struct dialect *to, const char *request)
{
    struct chain *out = chain_new(arena);
    struct chat chat;
    hg_json doc, written;

    ck_assert_msg(json_parse(arena, text_of(request), &doc, NULL), "%s", request);
    translation_begin(&translation, arena, &dialect_openai_responses, to, HG_S("m"));
    if (!dialect_openai_responses.read_chat(arena, HG_S("/v1/responses"), doc, &chat, &error) ||
        !to->write_chat(&translation, &chat, out, &error))
        return HG_S("");
    ck_assert_msg(json_parse(arena, chain_flat(out, arena), &written, NULL), "%s: %.*s", to->name,
                  TEXT_ARG(chain_flat(out, arena)));
    return chain_flat(out, arena);
}

static bool has(hg_str text, const char *piece)
{
    return memmem(text.p, text.n, piece, strlen(piece)) != NULL;
}

static void lost(const struct dialect *to, const char *expected)
{
    hg_str losses = translation_losses(&translation);

    ck_assert_msg(text_is(losses, text_of(expected)), "%s lost: %.*s", to->name, TEXT_ARG(losses));
}

/* pitfall 97 */
START_TEST(a_tool_without_an_equal_is_left_out_and_told)
{
    for (size_t i = 0; i < OTHERS; i++) {
        const struct dialect *to = others[i];
        hg_str out = asked(to, HI ",\"tools\":[" SHELL "," FUNCTION "]}");

        ck_assert_msg(has(out, "\"f\"") && !has(out, "local_shell"), "%s: %.*s", to->name,
                      TEXT_ARG(out));
        lost(to, "tools.local_shell");
    }
}
END_TEST

START_TEST(without_any_tool_left_there_is_no_list_and_no_choice)
{
    for (size_t i = 0; i < OTHERS; i++) {
        const struct dialect *to = others[i];
        hg_str out = asked(to, HI ",\"tools\":[" SHELL "],\"tool_choice\":\"auto\"}");

        ck_assert_msg(out.n && !has(out, "tool"), "%s: %.*s", to->name, TEXT_ARG(out));
        lost(to, "tools.local_shell");
    }
}
END_TEST

START_TEST(what_the_choice_demands_is_not_left_out)
{
    static const char *const choices[] = {
        "{\"type\":\"local_shell\"}", "\"required\"",
        "{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[" SHELL "]}"};

    for (size_t i = 0; i < OTHERS; i++) {
        const struct dialect *to = others[i];
        for (size_t k = 0; k < sizeof choices / sizeof *choices; k++) {
            hg_str request =
                arena_fmt(arena, HI ",\"tools\":[" SHELL "],\"tool_choice\":%s}", choices[k]);

            ck_assert_msg(!asked(to, request.p).n, "%s: %s", to->name, choices[k]);
            ck_assert_msg(strstr(error.text, "tools: local_shell is run by the provider and has "
                                             "no equal here"),
                          "%s: %s", to->name, error.text);
        }
    }
}
END_TEST

START_TEST(a_choice_keeps_what_is_left_of_its_names)
{
    hg_str out = asked(&dialect_openai_chat,
                       HI ",\"tools\":[" SHELL "," FUNCTION "],"
                          "\"tool_choice\":{\"type\":\"allowed_tools\","
                          "\"mode\":\"required\",\"tools\":[" SHELL "," FUNCTION "]}}");

    ck_assert_msg(has(out, "\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\""
                           ":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
                           "\"f\"}}]}}"),
                  "%.*s", TEXT_ARG(out));
    out = asked(&dialect_openai_chat,
                HI ",\"tools\":[" SHELL "," FUNCTION "],\"tool_choice\":{"
                   "\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[" SHELL "]}}");
    ck_assert_msg(has(out, "\"tool_choice\":\"none\""), "%.*s", TEXT_ARG(out));
}
END_TEST

START_TEST(a_type_that_is_no_word_is_not_repeated)
{
    for (size_t i = 0; i < OTHERS; i++) {
        const struct dialect *to = others[i];
        ck_assert(asked(to, HI ",\"tools\":[{\"type\":\"a\\r\\nb: c\"},{\"type\":\"\"},{}]}").n);
        lost(to, "tools");
    }
}
END_TEST

START_TEST(many_types_are_told_by_a_few_names)
{
    struct chain *request = chain_new(arena);

    CHAIN_PUT_LIT(request, HI ",\"tools\":[{\"type\":\"t\"}");
    for (unsigned i = 0; i < 1000; i++) {
        hg_str one = arena_fmt(arena, ",{\"type\":\"t%u\"}", i);

        chain_put(request, one.p, one.n);
    }
    chain_put(request, "]}", 3); /* with its end */
    ck_assert(asked(&dialect_cohere, chain_flat(request, arena).p).n);
    ck_assert_uint_lt(translation_losses(&translation).n, 300);
    ck_assert(has(translation_losses(&translation), ", tools"));
}
END_TEST

RUN_SUITE_WITH("hosted tools", setup, teardown, a_tool_without_an_equal_is_left_out_and_told,
               without_any_tool_left_there_is_no_list_and_no_choice,
               what_the_choice_demands_is_not_left_out, a_choice_keeps_what_is_left_of_its_names,
               a_type_that_is_no_word_is_not_repeated, many_types_are_told_by_a_few_names)
