/* Recorded answers of Anthropic's API and of Claude on Bedrock, against what an independent reader
 * made of them: the shared folder's `derived` objects. Then written again, whole and as a stream,
 * and read once more. */
#include "gathered.h"

#include <stdio.h>

#include "dialect/translation.h"
#include "support/canonical.h"
#include "support/tape.h"

static const struct dialect *const dialect = &dialect_anthropic;
static unsigned wholes, streams, errors, requests;

static void calls_compare(const struct tape *tape, const struct gathered *all)
{
    hg_json calls = json_member(tape->derived, HG_S("tool_calls"));

    TAPE_WANT(tape, json_count(calls) == all->call_count, "count of calls");
    for (size_t i = 0; i < all->call_count; i++) {
        hg_json call = json_element(calls, i);

        tape_same(tape, all->calls[i].id, json_str(tape->arena, json_member(call, HG_S("id"))),
                  "id");
        tape_call_same(tape, call, all->calls[i].name, chain_flat(all->calls[i].args, tape->arena));
        TAPE_WANT(tape, all->calls[i].is_over, "each call ends");
    }
}

static int64_t count(const struct tape *tape, const char *key)
{
    return json_i64(json_member(json_member(tape->derived, HG_S("usage")), text_of(key)), 0);
}

static void usage_compare(const struct tape *tape, const struct gathered *all)
{
    int64_t read = count(tape, "cache_read_input_tokens"),
            written = count(tape, "cache_creation_input_tokens");

    if (json_member(tape->derived, HG_S("usage")).kind != HG_J_OBJ)
        return;
    TAPE_WANT(tape, (int64_t)all->usage.input == count(tape, "input_tokens") + read + written,
              "input");
    TAPE_WANT(tape, (int64_t)all->usage.output == count(tape, "output_tokens"), "output");
    TAPE_WANT(tape, (int64_t)all->usage.cached_input == read, "cached");
    TAPE_WANT(tape, (int64_t)all->usage.cache_write == written, "written");
}

static void answer_compare(const struct tape *tape, const struct gathered *all)
{
    TAPE_WANT(tape, !all->errors && all->starts == 1 && all->finishes == 1,
              "one start, one finish");
    TAPE_WANT(tape, all->finish && all->finish != HG_FIN_OTHER, "a known finish");
    TAPE_WANT(tape, all->id.n && all->model.n, "has a name and a model");
    tape_same(tape, gathered_text(all), tape_told(tape, "/text"), "text");
    tape_same(tape, chain_flat(all->reasoning, tape->arena), tape_told(tape, "/reasoning"),
              "reasoning");
    tape_same(tape, all->native, tape_told(tape, "/finish_reason"), "finish reason");
    calls_compare(tape, all);
    usage_compare(tape, all);
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

static hg_str rewritten(const struct tape *tape, hg_str answer, uint32_t framing, bool is_stream)
{
    struct rewriting rewriting = {dialect->writer_new(tape->arena, HG_R_CHAT, is_stream, true),
                                  chain_new(tape->arena)};
    struct dialect_sink sink = {rewrite, &rewriting};
    struct dialect_reader *reader = dialect->reader_new(tape->arena, HG_R_CHAT, &sink);
    hg_json doc;

    if (framing) {
        frames_read(reader, dialect, framing, answer);
    } else {
        TAPE_WANT(tape, json_parse(tape->arena, answer, &doc, NULL), "is JSON");
        dialect->reader_whole(reader, tape->arena, doc);
    }
    dialect->write_end(rewriting.writer, rewriting.out);
    return chain_flat(rewriting.out, tape->arena);
}

static void again(const struct tape *tape, hg_str answer, uint32_t framing)
{
    hg_str whole = rewritten(tape, answer, framing, false),
           stream = rewritten(tape, answer, framing, true);
    struct order order = order_check(tape->arena, stream);
    struct gathered all = whole_gather(tape->arena, whole);

    answer_compare(tape, &all);
    TAPE_WANT(tape, order.has_stop, "the stream is whole");
    all = stream_gather(tape->arena, HG_FRAME_SSE, stream);
    answer_compare(tape, &all);
}

/* ---- one recording --------------------------------------------------------------------------- */

static void whole_test(const struct tape *tape, hg_str body)
{
    struct gathered all = whole_gather(tape->arena, body);
    struct dialect_answer answer;
    hg_json doc;

    answer_compare(tape, &all);
    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect_read_answer(dialect, tape->arena, HG_R_CHAT, doc, &answer);
    TAPE_WANT(tape, answer.is_valid && answer.has_usage && answer.finish == all.finish,
              "as watched");
    again(tape, body, 0);
    wholes++;
}

static void stream_test(const struct tape *tape, hg_str body, uint32_t framing)
{
    struct gathered all = stream_gather(tape->arena, framing, body);

    answer_compare(tape, &all);
    again(tape, body, framing);
    streams++;
}

static void error_test(const struct tape *tape, hg_str body)
{
    struct dialect_error error;
    struct gathered all;
    hg_json doc;

    TAPE_WANT(tape, json_parse(tape->arena, body, &doc, NULL), "is JSON");
    dialect->read_error(tape->arena, doc, &error);
    TAPE_WANT(tape, error.message.n && error.type.n, "says what is wrong");
    all = whole_gather(tape->arena, body);
    TAPE_WANT(tape, all.errors == 1 && text_is(all.error_type, error.type), "is an error");
    errors++;
}

static void answer_test(const struct tape *tape)
{
    if (tape->status >= 400)
        error_test(tape, tape->body);
    else if (tape->is_binary)
        stream_test(tape, tape->body, HG_FRAME_AWS);
    else if (tape->is_stream)
        stream_test(tape, tape->body, HG_FRAME_SSE);
    else
        whole_test(tape, tape->body);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void same_member(const struct tape *tape, hg_json before, hg_json after, const char *key)
{
    hg_json value = json_member(before, text_of(key));

    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL || value.kind == HG_J_FALSE ||
        (value.kind == HG_J_ARR && !json_count(value)))
        return;
    tape_same(tape, canonical(tape->arena, json_member(after, text_of(key))),
              canonical(tape->arena, value), key);
}

/* Into normal form and back: what has a place there is the same again. A text alone becomes a list
 * of one block, so documents without such are compared member by member. */
static void request_test(const struct tape *tape, hg_str body)
{
    static const char *const keys[] = {
        "model",        "max_tokens",    "temperature",        "top_p",       "top_k",
        "tools",        "tool_choice",   "thinking",           "metadata",    "stop_sequences",
        "stream",       "output_config", "context_management", "mcp_servers", "container",
        "cache_control"};
    struct chain *out = chain_new(tape->arena);
    struct translation translation;
    struct error error = {""};
    struct chat chat;
    hg_json doc, written;

    if (!body.n || !json_parse(tape->arena, body, &doc, NULL) ||
        json_member(doc, HG_S("model")).kind != HG_J_STR)
        return;
    TAPE_WANT(tape, dialect->read_chat(tape->arena, HG_S(""), doc, &chat, &error), error.text);
    translation_begin(&translation, tape->arena, dialect, dialect, chat.model);
    TAPE_WANT(tape, dialect->write_chat(&translation, &chat, out, &error), error.text);
    TAPE_WANT(tape, !translation.lost, "nothing is lost");
    TAPE_WANT(tape, json_parse(tape->arena, chain_flat(out, tape->arena), &written, NULL),
              "is JSON");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        same_member(tape, doc, written, keys[i]);
    TAPE_WANT(tape,
              json_count(json_member(doc, HG_S("messages"))) ==
                  json_count(json_member(written, HG_S("messages"))),
              "as many turns");
    requests++;
}

static bool is_ours(const struct tape *tape)
{
    hg_str model = json_str(tape->arena, json_member(tape->doc, HG_S("model")));

    return text_is(tape->endpoint, HG_S("messages")) ||
           (text_starts(tape->endpoint, HG_S("invoke")) &&
            memmem(model.p, model.n, "anthropic", 9) && tape->status < 400);
}

static void on_tape(const struct tape *tape, void *arg)
{
    (void)arg;
    if (!is_ours(tape))
        return;
    answer_test(tape);
    request_test(tape, tape->request);
}

START_TEST(recorded_answers_are_read_as_others_read_them)
{
    tapes_each(on_tape, NULL);
    printf("%u answers, %u streams, %u errors, %u requests\n", wholes, streams, errors, requests);
    ck_assert_uint_ge(wholes, 20);
    ck_assert_uint_ge(streams, 20);
    ck_assert_uint_ge(errors, 4);
    ck_assert_uint_ge(requests, 30);
}
END_TEST

RUN_TAPES("dialect/anthropic/cassettes", 0, recorded_answers_are_read_as_others_read_them)
