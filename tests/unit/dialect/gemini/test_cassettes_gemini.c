/* Recorded answers of Google's servers, against what an independent reader made of them: the shared
 * folder's `derived` objects. Streams are cut at random places; what is read is written in each
 * way, and read again. Requests of these and of OpenAI's clients go to and fro. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "support/canonical.h"
#include "support/tape.h"
#include "json/index.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_gemini;
static unsigned answers, streams, errors, requests, foreign;

/* ---- what a reader gives ----------------------------------------------------------------------
 */

enum {
    CALLS_MAX = 32
};

struct got {
    struct arena *arena;
    struct chain *text, *reasoning;
    struct chain *args[CALLS_MAX];
    hg_str names[CALLS_MAX], ids[CALLS_MAX], signatures[CALLS_MAX];
    unsigned calls, finishes, starts, usages;
    uint32_t finish;
    hg_usage usage;
    hg_str error;
    struct dialect_writer *writer; /* NULL: none */
    struct chain *written;
};

static void on_event(void *arg, const hg_event *event)
{
    struct got *got = arg;

    ck_assert(got->starts || event->type == HG_EV_START || event->type == HG_EV_ERROR);
    ck_assert(!got->error.p);
    if (got->writer)
        dialect->write(got->writer, event, got->written);
    switch (event->type) {
    case HG_EV_START:
        got->starts++;
        break;
    case HG_EV_TEXT:
        chain_put(got->text, event->text.p, event->text.n);
        break;
    case HG_EV_REASONING:
        chain_put(got->reasoning, event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_START:
        ck_assert_uint_eq(event->index, got->calls);
        ck_assert_uint_lt(got->calls, CALLS_MAX);
        got->ids[got->calls] = arena_text(got->arena, event->id);
        got->names[got->calls] = arena_text(got->arena, event->name);
        got->signatures[got->calls] = arena_text(got->arena, event->text);
        got->args[got->calls++] = chain_new(got->arena);
        break;
    case HG_EV_TOOL_ARGS:
        ck_assert_uint_lt(event->index, got->calls);
        chain_put(got->args[event->index], event->text.p, event->text.n);
        break;
    case HG_EV_USAGE:
        got->usages++;
        got->usage = *event->usage;
        break;
    case HG_EV_FINISH:
        got->finishes++;
        got->finish = event->finish;
        break;
    case HG_EV_ERROR:
        got->error = arena_text(got->arena, event->text);
        break;
    default:
        break;
    }
}

static struct got got_new(struct arena *arena, bool writes, bool is_stream)
{
    return (struct got){
        .arena = arena,
        .text = chain_new(arena),
        .reasoning = chain_new(arena),
        .writer = writes ? dialect->writer_new(arena, HG_R_CHAT, is_stream, true) : NULL,
        .written = chain_new(arena),
    };
}

static void got_end(struct got *got, struct dialect_reader *reader)
{
    dialect->reader_end(reader);
    if (got->writer)
        dialect->write_end(got->writer, got->written);
}

static void whole_read(const struct tape *tape, hg_str body, struct got *got)
{
    struct dialect_reader *reader =
        dialect->reader_new(tape->arena, HG_R_CHAT, &(struct dialect_sink){on_event, got});
    hg_json doc;

    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect->reader_whole(reader, tape->arena, doc);
    got_end(got, reader);
}

/* Bytes come in pieces of up to `most`; a frame is read with memory that is gone behind it. */
static void stream_read(const struct tape *tape, hg_str body, size_t most, struct got *got)
{
    struct dialect_reader *reader =
        dialect->reader_new(tape->arena, HG_R_CHAT, &(struct dialect_sink){on_event, got});
    size_t have = 0, at = 0, n;
    struct frame frame;

    while (have < body.n || at < have) {
        n = frame_first(dialect->framing, (hg_str){body.p + at, have - at});
        if (n == 0 && have == body.n)
            break;
        if (n == 0) {
            size_t more = 1 + (size_t)rand() % most;

            have += more < body.n - have ? more : body.n - have;
            continue;
        }
        struct arena *scratch = arena_new();

        TAPE_WANT(tape, frame_parse(scratch, dialect->framing, (hg_str){body.p + at, n}, &frame),
                  "is a frame");
        if (frame.has_data)
            dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        at += n;
    }
    got_end(got, reader);
}

/* ---- against the oracle -----------------------------------------------------------------------
 */

static int64_t count(hg_json usage, const char *key)
{
    return json_i64(json_member(usage, text_of(key)), 0);
}

static void usage_compare(const struct tape *tape, const hg_usage *usage)
{
    hg_json want = json_member(tape->derived, HG_S("usage"));
    int64_t input = count(want, "promptTokenCount") + count(want, "toolUsePromptTokenCount");
    int64_t output = count(want, "candidatesTokenCount"),
            thoughts = count(want, "thoughtsTokenCount");

    TAPE_WANT(tape, (int64_t)usage->input == input, "input");
    TAPE_WANT(tape, (int64_t)usage->output == output + thoughts, "output");
    TAPE_WANT(tape, (int64_t)usage->reasoning == thoughts, "thoughts");
    TAPE_WANT(tape, (int64_t)usage->cached_input == count(want, "cachedContentTokenCount"),
              "cached");
    TAPE_WANT(tape, (int64_t)(usage->input + usage->output) == count(want, "totalTokenCount"),
              "total");
}

static void calls_compare(const struct tape *tape, const struct got *got, bool with_ids)
{
    hg_json calls = json_member(tape->derived, HG_S("tool_calls"));
    struct arena *arena = tape->arena;

    TAPE_WANT(tape, json_count(calls) == got->calls, "count of calls");
    for (unsigned i = 0; i < got->calls; i++) {
        hg_json want = json_element(calls, i), id = json_member(want, HG_S("id"));

        tape_call_same(tape, want, got->names[i], chain_flat(got->args[i], arena));
        TAPE_WANT(tape, got->ids[i].n, "has an id");
        if (id.kind == HG_J_STR && with_ids)
            tape_same(tape, got->ids[i], json_str(arena, id), "id");
    }
}

static void got_compare(const struct tape *tape, const struct got *got)
{
    hg_json reason = json_member(tape->derived, HG_S("finish_reason"));

    TAPE_WANT(tape, !got->error.p, got->error.p ? got->error.p : "");
    tape_same(tape, chain_flat(got->text, tape->arena), tape_told(tape, "/text"), "text");
    tape_same(tape, chain_flat(got->reasoning, tape->arena), tape_told(tape, "/reasoning"),
              "reasoning");
    calls_compare(tape, got, true);
    usage_compare(tape, &got->usage);
    TAPE_WANT(tape, got->starts == 1, "one start");
    TAPE_WANT(tape, got->finishes == (reason.kind == HG_J_STR), "one finish");
    if (json_is(reason, HG_S("STOP")))
        TAPE_WANT(tape, got->finish == (got->calls ? HG_FIN_TOOLS : HG_FIN_STOP), "stop or tools");
    if (json_is(reason, HG_S("MAX_TOKENS")))
        TAPE_WANT(tape, got->finish == HG_FIN_LENGTH, "length");
}

/* What was written says the same, signatures of calls too. */
static void again(const struct tape *tape, const struct got *first, bool is_stream)
{
    struct got got = got_new(tape->arena, false, false);
    hg_str written = chain_flat(first->written, tape->arena);

    if (is_stream)
        stream_read(tape, written, 100000, &got);
    else
        whole_read(tape, written, &got);
    got_compare(tape, &got);
    for (unsigned i = 0; i < got.calls; i++) {
        tape_same(tape, got.ids[i], first->ids[i], "id again");
        tape_same(tape, got.signatures[i], first->signatures[i], "signature again");
    }
}

static void whole_test(const struct tape *tape, hg_str body)
{
    for (int is_stream = 0; is_stream < 2; is_stream++) {
        struct got got = got_new(tape->arena, true, is_stream);

        whole_read(tape, body, &got);
        got_compare(tape, &got);
        again(tape, &got, is_stream);
    }
    answers++;
}

static void stream_test(const struct tape *tape, hg_str body)
{
    static const size_t mosts[] = {1, 7, 300, 4000, 1000000};

    streams++;
    for (size_t i = 0; i < 2 * sizeof mosts / sizeof *mosts; i++) {
        struct got got = got_new(tape->arena, true, i % 2);

        stream_read(tape, body, mosts[i / 2], &got);
        got_compare(tape, &got);
        again(tape, &got, i % 2);
    }
}

static void error_test(const struct tape *tape, hg_str body)
{
    struct got got = got_new(tape->arena, false, false);
    struct dialect_error error;
    hg_json doc;

    errors++;
    if (!json_parse(tape->arena, body, &doc, NULL))
        return;
    dialect->read_error(tape->arena, doc, &error);
    TAPE_WANT(tape, error.message.n && error.type.n && error.code.n && error.status >= 400,
              "is an error");
    whole_read(tape, body, &got);
    TAPE_WANT(tape, got.error.n, "is an error where an answer should be");
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static hg_str written(const struct tape *tape, const struct dialect *from, const struct dialect *to,
                      hg_str path, hg_str model, hg_json doc)
{
    struct chain *out = chain_new(tape->arena);
    struct translation translation;
    struct chat chat;
    struct error error = {""};

    translation_begin(&translation, tape->arena, from, to, model);
    ck_assert_msg(from->read_chat(tape->arena, path, doc, &chat, &error), "%s: %s", tape->name,
                  error.text);
    if (!to->write_chat(&translation, &chat, out, &error)) {
        ck_assert_msg(strstr(error.text, "tools: ") == error.text ||
                          strstr(error.text, "messages: the file ") == error.text,
                      "%s: %s", tape->name, error.text);
        return HG_S("");
    }
    TAPE_WANT(tape, json_ok(out), "is written whole");
    return chain_flat(out, tape->arena);
}

static hg_json parsed(const struct tape *tape, hg_str text)
{
    hg_json doc = {0};

    TAPE_WANT(tape, json_parse(tape->arena, text, &doc, NULL), "is JSON");
    return doc;
}

/* To and fro between two spellings of the same: the second writing is like the first. */
static void request_test(const struct tape *tape, hg_str url, hg_str body)
{
    struct arena *arena = tape->arena;
    const char *from = memmem(url.p, url.n, "/v1", 3);
    hg_str path, rest;
    struct dialect_request asked;
    hg_json doc;

    if (!from || !body.n || !json_parse(arena, body, &doc, NULL))
        return;
    requests++;
    path = text_cut((hg_str){from, (size_t)(url.p + url.n - from)}, '?', &rest);
    TAPE_WANT(tape, dialect_kind_of(dialect, METHOD_POST, path) == HG_R_CHAT, "path");
    dialect->read_request(arena, HG_R_CHAT, path, doc, &asked);
    TAPE_WANT(tape, asked.model.n, "model");
    TAPE_WANT(tape, dialect->tokens(HG_R_CHAT, doc) > 0, "tokens");
    TAPE_WANT(tape, texts_of_request(dialect, arena, HG_R_CHAT, doc).count > 0, "texts");
    hg_str once = written(tape, dialect, dialect, path, asked.model, doc);
    hg_str twice = written(tape, dialect, dialect, path, asked.model, parsed(tape, once));

    tape_same(tape, twice, once, "request to and fro");
    tape_same(tape, canonical(arena, json_member(parsed(tape, once), HG_S("safetySettings"))),
              canonical(arena, json_member(doc, HG_S("safetySettings"))), "extras");
}

static hg_str joined(struct arena *arena, struct dialect_texts texts)
{
    struct chain *all = chain_new(arena);

    for (size_t i = 0; i < texts.count; i++)
        if (texts.list[i].role == HG_ROLE_USER)
            chain_put(all, texts.list[i].text.p, texts.list[i].text.n);
    return chain_flat(all, arena);
}

/* A request of OpenAI's form, there and back again: what the user said is all there. */
static void foreign_test(const struct tape *tape, hg_str body)
{
    static const char *const models[] = {"gemini-3-flash-preview", "gemini-2.5-pro", "gemma-3-27b"};
    const struct dialect *openai = &dialect_openai_chat;
    hg_json doc;

    if (!body.n || !json_parse(tape->arena, body, &doc, NULL) ||
        !json_count(json_member(doc, HG_S("messages"))))
        return;
    foreign++;
    for (size_t i = 0; i < 3; i++) {
        hg_str there =
            written(tape, openai, dialect, HG_S("/v1/chat/completions"), text_of(models[i]), doc);

        if (!there.n)
            continue;
        hg_json ours = parsed(tape, there);
        hg_str back = written(tape, dialect, openai, HG_S("/v1beta/models/m:generateContent"),
                              HG_S("m"), ours);

        if (i < 2 && back.n)
            tape_same(tape,
                      joined(tape->arena,
                             texts_of_request(openai, tape->arena, HG_R_CHAT, parsed(tape, back))),
                      joined(tape->arena, texts_of_request(openai, tape->arena, HG_R_CHAT, doc)),
                      "what the user said");
    }
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static void on_tape(const struct tape *tape, void *arg)
{
    (void)arg;
    if (text_is(tape->endpoint, HG_S("chat.completions")))
        foreign_test(tape, tape->request);
    if (!text_is(tape->endpoint, HG_S("generateContent")) &&
        !text_is(tape->endpoint, HG_S("streamGenerateContent")))
        return;
    if (tape->status < 400)
        request_test(tape, tape->url, tape->request);
    if (tape->status >= 400)
        error_test(tape, tape->body);
    else if (tape->body.n && tape->body.p[0] == 'd')
        stream_test(tape, tape->body);
    else if (tape->body.n)
        whole_test(tape, tape->body);
}

START_TEST(every_recorded_answer_is_understood)
{
    tapes_each(on_tape, NULL);
    printf("%u answers, %u streams, %u errors, %u requests, %u requests of others\n", answers,
           streams, errors, requests, foreign);
    ck_assert_uint_ge(answers, 15);
    ck_assert_uint_ge(streams, 8);
    ck_assert_uint_ge(errors, 4);
    ck_assert_uint_ge(requests, 20);
    ck_assert_uint_ge(foreign, 50);
}
END_TEST

RUN_TAPES("cassettes_gemini", 0, every_recorded_answer_is_understood)
