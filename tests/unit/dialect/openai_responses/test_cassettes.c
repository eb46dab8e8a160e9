/* Recorded answers of real servers, against what an independent reader made of them; then written
 * for a client of this format, checked, and read again. */
#include <check.h>
#include <stdio.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "dialect/watch.h"
#include "http/frame.h"
#include "support/tape.h"
#include "unit/dialect/openai_responses/checker.h"
#include "json/index.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_openai_responses;
static unsigned answers, streams, errors, requests;

/* ---- what a reader gives --------------------------------------------------------------------- */

enum {
    CALLS_MAX = 16
};

struct gathered {
    struct arena *arena;
    struct chain *text, *reasoning, *refusal;
    struct {
        hg_str id, name;
        struct chain *args;
        bool ended;
    } calls[CALLS_MAX];
    uint32_t call_count, finish;
    unsigned starts, finishes, usages, errors, after;
    hg_usage usage;
    hg_str id, model, error_type, error_message;
    struct dialect_writer *writer; /* gets all of it too */
    struct chain *written;
};

static void on_event(void *arg, const hg_event *event)
{
    struct gathered *all = arg;

    if (all->finishes || all->errors)
        all->after++;
    switch (event->type) {
    case HG_EV_START:
        ck_assert(!all->text->len && !all->call_count);
        all->starts++;
        all->id = arena_text(all->arena, event->id);
        all->model = arena_text(all->arena, event->name);
        break;
    case HG_EV_TEXT:
        chain_put(all->text, event->text.p, event->text.n);
        break;
    case HG_EV_REASONING:
        chain_put(all->reasoning, event->text.p, event->text.n);
        break;
    case HG_EV_REFUSAL:
        chain_put(all->refusal, event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_START:
        ck_assert_uint_eq(event->index, all->call_count);
        ck_assert(event->id.n && event->name.n);
        all->calls[all->call_count].id = arena_text(all->arena, event->id);
        all->calls[all->call_count].name = arena_text(all->arena, event->name);
        all->calls[all->call_count++].args = chain_new(all->arena);
        break;
    case HG_EV_TOOL_ARGS:
        ck_assert_uint_lt(event->index, all->call_count);
        chain_put(all->calls[event->index].args, event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_END:
        ck_assert(!all->calls[event->index].ended);
        all->calls[event->index].ended = true;
        break;
    case HG_EV_USAGE:
        all->usages++;
        all->usage = *event->usage;
        break;
    case HG_EV_FINISH:
        all->finishes++;
        all->finish = event->finish;
        break;
    case HG_EV_ERROR:
        all->errors++;
        all->error_type = arena_text(all->arena, event->name);
        all->error_message = arena_text(all->arena, event->text);
        break;
    default:
        break;
    }
    if (all->writer)
        dialect->write(all->writer, event, all->written);
}

static void gathered_begin(struct gathered *all, struct arena *arena)
{
    *all = (struct gathered){.arena = arena,
                             .text = chain_new(arena),
                             .reasoning = chain_new(arena),
                             .refusal = chain_new(arena),
                             .written = chain_new(arena)};
}

static void frames_read(struct gathered *all, hg_str body)
{
    struct dialect_reader *reader =
        dialect->reader_new(all->arena, HG_R_CHAT, &(struct dialect_sink){on_event, all});

    while (body.n) {
        size_t n = frame_first(HG_FRAME_SSE, body);
        struct arena *scratch = arena_new();
        struct frame frame;

        n = n ? n : body.n;
        ck_assert(frame_parse(scratch, HG_FRAME_SSE, (hg_str){body.p, n}, &frame));
        if (frame.has_data)
            dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        body = (hg_str){body.p + n, body.n - n};
    }
    dialect->reader_end(reader);
}

static void whole_read(struct gathered *all, hg_str body)
{
    struct dialect_reader *reader =
        dialect->reader_new(all->arena, HG_R_CHAT, &(struct dialect_sink){on_event, all});
    hg_json doc;

    ck_assert(json_parse(all->arena, body, &doc, NULL));
    dialect->reader_whole(reader, all->arena, doc);
    dialect->reader_end(reader);
}

/* ---- against the oracle ---------------------------------------------------------------------- */

/* What is no function of the client's has no arguments there. */
static void calls_compare(const struct tape *tape, const struct gathered *all)
{
    hg_json list = json_member(tape->derived, HG_S("tool_calls")), want;
    hg_json_it it = {{0, 0}};
    uint32_t i = 0;

    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &want)) {
        if (!json_member(want, HG_S("arguments")).kind)
            continue;
        TAPE_WANT(tape, i < all->call_count, "has its calls");
        tape_same(tape, all->calls[i].id, json_str(tape->arena, json_member(want, HG_S("id"))),
                  "id");
        tape_call_same(tape, want, all->calls[i].name, chain_flat(all->calls[i].args, tape->arena));
        TAPE_WANT(tape, all->calls[i].ended, "the call ended");
        i++;
    }
}

static void usage_compare(const struct tape *tape, const struct gathered *all)
{
    hg_json want = json_member(tape->derived, HG_S("usage"));

    if (want.kind != HG_J_OBJ)
        return;
    TAPE_WANT(tape, all->usages == 1, "one usage");
    TAPE_WANT(tape,
              (int64_t)all->usage.input == json_i64(json_member(want, HG_S("input_tokens")), -1),
              "input");
    TAPE_WANT(tape,
              (int64_t)all->usage.output == json_i64(json_member(want, HG_S("output_tokens")), -1),
              "output");
    TAPE_WANT(tape,
              (int64_t)all->usage.cached_input ==
                  json_i64(json_get(want, "/input_tokens_details/cached_tokens"), 0),
              "cached");
    TAPE_WANT(tape,
              (int64_t)all->usage.reasoning ==
                  json_i64(json_get(want, "/output_tokens_details/reasoning_tokens"), 0),
              "reasoning tokens");
}

static uint32_t finish_wanted(const struct tape *tape, const struct gathered *all)
{
    if (text_is(tape_told(tape, "/finish_reason"), HG_S("incomplete:max_output_tokens")))
        return HG_FIN_LENGTH;
    return all->call_count ? HG_FIN_TOOLS : HG_FIN_STOP;
}

static void compare(const struct tape *tape, const struct gathered *all)
{
    TAPE_WANT(tape, all->starts == 1 && all->id.n && all->model.n,
              "starts once, with id and model");
    TAPE_WANT(tape, !all->errors && all->finishes == 1 && !all->after, "finishes once, at the end");
    TAPE_WANT(tape, all->finish == finish_wanted(tape, all), "finish");
    tape_same(tape, chain_flat(all->text, tape->arena), tape_told(tape, "/text"), "text");
    tape_same(tape, chain_flat(all->reasoning, tape->arena), tape_told(tape, "/reasoning"),
              "reasoning");
    calls_compare(tape, all);
    usage_compare(tape, all);
}

/* ---- and written again ----------------------------------------------------------------------- */

static void again_compare(const struct tape *tape, const struct gathered *first,
                          const struct gathered *again)
{
    struct arena *arena = tape->arena;

    tape_same(tape, chain_flat(again->text, arena), chain_flat(first->text, arena), "text again");
    tape_same(tape, chain_flat(again->reasoning, arena), chain_flat(first->reasoning, arena),
              "reasoning again");
    TAPE_WANT(tape, again->finish == first->finish && again->call_count == first->call_count,
              "finish and calls again");
    for (uint32_t i = 0; i < first->call_count; i++) {
        tape_same(tape, again->calls[i].id, first->calls[i].id, "id again");
        tape_same(tape, chain_flat(again->calls[i].args, arena),
                  chain_flat(first->calls[i].args, arena), "arguments again");
    }
    TAPE_WANT(tape,
              again->usage.input == first->usage.input &&
                  again->usage.output == first->usage.output,
              "usage again");
}

static void written_test(const struct tape *tape, hg_str body, bool was_stream, bool is_stream)
{
    struct gathered first, again;
    hg_str written;

    gathered_begin(&first, tape->arena);
    gathered_begin(&again, tape->arena);
    first.writer = dialect->writer_new(tape->arena, HG_R_CHAT, is_stream, true);
    (was_stream ? frames_read : whole_read)(&first, body);
    dialect->write_end(first.writer, first.written);
    written = chain_flat(first.written, tape->arena);
    if (is_stream)
        responses_stream_check(tape->arena, written);
    else
        responses_object_check(tape->arena, written);
    (is_stream ? frames_read : whole_read)(&again, written);
    again_compare(tape, &first, &again);
}

static void answer_test(const struct tape *tape, hg_str body, bool is_stream)
{
    struct gathered all;

    gathered_begin(&all, tape->arena);
    (is_stream ? frames_read : whole_read)(&all, body);
    if (json_member(tape->derived, HG_S("error")).kind == HG_J_OBJ) {
        TAPE_WANT(tape, all.errors == 1 && !all.finishes && !all.after,
                  "an error, and that is all");
        tape_same(tape, all.error_message, tape_told(tape, "/error/message"), "message");
        errors++;
        return;
    }
    compare(tape, &all);
    written_test(tape, body, is_stream, true);
    written_test(tape, body, is_stream, false);
    *(is_stream ? &streams : &answers) += 1;
}

/* The quick look at a whole answer says the same; so does a stream turned into one. */
static void quick_test(const struct tape *tape, hg_str body, bool is_stream)
{
    struct chain *whole = chain_new(tape->arena), *frames = chain_new(tape->arena);
    struct dialect_answer answer;
    struct gathered all;
    hg_json doc;

    if (json_member(tape->derived, HG_S("error")).kind == HG_J_OBJ)
        return;
    if (is_stream) {
        TAPE_WANT(tape, dialect_to_whole(dialect, tape->arena, HG_R_CHAT, body, whole), "folded");
        body = chain_flat(whole, tape->arena);
    }
    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect_read_answer(dialect, tape->arena, HG_R_CHAT, doc, &answer);
    TAPE_WANT(tape, answer.is_valid && !answer.is_error && answer.finish && answer.has_usage,
              "valid");
    TAPE_WANT(tape, dialect_to_events(dialect, tape->arena, HG_R_CHAT, body, true, frames),
              "replayed");
    responses_stream_check(tape->arena, chain_flat(frames, tape->arena));
    gathered_begin(&all, tape->arena);
    frames_read(&all, chain_flat(frames, tape->arena));
    compare(tape, &all);
}

static void error_test(const struct tape *tape, hg_str body)
{
    struct dialect_error error;
    hg_json doc;

    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect->read_error(tape->arena, doc, &error);
    TAPE_WANT(tape, error.message.n && error.type.n, "says what is wrong");
    errors++;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void request_test(const struct tape *tape, hg_str body)
{
    const struct dialect *const others[] = {dialect, &dialect_openai_chat};
    struct dialect_request request;
    struct error error = {""};
    hg_json doc, written;
    struct chat chat;

    if (!body.n || !json_parse(tape->arena, body, &doc, NULL))
        return;
    dialect->read_request(tape->arena, HG_R_CHAT, HG_S("/v1/responses"), doc, &request);
    TAPE_WANT(tape, request.model.n, "has a model");
    TAPE_WANT(tape, dialect->tokens(HG_R_CHAT, doc) > 0, "has tokens");
    TAPE_WANT(tape, texts_of_request(dialect, tape->arena, HG_R_CHAT, doc).count > 0, "has texts");
    if (!dialect->read_chat(tape->arena, HG_S(""), doc, &chat, &error)) {
        TAPE_WANT(tape, error.text[0], "says why");
        return;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct chain *out = chain_new(tape->arena);
        struct translation to;

        translation_begin(&to, tape->arena, dialect, others[i], request.model);
        if (!others[i]->write_chat(&to, &chat, out, &error))
            continue;
        TAPE_WANT(tape, json_ok(out), "is well formed");
        TAPE_WANT(tape, json_parse(tape->arena, chain_flat(out, tape->arena), &written, NULL),
                  "is JSON");
        requests++;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void on_tape(const struct tape *tape, void *arg)
{
    (void)arg;
    if (!text_is(tape->endpoint, HG_S("responses")))
        return;
    request_test(tape, tape->request);
    if (tape->status >= 400) {
        error_test(tape, tape->body);
    } else {
        answer_test(tape, tape->body, tape->is_stream);
        quick_test(tape, tape->body, tape->is_stream);
    }
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    tapes_each(on_tape, NULL);
    printf("%u answers, %u streams, %u errors, %u requests\n", answers, streams, errors, requests);
    ck_assert_uint_ge(answers, 14);
    ck_assert_uint_ge(streams, 14);
    ck_assert_uint_ge(errors, 5);
    ck_assert_uint_ge(requests, 20);
}
END_TEST

RUN_TAPES("dialect/openai_responses/cassettes", 120, recorded_answers_are_read_as_others_read_them)
