/* Recorded answers of Anthropic's API and of Claude on Bedrock, against what an independent reader
 * made of them: the shared folder's `derived` objects. Then written again, whole and as a stream,
 * and read once more. */
#include "gathered.h"

#include <dirent.h>
#include <stdio.h>

#include "base/base64.h"
#include "dialect/translation.h"
#include "support/canonical.h"
#include "support/suite.h"

static const struct dialect *const dialect = &dialect_anthropic;
static char folder[512];
static unsigned wholes, streams, errors, requests;

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

static hg_str meaning(struct arena *arena, hg_str text)
{
    hg_json root;

    return json_parse(arena, text, &root, NULL) ? canonical(arena, root) : text;
}

static hg_str told(const struct tally *tally, const char *member)
{
    return json_str(tally->arena, json_member(tally->derived, text_of(member)));
}

static void calls_compare(const struct tally *tally, const struct gathered *all)
{
    hg_json calls = json_member(tally->derived, HG_S("tool_calls"));

    WANT(tally, json_count(calls) == all->call_count, "count of calls");
    for (size_t i = 0; i < all->call_count; i++) {
        hg_json call = json_element(calls, i);
        hg_str args = json_str(tally->arena, json_member(call, HG_S("arguments")));

        same(tally, all->calls[i].id, json_str(tally->arena, json_member(call, HG_S("id"))), "id");
        same(tally, all->calls[i].name, json_str(tally->arena, json_member(call, HG_S("name"))),
             "name");
        same(tally, meaning(tally->arena, chain_flat(all->calls[i].args, tally->arena)),
             meaning(tally->arena, args), "arguments");
        WANT(tally, all->calls[i].is_over, "each call ends");
    }
}

static int64_t count(const struct tally *tally, const char *key)
{
    return json_i64(json_member(json_member(tally->derived, HG_S("usage")), text_of(key)), 0);
}

static void usage_compare(const struct tally *tally, const struct gathered *all)
{
    int64_t read = count(tally, "cache_read_input_tokens"),
            written = count(tally, "cache_creation_input_tokens");

    if (json_member(tally->derived, HG_S("usage")).kind != HG_J_OBJ)
        return;
    WANT(tally, (int64_t)all->usage.input == count(tally, "input_tokens") + read + written,
         "input");
    WANT(tally, (int64_t)all->usage.output == count(tally, "output_tokens"), "output");
    WANT(tally, (int64_t)all->usage.cached_input == read, "cached");
    WANT(tally, (int64_t)all->usage.cache_write == written, "written");
}

static void answer_compare(const struct tally *tally, const struct gathered *all)
{
    WANT(tally, !all->errors && all->starts == 1 && all->finishes == 1, "one start, one finish");
    WANT(tally, all->finish && all->finish != HG_FIN_OTHER, "a known finish");
    WANT(tally, all->id.n && all->model.n, "has a name and a model");
    same(tally, gathered_text(all), told(tally, "text"), "text");
    same(tally, chain_flat(all->reasoning, tally->arena), told(tally, "reasoning"), "reasoning");
    same(tally, all->native, told(tally, "finish_reason"), "finish reason");
    calls_compare(tally, all);
    usage_compare(tally, all);
}

/* ---- written again --------------------------------------------------------------------------- */

struct rewriting {
    struct dialect_writer *writer;
    struct chain *out;
};

static void rewrite(void *arg, const hg_event *event)
{
    struct rewriting *rewriting = arg;

    dialect->write(rewriting->writer, event, rewriting->out);
}

static hg_str rewritten(const struct tally *tally, hg_str answer, uint32_t framing, bool is_stream)
{
    struct rewriting rewriting = {dialect->writer_new(tally->arena, HG_R_CHAT, is_stream, true),
                                  chain_new(tally->arena)};
    struct dialect_sink sink = {rewrite, &rewriting};
    struct dialect_reader *reader = dialect->reader_new(tally->arena, HG_R_CHAT, &sink);
    hg_json doc;

    if (framing) {
        frames_read(reader, dialect, framing, answer);
    } else {
        WANT(tally, json_parse(tally->arena, answer, &doc, NULL), "is JSON");
        dialect->reader_whole(reader, tally->arena, doc);
    }
    dialect->write_end(rewriting.writer, rewriting.out);
    return chain_flat(rewriting.out, tally->arena);
}

static void again(const struct tally *tally, hg_str answer, uint32_t framing)
{
    hg_str whole = rewritten(tally, answer, framing, false),
           stream = rewritten(tally, answer, framing, true);
    struct order order = order_check(tally->arena, stream);
    struct gathered all = whole_gather(tally->arena, whole);

    answer_compare(tally, &all);
    WANT(tally, order.has_stop, "the stream is whole");
    all = stream_gather(tally->arena, HG_FRAME_SSE, stream);
    answer_compare(tally, &all);
}

/* ---- one recording --------------------------------------------------------------------------- */

static void whole_test(const struct tally *tally, hg_str body)
{
    struct gathered all = whole_gather(tally->arena, body);
    struct dialect_answer answer;
    hg_json doc;

    answer_compare(tally, &all);
    WANT(tally, json_parse(tally->arena, body, &doc, NULL), "is JSON");
    dialect_read_answer(dialect, tally->arena, HG_R_CHAT, doc, &answer);
    WANT(tally, answer.is_valid && answer.has_usage && answer.finish == all.finish, "as watched");
    again(tally, body, 0);
    wholes++;
}

static void stream_test(const struct tally *tally, hg_str body, uint32_t framing)
{
    struct gathered all = stream_gather(tally->arena, framing, body);

    answer_compare(tally, &all);
    again(tally, body, framing);
    streams++;
}

static void error_test(const struct tally *tally, hg_str body)
{
    struct dialect_error error;
    struct gathered all;
    hg_json doc;

    WANT(tally, json_parse(tally->arena, body, &doc, NULL), "is JSON");
    dialect->read_error(tally->arena, doc, &error);
    WANT(tally, error.message.n && error.type.n, "says what is wrong");
    all = whole_gather(tally->arena, body);
    WANT(tally, all.errors == 1 && text_is(all.error_type, error.type), "is an error");
    errors++;
}

static void answer_test(const struct tally *tally, hg_json response)
{
    hg_str body = json_str(tally->arena, json_member(response, HG_S("body")));
    hg_str bytes = json_str(tally->arena, json_member(response, HG_S("body_base64")));

    if (json_i64(json_member(response, HG_S("status")), 0) >= 400)
        error_test(tally, body);
    else if (bytes.n)
        stream_test(tally, base64_decode(tally->arena, bytes), HG_FRAME_AWS);
    else if (json_is_yes(json_member(response, HG_S("is_stream"))))
        stream_test(tally, body, HG_FRAME_SSE);
    else
        whole_test(tally, body);
}

static bool is_ours(struct arena *arena, hg_json tape)
{
    hg_str model = json_str(arena, json_member(tape, HG_S("model")));
    hg_json endpoint = json_member(tape, HG_S("endpoint"));

    return json_is(endpoint, HG_S("messages")) ||
           (text_starts(json_raw_str(endpoint), HG_S("invoke")) &&
            memmem(model.p, model.n, "anthropic", 9) &&
            json_i64(json_get(tape, "/response/status"), 0) < 400);
}

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

static void request_test(const struct tally *tally, hg_str body);

static void cassette_test(const char *path)
{
    struct arena *arena = arena_new();
    hg_json tape = {0};

    ck_assert_msg(json_parse(arena, file_read(arena, path), &tape, NULL), "%s", path);
    struct tally tally = {arena, path, json_member(tape, HG_S("derived"))};

    if (is_ours(arena, tape)) {
        answer_test(&tally, json_member(tape, HG_S("response")));
        request_test(&tally, json_str(arena, json_get(tape, "/request/body")));
    }
    arena_free(&arena);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void same_member(const struct tally *tally, hg_json before, hg_json after, const char *key)
{
    hg_json value = json_member(before, text_of(key));

    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL || value.kind == HG_J_FALSE ||
        (value.kind == HG_J_ARR && !json_count(value)))
        return;
    same(tally, canonical(tally->arena, json_member(after, text_of(key))),
         canonical(tally->arena, value), key);
}

/* Into normal form and back: what has a place there is the same again. A text alone becomes a list
 * of one block, so documents without such are compared member by member. */
static void request_test(const struct tally *tally, hg_str body)
{
    static const char *const keys[] = {
        "model",        "max_tokens",    "temperature",        "top_p",       "top_k",
        "tools",        "tool_choice",   "thinking",           "metadata",    "stop_sequences",
        "stream",       "output_config", "context_management", "mcp_servers", "container",
        "cache_control"};
    struct chain *out = chain_new(tally->arena);
    struct translation translation;
    struct error error = {""};
    struct chat chat;
    hg_json doc, written;

    if (!body.n || !json_parse(tally->arena, body, &doc, NULL) ||
        json_member(doc, HG_S("model")).kind != HG_J_STR)
        return;
    WANT(tally, dialect->read_chat(tally->arena, HG_S(""), doc, &chat, &error), error.text);
    translation_begin(&translation, tally->arena, dialect, dialect, chat.model);
    WANT(tally, dialect->write_chat(&translation, &chat, out, &error), error.text);
    WANT(tally, !translation.lost, "nothing is lost");
    WANT(tally, json_parse(tally->arena, chain_flat(out, tally->arena), &written, NULL), "is JSON");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        same_member(tally, doc, written, keys[i]);
    WANT(tally,
         json_count(json_member(doc, HG_S("messages"))) ==
             json_count(json_member(written, HG_S("messages"))),
         "as many turns");
    requests++;
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    DIR *providers = opendir(folder);

    for (struct dirent *provider; (provider = readdir(providers));) {
        char path[1100];
        DIR *files;

        snprintf(path, sizeof path, "%s/%s", folder, provider->d_name);
        if (provider->d_name[0] == '.' || !(files = opendir(path)))
            continue;
        for (struct dirent *file; (file = readdir(files));) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, provider->d_name, file->d_name);
            if (text_ends(text_of(file->d_name), HG_S(".json")))
                cassette_test(path);
        }
        closedir(files);
    }
    closedir(providers);
    printf("%u answers, %u streams, %u errors, %u requests\n", wholes, streams, errors, requests);
    ck_assert_uint_ge(wholes, 20);
    ck_assert_uint_ge(streams, 20);
    ck_assert_uint_ge(errors, 4);
    ck_assert_uint_ge(requests, 30);
}
END_TEST

static int run(void)
{
    const TTest *const tests[] = {recorded_answers_are_read_as_others_read_them};

    return suite_run(
        &(struct suite){.name = "dialect/anthropic/cassettes", .tests = tests, .count = 1});
}

int main(void)
{
    const char *shared = getenv("HEADGATE_SHARED");
    DIR *found;

    snprintf(folder, sizeof folder, "%s/cassettes", shared ? shared : "../shared");
    found = opendir(folder);
    if (!found) {
        puts("skipped: no cassettes");
        return 77; /* what automake takes for skipped */
    }
    closedir(found);
    return run();
}
