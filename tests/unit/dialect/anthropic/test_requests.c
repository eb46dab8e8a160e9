/* Requests of this format and to it: what a client of OpenAI's asks for, as Anthropic takes it, and
 * what a client of this format asks for, as others take it. "pitfall N" are bugs that users have
 * reported of others. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialect/translation.h"
#include "support/canonical.h"
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

/* The document for another provider; an absent value if it is refused. */
static hg_json translated(const struct dialect *from, const struct dialect *to, const char *model,
                          uint32_t traits, const char *document)
{
    struct chain *out = chain_new(arena);
    hg_json doc = {0}, written = {0};
    struct chat chat;

    ck_assert_msg(json_parse(arena, text_of(document), &doc, NULL), "%s", document);
    translation_begin(&translation, arena, from, to, text_of(model));
    translation.traits = traits;
    if (!from->read_chat(arena, HG_S("/"), doc, &chat, &error) ||
        !to->write_chat(&translation, &chat, out, &error))
        return (hg_json){0};
    ck_assert(!out->broken);
    ck_assert_msg(json_parse(arena, chain_flat(out, arena), &written, NULL), "written: %.*s",
                  TEXT_ARG(chain_flat(out, arena)));
    return written;
}

static hg_json to_model(const char *model, const char *document)
{
    return translated(&dialect_openai_chat, &dialect_anthropic, model, 0, document);
}

static hg_json to_us(const char *document)
{
    return to_model("claude-sonnet-4-5", document);
}

static hg_json from_us(const char *document)
{
    return translated(&dialect_anthropic, &dialect_openai_chat, "gpt-4o", 0, document);
}

static hg_json native(const char *document)
{
    return translated(&dialect_anthropic, &dialect_anthropic, "claude-sonnet-4-5", 0, document);
}

#define MESSAGES(list) "{\"model\":\"m\",\"max_tokens\":9000,\"messages\":[" list "]}"
#define WITH(members) \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," members "}"
#define FUNCTION(name) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"}}"

static void is(hg_json doc, const char *pointer, const char *expected)
{
    hg_json want, got = pointer[0] ? json_get(doc, pointer) : doc;

    if (!expected) {
        ck_assert_msg(!got.kind, "%s is %.*s", pointer, TEXT_ARG(json_raw(got)));
        return;
    }
    ck_assert(json_parse(arena, text_of(expected), &want, NULL));
    ck_assert_msg(got.kind && text_is(canonical(arena, got), canonical(arena, want)),
                  "%s is %.*s, not %s", pointer, TEXT_ARG(json_raw(got)), expected);
}

static void lost(const char *expected)
{
    hg_str losses = translation_losses(&translation);

    ck_assert_msg(text_is(losses, text_of(expected)), "lost: %.*s", TEXT_ARG(losses));
}

static void refused(hg_json doc, const char *why)
{
    ck_assert(!doc.kind);
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
}

/* ---- messages to Anthropic ------------------------------------------------------------------- */

START_TEST(system_words_go_before_all_in_their_order_with_their_marks)
{ /* pitfall 94 */
    hg_json doc = to_us(MESSAGES(
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":"
        "{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\" \"}]},"
        "{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"developer\",\"content\":\"b\"}"));

    is(doc, "/system",
       "[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"}},"
       "{\"type\":\"text\",\"text\":\"b\"}]");
    is(doc, "/messages", "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]");
    lost("");
}
END_TEST

START_TEST(results_of_one_step_are_one_turn_and_come_first)
{ /* pitfalls 79, 80, 87, 88, 89 */
    hg_json doc = to_us(MESSAGES(
        "{\"role\":\"user\",\"content\":\"go\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}},"
        "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
        "\"{\\\"x\\\":1}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"},"
        "{\"role\":\"user\",\"content\":\"between\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"\"},"
        "{\"role\":\"user\",\"content\":\"after\"}"));

    is(doc, "/messages/1/content",
       "[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}},"
       "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"g\",\"input\":{\"x\":1}}]");
    is(doc, "/messages/2",
       "{\"role\":\"user\",\"content\":["
       "{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"1\"},"
       "{\"type\":\"tool_result\",\"tool_use_id\":\"b\",\"content\":\"\"}," /* pitfall 91 */
       "{\"type\":\"text\",\"text\":\"between\"},{\"type\":\"text\",\"text\":\"after\"}]}");
    is(doc, "/messages/3", NULL);
}
END_TEST

START_TEST(empty_answers_are_left_out_and_their_neighbours_become_one)
{ /* pitfall 82 */
    hg_json doc = to_us(MESSAGES("{\"role\":\"user\",\"content\":\"a\"},"
                                 "{\"role\":\"assistant\",\"content\":\" \\n\"},"
                                 "{\"role\":\"user\",\"content\":\"b\"}"));

    is(doc, "/messages",
       "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
       "{\"type\":\"text\",\"text\":\"b\"}]}]");
    is(to_us(MESSAGES("{\"role\":\"user\",\"content\":\"\"}")), "/messages/0/content",
       "[{\"type\":\"text\",\"text\":\".\"}]");
    is(to_us(MESSAGES("{\"role\":\"system\",\"content\":\"s\"}")), "/messages",
       "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\".\"}]}]");
}
END_TEST

START_TEST(an_answer_to_go_on_with_has_no_space_at_its_end)
{
    hg_json doc = to_us(MESSAGES("{\"role\":\"user\",\"content\":\"a\"},"
                                 "{\"role\":\"assistant\",\"content\":\"So \\n\"}"));

    is(doc, "/messages/1/content/0/text", "\"So\"");
}
END_TEST

START_TEST(broken_arguments_are_wrapped)
{ /* pitfall 90 */
    hg_json doc = to_us(
        MESSAGES("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"tool_calls\":["
                 "{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}},"
                 "{\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}"));

    is(doc, "/messages/1/content/0/input", "{\"raw\":\"{\\\"x\\\":\"}");
    is(doc, "/messages/1/content/1/input", "{\"raw\":\"[1]\"}");
}
END_TEST

START_TEST(odd_names_and_ids_are_replaced_the_same_everywhere)
{ /* pitfall 92 */
    hg_json doc = to_us("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c:1\",\"function\":"
                        "{\"name\":\"get.w\",\"arguments\":\"{}\"}}]},"
                        "{\"role\":\"tool\",\"tool_call_id\":\"c:1\",\"content\":\"x\"}],"
                        "\"tools\":[" FUNCTION("get.w") "],"
                                                        "\"tool_choice\":" FUNCTION("get.w") "}");
    hg_str name = json_raw(json_get(doc, "/tools/0/name")),
           id = json_raw(json_get(doc, "/messages/2/content/0/tool_use_id"));

    ck_assert(!memchr(name.p, '.', name.n) && !memchr(id.p, ':', id.n));
    ck_assert(text_is(name, json_raw(json_get(doc, "/messages/1/content/0/name"))));
    ck_assert(text_is(name, json_raw(json_get(doc, "/tool_choice/name"))));
    ck_assert(text_is(id, json_raw(json_get(doc, "/messages/1/content/0/id"))));
}
END_TEST

START_TEST(images_and_documents_are_what_their_bytes_say)
{
    hg_json doc = to_us(MESSAGES(
        "{\"role\":\"user\",\"content\":["
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,/9j/AA\"}},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:application/pdf;base64,AAAA\"}},"
        "{\"type\":\"file\",\"file\":{\"filename\":\"n.txt\",\"file_data\":"
        "\"data:text/plain;base64,aGk=\"}},"
        "{\"type\":\"file\",\"file\":{\"file_id\":\"file_1\"}}]}"));

    is(doc, "/messages/0/content",
       "[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/jpeg\","
       "\"data\":\"/9j/AA\"}},"
       "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://a/b.png\"}},"
       "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
       "\"application/pdf\",\"data\":\"AAAA\"}},"
       "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
       "\"data\":\"hi\"},\"title\":\"n.txt\"},"
       "{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}}]");
}
END_TEST

START_TEST(what_cannot_be_heard_or_fetched_is_refused)
{
    static const char url[] =
        MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
                 "{\"url\":\"https://a/b.png\"}}]}");

    refused(to_us(MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
                           "\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]}")),
            "messages[0]: audio");
    refused(translated(&dialect_openai_chat, &dialect_anthropic, "claude-opus-4-6", HG_WIRE_NO_URLS,
                       url),
            "URL");
    refused(to_us(WITH("\"n\":2")), "n:");
}
END_TEST

START_TEST(foreign_thoughts_are_not_replayed_and_signed_ones_stay_as_they_are)
{ /* pitfalls 128, 129, 130, 132 */
    hg_json doc = to_us(
        MESSAGES("{\"role\":\"user\",\"content\":\"a\"},"
                 "{\"role\":\"assistant\",\"content\":\"b\",\"thinking_blocks\":["
                 "{\"type\":\"thinking\",\"thinking\":\" t\\u00e9 \",\"signature\":\"S1\"},"
                 "{\"type\":\"redacted_thinking\",\"data\":\"D\"},"
                 "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"},"
                 "{\"type\":\"thinking\",\"thinking\":\"u\",\"signature\":\"S2\"}]},"
                 "{\"role\":\"user\",\"content\":\"c\"},"
                 "{\"role\":\"assistant\",\"content\":\"d\",\"reasoning_content\":\"unsigned\"},"
                 "{\"role\":\"user\",\"content\":\"e\"}"));

    is(doc, "/messages/1/content",
       "[{\"type\":\"thinking\",\"thinking\":\" t\\u00e9 \",\"signature\":\"S1\"},"
       "{\"type\":\"redacted_thinking\",\"data\":\"D\"},"
       "{\"type\":\"thinking\",\"thinking\":\"u\",\"signature\":\"S2\"},"
       "{\"type\":\"text\",\"text\":\"b\"}]");
    is(doc, "/messages/3/content", "[{\"type\":\"text\",\"text\":\"d\"}]");
    lost("reasoning");
}
END_TEST

/* ---- tools and members to Anthropic ---------------------------------------------------------- */

START_TEST(tools_keep_their_order_and_an_empty_list_is_none)
{ /* pitfalls 108, 109, 120 */
    hg_json doc = to_us(WITH("\"tools\":[" FUNCTION(
        "b") ",{\"type\":\"function\",\"function\":{\"name\":"
             "\"a\",\"description\":\"\",\"parameters\":{\"properties\":{\"x\":{}},"
             "\"$defs\":{}}}}]"));

    is(doc, "/tools",
       "[{\"name\":\"b\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},"
       "{\"name\":\"a\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{}},"
       "\"$defs\":{}}}]");
    doc = to_us(WITH("\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false"));
    is(doc, "/tools", NULL);
    is(doc, "/tool_choice", NULL);
}
END_TEST

START_TEST(every_choice_of_tools_has_its_form)
{ /* pitfalls 106, 107 */
    static const char *const pairs[][2] = {{"\"auto\"", "{\"type\":\"auto\"}"},
                                           {"\"none\"", "{\"type\":\"none\"}"},
                                           {"\"required\"", "{\"type\":\"any\"}"},
                                           {FUNCTION("f"), "{\"type\":\"tool\",\"name\":\"f\"}"},
                                           {"{\"type\":\"allowed_tools\",\"allowed_tools\":{"
                                            "\"mode\":\"required\",\"tools\":[" FUNCTION("f") "]}}",
                                            "{\"type\":\"any\"}"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        hg_str request = arena_fmt(
            arena, WITH("\"tools\":[" FUNCTION("f") "," FUNCTION("g") "],\"tool_choice\":%s"),
            pairs[i][0]);
        hg_json doc = to_us(arena_cstr(arena, request));

        is(doc, "/tool_choice", pairs[i][1]);
        ck_assert_uint_eq(json_count(json_get(doc, "/tools")), i == 4 ? 1 : 2);
    }
    is(to_us(WITH("\"tools\":[" FUNCTION("f") "],\"parallel_tool_calls\":false")), "/tool_choice",
       "{\"type\":\"auto\",\"disable_parallel_tool_use\":true}");
    is(to_us(WITH("\"tools\":[" FUNCTION("f") "],\"tool_choice\":\"none\","
                                              "\"parallel_tool_calls\":false")),
       "/tool_choice", "{\"type\":\"none\"}");
}
END_TEST

START_TEST(strict_is_for_models_that_know_it)
{ /* pitfall 110 */
    static const char request[] =
        WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,"
             "\"parameters\":{\"type\":\"object\",\"properties\":{\"minimum\":"
             "{\"type\":\"integer\",\"minimum\":1}}}}}]");
    hg_json doc = to_us(request);

    is(doc, "/tools/0/strict", "true");
    is(doc, "/tools/0/input_schema/additionalProperties", "false");
    is(doc, "/tools/0/input_schema/properties/minimum/type", "\"integer\"");
    is(doc, "/tools/0/input_schema/properties/minimum/minimum", NULL);
    doc = to_model("claude-3-5-sonnet-20241022", request);
    is(doc, "/tools/0/strict", NULL);
    is(doc, "/tools/0/input_schema/properties/minimum/minimum", "1");
    lost("tools.strict");
    is(translated(&dialect_openai_chat, &dialect_anthropic, "claude-opus-5", HG_WIRE_NO_SCHEMA,
                  request),
       "/tools/0/strict", NULL);
}
END_TEST

START_TEST(hosted_tools_have_an_equal_or_are_lost)
{ /* pitfall 97 */
    is(to_us(WITH("\"tools\":[{\"type\":\"web_search\"}]")), "/tools",
       "[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]");
    is(to_us(WITH("\"tools\":[{\"type\":\"file_search\"}]")), "/tools", NULL);
    lost("tools.file_search");
    is(from_us("{\"model\":\"m\",\"max_tokens\":9,\"messages\":[],\"tools\":"
               "[{\"type\":\"bash_20250124\",\"name\":\"bash\"}]}"),
       "/tools", NULL);
    lost("tools.bash_20250124");
}
END_TEST

START_TEST(a_limit_there_must_be_and_it_is_the_models_own)
{ /* pitfalls 101, 102, 103 */
    static const struct {
        const char *model, *limit;
    } limits[] = {{"claude-opus-5", "128000"},
                  {"claude-sonnet-4-5-20250929", "64000"},
                  {"anthropic/claude-sonnet-4.6", "128000"},
                  {"us.anthropic.claude-opus-4-1-20250805-v1:0", "32000"},
                  {"claude-sonnet-4@20250514", "64000"},
                  {"claude-3-5-haiku-latest", "8192"},
                  {"claude-3-haiku-20240307", "4096"},
                  {"claude-next", "128000"},
                  {"kimi-k2", "4096"}};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        is(to_model(limits[i].model, WITH("\"stream\":false")), "/max_tokens", limits[i].limit);
    is(to_us(WITH("\"max_completion_tokens\":77")), "/max_tokens", "77");
    is(to_us(WITH("\"max_tokens\":0")), "/max_tokens", "0"); /* pitfall 99 */
    is(to_us(WITH("\"max_tokens\":999999")), "/max_tokens", "64000");
    lost("max_tokens");
    is(to_model("kimi-k2", WITH("\"max_tokens\":999999")), "/max_tokens", "999999");
}
END_TEST

START_TEST(sampling_is_told_as_far_as_the_model_takes_it)
{ /* pitfalls 99, 100, 104, 105 */
    hg_json doc = to_us(WITH("\"temperature\":1.7,\"top_p\":0.5,\"top_k\":3"));

    is(doc, "/temperature", "1");
    is(doc, "/top_p", NULL);
    is(doc, "/top_k", "3");
    lost("temperature, top_p");
    is(to_model("claude-3-haiku-20240307", WITH("\"temperature\":0,\"top_p\":0.5")), "/top_p",
       "0.5");
    is(to_us(WITH("\"temperature\":0")), "/temperature", "0");
    is(to_us(WITH("\"seed\":1")), "/temperature", NULL);
    doc = to_model("claude-opus-4-7", WITH("\"temperature\":0.5,\"top_p\":0.5,\"top_k\":3"));
    is(doc, "/temperature", NULL);
    lost("temperature, top_p, top_k");
}
END_TEST

START_TEST(effort_is_a_budget_or_an_effort_as_the_model_has_it)
{
    hg_json doc = to_us(WITH("\"reasoning_effort\":\"high\",\"temperature\":0.5"));

    is(doc, "/thinking", "{\"type\":\"enabled\",\"budget_tokens\":4096}");
    is(doc, "/temperature", NULL);
    is(to_us(WITH("\"reasoning_effort\":\"max\",\"max_tokens\":2000")), "/thinking/budget_tokens",
       "1999");
    is(to_us(WITH("\"reasoning_effort\":\"low\",\"max_tokens\":1024")), "/thinking", NULL);
    lost("reasoning_effort");
    doc = to_model("claude-opus-4-6", WITH("\"reasoning_effort\":\"xhigh\""));
    is(doc, "/thinking", "{\"type\":\"adaptive\"}");
    is(doc, "/output_config", "{\"effort\":\"max\"}");
    is(to_model("claude-opus-5", WITH("\"reasoning_effort\":\"xhigh\"")), "/output_config/effort",
       "\"xhigh\"");
    is(to_model("claude-opus-5", WITH("\"reasoning_effort\":\"minimal\"")), "/output_config/effort",
       "\"low\"");
    is(to_us(WITH("\"reasoning_effort\":\"none\"")), "/thinking", "{\"type\":\"disabled\"}");
    is(to_model("claude-3-haiku", WITH("\"reasoning_effort\":\"low\"")), "/thinking", NULL);
    lost("reasoning_effort");
}
END_TEST

START_TEST(a_model_that_thinks_is_not_forced_to_call)
{
    hg_json doc = to_us(WITH("\"reasoning_effort\":\"low\",\"tool_choice\":\"required\","
                             "\"tools\":[" FUNCTION("f") "]"));

    is(doc, "/tool_choice", "{\"type\":\"auto\"}");
    lost("tool_choice");
}
END_TEST

START_TEST(in_a_loop_of_calls_without_thoughts_no_budget_is_asked_for)
{
    static const char request[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
        "\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}],"
        "\"reasoning_effort\":\"low\",\"tools\":[" FUNCTION("f") "]}";

    is(to_us(request), "/thinking", NULL);
    lost("reasoning_effort");
    is(to_model("claude-opus-4-6", request), "/thinking", "{\"type\":\"adaptive\"}");
}
END_TEST

#define SCHEMA                                                                                  \
    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":3}}}}}"

START_TEST(a_schema_is_kept_natively_or_by_a_forced_tool_or_by_words)
{ /* pitfalls 36, 111, 117 */
    hg_json doc = to_us(WITH(SCHEMA));

    is(doc, "/output_config/format/schema/additionalProperties", "false");
    is(doc, "/output_config/format/schema/properties/a/maxLength", NULL);
    is(doc, "/response_format", NULL);
    ck_assert(!translation.unwraps_json);
    doc = to_model("claude-3-5-sonnet-20241022", WITH(SCHEMA));
    is(doc, "/output_config", NULL);
    is(doc, "/tools/0/name", "\"json\"");
    is(doc, "/tools/0/input_schema/properties/a/maxLength", "3");
    is(doc, "/tool_choice", "{\"type\":\"tool\",\"name\":\"json\"}");
    ck_assert(translation.unwraps_json);
    lost("");
    doc = to_model("claude-3-5-sonnet-20241022", WITH(SCHEMA ",\"tools\":[" FUNCTION("f") "]"));
    ck_assert(!translation.unwraps_json);
    ck_assert(json_count(json_get(doc, "/tools")) == 1 &&
              json_count(json_get(doc, "/system")) == 1);
    lost("response_format");
    doc = to_us(WITH("\"response_format\":{\"type\":\"json_object\"}"));
    ck_assert_uint_eq(json_count(json_get(doc, "/system")), 1);
    is(to_us(WITH("\"response_format\":{\"type\":\"text\"}")), "/system", NULL);
}
END_TEST

START_TEST(the_rest_has_its_place_or_is_told_as_lost)
{
    hg_json doc =
        to_us(WITH("\"stop\":[\"a\",\" \"],\"user\":\"u\",\"logit_bias\":{},\"store\":true,"
                   "\"frequency_penalty\":0,\"presence_penalty\":0.5,\"mine\":[1],"
                   "\"service_tier\":\"default\",\"system\":\"x\",\"stream\":true"));

    is(doc, "/stop_sequences", "[\"a\"]");
    is(doc, "/metadata", "{\"user_id\":\"u\"}");
    is(doc, "/mine", "[1]"); /* pitfall 119 */
    is(doc, "/service_tier", "\"standard_only\"");
    is(doc, "/stream", "true");
    is(doc, "/stream_options", NULL);
    lost("stop, presence_penalty, logit_bias, store");
}
END_TEST

START_TEST(hosts_that_name_the_model_in_the_path_get_no_model)
{
    hg_json doc = translated(&dialect_openai_chat, &dialect_anthropic, "claude-opus-4-6",
                             HG_WIRE_BODY_VERSION, WITH("\"stream\":true"));

    is(doc, "/model", NULL);
    is(doc, "/stream", NULL);
    is(doc, "/max_tokens", "128000");
}
END_TEST

/* ---- from Anthropic -------------------------------------------------------------------------- */

START_TEST(a_turn_with_results_becomes_messages_of_tools_first)
{ /* pitfall 80 */
    hg_json doc = from_us(MESSAGES(
        "{\"role\":\"user\",\"content\":\"go\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
        "\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"x\"},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{ \"a\" : 1e0}},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"f\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"then\"},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"text\","
        "\"text\":\"r\"}],\"is_error\":true},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_2\"}]}"));

    is(doc, "/messages/1/tool_calls/0/function/arguments", "\"{ \\\"a\\\" : 1e0}\"");
    is(doc, "/messages/1/tool_calls/1/function/arguments", "\"{}\"");
    is(doc, "/messages/2",
       "{\"role\":\"tool\",\"tool_call_id\":\"toolu_1\",\"content\":\"Error: r\"}");
    is(doc, "/messages/3", "{\"role\":\"tool\",\"tool_call_id\":\"toolu_2\",\"content\":\"\"}");
    is(doc, "/messages/4", "{\"role\":\"user\",\"content\":\"then\"}");
    lost("reasoning");
}
END_TEST

START_TEST(thoughts_of_the_history_reach_those_who_want_them)
{ /* pitfall 98 */
    hg_json doc =
        translated(&dialect_anthropic, &dialect_openai_chat, "deepseek-chat", HG_WIRE_REASONING,
                   MESSAGES("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
                            "\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":\"text\","
                            "\"text\":\"x\"}]}"));

    is(doc, "/messages/0/reasoning_content", "\"t\"");
}
END_TEST

START_TEST(members_of_the_root_have_their_places)
{
    hg_json doc = from_us(
        "{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"a\"},"
        "{\"type\":\"text\",\"text\":\"b\"}],\"messages\":[{\"role\":\"user\",\"content\":\"u\"}],"
        "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],"
        "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true},"
        "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},\"stop_sequences\":[\"z\"],"
        "\"metadata\":{\"user_id\":\"u1\"},\"service_tier\":\"standard_only\",\"speed\":\"fast\","
        "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}},\"stream\":true}");

    is(doc, "/messages/0",
       "{\"role\":\"system\",\"content\":["
       "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}");
    is(doc, "/tools/0/function/parameters", "{\"type\":\"object\"}");
    is(doc, "/tool_choice", "\"required\"");
    is(doc, "/parallel_tool_calls", "false");
    is(doc, "/reasoning_effort", "\"low\"");
    is(doc, "/stop", "[\"z\"]");
    is(doc, "/user", "\"u1\"");
    is(doc, "/service_tier", "\"default\"");
    is(doc, "/response_format/json_schema/name", "\"structured_output\"");
    is(doc, "/stream_options/include_usage", "true");
    lost("speed");
}
END_TEST

START_TEST(attachments_have_their_places)
{
    hg_json doc = from_us(MESSAGES(
        "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\","
        "\"media_type\":\"image/png\",\"data\":\"AA==\"}},"
        "{\"type\":\"document\",\"title\":\"t\",\"source\":{\"type\":\"base64\",\"media_type\":"
        "\"application/pdf\",\"data\":\"BB==\"}},"
        "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
        "\"data\":\"words\"},\"citations\":{\"enabled\":true}},"
        "{\"type\":\"search_result\",\"title\":\"T\",\"source\":\"S\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"c\"}]}]}"));

    is(doc, "/messages/0/content/0/image_url/url", "\"data:image/png;base64,AA==\"");
    is(doc, "/messages/0/content/1/file",
       "{\"filename\":\"t\",\"file_data\":\"data:application/pdf;base64,BB==\"}");
    is(doc, "/messages/0/content/2/text", "\"words\"");
    is(doc, "/messages/0/content/3/text", "\"T\\nS\\nc\"");
    lost("document.citations");
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_place)
{
    refused(from_us("{\"messages\":1}"), "messages: must be a list");
    refused(from_us(MESSAGES("{\"role\":\"tool\",\"content\":\"\"}")), "messages[0].role");
    refused(from_us(MESSAGES("{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\"}")),
            "messages[1].content");
    refused(from_us(MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}")),
            "messages[0].content[0].text");
    refused(from_us(MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                             "\"tool_use_id\":\"a\",\"content\":[{\"type\":\"image\"}]}]}")),
            "messages[0].content[0].content[0].source");
    refused(from_us(MESSAGES("{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_result\","
                             "\"tool_use_id\":\"a\"}]}")),
            "messages[0].content[0].type");
    refused(from_us(WITH("\"tools\":[{\"description\":\"\"}]")), "tools[0].name");
    refused(from_us(WITH("\"tool_choice\":{\"type\":\"x\"}")), "tool_choice.type");
    refused(from_us(WITH("\"thinking\":{\"type\":\"x\"}")), "thinking.type");
}
END_TEST

START_TEST(in_its_own_format_all_stays)
{ /* pitfalls 83, 112, 117, 119, 131 */
    static const char request[] =
        "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":9,\"messages\":["
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"\","
        "\"signature\":\"s\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"},"
        "{\"type\":\"server_tool_use\",\"id\":\"x\",\"name\":\"web_search\",\"input\":{}},"
        "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"x\",\"content\":[]}]},"
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"mid\"}]}],"
        "\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"},{\"name\":\"f\",\"input_"
        "schema\":"
        "{\"type\":\"object\"},\"defer_loading\":true}],"
        "\"temperature\":2,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":5,\"display\":"
        "\"omitted\"},\"output_config\":{\"effort\":\"low\",\"task_budget\":{\"total\":3}},"
        "\"cache_control\":{\"type\":\"ephemeral\"},\"future\":null}";
    hg_json doc = native(request);

    is(doc, "", request);
    lost("");
}
END_TEST

RUN_SUITE_WITH(
    "dialect/anthropic/requests", setup, teardown,
    system_words_go_before_all_in_their_order_with_their_marks,
    results_of_one_step_are_one_turn_and_come_first,
    empty_answers_are_left_out_and_their_neighbours_become_one,
    an_answer_to_go_on_with_has_no_space_at_its_end, broken_arguments_are_wrapped,
    odd_names_and_ids_are_replaced_the_same_everywhere,
    images_and_documents_are_what_their_bytes_say, what_cannot_be_heard_or_fetched_is_refused,
    foreign_thoughts_are_not_replayed_and_signed_ones_stay_as_they_are,
    tools_keep_their_order_and_an_empty_list_is_none, every_choice_of_tools_has_its_form,
    strict_is_for_models_that_know_it, hosted_tools_have_an_equal_or_are_lost,
    a_limit_there_must_be_and_it_is_the_models_own, sampling_is_told_as_far_as_the_model_takes_it,
    effort_is_a_budget_or_an_effort_as_the_model_has_it, a_model_that_thinks_is_not_forced_to_call,
    in_a_loop_of_calls_without_thoughts_no_budget_is_asked_for,
    a_schema_is_kept_natively_or_by_a_forced_tool_or_by_words,
    the_rest_has_its_place_or_is_told_as_lost, hosts_that_name_the_model_in_the_path_get_no_model,
    a_turn_with_results_becomes_messages_of_tools_first,
    thoughts_of_the_history_reach_those_who_want_them, members_of_the_root_have_their_places,
    attachments_have_their_places, what_is_wrong_is_told_with_its_place,
    in_its_own_format_all_stays)
