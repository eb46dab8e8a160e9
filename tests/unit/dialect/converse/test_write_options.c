/* Tools, sampling, reasoning and formats of answers, as each family of models takes them. */
#include <string.h>

#include "support/suite.h"
#include "unit/dialect/converse/requests.h"

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

RUN_SUITE_WITH("dialect/converse/write_options", setup, teardown,
               choices_of_tools_are_said_as_bedrock_says_them, hosted_tools_are_mapped_or_lost,
               sampling_is_clamped_and_exclusive_only_where_it_must_be,
               reasoning_is_asked_for_as_each_family_does,
               schemas_are_kept_natively_else_by_a_tool_else_by_asking,
               what_has_no_place_is_said_to_be_lost_and_strangers_travel)
