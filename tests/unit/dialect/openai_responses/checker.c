#include "unit/dialect/openai_responses/checker.h"

#include <check.h>

#include <headgate/provider.h>

#include "base/chain.h"
#include "base/text.h"
#include "http/frame.h"
#include "json/index.h"

enum {
    ITEMS = 64,
    PARTS = 16
};

struct told_part {
    bool is_open, is_text_done;
    struct chain *text;
    int64_t notes;
};

struct told_item {
    bool is_open, is_done;
    hg_str id, type, raw;
    struct told_part parts[PARTS];
    int64_t part_count;
};

struct told {
    struct arena *arena;
    int64_t sequence, item_count;
    hg_str id;
    struct told_item items[ITEMS];
    bool is_created, is_over;
};

static hg_json get(hg_json doc, const char *place, uint32_t kind)
{
    hg_json value = json_get(doc, place);

    ck_assert_msg(value.kind == kind, "%s is %u in %.*s", place, value.kind,
                  TEXT_ARG(json_raw(doc)));
    return value;
}

static bool is(hg_str text, const char *word)
{
    return text_is(text, text_of(word));
}

static void object_check(struct told *told, hg_json response)
{
    static const char *const there[] = {
        "/error", "/incomplete_details", "/instructions", "/temperature", "/top_p",
        "/usage", "/tool_choice"};

    ck_assert(text_starts(json_str(told->arena, get(response, "/id", HG_J_STR)), HG_S("resp_")));
    ck_assert(json_is(get(response, "/object", HG_J_STR), HG_S("response")));
    get(response, "/created_at", HG_J_NUM);
    get(response, "/status", HG_J_STR);
    get(response, "/model", HG_J_STR);
    get(response, "/output", HG_J_ARR);
    get(response, "/tools", HG_J_ARR);
    get(response, "/text", HG_J_OBJ);
    get(response, "/metadata", HG_J_OBJ);
    ck_assert(json_get(response, "/parallel_tool_calls").kind == HG_J_TRUE ||
              json_get(response, "/parallel_tool_calls").kind == HG_J_FALSE);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        ck_assert_msg(json_get(response, there[i]).kind != HG_J_NONE, "%s", there[i]);
    if (json_get(response, "/usage").kind == HG_J_OBJ) {
        get(response, "/usage/input_tokens", HG_J_NUM);
        get(response, "/usage/output_tokens", HG_J_NUM);
        get(response, "/usage/total_tokens", HG_J_NUM);
        get(response, "/usage/input_tokens_details/cached_tokens", HG_J_NUM);
        get(response, "/usage/output_tokens_details/reasoning_tokens", HG_J_NUM);
    }
}

static struct told_item *item_of(struct told *told, hg_json doc)
{
    int64_t number = json_i64(get(doc, "/output_index", HG_J_NUM), -1);
    struct told_item *item = &told->items[number];

    ck_assert(number >= 0 && number < told->item_count && number < ITEMS);
    ck_assert_msg(item->is_open && !item->is_done, "an event of an item that is not open");
    ck_assert(json_is(get(doc, "/item_id", HG_J_STR), item->id));
    return item;
}

static struct told_part *part_of(struct told *told, struct told_item *item, hg_json doc)
{
    hg_json index = json_get(doc, "/content_index");

    (void)told;
    if (!index.kind)
        index = json_get(doc, "/summary_index");
    ck_assert(index.kind == HG_J_NUM && json_i64(index, -1) >= 0 && json_i64(index, -1) < PARTS);
    return &item->parts[json_i64(index, -1)];
}

static void item_added(struct told *told, hg_json doc)
{
    struct told_item *item = &told->items[told->item_count];
    hg_json value = get(doc, "/item", HG_J_OBJ);

    ck_assert_int_eq(json_i64(get(doc, "/output_index", HG_J_NUM), -1), told->item_count);
    ck_assert_int_lt(told->item_count, ITEMS);
    item->is_open = true;
    item->id = json_str(told->arena, get(value, "/id", HG_J_STR));
    item->type = json_str(told->arena, get(value, "/type", HG_J_STR));
    for (int64_t i = 0; i < told->item_count; i++)
        ck_assert(!text_is(told->items[i].id, item->id));
    told->item_count++;
}

static void item_done(struct told *told, hg_json doc)
{
    int64_t number = json_i64(get(doc, "/output_index", HG_J_NUM), -1);
    hg_json value = get(doc, "/item", HG_J_OBJ);
    struct told_item *item = &told->items[number];

    ck_assert(number >= 0 && number < told->item_count);
    ck_assert(item->is_open && !item->is_done);
    ck_assert(json_is(get(value, "/id", HG_J_STR), item->id));
    for (int64_t i = 0; i < item->part_count; i++)
        ck_assert(!item->parts[i].is_open && item->parts[i].is_text_done);
    item->is_done = true;
    item->raw = json_raw(value);
}

static void part_added(struct told *told, hg_json doc)
{
    struct told_item *item = item_of(told, doc);
    struct told_part *part = part_of(told, item, doc);

    ck_assert_ptr_eq(part, &item->parts[item->part_count]);
    ck_assert(item->part_count == 0 || !item->parts[item->part_count - 1].is_open);
    item->part_count++;
    part->is_open = true;
    part->text = chain_new(told->arena);
}

static void part_done(struct told *told, hg_json doc)
{
    struct told_part *part = part_of(told, item_of(told, doc), doc);
    hg_json value = get(doc, "/part", HG_J_OBJ);
    hg_json text = json_member(value, HG_S("text"));

    ck_assert(part->is_open && part->is_text_done);
    part->is_open = false;
    if (!text.kind)
        text = json_member(value, HG_S("refusal"));
    ck_assert(json_is(text, chain_flat(part->text, told->arena)));
}

/* Calls have one text and no parts. */
static struct told_part *text_of_event(struct told *told, hg_json doc, hg_str type)
{
    struct told_item *item = item_of(told, doc);

    if (text_starts(type, HG_S("response.function_call")) ||
        text_starts(type, HG_S("response.custom_tool"))) {
        ck_assert(is(item->type, "function_call") || is(item->type, "custom_tool_call"));
        if (!item->part_count++)
            item->parts[0].text = chain_new(told->arena);
        item->part_count = 1;
        return &item->parts[0];
    }
    ck_assert(part_of(told, item, doc)->is_open);
    return part_of(told, item, doc);
}

static void delta(struct told *told, hg_json doc, hg_str type)
{
    struct told_part *part = text_of_event(told, doc, type);
    hg_str text = json_str(told->arena, get(doc, "/delta", HG_J_STR));

    if (is(type, "response.output_text.delta"))
        get(doc, "/logprobs", HG_J_ARR);
    ck_assert(text.n > 0 && !part->is_text_done);
    chain_put(part->text, text.p, text.n);
}

static void text_done(struct told *told, hg_json doc, hg_str type)
{
    static const char *const names[] = {"/text", "/arguments", "/input", "/refusal"};
    struct told_part *part = text_of_event(told, doc, type);
    hg_json text = {0};

    for (size_t i = 0; i < sizeof names / sizeof *names && !text.kind; i++)
        text = json_get(doc, names[i]);
    ck_assert(!part->is_text_done);
    part->is_text_done = true;
    if (part->text->len || !is(type, "response.function_call_arguments.done"))
        ck_assert(json_is(text, chain_flat(part->text, told->arena)));
}

static void note_added(struct told *told, hg_json doc)
{
    struct told_part *part = part_of(told, item_of(told, doc), doc);

    ck_assert(part->is_open);
    ck_assert_int_eq(json_i64(get(doc, "/annotation_index", HG_J_NUM), -1), part->notes++);
    get(doc, "/annotation", HG_J_OBJ);
}

/* The whole output, each item as it was when it ended. */
static void over(struct told *told, hg_json doc)
{
    hg_json response = get(doc, "/response", HG_J_OBJ), output = get(response, "/output", HG_J_ARR);

    told->is_over = true;
    object_check(told, response);
    ck_assert(json_is(json_get(response, "/id"), told->id));
    ck_assert_uint_eq(json_count(output), (size_t)told->item_count);
    for (int64_t i = 0; i < told->item_count; i++) {
        hg_str raw = json_raw(json_element(output, (size_t)i));

        ck_assert(told->items[i].is_done);
        ck_assert_msg(text_is(raw, told->items[i].raw), "%.*s\n%.*s", TEXT_ARG(raw),
                      TEXT_ARG(told->items[i].raw));
    }
}

static void created(struct told *told, hg_json doc)
{
    hg_json response = get(doc, "/response", HG_J_OBJ);

    object_check(told, response);
    ck_assert(json_is(json_get(response, "/status"), HG_S("in_progress")));
    ck_assert_uint_eq(json_count(json_get(response, "/output")), 0);
    told->id = json_str(told->arena, json_get(response, "/id"));
    told->is_created = true;
}

static void event_check(struct told *told, hg_str type, hg_json doc)
{
    ck_assert(!told->is_over);
    ck_assert(told->is_created == (told->sequence > 1));
    if (is(type, "response.created"))
        created(told, doc);
    else if (is(type, "response.in_progress"))
        created(told, doc);
    else if (is(type, "response.output_item.added"))
        item_added(told, doc);
    else if (is(type, "response.output_item.done"))
        item_done(told, doc);
    else if (text_ends(type, HG_S("_part.added")))
        part_added(told, doc);
    else if (text_ends(type, HG_S("_part.done")))
        part_done(told, doc);
    else if (is(type, "response.output_text.annotation.added"))
        note_added(told, doc);
    else if (is(type, "response.image_generation_call.completed"))
        item_of(told, doc);
    else if (text_ends(type, HG_S(".delta")))
        delta(told, doc, type);
    else if (text_ends(type, HG_S(".done")))
        text_done(told, doc, type);
    else if (is(type, "response.completed") || is(type, "response.incomplete"))
        over(told, doc);
    else
        ck_abort_msg("unknown event %.*s", TEXT_ARG(type));
}

void responses_stream_check(struct arena *arena, hg_str stream)
{
    struct told *told = arena_zalloc(arena, sizeof *told);
    struct frame frame;
    hg_json doc;

    told->arena = arena;
    while (stream.n) {
        size_t n = frame_first(HG_FRAME_SSE, stream);

        ck_assert(n > 0 && n <= stream.n);
        ck_assert(frame_parse(arena, HG_FRAME_SSE, (hg_str){stream.p, n}, &frame));
        ck_assert(frame.has_data);
        ck_assert_msg(json_parse(arena, frame.data, &doc, NULL), "%.*s", TEXT_ARG(frame.data));
        ck_assert(json_is(get(doc, "/type", HG_J_STR), frame.event));
        ck_assert_int_eq(json_i64(get(doc, "/sequence_number", HG_J_NUM), -1), told->sequence);
        told->sequence++;
        event_check(told, frame.event, doc);
        stream = (hg_str){stream.p + n, stream.n - n};
    }
    ck_assert(told->is_over);
}

void responses_object_check(struct arena *arena, hg_str body)
{
    struct told told = {.arena = arena};
    hg_json doc;

    ck_assert_msg(json_parse(arena, body, &doc, NULL), "%.*s", TEXT_ARG(body));
    object_check(&told, doc);
}
