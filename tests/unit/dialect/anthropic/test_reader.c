/* What the reader makes of events that are odd. "pitfall N" are bugs that users have reported of
 * others. */
#include "gathered.h"

#include "support/suite.h"

static const struct dialect *const dialect = &dialect_anthropic;
static struct arena *arena;
static struct gathered got;
static struct dialect_reader *reader;

static void setup(void)
{
    arena = arena_new();
    got = gathered_new(arena);
    reader = dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){gathered_event, &got});
}

static void teardown(void)
{
    arena_free(&arena);
}

static void frame(const char *data)
{
    struct arena *scratch = arena_new();
    hg_str copy = arena_text(scratch, text_of(data));

    dialect->reader_frame(reader, scratch, HG_S(""), copy);
    arena_free(&scratch);
}

static void start(void)
{
    frame("{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"usage\":"
          "{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":null,"
          "\"output_tokens\":1}}}");
}

#define DELTA(index, delta) \
    "{\"type\":\"content_block_delta\",\"index\":" #index ",\"delta\":{\"type\":" delta "}}"
#define START(index, block) \
    "{\"type\":\"content_block_start\",\"index\":" #index ",\"content_block\":{\"type\":" block "}}"
#define STOP(index) "{\"type\":\"content_block_stop\",\"index\":" #index "}"
#define END(reason) "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason "\"}}"

START_TEST(calls_are_numbered_by_calls_and_only_the_clients_own_count)
{ /* pitfalls 18, 24, 25, 26 */
    start();
    frame(START(0, "\"text\",\"text\":\"\""));
    frame(START(1, "\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}"));
    frame(DELTA(1, "\"input_json_delta\",\"partial_json\":\"{}\""));
    frame(START(2, "\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}"));
    frame(DELTA(2, "\"input_json_delta\",\"partial_json\":\"\""));
    frame(DELTA(2, "\"input_json_delta\",\"partial_json\":\"{\\\"x\\\"\""));
    frame(DELTA(2, "\"input_json_delta\",\"partial_json\":\":1}\""));
    frame(STOP(2));
    frame(DELTA(1, "\"input_json_delta\",\"partial_json\":\"{}\""));
    frame(START(3, "\"tool_use\",\"id\":\"b\",\"name\":\"g\",\"input\":{}"));
    frame(STOP(3));
    frame(END("end_turn"));
    ck_assert_uint_eq(got.call_count, 2);
    ck_assert(text_is(chain_flat(got.calls[0].args, arena), HG_S("{\"x\":1}")));
    ck_assert(text_is(chain_flat(got.calls[1].args, arena), HG_S("{}")));
    ck_assert(got.finish == HG_FIN_TOOLS && got.calls[0].is_over && got.calls[1].is_over);
}
END_TEST

START_TEST(usage_is_put_over_and_never_added)
{ /* pitfalls 138, 139, 141, 142, 144, 149 */
    start();
    ck_assert_uint_eq(got.usage.input, 15);
    ck_assert_uint_eq(got.usage.flags, HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED);
    frame("{\"type\":\"message_delta\",\"delta\":{},\"usage\":null}");
    frame("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":"
          "{\"output_tokens\":7,\"input_tokens\":null,\"cache_creation_input_tokens\":2,"
          "\"output_tokens_details\":{\"thinking_tokens\":3}}}");
    ck_assert_uint_eq(got.usage.input, 17);
    ck_assert_uint_eq(got.usage.output, 7);
    ck_assert_uint_eq(got.usage.cache_write, 2);
    ck_assert_uint_eq(got.usage.reasoning, 3);
    frame("{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":-4}}");
    ck_assert_uint_eq(got.usage.output, 7);
    ck_assert(got.finish == HG_FIN_LENGTH && got.finishes == 1);
}
END_TEST

START_TEST(steps_of_the_model_add_up_without_what_an_advisor_said)
{
    start();
    frame("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
          "{\"input_tokens\":1,\"output_tokens\":1,\"iterations\":["
          "{\"type\":\"message\",\"input_tokens\":10,\"output_tokens\":2},"
          "{\"type\":\"advisor_message\",\"input_tokens\":100,\"output_tokens\":100},"
          "{\"type\":\"compaction\",\"input_tokens\":5,\"output_tokens\":3}]}}");
    ck_assert_uint_eq(got.usage.input, 20);
    ck_assert_uint_eq(got.usage.output, 5);
    frame("{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":1,"
          "\"output_tokens\":9,\"iterations\":[{\"type\":\"message\",\"output_tokens\":2},"
          "{\"type\":\"fallback_message\",\"output_tokens\":2}]}}");
    ck_assert_uint_eq(got.usage.output, 9);
}
END_TEST

START_TEST(thoughts_signatures_and_what_is_redacted_are_told_apart)
{ /* pitfalls 15, 132 */
    start();
    frame(START(0, "\"thinking\",\"thinking\":\"\",\"signature\":\"\""));
    frame(DELTA(0, "\"thinking_delta\",\"thinking\":\"hm\""));
    frame(DELTA(0, "\"signature_delta\",\"signature\":\"sig\""));
    frame(START(1, "\"redacted_thinking\",\"data\":\"enc\""));
    frame(END("refusal"));
    ck_assert(text_is(chain_flat(got.reasoning, arena), HG_S("hm")) && got.thoughts == 2);
    ck_assert(text_is(got.signature, HG_S("sig")) && text_is(got.encrypted, HG_S("enc")));
    ck_assert_uint_eq(got.finish, HG_FIN_FILTER);
}
END_TEST

START_TEST(an_error_is_the_last_event)
{ /* pitfall 42 */
    start();
    frame("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}");
    frame(DELTA(0, "\"text_delta\",\"text\":\"x\""));
    frame(END("end_turn"));
    dialect->reader_end(reader);
    ck_assert(got.errors == 1 && !got.finishes && !gathered_text(&got).n);
    ck_assert(text_is(got.error_type, HG_S("overloaded_error")));
    ck_assert(text_is(got.error_message, HG_S("busy")));
}
END_TEST

START_TEST(an_exception_of_aws_is_an_error)
{ /* pitfall 56 */
    dialect->reader_frame(reader, arena, HG_S("throttlingException"),
                          HG_S("{\"message\":\"slow down\"}"));
    ck_assert(got.errors == 1 && text_is(got.error_type, HG_S("throttlingException")));
    ck_assert(text_is(got.error_message, HG_S("slow down")));
}
END_TEST

START_TEST(what_is_no_event_of_this_format_is_an_error_and_what_is_unknown_is_not)
{
    start();
    frame("{\"type\":\"ping\"}");
    frame("{\"type\":\"something_new\",\"index\":5}");
    frame(DELTA(0, "\"something_new\",\"text\":1"));
    frame(DELTA(99999999, "\"input_json_delta\",\"partial_json\":\"{\""));
    frame(START(99999999, "\"tool_use\",\"id\":\"a\",\"name\":\"b\""));
    frame(STOP(-3));
    frame("[DONE]");
    frame("{}");
    ck_assert_uint_eq(got.errors, 0);
    frame("nonsense");
    ck_assert(got.errors == 1 && text_is(got.error_type, DIALECT_BROKEN));
}
END_TEST

START_TEST(a_stream_that_stops_short_has_no_finish)
{ /* pitfalls 37, 38 */
    start();
    frame(START(0, "\"tool_use\",\"id\":\"a\",\"name\":\"f\""));
    frame(DELTA(0, "\"input_json_delta\",\"partial_json\":\"{\""));
    frame("{\"type\":\"message_stop\"}");
    dialect->reader_end(reader);
    ck_assert(!got.finishes && !got.errors && got.calls[0].is_over);
}
END_TEST

START_TEST(content_after_the_finish_is_nothing)
{
    start();
    frame(END("end_turn"));
    frame(DELTA(0, "\"text_delta\",\"text\":\"x\""));
    frame(END("max_tokens"));
    ck_assert(got.finishes == 1 && got.finish == HG_FIN_STOP);
}
END_TEST

START_TEST(all_texts_and_citations_of_a_whole_answer_are_kept)
{ /* pitfall 96 */
    got = whole_gather(
        arena,
        HG_S("{\"type\":\"message\",\"id\":\"i\",\"model\":\"m\",\"content\":["
             "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":"
             "\"web_search_result_location\",\"url\":\"u\",\"title\":\"t\",\"cited_text\":\"c\"},"
             "{\"type\":\"char_location\",\"cited_text\":\"c\"}]},"
             "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"n\",\"input\":{}},"
             "{\"type\":\"text\",\"text\":\"b\"}],\"stop_reason\":\"stop_sequence\","
             "\"stop_sequence\":\"z\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}"));
    ck_assert(text_is(gathered_text(&got), HG_S("ab")) && got.citations == 1);
    ck_assert(got.finish == HG_FIN_STOP && text_is(got.stop_sequence, HG_S("z")));
    got = whole_gather(arena, HG_S("{\"type\":\"message\"}"));
    ck_assert(got.errors == 1 && text_is(got.error_type, DIALECT_BROKEN));
}
END_TEST

START_TEST(a_reader_is_small)
{
    struct arena *own = arena_new();
    struct gathered ignored = gathered_new(arena);
    size_t before = arena_used(own);

    dialect->reader_new(own, HG_R_CHAT, &(struct dialect_sink){gathered_event, &ignored});
    ck_assert_uint_le(arena_used(own) - before, 512);
    arena_free(&own);
}
END_TEST

RUN_SUITE_WITH("dialect/anthropic/reader", setup, teardown,
               calls_are_numbered_by_calls_and_only_the_clients_own_count,
               usage_is_put_over_and_never_added,
               steps_of_the_model_add_up_without_what_an_advisor_said,
               thoughts_signatures_and_what_is_redacted_are_told_apart, an_error_is_the_last_event,
               an_exception_of_aws_is_an_error,
               what_is_no_event_of_this_format_is_an_error_and_what_is_unknown_is_not,
               a_stream_that_stops_short_has_no_finish, content_after_the_finish_is_nothing,
               all_texts_and_citations_of_a_whole_answer_are_kept, a_reader_is_small)
