/* Requests into Bedrock's form and out of it. "pitfall N" is a mistake that others have made. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/converse/family.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "json/index.h"

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define NOVA   "us.amazon.nova-2-lite-v1:0"

static struct arena *arena;
static struct translation translation;
static struct chat chat;
static struct error error;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json doc_of(const char *text)
{
    hg_json doc;

    ck_assert_msg(json_parse(arena, text_of(text), &doc, NULL), "%s", text);
    return doc;
}

static bool written(const struct dialect *from, const struct dialect *to, const char *model,
                    const char *path, const char *request, struct chain *out)
{
    translation_begin(&translation, arena, from, to, text_of(model));
    return from->read_chat(arena, text_of(path), doc_of(request), &chat, &error) &&
           to->write_chat(&translation, &chat, out, &error);
}

static hg_json document(struct chain *out)
{
    hg_json doc;
    hg_str text = chain_flat(out, arena);

    ck_assert(!out->broken);
    ck_assert_msg(json_parse(arena, text, &doc, NULL), "%.*s", TEXT_ARG(text));
    return doc;
}

/* An OpenAI request as Bedrock gets it. */
static hg_json to_bedrock(const char *model, const char *request)
{
    struct chain *out = chain_new(arena);

    ck_assert_msg(written(&dialect_openai_chat, &dialect_converse, model, "/v1/chat/completions",
                          request, out),
                  "%s", error.text);
    return document(out);
}

static hg_json to_openai(const char *request)
{
    struct chain *out = chain_new(arena);

    ck_assert_msg(written(&dialect_converse, &dialect_openai_chat, "gpt-4o", "/model/m/converse",
                          request, out),
                  "%s", error.text);
    return document(out);
}

static void is_at(hg_json doc, const char *pointer, const char *want)
{
    hg_json value = json_get(doc, pointer);
    hg_str got = json_raw(value);

    ck_assert_msg(text_is(got, text_of(want)), "%s\n got %.*s\nwant %s\n in %.*s", pointer,
                  TEXT_ARG(got), want, TEXT_ARG(json_raw(doc)));
}

static bool lost(const char *what)
{
    for (const struct chat_name *name = translation.lost; name; name = name->next)
        if (text_is(name->text.s, text_of(what)))
            return true;
    return false;
}

#define USER "{\"role\":\"user\",\"content\":\"hi\"}"

/* ---- messages ----------------------------------------------------------------------------------
 */

START_TEST(system_messages_are_hoisted_wherever_they_stood)
{
    hg_json doc = to_bedrock(CLAUDE, "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}," USER
                                     ",{\"role\":\"developer\",\"content\":\"b\"}]}");

    is_at(doc, "/system", "[{\"text\":\"a\"},{\"text\":\"b\"}]");
    is_at(doc, "/messages", "[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]");
}
END_TEST

/* pitfalls 79, 80, 81, 88 */
START_TEST(results_of_one_step_stand_in_one_turn_before_the_users_text)
{
    hg_json doc = to_bedrock(
        CLAUDE,
        "{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
        "\\\"x\\\":1}\"}},"
        "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"\"},"
        "{\"role\":\"user\",\"content\":\"go on\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"\"}}]}");

    is_at(doc, "/messages/1/content",
          "[{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}}},"
          "{\"toolUse\":{\"toolUseId\":\"b\",\"name\":\"g\",\"input\":{}}}]");
    is_at(doc, "/messages/2/content",
          "[{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[{\"text\":\"1\"}]}},"
          "{\"toolResult\":{\"toolUseId\":\"b\",\"content\":[]}},{\"text\":\"go on\"}]");
    ck_assert_uint_eq(json_count(json_get(doc, "/messages")), 3);
    /* pitfall 109 */
    is_at(doc, "/toolConfig/tools",
          "[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{\"type\":\"object\","
          "\"properties\":{}}}}}]");
}
END_TEST

/* pitfalls 82, 84 */
START_TEST(blank_texts_are_left_out_and_empty_turns_with_them)
{
    hg_json doc =
        to_bedrock(CLAUDE, "{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\" \\n\"},"
                           "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"},"
                           "{\"type\":\"text\",\"text\":\"more\"}]}]}");

    is_at(doc, "/messages",
          "[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"},{\"text\":\"more\"}]}]");
}
END_TEST

START_TEST(a_user_who_says_nothing_keeps_the_turn)
{
    hg_json doc = to_bedrock(CLAUDE, "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}");

    is_at(doc, "/messages", "[{\"role\":\"user\",\"content\":[{\"text\":\".\"}]}]");
}
END_TEST

START_TEST(a_last_text_of_the_assistant_has_no_white_space_at_its_end)
{
    hg_json doc = to_bedrock(CLAUDE, "{\"messages\":[" USER
                                     ",{\"role\":\"assistant\",\"content\":\"so: \\n\"}]}");

    is_at(doc, "/messages/1/content", "[{\"text\":\"so:\"}]");
}
END_TEST

/* pitfalls 90, 92, 93 */
START_TEST(history_that_bedrock_would_refuse_is_mended)
{
    static const char *request =
        "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"call/1\","
        "\"type\":\"function\",\"function\":{\"name\":\"a b\",\"arguments\":\"not json\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call/1\",\"content\":\"x\"}]}";
    hg_json doc = to_bedrock("mistral.mistral-large-3", request);
    hg_str id = json_str(arena, json_get(doc, "/messages/1/content/0/toolUse/toolUseId"));

    ck_assert_uint_eq(id.n, 9);
    ck_assert(
        text_is(id, json_str(arena, json_get(doc, "/messages/2/content/0/toolResult/toolUseId"))));
    is_at(doc, "/messages/1/content/0/toolUse/input", "{\"raw\":\"not json\"}");
    hg_str name = json_str(arena, json_get(doc, "/messages/1/content/0/toolUse/name"));

    ck_assert(name.n > 0 && !memchr(name.p, ' ', name.n));
    /* pitfall 85: the same name is declared */
    ck_assert(text_is(name, json_str(arena, json_get(doc, "/toolConfig/tools/0/toolSpec/name"))));
}
END_TEST

START_TEST(errors_of_tools_are_told_where_the_model_knows_the_status)
{
    static const char *request =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" USER
        ",{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\","
        "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"a\",\"is_error\":true,\"content\":\"no\"}]}]}";
    struct chain *out = chain_new(arena);

    ck_assert(written(&dialect_anthropic, &dialect_converse, CLAUDE, "/v1/messages", request, out));
    is_at(document(out), "/messages/2/content/0/toolResult/status", "\"error\"");
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, "meta.llama3", "/v1/messages", request,
                      out));
    is_at(document(out), "/messages/2/content/0/toolResult/content",
          "[{\"text\":\"Error:\"},{\"text\":\"no\"}]");
}
END_TEST

/* pitfalls 174 to 177 */
START_TEST(cache_marks_become_elements_behind_what_they_mark)
{
    static const char *request =
        "{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"s\","
        "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],\"tools\":[{\"name\":\"f\","
        "\"input_schema\":{\"type\":\"object\"},\"cache_control\":{\"type\":\"ephemeral\"}}],"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u\","
        "\"cache_control\":{\"type\":\"ephemeral\"}}]}]}";
    struct chain *out = chain_new(arena);

    ck_assert(written(&dialect_anthropic, &dialect_converse, CLAUDE, "/v1/messages", request, out));
    hg_json doc = document(out);

    is_at(doc, "/system",
          "[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]");
    is_at(doc, "/messages/0/content", "[{\"text\":\"u\"},{\"cachePoint\":{\"type\":\"default\"}}]");
    is_at(doc, "/toolConfig/tools/1", "{\"cachePoint\":{\"type\":\"default\"}}");
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, NOVA, "/v1/messages", request, out));
    is_at(document(out), "/system/1", "{\"cachePoint\":{\"type\":\"default\"}}");
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, "meta.llama3", "/v1/messages", request,
                      out));
    ck_assert_uint_eq(json_count(json_get(document(out), "/system")), 1);
    ck_assert(lost("cache_control"));
    /* of the whole request: behind the last block that there is */
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, CLAUDE, "/v1/messages",
                      "{\"model\":\"m\",\"max_tokens\":9,\"cache_control\":{\"type\":"
                      "\"ephemeral\"},\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                      "{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\","
                      "\"content\":\"c\"}]}",
                      out));
    is_at(document(out), "/messages/0/content", "[{\"text\":\"a\"}]");
    is_at(document(out), "/messages/2/content",
          "[{\"text\":\"c\"},{\"cachePoint\":{\"type\":\"default\"}}]");
    ck_assert(!lost("cache_control"));
}
END_TEST

/* pitfall 164 */
START_TEST(the_family_of_a_model_is_found_behind_what_stands_before_it)
{
    static const char *const models[] = {
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5",
        "bedrock/converse/apac.anthropic.claude-sonnet-4-5-20250929-v1:0"};

    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        ck_assert_msg(converse_family_of(text_of(models[i])) ==
                          converse_family_of(HG_S("anthropic.claude-sonnet-4-5")),
                      "%s", models[i]);
    ck_assert_ptr_eq(converse_family_of(HG_S("eu.amazon.nova-pro-v1:0")),
                     converse_family_of(HG_S("amazon.nova-lite-v1:0")));
    ck_assert_ptr_ne(converse_family_of(HG_S("eu.amazon.nova-pro-v1:0")),
                     converse_family_of(HG_S("us.anthropic.claude-sonnet-4-5")));
}
END_TEST

/* pitfalls 128 to 132 */
START_TEST(only_signed_reasoning_goes_back_and_as_it_was)
{
    static const char *request =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" USER
        ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\" "
        "a\\u00e9\\n\","
        "\"signature\":\"sig\"},{\"type\":\"redacted_thinking\",\"data\":\"AAAA\"},"
        "{\"type\":\"thinking\",\"thinking\":\"unsigned\",\"signature\":\"\"},"
        "{\"type\":\"text\",\"text\":\"t\"}]}," USER "]}";
    struct chain *out = chain_new(arena);

    ck_assert(written(&dialect_anthropic, &dialect_converse, CLAUDE, "/v1/messages", request, out));
    is_at(document(out), "/messages/1/content",
          "[{\"reasoningContent\":{\"reasoningText\":{\"text\":\" a\\u00e9\\n\",\"signature\":"
          "\"sig\"}}},{\"reasoningContent\":{\"redactedContent\":\"AAAA\"}},{\"text\":\"t\"}]");
    ck_assert(lost("reasoning"));
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, "deepseek.r1", "/v1/messages", request,
                      out));
    is_at(document(out), "/messages/1/content", "[{\"text\":\"t\"}]");
}
END_TEST

/* ---- media -------------------------------------------------------------------------------------
 */

START_TEST(images_and_documents_carry_their_bytes_and_legal_names)
{
    hg_json doc = to_bedrock(
        CLAUDE,
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
        "{\"url\":\"data:image/jpg;base64,iVBORw0KGgoAAA==\"}},"
        "{\"type\":\"file\",\"file\":{\"filename\":\"my  report.v2!.pdf\",\"file_data\":"
        "\"data:application/"
        "pdf;base64,JVBE\"}},{\"type\":\"file\",\"file\":{\"filename\":\"x.pdf\","
        "\"file_data\":\"data:application/pdf;base64,JVBE\"}}]}]}");

    /* what the bytes are counts, not what was said of them */
    is_at(doc, "/messages/0/content/0/image/format", "\"png\"");
    is_at(doc, "/messages/0/content/0/image/source", "{\"bytes\":\"iVBORw0KGgoAAA==\"}");
    is_at(doc, "/messages/0/content/1/document/name", "\"my report v2\"");
    is_at(doc, "/messages/0/content/1/document/format", "\"pdf\"");
    is_at(doc, "/messages/0/content/2/document/name", "\"x 2\"");
    /* a text must accompany documents */
    is_at(doc, "/messages/0/content/3", "{\"text\":\".\"}");
}
END_TEST

START_TEST(urls_that_bedrock_does_not_fetch_are_refused_and_s3_is_passed)
{
    struct chain *out = chain_new(arena);
    hg_json doc;

    ck_assert(!written(&dialect_openai_chat, &dialect_converse, CLAUDE, "",
                       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                       "\"image_url\":{\"url\":\"https://x/a.png\"}}]}]}",
                       out));
    ck_assert_ptr_nonnull(strstr(error.text, "image"));
    doc = to_openai("{\"messages\":[{\"role\":\"user\",\"content\":[{\"image\":{\"format\":\"png\","
                    "\"source\":{\"bytes\":\"AAAA\"}}},{\"text\":\"see\"}]}]}");
    is_at(doc, "/messages/0/content/0/image_url/url", "\"data:image/png;base64,AAAA\"");
}
END_TEST

/* ---- tools -------------------------------------------------------------------------------------
 */

#define TOOLS                                                                                  \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":" \
    "\"object\"},\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"

START_TEST(choices_of_tools_are_said_as_bedrock_says_them)
{
    hg_json doc =
        to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"tool_choice\":\"required\"," TOOLS "}");

    is_at(doc, "/toolConfig/toolChoice", "{\"any\":{}}");
    is_at(doc, "/toolConfig/tools/0/toolSpec/strict", "true");
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"tool_choice\":{\"type\":\"function\","
                             "\"function\":{\"name\":\"g\"}}," TOOLS "}");
    is_at(doc, "/toolConfig/toolChoice", "{\"tool\":{\"name\":\"g\"}}");
    /* pitfall 107 */
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"tool_choice\":\"none\"," TOOLS "}");
    is_at(doc, "/toolConfig", "");
    /* pitfall 106 */
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"tool_choice\":{\"type\":\"allowed_tools\","
                             "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":"
                             "\"function\",\"function\":{\"name\":\"g\"}}]}}," TOOLS "}");
    ck_assert_uint_eq(json_count(json_get(doc, "/toolConfig/tools")), 1);
    is_at(doc, "/toolConfig/toolChoice", "{\"any\":{}}");
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"parallel_tool_calls\":false," TOOLS "}");
    is_at(doc, "/additionalModelRequestFields/tool_choice",
          "{\"type\":\"auto\",\"disable_parallel_tool_use\":true}");
    /* pitfall 108 */
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"tools\":[],\"tool_choice\":\"auto\"}");
    is_at(doc, "/toolConfig", "");
}
END_TEST

/* pitfall 97 */
START_TEST(hosted_tools_are_mapped_or_lost)
{
    static const char *request =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" USER
        "],\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]}";
    struct chain *out = chain_new(arena);

    ck_assert(written(&dialect_anthropic, &dialect_converse, NOVA, "/v1/messages", request, out));
    is_at(document(out), "/toolConfig/tools", "[{\"systemTool\":{\"name\":\"nova_grounding\"}}]");
    out = chain_new(arena);
    ck_assert(written(&dialect_anthropic, &dialect_converse, CLAUDE, "/v1/messages", request, out));
    is_at(document(out), "/toolConfig", "");
    ck_assert(lost("tools.web_search_20250305"));
}
END_TEST

/* ---- options -----------------------------------------------------------------------------------
 */

/* pitfalls 99, 100, 104, 105 */
START_TEST(sampling_is_clamped_and_exclusive_only_where_it_must_be)
{
    static const char *request =
        "{\"messages\":[" USER "],\"temperature\":1.5,\"top_p\":0.9,\"max_completion_tokens\":7,"
        "\"stop\":[\"x\",\"\"]}";
    hg_json doc = to_bedrock(CLAUDE, request);

    is_at(doc, "/inferenceConfig", "{\"maxTokens\":7,\"temperature\":1,\"stopSequences\":[\"x\"]}");
    ck_assert(lost("top_p"));
    doc = to_bedrock(NOVA, request);
    is_at(doc, "/inferenceConfig/topP", "0.9");
    doc = to_bedrock(NOVA, "{\"messages\":[" USER "],\"temperature\":0}");
    is_at(doc, "/inferenceConfig", "{\"temperature\":0}");
    doc = to_bedrock(NOVA, "{\"messages\":[" USER "]}");
    is_at(doc, "/inferenceConfig", "");
}
END_TEST

START_TEST(reasoning_is_asked_for_as_each_family_does)
{
    hg_json doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"reasoning_effort\":\"low\","
                                     "\"temperature\":0.3,\"max_tokens\":5000}");

    is_at(doc, "/additionalModelRequestFields",
          "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}}");
    is_at(doc, "/inferenceConfig", "{\"maxTokens\":5000}");
    ck_assert(lost("temperature"));
    doc = to_bedrock("anthropic.claude-opus-4-7",
                     "{\"messages\":[" USER "],\"reasoning_effort\":\"high\"}");
    is_at(doc, "/additionalModelRequestFields",
          "{\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"high\"}}");
    doc = to_bedrock(NOVA, "{\"messages\":[" USER "],\"reasoning_effort\":\"high\",\"top_k\":3}");
    is_at(doc, "/additionalModelRequestFields",
          "{\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"high\"},"
          "\"inferenceConfig\":{\"topK\":3}}");
    /* pitfall 112 */
    doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "],\"thinking\":{\"type\":\"disabled\"}}");
    is_at(doc, "/additionalModelRequestFields", "{\"thinking\":{\"type\":\"disabled\"}}");
    doc = to_bedrock(CLAUDE,
                     "{\"messages\":[" USER "],\"reasoning_effort\":\"high\",\"max_tokens\":100}");
    is_at(doc, "/additionalModelRequestFields", "");
    ck_assert(lost("reasoning_effort"));
}
END_TEST

#define FORMAT                                                                                  \
    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}}"

/* pitfall 111 */
START_TEST(schemas_are_kept_natively_else_by_a_tool_else_by_asking)
{
    hg_json doc = to_bedrock(CLAUDE, "{\"messages\":[" USER "]," FORMAT "}");

    is_at(doc, "/outputConfig/textFormat/structure/jsonSchema/schema",
          "\"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"a\\\":{\\\"type\\\":"
          "\\\"string\\\"}}}\"");
    is_at(doc, "/response_format", "");
    ck_assert(!translation.unwraps_json);
    doc = to_bedrock(NOVA, "{\"messages\":[" USER "]," FORMAT "}");
    is_at(doc, "/toolConfig/toolChoice", "{\"tool\":{\"name\":\"json\"}}");
    ck_assert(translation.unwraps_json);
    doc = to_bedrock(NOVA, "{\"messages\":[" USER "]," FORMAT "," TOOLS "}");
    ck_assert(!translation.unwraps_json && lost("response_format schema"));
    hg_str asked = json_raw(json_get(doc, "/system/0/text"));

    ck_assert_ptr_nonnull(memmem(asked.p, asked.n, "JSON Schema", 11));
}
END_TEST

START_TEST(what_has_no_place_is_said_to_be_lost_and_strangers_travel)
{
    hg_json doc = to_bedrock(NOVA, "{\"messages\":[" USER "],\"seed\":1,\"n\":2,\"user\":\"u\","
                                   "\"service_tier\":\"flex\",\"metadata\":{\"k\":\"v\"},"
                                   "\"own_member\":{\"x\":[]},\"store\":true}");

    is_at(doc, "/serviceTier", "{\"type\":\"flex\"}");
    is_at(doc, "/requestMetadata", "{\"k\":\"v\"}");
    is_at(doc, "/additionalModelRequestFields", "{\"own_member\":{\"x\":[]}}");
    is_at(doc, "/model", "");
    is_at(doc, "/stream", "");
    ck_assert(lost("seed") && lost("n") && lost("user") && lost("store"));
}
END_TEST

/* ---- from Bedrock's own clients ----------------------------------------------------------------
 */

static const char own[] =
    "{\"system\":[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\"}}],"
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},"
    "{\"role\":\"assistant\",\"content\":[{\"text\":\"t\"},{\"toolUse\":{\"toolUseId\":\"a\","
    "\"name\":\"f\",\"input\":{\"x\":1}}}]},"
    "{\"role\":\"user\",\"content\":[{\"text\":\"and\"},{\"toolResult\":{\"toolUseId\":\"a\","
    "\"content\":[{\"json\":{\"y\":2}}],\"status\":\"error\"}}]}],"
    "\"inferenceConfig\":{\"maxTokens\":5,\"temperature\":0.5,\"stopSequences\":[\"x\"]},"
    "\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\","
    "\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}],\"toolChoice\":{\"any\":{}}},"
    "\"guardrailConfig\":{\"guardrailIdentifier\":\"g\",\"guardrailVersion\":\"1\"},"
    "\"additionalModelRequestFields\":{\"top_k\":4,\"extra\":1}}";

START_TEST(a_request_to_bedrock_becomes_one_to_openai)
{
    hg_json doc = to_openai(own);

    is_at(doc, "/messages/0/role", "\"system\"");
    is_at(doc, "/messages/2/tool_calls/0",
          "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
          "\"{\\\"x\\\":1}\"}}");
    is_at(doc, "/messages/3",
          "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"Error: {\\\"y\\\":2}\"}");
    is_at(doc, "/messages/4/content", "\"and\"");
    is_at(doc, "/tool_choice", "\"required\"");
    is_at(doc, "/max_tokens", "5");
    is_at(doc, "/stop", "[\"x\"]");
    is_at(doc, "/extra", "1");
    ck_assert(lost("guardrailConfig"));
}
END_TEST

START_TEST(a_request_to_bedrock_that_went_through_the_normal_form_says_the_same)
{
    struct chain *out = chain_new(arena);

    ck_assert(written(&dialect_converse, &dialect_converse, CLAUDE, "/model/m/converse", own, out));
    hg_json doc = document(out);

    is_at(doc, "/system", "[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\"}}]");
    is_at(doc, "/messages/2/content/0/toolResult/status", "\"error\"");
    is_at(doc, "/inferenceConfig",
          "{\"maxTokens\":5,\"temperature\":0.5,\"stopSequences\":[\"x\"]}");
    is_at(doc, "/toolConfig",
          "{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\",\"inputSchema\":"
          "{\"json\":{\"type\":\"object\"}}}}],\"toolChoice\":{\"any\":{}}}");
    is_at(doc, "/guardrailConfig", "{\"guardrailIdentifier\":\"g\",\"guardrailVersion\":\"1\"}");
    is_at(doc, "/additionalModelRequestFields", "{\"top_k\":4,\"extra\":1}");
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_place)
{
    static const struct {
        const char *request, *place;
    } wrong[] = {
        {"{}", "messages:"},
        {"{\"messages\":[{\"role\":\"x\",\"content\":[]}]}", "messages[0].role"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "messages[0].content"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":1}]}]}",
         "messages[0].content[0]"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"toolResult\":{}}]}]}",
         "messages[0].content[0].toolResult"},
        {"{\"messages\":[],\"toolConfig\":{\"tools\":[{}]}}", "toolConfig.tools[0]"},
        {"{\"messages\":[],\"toolConfig\":{\"toolChoice\":{\"x\":1}}}", "toolConfig.toolChoice"},
        {"{\"messages\":[],\"outputConfig\":{\"textFormat\":{\"structure\":{\"jsonSchema\":"
         "{\"schema\":\"{\"}}}}}",
         "outputConfig.textFormat"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error.text[0] = 0;
        ck_assert(!dialect_converse.read_chat(arena, HG_S("/model/m/converse"),
                                              doc_of(wrong[i].request), &chat, &error));
        ck_assert_msg(strstr(error.text, wrong[i].place), "%s", error.text);
    }
}
END_TEST

/* pitfall 163 */
START_TEST(model_and_streaming_stand_in_the_path)
{
    static const struct {
        const char *path;
        uint32_t kind;
        const char *model;
        bool is_stream;
    } paths[] = {
        {"/model/a.b-v1%3A0/converse", HG_R_CHAT, "a.b-v1:0", false},
        {"/model/a.b-v1:0/converse-stream", HG_R_CHAT, "a.b-v1:0", true},
        {"//model/./a//converse", HG_R_CHAT, "a", false},
        {"/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ainference-profile%2Fus.a/converse", HG_R_CHAT,
         "arn:aws:bedrock:x:1:inference-profile/us.a", false},
        {"/model/a/count-tokens", HG_R_COUNT, "a", false},
        {"/model/a/invoke", HG_R_RAW, "a", false},
        {"/model/a/invoke-with-response-stream", HG_R_RAW, "a", true},
        {"/model//converse", 0, "", false},
        {"/model/a/other", 0, "", false},
        {"/v1/chat/completions", 0, "", false},
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct dialect_request asked;
        hg_str path = text_of(paths[i].path);

        ck_assert_uint_eq(dialect_kind_of(&dialect_converse, METHOD_POST, path), paths[i].kind);
        ck_assert_uint_eq(dialect_kind_of(&dialect_converse, METHOD_GET, path), 0);
        dialect_converse.read_request(arena, paths[i].kind, path, (hg_json){0}, &asked);
        ck_assert_msg(text_is(asked.model, text_of(paths[i].model)), "%s", paths[i].path);
        ck_assert(asked.is_stream == paths[i].is_stream);
    }
}
END_TEST

START_TEST(guards_see_every_text_and_nothing_else)
{
    static const char *const want[] = {"s", "hi", "t", "a-name", "key-text", "and", "deep", "new"};
    hg_json doc = doc_of(
        "{\"system\":[{\"text\":\"s\"}],\"messages\":[{\"content\":[{\"text\":\"hi\"},"
        "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}],\"role\":\"user\"},"
        "{\"role\":\"assistant\",\"content\":[{\"text\":\"t\"},{\"toolUse\":{\"toolUseId\":\"id\","
        "\"name\":\"a-name\",\"input\":{\"type\":\"key-text\"}}}]},{\"role\":\"user\",\"content\":["
        "{\"text\":\"and\"},{\"toolResult\":{\"toolUseId\":\"id\",\"content\":[{\"json\":[{"
        "\"bytes\":"
        "\"deep\"}]}]}},{\"newKind\":{\"words\":\"new\"}}]}]}");
    struct dialect_texts texts = texts_of_request(&dialect_converse, arena, HG_R_CHAT, doc);

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++)
        ck_assert_msg(text_is(texts.list[i].text, text_of(want[i])), "%s", want[i]);
    ck_assert_uint_eq(texts.list[0].role, HG_ROLE_SYSTEM);
    ck_assert_uint_eq(texts.list[1].role, HG_ROLE_USER);
    ck_assert_uint_eq(texts.list[2].role, HG_ROLE_ASSISTANT);
    ck_assert_uint_gt(dialect_converse.tokens(HG_R_CHAT, doc), 800);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dialect/converse/write_chat");
    TCase *tcase = tcase_create("requests");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, system_messages_are_hoisted_wherever_they_stood);
    tcase_add_test(tcase, results_of_one_step_stand_in_one_turn_before_the_users_text);
    tcase_add_test(tcase, blank_texts_are_left_out_and_empty_turns_with_them);
    tcase_add_test(tcase, a_user_who_says_nothing_keeps_the_turn);
    tcase_add_test(tcase, a_last_text_of_the_assistant_has_no_white_space_at_its_end);
    tcase_add_test(tcase, history_that_bedrock_would_refuse_is_mended);
    tcase_add_test(tcase, errors_of_tools_are_told_where_the_model_knows_the_status);
    tcase_add_test(tcase, cache_marks_become_elements_behind_what_they_mark);
    tcase_add_test(tcase, the_family_of_a_model_is_found_behind_what_stands_before_it);
    tcase_add_test(tcase, only_signed_reasoning_goes_back_and_as_it_was);
    tcase_add_test(tcase, images_and_documents_carry_their_bytes_and_legal_names);
    tcase_add_test(tcase, urls_that_bedrock_does_not_fetch_are_refused_and_s3_is_passed);
    tcase_add_test(tcase, choices_of_tools_are_said_as_bedrock_says_them);
    tcase_add_test(tcase, hosted_tools_are_mapped_or_lost);
    tcase_add_test(tcase, sampling_is_clamped_and_exclusive_only_where_it_must_be);
    tcase_add_test(tcase, reasoning_is_asked_for_as_each_family_does);
    tcase_add_test(tcase, schemas_are_kept_natively_else_by_a_tool_else_by_asking);
    tcase_add_test(tcase, what_has_no_place_is_said_to_be_lost_and_strangers_travel);
    tcase_add_test(tcase, a_request_to_bedrock_becomes_one_to_openai);
    tcase_add_test(tcase, a_request_to_bedrock_that_went_through_the_normal_form_says_the_same);
    tcase_add_test(tcase, what_is_wrong_is_named_with_its_place);
    tcase_add_test(tcase, model_and_streaming_stand_in_the_path);
    tcase_add_test(tcase, guards_see_every_text_and_nothing_else);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
