/* The tools of a request and the choice of them, as Anthropic takes them. */
#include "support/suite.h"
#include "unit/dialect/anthropic/requests.h"

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

RUN_SUITE_WITH("dialect/anthropic/write_tools", setup, teardown,
               tools_keep_their_order_and_an_empty_list_is_none, every_choice_of_tools_has_its_form,
               strict_is_for_models_that_know_it, hosted_tools_have_an_equal_or_are_lost)
