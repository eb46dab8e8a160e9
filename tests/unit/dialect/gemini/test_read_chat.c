/* Requests of Google's clients as other models take them. */
#include "dialect/dialect.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_gemini;

static struct translation translation;

static hg_str passed_on(const char *request)
{
    struct chain *out = chain_new(arena);
    struct error error = {""};
    struct chat chat;

    translation_begin(&translation, arena, dialect, &dialect_openai_chat, HG_S("m"));
    ck_assert_msg(dialect->read_chat(arena, HG_S("/v1beta/models/m:streamGenerateContent"),
                                     parsed(text_of(request)), &chat, &error),
                  "%s", error.text);
    ck_assert_msg(dialect_openai_chat.write_chat(&translation, &chat, out, &error), "%s",
                  error.text);
    return chain_flat(out, arena);
}

START_TEST(both_spellings_are_read)
{
    hg_str camel = passed_on(
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]},\"contents\":[{\"role\":\"user\","
        "\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QQ==\"}}]}],"
        "\"generationConfig\":{\"maxOutputTokens\":5,\"stopSequences\":[\"x\"]},\"tools\":[{"
        "\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\","
        "\"properties\":{\"a\":{\"type\":\"STRING\",\"nullable\":true,\"minLength\":\"1\"}}}}]}],"
        "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}}");
    hg_str snake = passed_on(
        "{\"system_instruction\":{\"parts\":[{\"text\":\"s\"}]},\"contents\":[{\"role\":\"user\","
        "\"parts\":[{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"QQ==\"}}]}],"
        "\"generation_config\":{\"max_output_tokens\":5,\"stop_sequences\":[\"x\"]},\"tools\":[{"
        "\"function_declarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\","
        "\"properties\":{\"a\":{\"type\":\"STRING\",\"nullable\":true,\"min_length\":\"1\"}}}}]}],"
        "\"tool_config\":{\"function_calling_config\":{\"mode\":\"ANY\"}}}");

    same(snake, arena_cstr(arena, camel));
    has(camel, "\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\","
               "\"null\"],\"minLength\":1}}}");
    has(camel, "\"url\":\"data:image/png;base64,QQ==\"");
    has(camel, "\"tool_choice\":\"required\"");
    has(camel, "\"stream\":true");
}
END_TEST

/* pitfall 87 */
START_TEST(calls_without_ids_get_the_same_as_their_results)
{
    hg_str got = passed_on(
        "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{"
        "\"a\":1}}},{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},{\"role\":\"function\","
        "\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"result\":\"1\"}}},{"
        "\"functionResponse\":{\"name\":\"f\",\"response\":{\"x\":2}}},{\"text\":\"go on\"}]}]}");

    has(got, "{\"role\":\"tool\",\"tool_call_id\":\"call_0\",\"content\":\"1\"},{\"role\":\"tool\","
             "\"tool_call_id\":\"call_1\",\"content\":\"{\\\"x\\\":2}\"},{\"role\":\"user\","
             "\"content\":\"go on\"}");
    has(got, "\"id\":\"call_0\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
             "\"{\\\"a\\\":1}\"}");
}
END_TEST

START_TEST(errors_of_requests_name_the_place)
{
    static const struct {
        const char *request, *message;
    } cases[] = {{"{}", "contents"},
                 {"{\"contents\":[7]}", "contents[0]"},
                 {"{\"contents\":[{\"role\":\"user\",\"parts\":[]},{\"role\":\"tool\"}]}",
                  "contents[1].role"},
                 {"{\"contents\":[],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"X\"}}}",
                  "toolConfig.functionCallingConfig.mode"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        struct chat chat;

        ck_assert(
            !dialect->read_chat(arena, HG_S(""), parsed(text_of(cases[i].request)), &chat, &error));
        ck_assert_msg(strstr(error.text, cases[i].message) == error.text, "%s", error.text);
    }
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/read_chat", setup, teardown, both_spellings_are_read,
               calls_without_ids_get_the_same_as_their_results, errors_of_requests_name_the_place)
