/* Answers for clients of this format, from normalised events of any kind. */
#include "support/suite.h"

#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "http/frame.h"
#include "unit/dialect/openai_responses/checker.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_openai_responses;
static struct arena *arena;
static const char *request; /* what the client asked for */

static void setup(void)
{
    arena = arena_new();
    request = "{}";
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_str written(bool is_stream, const hg_event *events, size_t count)
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, true);
    struct chain *out = chain_new(arena);
    hg_json doc;

    ck_assert(json_parse(arena, text_of(request), &doc, NULL));
    dialect->writer_asked(writer, doc);
    for (size_t i = 0; i < count; i++)
        dialect->write(writer, &events[i], out);
    dialect->write_end(writer, out);
    return chain_flat(out, arena);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Both ways, checked; the response object at the end. */
static hg_json response_of(bool is_stream, const hg_event *events, size_t count)
{
    hg_str text = written(is_stream, events, count), last = {NULL, 0};
    hg_json doc;

    if (!is_stream) {
        responses_object_check(arena, text);
        ck_assert(json_parse(arena, text, &doc, NULL));
        return doc;
    }
    responses_stream_check(arena, text);
    while (text.n) {
        struct frame frame;
        size_t n = frame_first(HG_FRAME_SSE, text);

        ck_assert(frame_parse(arena, HG_FRAME_SSE, (hg_str){text.p, n}, &frame));
        last = frame.data;
        text = (hg_str){text.p + n, text.n - n};
    }
    ck_assert(json_parse(arena, last, &doc, NULL));
    return json_member(doc, HG_S("response"));
}

static void assert_at(hg_json doc, const char *place, const char *want)
{
    hg_str raw = json_raw(json_get(doc, place));

    ck_assert_msg(text_is(raw, text_of(want)), "%s is %.*s, not %s", place, TEXT_ARG(raw), want);
}

/* What stands at a place of the response object, as JSON; "" for nothing. */
struct want {
    const char *place, *json;
};

/* Both ways. */
static void response_assert(const hg_event *events, size_t count, const struct want *wants)
{
    for (int is_stream = 0; is_stream <= 1; is_stream++) {
        hg_json response = response_of(is_stream, events, count);

        for (const struct want *want = wants; want->place; want++)
            assert_at(response, want->place, want->json);
    }
}

#define ASSERT_RESPONSE(events, ...) \
    response_assert(events, COUNT(events), (const struct want[]){__VA_ARGS__, {NULL, NULL}})

static unsigned times(hg_str text, const char *word)
{
    unsigned count = 0;

    for (; text.n; text.p++, text.n--)
        count += text_starts(text, text_of(word));
    return count;
}

static const hg_usage usage = {.size = sizeof usage,
                               .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED | HG_U_REASONING,
                               .input = 10,
                               .output = 7,
                               .cached_input = 4,
                               .reasoning = 3};

#define START                                                         \
    {                                                                 \
        .type = HG_EV_START, .id = HG_S("x-1"), .name = HG_S("model") \
    }
#define USAGE                                \
    {                                        \
        .type = HG_EV_USAGE, .usage = &usage \
    }
#define FINISH(how)                                  \
    {                                                \
        .type = HG_EV_FINISH, .finish = HG_FIN_##how \
    }
#define TEXT(said)                             \
    {                                          \
        .type = HG_EV_TEXT, .text = HG_S(said) \
    }

/* ---- what is said ------------------------------------------------------------------------------
 */

/* Pitfalls 68, 69, 71, 72: order, ids, numbers and the whole output, see checker.c. */
START_TEST(a_text_is_a_message)
{
    const hg_event events[] = {START, TEXT("Hel\"lo"), TEXT(" \xC3\xA9\n"), FINISH(STOP), USAGE};

    ASSERT_RESPONSE(
        events, {"/id", "\"resp_x-1\""}, {"/model", "\"model\""}, {"/status", "\"completed\""},
        {"/output/0/type", "\"message\""}, {"/output/0/status", "\"completed\""},
        {"/output/0/content/0/text", "\"Hel\\\"lo \xC3\xA9\\n\""},
        {"/usage", "{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4,"
                   "\"cache_write_tokens\":0},\"output_tokens\":7,\"output_tokens_details\":{"
                   "\"reasoning_tokens\":3},\"total_tokens\":17}"});
}
END_TEST

/* Pitfall 73. */
START_TEST(reasoning_comes_before_what_is_said)
{
    const hg_event events[] = {START,
                               {.type = HG_EV_REASONING, .text = HG_S("let me")},
                               {.type = HG_EV_REASONING, .text = HG_S(" see")},
                               {.type = HG_EV_REASONING, .id = HG_S("signed")},
                               TEXT("yes"),
                               {.type = HG_EV_REASONING, .index = 1, .name = HG_S("secret")},
                               TEXT("!"),
                               FINISH(STOP)};

    ASSERT_RESPONSE(events, {"/output/0/content/0/text", "\"let me see\""},
                    {"/output/0/summary", "[]"},
                    {"/output/0/encrypted_content", "\"headgate.signature:signed\""},
                    {"/output/1/content/0/text", "\"yes\""},
                    {"/output/2/encrypted_content", "\"headgate.encrypted:secret\""},
                    {"/output/3/content/0/text", "\"!\""}, {"/output/4", ""}, {"/usage", "null"});
}
END_TEST

START_TEST(who_asked_for_summaries_gets_them)
{
    const hg_event events[] = {START, {.type = HG_EV_REASONING, .text = HG_S("hm")}, FINISH(STOP)};

    request = "{\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"}}";
    ASSERT_RESPONSE(events, {"/output/0/summary", "[{\"type\":\"summary_text\",\"text\":\"hm\"}]"},
                    {"/output/0/content", ""},
                    {"/reasoning", "{\"effort\":\"high\",\"summary\":\"auto\"}"});
    ck_assert_uint_eq(times(written(true, events, COUNT(events)),
                            "event: response.reasoning_summary_text.delta\n"),
                      1);
}
END_TEST

START_TEST(a_refusal_is_a_part_of_its_own)
{
    const hg_event events[] = {
        START, TEXT("well"), {.type = HG_EV_REFUSAL, .text = HG_S("no")}, FINISH(STOP)};

    ASSERT_RESPONSE(events, {"/output/0/content/1", "{\"type\":\"refusal\",\"refusal\":\"no\"}"});
}
END_TEST

START_TEST(citations_are_flat_and_have_what_clients_insist_on)
{
    const hg_event events[] = {
        START,
        TEXT("so"),
        {.type = HG_EV_CITATION,
         .text =
             HG_S("{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":null}}")},
        {.type = HG_EV_CITATION, .text = HG_S("nonsense")},
        FINISH(STOP)};

    ASSERT_RESPONSE(events,
                    {"/output/0/content/0/annotations",
                     "[{\"type\":\"url_citation\",\"url\":\"u\",\"start_index\":0,\"end_index\":0,"
                     "\"title\":\"\"}]"});
}
END_TEST

START_TEST(logprobs_are_kept_with_their_text)
{
    const hg_event events[] = {START,
                               TEXT("so"),
                               {.type = HG_EV_EXTRA,
                                .name = HG_S("logprobs"),
                                .text = HG_S("{\"content\":[{\"token\":\"so\",\"logprob\":-1}]}")},
                               FINISH(STOP)};

    ASSERT_RESPONSE(events,
                    {"/output/0/content/0/logprobs", "[{\"token\":\"so\",\"logprob\":-1}]"});
}
END_TEST

START_TEST(a_picture_is_an_item)
{
    const hg_event events[] = {
        START,
        {.type = HG_EV_MEDIA, .name = HG_S("image/png"), .text = HG_S("QUJD")},
        FINISH(STOP)};

    ASSERT_RESPONSE(events, {"/output/0/result", "\"QUJD\""});
}
END_TEST

/* ---- calls -------------------------------------------------------------------------------------
 */

/* Pitfalls 1, 8 and 25: all of parallel calls, interleaved, and one without arguments. */
START_TEST(parallel_calls_are_items_beside_each_other)
{
    const hg_event events[] = {
        START,
        TEXT("I'll look"),
        {.type = HG_EV_TOOL_START, .index = 0, .id = HG_S("c0"), .name = HG_S("f")},
        {.type = HG_EV_TOOL_START, .index = 1, .id = HG_S("c1"), .name = HG_S("g")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = HG_S("{\"a\":")},
        {.type = HG_EV_TOOL_START, .index = 2, .id = HG_S("c2"), .name = HG_S("h")},
        {.type = HG_EV_TOOL_ARGS, .index = 1, .text = HG_S("{}")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = HG_S("1}")},
        {.type = HG_EV_TOOL_END, .index = 1},
        FINISH(TOOLS)};

    ASSERT_RESPONSE(events, {"/status", "\"completed\""}, {"/output/1/call_id", "\"c0\""},
                    {"/output/1/arguments", "\"{\\\"a\\\":1}\""}, {"/output/2/name", "\"g\""},
                    {"/output/3/arguments", "\"{}\""}, {"/output/3/status", "\"completed\""});
}
END_TEST

START_TEST(a_tool_of_free_text_is_called_with_free_text)
{
    const hg_event events[] = {
        START,
        {.type = HG_EV_TOOL_START, .index = 0, .id = HG_S("c"), .name = HG_S("patch")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = HG_S("{\"input\":\"a\\n")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = HG_S("\\\"b\\\"\"}")},
        {.type = HG_EV_TOOL_END, .index = 0},
        {.type = HG_EV_TOOL_START, .index = 1, .id = HG_S("d"), .name = HG_S("patch")},
        {.type = HG_EV_TOOL_ARGS, .index = 1, .text = HG_S("bare")},
        FINISH(TOOLS)};

    request = "{\"tools\":[{\"type\":\"custom\",\"name\":\"patch\"}]}";
    ASSERT_RESPONSE(events, {"/output/0/type", "\"custom_tool_call\""},
                    {"/output/0/input", "\"a\\n\\\"b\\\"\""}, {"/output/1/input", "\"bare\""});
}
END_TEST

/* ---- how it ends -------------------------------------------------------------------------------
 */

/* Pitfall 75. */
START_TEST(an_answer_that_was_cut_is_incomplete)
{
    const hg_event length[] = {START, TEXT("half"), USAGE, FINISH(LENGTH)};
    const hg_event filter[] = {START, TEXT("half"), FINISH(FILTER)};

    ASSERT_RESPONSE(length, {"/status", "\"incomplete\""},
                    {"/incomplete_details", "{\"reason\":\"max_output_tokens\"}"},
                    {"/output/0/status", "\"incomplete\""}, {"/usage/total_tokens", "17"});
    ASSERT_RESPONSE(filter, {"/incomplete_details", "{\"reason\":\"content_filter\"}"});
}
END_TEST

/* Arguments that were cut are told as they came, not made whole. */
START_TEST(a_call_that_was_cut_is_not_made_whole)
{
    const hg_event events[] = {
        START,
        {.type = HG_EV_TOOL_START, .index = 0, .id = HG_S("c"), .name = HG_S("f")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = HG_S("{\"a\":")},
        FINISH(LENGTH)};

    ASSERT_RESPONSE(events, {"/output/0/arguments", "\"{\\\"a\\\":\""},
                    {"/output/0/status", "\"incomplete\""});
}
END_TEST

static void assert_failed(const hg_event *events, size_t count, const char *code)
{
    hg_str stream = written(true, events, count), whole = written(false, events, count);
    hg_json doc;

    ck_assert_uint_eq(times(stream, "event: error\n"), 1);
    ck_assert_uint_eq(times(stream, "event: response.failed\n"), 1);
    ck_assert_uint_eq(times(stream, "event: response.completed\n"), 0);
    ck_assert_uint_eq(times(stream, "\"completed\""), 0);
    ck_assert_uint_eq(times(stream, "\"delta\":\"after\""), 0);
    ck_assert_uint_eq(times(stream, code), 4);
    ck_assert(json_parse(arena, whole, &doc, NULL));
    assert_at(doc, "/error/type", code);
}

/* Pitfalls 12, 37 and 40. */
START_TEST(nothing_that_failed_ends_well)
{
    const hg_event failed[] = {START,
                               TEXT("a"),
                               {.type = HG_EV_ERROR, .name = HG_S("t"), .text = HG_S("m")},
                               TEXT("after"),
                               FINISH(STOP)};
    const hg_event broken[] = {START, TEXT("a")};

    assert_failed(failed, COUNT(failed), "\"t\"");
    assert_failed(broken, COUNT(broken), "\"upstream_protocol_error\"");
}
END_TEST

START_TEST(nothing_comes_after_the_finish_and_from_other_choices)
{
    const hg_event events[] = {
        START,        TEXT("a"), {.type = HG_EV_TEXT, .choice = 1, .text = HG_S("other")},
        FINISH(STOP), TEXT("b"), FINISH(LENGTH),
        USAGE};

    ASSERT_RESPONSE(events, {"/status", "\"completed\""}, {"/output/0/content/0/text", "\"a\""},
                    {"/usage/output_tokens", "7"});
}
END_TEST

START_TEST(an_empty_answer_is_one)
{
    const hg_event events[] = {START, FINISH(STOP)};
    const hg_event bare[] = {FINISH(STOP)};

    ASSERT_RESPONSE(events, {"/output", "[]"});
    ASSERT_RESPONSE(bare, {"/model", "\"\""});
}
END_TEST

START_TEST(a_response_repeats_what_was_asked_for)
{
    const hg_event events[] = {
        START,
        {.type = HG_EV_EXTRA, .name = HG_S("service_tier"), .text = HG_S("\"flex\"")},
        FINISH(STOP)};

    request = "{\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":\"required\","
              "\"temperature\":0.5,\"metadata\":null,\"parallel_tool_calls\":null,"
              "\"instructions\":\"be kind\",\"store\":true}";
    ASSERT_RESPONSE(events, {"/tools", "[{\"type\":\"function\",\"name\":\"f\"}]"},
                    {"/tool_choice", "\"required\""}, {"/temperature", "0.5"}, {"/metadata", "{}"},
                    {"/parallel_tool_calls", "true"}, {"/instructions", "\"be kind\""},
                    {"/store", "false"}, {"/service_tier", "\"flex\""});
}
END_TEST

/* What the writer keeps grows with what was said, and little else: 24 KB a stream. */
START_TEST(a_stream_costs_little_memory)
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, true, true);
    const hg_event start = START, text = TEXT("token "), end = FINISH(STOP);
    size_t before = arena_used(arena), said = 0;

    for (int i = 0; i < 1002; i++) {
        struct arena *round = arena_new();

        dialect->write(writer, i == 0 ? &start : i == 1001 ? &end : &text, chain_new(round));
        said += i > 0 && i < 1001 ? text.text.n : 0;
        arena_free(&round);
    }
    ck_assert_uint_lt(arena_used(arena) - before - said, 4096);
}
END_TEST

START_TEST(errors_of_ours_are_what_sdks_read)
{
    hg_json doc;
    struct frame frame;
    hg_str event = dialect->error_event(arena, HG_S("timeout_error"), HG_S("timeout"), HG_S("m"));

    ck_assert(json_parse(arena, dialect->error_body(arena, 429, HG_S(""), HG_S(""), HG_S("m")),
                         &doc, NULL));
    assert_at(doc, "/error/type", "\"rate_limit_error\"");
    assert_at(doc, "/error/code", "null");
    ck_assert(frame_parse(arena, HG_FRAME_SSE, event, &frame));
    ck_assert(text_is(frame.event, HG_S("error")));
    ck_assert(json_parse(arena, frame.data, &doc, NULL));
    assert_at(doc, "/type", "\"error\"");
    assert_at(doc, "/code", "\"timeout\"");
    assert_at(doc, "/error/type", "\"timeout_error\"");
}
END_TEST

RUN_SUITE_WITH("dialect/openai_responses/writer", setup, teardown, a_text_is_a_message,
               reasoning_comes_before_what_is_said, who_asked_for_summaries_gets_them,
               a_refusal_is_a_part_of_its_own, citations_are_flat_and_have_what_clients_insist_on,
               logprobs_are_kept_with_their_text, a_picture_is_an_item,
               parallel_calls_are_items_beside_each_other,
               a_tool_of_free_text_is_called_with_free_text, an_answer_that_was_cut_is_incomplete,
               a_call_that_was_cut_is_not_made_whole, nothing_that_failed_ends_well,
               nothing_comes_after_the_finish_and_from_other_choices, an_empty_answer_is_one,
               a_response_repeats_what_was_asked_for, a_stream_costs_little_memory,
               errors_of_ours_are_what_sdks_read)
