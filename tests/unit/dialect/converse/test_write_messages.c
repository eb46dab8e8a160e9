/* What was said, called, answered and attached, as Bedrock takes it. "pitfall N" is a mistake that
 * others have made. */
#include <string.h>

#include "support/suite.h"
#include "unit/dialect/converse/requests.h"

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

RUN_SUITE_WITH("dialect/converse/write_messages", setup, teardown,
               system_messages_are_hoisted_wherever_they_stood,
               results_of_one_step_stand_in_one_turn_before_the_users_text,
               blank_texts_are_left_out_and_empty_turns_with_them,
               a_user_who_says_nothing_keeps_the_turn,
               a_last_text_of_the_assistant_has_no_white_space_at_its_end,
               history_that_bedrock_would_refuse_is_mended,
               errors_of_tools_are_told_where_the_model_knows_the_status,
               cache_marks_become_elements_behind_what_they_mark,
               only_signed_reasoning_goes_back_and_as_it_was,
               images_and_documents_carry_their_bytes_and_legal_names,
               urls_that_bedrock_does_not_fetch_are_refused_and_s3_is_passed)
