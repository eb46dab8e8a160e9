/* A provider's answer as normalised events, from a stream or whole. Only calls of the client's own
 * tools are calls; what the provider runs itself shows in what it says. */
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "dialect/slots.h"

enum {
    BLOCKS_MAX = 1024 /* in one answer; calls beyond are not seen */
};

struct dialect_reader {
    struct arena *arena;
    struct dialect_sink sink;
    struct slots *slots;
    struct counts counts;
    uint32_t thoughts; /* how many blocks of reasoning there were */
    bool is_started, is_finished, is_over;
    uint64_t calls[BLOCKS_MAX / 64]; /* a bit for each block: it is a call */
};

static void give(struct dialect_reader *reader, hg_event event)
{
    event.size = sizeof event;
    reader->sink.on_event(reader->sink.arg, &event);
}

static void fail(struct dialect_reader *reader, hg_str type, hg_str message)
{
    if (reader->is_over)
        return;
    reader->is_over = true;
    give(reader, (hg_event){.type = HG_EV_ERROR, .name = type, .text = message});
}

struct dialect_reader *anthropic_reader_new(struct arena *arena, uint32_t kind,
                                            const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    (void)kind;
    reader->arena = arena;
    reader->sink = *sink;
    reader->counts = (struct counts)COUNTS_NONE;
    return reader;
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void text_give(struct dialect_reader *reader, hg_str text)
{
    if (text.n)
        give(reader, (hg_event){.type = HG_EV_TEXT, .text = text});
}

static void citation_give(struct dialect_reader *reader, struct arena *scratch, hg_json citation)
{
    hg_str annotation = anthropic_citation_read(scratch, citation);

    if (annotation.n)
        give(reader, (hg_event){.type = HG_EV_CITATION, .text = annotation});
}

static void thought_give(struct dialect_reader *reader, hg_str text, hg_str signature,
                         hg_str encrypted)
{
    uint32_t index = reader->thoughts ? reader->thoughts - 1 : 0;

    if (text.n || signature.n || encrypted.n)
        give(reader, (hg_event){.type = HG_EV_REASONING,
                                .index = index,
                                .text = text,
                                .id = signature,
                                .name = encrypted});
}

static void text_block_give(struct dialect_reader *reader, struct arena *scratch, hg_json block)
{
    hg_json citations = json_member(block, HG_S("citations")), citation;
    hg_json_it it = {{0, 0}};

    text_give(reader, json_str(scratch, json_member(block, HG_S("text"))));
    while (citations.kind == HG_J_ARR && json_next(citations, &it, NULL, &citation))
        citation_give(reader, scratch, citation);
}

/* In a stream the input is an empty object, which is no beginning of the real one. */
static void call_give(struct dialect_reader *reader, struct arena *scratch, int64_t number,
                      hg_json block, bool is_whole)
{
    if (number < 0 || number >= BLOCKS_MAX)
        return;
    reader->calls[number / 64] |= 1ull << number % 64;
    if (!reader->slots)
        reader->slots = slots_new(reader->arena, &reader->sink);
    slots_add(reader->slots, 0, number, json_str(scratch, json_member(block, HG_S("id"))),
              json_str(scratch, json_member(block, HG_S("name"))),
              is_whole ? json_raw(json_member(block, HG_S("input"))) : HG_S(""));
    if (is_whole)
        slots_end(reader->slots, 0, number);
}

/* A block of a whole answer, or as a stream begins one. */
static void block_give(struct dialect_reader *reader, struct arena *scratch, int64_t number,
                       hg_json block, bool is_whole)
{
    hg_json type = json_member(block, HG_S("type"));

    if (json_is(type, HG_S("text"))) {
        text_block_give(reader, scratch, block);
    } else if (json_is(type, HG_S("tool_use"))) {
        call_give(reader, scratch, number, block, is_whole);
    } else if (json_is(type, HG_S("thinking"))) {
        reader->thoughts++;
        thought_give(reader, json_str(scratch, json_member(block, HG_S("thinking"))),
                     json_str(scratch, json_member(block, HG_S("signature"))), HG_S(""));
    } else if (json_is(type, HG_S("redacted_thinking"))) {
        reader->thoughts++;
        thought_give(reader, HG_S(""), HG_S(""),
                     json_str(scratch, json_member(block, HG_S("data"))));
    }
}

static bool is_call(const struct dialect_reader *reader, int64_t number)
{
    return number >= 0 && number < BLOCKS_MAX && reader->calls[number / 64] >> number % 64 & 1;
}

static void delta_give(struct dialect_reader *reader, struct arena *scratch, int64_t number,
                       hg_json delta)
{
    hg_json type = json_member(delta, HG_S("type"));

    if (json_is(type, HG_S("text_delta"))) {
        text_give(reader, json_str(scratch, json_member(delta, HG_S("text"))));
    } else if (json_is(type, HG_S("input_json_delta"))) {
        if (is_call(reader, number))
            slots_add(reader->slots, 0, number, HG_S(""), HG_S(""),
                      json_str(scratch, json_member(delta, HG_S("partial_json"))));
    } else if (json_is(type, HG_S("thinking_delta"))) {
        thought_give(reader, json_str(scratch, json_member(delta, HG_S("thinking"))), HG_S(""),
                     HG_S(""));
    } else if (json_is(type, HG_S("signature_delta"))) {
        thought_give(reader, HG_S(""), json_str(scratch, json_member(delta, HG_S("signature"))),
                     HG_S(""));
    } else if (json_is(type, HG_S("citations_delta"))) {
        citation_give(reader, scratch, json_member(delta, HG_S("citation")));
    }
}

/* ---- the message -------------------------------------------------------------------------------
 */

static void start_give(struct dialect_reader *reader, struct arena *scratch, hg_json message)
{
    if (reader->is_started)
        return;
    reader->is_started = true;
    give(reader, (hg_event){.type = HG_EV_START,
                            .id = json_str(scratch, json_member(message, HG_S("id"))),
                            .name = json_str(scratch, json_member(message, HG_S("model")))});
}

static void usage_give(struct dialect_reader *reader, hg_json usage)
{
    hg_usage told;

    if (!anthropic_counts_read(usage, &reader->counts))
        return;
    told = anthropic_usage_of(&reader->counts);
    give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &told});
}

static void extra_give(struct dialect_reader *reader, hg_json doc, hg_str key)
{
    hg_json value = json_member(doc, key);

    if (value.kind != HG_J_NONE && value.kind != HG_J_NULL)
        give(reader, (hg_event){.type = HG_EV_EXTRA, .name = key, .text = json_raw(value)});
}

/* What was called counts, whatever the server says; but not if the answer was cut. */
static void finish_give(struct dialect_reader *reader, struct arena *scratch, hg_json message)
{
    hg_str reason = json_str(scratch, json_member(message, HG_S("stop_reason")));
    uint32_t finish = anthropic_finish_of(reason);

    if (!finish || reader->is_finished)
        return;
    extra_give(reader, message, HG_S("stop_details"));
    extra_give(reader, message, HG_S("container"));
    if (reader->slots) {
        slots_end_choice(reader->slots, 0);
        if (finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER && slots_any(reader->slots, 0))
            finish = HG_FIN_TOOLS;
    }
    reader->is_finished = true;
    give(reader,
         (hg_event){.type = HG_EV_FINISH,
                    .finish = finish,
                    .name = reason,
                    .text = json_str(scratch, json_member(message, HG_S("stop_sequence")))});
}

/* AWS says what failed in the event's name. */
static void error_give(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                       hg_json doc)
{
    struct dialect_error error;

    anthropic_read_error(scratch, doc, &error);
    if (!error.type.n)
        error.type = text_ends(event, HG_S("Exception")) ? event : HG_S("api_error");
    fail(reader, error.type,
         error.message.n ? error.message : HG_S("the provider failed without a word"));
}

static bool is_error(hg_json doc)
{
    hg_json error = json_member(doc, HG_S("error"));

    return json_is(json_member(doc, HG_S("type")), HG_S("error")) || error.kind == HG_J_OBJ ||
           error.kind == HG_J_STR;
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static void message_start(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json message = json_member(doc, HG_S("message"));

    start_give(reader, scratch, message);
    usage_give(reader, json_member(message, HG_S("usage")));
}

static void block_start(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    if (!reader->is_finished)
        block_give(reader, scratch, json_i64(json_member(doc, HG_S("index")), -1),
                   json_member(doc, HG_S("content_block")), false);
}

static void block_delta(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    if (!reader->is_finished)
        delta_give(reader, scratch, json_i64(json_member(doc, HG_S("index")), -1),
                   json_member(doc, HG_S("delta")));
}

static void block_stop(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    int64_t number = json_i64(json_member(doc, HG_S("index")), -1);

    (void)scratch;
    if (is_call(reader, number))
        slots_end(reader->slots, 0, number);
}

static void message_delta(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    usage_give(reader, json_member(doc, HG_S("usage")));
    finish_give(reader, scratch, json_member(doc, HG_S("delta")));
}

static const struct {
    hg_str type;
    void (*read)(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
} frames[] = {
    {{"content_block_delta", 19}, block_delta}, {{"content_block_start", 19}, block_start},
    {{"content_block_stop", 18}, block_stop},   {{"message_start", 13}, message_start},
    {{"message_delta", 13}, message_delta},
};

static void document_read(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                          hg_json doc)
{
    hg_str type = json_raw_str(json_member(doc, HG_S("type")));

    if (is_error(doc) || text_is(event, HG_S("error")) || text_ends(event, HG_S("Exception"))) {
        error_give(reader, scratch, event, doc);
        return;
    }
    if (!type.n)
        type = event;
    if (!type.n)
        fail(reader, DIALECT_BROKEN, HG_S("an event without a type"));
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (text_is(type, frames[i].type))
            frames[i].read(reader, scratch, doc);
}

static bool says_nothing(hg_str data)
{
    return !data.n || text_is(data, HG_S("{}")) || text_is(data, HG_S("null")) ||
           text_starts(data, HG_S("[DONE]"));
}

/* AWS puts each event in base64: {"bytes":"..."}. */
static hg_str unwrapped(struct arena *scratch, hg_json doc)
{
    hg_json bytes = json_member(doc, HG_S("bytes"));

    return bytes.kind == HG_J_STR ? base64_decode(scratch, json_str(scratch, bytes)) : HG_S("");
}

void anthropic_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                            hg_str data)
{
    hg_str text = text_trim(data), inner;
    hg_json doc;

    if (reader->is_over || says_nothing(text))
        return;
    bool is_json = json_parse(scratch, text, &doc, NULL) && doc.kind == HG_J_OBJ;

    if (is_json && (inner = unwrapped(scratch, doc)).n) {
        is_json = json_parse(scratch, inner, &doc, NULL) && doc.kind == HG_J_OBJ;
        event = HG_S("");
    }
    if (is_json)
        document_read(reader, scratch, event, doc);
    else
        fail(reader, DIALECT_BROKEN, HG_S("an event that is not JSON"));
}

void anthropic_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json content = json_member(doc, HG_S("content")), block;
    hg_json_it it = {{0, 0}};
    int64_t number = 0;

    if (is_error(doc)) {
        error_give(reader, scratch, HG_S(""), doc);
        return;
    }
    if (content.kind != HG_J_ARR) {
        fail(reader, DIALECT_BROKEN, HG_S("an answer without content"));
        return;
    }
    start_give(reader, scratch, doc);
    while (json_next(content, &it, NULL, &block))
        block_give(reader, scratch, number++, block, true);
    usage_give(reader, json_member(doc, HG_S("usage")));
    finish_give(reader, scratch, doc);
}

void anthropic_reader_end(struct dialect_reader *reader)
{
    if (reader->slots && !reader->is_over)
        slots_end_all(reader->slots);
}

/* ---- without reading --------------------------------------------------------------------------
 */

bool anthropic_is_end(hg_str event, hg_str data)
{
    static const char type[] = "\"message_stop\"";

    if (event.n)
        return text_is(event, HG_S("message_stop"));
    return data.n < 256 && memmem(data.p, data.n, type, sizeof type - 1);
}

/* Only deltas of content, each of two lines as this format writes them. */
bool anthropic_is_plain(hg_str events)
{
    static const char head[] =
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",";
    const size_t n = sizeof head - 1;

    while (events.n) {
        const char *end;

        if (events.n < n + 2 || memcmp(events.p, head, n) != 0 ||
            !(end = memchr(events.p + n, '\n', events.n - n - 1)) || end[1] != '\n')
            return false;
        end += 2;
        events.n -= (size_t)(end - events.p);
        events.p = end;
    }
    return true;
}
