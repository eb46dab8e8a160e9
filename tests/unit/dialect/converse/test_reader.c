/* Answers of Bedrock as events: recorded ones against what an independent reader made of them (the
 * shared folder's `derived` objects), and what providers may do wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "http/frame.h"
#include "support/tape.h"
#include "json/index.h"

enum {
    CALLS_MAX = 8
};

/* What events came to. */
struct heard {
    struct arena *arena;
    struct chain *text, *reasoning, *args[CALLS_MAX];
    hg_str ids[CALLS_MAX], names[CALLS_MAX];
    uint32_t calls, ended, finish, finishes, starts;
    hg_str finish_word, signature, encrypted, error_type, error_message, citation;
    hg_usage usage;
};

static struct arena *arena;
static struct heard heard;

static void on_event(void *arg, const hg_event *event)
{
    struct heard *all = arg;

    ck_assert(!all->error_type.n); /* an error is the last */
    switch (event->type) {
    case HG_EV_START:
        all->starts++;
        break;
    case HG_EV_TEXT:
        ck_assert(event->text.n && !all->finishes);
        chain_put(all->text, event->text.p, event->text.n);
        break;
    case HG_EV_REASONING:
        chain_put(all->reasoning, event->text.p, event->text.n);
        if (event->id.n)
            all->signature = arena_text(all->arena, event->id);
        if (event->name.n)
            all->encrypted = arena_text(all->arena, event->name);
        break;
    case HG_EV_TOOL_START:
        ck_assert_uint_eq(event->index, all->calls);
        all->ids[all->calls] = arena_text(all->arena, event->id);
        all->names[all->calls] = arena_text(all->arena, event->name);
        all->args[all->calls++] = chain_new(all->arena);
        break;
    case HG_EV_TOOL_ARGS:
        chain_put(all->args[event->index], event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_END:
        all->ended++;
        break;
    case HG_EV_CITATION:
        all->citation = arena_text(all->arena, event->text);
        break;
    case HG_EV_FINISH:
        all->finishes++;
        all->finish = event->finish;
        all->finish_word = arena_text(all->arena, event->name);
        break;
    case HG_EV_USAGE:
        all->usage = *event->usage;
        break;
    case HG_EV_ERROR:
        all->error_type = arena_text(all->arena, event->name);
        all->error_message = arena_text(all->arena, event->text);
        break;
    default:
        break;
    }
}

static void heard_begin(void)
{
    heard = (struct heard){.arena = arena, .text = chain_new(arena), .reasoning = chain_new(arena)};
}

static struct dialect_reader *reader_begin(void)
{
    heard_begin();
    return dialect_converse.reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, &heard});
}

/* Copies, so that whoever keeps a piece of a frame is found out. */
static void frames_read(struct dialect_reader *reader, hg_str *rest)
{
    size_t n;

    while ((n = frame_first(HG_FRAME_AWS, *rest))) {
        struct arena *scratch = arena_new();
        char *copy = malloc(n <= rest->n ? n : 1);
        struct frame frame;

        ck_assert_uint_le(n, rest->n);
        memcpy(copy, rest->p, n);
        ck_assert(frame_parse(scratch, HG_FRAME_AWS, (hg_str){copy, n}, &frame));
        dialect_converse.reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        free(copy);
        rest->p += n;
        rest->n -= n;
    }
}

static void stream_read(hg_str bytes, size_t most)
{
    struct dialect_reader *reader = reader_begin();
    hg_str rest = {bytes.p, 0};

    while (rest.p + rest.n < bytes.p + bytes.n) {
        size_t left = (size_t)(bytes.p + bytes.n - rest.p - rest.n);
        size_t n = 1 + (size_t)random() % most;

        rest.n += n < left ? n : left;
        frames_read(reader, &rest);
    }
    ck_assert_uint_eq(rest.n, 0);
    dialect_converse.reader_end(reader);
}

static void whole_read(hg_str body)
{
    struct dialect_reader *reader = reader_begin();
    hg_json doc;

    ck_assert(json_parse(arena, body, &doc, NULL));
    dialect_converse.reader_whole(reader, arena, doc);
    dialect_converse.reader_end(reader);
}

static void frame_add(struct chain *out, const char *event, const char *data)
{
    frame_put(HG_FRAME_AWS, text_of(event), text_of(data), out);
}

static void said(hg_str got, hg_str want, const char *what)
{
    ck_assert_msg(text_is(got, want), "%s\n got '%.*s'\nwant '%.*s'", what, TEXT_ARG(got),
                  TEXT_ARG(want));
}

/* ---- recorded answers --------------------------------------------------------------------------
 */

static unsigned answers, streams, errors;

/* Calls that the provider has answered itself are none for the client. */
static bool is_server_call(hg_json call)
{
    return text_starts(json_str(arena, json_member(call, HG_S("name"))), HG_S("nova_"));
}

static void calls_compare(const struct tape *tape)
{
    hg_json want = json_member(tape->derived, HG_S("tool_calls"));
    hg_json_it it = {{0, 0}};
    uint32_t number = 0;
    hg_json call;

    for (; want.kind == HG_J_ARR && json_next(want, &it, NULL, &call);) {
        if (is_server_call(call))
            continue;
        TAPE_WANT(tape, number < heard.calls, "too few calls");
        tape_same(tape, heard.ids[number], json_str(arena, json_member(call, HG_S("id"))), "id");
        tape_call_same(tape, call, heard.names[number], chain_flat(heard.args[number], arena));
        number++;
    }
    ck_assert_uint_eq(heard.calls, number);
    ck_assert_uint_eq(heard.ended, number);
}

static void derived_compare(const struct tape *tape)
{
    hg_json usage = json_member(tape->derived, HG_S("usage"));
    uint64_t cached = (uint64_t)json_i64(json_member(usage, HG_S("cacheReadInputTokens")), 0);
    uint64_t stored = (uint64_t)json_i64(json_member(usage, HG_S("cacheWriteInputTokens")), 0);

    tape_same(tape, heard.error_type, HG_S(""), "no error");
    tape_same(tape, chain_flat(heard.text, arena), tape_told(tape, "/text"), "text");
    tape_same(tape, chain_flat(heard.reasoning, arena), tape_told(tape, "/reasoning"), "reasoning");
    tape_same(tape, heard.finish_word, tape_told(tape, "/finish_reason"), "finish");
    calls_compare(tape);
    ck_assert_uint_eq(heard.finishes, 1);
    ck_assert_uint_eq(heard.starts, 1);
    /* pitfall 138 */
    ck_assert_uint_eq(heard.usage.input,
                      (uint64_t)json_i64(json_member(usage, HG_S("inputTokens")), 0) + cached +
                          stored);
    ck_assert_uint_eq(heard.usage.output,
                      (uint64_t)json_i64(json_member(usage, HG_S("outputTokens")), 0));
    ck_assert_uint_eq(heard.usage.cached_input, cached);
    ck_assert_uint_eq(heard.usage.cache_write, stored);
}

static void on_tape(const struct tape *tape, void *arg)
{
    static const size_t mosts[] = {1, 3, 11, 100, 1000, 100000};

    (void)arg;
    if (!text_starts(text_of(tape->name), HG_S("bedrock/")) ||
        (!text_is(tape->endpoint, HG_S("converse")) &&
         !text_is(tape->endpoint, HG_S("converse-stream"))))
        return;
    if (tape->status >= 400) {
        whole_read(tape->body);
        TAPE_WANT(tape, heard.error_message.n && !heard.finishes, "is an error");
        errors++;
    } else if (tape->is_binary) {
        for (size_t i = 0; i < sizeof mosts / sizeof *mosts; i++) {
            stream_read(tape->body, mosts[i]);
            derived_compare(tape);
        }
        streams++;
    } else {
        whole_read(tape->body);
        derived_compare(tape);
        answers++;
    }
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    if (!tapes_exist())
        return;
    srandom(1);
    tapes_each(on_tape, NULL);
    printf("%u answers, %u streams, %u errors\n", answers, streams, errors);
    ck_assert_uint_gt(answers, 8);
    ck_assert_uint_gt(streams, 4);
    ck_assert_uint_gt(errors, 1);
}
END_TEST

/* ---- streams -----------------------------------------------------------------------------------
 */

/* pitfall 131, 132, 136: what is signed or redacted comes as it was */
START_TEST(reasoning_keeps_its_signature_and_what_is_redacted)
{
    struct chain *out = chain_new(arena);

    frame_add(out, "messageStart", "{\"role\":\"assistant\"}");
    frame_add(out, "contentBlockDelta",
              "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":\" a\\n\"}}}");
    frame_add(out, "contentBlockDelta",
              "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"signature\":\"s\"}}}");
    frame_add(out, "contentBlockDelta",
              "{\"contentBlockIndex\":1,\"delta\":{\"reasoningContent\":"
              "{\"redactedContent\":\"AAAA\"}}}");
    frame_add(out, "messageStop", "{\"stopReason\":\"end_turn\",\"p\":\"abc\"}");
    stream_read(chain_flat(out, arena), 9);
    said(chain_flat(heard.reasoning, arena), HG_S(" a\n"), "reasoning");
    said(heard.signature, HG_S("s"), "signature");
    said(heard.encrypted, HG_S("AAAA"), "redacted");
    ck_assert_uint_eq(heard.finish, HG_FIN_STOP);
    ck_assert_uint_eq(heard.usage.flags, 0); /* pitfall 149 */
}
END_TEST

/* pitfalls 18, 25, 35 */
START_TEST(a_call_without_input_has_an_empty_object_and_the_finish_says_so)
{
    struct chain *out = chain_new(arena);

    frame_add(out, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"x\"}}");
    frame_add(
        out, "contentBlockStart",
        "{\"contentBlockIndex\":3,\"start\":{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\"}}}");
    frame_add(out, "contentBlockStop", "{\"contentBlockIndex\":3}");
    frame_add(out, "messageStop", "{\"stopReason\":\"end_turn\"}");
    stream_read(chain_flat(out, arena), 50);
    ck_assert_uint_eq(heard.calls, 1);
    said(chain_flat(heard.args[0], arena), HG_S("{}"), "arguments");
    ck_assert_uint_eq(heard.finish, HG_FIN_TOOLS);
    whole_read(HG_S("{\"output\":{\"message\":{\"content\":[{\"toolUse\":{\"toolUseId\":\"a\","
                    "\"name\":\"f\"}}]}},\"stopReason\":\"max_tokens\"}"));
    said(chain_flat(heard.args[0], arena), HG_S("{}"), "arguments");
    ck_assert_uint_eq(heard.finish, HG_FIN_LENGTH);
}
END_TEST

/* pitfall 56 */
START_TEST(exceptions_are_errors_with_their_type)
{
    struct chain *out = chain_new(arena);

    frame_add(out, "messageStart", "{\"role\":\"assistant\"}");
    frame_put_error(HG_FRAME_AWS, HG_S("throttlingException"), HG_S("{\"message\":\"slow\"}"), out);
    frame_add(out, "messageStop", "{\"stopReason\":\"end_turn\"}");
    stream_read(chain_flat(out, arena), 20);
    said(heard.error_type, HG_S("throttlingException"), "type");
    said(heard.error_message, HG_S("slow"), "message");
    ck_assert_uint_eq(heard.finishes, 0);
}
END_TEST

/* pitfalls 37, 55 */
START_TEST(garbage_and_streams_without_an_end_are_no_answers)
{
    struct chain *out = chain_new(arena);

    frame_add(out, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"x\"}}");
    stream_read(chain_flat(out, arena), 20);
    ck_assert_uint_eq(heard.finishes, 0);
    frame_add(out, "contentBlockDelta", "no json");
    stream_read(chain_flat(out, arena), 20);
    said(heard.error_type, DIALECT_BROKEN, "type");
    whole_read(HG_S("{\"x\":1}"));
    said(heard.error_type, DIALECT_BROKEN, "type");
    whole_read(HG_S("[]"));
    said(heard.error_type, DIALECT_BROKEN, "type");
}
END_TEST

START_TEST(new_kinds_of_events_are_passed_over)
{
    struct chain *out = chain_new(arena);

    frame_add(out, "somethingNew", "{\"x\":1}");
    frame_add(out, "messageStop", "{\"stopReason\":\"guardrail_intervened\"}");
    frame_add(out, "messageStop", "{\"stopReason\":\"end_turn\"}");
    frame_add(out, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"x\"}}");
    stream_read(chain_flat(out, arena), 20);
    ck_assert_uint_eq(heard.finishes, 1);
    ck_assert_uint_eq(heard.finish, HG_FIN_FILTER);
    ck_assert_uint_eq(heard.text->len, 0);
    ck_assert(dialect_converse.is_end(HG_S("metadata"), HG_S("{}")));
    ck_assert(!dialect_converse.is_end(HG_S("messageStop"), HG_S("{}")));
}
END_TEST

START_TEST(citations_that_lead_somewhere_are_annotations)
{
    whole_read(HG_S("{\"output\":{\"message\":{\"content\":[{\"citationsContent\":{\"content\":"
                    "[{\"text\":\"t\"}],\"citations\":[{\"title\":\"T\",\"location\":{\"web\":"
                    "{\"url\":\"https://x\"}}}]}}]}},\"stopReason\":\"end_turn\"}"));
    said(chain_flat(heard.text, arena), HG_S("t"), "text");
    said(
        heard.citation,
        HG_S(
            "{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://x\",\"title\":\"T\"}}"),
        "citation");
}
END_TEST

START_TEST(types_of_errors_are_found_in_bodies_too)
{
    struct dialect_error error;
    hg_json doc;

    ck_assert(json_parse(arena,
                         HG_S("{\"__type\":\"com.amazon#ThrottlingException:x\","
                              "\"Message\":\"m\"}"),
                         &doc, NULL));
    dialect_converse.read_error(arena, doc, &error);
    said(error.type, HG_S("ThrottlingException"), "type");
    said(error.message, HG_S("m"), "message");
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

RUN_SUITE_WITH("dialect/converse/reader", setup, teardown,
               recorded_answers_are_read_as_others_read_them,
               reasoning_keeps_its_signature_and_what_is_redacted,
               a_call_without_input_has_an_empty_object_and_the_finish_says_so,
               exceptions_are_errors_with_their_type,
               garbage_and_streams_without_an_end_are_no_answers,
               new_kinds_of_events_are_passed_over, citations_that_lead_somewhere_are_annotations,
               types_of_errors_are_found_in_bodies_too)
