/* Cohere's answers as events, and events as its clients know them. */
#include <string.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "support/suite.h"
#include "json/index.h"
#include "json/splice.h"

static const struct dialect *const dialect = &dialect_cohere;
static struct arena *arena;
static struct chain *told; /* events as short words */
static hg_usage usage;

static void setup(void)
{
    arena = arena_new();
    told = chain_new(arena);
    usage = (hg_usage){0};
}

static void teardown(void)
{
    arena_free(&arena);
}

static bool has(hg_str text, hg_str piece)
{
    return memmem(text.p, text.n, piece.p, piece.n) != NULL;
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(text),
                  expected);
}

static void on_event(void *arg, const hg_event *event)
{
    static const char *const words[] = {
        [HG_EV_START] = "start",       [HG_EV_TEXT] = "text",      [HG_EV_REASONING] = "think",
        [HG_EV_TOOL_START] = "call",   [HG_EV_TOOL_ARGS] = "args", [HG_EV_CITATION] = "cite",
        [HG_EV_MEDIA] = "media",       [HG_EV_USAGE] = "usage",    [HG_EV_FINISH] = "finish",
        [HG_EV_ERROR] = "error",       [HG_EV_EXTRA] = "extra",    [HG_EV_REFUSAL] = "refuse",
        [HG_EV_TOOL_END] = "call-end",
    };
    hg_str line =
        arena_fmt(arena, "%s %u %u %.*s|%.*s|%.*s\n", words[event->type], event->index,
                  event->finish, TEXT_ARG(event->id), TEXT_ARG(event->name), TEXT_ARG(event->text));

    (void)arg;
    if (event->usage)
        usage = *event->usage;
    if (event->type != HG_EV_USAGE)
        chain_put(told, line.p, line.n);
}

static hg_str whole(uint32_t kind, const char *body)
{
    struct dialect_sink sink = {on_event, NULL};
    struct dialect_reader *reader = dialect->reader_new(arena, kind, &sink);
    hg_json doc;

    told = chain_new(arena);
    ck_assert_msg(json_parse(arena, text_of(body), &doc, NULL), "%s", body);
    dialect->reader_whole(reader, arena, doc);
    dialect->reader_end(reader);
    return chain_flat(told, arena);
}

static hg_str streamed(const char *const *frames)
{
    struct dialect_sink sink = {on_event, NULL};
    struct dialect_reader *reader = dialect->reader_new(arena, HG_R_CHAT, &sink);

    told = chain_new(arena);
    for (; *frames; frames++) {
        struct arena *scratch = arena_new();

        dialect->reader_frame(reader, scratch, HG_S(""), text_of(*frames));
        arena_free(&scratch);
    }
    dialect->reader_end(reader);
    return chain_flat(told, arena);
}

#define START   "{\"id\":\"i\",\"type\":\"message-start\",\"delta\":{\"message\":{}}}"
#define END(of) "{\"type\":\"message-end\",\"delta\":{" of "}}"
#define TEXT(s)                                                                     \
    "{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{" \
    "\"text\":\"" s "\"}}}}"
#define CALL(type, n, of)                                                       \
    "{\"type\":\"tool-call-" type "\",\"index\":" n ",\"delta\":{\"message\":{" \
    "\"tool_calls\":{" of "}}}}"

/* ---- reading ---------------------------------------------------------------------------------
 */

START_TEST(a_stream_is_read_as_it_comes)
{
    static const char *const frames[] = {
        START,
        "{\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"type\":"
        "\"thinking\",\"thinking\":\"\"}}}}",
        "{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{"
        "\"thinking\":\"hm\"}}}}",
        "{\"type\":\"content-end\",\"index\":0}",
        TEXT("a\\n"),
        "{\"type\":\"debug\",\"prompt\":\"p\"}",
        "{\"type\":\"brand-new\"}",
        TEXT("b"),
        END("\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":1},"
            "\"tokens\":{\"input_tokens\":12.0,\"output_tokens\":3.6,\"reasoning_tokens\":2},"
            "\"cached_tokens\":4}"),
        "[DONE]",
        TEXT("after"),
        NULL};

    same(streamed(frames), "start 0 0 i||\nthink 0 0 ||hm\ntext 0 0 ||a\n\ntext 0 0 ||b\n"
                           "finish 0 1 |COMPLETE|\n");
    ck_assert_uint_eq(usage.input, 12);
    ck_assert_uint_eq(usage.output, 4);
    ck_assert_uint_eq(usage.cached_input, 4);
    ck_assert_uint_eq(usage.reasoning, 2);
}
END_TEST

START_TEST(calls_are_counted_from_0_whatever_their_numbers) /* pitfalls 18, 21, 25, 35 */
{
    static const char *const frames[] = {
        START,
        "{\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"I go\"}}}",
        CALL("start", "1",
             "\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\","
             "\"arguments\":\"\"}"),
        CALL("delta", "1", "\"function\":{\"arguments\":\"{\\\"a\\\"\"}"),
        CALL("delta", "1", "\"function\":{\"arguments\":\":1}\"}"),
        "{\"type\":\"tool-call-end\",\"index\":1}",
        CALL("start", "2", "\"id\":\"y\",\"function\":{\"name\":\"g\"}"),
        "{\"type\":\"tool-call-end\",\"index\":2}",
        END("\"finish_reason\":\"COMPLETE\""),
        NULL};

    same(streamed(frames), "start 0 0 i||\nthink 0 0 ||I go\ncall 0 0 x|f|\nargs 0 0 ||{\"a\"\n"
                           "args 0 0 ||:1}\ncall-end 0 0 ||\ncall 1 0 y|g|\nargs 1 0 ||{}\n"
                           "call-end 1 0 ||\nfinish 0 3 |COMPLETE|\n");
}
END_TEST

START_TEST(a_cut_call_is_cut) /* finish length wins over calls */
{
    static const char *const frames[] = {
        START,
        CALL("start", "0", "\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}"),
        END("\"finish_reason\":\"MAX_TOKENS\""), NULL};

    same(streamed(frames), "start 0 0 i||\ncall 0 0 x|f|\nargs 0 0 ||{\"a\ncall-end 0 0 ||\n"
                           "finish 0 2 |MAX_TOKENS|\n");
}
END_TEST

START_TEST(failures_are_errors_and_last) /* pitfalls 12, 37, 42 */
{
    static const char *const failed[] = {START, TEXT("a"),
                                         END("\"finish_reason\":\"ERROR\",\"error\":\"gpu gone\""),
                                         TEXT("b"), NULL};
    static const char *const late[] = {START, END("\"finish_reason\":\"TIMEOUT\""), NULL};
    static const char *const said[] = {"{\"message\":\"no\",\"error_type\":\"BAD\"}", NULL};
    static const char *const broken[] = {START, "{\"type\":", TEXT("b"), NULL};
    static const char *const cut[] = {START, TEXT("a"), NULL};

    same(streamed(failed), "start 0 0 i||\ntext 0 0 ||a\nerror 0 0 |api_error|gpu gone\n");
    same(streamed(late), "start 0 0 i||\nerror 0 0 |timeout_error|the model took too long\n");
    same(streamed(said), "error 0 0 |BAD|no\n");
    same(streamed(broken), "start 0 0 i||\nerror 0 0 |upstream_protocol_error|"
                           "an event that is not JSON\n");
    same(streamed(cut), "start 0 0 i||\ntext 0 0 ||a\n");
}
END_TEST

START_TEST(finish_reasons_have_meanings)
{
    static const struct {
        const char *word;
        uint32_t finish;
    } cases[] = {{"COMPLETE", HG_FIN_STOP},      {"STOP_SEQUENCE", HG_FIN_STOP},
                 {"MAX_TOKENS", HG_FIN_LENGTH},  {"TOOL_CALL", HG_FIN_TOOLS},
                 {"ERROR_TOXIC", HG_FIN_FILTER}, {"SOMETHING", HG_FIN_OTHER}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hg_str body = arena_fmt(arena, "{\"id\":\"i\",\"message\":{},\"finish_reason\":\"%s\"}",
                                cases[i].word);

        same(whole(HG_R_CHAT, arena_cstr(arena, body)),
             arena_cstr(arena, arena_fmt(arena, "start 0 0 i||\nfinish 0 %u |%s|\n",
                                         cases[i].finish, cases[i].word)));
    }
}
END_TEST

START_TEST(a_whole_answer_is_read)
{
    same(whole(HG_R_CHAT,
               "{\"id\":\"i\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":"
               "\"thinking\",\"thinking\":\"t\"},{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
               "\"text\",\"text\":\"b\"}],\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
               "\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]},\"logprobs\":[{\"text\":"
               "\"a\",\"token_ids\":[1],\"logprobs\":[-0.5]}],\"finish_reason\":\"COMPLETE\"}"),
         /* pitfall 96: all texts; 9: calls decide the finish; arguments as an object */
         "start 0 0 i||\nthink 0 0 ||t\ntext 0 0 ||a\ntext 0 0 ||b\ncall 0 0 c|f|\n"
         "args 0 0 ||{\"x\":1}\nextra 0 0 |logprobs|{\"content\":[{\"token\":\"a\",\"logprob\":"
         "-0.5,\"bytes\":null,\"top_logprobs\":[]}]}\ncall-end 0 0 ||\nfinish 0 3 |COMPLETE|\n");
    same(whole(HG_R_CHAT, "{\"message\":\"bad\"}"), "error 0 0 |api_error|bad\n");
    same(whole(HG_R_CHAT, "[1]"),
         "error 0 0 |upstream_protocol_error|an answer that is none of Cohere's\n");
    /* pitfall 160: nothing in it is an error and no crash */
    same(whole(HG_R_CHAT, "{\"id\":\"i\",\"message\":{}}"),
         "start 0 0 i||\nerror 0 0 |upstream_protocol_error|an answer without a finish reason\n");
}
END_TEST

#define CITATION                                                                             \
    "{\"start\":1,\"end\":3,\"text\":\"bc\",\"sources\":[{\"type\":\"tool\",\"id\":\"c:0\"," \
    "\"tool_output\":{\"url\":\"https://x/y\",\"title\":\"T\"}},{\"type\":\"document\","     \
    "\"id\":\"doc:1\",\"document\":{\"text\":\"d\"}}],\"type\":\"TEXT_CONTENT\"}"

START_TEST(citations_of_pages_are_annotations_and_all_stay_as_they_are)
{
    same(whole(HG_R_CHAT,
               "{\"message\":{\"citations\":[" CITATION "]},\"finish_reason\":\"COMPLETE\"}"),
         "start 0 0 ||\nextra 0 0 |cohere_citations|[" CITATION "]\ncite 0 0 ||{\"type\":"
         "\"url_citation\",\"url_citation\":{\"url\":\"https://x/y\",\"title\":\"T\","
         "\"start_index\":1,\"end_index\":3}}\nfinish 0 1 |COMPLETE|\n");
}
END_TEST

START_TEST(unknown_counts_stay_unknown) /* pitfalls 142, 144, 149 */
{
    whole(HG_R_CHAT, "{\"message\":{},\"finish_reason\":\"COMPLETE\",\"usage\":null}");
    ck_assert_uint_eq(usage.size, 0);
    whole(HG_R_CHAT, "{\"message\":{},\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":"
                     "{\"input_tokens\":5},\"tokens\":{\"output_tokens\":-1},\"cached_tokens\":"
                     "null}}");
    ck_assert_uint_eq(usage.flags, HG_U_INPUT);
    ck_assert_uint_eq(usage.input, 5);
}
END_TEST

START_TEST(embeddings_are_a_list_of_openai_s)
{
    same(whole(HG_R_EMBED, "{\"id\":\"i\",\"embeddings\":{\"float\":[[0.5,1e-8],[2]]},\"meta\":{"
                           "\"billed_units\":{\"input_tokens\":3}}}"),
         "start 0 0 i||\nextra 0 0 |data|[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
         "[0.5,1e-8]},{\"object\":\"embedding\",\"index\":1,\"embedding\":[2]}]\nfinish 0 1 ||\n");
    ck_assert_uint_eq(usage.input, 3);
    same(whole(HG_R_EMBED, "{\"embeddings\":{\"base64\":[\"AAAA\"]}}"),
         "start 0 0 ||\nextra 0 0 |data|[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
         "\"AAAA\"}]\nfinish 0 1 ||\n");
    same(whole(HG_R_EMBED, "{\"message\":\"no\"}"), "error 0 0 |api_error|no\n");
}
END_TEST

START_TEST(errors_are_read_in_all_their_shapes) /* pitfall 152 */
{
    static const struct {
        const char *body, *type, *message;
    } cases[] = {{"{\"message\":\"m\",\"id\":\"i\"}", "", "m"},
                 {"{\"message\":\"m\",\"error_type\":\"TOO_MANY_TOKENS\"}", "TOO_MANY_TOKENS", "m"},
                 {"{\"error\":\"m\"}", "", "m"},
                 {"{\"error\":{\"message\":\"m\",\"type\":\"t\"}}", "t", "m"},
                 {"{\"message\":{}}", "", ""}};
    struct dialect_error error;
    hg_json doc;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(json_parse(arena, text_of(cases[i].body), &doc, NULL));
        dialect->read_error(arena, doc, &error);
        same(error.message, cases[i].message);
        same(error.type, cases[i].type);
    }
}
END_TEST

START_TEST(only_pieces_of_text_are_plain)
{
#define DELTA "event: content-delta\ndata: " TEXT("message-end") "\n\n"
    ck_assert(dialect->is_plain(HG_S(DELTA DELTA)));
    ck_assert(!dialect->is_plain(HG_S(DELTA "data: [DONE]\n\n")));
    ck_assert(!dialect->is_plain(HG_S(DELTA "event: message-end\ndata: {}\n\n")));
    ck_assert(!dialect->is_plain(HG_S("event: content-delta\ndata: " TEXT("a") "\ndata: 1\n\n")));
    ck_assert(!dialect->is_plain(HG_S("event: content-delta\ndata: " TEXT("a"))));
}
END_TEST

START_TEST(the_words_of_a_citation_do_not_tell_what_was_taken_out)
{
    static const char event[] = "{\"type\":\"citation-start\",\"index\":0,\"delta\":{\"message\":{"
                                "\"citations\":" CITATION "}}}";
    struct chain *out = chain_new(arena);
    struct splice *splice;
    hg_json doc;

    ck_assert(json_parse(arena, text_of(event), &doc, NULL));
    same(texts_of_event(dialect, arena, doc), "");
    splice = splice_new(arena, doc);
    dialect->event_unrepeat(doc, splice);
    splice_into(splice, out);
    ck_assert(!has(chain_flat(out, arena), HG_S("\"bc\"")));
}
END_TEST

/* ---- writing ---------------------------------------------------------------------------------
 */

/* What a client relies on: one start, parts and calls that begin before they go on and end once,
 * one part at a time, one end and the mark behind it. */
struct check {
    bool started, ended, done, part_open, call_open[8];
    unsigned parts, calls;
};

static void event_check(struct check *check, hg_str name, hg_json doc)
{
    int64_t index = json_i64(json_member(doc, HG_S("index")), -1);

    ck_assert_msg(json_is(json_member(doc, HG_S("type")), name), "type is the event's name");
    ck_assert_msg(!check->ended, "nothing behind the end");
    ck_assert_msg(check->started != text_is(name, HG_S("message-start")), "starts once, and first");
    check->started = true;
    if (text_is(name, HG_S("content-start"))) {
        ck_assert_msg(!check->part_open && index == check->parts++, "parts in order");
        check->part_open = true;
    } else if (text_is(name, HG_S("content-delta"))) {
        ck_assert_msg(check->part_open && index == check->parts - 1, "delta of the open part");
    } else if (text_is(name, HG_S("content-end"))) {
        ck_assert_msg(check->part_open && index == check->parts - 1, "end of the open part");
        check->part_open = false;
    } else if (text_is(name, HG_S("tool-call-start"))) {
        ck_assert_msg(index == check->calls++, "calls in order");
        for (unsigned i = 0; i < 8; i++)
            ck_assert_msg(!check->call_open[i], "one call at a time");
        ck_assert(json_get(doc, "/delta/message/tool_calls/id").kind == HG_J_STR);
        check->call_open[index] = true;
    } else if (text_starts(name, HG_S("tool-call-"))) {
        ck_assert_msg(index >= 0 && check->call_open[index], "of an open call");
        check->call_open[index] = !text_is(name, HG_S("tool-call-end"));
    } else if (text_is(name, HG_S("message-end"))) {
        for (unsigned i = 0; i < 8; i++)
            ck_assert_msg(!check->call_open[i], "all calls have ended");
        ck_assert_msg(!check->part_open, "the part has ended");
        check->ended = true;
    }
}

static struct check stream_check(hg_str bytes)
{
    struct check check = {0};
    struct frame frame;
    hg_json doc;

    while (bytes.n) {
        size_t n = frame_first(HG_FRAME_SSE, bytes);

        ck_assert_uint_ne(n, 0);
        ck_assert(frame_parse(arena, HG_FRAME_SSE, (hg_str){bytes.p, n}, &frame));
        bytes.p += n;
        bytes.n -= n;
        ck_assert(!check.done);
        check.done = dialect->is_end(frame.event, frame.data);
        if (check.done)
            continue;
        ck_assert(json_parse(arena, frame.data, &doc, NULL));
        event_check(&check, frame.event, doc);
    }
    return check;
}

static hg_str written(const hg_event *events, size_t count, bool is_stream)
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, true);
    struct chain *out = chain_new(arena);

    for (size_t i = 0; i < count; i++)
        dialect->write(writer, &events[i], out);
    dialect->write_end(writer, out);
    return chain_flat(out, arena);
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const hg_usage counts = {.size = sizeof counts,
                                .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED,
                                .input = 5,
                                .output = 2,
                                .cached_input = 1};
static const hg_event talk[] = {
    {.type = HG_EV_START, .id = {"i", 1}, .name = {"m", 1}},
    {.type = HG_EV_REASONING, .text = {"hm", 2}},
    {.type = HG_EV_REASONING, .index = 1, .text = {"so", 2}},
    {.type = HG_EV_TEXT, .text = {"", 0}},
    {.type = HG_EV_TEXT, .text = {"a\"", 2}},
    {.type = HG_EV_TOOL_START, .index = 0, .id = {"x", 1}, .name = {"f", 1}},
    {.type = HG_EV_TOOL_START, .index = 1, .id = {"y", 1}, .name = {"g", 1}},
    {.type = HG_EV_TOOL_ARGS, .index = 0, .text = {"{}", 2}},
    {.type = HG_EV_TOOL_END, .index = 0},
    {.type = HG_EV_REFUSAL, .text = {"no", 2}},
    {.type = HG_EV_FINISH, .finish = HG_FIN_TOOLS},
    {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
    {.type = HG_EV_TEXT, .text = {"after", 5}},
    {.type = HG_EV_USAGE, .usage = &counts},
};

START_TEST(a_stream_keeps_the_order_that_clients_rely_on) /* pitfalls 4 to 8 */
{
    hg_str bytes = written(talk, COUNT(talk), true);
    struct check check = stream_check(bytes);

    ck_assert(check.started && check.ended && check.done);
    ck_assert_uint_eq(check.parts, 4);
    ck_assert_uint_eq(check.calls, 2);
    ck_assert(!has(bytes, HG_S("after")));
    ck_assert(has(bytes, HG_S("\"finish_reason\":\"TOOL_CALL\",\"usage\":{\"tokens\":{"
                              "\"input_tokens\":5,\"output_tokens\":2},\"cached_tokens\":1}}}")));
}
END_TEST

START_TEST(each_piece_is_written_at_once) /* pitfall 47 */
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, true, true);

    for (size_t i = 0; i < 8; i++) {
        struct chain *out = chain_new(arena);

        dialect->write(writer, &talk[i], out);
        bool waits = talk[i].index == 1 && talk[i].type == HG_EV_TOOL_START;
        bool says = !waits && (talk[i].type != HG_EV_TEXT || talk[i].text.n);

        ck_assert_msg(says == (out->len > 0), "event %zu", i);
    }
}
END_TEST

START_TEST(calls_that_come_interleaved_wait_for_the_open_one)
{ /* pitfalls 1, 2, 8 */
    static const hg_event events[] = {
        {.type = HG_EV_START, .id = {"i", 1}, .name = {"m", 1}},
        {.type = HG_EV_TOOL_START, .index = 1, .id = {"y", 1}, .name = {"g", 1}},
        {.type = HG_EV_TOOL_START, .index = 0, .id = {"x", 1}, .name = {"f", 1}},
        {.type = HG_EV_TOOL_START, .index = 2, .id = {"z", 1}, .name = {"h", 1}},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = {"{\"a", 3}},
        {.type = HG_EV_TOOL_ARGS, .index = 1, .text = {"{", 1}},
        {.type = HG_EV_TOOL_ARGS, .index = 0, .text = {"\":1}", 4}},
        {.type = HG_EV_TOOL_END, .index = 0},
        {.type = HG_EV_TOOL_ARGS, .index = 1, .text = {"}", 1}},
        {.type = HG_EV_FINISH, .finish = HG_FIN_TOOLS},
    };
    hg_str all = written(events, COUNT(events), true);
    struct frame frame;
    struct chain *got = chain_new(arena);
    hg_json doc;

    for (size_t n; all.n && (n = frame_first(HG_FRAME_SSE, all)); all.p += n, all.n -= n) {
        ck_assert(frame_parse(arena, HG_FRAME_SSE, (hg_str){all.p, n}, &frame));
        if (!text_starts(frame.event, HG_S("tool-call-")))
            continue;
        ck_assert(json_parse(arena, frame.data, &doc, NULL));
        hg_json function = json_get(doc, "/delta/message/tool_calls/function");
        hg_str word =
            arena_fmt(arena, "%c%d%.*s%.*s ", frame.event.p[10],
                      (int)json_i64(json_member(doc, HG_S("index")), -1),
                      TEXT_ARG(json_str(arena, json_member(function, HG_S("name")))),
                      TEXT_ARG(json_str(arena, json_member(function, HG_S("arguments")))));

        chain_put(got, word.p, word.n);
    }
    same(chain_flat(got, arena), "s1g d1{ d1} e1 s0f d0{\"a\":1} e0 s2h d2{} e2 ");
}
END_TEST

START_TEST(a_whole_answer_is_written)
{
    same(written(talk, COUNT(talk), false),
         "{\"id\":\"i\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
         "\"thinking\":\"hm\"},{\"type\":\"thinking\",\"thinking\":\"so\"},{\"type\":\"text\","
         "\"text\":\"a\\\"no\"}],\"tool_calls\":[{\"id\":\"x\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"y\",\"type\":\"function\","
         "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"TOOL_CALL\","
         "\"usage\":{\"tokens\":{\"input_tokens\":5,\"output_tokens\":2},\"cached_tokens\":1}}");
}
END_TEST

START_TEST(a_failure_is_told_and_no_success_follows) /* pitfalls 12, 38, 40 */
{
    static const hg_event events[] = {
        {.type = HG_EV_START, .id = {"i", 1}},
        {.type = HG_EV_TEXT, .text = {"a", 1}},
        {.type = HG_EV_ERROR, .name = {"overloaded_error", 16}, .text = {"busy", 4}},
        {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
    };
    hg_str bytes = written(events, COUNT(events), true);

    ck_assert(text_ends(bytes, HG_S("event: message-end\ndata: {\"type\":\"message-end\",\"delta\":"
                                    "{\"error\":\"busy\",\"finish_reason\":\"ERROR\"}}\n\n"
                                    "data: [DONE]\n\n")));
    ck_assert(!has(bytes, HG_S("COMPLETE")));
    same(written(events, COUNT(events), false),
         "{\"message\":\"busy\",\"error_type\":\"overloaded_error\"}");
}
END_TEST

START_TEST(without_a_finish_there_is_no_success) /* pitfall 37 */
{
    hg_str bytes = written(talk, 5, true);

    ck_assert(!has(bytes, HG_S("message-end")));
    ck_assert(!has(bytes, HG_S("[DONE]")));
    same(written(talk, 5, false), "{\"message\":\"the answer ended without a finish\","
                                  "\"error_type\":\"upstream_protocol_error\"}");
}
END_TEST

START_TEST(answers_have_ids_of_their_own) /* pitfall 30 */
{
    static const hg_event events[] = {{.type = HG_EV_FINISH, .finish = HG_FIN_STOP}};
    hg_str one = written(events, 1, false), other = written(events, 1, false);

    ck_assert_uint_eq(one.n, other.n);
    ck_assert(!text_is(one, other));
    ck_assert(has(one, HG_S("\"content\":[]")));
}
END_TEST

START_TEST(annotations_become_citations_and_citations_come_once)
{
    static const hg_event others[] = {
        {.type = HG_EV_TEXT, .text = {"abc", 3}},
        {.type = HG_EV_CITATION,
         .text = HG_S("{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://x\","
                      "\"title\":\"T\",\"start_index\":1,\"end_index\":2}}")},
        {.type = HG_EV_FINISH, .finish = HG_FIN_STOP}};
    hg_str bytes = written(others, COUNT(others), true);

    stream_check(bytes);
    ck_assert(has(bytes, HG_S("{\"start\":1,\"end\":2,\"sources\":[{\"type\":\"document\","
                              "\"id\":\"https://x\",\"document\":{\"url\":\"https://x\","
                              "\"title\":\"T\"}}],\"type\":\"TEXT_CONTENT\"}")));

    struct chain *out = chain_new(arena);
    const char *body = "{\"id\":\"i\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":"
                       "\"text\",\"text\":\"abc\"}],\"citations\":[" CITATION "]},"
                       "\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":1,"
                       "\"output_tokens\":2}},\"logprobs\":[{\"text\":\"abc\",\"token_ids\":[],"
                       "\"logprobs\":[-1]}]}";
    struct chain *again = chain_new(arena);

    ck_assert(dialect_to_events(dialect, arena, HG_R_CHAT, text_of(body), true, out));
    stream_check(chain_flat(out, arena));
    ck_assert(dialect_to_whole(dialect, arena, HG_R_CHAT, chain_flat(out, arena), again));
    same(chain_flat(again, arena), body);
}
END_TEST

START_TEST(who_answers_is_whom_we_asked_if_nobody_says)
{
    struct translation translation;
    struct chain *out = chain_new(arena);
    struct dialect_writer *writer = dialect_openai_chat.writer_new(arena, HG_R_CHAT, false, true);
    static const hg_event events[] = {{.type = HG_EV_START, .id = {"i", 1}},
                                      {.type = HG_EV_FINISH, .finish = HG_FIN_STOP}};

    translation_begin(&translation, arena, &dialect_openai_chat, dialect, HG_S("command"));
    for (size_t i = 0; i < COUNT(events); i++)
        translation_event(&translation, writer, &events[i], out);
    dialect_openai_chat.write_end(writer, out);
    ck_assert(has(chain_flat(out, arena), HG_S("\"model\":\"command\"")));
}
END_TEST

RUN_SUITE_WITH("dialect/cohere/answers", setup, teardown, a_stream_is_read_as_it_comes,
               calls_are_counted_from_0_whatever_their_numbers, a_cut_call_is_cut,
               failures_are_errors_and_last, finish_reasons_have_meanings, a_whole_answer_is_read,
               citations_of_pages_are_annotations_and_all_stay_as_they_are,
               unknown_counts_stay_unknown, embeddings_are_a_list_of_openai_s,
               errors_are_read_in_all_their_shapes, only_pieces_of_text_are_plain,
               the_words_of_a_citation_do_not_tell_what_was_taken_out,
               a_stream_keeps_the_order_that_clients_rely_on, each_piece_is_written_at_once,
               calls_that_come_interleaved_wait_for_the_open_one, a_whole_answer_is_written,
               a_failure_is_told_and_no_success_follows, without_a_finish_there_is_no_success,
               answers_have_ids_of_their_own, annotations_become_citations_and_citations_come_once,
               who_answers_is_whom_we_asked_if_nobody_says)
