/* One event for each event, written at once; only the last waits for the usage. A part is ended
 * before another begins; calls have numbers of their own. */
#include "dialect/cohere/writer.h"

#include "base/text.h"
#include "json/write.h"

/* An event up to its members; event_end closes it. */
#define EVENT_BEGIN(out, type) event_begin(out, HG_S("event: " type "\ndata: "), HG_S(type))

static void event_begin(struct chain *out, hg_str head, hg_str type)
{
    chain_put_const(out, head.p, head.n);
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, type);
}

static void event_end(struct chain *out)
{
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
}

static void index_put(struct chain *out, uint32_t index)
{
    JSON_KEY(out, "index");
    json_put_u64(out, index);
}

/* "delta":{"message":{ */
static void message_begin(struct chain *out)
{
    JSON_KEY(out, "delta");
    json_obj(out);
    JSON_KEY(out, "message");
    json_obj(out);
}

static void message_end(struct chain *out)
{
    json_end(out);
    json_end(out);
}

static void stream_begin(struct dialect_writer *writer, struct chain *out)
{
    if (writer->is_begun)
        return;
    writer->is_begun = true;
    EVENT_BEGIN(out, "message-start");
    JSON_KEY(out, "id");
    json_put_str(out, cohere_writer_id(writer));
    message_begin(out);
    JSON_KEY(out, "role");
    json_put_str(out, HG_S("assistant"));
    JSON_KEY(out, "content");
    json_put_raw(out, HG_S("[]"));
    JSON_KEY(out, "tool_plan");
    json_put_str(out, HG_S(""));
    JSON_KEY(out, "tool_calls");
    json_put_raw(out, HG_S("[]"));
    JSON_KEY(out, "citations");
    json_put_raw(out, HG_S("[]"));
    message_end(out);
    event_end(out);
}

/* ---- parts -----------------------------------------------------------------------------------
 */

static void block_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->open == BLOCK_NONE)
        return;
    writer->open = BLOCK_NONE;
    EVENT_BEGIN(out, "content-end");
    index_put(out, writer->blocks - 1);
    event_end(out);
}

static void block_begin(struct dialect_writer *writer, enum piece block, struct chain *out)
{
    block_end(writer, out);
    writer->open = block;
    EVENT_BEGIN(out, "content-start");
    index_put(out, writer->blocks++);
    message_begin(out);
    JSON_KEY(out, "content");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, cohere_writer_block_word(block));
    json_key(out, cohere_writer_block_word(block));
    json_put_str(out, HG_S(""));
    json_end(out);
    message_end(out);
    event_end(out);
}

static void piece_write(struct dialect_writer *writer, const hg_event *event, enum piece block,
                        struct chain *out)
{
    bool is_other = block == BLOCK_THINKING && writer->thoughts != event->index;

    if (!event->text.n)
        return;
    if (writer->open != block || is_other)
        block_begin(writer, block, out);
    writer->thoughts = event->index;
    EVENT_BEGIN(out, "content-delta");
    index_put(out, writer->blocks - 1);
    message_begin(out);
    JSON_KEY(out, "content");
    json_obj(out);
    json_key(out, cohere_writer_block_word(block));
    json_put_str(out, event->text);
    json_end(out);
    message_end(out);
    event_end(out);
}

/* ---- calls -----------------------------------------------------------------------------------
 */

static void call_begin(const struct call *call, uint32_t index, struct chain *out)
{
    EVENT_BEGIN(out, "tool-call-start");
    index_put(out, index);
    message_begin(out);
    JSON_KEY(out, "tool_calls");
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, call->id);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("function"));
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, call->name);
    JSON_KEY(out, "arguments");
    json_put_str(out, HG_S(""));
    json_end(out);
    json_end(out);
    message_end(out);
    event_end(out);
}

static void args_write(uint32_t index, hg_str args, struct chain *out)
{
    EVENT_BEGIN(out, "tool-call-delta");
    index_put(out, index);
    message_begin(out);
    JSON_KEY(out, "tool_calls");
    json_obj(out);
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "arguments");
    json_put_str(out, args);
    json_end(out);
    json_end(out);
    message_end(out);
    event_end(out);
}

static void call_open(struct call *call, uint32_t index, struct chain *out)
{
    call->is_open = true;
    call_begin(call, index, out);
    if (!call->args->len)
        return;
    call->has_args = true;
    args_write(index, chain_flat(call->args, out->arena), out);
}

/* A call that never got an argument gets an empty object: readers parse what they get. */
static void call_end(struct call *call, uint32_t index, struct chain *out)
{
    call->is_over = true;
    if (!call->has_args)
        args_write(index, HG_S("{}"), out);
    EVENT_BEGIN(out, "tool-call-end");
    index_put(out, index);
    event_end(out);
}

/* The one that is open, else the first that waits; the count of calls if there is none. */
static uint32_t call_next(const struct dialect_writer *writer)
{
    uint32_t first = writer->call_count;

    for (uint32_t i = writer->call_count; i-- > 0;) {
        const struct call *call = &writer->calls[i];

        if (call->is_open && !call->is_over)
            return i;
        if (call->is_started && !call->is_over)
            first = i;
    }
    return first;
}

/* One after the other: clients know only one open call. */
static void calls_advance(struct dialect_writer *writer, bool all, struct chain *out)
{
    uint32_t i;

    while ((i = call_next(writer)) < writer->call_count) {
        if (!writer->calls[i].is_open)
            call_open(&writer->calls[i], i, out);
        if (!writer->calls[i].has_ended && !all)
            return;
        call_end(&writer->calls[i], i, out);
    }
}

static void call_start(struct dialect_writer *writer, struct call *call, const hg_event *event)
{
    call->is_started = true;
    call->id = arena_text(writer->arena, event->id);
    call->name = arena_text(writer->arena, event->name);
    call->args = chain_new(writer->arena);
}

static void call_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct call *call = cohere_writer_call(writer, event->index);

    if (!call || call->is_over || call->is_started == (event->type == HG_EV_TOOL_START))
        return;
    if (event->type == HG_EV_TOOL_START) {
        block_end(writer, out);
        call_start(writer, call, event);
    } else if (event->type == HG_EV_TOOL_END) {
        call->has_ended = true;
    } else if (call->is_open && event->text.n) {
        call->has_args = true;
        args_write(event->index, event->text, out);
    } else {
        chain_put(call->args, event->text.p, event->text.n);
    }
    calls_advance(writer, false, out);
}

/* ---- what stands beside ----------------------------------------------------------------------
 */

static void citation_write(struct dialect_writer *writer, hg_str raw, struct chain *out)
{
    uint32_t index = writer->citation_count++;

    EVENT_BEGIN(out, "citation-start");
    index_put(out, index);
    message_begin(out);
    JSON_KEY(out, "citations");
    json_put_raw(out, raw);
    message_end(out);
    event_end(out);
    EVENT_BEGIN(out, "citation-end");
    index_put(out, index);
    event_end(out);
}

static void annotation_write(struct dialect_writer *writer, hg_str annotation, struct chain *out)
{
    struct chain *raw = chain_new(out->arena);

    if (!writer->has_own_citations && cohere_citation_write(out->arena, annotation, raw))
        citation_write(writer, chain_flat(raw, out->arena), out);
}

/* A piece without text has the logprobs of those before. */
static void logprobs_write(struct dialect_writer *writer, hg_json doc, struct chain *out)
{
    hg_json tokens = json_member(doc, HG_S("content")), token;
    hg_json_it it = {{0, 0}};

    while (tokens.kind == HG_J_ARR && json_next(tokens, &it, NULL, &token)) {
        if (json_member(token, HG_S("token")).kind != HG_J_STR ||
            json_member(token, HG_S("logprob")).kind != HG_J_NUM)
            continue;
        EVENT_BEGIN(out, "content-delta");
        index_put(out, writer->blocks ? writer->blocks - 1 : 0);
        message_begin(out);
        JSON_KEY(out, "content");
        json_obj(out);
        JSON_KEY(out, "text");
        json_put_str(out, HG_S(""));
        json_end(out);
        message_end(out);
        JSON_KEY(out, "logprobs");
        cohere_writer_logprob_put(token, out);
        event_end(out);
    }
}

static void extra_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    hg_json_it it = {{0, 0}};
    hg_json doc, one;

    if (!text_is(event->name, COHERE_CITATIONS) && !text_is(event->name, HG_S("logprobs")))
        return;
    if (!json_parse(out->arena, arena_text(out->arena, event->text), &doc, NULL))
        return;
    if (text_is(event->name, HG_S("logprobs"))) {
        logprobs_write(writer, doc, out);
        return;
    }
    writer->has_own_citations = true;
    while (doc.kind == HG_J_ARR && json_next(doc, &it, NULL, &one))
        citation_write(writer, json_raw(one), out);
}

void cohere_writer_stream_write(struct dialect_writer *writer, const hg_event *event,
                                struct chain *out)
{
    hg_str error;

    if (event->type == HG_EV_ERROR) {
        error = cohere_error_event(writer->arena, event->name, HG_S(""), event->text);
        chain_put_const(out, error.p, error.n);
        return;
    }
    stream_begin(writer, out);
    switch (event->type) {
    case HG_EV_TEXT:
        piece_write(writer, event, BLOCK_TEXT, out);
        break;
    case HG_EV_REASONING:
        piece_write(writer, event, BLOCK_THINKING, out);
        break;
    case HG_EV_TOOL_START:
    case HG_EV_TOOL_ARGS:
    case HG_EV_TOOL_END:
        call_write(writer, event, out);
        break;
    case HG_EV_CITATION:
        annotation_write(writer, event->text, out);
        break;
    case HG_EV_EXTRA:
        extra_write(writer, event, out);
        break;
    case HG_EV_FINISH:
        block_end(writer, out);
        calls_advance(writer, true, out);
        break;
    default:
        break;
    }
}

/* Without a finish there is no end: readers see that the answer was cut. */
void cohere_writer_stream_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->failed || !writer->finish)
        return;
    EVENT_BEGIN(out, "message-end");
    JSON_KEY(out, "delta");
    json_obj(out);
    JSON_KEY(out, "finish_reason");
    json_put_str(out, cohere_finish_word(writer->finish));
    cohere_writer_usage_put(writer, out);
    json_end(out);
    event_end(out);
    CHAIN_PUT_LIT(out, "data: [DONE]\n\n");
}
