/* Recorded answers of real servers, against what an independent reader made of them: the shared
 * folder's `derived` objects. Streams are cut at random places, replayed and folded. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "http/sse.h"
#include "support/canonical.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_openai_chat;
static char folder[512];
static unsigned answers, streams, errors, plains;

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

static hg_str parts_text(struct arena *arena, hg_json parts, const char *member)
{
    struct chain *joined = chain_new(arena);
    hg_json_it it = {{0, 0}};
    hg_json part;

    while (json_next(parts, &it, NULL, &part)) {
        hg_json value = json_member(part, text_of(member));
        hg_str text =
            value.kind == HG_J_ARR ? parts_text(arena, value, "text") : json_str(arena, value);

        chain_put(joined, text.p, text.n);
    }
    return chain_flat(joined, arena);
}

static hg_str content_of(struct arena *arena, hg_json message)
{
    hg_json content = json_member(message, HG_S("content"));

    return content.kind == HG_J_ARR ? parts_text(arena, content, "text") : json_str(arena, content);
}

static hg_str reasoning_of(struct arena *arena, hg_json message)
{
    hg_str text = json_str(arena, json_member(message, HG_S("reasoning_content")));

    if (!text.n)
        text = json_str(arena, json_member(message, HG_S("reasoning")));
    if (!text.n)
        text = parts_text(arena, json_member(message, HG_S("content")), "thinking");
    return text;
}

/* Arguments are compared as JSON where they are JSON. */
static hg_str meaning(struct arena *arena, hg_str text)
{
    hg_json root;

    return json_parse(arena, text, &root, NULL) ? canonical(arena, root) : text;
}

static void calls_compare(const struct tally *tally, hg_json message)
{
    hg_json want = json_member(tally->derived, HG_S("tool_calls"));
    hg_json got = json_member(message, HG_S("tool_calls"));
    struct arena *arena = tally->arena;

    if (!want.kind)
        return;
    if (json_member(message, HG_S("function_call")).kind)
        return;
    WANT(tally, json_count(want) == json_count(got), "count of tool calls");
    for (size_t i = 0; i < json_count(want); i++) {
        hg_json a = json_element(want, i), b = json_element(got, i);

        same(tally, json_str(arena, json_get(b, "/function/name")),
             json_str(arena, json_member(a, HG_S("name"))), "name of a tool call");
        same(tally, json_str(arena, json_member(b, HG_S("id"))),
             json_str(arena, json_member(a, HG_S("id"))), "id of a tool call");
        same(tally, meaning(arena, json_str(arena, json_get(b, "/function/arguments"))),
             meaning(arena, json_str(arena, json_member(a, HG_S("arguments")))), "arguments");
    }
}

static void usage_compare(const struct tally *tally, const hg_usage *usage, bool has_usage)
{
    hg_json want = json_member(tally->derived, HG_S("usage"));
    int64_t input = json_i64(json_member(want, HG_S("prompt_tokens")), -1);
    int64_t output = json_i64(json_member(want, HG_S("completion_tokens")), -1);
    int64_t total = json_i64(json_member(want, HG_S("total_tokens")), -1);
    int64_t reasoning = json_i64(json_get(want, "/completion_tokens_details/reasoning_tokens"), 0);
    int64_t cached = json_i64(json_get(want, "/prompt_tokens_details/cached_tokens"), -1);

    WANT(tally, has_usage == (want.kind == HG_J_OBJ), "whether there is a usage");
    if (!has_usage)
        return;
    bool beside = cached > input; /* some hosts of Grok count cached tokens apart */

    WANT(tally, (int64_t)usage->input == input + (beside ? cached : 0), "input");
    /* The second is Gemini behind a gateway, whose own cost shows that both are billed. */
    if ((total == input + output + reasoning && reasoning) || reasoning > output)
        output += reasoning;
    WANT(tally, (int64_t)usage->output == output, "output");
    if (cached >= 0)
        WANT(tally, (int64_t)usage->cached_input == cached, "cached");
    if (reasoning)
        WANT(tally, (int64_t)usage->reasoning == reasoning, "reasoning");
}

static void answer_compare(const struct tally *tally, hg_str body)
{
    struct arena *arena = tally->arena;
    struct dialect_answer answer;
    hg_json doc, message;

    WANT(tally, json_parse(arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(arena, HG_R_CHAT, doc, &answer);
    WANT(tally, answer.is_valid && !answer.is_error, "is a valid answer");
    WANT(tally, answer.id.n && answer.model.n, "has a name and a model");
    message = json_get(doc, "/choices/0/message");
    hg_str text = content_of(arena, message);
    hg_str want = json_str(arena, json_member(tally->derived, HG_S("text")));

    /* Together says the text twice in each event, and the other reader took both. */
    if (want.n != 2 * text.n)
        same(tally, text, want, "text");
    same(tally, reasoning_of(arena, message),
         json_str(arena, json_member(tally->derived, HG_S("reasoning"))), "reasoning");
    calls_compare(tally, message);
    usage_compare(tally, &answer.usage, answer.has_usage);
    same(tally, json_str(arena, json_get(doc, "/choices/0/finish_reason")),
         json_str(arena, json_member(tally->derived, HG_S("finish_reason"))), "finish reason");
    WANT(tally, answer.finish && answer.finish != HG_FIN_OTHER, "finish");
}

/* ---- whole answers --------------------------------------------------------------------------- */

static bool has_sound(hg_str body)
{
    return memmem(body.p, body.n, "\"transcript\"", 12) != NULL;
}

static void whole_test(const struct tally *tally, hg_str body)
{
    struct chain *events = chain_new(tally->arena), *again = chain_new(tally->arena);

    answer_compare(tally, body);
    answers++;
    WANT(tally, dialect->to_events(tally->arena, HG_R_CHAT, body, true, events), "replayed");
    hg_str stream = chain_flat(events, tally->arena);
    bool folded = dialect->to_whole(tally->arena, HG_R_CHAT, stream, again);

    WANT(tally, folded != has_sound(body), "folded again");
    if (folded)
        answer_compare(tally, chain_flat(again, tally->arena));
}

static void error_test(const struct tally *tally, hg_str body)
{
    struct dialect_answer answer = {0};
    hg_json doc;

    errors++;
    if (!json_parse(tally->arena, body, &doc, NULL))
        return;
    dialect->read_answer(tally->arena, HG_R_CHAT, doc, &answer);
    WANT(tally, answer.is_error && !answer.is_valid && answer.error_message.n, "is an error");
}

/* ---- streams --------------------------------------------------------------------------------- */

struct gathered {
    struct chain *text;
    struct dialect_event last; /* with what any event said */
    bool error, done, content;
    unsigned events;
};

static void event_gather(const struct tally *tally, struct gathered *all, hg_str bytes, bool plain)
{
    struct dialect_event event = {0};
    struct sse_event sse;

    sse_parse(tally->arena, bytes, &sse);
    if (!sse.has_data)
        return;
    dialect->read_event(tally->arena, sse.data, &event);
    WANT(tally, event.is_valid || event.is_error, "each event is valid or an error");
    if (plain)
        WANT(tally, !event.finish && !event.has_usage && !event.is_error && !event.is_done,
             "a plain event says nothing else");
    WANT(tally, !event.is_usage_only || !event.has_content, "usage only has no content");
    chain_put(all->text, event.text.p, event.text.n);
    all->events++;
    all->error |= event.is_error;
    all->done |= event.is_done;
    all->content |= event.has_content;
    if (event.finish)
        all->last.finish = event.finish;
    if (event.has_usage) {
        all->last.has_usage = true;
        all->last.usage = event.usage;
    }
}

static void events_gather(const struct tally *tally, struct gathered *all, hg_str events)
{
    bool plain = dialect->is_plain(events);

    plains += plain;
    while (events.n) {
        size_t n = sse_first(events);

        n = n ? n : events.n;
        event_gather(tally, all, (hg_str){events.p, n},
                     plain || dialect->is_plain((hg_str){events.p, n}));
        events.p += n;
        events.n -= n;
    }
}

/* Cuts the stream at random places, as a network does. */
static void stream_read(const struct tally *tally, struct gathered *all, hg_str body, size_t most)
{
    struct sse_scan scan = {0};
    size_t from = 0, at = 0;

    while (at < body.n) {
        size_t n = 1 + (size_t)random() % most;

        n = n < body.n - at ? n : body.n - at;
        size_t whole = sse_scan_ends(&scan, (hg_str){body.p + at, n});

        if (whole) {
            events_gather(tally, all, (hg_str){body.p + from, at + whole - from});
            from = at + whole;
        }
        at += n;
    }
    if (from < body.n)
        events_gather(tally, all, (hg_str){body.p + from, body.n - from});
}

static void stream_test(const struct tally *tally, hg_str body)
{
    static const size_t mosts[] = {1, 7, 300, 4000, 1000000};
    struct chain *whole = chain_new(tally->arena), *events = chain_new(tally->arena);
    unsigned count = 0;

    streams++;
    for (size_t i = 0; i < sizeof mosts / sizeof *mosts; i++) {
        struct gathered all = {.text = chain_new(tally->arena)};

        stream_read(tally, &all, body, mosts[i]);
        WANT(tally, !count || count == all.events, "as many events however they are cut");
        count = all.events;
        usage_compare(tally, &all.last.usage, all.last.has_usage);
        WANT(tally, all.error == (json_member(tally->derived, HG_S("error")).kind != 0), "error");
        WANT(tally, all.content, "has content");
        bool finished = json_member(tally->derived, HG_S("finish_reason")).kind == HG_J_STR;

        WANT(tally, (all.last.finish != 0) == finished, "finish");
    }
    bool folded = dialect->to_whole(tally->arena, HG_R_CHAT, body, whole);
    /* This proxy finishes the first of two choices only, and that is no whole answer. */
    bool unfinished = strstr(tally->name, "litellm-proxy/002") != NULL;

    WANT(tally,
         unfinished
             ? !folded
             : folded == (json_member(tally->derived, HG_S("finish_reason")).kind == HG_J_STR &&
                          !json_member(tally->derived, HG_S("error")).kind),
         "folded");
    if (!folded)
        return;
    hg_str answer = chain_flat(whole, tally->arena);

    answer_compare(tally, answer);
    WANT(tally, dialect->to_events(tally->arena, HG_R_CHAT, answer, true, events), "replayed");
    whole = chain_new(tally->arena);
    WANT(tally, dialect->to_whole(tally->arena, HG_R_CHAT, chain_flat(events, tally->arena), whole),
         "folded again");
    answer_compare(tally, chain_flat(whole, tally->arena));
}

/* ---- legacy completions and embeddings --------------------------------------------------------
 */

static void completion_compare(const struct tally *tally, hg_str body)
{
    struct dialect_answer answer;
    hg_json doc;

    WANT(tally, json_parse(tally->arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(tally->arena, HG_R_COMPLETE, doc, &answer);
    WANT(tally, answer.is_valid && answer.finish, "is a valid answer");
    usage_compare(tally, &answer.usage, answer.has_usage);
    struct dialect_texts texts = texts_of_answer(dialect, tally->arena, HG_R_COMPLETE, doc);

    WANT(tally, texts.count > 0, "has a text");
    hg_str want = json_str(tally->arena, json_member(tally->derived, HG_S("text")));

    if (want.n != 2 * texts.list[0].text.n)
        same(tally, texts.list[0].text, want, "text");
}

static void completion_test(const struct tally *tally, hg_str body, bool is_stream)
{
    struct chain *whole = chain_new(tally->arena), *events = chain_new(tally->arena);

    if (is_stream) {
        WANT(tally, dialect->to_whole(tally->arena, HG_R_COMPLETE, body, whole), "folded");
        body = chain_flat(whole, tally->arena);
        whole = chain_new(tally->arena);
    }
    completion_compare(tally, body);
    WANT(tally, dialect->to_events(tally->arena, HG_R_COMPLETE, body, true, events), "replayed");
    WANT(tally,
         dialect->to_whole(tally->arena, HG_R_COMPLETE, chain_flat(events, tally->arena), whole),
         "folded again");
    completion_compare(tally, chain_flat(whole, tally->arena));
    answers++;
}

static void embedding_test(const struct tally *tally, hg_str body)
{
    struct dialect_answer answer;
    hg_json doc;

    WANT(tally, json_parse(tally->arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(tally->arena, HG_R_EMBED, doc, &answer);
    WANT(tally, answer.is_valid && answer.has_usage && answer.usage.input, "is a valid answer");
    answers++;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void request_test(const struct tally *tally, hg_str body)
{
    struct dialect_request request;
    hg_json doc;

    if (!body.n || !json_parse(tally->arena, body, &doc, NULL))
        return;
    dialect->read_request(tally->arena, HG_R_CHAT, HG_S(""), doc, &request);
    WANT(tally, dialect->tokens(HG_R_CHAT, doc) > 0, "request");
    struct chain *same_again = chain_new(tally->arena);

    WANT(tally, texts_of_request(dialect, tally->arena, HG_R_CHAT, doc).count > 0, "has texts");
    texts_edit_request(dialect, tally->arena, HG_R_CHAT, doc, &(struct dialect_edits){NULL, 0},
                       same_again);
    same(tally, chain_flat(same_again, tally->arena), body, "unchanged without edits");
}

/* ---- all of them ----------------------------------------------------------------------------- */

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
    hg_str body = json_str(arena, json_get(tape, "/response/body"));
    int64_t status = json_i64(json_get(tape, "/response/status"), 0);
    bool is_chat = json_is(json_member(tape, HG_S("endpoint")), HG_S("chat.completions"));
    /* No finish reason at all. */
    bool is_odd = json_is(json_member(tape, HG_S("provider")), HG_S("snowflake"));

    bool is_stream = json_is_yes(json_get(tape, "/response/is_stream"));
    bool is_completion = json_is(json_member(tape, HG_S("endpoint")), HG_S("completions"));
    bool is_embedding = json_is(json_member(tape, HG_S("endpoint")), HG_S("embeddings"));

    if ((is_completion || is_embedding) && status >= 400)
        error_test(&tally, body);
    else if (is_completion)
        completion_test(&tally, body, is_stream);
    else if (is_embedding)
        embedding_test(&tally, body);
    if (is_chat && body.n && !is_odd) {
        if (status < 400)
            request_test(&tally, json_str(arena, json_get(tape, "/request/body")));
        if (status >= 400)
            error_test(&tally, body);
        else if (is_stream)
            stream_test(&tally, body);
        else if (!json_member(tally.derived, HG_S("error")).kind)
            whole_test(&tally, body);
    }
    arena_free(&arena);
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    DIR *providers = opendir(folder);

    srandom(1);
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
    printf("%u answers, %u streams, %u errors, %u plain runs\n", answers, streams, errors, plains);
    ck_assert_uint_gt(answers, 40);
    ck_assert_uint_gt(streams, 40);
    ck_assert_uint_gt(errors, 15);
    ck_assert_uint_gt(plains, 1000);
}
END_TEST

static unsigned samples;

static void usage_sample(struct arena *arena, hg_str line)
{
    struct dialect_answer answer;
    struct tally tally = {arena, "usage-cost-samples.jsonl", {0}};
    hg_json sample, response, tokens;

    ck_assert(json_parse(arena, line, &sample, NULL));
    response = json_member(sample, HG_S("response"));
    tokens = json_member(sample, HG_S("tokens"));
    if (!json_get(response, "/usage/prompt_tokens").kind)
        return;
    ck_assert(json_parse(arena, json_raw(response), &response, NULL));
    dialect->read_answer(arena, HG_R_CHAT, response, &answer);
    samples++;
    WANT(&tally, answer.has_usage, "has a usage");
    WANT(&tally, (int64_t)answer.usage.input == json_i64(json_get(tokens, "/input_tokens"), -1),
         "input");
    WANT(&tally, (int64_t)answer.usage.output == json_i64(json_get(tokens, "/output_tokens"), 0),
         "output");
    WANT(&tally,
         (int64_t)answer.usage.cached_input == json_i64(json_get(tokens, "/cache_read_tokens"), 0),
         "cached");
}

START_TEST(usages_that_others_have_priced_are_counted_alike)
{
    struct arena *arena = arena_new();
    char path[600];

    snprintf(path, sizeof path, "%s/../prices/usage-cost-samples.jsonl", folder);
    hg_str rest = file_read(arena, path);

    while (rest.n) {
        hg_str line = text_cut(rest, '\n', &rest);

        if (line.n)
            usage_sample(arena, line);
    }
    ck_assert_uint_gt(samples, 60);
    arena_free(&arena);
}
END_TEST

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
    Suite *suite = suite_create("dialect/cassettes");
    TCase *tcase = tcase_create("cassettes");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, recorded_answers_are_read_as_others_read_them);
    tcase_add_test(tcase, usages_that_others_have_priced_are_counted_alike);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
