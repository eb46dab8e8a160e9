/* Recorded answers of real servers, against what an independent reader made of them: the shared
 * folder's `derived` objects. Streams are cut at random places, replayed and folded. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "http/sse.h"
#include "support/tape.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_openai_chat;
static unsigned answers, streams, errors, plains;

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

static void calls_compare(const struct tape *tape, hg_json message)
{
    hg_json want = json_member(tape->derived, HG_S("tool_calls"));
    hg_json got = json_member(message, HG_S("tool_calls"));
    struct arena *arena = tape->arena;

    if (!want.kind)
        return;
    if (json_member(message, HG_S("function_call")).kind)
        return;
    TAPE_WANT(tape, json_count(want) == json_count(got), "count of tool calls");
    for (size_t i = 0; i < json_count(want); i++) {
        hg_json a = json_element(want, i), b = json_element(got, i);

        tape_call_same(tape, a, json_str(arena, json_get(b, "/function/name")),
                       json_str(arena, json_get(b, "/function/arguments")));
        tape_same(tape, json_str(arena, json_member(b, HG_S("id"))),
                  json_str(arena, json_member(a, HG_S("id"))), "id of a tool call");
    }
}

static void usage_compare(const struct tape *tape, const hg_usage *usage, bool has_usage)
{
    hg_json want = json_member(tape->derived, HG_S("usage"));
    int64_t input = json_i64(json_member(want, HG_S("prompt_tokens")), -1);
    int64_t output = json_i64(json_member(want, HG_S("completion_tokens")), -1);
    int64_t total = json_i64(json_member(want, HG_S("total_tokens")), -1);
    int64_t reasoning = json_i64(json_get(want, "/completion_tokens_details/reasoning_tokens"), 0);
    int64_t cached = json_i64(json_get(want, "/prompt_tokens_details/cached_tokens"), -1);

    TAPE_WANT(tape, has_usage == (want.kind == HG_J_OBJ), "whether there is a usage");
    if (!has_usage)
        return;
    bool beside = cached > input; /* some hosts of Grok count cached tokens apart */

    TAPE_WANT(tape, (int64_t)usage->input == input + (beside ? cached : 0), "input");
    /* The second is Gemini behind a gateway, whose own cost shows that both are billed. */
    if ((total == input + output + reasoning && reasoning) || reasoning > output)
        output += reasoning;
    TAPE_WANT(tape, (int64_t)usage->output == output, "output");
    if (cached >= 0)
        TAPE_WANT(tape, (int64_t)usage->cached_input == cached, "cached");
    if (reasoning)
        TAPE_WANT(tape, (int64_t)usage->reasoning == reasoning, "reasoning");
}

static void answer_compare(const struct tape *tape, hg_str body)
{
    struct arena *arena = tape->arena;
    struct dialect_answer answer;
    hg_json doc, message;

    TAPE_WANT(tape, json_parse(arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(arena, HG_R_CHAT, doc, &answer);
    TAPE_WANT(tape, answer.is_valid && !answer.is_error, "is a valid answer");
    TAPE_WANT(tape, answer.id.n && answer.model.n, "has a name and a model");
    message = json_get(doc, "/choices/0/message");
    hg_str text = content_of(arena, message);
    hg_str want = tape_told(tape, "/text");

    /* Together says the text twice in each event, and the other reader took both. */
    if (want.n != 2 * text.n)
        tape_same(tape, text, want, "text");
    tape_same(tape, reasoning_of(arena, message), tape_told(tape, "/reasoning"), "reasoning");
    calls_compare(tape, message);
    usage_compare(tape, &answer.usage, answer.has_usage);
    tape_same(tape, json_str(arena, json_get(doc, "/choices/0/finish_reason")),
              tape_told(tape, "/finish_reason"), "finish reason");
    TAPE_WANT(tape, answer.finish && answer.finish != HG_FIN_OTHER, "finish");
}

/* ---- whole answers --------------------------------------------------------------------------- */

static bool has_sound(hg_str body)
{
    return memmem(body.p, body.n, "\"transcript\"", 12) != NULL;
}

static void whole_test(const struct tape *tape, hg_str body)
{
    struct chain *events = chain_new(tape->arena), *again = chain_new(tape->arena);

    answer_compare(tape, body);
    answers++;
    TAPE_WANT(tape, dialect->to_events(tape->arena, HG_R_CHAT, body, true, events), "replayed");
    hg_str stream = chain_flat(events, tape->arena);
    bool folded = dialect->to_whole(tape->arena, HG_R_CHAT, stream, again);

    TAPE_WANT(tape, folded != has_sound(body), "folded again");
    if (folded)
        answer_compare(tape, chain_flat(again, tape->arena));
}

static void error_test(const struct tape *tape, hg_str body)
{
    struct dialect_answer answer = {0};
    hg_json doc;

    errors++;
    if (!json_parse(tape->arena, body, &doc, NULL))
        return;
    dialect->read_answer(tape->arena, HG_R_CHAT, doc, &answer);
    TAPE_WANT(tape, answer.is_error && !answer.is_valid && answer.error_message.n, "is an error");
}

/* ---- streams --------------------------------------------------------------------------------- */

struct gathered {
    struct chain *text;
    struct dialect_event last; /* with what any event said */
    bool error, done, content;
    unsigned events;
};

static void event_gather(const struct tape *tape, struct gathered *all, hg_str bytes, bool plain)
{
    struct dialect_event event = {0};
    struct sse_event sse;

    sse_parse(tape->arena, bytes, &sse);
    if (!sse.has_data)
        return;
    dialect->read_event(tape->arena, sse.data, &event);
    TAPE_WANT(tape, event.is_valid || event.is_error, "each event is valid or an error");
    if (plain)
        TAPE_WANT(tape, !event.finish && !event.has_usage && !event.is_error && !event.is_done,
                  "a plain event says nothing else");
    TAPE_WANT(tape, !event.is_usage_only || !event.has_content, "usage only has no content");
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

static void events_gather(const struct tape *tape, struct gathered *all, hg_str events)
{
    bool plain = dialect->is_plain(events);

    plains += plain;
    while (events.n) {
        size_t n = sse_first(events);

        n = n ? n : events.n;
        event_gather(tape, all, (hg_str){events.p, n},
                     plain || dialect->is_plain((hg_str){events.p, n}));
        events.p += n;
        events.n -= n;
    }
}

/* Cuts the stream at random places, as a network does. */
static void stream_read(const struct tape *tape, struct gathered *all, hg_str body, size_t most)
{
    struct sse_scan scan = {0};
    size_t from = 0, at = 0;

    while (at < body.n) {
        size_t n = 1 + (size_t)random() % most;

        n = n < body.n - at ? n : body.n - at;
        size_t whole = sse_scan_ends(&scan, (hg_str){body.p + at, n});

        if (whole) {
            events_gather(tape, all, (hg_str){body.p + from, at + whole - from});
            from = at + whole;
        }
        at += n;
    }
    if (from < body.n)
        events_gather(tape, all, (hg_str){body.p + from, body.n - from});
}

static void stream_test(const struct tape *tape, hg_str body)
{
    static const size_t mosts[] = {1, 7, 300, 4000, 1000000};
    struct chain *whole = chain_new(tape->arena), *events = chain_new(tape->arena);
    unsigned count = 0;

    streams++;
    for (size_t i = 0; i < sizeof mosts / sizeof *mosts; i++) {
        struct gathered all = {.text = chain_new(tape->arena)};

        stream_read(tape, &all, body, mosts[i]);
        TAPE_WANT(tape, !count || count == all.events, "as many events however they are cut");
        count = all.events;
        usage_compare(tape, &all.last.usage, all.last.has_usage);
        TAPE_WANT(tape, all.error == (json_member(tape->derived, HG_S("error")).kind != 0),
                  "error");
        TAPE_WANT(tape, all.content, "has content");
        bool finished = json_member(tape->derived, HG_S("finish_reason")).kind == HG_J_STR;

        TAPE_WANT(tape, (all.last.finish != 0) == finished, "finish");
    }
    bool folded = dialect->to_whole(tape->arena, HG_R_CHAT, body, whole);
    /* This proxy finishes the first of two choices only, and that is no whole answer. */
    bool unfinished = strstr(tape->name, "litellm-proxy/002") != NULL;

    TAPE_WANT(tape,
              unfinished
                  ? !folded
                  : folded == (json_member(tape->derived, HG_S("finish_reason")).kind == HG_J_STR &&
                               !json_member(tape->derived, HG_S("error")).kind),
              "folded");
    if (!folded)
        return;
    hg_str answer = chain_flat(whole, tape->arena);

    answer_compare(tape, answer);
    TAPE_WANT(tape, dialect->to_events(tape->arena, HG_R_CHAT, answer, true, events), "replayed");
    whole = chain_new(tape->arena);
    TAPE_WANT(tape,
              dialect->to_whole(tape->arena, HG_R_CHAT, chain_flat(events, tape->arena), whole),
              "folded again");
    answer_compare(tape, chain_flat(whole, tape->arena));
}

/* ---- legacy completions and embeddings --------------------------------------------------------
 */

static void completion_compare(const struct tape *tape, hg_str body)
{
    struct dialect_answer answer;
    hg_json doc;

    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(tape->arena, HG_R_COMPLETE, doc, &answer);
    TAPE_WANT(tape, answer.is_valid && answer.finish, "is a valid answer");
    usage_compare(tape, &answer.usage, answer.has_usage);
    struct dialect_texts texts = texts_of_answer(dialect, tape->arena, HG_R_COMPLETE, doc);

    TAPE_WANT(tape, texts.count > 0, "has a text");
    hg_str want = tape_told(tape, "/text");

    if (want.n != 2 * texts.list[0].text.n)
        tape_same(tape, texts.list[0].text, want, "text");
}

static void completion_test(const struct tape *tape, hg_str body, bool is_stream)
{
    struct chain *whole = chain_new(tape->arena), *events = chain_new(tape->arena);

    if (is_stream) {
        TAPE_WANT(tape, dialect->to_whole(tape->arena, HG_R_COMPLETE, body, whole), "folded");
        body = chain_flat(whole, tape->arena);
        whole = chain_new(tape->arena);
    }
    completion_compare(tape, body);
    TAPE_WANT(tape, dialect->to_events(tape->arena, HG_R_COMPLETE, body, true, events), "replayed");
    TAPE_WANT(tape,
              dialect->to_whole(tape->arena, HG_R_COMPLETE, chain_flat(events, tape->arena), whole),
              "folded again");
    completion_compare(tape, chain_flat(whole, tape->arena));
    answers++;
}

static void embedding_test(const struct tape *tape, hg_str body)
{
    struct dialect_answer answer;
    hg_json doc;

    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect->read_answer(tape->arena, HG_R_EMBED, doc, &answer);
    TAPE_WANT(tape, answer.is_valid && answer.has_usage && answer.usage.input, "is a valid answer");
    answers++;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void request_test(const struct tape *tape, hg_str body)
{
    struct dialect_request request;
    hg_json doc;

    if (!body.n || !json_parse(tape->arena, body, &doc, NULL))
        return;
    dialect->read_request(tape->arena, HG_R_CHAT, HG_S(""), doc, &request);
    TAPE_WANT(tape, dialect->tokens(HG_R_CHAT, doc) > 0, "request");
    struct chain *same_again = chain_new(tape->arena);

    TAPE_WANT(tape, texts_of_request(dialect, tape->arena, HG_R_CHAT, doc).count > 0, "has texts");
    texts_edit_request(dialect, tape->arena, HG_R_CHAT, doc, &(struct dialect_edits){NULL, 0},
                       same_again);
    tape_same(tape, chain_flat(same_again, tape->arena), body, "unchanged without edits");
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void other_test(const struct tape *tape)
{
    bool is_completion = text_is(tape->endpoint, HG_S("completions"));
    bool is_embedding = text_is(tape->endpoint, HG_S("embeddings"));

    if ((is_completion || is_embedding) && tape->status >= 400)
        error_test(tape, tape->body);
    else if (is_completion)
        completion_test(tape, tape->body, tape->is_stream);
    else if (is_embedding)
        embedding_test(tape, tape->body);
}

static void chat_test(const struct tape *tape)
{
    if (tape->status < 400)
        request_test(tape, tape->request);
    if (tape->status >= 400)
        error_test(tape, tape->body);
    else if (tape->is_stream)
        stream_test(tape, tape->body);
    else if (!json_member(tape->derived, HG_S("error")).kind)
        whole_test(tape, tape->body);
}

static void on_tape(const struct tape *tape, void *arg)
{
    /* No finish reason at all. */
    bool is_odd = json_is(json_member(tape->doc, HG_S("provider")), HG_S("snowflake"));

    (void)arg;
    if (!text_is(tape->endpoint, HG_S("chat.completions")))
        other_test(tape);
    else if (tape->body.n && !is_odd)
        chat_test(tape);
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    tapes_each(on_tape, NULL);
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
    struct tape tape = {.arena = arena, .name = "usage-cost-samples.jsonl"};
    hg_json sample, response, tokens;

    ck_assert(json_parse(arena, line, &sample, NULL));
    response = json_member(sample, HG_S("response"));
    tokens = json_member(sample, HG_S("tokens"));
    if (!json_get(response, "/usage/prompt_tokens").kind)
        return;
    ck_assert(json_parse(arena, json_raw(response), &response, NULL));
    dialect->read_answer(arena, HG_R_CHAT, response, &answer);
    samples++;
    TAPE_WANT(&tape, answer.has_usage, "has a usage");
    TAPE_WANT(&tape, (int64_t)answer.usage.input == json_i64(json_get(tokens, "/input_tokens"), -1),
              "input");
    TAPE_WANT(&tape,
              (int64_t)answer.usage.output == json_i64(json_get(tokens, "/output_tokens"), 0),
              "output");
    TAPE_WANT(&tape,
              (int64_t)answer.usage.cached_input ==
                  json_i64(json_get(tokens, "/cache_read_tokens"), 0),
              "cached");
}

START_TEST(usages_that_others_have_priced_are_counted_alike)
{
    struct arena *arena = arena_new();
    hg_str rest = shared_read(arena, "prices/usage-cost-samples.jsonl");

    while (rest.n) {
        hg_str line = text_cut(rest, '\n', &rest);

        if (line.n)
            usage_sample(arena, line);
    }
    ck_assert_uint_gt(samples, 60);
    arena_free(&arena);
}
END_TEST

RUN_TAPES("dialect/cassettes", 120, recorded_answers_are_read_as_others_read_them,
          usages_that_others_have_priced_are_counted_alike)
