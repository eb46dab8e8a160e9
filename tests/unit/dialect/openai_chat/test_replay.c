/* Whole answers as the streams they could have been, and streams folded into a whole. */
#include <string.h>

#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

static hg_str flat(const struct chain *chain)
{
    return chain_flat(chain, arena);
}

START_TEST(a_whole_answer_becomes_a_stream)
{
    hg_str body = HG_S("{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":5,\"model\":\"m\","
                       "\"citations\":[1],\"choices\":[{\"index\":0,\"message\":{\"role\":"
                       "\"assistant\",\"content\":\"a\",\"refusal\":null,\"tool_calls\":[{\"id\":"
                       "\"c\"}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}");
    struct chain *out = chain_new(arena), *without = chain_new(arena);

    ck_assert(dialect->to_events(arena, HG_R_CHAT, body, true, out));
    same(flat(out),
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"citations\":[1],\"object\":"
         "\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
         "\"content\":\"a\",\"tool_calls\":[{\"index\":0,\"id\":\"c\"}]},\"finish_reason\":null}]}"
         "\n\n"
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"object\":\"chat.completion.chunk\","
         "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"object\":\"chat.completion.chunk\","
         "\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"
         "data: [DONE]\n\n");
    ck_assert(dialect->to_events(arena, HG_R_CHAT, body, false, without));
    ck_assert(!memmem(flat(without).p, flat(without).n, "usage", 5));
    ck_assert(!dialect->to_events(arena, HG_R_CHAT, HG_S("{\"error\":{\"a\":1}}"), true, out));
    ck_assert(!dialect->to_events(arena, HG_R_EMBED, body, true, out));
}
END_TEST

static hg_str folded(const char *events)
{
    struct chain *out = chain_new(arena);

    return dialect->to_whole(arena, HG_R_CHAT, text_of(events), out) ? flat(out) : (hg_str){0};
}

#define EVENT(json) "data: " json "\n\n"
#define FINISH      EVENT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}")

START_TEST(events_are_folded_into_a_whole)
{
    same(folded(EVENT("{\"id\":\"\",\"choices\":[null]}") EVENT(
             "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
             "\"content\":\"\\ud83d\"}}],\"usage\":null}")
                    EVENT("{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ude00"
                          "\\n\"}}]}") FINISH EVENT("{\"choices\":[],\"usage\":{\"a\":1}}")
                        EVENT("[DONE]")),
         "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
         "\"assistant\",\"content\":\"\\ud83d\\ude00\\n\"},\"finish_reason\":\"stop\"}],\"id\":"
         "\"i\","
         "\"usage\":{\"a\":1}}");
    ck_assert_uint_eq(
        folded(EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}")).n, 0);
    ck_assert_uint_eq(folded(FINISH EVENT("{\"error\":{\"message\":\"m\"}}")).n, 0);
    ck_assert_uint_eq(folded(FINISH EVENT("<html>")).n, 0);
    ck_assert_uint_eq(folded("").n, 0);
}
END_TEST

#define CALL(json) EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[" json "]}}]}")

START_TEST(tool_calls_are_told_apart_however_they_are_numbered)
{
    static const char *const streams[] = {
        CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
            CALL("{\"index\":0,\"function\":{\"arguments\":\"1\"}}")
                CALL("{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}")
                    FINISH,
        CALL("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}")
            CALL("{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}")
                CALL("{\"id\":\"null\",\"function\":{\"arguments\":\"2\"}}") FINISH,
        CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}")
            CALL("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}")
                FINISH};

    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        same(json_raw(json_get(parsed(folded(streams[i])), "/choices/0/message/tool_calls")),
             "[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}},"
             "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}]");
}
END_TEST

RUN_SUITE_WITH("dialect/openai_chat/replay", setup, teardown, a_whole_answer_becomes_a_stream,
               events_are_folded_into_a_whole, tool_calls_are_told_apart_however_they_are_numbered)
