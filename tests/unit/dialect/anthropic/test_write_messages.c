/* What was said, called, answered and attached, as Anthropic takes it. "pitfall N" are bugs that
 * users have reported of others. */
#include "support/suite.h"
#include "unit/dialect/anthropic/requests.h"

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

RUN_SUITE_WITH("dialect/anthropic/write_messages", setup, teardown,
               system_words_go_before_all_in_their_order_with_their_marks,
               results_of_one_step_are_one_turn_and_come_first,
               empty_answers_are_left_out_and_their_neighbours_become_one,
               an_answer_to_go_on_with_has_no_space_at_its_end, broken_arguments_are_wrapped,
               odd_names_and_ids_are_replaced_the_same_everywhere,
               images_and_documents_are_what_their_bytes_say,
               what_cannot_be_heard_or_fetched_is_refused,
               foreign_thoughts_are_not_replayed_and_signed_ones_stay_as_they_are)
