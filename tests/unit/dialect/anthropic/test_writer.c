/* The order that the writer keeps, whatever comes. "pitfall N" are bugs that users have reported of
 * others. */
#include "gathered.h"

#include "support/suite.h"

static const struct dialect *const dialect = &dialect_anthropic;
static struct arena *arena;
static struct gathered got;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

struct scene {
    struct dialect_writer *writer;
    struct chain *out;
};

static struct scene scene_new(bool is_stream)
{
    struct scene scene = {dialect->writer_new(arena, HG_R_CHAT, is_stream, true), chain_new(arena)};

    dialect->write(scene.writer,
                   &(hg_event){.type = HG_EV_START, .id = HG_S("chatcmpl-1"), .name = HG_S("m")},
                   scene.out);
    return scene;
}

static void give(const struct scene *scene, hg_event event)
{
    event.size = sizeof event;
    dialect->write(scene->writer, &event, scene->out);
}

#define TEXT(s)       ((hg_event){.type = HG_EV_TEXT, .text = HG_S(s)})
#define THOUGHT(i, s) ((hg_event){.type = HG_EV_REASONING, .index = (i), .text = HG_S(s)})
#define SIGNED(i, s)  ((hg_event){.type = HG_EV_REASONING, .index = (i), .id = HG_S(s)})
#define CALL(i, of, called) \
    ((hg_event){.type = HG_EV_TOOL_START, .index = (i), .id = HG_S(of), .name = HG_S(called)})
#define ARGS(i, s)  ((hg_event){.type = HG_EV_TOOL_ARGS, .index = (i), .text = HG_S(s)})
#define CALLED(i)   ((hg_event){.type = HG_EV_TOOL_END, .index = (i)})
#define FINISH(why) ((hg_event){.type = HG_EV_FINISH, .finish = (why), .name = HG_S("stop")})

static hg_str ended(const struct scene *scene)
{
    dialect->write_end(scene->writer, scene->out);
    ck_assert(!scene->out->broken);
    return chain_flat(scene->out, arena);
}

/* What the stream says in the end, after its order was checked. */
static struct gathered stream_ended(const struct scene *scene)
{
    hg_str stream = ended(scene);

    ck_assert(order_check(arena, stream).has_stop);
    return stream_gather(arena, HG_FRAME_SSE, stream);
}

static bool has(hg_str text, const char *part)
{
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static size_t times(hg_str text, const char *part)
{
    size_t n = 0, len = strlen(part);

    for (size_t i = 0; i + len <= text.n; i++)
        n += memcmp(text.p + i, part, len) == 0;
    return n;
}

START_TEST(tokens_flow_as_they_come)
{ /* pitfall 47 */
    struct scene scene = scene_new(true);
    size_t before;

    give(&scene, TEXT("a"));
    before = scene.out->len;
    give(&scene, TEXT("b\"\n"));
    ck_assert(has(chain_flat(scene.out, arena), "\"text\":\"b\\\"\\n\"}}\n\n"));
    ck_assert_uint_gt(scene.out->len, before);
    give(&scene, FINISH(HG_FIN_STOP));
    got = stream_ended(&scene);
    ck_assert(text_is(gathered_text(&got), HG_S("ab\"\n")));
    ck_assert(text_is(got.native, HG_S("end_turn")) && text_is(got.id, HG_S("msg_chatcmpl-1")));
}
END_TEST

START_TEST(thoughts_text_and_calls_are_blocks_one_after_the_other)
{ /* pitfalls 4, 5, 6, 7, 9, 13, 46 */
    struct scene scene = scene_new(true);

    give(&scene, THOUGHT(0, "hm"));
    give(&scene, TEXT(""));
    give(&scene, THOUGHT(0, "m"));
    give(&scene, SIGNED(0, "sig"));
    give(&scene, TEXT("t"));
    give(&scene, CALL(0, "a", "f"));
    give(&scene, ARGS(0, "{}"));
    give(&scene, CALLED(0));
    give(&scene, FINISH(HG_FIN_STOP));
    got = stream_ended(&scene);
    hg_str stream = chain_flat(scene.out, arena);

    ck_assert_uint_eq(times(stream, "event: content_block_start"), 3);
    ck_assert(has(stream, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
    ck_assert(text_is(got.signature, HG_S("sig")) && text_is(got.native, HG_S("tool_use")));
}
END_TEST

START_TEST(calls_that_come_interleaved_wait_for_the_open_one)
{ /* pitfalls 1, 2, 8 */
    struct scene scene = scene_new(true);

    give(&scene, CALL(0, "a", "f"));
    give(&scene, CALL(1, "", "g"));
    give(&scene, ARGS(1, "{\"y\""));
    give(&scene, ARGS(0, "{\"x\""));
    ck_assert(!has(chain_flat(scene.out, arena), "\"g\""));
    give(&scene, TEXT("said between"));
    give(&scene, ARGS(0, ":1}"));
    give(&scene, CALLED(0));
    ck_assert(has(chain_flat(scene.out, arena), "\"g\""));
    give(&scene, ARGS(1, ":2}"));
    ck_assert(has(chain_flat(scene.out, arena), ":2}")); /* open now: it flows */
    give(&scene, FINISH(HG_FIN_TOOLS));
    got = stream_ended(&scene);
    ck_assert_uint_eq(got.call_count, 2);
    ck_assert(text_is(chain_flat(got.calls[0].args, arena), HG_S("{\"x\":1}")));
    ck_assert(text_is(chain_flat(got.calls[1].args, arena), HG_S("{\"y\":2}")));
    ck_assert(text_starts(got.calls[1].id, HG_S("toolu_")));
    ck_assert(text_is(gathered_text(&got), HG_S("said between")));
}
END_TEST

START_TEST(signatures_alone_neither_break_text_nor_run_together)
{ /* pitfall 136 */
    struct scene scene = scene_new(true);

    give(&scene, SIGNED(0, "s1"));
    give(&scene, SIGNED(1, "s2"));
    give(&scene, TEXT("a"));
    give(&scene, SIGNED(2, "s3"));
    give(&scene, TEXT("b"));
    give(&scene, FINISH(HG_FIN_STOP));
    got = stream_ended(&scene);
    hg_str stream = chain_flat(scene.out, arena);

    ck_assert_uint_eq(times(stream, "event: content_block_start"), 3);
    ck_assert(has(stream, "\"s1\"") && has(stream, "\"s2\"") && !has(stream, "s3"));
    ck_assert(text_is(gathered_text(&got), HG_S("ab")));
}
END_TEST

START_TEST(what_is_redacted_is_a_block_of_its_own)
{ /* pitfall 131 */
    struct scene scene = scene_new(true);

    give(&scene, (hg_event){.type = HG_EV_REASONING, .name = HG_S("enc")});
    give(&scene, FINISH(HG_FIN_STOP));
    got = stream_ended(&scene);
    ck_assert(text_is(got.encrypted, HG_S("enc")));
}
END_TEST

START_TEST(usage_is_told_at_the_end_without_what_was_cached)
{ /* pitfalls 10, 11 */
    struct scene scene = scene_new(true);
    hg_usage usage = {.size = sizeof usage,
                      .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED,
                      .input = 100,
                      .output = 7,
                      .cached_input = 60,
                      .cache_write = 30};

    give(&scene, TEXT("a"));
    give(&scene, FINISH(HG_FIN_STOP));
    ck_assert(!has(chain_flat(scene.out, arena), "message_delta"));
    give(&scene, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
    got = stream_ended(&scene);
    ck_assert(has(chain_flat(scene.out, arena),
                  "\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":30,"
                  "\"cache_read_input_tokens\":60,\"output_tokens\":7}"));
    usage.input = 1; /* pitfall 144 */
    scene = scene_new(false);
    give(&scene, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
    give(&scene, FINISH(HG_FIN_STOP));
    ck_assert(has(ended(&scene), "\"input_tokens\":0,"));
}
END_TEST

START_TEST(a_failure_on_the_way_is_an_error_and_no_success_follows)
{ /* pitfalls 12, 37 */
    struct scene scene = scene_new(true);
    hg_event error = {.type = HG_EV_ERROR, .name = HG_S("server_error"), .text = HG_S("gone")};
    struct order order;

    give(&scene, TEXT("a"));
    give(&scene, error);
    give(&scene, TEXT("b"));
    give(&scene, FINISH(HG_FIN_STOP));
    order = order_check(arena, ended(&scene));
    ck_assert(order.has_error && !order.has_stop);
    ck_assert(has(chain_flat(scene.out, arena),
                  "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                  "\"message\":\"gone\"}}\n\n"));
    scene = scene_new(true);
    give(&scene, TEXT("a"));
    order = order_check(arena, ended(&scene));
    ck_assert(order.has_error && !order.has_stop);
    scene = scene_new(false);
    give(&scene, error);
    ck_assert(text_starts(ended(&scene), HG_S("{\"type\":\"error\"")));
}
END_TEST

START_TEST(an_empty_answer_opens_no_block)
{
    struct scene scene = scene_new(true);

    give(&scene, TEXT(""));
    give(&scene, FINISH(HG_FIN_STOP));
    got = stream_ended(&scene);
    ck_assert_uint_eq(times(chain_flat(scene.out, arena), "content_block"), 0);
    scene = scene_new(false);
    give(&scene, FINISH(HG_FIN_LENGTH));
    ck_assert(has(ended(&scene), "\"content\":[],\"stop_reason\":\"max_tokens\""));
}
END_TEST

START_TEST(a_whole_answer_has_what_was_said_in_its_order)
{
    struct scene scene = scene_new(false);
    hg_json doc;

    give(&scene, THOUGHT(0, "t"));
    give(&scene, SIGNED(0, "s"));
    give(&scene, TEXT("x\x01"));
    give(&scene, (hg_event){.type = HG_EV_CITATION,
                            .text = HG_S("{\"type\":\"url_citation\",\"url_citation\":"
                                         "{\"url\":\"u\",\"title\":\"t\"}}")});
    give(&scene, CALL(0, "a", "f"));
    give(&scene, CALL(1, "b", "g"));
    give(&scene, ARGS(1, "{\"y\":2"));
    give(&scene, ARGS(0, "{\"x\":1}"));
    give(&scene, FINISH(HG_FIN_LENGTH));
    ck_assert(json_parse(arena, ended(&scene), &doc, NULL));
    ck_assert(text_is(
        json_raw(json_get(doc, "/content")),
        HG_S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
             "{\"type\":\"text\",\"text\":\"x\\u0001\",\"citations\":[{\"type\":"
             "\"web_search_result_location\",\"url\":\"u\",\"title\":\"t\",\"cited_text\":\"\","
             "\"encrypted_index\":\"\"}]},"
             "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}},"
             "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"g\",\"input\":"
             "{\"raw\":\"{\\\"y\\\":2\"}}]")));
    ck_assert(json_is(json_member(doc, HG_S("stop_reason")), HG_S("max_tokens")));
}
END_TEST

START_TEST(two_answers_never_share_a_name)
{ /* pitfall 30 */
    struct scene a = {dialect->writer_new(arena, HG_R_CHAT, false, true), chain_new(arena)},
                 b = {dialect->writer_new(arena, HG_R_CHAT, false, true), chain_new(arena)};

    give(&a, FINISH(HG_FIN_STOP));
    give(&b, FINISH(HG_FIN_STOP));
    ck_assert(!text_is(ended(&a), ended(&b)));
}
END_TEST

/* A writer that is given anything keeps its order. */
START_TEST(any_order_of_events_makes_a_stream_in_order)
{
    static const hg_event events[] = {
        {.type = HG_EV_TEXT, .text = {"x", 1}},
        {.type = HG_EV_TEXT},
        {.type = HG_EV_REFUSAL, .text = {"no", 2}},
        {.type = HG_EV_REASONING, .text = {"r", 1}},
        {.type = HG_EV_REASONING, .index = 1, .text = {"r", 1}, .id = {"s", 1}},
        {.type = HG_EV_REASONING, .id = {"s", 1}},
        {.type = HG_EV_REASONING, .name = {"enc", 3}},
        {.type = HG_EV_TOOL_START, .id = {"a", 1}, .name = {"f", 1}},
        {.type = HG_EV_TOOL_START, .index = 1, .id = {"b", 1}, .name = {"g", 1}},
        {.type = HG_EV_TOOL_ARGS, .text = {"{", 1}},
        {.type = HG_EV_TOOL_ARGS, .index = 1, .text = {"}", 1}},
        {.type = HG_EV_TOOL_END},
        {.type = HG_EV_TOOL_END, .index = 1},
        {.type = HG_EV_CITATION, .text = {"{\"url\":\"u\"}", 11}},
        {.type = HG_EV_CITATION, .text = {"{", 1}},
        {.type = HG_EV_EXTRA, .name = {"container", 9}, .text = {"{}", 2}},
        {.type = HG_EV_TEXT, .choice = 1, .text = {"other", 5}},
        {.type = HG_EV_MEDIA, .name = {"image/png", 9}, .text = {"AA==", 4}},
    };

    srandom(7);
    for (int round = 0; round < 2000; round++) {
        struct scene scene = scene_new(true);
        int count = (int)(random() % 20);

        for (int i = 0; i < count; i++)
            give(&scene, events[(size_t)random() % (sizeof events / sizeof *events)]);
        give(&scene, FINISH(1 + (uint32_t)(random() % 5)));
        ck_assert(order_check(arena, ended(&scene)).has_stop);
        if (round % 50 == 0) {
            teardown();
            setup();
        }
    }
}
END_TEST

RUN_SUITE_WITH("dialect/anthropic/writer", setup, teardown, tokens_flow_as_they_come,
               thoughts_text_and_calls_are_blocks_one_after_the_other,
               calls_that_come_interleaved_wait_for_the_open_one,
               signatures_alone_neither_break_text_nor_run_together,
               what_is_redacted_is_a_block_of_its_own,
               usage_is_told_at_the_end_without_what_was_cached,
               a_failure_on_the_way_is_an_error_and_no_success_follows,
               an_empty_answer_opens_no_block, a_whole_answer_has_what_was_said_in_its_order,
               two_answers_never_share_a_name, any_order_of_events_makes_a_stream_in_order)
