/* Requests of OpenAI's clients as Google's models take them. "pitfall N" is a mistake that others
 * have made. */
#include "dialect/dialect.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"
#include "json/splice.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_gemini;

static struct translation translation;

/* What a model of that name is asked; empty, with the reason in `error`, if it cannot be. */
static hg_str asked(const char *model, uint32_t traits, const char *request, struct error *error)
{
    struct chain *out = chain_new(arena);
    struct chat chat;

    translation_begin(&translation, arena, &dialect_openai_chat, dialect, text_of(model));
    translation.traits = traits;
    ck_assert(
        dialect_openai_chat.read_chat(arena, HG_S(""), parsed(text_of(request)), &chat, error));
    if (!dialect->write_chat(&translation, &chat, out, error))
        return HG_S("");
    ck_assert(json_ok(out));
    return chain_flat(out, arena);
}

static hg_str told(const char *model, const char *request)
{
    struct error error = {""};
    hg_str ret = asked(model, 0, request, &error);

    ck_assert_msg(ret.n, "%s", error.text);
    parsed(ret);
    return ret;
}

#define FLASH "gemini-2.5-flash"
#define THREE "gemini-3-pro-preview"

#define TOOL(name, more) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"" more "}}"
#define ASK(more)        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]" more "}"

START_TEST(turns_and_settings_are_told)
{
    same(told("gemini-2.0-flash",
              "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
              "\"user\",\"content\":\"a\\n\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":"
              "\"assistant\",\"content\":\"c\"},{\"role\":\"system\",\"content\":\"t\"},{\"role\":"
              "\"user\",\"content\":\"d\"}],\"temperature\":0,\"top_p\":0.50,\"max_tokens\":7,"
              "\"stop\":\"x\",\"seed\":1,\"presence_penalty\":0}"),
         "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"},{\"text\":\"t\"}]},\"contents\":[{"
         "\"role\":\"user\",\"parts\":[{\"text\":\"a\\n\"},{\"text\":\"b\"}]},{\"role\":\"model\","
         "\"parts\":[{\"text\":\"c\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"d\"}]}],"
         "\"generationConfig\":{\"maxOutputTokens\":7,\"temperature\":0,\"topP\":0.50,\"seed\":1,"
         "\"presencePenalty\":0,\"stopSequences\":[\"x\"]}}");
}
END_TEST

/* pitfalls 79, 80, 81, 89, 90 */
START_TEST(results_of_one_step_are_one_turn_in_the_order_of_the_calls)
{
    hg_str got = told(
        "gemini-2.0-flash",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":"
        "null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"one\","
        "\"arguments\":\"\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"two\","
        "\"arguments\":\"not json\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":"
        "\"B\"},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"{\\\"x\\\":1}\"},{\"role\":"
        "\"user\",\"content\":\"and\"}]}");

    has(got,
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"one\",\"args\":{},"
        "\"id\":\"a\"}},{\"functionCall\":{\"name\":\"two\",\"args\":{\"raw\":\"not json\"},"
        "\"id\":\"b\"}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":"
        "\"one\",\"response\":{\"x\":1},\"id\":\"a\"}},{\"functionResponse\":{\"name\":\"two\","
        "\"response\":{\"result\":\"B\"},\"id\":\"b\"}}]},{\"role\":\"user\",\"parts\":[{"
        "\"text\":\"and\"}]}");
}
END_TEST

/* pitfall 173 */
START_TEST(calls_have_no_ids_where_they_are_refused)
{
    struct error error = {""};

    lacks(asked(FLASH, HG_WIRE_NO_CALL_IDS,
                "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":"
                "\"function\",\"function\":{\"name\":\"one\",\"arguments\":\"{}\"}}]},{\"role\":"
                "\"tool\",\"tool_call_id\":\"a\",\"content\":\"r\"}]}",
                &error),
          "\"id\"");
}
END_TEST

/* pitfall 135 */
START_TEST(the_first_call_of_a_step_has_a_signature)
{
    static const char request[] =
        "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"b\",\"type\":"
        "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}]}";
    hg_str got = told(THREE, request);

    has(got, "\"name\":\"f\",\"args\":{},\"id\":\"a\"},\"thoughtSignature\":"
             "\"skip_thought_signature_validator\"}");
    has(got, "\"name\":\"g\",\"args\":{},\"id\":\"b\"}}");
    lacks(told(FLASH, request), "skip_thought");
    has(told(THREE, "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":"
                    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
                    "\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}}}]}]}"),
        "\"thoughtSignature\":\"c2ln\"");
}
END_TEST

/* pitfall 113 */
START_TEST(thinking_is_told_as_the_model_takes_it)
{
    static const struct {
        const char *model, *effort, *expected;
    } cases[] = {
        {FLASH, "none", "\"thinkingConfig\":{\"thinkingBudget\":0}"},
        {FLASH, "high", "\"thinkingConfig\":{\"thinkingBudget\":8192,\"includeThoughts\":true}"},
        {"gemini-2.5-pro", "none", "\"thinkingConfig\":{\"thinkingBudget\":128}"},
        {THREE, "minimal",
         "\"thinkingConfig\":{\"thinkingLevel\":\"low\",\"includeThoughts\":true}"},
        {THREE, "xhigh", "\"thinkingLevel\":\"high\""},
        {"gemini-3-flash-preview", "none", "\"thinkingConfig\":{\"thinkingLevel\":\"minimal\"}"},
        {"gemini-3.7-flash", "none", "\"thinkingLevel\":\"low\""},
        {"gemini-flash-latest", "none", "\"thinkingLevel\":\"low\""},
        {"gemini-flash-lite-latest", "none", "\"thinkingLevel\":\"minimal\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hg_str request = arena_fmt(
            arena,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"reasoning_effort\":\"%s\"}",
            cases[i].effort);
        hg_str got = told(cases[i].model, arena_cstr(arena, request));

        has(got, cases[i].expected);
        ck_assert(!memmem(got.p, got.n, "thinkingLevel", 13) ||
                  !memmem(got.p, got.n, "thinkingBudget", 14));
    }
    lacks(told("gemini-2.0-flash", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
                                   "\"reasoning_effort\":\"high\"}"),
          "thinking");
    same(translation_losses(&translation), "reasoning_effort");
}
END_TEST

/* pitfalls 120, 121, 126 */
START_TEST(tools_are_one_list_and_the_choice_is_kept)
{
    hg_str got = told(
        FLASH,
        ASK(",\"tools\":[" TOOL(
            "b",
            ",\"description\":\"d\",\"strict\":true,"
            "\"parameters\":{\"type\":\"object\","
            "\"properties\":{\"x\":{\"type\":[\"string\","
            "\"null\"]}},\"additionalProperties\":false}") "," TOOL("a",
                                                                    ",\"parameters\":{\"type\":"
                                                                    "\"object\",\"properties\":"
                                                                    "{}}") "],\"tool_choice\":"
                                                                           "\"required\""));

    has(got, "\"tools\":[{\"functionDeclarations\":[{\"name\":\"b\",\"description\":\"d\","
             "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\","
             "\"nullable\":true}}}},{\"name\":\"a\"}]}],\"toolConfig\":{\"functionCallingConfig\":{"
             "\"mode\":\"ANY\"}}");
    has(told(FLASH, ASK(",\"tools\":[" TOOL("a", ",\"strict\":true") "]")),
        "\"mode\":\"VALIDATED\"");
    has(told(FLASH, ASK(",\"tools\":[" TOOL("a", "") "],\"tool_choice\":{\"type\":\"function\","
                                                     "\"function\":{\"name\":\"a\"}}")),
        "\"mode\":\"ANY\",\"allowedFunctionNames\":[\"a\"]");
    has(told(FLASH, ASK(",\"tools\":[" TOOL("a", "") "],\"tool_choice\":\"none\"")),
        "\"mode\":\"NONE\"");
    lacks(told(FLASH, ASK(",\"tools\":[],\"tool_choice\":\"auto\"")), "tool");
}
END_TEST

/* pitfall 92 */
START_TEST(names_that_are_not_taken_are_replaced)
{
    hg_str got = told(FLASH, ASK(",\"tools\":[" TOOL("3d render", "") "," TOOL("4x", "") "]"));

    has(got, "\"name\":\"_3d_render_");
    has(got, "\"name\":\"_4x\"");
}
END_TEST

/* pitfall 97 */
START_TEST(hosted_tools_have_equals_or_are_lost)
{
    struct error error = {""};

    has(told(FLASH, ASK(",\"tools\":[{\"type\":\"web_search_preview\"}]")),
        "\"tools\":[{\"googleSearch\":{}}]");
    has(told(FLASH, ASK(",\"web_search_options\":{}")), "\"tools\":[{\"googleSearch\":{}}]");
    lacks(asked(FLASH, 0, ASK(",\"tools\":[{\"type\":\"computer_use\"}]"), &error), "tool");
}
END_TEST

START_TEST(media_are_told_with_their_type)
{
    struct error error = {""};
    static const char url[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
        "\"url\":\"https://x/y.PNG?z=1\"}}]}]}";

    has(told(FLASH, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                    "\"image_url\":{\"url\":\"data:image/jpg;base64,QUJD\"}},{\"type\":"
                    "\"input_audio\",\"input_audio\":{\"data\":\"QQ==\",\"format\":\"mp3\"}}]}]}"),
        "[{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"QUJD\"}},{\"inlineData\":{"
        "\"mimeType\":\"audio/mp3\",\"data\":\"QQ==\"}}]");
    has(told(FLASH, url),
        "{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":\"https://x/y.PNG?z=1\"}}");
    has(told(FLASH, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                    "\"image_url\":{\"url\":\"gs://b/o\"}}]}]}"), /* pitfall 95 */
        "\"fileUri\":\"gs://b/o\"");
    ck_assert(!asked(FLASH, HG_WIRE_NO_URLS, url, &error).n);
    ck_assert(!asked(FLASH, 0,
                     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{"
                     "\"file_id\":\"file-1\"}}]}]}",
                     &error)
                   .n);
    ck_assert_ptr_nonnull(strstr(error.text, "file-1"));
}
END_TEST

START_TEST(formats_limits_and_losses)
{
    hg_str got = told(FLASH, ASK(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                                 "\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"array\","
                                 "\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"type\":"
                                 "\"integer\"}}}}},\"modalities\":[\"text\",\"image\"],"
                                 "\"temperature\":2.5,\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\","
                                 "\"6\"],\"user\":\"u\",\"logit_bias\":{\"1\":2},"
                                 "\"parallel_tool_calls\":false,\"tools\":[" TOOL("t", "") "]"));

    has(got, "\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"array\","
             "\"items\":{\"type\":\"integer\"}}");
    has(got, "\"responseModalities\":[\"TEXT\",\"IMAGE\"]");
    has(got, "\"temperature\":2,");
    has(got, "\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]");
    same(translation_losses(&translation),
         "parallel_tool_calls, temperature above 2, stop, user, logit_bias");
}
END_TEST

/* pitfall 82 */
START_TEST(empty_turns_are_left_out_or_hold_their_place)
{
    has(told(FLASH, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
                    "\"content\":\"\"},{\"role\":\"user\",\"content\":\"b\"}]}"),
        "\"parts\":[{\"text\":\"b\"}]");
    has(told(FLASH, "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}"),
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\" \"}]}]");
    has(told("gemma-3-27b-it", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
                               "\"user\",\"content\":\"q\"}]}"),
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"s\"}]},{");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/write_chat", setup, teardown, turns_and_settings_are_told,
               results_of_one_step_are_one_turn_in_the_order_of_the_calls,
               calls_have_no_ids_where_they_are_refused, the_first_call_of_a_step_has_a_signature,
               thinking_is_told_as_the_model_takes_it, tools_are_one_list_and_the_choice_is_kept,
               names_that_are_not_taken_are_replaced, hosted_tools_have_equals_or_are_lost,
               media_are_told_with_their_type, formats_limits_and_losses,
               empty_turns_are_left_out_or_hold_their_place)
