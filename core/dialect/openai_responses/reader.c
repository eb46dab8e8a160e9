/* A provider's answer as normalised events, from a stream or whole. */
#include "dialect/openai_responses/reader.h"

#include <stddef.h>

#include "base/text.h"

struct dialect_reader *responses_reader_new(struct arena *arena, uint32_t kind,
                                            const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    (void)kind;
    reader->arena = arena;
    reader->sink = *sink;
    return reader;
}

void responses_reader_give(struct dialect_reader *reader, hg_event event)
{
    event.size = sizeof event;
    reader->sink.on_event(reader->sink.arg, &event);
}

static void fail(struct dialect_reader *reader, hg_str type, hg_str message)
{
    if (reader->is_over)
        return;
    reader->is_over = true;
    responses_reader_give(reader, (hg_event){.type = HG_EV_ERROR, .name = type, .text = message});
}

static void fail_as_said(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    struct dialect_error error;

    responses_read_error(scratch, doc, &error);
    fail(reader, error.type.n ? error.type : HG_S("api_error"),
         error.message.n ? error.message : HG_S("the provider says that the response failed"));
}

/* ---- responses ------------------------------------------------------------------------------- */

static void start_give(struct dialect_reader *reader, struct arena *scratch, hg_json response)
{
    if (reader->is_started)
        return;
    reader->is_started = true;
    responses_reader_give(
        reader, (hg_event){.type = HG_EV_START,
                           .id = json_str(scratch, json_member(response, HG_S("id"))),
                           .name = json_str(scratch, json_member(response, HG_S("model")))});
}

static void items_give(struct dialect_reader *reader, struct arena *scratch, hg_json output)
{
    hg_json_it it = {{0, 0}};
    int64_t place = 0;
    hg_json value;

    while (output.kind == HG_J_ARR && json_next(output, &it, NULL, &value)) {
        struct item *item = responses_reader_item(reader, place++);

        if (item)
            responses_reader_item_whole(reader, scratch, item, value);
    }
}

static void usage_give(struct dialect_reader *reader, hg_json response)
{
    hg_usage usage;

    if (responses_usage_read(json_member(response, HG_S("usage")), &usage))
        responses_reader_give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

/* What was called counts, but not if the answer was cut. */
static void finish_give(struct dialect_reader *reader, struct arena *scratch, hg_json response,
                        uint32_t finish)
{
    hg_json reason = json_get(response, "/incomplete_details/reason");

    if (reason.kind != HG_J_STR)
        reason = json_member(response, HG_S("status"));
    if (reader->slots) {
        slots_end_all(reader->slots);
        if (finish == HG_FIN_STOP && slots_any(reader->slots, 0))
            finish = HG_FIN_TOOLS;
    }
    reader->is_over = true;
    responses_reader_give(
        reader,
        (hg_event){.type = HG_EV_FINISH, .finish = finish, .name = json_str(scratch, reason)});
}

/* The end of a response, however it came about. A failed one has counted too. */
static void response_give(struct dialect_reader *reader, struct arena *scratch, hg_json response,
                          uint32_t finish)
{
    hg_json tier = json_member(response, HG_S("service_tier"));

    start_give(reader, scratch, response);
    items_give(reader, scratch, json_member(response, HG_S("output")));
    if (tier.kind == HG_J_STR)
        responses_reader_give(
            reader,
            (hg_event){.type = HG_EV_EXTRA, .name = HG_S("service_tier"), .text = json_raw(tier)});
    usage_give(reader, response);
    if (finish)
        finish_give(reader, scratch, response, finish);
}

/* ---- events ---------------------------------------------------------------------------------- */

struct event {
    hg_json doc;
    hg_str type;
    struct item *item;
    int64_t part;
};

static void on_begin(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    start_give(reader, scratch, json_member(event->doc, HG_S("response")));
}

/* By the event's own name if the response does not say how it ended. */
static void on_end(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    hg_json response = json_member(event->doc, HG_S("response"));
    uint32_t finish = responses_finish_read(response);

    if (!finish || text_is(event->type, HG_S("response.completed")))
        finish = text_is(event->type, HG_S("response.incomplete")) ? HG_FIN_OTHER : HG_FIN_STOP;
    response_give(reader, scratch, response, finish);
}

static void on_failed(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    usage_give(reader, json_member(event->doc, HG_S("response")));
    fail_as_said(reader, scratch, event->doc);
}

static void on_error(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    fail_as_said(reader, scratch, event->doc);
}

static void on_item(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    responses_reader_item_begin(reader, scratch, event->item,
                                json_member(event->doc, HG_S("item")));
}

static void on_item_done(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    responses_reader_item_whole(reader, scratch, event->item,
                                json_member(event->doc, HG_S("item")));
}

static void on_note(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    responses_reader_note(reader, scratch, event->item,
                          json_member(event->doc, HG_S("annotation")));
}

/* Which text of an item an event is about, and where it stands: in `delta`, or whole. */
static struct seen *seen_of(struct event *event, hg_str *ret_whole)
{
    static const struct {
        const char *begin, *whole;
        size_t seen;
        enum item_kind kind;
    } texts[] = {
        {"response.output_text.", "text", offsetof(struct item, text), ITEM_MESSAGE},
        {"response.function_call_arguments.", "arguments", offsetof(struct item, args), ITEM_CALL},
        {"response.reasoning_summary_text.", "text", offsetof(struct item, summary),
         ITEM_REASONING},
        {"response.reasoning_text.", "text", offsetof(struct item, thinking), ITEM_REASONING},
        {"response.refusal.", "refusal", offsetof(struct item, refusal), ITEM_MESSAGE},
        {"response.custom_tool_call_input.", "input", offsetof(struct item, args), ITEM_CUSTOM}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!text_starts(event->type, text_of(texts[i].begin)))
            continue;
        if (!event->item->kind)
            event->item->kind = texts[i].kind;
        *ret_whole = text_of(texts[i].whole);
        return (struct seen *)(void *)((char *)event->item + texts[i].seen);
    }
    return NULL;
}

static void on_text(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    hg_json delta = json_member(event->doc, HG_S("delta")), whole;
    struct seen *seen;
    hg_str key;

    if (!(seen = seen_of(event, &key)))
        return;
    whole = json_member(event->doc, key);
    if (text_ends(event->type, HG_S(".delta")))
        responses_reader_piece(reader, scratch, event->item, seen, event->part,
                               json_str(scratch, delta));
    else if (whole.kind == HG_J_STR)
        responses_reader_part(reader, scratch, event->item, seen, event->part,
                              json_str(scratch, whole));
}

static const struct {
    const char *type;
    void (*on)(struct dialect_reader *reader, struct arena *scratch, struct event *event);
    bool of_item;
} handlers[] = {
    {"response.created", on_begin, false},
    {"response.queued", on_begin, false},
    {"response.in_progress", on_begin, false},
    {"response.output_item.added", on_item, true},
    {"response.output_item.done", on_item_done, true},
    {"response.output_text.annotation.added", on_note, true},
    {"response.completed", on_end, false},
    {"response.incomplete", on_end, false},
    {"response.failed", on_failed, false},
    {"response.cancelled", on_failed, false},
    {"error", on_error, false},
};

static void event_give(struct dialect_reader *reader, struct arena *scratch, struct event *event)
{
    int64_t place = json_i64(json_member(event->doc, HG_S("output_index")), 0);
    hg_json part = json_member(event->doc, HG_S("content_index"));

    if (part.kind != HG_J_NUM)
        part = json_member(event->doc, HG_S("summary_index"));
    event->part = json_i64(part, 0);
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (!text_is(event->type, text_of(handlers[i].type)))
            continue;
        if (handlers[i].of_item)
            start_give(reader, scratch, (hg_json){0});
        if (!handlers[i].of_item || (event->item = responses_reader_item(reader, place)))
            handlers[i].on(reader, scratch, event);
        return;
    }
    start_give(reader, scratch, (hg_json){0});
    if ((text_ends(event->type, HG_S(".delta")) || text_ends(event->type, HG_S(".done"))) &&
        (event->item = responses_reader_item(reader, place)))
        on_text(reader, scratch, event);
}

/* Kinds of events that are unknown to us say nothing that we could tell. */
static void document_give(struct dialect_reader *reader, struct arena *scratch, hg_str name,
                          hg_json doc)
{
    struct event event = {.doc = doc, .type = json_str(scratch, json_member(doc, HG_S("type")))};

    if (!event.type.n)
        event.type = name;
    if (text_starts(event.type, HG_S("response.")) || text_is(event.type, HG_S("error")))
        event_give(reader, scratch, &event);
    else if (json_member(doc, HG_S("error")).kind > HG_J_NULL)
        fail_as_said(reader, scratch, doc);
    else if (!event.type.n)
        fail(reader, DIALECT_BROKEN, HG_S("an event without a type"));
}

void responses_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                            hg_str data)
{
    hg_str text = text_trim(data);
    hg_json doc;

    /* Some end with the mark of another format, or keep a connection alive with nothing. */
    if (reader->is_over || !text.n || text_starts(text, HG_S("[DONE]")) ||
        text_is(text, HG_S("{}")) || text_is(text, HG_S("null")))
        return;
    if (json_parse(scratch, text, &doc, NULL) && doc.kind == HG_J_OBJ)
        document_give(reader, scratch, event, doc);
    else
        fail(reader, DIALECT_BROKEN, HG_S("an event that is not JSON"));
}

void responses_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    struct dialect_answer answer;

    responses_read_answer(scratch, HG_R_CHAT, doc, &answer);
    if (answer.is_error) {
        usage_give(reader, doc);
        fail_as_said(reader, scratch, doc);
    } else if (!answer.is_valid) {
        fail(reader, DIALECT_BROKEN, HG_S("an answer without an output"));
    } else {
        response_give(reader, scratch, doc, responses_finish_read(doc));
    }
}

void responses_reader_end(struct dialect_reader *reader)
{
    if (reader->slots && !reader->is_over)
        slots_end_all(reader->slots);
}

/* Servers that leave the name of the event out are waited for until they close. */
bool responses_is_end(hg_str event, hg_str data)
{
    (void)data;
    return text_is(event, HG_S("response.completed")) ||
           text_is(event, HG_S("response.incomplete"));
}
