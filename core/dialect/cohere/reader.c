/* A provider's answer as normalised events, from the events of a stream or whole. There is one
 * choice only, and no name of a model. */
#include "base/text.h"
#include "dialect/cohere/parts.h"
#include "dialect/slots.h"
#include "json/write.h"

struct dialect_reader {
    struct arena *arena;
    uint32_t kind;
    struct dialect_sink sink;
    struct slots *slots;
    uint32_t thoughts; /* runs of reasoning so far */
    bool is_thinking, is_started, is_finished, is_over;
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

static void refuse(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    struct dialect_error error;

    cohere_read_error(scratch, doc, &error);
    if (!error.message.n)
        fail(reader, DIALECT_BROKEN, HG_S("an answer that is none of Cohere's"));
    else
        fail(reader, error.type.n ? error.type : HG_S("api_error"), error.message);
}

struct dialect_reader *cohere_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    reader->arena = arena;
    reader->kind = kind;
    reader->sink = *sink;
    return reader;
}

/* ---- pieces of a message ---------------------------------------------------------------------
 */

static void start_give(struct dialect_reader *reader, hg_str id)
{
    if (reader->is_started)
        return;
    reader->is_started = true;
    give(reader, (hg_event){.type = HG_EV_START, .id = id});
}

static void text_give(struct dialect_reader *reader, struct arena *scratch, hg_json value)
{
    hg_str text = json_str(scratch, value);

    if (!text.n)
        return;
    reader->is_thinking = false;
    give(reader, (hg_event){.type = HG_EV_TEXT, .text = text});
}

/* Thoughts, and what the model says before it calls tools. */
static void thought_give(struct dialect_reader *reader, struct arena *scratch, hg_json value)
{
    hg_str text = json_str(scratch, value);

    if (!text.n)
        return;
    reader->thoughts += !reader->is_thinking;
    reader->is_thinking = true;
    give(reader, (hg_event){.type = HG_EV_REASONING, .index = reader->thoughts - 1, .text = text});
}

static void part_give(struct dialect_reader *reader, struct arena *scratch, hg_json part)
{
    thought_give(reader, scratch, json_member(part, HG_S("thinking")));
    text_give(reader, scratch, json_member(part, HG_S("text")));
}

static void content_give(struct dialect_reader *reader, struct arena *scratch, hg_json content)
{
    hg_json_it it = {{0, 0}};
    hg_json part;

    if (content.kind == HG_J_STR)
        text_give(reader, scratch, content);
    else if (content.kind == HG_J_OBJ)
        part_give(reader, scratch, content);
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &part)) {
        reader->is_thinking = false; /* each part is a run of its own */
        part_give(reader, scratch, part);
    }
}

static void call_give(struct dialect_reader *reader, struct arena *scratch, hg_json call,
                      int64_t number)
{
    hg_json function = json_member(call, HG_S("function"));
    hg_json args = json_member(function, HG_S("arguments"));

    reader->is_thinking = false;
    if (!reader->slots)
        reader->slots = slots_new(reader->arena, &reader->sink);
    slots_add(reader->slots, 0, number, json_str(scratch, json_member(call, HG_S("id"))),
              json_str(scratch, json_member(function, HG_S("name"))),
              args.kind == HG_J_OBJ ? json_raw(args) : json_str(scratch, args));
}

/* The whole of a citation as it is, for those who know the format, and its pages for all. */
static void citations_give(struct dialect_reader *reader, struct arena *scratch, hg_json citations)
{
    struct chain *list = chain_new(scratch);
    hg_json_it it = {{0, 0}};
    hg_json one;

    if (citations.kind != HG_J_ARR && citations.kind != HG_J_OBJ)
        return;
    if (citations.kind == HG_J_ARR && !json_count(citations))
        return;
    json_arr(list);
    if (citations.kind == HG_J_OBJ)
        json_put_raw(list, json_raw(citations));
    while (citations.kind == HG_J_ARR && json_next(citations, &it, NULL, &one))
        json_put_raw(list, json_raw(one));
    json_end(list);
    give(reader, (hg_event){.type = HG_EV_EXTRA,
                            .name = COHERE_CITATIONS,
                            .text = chain_flat(list, scratch)});
}

static void annotation_give(struct dialect_reader *reader, struct arena *scratch, hg_json citation)
{
    struct chain *list = chain_new(scratch);
    hg_json_it it = {{0, 0}};
    hg_json doc, one;

    json_arr(list);
    if (!cohere_citation_read(scratch, citation, list))
        return;
    json_end(list);
    if (!json_parse(scratch, chain_flat(list, scratch), &doc, NULL))
        return;
    while (json_next(doc, &it, NULL, &one))
        give(reader, (hg_event){.type = HG_EV_CITATION, .text = json_raw(one)});
}

static void annotations_give(struct dialect_reader *reader, struct arena *scratch,
                             hg_json citations)
{
    hg_json_it it = {{0, 0}};
    hg_json one;

    citations_give(reader, scratch, citations);
    if (citations.kind == HG_J_OBJ)
        annotation_give(reader, scratch, citations);
    while (citations.kind == HG_J_ARR && json_next(citations, &it, NULL, &one))
        annotation_give(reader, scratch, one);
}

/* [{"text","token_ids","logprobs"}]: told where a piece is one token. */
static void logprobs_give(struct dialect_reader *reader, struct arena *scratch, hg_json list)
{
    struct chain *out = chain_new(scratch);
    hg_json_it it = {{0, 0}};
    hg_json piece;

    if (list.kind != HG_J_ARR)
        return;
    json_obj(out);
    JSON_KEY(out, "content");
    json_arr(out);
    while (json_next(list, &it, NULL, &piece)) {
        hg_json text = json_member(piece, HG_S("text")), numbers;

        numbers = json_member(piece, HG_S("logprobs"));
        if (text.kind != HG_J_STR || numbers.kind != HG_J_ARR || json_count(numbers) != 1)
            continue;
        json_obj(out);
        JSON_KEY(out, "token");
        json_put_raw(out, json_raw(text));
        JSON_KEY(out, "logprob");
        json_put_raw(out, json_raw(json_element(numbers, 0)));
        JSON_KEY(out, "bytes");
        json_put_null(out);
        JSON_KEY(out, "top_logprobs");
        json_put_raw(out, HG_S("[]"));
        json_end(out);
    }
    json_end(out);
    json_end(out);
    give(reader, (hg_event){.type = HG_EV_EXTRA,
                            .name = HG_S("logprobs"),
                            .text = chain_flat(out, scratch)});
}

/* ---- the end of a message --------------------------------------------------------------------
 */

static void usage_give(struct dialect_reader *reader, hg_json value)
{
    hg_usage usage;

    if (cohere_usage_read(value, &usage))
        give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

static void failure_give(struct dialect_reader *reader, struct arena *scratch, hg_json from,
                         hg_json reason)
{
    hg_json error = json_member(from, HG_S("error"));
    hg_str message =
        json_str(scratch, error.kind == HG_J_OBJ ? json_member(error, HG_S("message")) : error);
    bool is_late = json_is(reason, HG_S("TIMEOUT"));

    if (!message.n)
        message = is_late ? HG_S("the model took too long") : HG_S("the model failed");
    fail(reader, is_late ? HG_S("timeout_error") : HG_S("api_error"), message);
}

/* What was called counts, whatever the server says; but not if the answer was cut. `from` has the
 * reason and the usage. */
static void finish_give(struct dialect_reader *reader, struct arena *scratch, hg_json from)
{
    hg_json reason = json_member(from, HG_S("finish_reason"));
    uint32_t finish = cohere_finish_read(reason);

    usage_give(reader, json_member(from, HG_S("usage")));
    if (cohere_finish_is_failure(reason)) {
        failure_give(reader, scratch, from, reason);
        return;
    }
    if (!finish || reader->is_finished)
        return;
    if (reader->slots) {
        slots_end_all(reader->slots);
        if (finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER && slots_any(reader->slots, 0))
            finish = HG_FIN_TOOLS;
    }
    reader->is_finished = true;
    give(reader,
         (hg_event){.type = HG_EV_FINISH, .finish = finish, .name = json_str(scratch, reason)});
}

/* ---- streams ---------------------------------------------------------------------------------
 */

struct step {
    struct dialect_reader *reader;
    struct arena *scratch;
    hg_json doc, message; /* "message" of its delta */
    int64_t index;
};

static void on_message_start(const struct step *step)
{
    start_give(step->reader, json_str(step->scratch, json_member(step->doc, HG_S("id"))));
}

static void on_content(const struct step *step)
{
    content_give(step->reader, step->scratch, json_member(step->message, HG_S("content")));
    if (json_member(step->doc, HG_S("logprobs")).kind == HG_J_OBJ) {
        struct chain *list = chain_new(step->scratch);
        hg_json doc;

        json_arr(list);
        json_put_raw(list, json_raw(json_member(step->doc, HG_S("logprobs"))));
        json_end(list);
        if (json_parse(step->scratch, chain_flat(list, step->scratch), &doc, NULL))
            logprobs_give(step->reader, step->scratch, doc);
    }
}

static void on_content_start(const struct step *step)
{
    step->reader->is_thinking = false;
    on_content(step);
}

static void on_plan(const struct step *step)
{
    thought_give(step->reader, step->scratch, json_member(step->message, HG_S("tool_plan")));
}

/* An object, and in some versions a list of one. */
static void on_call(const struct step *step)
{
    hg_json calls = json_member(step->message, HG_S("tool_calls"));

    call_give(step->reader, step->scratch, calls.kind == HG_J_ARR ? json_element(calls, 0) : calls,
              step->index);
}

static void on_call_end(const struct step *step)
{
    if (step->reader->slots)
        slots_end(step->reader->slots, 0, step->index);
}

static void on_citation(const struct step *step)
{
    annotations_give(step->reader, step->scratch, json_member(step->message, HG_S("citations")));
}

static void on_message_end(const struct step *step)
{
    finish_give(step->reader, step->scratch, json_member(step->doc, HG_S("delta")));
}

static void on_nothing(const struct step *step)
{
    (void)step;
}

static const struct {
    const char *type;
    void (*take)(const struct step *step);
} steps[] = {
    {"content-delta", on_content},   {"tool-call-delta", on_call},
    {"tool-plan-delta", on_plan},    {"content-start", on_content_start},
    {"content-end", on_nothing},     {"citation-start", on_citation},
    {"citation-end", on_nothing},    {"tool-call-start", on_call},
    {"tool-call-end", on_call_end},  {"message-start", on_message_start},
    {"message-end", on_message_end}, {"debug", on_nothing},
};

static void event_take(struct dialect_reader *reader, struct arena *scratch, hg_str type,
                       hg_json doc)
{
    struct step step = {reader, scratch, doc, json_get(doc, "/delta/message"),
                        json_i64(json_member(doc, HG_S("index")), -1)};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!text_is(type, text_of(steps[i].type)))
            continue;
        if (!text_is(type, HG_S("message-end")))
            start_give(reader, json_str(scratch, json_member(doc, HG_S("id"))));
        steps[i].take(&step);
        return;
    }
    /* A new kind of event is for others; what has no kind must be an error. */
    if (!type.n || text_is(type, HG_S("error")) ||
        json_member(doc, HG_S("message")).kind == HG_J_STR || json_member(doc, HG_S("error")).kind)
        refuse(reader, scratch, doc);
}

bool cohere_is_end(hg_str event, hg_str data)
{
    (void)event;
    return text_starts(text_trim(data), HG_S("[DONE]"));
}

void cohere_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data)
{
    hg_str text = text_trim(data), type;
    hg_json doc;

    if (reader->is_over || reader->is_finished || !text.n || cohere_is_end(event, text) ||
        text_is(text, HG_S("{}")) || text_is(text, HG_S("null")))
        return;
    if (!json_parse(scratch, text, &doc, NULL) || doc.kind != HG_J_OBJ) {
        fail(reader, DIALECT_BROKEN, HG_S("an event that is not JSON"));
        return;
    }
    type = json_str(scratch, json_member(doc, HG_S("type")));
    event_take(reader, scratch, type.n ? type : event, doc);
}

/* Every frame is exactly of the kind that has a piece of text and nothing else. */
bool cohere_is_plain(hg_str events)
{
    static const char head[] = "event: content-delta\ndata: {\"type\":\"content-delta\",";
    const size_t n = sizeof head - 1;

    while (events.n) {
        const char *end;

        if (!text_starts(events, HG_S(head)) || !(end = memmem(events.p, events.n, "\n\n", 2)))
            return false;
        if (memchr(events.p + n, '\n', (size_t)(end - events.p) - n))
            return false;
        events.n -= (size_t)(end + 2 - events.p);
        events.p = end + 2;
    }
    return true;
}

/* ---- whole answers ---------------------------------------------------------------------------
 */

static void message_give(struct dialect_reader *reader, struct arena *scratch, hg_json message)
{
    hg_json calls = json_member(message, HG_S("tool_calls")), call;
    hg_json_it it = {{0, 0}};
    int64_t number = 0;

    content_give(reader, scratch, json_member(message, HG_S("content")));
    reader->is_thinking = false;
    thought_give(reader, scratch, json_member(message, HG_S("tool_plan")));
    annotations_give(reader, scratch, json_member(message, HG_S("citations")));
    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call))
        call_give(reader, scratch, call, number++);
}

/* The first list of vectors, whatever they are made of. */
static hg_json vectors_of(hg_json doc)
{
    hg_json embeddings = json_member(doc, HG_S("embeddings")), value;
    hg_json_it it = {{0, 0}};

    if (embeddings.kind != HG_J_OBJ)
        return embeddings;
    while (json_next(embeddings, &it, NULL, &value))
        if (value.kind == HG_J_ARR && json_count(value))
            return value;
    return (hg_json){0};
}

static void embeddings_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json vectors = vectors_of(doc), vector;
    struct chain *data = chain_new(scratch);
    hg_json_it it = {{0, 0}};
    uint64_t number = 0;

    if (vectors.kind != HG_J_ARR) {
        refuse(reader, scratch, doc);
        return;
    }
    start_give(reader, json_str(scratch, json_member(doc, HG_S("id"))));
    json_arr(data);
    while (json_next(vectors, &it, NULL, &vector)) {
        json_obj(data);
        JSON_KEY(data, "object");
        json_put_str(data, HG_S("embedding"));
        JSON_KEY(data, "index");
        json_put_u64(data, number++);
        JSON_KEY(data, "embedding");
        json_put_raw(data, json_raw(vector));
        json_end(data);
    }
    json_end(data);
    give(reader,
         (hg_event){.type = HG_EV_EXTRA, .name = HG_S("data"), .text = chain_flat(data, scratch)});
    usage_give(reader, json_member(doc, HG_S("meta")));
    give(reader, (hg_event){.type = HG_EV_FINISH, .finish = HG_FIN_STOP});
}

void cohere_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json message = json_member(doc, HG_S("message"));

    if (reader->kind == HG_R_EMBED) {
        embeddings_give(reader, scratch, doc);
        return;
    }
    if (message.kind != HG_J_OBJ) {
        refuse(reader, scratch, doc);
        return;
    }
    start_give(reader, json_str(scratch, json_member(doc, HG_S("id"))));
    message_give(reader, scratch, message);
    logprobs_give(reader, scratch, json_member(doc, HG_S("logprobs")));
    finish_give(reader, scratch, doc);
    if (!reader->is_finished)
        fail(reader, DIALECT_BROKEN, HG_S("an answer without a finish reason"));
}

void cohere_reader_end(struct dialect_reader *reader)
{
    if (reader->slots && !reader->is_over)
        slots_end_all(reader->slots);
}
