/* Requests of this format's clients, as others and Anthropic take them. */
#include "support/suite.h"
#include "unit/dialect/anthropic/requests.h"

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

RUN_SUITE_WITH("dialect/anthropic/read_chat", setup, teardown,
               a_turn_with_results_becomes_messages_of_tools_first,
               thoughts_of_the_history_reach_those_who_want_them,
               members_of_the_root_have_their_places, attachments_have_their_places,
               what_is_wrong_is_told_with_its_place, in_its_own_format_all_stays)
