/* gathered.h - for tests of this folder: what the events of an answer say in all, and a reader of
 * streams that checks the order in which this format's events may come. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "http/frame.h"
#include "json/index.h"
#include <headgate/provider.h>

enum {
    CALLS_MAX = 16
};

struct gathered_call {
    hg_str id, name;
    struct chain *args;
    bool is_over;
};

struct gathered {
    struct arena *arena;
    unsigned starts, finishes, errors, usages, citations, thoughts;
    hg_str id, model, native, stop_sequence, error_type, error_message, signature, encrypted;
    struct chain *text, *reasoning;
    struct gathered_call calls[CALLS_MAX];
    size_t call_count;
    uint32_t finish;
    hg_usage usage;
};

static inline void gathered_event(void *arg, const hg_event *event)
{
    struct gathered *all = arg;
    struct gathered_call *call = &all->calls[event->index % CALLS_MAX];

    ck_assert(event->type == HG_EV_START || event->type == HG_EV_ERROR || all->starts == 1);
    ck_assert_uint_eq(all->errors, 0);
    switch (event->type) {
    case HG_EV_START:
        all->starts++;
        all->id = arena_text(all->arena, event->id);
        all->model = arena_text(all->arena, event->name);
        break;
    case HG_EV_TEXT:
        ck_assert(event->text.n > 0 && !all->finishes);
        chain_put(all->text, event->text.p, event->text.n);
        break;
    case HG_EV_REASONING:
        ck_assert(!all->finishes);
        if (event->index + 1 > all->thoughts)
            all->thoughts = event->index + 1;
        chain_put(all->reasoning, event->text.p, event->text.n);
        if (event->id.n)
            all->signature = arena_text(all->arena, event->id);
        if (event->name.n)
            all->encrypted = arena_text(all->arena, event->name);
        break;
    case HG_EV_TOOL_START:
        ck_assert_uint_eq(event->index, all->call_count);
        ck_assert(event->id.n && event->name.n);
        call->id = arena_text(all->arena, event->id);
        call->name = arena_text(all->arena, event->name);
        call->args = chain_new(all->arena);
        all->call_count++;
        break;
    case HG_EV_TOOL_ARGS:
        ck_assert(event->index < all->call_count && !call->is_over);
        chain_put(call->args, event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_END:
        ck_assert(event->index < all->call_count && !call->is_over);
        call->is_over = true;
        break;
    case HG_EV_CITATION:
        all->citations++;
        break;
    case HG_EV_USAGE:
        all->usages++;
        all->usage = *event->usage;
        break;
    case HG_EV_FINISH:
        all->finishes++;
        all->finish = event->finish;
        all->native = arena_text(all->arena, event->name);
        all->stop_sequence = arena_text(all->arena, event->text);
        break;
    case HG_EV_ERROR:
        all->errors++;
        all->error_type = arena_text(all->arena, event->name);
        all->error_message = arena_text(all->arena, event->text);
        break;
    default:
        break;
    }
}

static inline struct gathered gathered_new(struct arena *arena)
{
    return (struct gathered){
        .arena = arena, .text = chain_new(arena), .reasoning = chain_new(arena)};
}

static inline hg_str gathered_text(const struct gathered *all)
{
    return chain_flat(all->text, all->arena);
}

/* Gives a stream to a reader frame by frame, each in memory of its own. */
static inline void frames_read(struct dialect_reader *reader, const struct dialect *dialect,
                               uint32_t framing, hg_str stream)
{
    while (stream.n) {
        struct arena *scratch = arena_new();
        size_t n = frame_first(framing, stream);
        struct frame frame;

        n = n ? n : stream.n;
        ck_assert_uint_le(n, stream.n);
        ck_assert(frame_parse(scratch, framing, (hg_str){stream.p, n}, &frame));
        if (frame.has_data)
            dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        stream.p += n;
        stream.n -= n;
    }
    dialect->reader_end(reader);
}

static inline struct gathered stream_gather(struct arena *arena, uint32_t framing, hg_str stream)
{
    struct gathered all = gathered_new(arena);
    struct dialect_sink sink = {gathered_event, &all};

    frames_read(dialect_anthropic.reader_new(arena, HG_R_CHAT, &sink), &dialect_anthropic, framing,
                stream);
    return all;
}

static inline struct gathered whole_gather(struct arena *arena, hg_str body)
{
    struct gathered all = gathered_new(arena);
    struct dialect_sink sink = {gathered_event, &all};
    struct dialect_reader *reader = dialect_anthropic.reader_new(arena, HG_R_CHAT, &sink);
    hg_json doc;

    ck_assert(json_parse(arena, body, &doc, NULL));
    dialect_anthropic.reader_whole(reader, arena, doc);
    dialect_anthropic.reader_end(reader);
    return all;
}

/* ---- the order of a stream ------------------------------------------------------------------- */

struct order {
    struct arena *arena;
    bool has_start, has_delta, has_stop, has_error;
    int64_t open, next; /* the index of the open block, -1; of the next one */
    hg_str open_type;
    bool is_signed;
};

/* What a delta may be told to a block of this type. */
static inline bool delta_fits(hg_str block, hg_str delta)
{
    if (text_is(block, HG_S("text")))
        return text_is(delta, HG_S("text_delta")) || text_is(delta, HG_S("citations_delta"));
    if (text_is(block, HG_S("thinking")))
        return text_is(delta, HG_S("thinking_delta")) || text_is(delta, HG_S("signature_delta"));
    return text_is(block, HG_S("tool_use")) && text_is(delta, HG_S("input_json_delta"));
}

static inline void usage_check(hg_json usage)
{
    static const char *const keys[] = {"input_tokens", "output_tokens",
                                       "cache_creation_input_tokens", "cache_read_input_tokens"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        ck_assert_int_ge(json_i64(json_member(usage, text_of(keys[i])), -1), 0);
}

static inline void order_block_start(struct order *order, hg_json doc)
{
    hg_json block = json_member(doc, HG_S("content_block"));

    ck_assert(order->has_start && !order->has_delta && order->open == -1);
    ck_assert_int_eq(json_i64(json_member(doc, HG_S("index")), -1), order->next);
    order->open = order->next++;
    order->is_signed = false;
    order->open_type = json_str(order->arena, json_member(block, HG_S("type")));
    if (text_is(order->open_type, HG_S("tool_use"))) {
        ck_assert(json_raw_str(json_member(block, HG_S("id"))).n &&
                  json_raw_str(json_member(block, HG_S("name"))).n);
        ck_assert(text_is(json_raw(json_member(block, HG_S("input"))), HG_S("{}")));
    }
}

static inline void order_event(struct order *order, hg_str name, hg_json doc)
{
    hg_str type = json_raw_str(json_member(doc, HG_S("type")));
    hg_json delta = json_member(doc, HG_S("delta"));
    int64_t index = json_i64(json_member(doc, HG_S("index")), -1);

    ck_assert(text_is(type, name));
    ck_assert(!order->has_stop && !order->has_error);
    if (text_is(type, HG_S("message_start"))) {
        ck_assert(!order->has_start);
        order->has_start = true;
        usage_check(json_get(doc, "/message/usage"));
    } else if (text_is(type, HG_S("content_block_start"))) {
        order_block_start(order, doc);
    } else if (text_is(type, HG_S("content_block_delta"))) {
        hg_str kind = json_raw_str(json_member(delta, HG_S("type")));

        ck_assert_int_eq(index, order->open);
        ck_assert(delta_fits(order->open_type, kind) && !order->is_signed);
        order->is_signed = text_is(kind, HG_S("signature_delta"));
    } else if (text_is(type, HG_S("content_block_stop"))) {
        ck_assert(order->open != -1);
        ck_assert_int_eq(index, order->open);
        order->open = -1;
    } else if (text_is(type, HG_S("message_delta"))) {
        ck_assert(order->has_start && !order->has_delta && order->open == -1);
        ck_assert(json_raw_str(json_member(delta, HG_S("stop_reason"))).n);
        usage_check(json_member(doc, HG_S("usage")));
        order->has_delta = true;
    } else if (text_is(type, HG_S("message_stop"))) {
        ck_assert(order->has_delta);
        order->has_stop = true;
    } else {
        ck_assert(text_is(type, HG_S("error")));
        order->has_error = true;
    }
}

/* Checks a stream that was written; with an error it need not be whole. */
static inline struct order order_check(struct arena *arena, hg_str stream)
{
    struct order order = {.arena = arena, .open = -1};

    while (stream.n) {
        size_t n = frame_first(HG_FRAME_SSE, stream);
        struct frame frame;
        hg_json doc;

        ck_assert(n && frame_parse(arena, HG_FRAME_SSE, (hg_str){stream.p, n}, &frame));
        ck_assert(json_parse(arena, frame.data, &doc, NULL));
        order_event(&order, frame.event, doc);
        stream.p += n;
        stream.n -= n;
    }
    return order;
}
