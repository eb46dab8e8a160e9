/* Usage and finish reasons, as all the servers that speak this format write them. */
#include <stdio.h>

#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

START_TEST(finishes_are_known_under_all_their_names)
{
    static const struct {
        const char *word;
        uint32_t finish;
    } cases[] = {{"stop", HG_FIN_STOP},
                 {"eos", HG_FIN_STOP},
                 {"eos_token", HG_FIN_STOP},
                 {"end_turn", HG_FIN_STOP},
                 {"stop_sequence", HG_FIN_STOP},
                 {"COMPLETE", HG_FIN_STOP},
                 {"done", HG_FIN_STOP},
                 {"", HG_FIN_STOP},
                 {"length", HG_FIN_LENGTH},
                 {"max_tokens", HG_FIN_LENGTH},
                 {"MAX_TOKENS", HG_FIN_LENGTH},
                 {"model_length", HG_FIN_LENGTH},
                 {"model_context_window_exceeded", HG_FIN_LENGTH},
                 {"context_length_exceeded", HG_FIN_LENGTH},
                 {"tool_calls", HG_FIN_TOOLS},
                 {"tool_use", HG_FIN_TOOLS},
                 {"function_call", HG_FIN_TOOLS},
                 {"TOOL_CALL", HG_FIN_TOOLS},
                 {"content_filter", HG_FIN_FILTER},
                 {"sensitive", HG_FIN_FILTER},
                 {"SAFETY", HG_FIN_FILTER},
                 {"content_filtered", HG_FIN_FILTER},
                 {"guardrail", HG_FIN_FILTER},
                 {"something new", HG_FIN_OTHER}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dialect_answer answer;
        char text[256];

        snprintf(text, sizeof text,
                 "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"%s\"}]}",
                 cases[i].word);
        dialect->read_answer(arena, HG_R_CHAT, parsed(arena_text(arena, text_of(text))), &answer);
        ck_assert_msg(answer.finish == cases[i].finish && answer.is_valid, "%s: %u", cases[i].word,
                      answer.finish);
    }
}
END_TEST

static hg_usage usage_of(const char *text)
{
    struct dialect_answer answer;

    dialect->read_answer(arena, HG_R_CHAT, parsed(text_of(text)), &answer);
    return answer.has_usage ? answer.usage : (hg_usage){0};
}

START_TEST(usage_counts_everything_once)
{
    hg_usage usage =
        usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":2,"
                 "\"audio_tokens\":1},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":3,\"audio_tokens\":2}}}");

    ck_assert_uint_eq(usage.input, 10);
    ck_assert_uint_eq(usage.output, 5);
    ck_assert_uint_eq(usage.cached_input, 4);
    ck_assert_uint_eq(usage.cache_write, 2);
    ck_assert_uint_eq(usage.reasoning, 3);
    ck_assert_uint_eq(usage.audio_in, 1);
    ck_assert_uint_eq(usage.audio_out, 2);
    ck_assert_uint_eq(usage.flags, HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED | HG_U_CACHE_WRITE |
                                       HG_U_REASONING | HG_U_AUDIO_IN | HG_U_AUDIO_OUT);
}
END_TEST

START_TEST(reasoning_beside_the_completion_is_added)
{
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
                               "\"total_tokens\":22,\"completion_tokens_details\":"
                               "{\"reasoning_tokens\":7}}}")
                          .output,
                      12);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":9,"
                               "\"total_tokens\":19,\"completion_tokens_details\":"
                               "{\"reasoning_tokens\":7}}}")
                          .output,
                      9);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":5,"
                               "\"total_tokens\":6,\"citation_tokens\":20,\"reasoning_tokens\":2}}")
                          .output,
                      27);
}
END_TEST

START_TEST(usage_is_found_where_servers_put_it)
{
    hg_usage usage = usage_of("{\"usage\":{\"prompt_cache_hit_tokens\":3,"
                              "\"prompt_cache_miss_tokens\":4,\"completion_tokens\":1}}");

    ck_assert_uint_eq(usage.input, 7);
    ck_assert_uint_eq(usage.cached_input, 3);
    ck_assert_uint_eq(
        usage_of("{\"usage\":null,\"x_groq\":{\"usage\":{\"prompt_tokens\":6}}}").input, 6);
    ck_assert_uint_eq(usage_of("{\"choices\":[{\"usage\":{\"prompt_tokens\":8}}]}").input, 8);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"total_tokens\":9}}").input, 9);
    ck_assert_uint_eq(usage_of("{\"usage\":{}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":-1}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":9e18}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":9000000000000000000}}").flags, 0);
}
END_TEST

RUN_SUITE_WITH("dialect/openai_chat/usage", setup, teardown,
               finishes_are_known_under_all_their_names, usage_counts_everything_once,
               reasoning_beside_the_completion_is_added, usage_is_found_where_servers_put_it)
