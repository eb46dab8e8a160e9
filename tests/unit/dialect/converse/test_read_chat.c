/* Requests of Bedrock's own clients, as others and Bedrock take them. */
#include <string.h>

#include "support/suite.h"
#include "unit/dialect/converse/requests.h"

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

RUN_SUITE_WITH("dialect/converse/read_chat", setup, teardown,
               a_request_to_bedrock_becomes_one_to_openai,
               a_request_to_bedrock_that_went_through_the_normal_form_says_the_same,
               what_is_wrong_is_named_with_its_place)
