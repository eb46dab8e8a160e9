/* The members of a request beside its messages and tools, as each of Anthropic's models takes them.
 */
#include "support/suite.h"
#include "unit/dialect/anthropic/requests.h"

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

RUN_SUITE_WITH("dialect/anthropic/write_chat", setup, teardown,
               a_limit_there_must_be_and_it_is_the_models_own,
               sampling_is_told_as_far_as_the_model_takes_it,
               effort_is_a_budget_or_an_effort_as_the_model_has_it,
               a_model_that_thinks_is_not_forced_to_call,
               in_a_loop_of_calls_without_thoughts_no_budget_is_asked_for,
               a_schema_is_kept_natively_or_by_a_forced_tool_or_by_words,
               the_rest_has_its_place_or_is_told_as_lost,
               hosts_that_name_the_model_in_the_path_get_no_model)
