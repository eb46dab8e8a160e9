/* Recorded answers of Google's servers, against what an independent reader made of them: the shared
 * folder's `derived` objects. Streams are cut at random places; what is read is written in each
 * way, and read again. Requests of these and of OpenAI's clients go to and fro. */
#include <check.h>
#include <dirent.h>
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
#include "support/suite.h"
#include "json/index.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_gemini;
static char folder[512];
static unsigned answers, streams, errors, requests, foreign;

struct tally {
    struct arena *arena;
    const char *name;
    hg_json derived;
};

#define WANT(tally, condition, what) ck_assert_msg(condition, "%s: %s", (tally)->name, what)

static void same(const struct tally *tally, hg_str got, hg_str want, const char *what)
{
    ck_assert_msg(text_is(got, want), "%s: %s\n got '%.*s'\nwant '%.*s'", tally->name, what,
                  TEXT_ARG(got), TEXT_ARG(want));
}

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

static void whole_read(const struct tally *tally, hg_str body, struct got *got)
{
    struct dialect_reader *reader =
        dialect->reader_new(tally->arena, HG_R_CHAT, &(struct dialect_sink){on_event, got});
    hg_json doc;

    WANT(tally, json_parse(tally->arena, body, &doc, NULL), "is JSON");
    dialect->reader_whole(reader, tally->arena, doc);
    got_end(got, reader);
}

/* Bytes come in pieces of up to `most`; a frame is read with memory that is gone behind it. */
static void stream_read(const struct tally *tally, hg_str body, size_t most, struct got *got)
{
    struct dialect_reader *reader =
        dialect->reader_new(tally->arena, HG_R_CHAT, &(struct dialect_sink){on_event, got});
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

        WANT(tally, frame_parse(scratch, dialect->framing, (hg_str){body.p + at, n}, &frame),
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

static hg_str meaning(struct arena *arena, hg_str text)
{
    hg_json root;

    return json_parse(arena, text, &root, NULL) ? canonical(arena, root) : text;
}

static int64_t count(hg_json usage, const char *key)
{
    return json_i64(json_member(usage, text_of(key)), 0);
}

static void usage_compare(const struct tally *tally, const hg_usage *usage)
{
    hg_json want = json_member(tally->derived, HG_S("usage"));
    int64_t input = count(want, "promptTokenCount") + count(want, "toolUsePromptTokenCount");
    int64_t output = count(want, "candidatesTokenCount"),
            thoughts = count(want, "thoughtsTokenCount");

    WANT(tally, (int64_t)usage->input == input, "input");
    WANT(tally, (int64_t)usage->output == output + thoughts, "output");
    WANT(tally, (int64_t)usage->reasoning == thoughts, "thoughts");
    WANT(tally, (int64_t)usage->cached_input == count(want, "cachedContentTokenCount"), "cached");
    WANT(tally, (int64_t)(usage->input + usage->output) == count(want, "totalTokenCount"), "total");
}

static void calls_compare(const struct tally *tally, const struct got *got, bool with_ids)
{
    hg_json calls = json_member(tally->derived, HG_S("tool_calls"));
    struct arena *arena = tally->arena;

    WANT(tally, json_count(calls) == got->calls, "count of calls");
    for (unsigned i = 0; i < got->calls; i++) {
        hg_json want = json_element(calls, i), id = json_member(want, HG_S("id"));

        same(tally, got->names[i], json_str(arena, json_member(want, HG_S("name"))), "name");
        same(tally, meaning(arena, chain_flat(got->args[i], arena)),
             meaning(arena, json_str(arena, json_member(want, HG_S("arguments")))), "arguments");
        WANT(tally, got->ids[i].n, "has an id");
        if (id.kind == HG_J_STR && with_ids)
            same(tally, got->ids[i], json_str(arena, id), "id");
    }
}

static void got_compare(const struct tally *tally, const struct got *got)
{
    hg_json reason = json_member(tally->derived, HG_S("finish_reason"));

    WANT(tally, !got->error.p, got->error.p ? got->error.p : "");
    same(tally, chain_flat(got->text, tally->arena),
         json_str(tally->arena, json_member(tally->derived, HG_S("text"))), "text");
    same(tally, chain_flat(got->reasoning, tally->arena),
         json_str(tally->arena, json_member(tally->derived, HG_S("reasoning"))), "reasoning");
    calls_compare(tally, got, true);
    usage_compare(tally, &got->usage);
    WANT(tally, got->starts == 1, "one start");
    WANT(tally, got->finishes == (reason.kind == HG_J_STR), "one finish");
    if (json_is(reason, HG_S("STOP")))
        WANT(tally, got->finish == (got->calls ? HG_FIN_TOOLS : HG_FIN_STOP), "stop or tools");
    if (json_is(reason, HG_S("MAX_TOKENS")))
        WANT(tally, got->finish == HG_FIN_LENGTH, "length");
}

/* What was written says the same, signatures of calls too. */
static void again(const struct tally *tally, const struct got *first, bool is_stream)
{
    struct got got = got_new(tally->arena, false, false);
    hg_str written = chain_flat(first->written, tally->arena);

    if (is_stream)
        stream_read(tally, written, 100000, &got);
    else
        whole_read(tally, written, &got);
    got_compare(tally, &got);
    for (unsigned i = 0; i < got.calls; i++) {
        same(tally, got.ids[i], first->ids[i], "id again");
        same(tally, got.signatures[i], first->signatures[i], "signature again");
    }
}

static void whole_test(const struct tally *tally, hg_str body)
{
    for (int is_stream = 0; is_stream < 2; is_stream++) {
        struct got got = got_new(tally->arena, true, is_stream);

        whole_read(tally, body, &got);
        got_compare(tally, &got);
        again(tally, &got, is_stream);
    }
    answers++;
}

static void stream_test(const struct tally *tally, hg_str body)
{
    static const size_t mosts[] = {1, 7, 300, 4000, 1000000};

    streams++;
    for (size_t i = 0; i < 2 * sizeof mosts / sizeof *mosts; i++) {
        struct got got = got_new(tally->arena, true, i % 2);

        stream_read(tally, body, mosts[i / 2], &got);
        got_compare(tally, &got);
        again(tally, &got, i % 2);
    }
}

static void error_test(const struct tally *tally, hg_str body)
{
    struct got got = got_new(tally->arena, false, false);
    struct dialect_error error;
    hg_json doc;

    errors++;
    if (!json_parse(tally->arena, body, &doc, NULL))
        return;
    dialect->read_error(tally->arena, doc, &error);
    WANT(tally, error.message.n && error.type.n && error.code.n && error.status >= 400,
         "is an error");
    whole_read(tally, body, &got);
    WANT(tally, got.error.n, "is an error where an answer should be");
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static hg_str written(const struct tally *tally, const struct dialect *from,
                      const struct dialect *to, hg_str path, hg_str model, hg_json doc)
{
    struct chain *out = chain_new(tally->arena);
    struct translation translation;
    struct chat chat;
    struct error error = {""};

    translation_begin(&translation, tally->arena, from, to, model);
    ck_assert_msg(from->read_chat(tally->arena, path, doc, &chat, &error), "%s: %s", tally->name,
                  error.text);
    if (!to->write_chat(&translation, &chat, out, &error)) {
        ck_assert_msg(strstr(error.text, "tools: ") == error.text ||
                          strstr(error.text, "messages: the file ") == error.text,
                      "%s: %s", tally->name, error.text);
        return HG_S("");
    }
    WANT(tally, json_ok(out), "is written whole");
    return chain_flat(out, tally->arena);
}

static hg_json parsed(const struct tally *tally, hg_str text)
{
    hg_json doc = {0};

    WANT(tally, json_parse(tally->arena, text, &doc, NULL), "is JSON");
    return doc;
}

/* To and fro between two spellings of the same: the second writing is like the first. */
static void request_test(const struct tally *tally, hg_str url, hg_str body)
{
    struct arena *arena = tally->arena;
    const char *from = memmem(url.p, url.n, "/v1", 3);
    hg_str path, rest;
    struct dialect_request asked;
    hg_json doc;

    if (!from || !body.n || !json_parse(arena, body, &doc, NULL))
        return;
    requests++;
    path = text_cut((hg_str){from, (size_t)(url.p + url.n - from)}, '?', &rest);
    WANT(tally, dialect_kind_of(dialect, METHOD_POST, path) == HG_R_CHAT, "path");
    dialect->read_request(arena, HG_R_CHAT, path, doc, &asked);
    WANT(tally, asked.model.n, "model");
    WANT(tally, dialect->tokens(HG_R_CHAT, doc) > 0, "tokens");
    WANT(tally, texts_of_request(dialect, arena, HG_R_CHAT, doc).count > 0, "texts");
    hg_str once = written(tally, dialect, dialect, path, asked.model, doc);
    hg_str twice = written(tally, dialect, dialect, path, asked.model, parsed(tally, once));

    same(tally, twice, once, "request to and fro");
    same(tally, canonical(arena, json_member(parsed(tally, once), HG_S("safetySettings"))),
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
static void foreign_test(const struct tally *tally, hg_str body)
{
    static const char *const models[] = {"gemini-3-flash-preview", "gemini-2.5-pro", "gemma-3-27b"};
    const struct dialect *openai = &dialect_openai_chat;
    hg_json doc;

    if (!body.n || !json_parse(tally->arena, body, &doc, NULL) ||
        !json_count(json_member(doc, HG_S("messages"))))
        return;
    foreign++;
    for (size_t i = 0; i < 3; i++) {
        hg_str there =
            written(tally, openai, dialect, HG_S("/v1/chat/completions"), text_of(models[i]), doc);

        if (!there.n)
            continue;
        hg_json ours = parsed(tally, there);
        hg_str back = written(tally, dialect, openai, HG_S("/v1beta/models/m:generateContent"),
                              HG_S("m"), ours);

        if (i < 2 && back.n)
            same(tally,
                 joined(tally->arena,
                        texts_of_request(openai, tally->arena, HG_R_CHAT, parsed(tally, back))),
                 joined(tally->arena, texts_of_request(openai, tally->arena, HG_R_CHAT, doc)),
                 "what the user said");
    }
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static hg_str file_read(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    char *text = arena_alloc(arena, n + 1);

    rewind(file);
    ck_assert_uint_eq(fread(text, 1, n, file), n);
    fclose(file);
    return (hg_str){text, n};
}

static void cassette_test(const char *path)
{
    struct arena *arena = arena_new();
    hg_json tape = {0};

    ck_assert_msg(json_parse(arena, file_read(arena, path), &tape, NULL), "%s", path);
    struct tally tally = {arena, path, json_member(tape, HG_S("derived"))};
    hg_json endpoint = json_member(tape, HG_S("endpoint"));
    hg_str body = json_str(arena, json_get(tape, "/response/body"));
    hg_str asked = json_str(arena, json_get(tape, "/request/body"));
    bool is_error = json_i64(json_get(tape, "/response/status"), 0) >= 400;

    if (json_is(endpoint, HG_S("chat.completions")))
        foreign_test(&tally, asked);
    if (json_is(endpoint, HG_S("generateContent")) ||
        json_is(endpoint, HG_S("streamGenerateContent"))) {
        if (!is_error)
            request_test(&tally, json_str(arena, json_get(tape, "/request/url")), asked);
        if (is_error)
            error_test(&tally, body);
        else if (body.n && body.p[0] == 'd')
            stream_test(&tally, body);
        else if (body.n)
            whole_test(&tally, body);
    }
    arena_free(&arena);
}

static void folder_test(const char *name)
{
    char path[1024];
    DIR *dir;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!(dir = opendir(path)))
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", folder, name, entry->d_name);
        cassette_test(path);
    }
    closedir(dir);
}

START_TEST(every_recorded_answer_is_understood)
{
    DIR *dir = opendir(folder);

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && !strchr(entry->d_name, '.'))
            folder_test(entry->d_name);
    closedir(dir);
    printf("%u answers, %u streams, %u errors, %u requests, %u requests of others\n", answers,
           streams, errors, requests, foreign);
    ck_assert_uint_ge(answers, 15);
    ck_assert_uint_ge(streams, 8);
    ck_assert_uint_ge(errors, 4);
    ck_assert_uint_ge(requests, 20);
    ck_assert_uint_ge(foreign, 50);
}
END_TEST

static bool is_there(void)
{
    const char *shared = getenv("HEADGATE_SHARED");
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/cassettes", shared ? shared : "/nonexistent");
    dir = opendir(folder);
    if (dir)
        closedir(dir);
    return dir != NULL;
}

static int tests_run(void)
{
    const TTest *const all[] = {every_recorded_answer_is_understood};

    return suite_run(&(struct suite){.name = "cassettes_gemini", .tests = all, .count = 1});
}

int main(void)
{
    if (!is_there())
        return 77;
    return tests_run();
}
