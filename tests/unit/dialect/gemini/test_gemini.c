#include <check.h>
#include <string.h>

#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "json/index.h"
#include "json/splice.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_gemini;
static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(hg_str text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text, &root, &fault), "%.*s: %s", TEXT_ARG(text), fault.reason);
    return root;
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(text),
                  expected);
}

static void has(hg_str text, const char *piece)
{
    ck_assert_msg(memmem(text.p, text.n, piece, strlen(piece)), "\n got '%.*s'\nlacks '%s'",
                  TEXT_ARG(text), piece);
}

static void lacks(hg_str text, const char *piece)
{
    ck_assert_msg(!memmem(text.p, text.n, piece, strlen(piece)), "\n got '%.*s'\nhas '%s'",
                  TEXT_ARG(text), piece);
}

/* ---- paths ------------------------------------------------------------------------------------
 */

START_TEST(the_path_names_model_and_method)
{
    static const struct {
        enum method method;
        const char *path;
        uint32_t kind;
        const char *model;
        bool is_stream;
    } cases[] = {
        {METHOD_POST, "/v1beta/models/gemini-2.5-pro:generateContent", HG_R_CHAT, "gemini-2.5-pro",
         false},
        {METHOD_POST, "/v1/models/m:streamGenerateContent", HG_R_CHAT, "m", true},
        {METHOD_POST, "/v1alpha/models/a/b:c:streamGenerateContent", HG_R_CHAT, "a/b:c", true},
        {METHOD_POST, "/v1beta/tunedModels/x:generateContent", HG_R_CHAT, "tunedModels/x", false},
        {METHOD_POST, "/v1beta/openai/m:generateContent", HG_R_CHAT, "openai/m", false},
        {METHOD_POST, "/v1beta/a/b:streamGenerateContent", HG_R_CHAT, "a/b", true},
        {METHOD_POST, "/v1beta/batches/x:cancel", HG_R_RAW, NULL, false},
        {METHOD_POST, "/v1/a/b:generateContent", 0, NULL, false},
        {METHOD_POST, "/v1beta/models%2Fm%3AgenerateContent", HG_R_CHAT, "m", false},
        {METHOD_POST, "/v1//models/./m:generateContent", HG_R_CHAT, "m", false},
        {METHOD_POST, "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent",
         HG_R_CHAT, "g", true},
        {METHOD_POST, "/v1/projects/p/locations/l/endpoints/7:generateContent", HG_R_CHAT,
         "endpoints/7", false},
        {METHOD_POST, "/v1beta/models/m:countTokens", HG_R_COUNT, "m", false},
        {METHOD_POST, "/v1beta/models/m:embedContent", HG_R_RAW, "m", false},
        {METHOD_POST, "/v1beta/models/m:batchEmbedContents", HG_R_RAW, "m", false},
        {METHOD_GET, "/v1beta/models", HG_R_MODELS, "", false},
        {METHOD_GET, "/v1beta/models/m", HG_R_MODELS, "", false},
        {METHOD_GET, "/v1beta/cachedContents", HG_R_RAW, "", false},
        {METHOD_DELETE, "/v1beta/models/m", HG_R_RAW, "", false},
        {METHOD_GET, "/v1beta/models/m:generateContent", HG_R_RAW, "m", false},
        {METHOD_GET, "/v1/models", 0, "", false},
        {METHOD_DELETE, "/v1/models/ft:m:x", 0, NULL, false},
        {METHOD_POST, "/v1/chat/completions", 0, NULL, false},
        {METHOD_POST, "/v1beta/openai/chat/completions", 0, NULL, false},
        {METHOD_POST, "/v1/models/:generateContent", 0, NULL, false},
        {METHOD_POST, "", 0, NULL, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dialect_request asked;
        hg_str path = text_of(cases[i].path);

        ck_assert_msg(dialect_kind_of(dialect, cases[i].method, path) == cases[i].kind, "%s",
                      cases[i].path);
        dialect->read_request(arena, cases[i].kind, path, parsed(HG_S("{}")), &asked);
        if (!cases[i].model)
            continue;
        same(asked.model, cases[i].model);
        ck_assert(asked.is_stream == cases[i].is_stream);
    }
}
END_TEST

START_TEST(a_stream_is_a_list_unless_events_are_asked_for)
{
    ck_assert(dialect->wants_array(HG_S("")));
    ck_assert(dialect->wants_array(HG_S("key=x")));
    ck_assert(dialect->wants_array(HG_S("alt=json")));
    ck_assert(!dialect->wants_array(HG_S("alt=sse")));
    ck_assert(!dialect->wants_array(HG_S("key=x&alt=sse")));
    ck_assert(!dialect->wants_array(HG_S("$alt=sse")));
}
END_TEST

/* ---- requests from OpenAI's clients -----------------------------------------------------------
 */

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

#define TOOL(name, more) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"" more "}}"
#define ASK(more)        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]" more "}"

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

/* ---- requests of Google's clients -------------------------------------------------------------
 */

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

/* ---- answers ----------------------------------------------------------------------------------
 */

static struct chain *heard;
static hg_usage usage;

static void on_event(void *arg, const hg_event *event)
{
    static const char *const types[] = {"?",     "start",    "text",    "think", "call",
                                        "args",  "citation", "media",   "usage", "finish",
                                        "error", "extra",    "refusal", "end"};
    hg_str line = arena_fmt(arena, "%s %u.%u %.*s|%.*s|%.*s|%u\n", types[event->type],
                            event->choice, event->index, TEXT_ARG(event->id), TEXT_ARG(event->name),
                            TEXT_ARG(event->text), event->finish);

    (void)arg;
    if (event->usage)
        usage = *event->usage;
    chain_put(heard, line.p, line.n);
}

static struct dialect_reader *reader_new(void)
{
    heard = chain_new(arena);
    return dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, NULL});
}

static hg_str read_whole(const char *body)
{
    struct dialect_reader *reader = reader_new();

    dialect->reader_whole(reader, arena, parsed(text_of(body)));
    dialect->reader_end(reader);
    return chain_flat(heard, arena);
}

static hg_str read_frames(const char *const *frames)
{
    struct dialect_reader *reader = reader_new();

    for (; *frames; frames++)
        dialect->reader_frame(reader, arena, HG_S(""), text_of(*frames));
    dialect->reader_end(reader);
    return chain_flat(heard, arena);
}

#define CANDIDATE(parts, more) \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts "]}" more "}]}"

/* pitfalls 19, 35, 136: indexes go on, a signature without text is nothing, STOP is tools */
START_TEST(a_stream_of_thoughts_calls_and_text)
{
    static const char *const frames[] = {
        CANDIDATE("{\"text\":\"hm\",\"thought\":true}", ""),
        CANDIDATE("{\"functionCall\":{\"name\":\"f\",\"args\":{ \"a\" : \"b c\" },\"id\":\"x\"},"
                  "\"thoughtSignature\":\"sig\"}",
                  ""),
        CANDIDATE("{\"functionCall\":{\"name\":\"g\",\"id\":\"y\"}},{\"text\":\"t\"}", ""),
        CANDIDATE("{\"text\":\"\",\"thoughtSignature\":\"sig2\"}", ",\"finishReason\":\"STOP\""),
        CANDIDATE("{\"text\":\"late\"}", ""),
        NULL};

    same(read_frames(frames), "start 0.0 |||0\n"
                              "think 0.0 ||hm|0\n"
                              "call 0.0 x|f|sig|0\n"
                              "args 0.0 ||{\"a\":\"b c\"}|0\n"
                              "end 0.0 |||0\n"
                              "call 0.1 y|g||0\n"
                              "args 0.1 ||{}|0\n"
                              "end 0.1 |||0\n"
                              "text 0.0 ||t|0\n"
                              "finish 0.0 |STOP||3\n");
}
END_TEST

/* pitfalls 141, 144, 145 */
START_TEST(thoughts_are_added_to_the_output_unless_they_are_in_it)
{
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"toolUsePromptTokenCount\":5,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":4,"
               "\"totalTokenCount\":22,\"cachedContentTokenCount\":2}}");
    ck_assert_uint_eq(usage.input, 15);
    ck_assert_uint_eq(usage.output, 7);
    ck_assert_uint_eq(usage.reasoning, 4);
    ck_assert_uint_eq(usage.cached_input, 2);
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"candidatesTokenCount\":7,\"thoughtsTokenCount\":4,\"totalTokenCount\":17}}");
    ck_assert_uint_eq(usage.output, 7);
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"thoughtsTokenCount\":4,\"totalTokenCount\":14}}");
    ck_assert_uint_eq(usage.output, 4);
}
END_TEST

/* pitfall 161 */
START_TEST(answers_without_candidates_content_or_parts)
{
    same(read_whole("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}"),
         "start 0.0 |||0\nfinish 0.0 |SAFETY||4\n");
    same(read_whole("{\"candidates\":[{\"finishReason\":\"MAX_TOKENS\"}]}"),
         "start 0.0 |||0\nfinish 0.0 |MAX_TOKENS||2\n");
    same(read_whole("{\"candidates\":[{\"content\":{},\"finishReason\":\"RECITATION\"}]}"),
         "start 0.0 |||0\nfinish 0.0 |RECITATION||4\n");
    same(read_whole("{\"candidates\":[]}"), "start 0.0 |||0\n");
    same(read_whole("{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\","
                    "\"finishMessage\":\"m\"}]}"),
         "start 0.0 |||0\nerror 0.0 |api_error|m|0\n");
    same(read_whole("{\"hello\":1}"),
         "error 0.0 |upstream_protocol_error|an event without candidates|0\n");
    same(read_whole("[]"), "error 0.0 |upstream_protocol_error|an answer that is no object|0\n");
}
END_TEST

START_TEST(a_list_is_read_like_events)
{
    same(read_whole("[" CANDIDATE("{\"text\":\"a\"}", "") ",\r\n" CANDIDATE(
             "{\"text\":\"b\"}", ",\"finishReason\":\"STOP\"") "]"),
         "start 0.0 |||0\ntext 0.0 ||a|0\ntext 0.0 ||b|0\nfinish 0.0 |STOP||1\n");
    same(read_whole("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}"
                    "}]"),
         "error 0.0 |rate_limit_error|m|0\n");
}
END_TEST

START_TEST(images_and_choices)
{
    same(
        read_whole("{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"inlineData\":{"
                   "\"mimeType\":\"image/png\",\"data\":\"QQ==\"}}]},\"finishReason\":\"STOP\"}]}"),
        "start 0.0 |||0\nmedia 1.0 |image/png|QQ==|0\nfinish 1.0 |STOP||1\n");
}
END_TEST

/* pitfall 181: sources come before the finish. Offsets are bytes there and characters here. */
START_TEST(sources_become_annotations)
{
    static const char *const frames[] = {
        CANDIDATE("{\"text\":\"\xC3\xA4\xE2\x82\xAC\"}",
                  ",\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"u\",\"title\":"
                  "\"t\"}}],\"groundingSupports\":[{\"segment\":{\"startIndex\":2,\"endIndex\":5},"
                  "\"groundingChunkIndices\":[0,7]}]}"),
        CANDIDATE(
            "{\"text\":\"x\"}",
            ",\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{"
            "\"uri\":\"u\",\"title\":\"t\"}}],\"groundingSupports\":[{\"segment\":{"
            "\"startIndex\":2,\"endIndex\":5},\"groundingChunkIndices\":[0]},{\"segment\":{"
            "\"endIndex\":6},\"groundingChunkIndices\":[0]}]}"),
        NULL};

    same(read_frames(frames),
         "start 0.0 |||0\ntext 0.0 ||\xC3\xA4\xE2\x82\xAC|0\n"
         "citation 0.0 ||{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":"
         "\"t\",\"start_index\":1,\"end_index\":2}}|0\n"
         "text 0.0 ||x|0\n"
         "citation 0.0 ||{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":"
         "\"t\",\"start_index\":0,\"end_index\":3}}|0\n"
         "finish 0.0 |STOP||1\n");
}
END_TEST

/* ---- what is written --------------------------------------------------------------------------
 */

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

/* ---- errors -----------------------------------------------------------------------------------
 */

START_TEST(errors_have_googles_words)
{
    same(dialect->error_body(arena, 404, HG_S("not_found_error"), HG_S(""), HG_S("m")),
         "{\"error\":{\"code\":404,\"message\":\"m\",\"status\":\"NOT_FOUND\",\"details\":[]}}");
    same(dialect->error_event(arena, HG_S("overloaded_error"), HG_S(""), HG_S("m")),
         "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\",\"details\":"
         "[]}}\r\n\r\n");
    has(dialect->error_body(arena, 418, HG_S("x"), HG_S(""), HG_S("m")), "INVALID_ARGUMENT");
}
END_TEST

START_TEST(details_of_errors_tell_keys_and_quotas)
{
    struct dialect_error error;

    dialect->read_error(arena,
                        parsed(HG_S("{\"error\":{\"code\":400,\"message\":\"m\",\"status\":"
                                    "\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
                                    "\"API_KEY_INVALID\"}]}}")),
                        &error);
    same(error.type, "authentication_error");
    ck_assert_int_eq(error.status, 401);
    dialect->read_error(arena,
                        parsed(HG_S("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":"
                                    "\"RESOURCE_EXHAUSTED\",\"details\":[{\"violations\":[{"
                                    "\"quotaId\":\"RequestsPerDay\"}]}]}}]")),
                        &error);
    same(error.type, "insufficient_quota");
}
END_TEST

/* ---- texts ------------------------------------------------------------------------------------
 */

START_TEST(every_text_is_visited)
{
    static const char request[] =
        "{\"system_instruction\":\"t1\",\"contents\":[{\"parts\":[{\"text\":\"t2\"},{"
        "\"functionResponse\":{\"name\":\"n\",\"response\":{\"a\":[\"t3\",{\"b\":\"t4\"}]}}},{"
        "\"inlineData\":{\"mimeType\":\"n\",\"data\":\"n\"}},{\"executable_code\":{\"language\":"
        "\"n\",\"code\":\"t5\"}}]},\"t6\"]}";
    struct dialect_texts texts =
        texts_of_request(dialect, arena, HG_R_CHAT, parsed(text_of(request)));

    ck_assert_uint_eq(texts.count, 6);
    for (size_t i = 0; i < 6; i++)
        same(texts.list[i].text, arena_cstr(arena, arena_fmt(arena, "t%zu", i + 1)));
    ck_assert_uint_eq(texts.list[0].role, HG_ROLE_SYSTEM);
    ck_assert_uint_eq(texts.list[2].role, HG_ROLE_TOOL);
    texts = texts_of_request(dialect, arena, HG_R_RAW,
                             parsed(HG_S("{\"requests\":[{\"content\":{\"parts\":[{\"text\":"
                                         "\"t1\"}]}}],\"generateContentRequest\":{\"contents\":[{"
                                         "\"parts\":[{\"text\":\"t2\"}]}]}}")));
    ck_assert_uint_eq(texts.count, 2);
}
END_TEST

START_TEST(what_sources_repeat_can_be_taken_out)
{
    hg_json doc = parsed(HG_S(CANDIDATE(
        "{\"text\":\"secret\"}", ",\"groundingMetadata\":{\"groundingSupports\":[{\"segment\":{"
                                 "\"endIndex\":6,\"text\":\"secret\"}}]}")));
    struct splice *splice = splice_new(arena, doc);
    struct chain *out = chain_new(arena);

    dialect->event_unrepeat(doc, splice);
    splice_into(splice, out);
    has(chain_flat(out, arena), "\"segment\":{\"endIndex\":6}");
}
END_TEST

/* ---- vectors ----------------------------------------------------------------------------------
 */

START_TEST(vectors_are_asked_for_and_read)
{
    struct chain *out = chain_new(arena);
    struct error error = {""};
    struct dialect_reader *reader;

    translation_begin(&translation, arena, &dialect_openai_chat, dialect, HG_S("e"));
    ck_assert(dialect->write_embed(
        &translation, parsed(HG_S("{\"input\":[\"a\",\"b\"],\"dimensions\":2}")), out, &error));
    same(chain_flat(out, arena),
         "{\"requests\":[{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":2},{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":"
         "\"b\"}]},\"outputDimensionality\":2}]}");
    ck_assert(!dialect->write_embed(&translation, parsed(HG_S("{\"input\":[[1,2]]}")),
                                    chain_new(arena), &error));
    heard = chain_new(arena);
    reader = dialect->reader_new(arena, HG_R_EMBED, &(struct dialect_sink){on_event, NULL});
    dialect->reader_whole(reader, arena,
                          parsed(HG_S("{\"embeddings\":[{\"values\":[0.1,2]},{\"values\":[3]}]}")));
    same(chain_flat(heard, arena),
         "start 0.0 |||0\n"
         "extra 0.0 |data|[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.1,2]},{"
         "\"object\":\"embedding\",\"index\":1,\"embedding\":[3]}]|0\n"
         "finish 0.0 |||1\n");
}
END_TEST

RUN_SUITE_WITH("gemini", setup, teardown, the_path_names_model_and_method,
               a_stream_is_a_list_unless_events_are_asked_for, turns_and_settings_are_told,
               results_of_one_step_are_one_turn_in_the_order_of_the_calls,
               calls_have_no_ids_where_they_are_refused, the_first_call_of_a_step_has_a_signature,
               thinking_is_told_as_the_model_takes_it, tools_are_one_list_and_the_choice_is_kept,
               names_that_are_not_taken_are_replaced, hosted_tools_have_equals_or_are_lost,
               media_are_told_with_their_type, formats_limits_and_losses,
               empty_turns_are_left_out_or_hold_their_place, both_spellings_are_read,
               calls_without_ids_get_the_same_as_their_results, errors_of_requests_name_the_place,
               a_stream_of_thoughts_calls_and_text,
               thoughts_are_added_to_the_output_unless_they_are_in_it,
               answers_without_candidates_content_or_parts, a_list_is_read_like_events,
               images_and_choices, sources_become_annotations, a_whole_answer_is_written,
               a_stream_is_written_as_it_comes, failures_are_never_a_success,
               errors_have_googles_words, details_of_errors_tell_keys_and_quotas,
               every_text_is_visited, what_sources_repeat_can_be_taken_out,
               vectors_are_asked_for_and_read)
