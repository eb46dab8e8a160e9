/* Answers in Bedrock's form, checked by what its clients rely on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "http/frame.h"
#include "json/index.h"

static struct arena *arena;

/* ---- a strict reader of streams ----------------------------------------------------------------
 */

struct checked {
    struct chain *log; /* "kind payload\n" of each event */
    bool started, stopped, ended, failed;
    int64_t open, next; /* number of the open block, -1: none */
};

static void event_check(struct checked *checked, const struct frame *frame, hg_json doc)
{
    int64_t number = json_i64(json_member(doc, HG_S("contentBlockIndex")), -1);

    ck_assert(!checked->failed && !checked->ended);
    if (frame->is_error) {
        checked->failed = true;
    } else if (text_is(frame->event, HG_S("messageStart"))) {
        ck_assert(!checked->started);
        checked->started = true;
    } else if (text_is(frame->event, HG_S("contentBlockStart"))) {
        ck_assert(checked->started && !checked->stopped && checked->open < 0);
        ck_assert_int_eq(number, checked->next);
        checked->open = number;
    } else if (text_is(frame->event, HG_S("contentBlockDelta"))) {
        ck_assert(checked->started && !checked->stopped);
        ck_assert_int_eq(number, checked->next);
        checked->open = number;
    } else if (text_is(frame->event, HG_S("contentBlockStop"))) {
        ck_assert_int_eq(number, checked->open);
        checked->open = -1;
        checked->next++;
    } else if (text_is(frame->event, HG_S("messageStop"))) {
        ck_assert(checked->started && !checked->stopped && checked->open < 0);
        checked->stopped = true;
    } else {
        ck_assert(text_is(frame->event, HG_S("metadata")) && checked->stopped);
        checked->ended = true;
    }
}

/* pitfall 57: right lengths and checksums */
static struct checked stream_check(struct chain *out)
{
    struct checked checked = {.log = chain_new(arena), .open = -1};
    hg_str rest = chain_flat(out, arena);
    struct frame frame;
    hg_json doc;
    size_t n;

    while (rest.n) {
        n = frame_first(HG_FRAME_AWS, rest);
        ck_assert(n && n <= rest.n);
        ck_assert(frame_parse(arena, HG_FRAME_AWS, (hg_str){rest.p, n}, &frame));
        ck_assert(json_parse(arena, frame.data, &doc, NULL) && doc.kind == HG_J_OBJ);
        event_check(&checked, &frame, doc);
        hg_str line = arena_fmt(arena, "%.*s %.*s\n", TEXT_ARG(frame.event), TEXT_ARG(frame.data));

        if (!text_is(frame.event, HG_S("metadata"))) /* tells a time */
            chain_put(checked.log, line.p, line.n);
        rest.p += n;
        rest.n -= n;
    }
    return checked;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static const hg_usage usage = {.size = sizeof usage,
                               .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED,
                               .input = 10,
                               .output = 5,
                               .cached_input = 4};

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

static void all_write(struct dialect_writer *writer, const hg_event *events, struct chain *out)
{
    for (; events->type; events++)
        dialect_converse.write(writer, events, out);
    dialect_converse.write_end(writer, out);
}

static struct checked streamed(const hg_event *events)
{
    struct chain *out = chain_new(arena);

    all_write(dialect_converse.writer_new(arena, HG_R_CHAT, true, true), events, out);
    return stream_check(out);
}

static hg_json whole(const hg_event *events)
{
    struct chain *out = chain_new(arena);
    hg_json doc;

    all_write(dialect_converse.writer_new(arena, HG_R_CHAT, false, true), events, out);
    ck_assert(json_parse(arena, chain_flat(out, arena), &doc, NULL));
    return doc;
}

static void log_is(const struct checked *checked, const char *want)
{
    hg_str log = chain_flat(checked->log, arena);

    ck_assert_msg(text_is(log, text_of(want)), "got\n%.*s\nwant\n%s", TEXT_ARG(log), want);
}

static void is_at(hg_json doc, const char *pointer, const char *want)
{
    hg_str got = json_raw(json_get(doc, pointer));

    ck_assert_msg(text_is(got, text_of(want)), "%s: %.*s, not %s", pointer, TEXT_ARG(got), want);
}

static const hg_event full[] = {
    {.type = HG_EV_START, .id = S("x"), .name = S("m")},
    {.type = HG_EV_REASONING, .text = S("th")},
    {.type = HG_EV_REASONING, .text = S("ink")},
    {.type = HG_EV_REASONING, .id = S("sig")},
    {.type = HG_EV_REASONING, .index = 1, .name = S("not-base64")},
    {.type = HG_EV_TEXT, .text = S("a\"b")},
    {.type = HG_EV_TEXT, .text = S("")},
    {.type = HG_EV_CITATION,
     .text = S("{\"type\":\"url_citation\",\"url_citation\":"
               "{\"url\":\"https://x\",\"title\":\"T\"}}")},
    {.type = HG_EV_TOOL_START, .index = 0, .id = S("i"), .name = S("f")},
    {.type = HG_EV_TOOL_ARGS, .index = 0, .text = S("{\"x\":")},
    {.type = HG_EV_TOOL_ARGS, .index = 0, .text = S("1}")},
    {.type = HG_EV_TOOL_START, .index = 1, .id = S("j"), .name = S("g")},
    {.type = HG_EV_TOOL_END, .index = 0},
    {.type = HG_EV_TOOL_END, .index = 1},
    {.type = HG_EV_FINISH, .finish = HG_FIN_TOOLS, .name = S("tool_calls")},
    {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
    {.type = HG_EV_TEXT, .text = S("late")},
    {.type = HG_EV_USAGE, .usage = &usage},
    {0},
};

/* pitfalls 4 to 8, 17, 25 */
START_TEST(a_stream_has_its_events_in_order_and_each_once)
{
    struct checked checked = streamed(full);

    log_is(
        &checked,
        "messageStart {\"role\":\"assistant\"}\n"
        "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":"
        "\"th\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":"
        "\"ink\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":"
        "{\"signature\":\"sig\"}}}\n"
        "contentBlockStop {\"contentBlockIndex\":0}\n"
        "contentBlockDelta {\"contentBlockIndex\":1,\"delta\":{\"reasoningContent\":"
        "{\"redactedContent\":\"bm90LWJhc2U2NA==\"}}}\n"
        "contentBlockStop {\"contentBlockIndex\":1}\n"
        "contentBlockDelta {\"contentBlockIndex\":2,\"delta\":{\"text\":\"a\\\"b\"}}\n"
        "contentBlockDelta {\"contentBlockIndex\":2,\"delta\":{\"citation\":{\"title\":\"T\","
        "\"location\":{\"web\":{\"url\":\"https://x\"}}}}}\n"
        "contentBlockStop {\"contentBlockIndex\":2}\n"
        "contentBlockStart {\"contentBlockIndex\":3,\"start\":{\"toolUse\":{\"toolUseId\":"
        "\"i\",\"name\":\"f\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":3,\"delta\":{\"toolUse\":{\"input\":"
        "\"{\\\"x\\\":\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":3,\"delta\":{\"toolUse\":{\"input\":\"1}\"}}}\n"
        "contentBlockStop {\"contentBlockIndex\":3}\n"
        "contentBlockStart {\"contentBlockIndex\":4,\"start\":{\"toolUse\":{\"toolUseId\":"
        "\"j\",\"name\":\"g\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":4,\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}\n"
        "contentBlockStop {\"contentBlockIndex\":4}\n"
        "messageStop {\"stopReason\":\"tool_use\"}\n");
    ck_assert(checked.ended);
}
END_TEST

START_TEST(a_whole_answer_has_its_blocks_in_order)
{
    hg_json doc = whole(full);

    is_at(doc, "/output/message/content",
          "[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"think\",\"signature\":\"sig\"}}},"
          "{\"reasoningContent\":{\"redactedContent\":\"bm90LWJhc2U2NA==\"}},"
          "{\"citationsContent\":{\"content\":[{\"text\":\"a\\\"b\"}],\"citations\":[{\"title\":"
          "\"T\",\"location\":{\"web\":{\"url\":\"https://x\"}}}]}},"
          "{\"toolUse\":{\"toolUseId\":\"i\",\"name\":\"f\",\"input\":{\"x\":1}}},"
          "{\"toolUse\":{\"toolUseId\":\"j\",\"name\":\"g\",\"input\":{}}}]");
    is_at(doc, "/stopReason", "\"tool_use\"");
    /* the input without what came from the cache */
    is_at(doc, "/usage",
          "{\"inputTokens\":6,\"outputTokens\":5,\"totalTokens\":15,\"cacheReadInputTokens\":4}");
    ck_assert(json_get(doc, "/metrics/latencyMs").kind == HG_J_NUM);
}
END_TEST

/* pitfalls 12, 37 */
START_TEST(what_failed_or_has_no_finish_never_looks_whole)
{
    static const hg_event cut[] = {{.type = HG_EV_TEXT, .text = S("a")}, {0}};
    static const hg_event broken[] = {
        {.type = HG_EV_TEXT, .text = S("a")},
        {.type = HG_EV_ERROR, .name = S("rate_limit_error"), .text = S("slow")},
        {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
        {0}};
    struct checked checked = streamed(cut);

    ck_assert(!checked.stopped && !checked.ended);
    checked = streamed(broken);
    ck_assert(checked.failed && !checked.stopped);
    log_is(&checked, "messageStart {\"role\":\"assistant\"}\n"
                     "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\"}}\n"
                     "throttlingException {\"message\":\"slow\"}\n");
    is_at(whole(broken), "/message", "\"slow\"");
    ck_assert(!json_get(whole(cut), "/stopReason").kind);
}
END_TEST

START_TEST(arguments_of_a_closed_call_are_an_error_not_another_call)
{
    static const hg_event mixed[] = {
        {.type = HG_EV_TOOL_START, .index = 0, .id = S("i"), .name = S("f")},
        {.type = HG_EV_TOOL_START, .index = 1, .id = S("j"), .name = S("g")},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = S("{\"x\":1}")},
        {.type = HG_EV_FINISH, .finish = HG_FIN_TOOLS},
        {0}};

    ck_assert(streamed(mixed).failed);
    is_at(whole(mixed), "/output/message/content/0/toolUse/input", "{\"x\":1}");
}
END_TEST

START_TEST(words_for_finishes_are_those_of_the_format)
{
    static const struct {
        uint32_t finish;
        hg_str name;
        const char *want;
    } cases[] = {
        {HG_FIN_STOP, S("stop"), "\"end_turn\""},
        {HG_FIN_STOP, S("stop_sequence"), "\"stop_sequence\""},
        {HG_FIN_LENGTH, S("length"), "\"max_tokens\""},
        {HG_FIN_FILTER, S("guardrail_intervened"), "\"guardrail_intervened\""},
        {HG_FIN_FILTER, S("SAFETY"), "\"content_filtered\""},
        {HG_FIN_OTHER, S("malformed_tool_use"), "\"malformed_tool_use\""},
        {HG_FIN_OTHER, S("odd"), "\"end_turn\""},
        {HG_FIN_TOOLS, S("end_turn"), "\"tool_use\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hg_event events[] = {
            {.type = HG_EV_FINISH, .finish = cases[i].finish, .name = cases[i].name}, {0}};

        is_at(whole(events), "/stopReason", cases[i].want);
        ck_assert(streamed(events).ended);
    }
}
END_TEST

START_TEST(unknown_usage_is_absent)
{
    static const hg_event events[] = {{.type = HG_EV_FINISH, .finish = HG_FIN_STOP}, {0}};

    is_at(whole(events), "/usage", "");
}
END_TEST

START_TEST(an_image_is_a_block_with_a_start)
{
    static const hg_event events[] = {
        {.type = HG_EV_MEDIA, .name = S("image/png"), .text = S("AAAA")},
        {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
        {0}};
    struct checked checked = streamed(events);

    log_is(
        &checked,
        "messageStart {\"role\":\"assistant\"}\n"
        "contentBlockStart {\"contentBlockIndex\":0,\"start\":{\"image\":{\"format\":\"png\"}}}\n"
        "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"image\":{\"source\":"
        "{\"bytes\":\"AAAA\"}}}}\n"
        "contentBlockStop {\"contentBlockIndex\":0}\n"
        "messageStop {\"stopReason\":\"end_turn\"}\n");
    is_at(whole(events), "/output/message/content",
          "[{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}]");
}
END_TEST

START_TEST(a_stored_answer_is_told_in_either_way)
{
    struct chain *out = chain_new(arena), *frames = chain_new(arena), *again = chain_new(arena);
    hg_json doc;

    all_write(dialect_converse.writer_new(arena, HG_R_CHAT, false, true), full, out);
    ck_assert(dialect_to_events(&dialect_converse, arena, HG_R_CHAT, chain_flat(out, arena), true,
                                frames));
    ck_assert(stream_check(frames).ended);
    ck_assert(
        dialect_to_whole(&dialect_converse, arena, HG_R_CHAT, chain_flat(frames, arena), again));
    ck_assert(json_parse(arena, chain_flat(again, arena), &doc, NULL));
    hg_json first = whole(full);

    is_at(doc, "/output", arena_cstr(arena, json_raw(json_get(first, "/output"))));
    is_at(doc, "/usage", arena_cstr(arena, json_raw(json_get(first, "/usage"))));
}
END_TEST

START_TEST(errors_have_the_shape_and_the_type_that_sdks_look_for)
{
    hg_str name, value;
    hg_str body = dialect_converse.error_body(arena, 429, HG_S("t"), HG_S("c"), HG_S("m\"x"));

    ck_assert(text_is(body, HG_S("{\"message\":\"m\\\"x\"}")));
    dialect_converse.error_field(429, HG_S(""), &name, &value);
    ck_assert(text_is(name, HG_S("x-amzn-errortype")));
    ck_assert(text_is(value, HG_S("ThrottlingException")));
    dialect_converse.error_field(502, HG_S(""), &name, &value);
    ck_assert(text_is(value, HG_S("InternalServerException")));
    dialect_converse.error_field(422, HG_S(""), &name, &value);
    ck_assert(text_is(value, HG_S("ValidationException")));
}
END_TEST

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

int main(void)
{
    Suite *suite = suite_create("dialect/converse/writer");
    TCase *tcase = tcase_create("answers");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_stream_has_its_events_in_order_and_each_once);
    tcase_add_test(tcase, a_whole_answer_has_its_blocks_in_order);
    tcase_add_test(tcase, what_failed_or_has_no_finish_never_looks_whole);
    tcase_add_test(tcase, arguments_of_a_closed_call_are_an_error_not_another_call);
    tcase_add_test(tcase, words_for_finishes_are_those_of_the_format);
    tcase_add_test(tcase, unknown_usage_is_absent);
    tcase_add_test(tcase, an_image_is_a_block_with_a_start);
    tcase_add_test(tcase, a_stored_answer_is_told_in_either_way);
    tcase_add_test(tcase, errors_have_the_shape_and_the_type_that_sdks_look_for);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
