/* Normalised events as answers of this format, in a stream and whole. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_gemini;

static hg_str written(bool is_stream, const hg_event *events, size_t count)
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, true);
    struct chain *out = chain_new(arena);

    for (size_t i = 0; i < count; i++)
        dialect->write(writer, &events[i], out);
    dialect->write_end(writer, out);
    return chain_flat(out, arena);
}

#define WRITTEN(is_stream, ...)                         \
    written(is_stream, (const hg_event[]){__VA_ARGS__}, \
            sizeof((const hg_event[]){__VA_ARGS__}) / sizeof(hg_event))

#define E(kind, ...)                                                \
    (hg_event)                                                      \
    {                                                               \
        .size = sizeof(hg_event), .type = HG_EV_##kind, __VA_ARGS__ \
    }

static const hg_usage counted = {.size = sizeof(hg_usage),
                                 .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_REASONING,
                                 .input = 5,
                                 .output = 9,
                                 .reasoning = 4};

#define EVENTS                                                                                     \
    E(START, .id = HG_S("i"), .name = HG_S("m")), E(REASONING, .text = HG_S("h")),                 \
        E(REASONING, .text = HG_S("m")), E(TEXT, .text = HG_S("a\n")), E(TEXT, .text = HG_S("b")), \
        E(TOOL_START, .id = HG_S("c"), .name = HG_S("f"), .text = HG_S("s")),                      \
        E(TOOL_ARGS, .text = HG_S("{\"x\"")), E(TOOL_ARGS, .text = HG_S(":1}")), E(TOOL_END),      \
        E(FINISH, .finish = HG_FIN_TOOLS), E(USAGE, .usage = &counted)

START_TEST(a_whole_answer_is_written)
{
    same(WRITTEN(false, EVENTS),
         "{\"candidates\":[{\"content\":{\"parts\":[{\"thought\":true,\"text\":\"hm\"},{\"text\":"
         "\"a\\nb\"},{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1},\"id\":\"c\"},"
         "\"thoughtSignature\":\"s\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"
         "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":5,"
         "\"totalTokenCount\":14,\"thoughtsTokenCount\":4},\"modelVersion\":\"m\",\"responseId\":"
         "\"i\"}");
}
END_TEST

START_TEST(a_stream_is_written_as_it_comes)
{
    hg_str got = WRITTEN(true, EVENTS);

    has(got, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\\n\"}],\"role\":"
             "\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"i\"}\r\n\r\n");
    ck_assert(text_ends(got, HG_S("\"thoughtsTokenCount\":4},\"modelVersion\":\"m\",\"responseId\":"
                                  "\"i\"}\r\n\r\n")));
    lacks(got, "[DONE]");
}
END_TEST

START_TEST(failures_are_never_a_success)
{
    static const char error[] = "{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":"
                                "\"RESOURCE_EXHAUSTED\",\"details\":[]}}";
    hg_str stream = WRITTEN(true, E(START), E(TEXT, .text = HG_S("a")),
                            E(ERROR, .name = HG_S("rate_limit_error"), .text = HG_S("slow")));

    ck_assert(text_ends(stream, HG_S("\"details\":[]}}\r\n\r\n")));
    lacks(stream, "finishReason");
    same(WRITTEN(false, E(START), E(ERROR, .name = HG_S("rate_limit_error"), .text = HG_S("slow"))),
         error);
    has(WRITTEN(false, E(START), E(TEXT, .text = HG_S("a"))), "\"error\"");
    lacks(WRITTEN(true, E(START), E(TEXT, .text = HG_S("a"))), "finishReason");
    /* Arguments that were cut are told as they are. */
    has(WRITTEN(false, E(START), E(TOOL_START, .id = HG_S("c"), .name = HG_S("f")),
                E(TOOL_ARGS, .text = HG_S("{\"x\"")), E(FINISH, .finish = HG_FIN_LENGTH)),
        "\"args\":{\"raw\":\"{\\\"x\\\"\"},\"id\":\"c\"}}],\"role\":\"model\"},\"finishReason\":"
        "\"MAX_TOKENS\"");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/writer", setup, teardown, a_whole_answer_is_written,
               a_stream_is_written_as_it_comes, failures_are_never_a_success)
