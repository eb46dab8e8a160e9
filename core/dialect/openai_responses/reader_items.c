/* Items of an answer: messages, reasoning, calls. What the provider ran by itself is no part of the
 * normal form, but for images. */
#include "dialect/openai_responses/reader.h"

#include "base/text.h"
#include "dialect/openai_responses/notes.h"
#include "json/write.h"

enum {
    ITEMS_MAX = 1024
};

struct item *responses_reader_item(struct dialect_reader *reader, int64_t place)
{
    struct item *item = reader->items;

    while (item && item->place != place)
        item = item->next;
    if (item || reader->count == ITEMS_MAX)
        return item;
    item = arena_zalloc(reader->arena, sizeof *item);
    item->place = place;
    item->next = reader->items;
    reader->items = item;
    reader->count++;
    return item;
}

static struct slots *slots_of(struct dialect_reader *reader)
{
    if (!reader->slots)
        reader->slots = slots_new(reader->arena, &reader->sink);
    return reader->slots;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Free text as the one argument of a function, which all other formats know. */
static hg_str custom_piece(struct arena *scratch, const struct item *item, hg_str text)
{
    static const char head[] = "{\"input\":\"";
    char *piece = arena_alloc(scratch, sizeof head + text.n * JSON_ESCAPED_MAX), *at = piece;

    if (!item->args.in_all)
        at = put_mem(at, head, sizeof head - 1);
    at = json_escape_at(at, text);
    return (hg_str){piece, (size_t)(at - piece)};
}

static void piece_give(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                       const struct seen *seen, hg_str text)
{
    if (seen == &item->text)
        responses_reader_give(reader, (hg_event){.type = HG_EV_TEXT, .text = text});
    else if (seen == &item->refusal)
        responses_reader_give(reader, (hg_event){.type = HG_EV_REFUSAL, .text = text});
    else if (seen == &item->args && item->kind == ITEM_CUSTOM)
        slots_add(slots_of(reader), 0, item->place, HG_S(""), HG_S(""),
                  custom_piece(scratch, item, text));
    else if (seen == &item->args && item->kind != ITEM_PARALLEL)
        slots_add(slots_of(reader), 0, item->place, HG_S(""), HG_S(""), text);
    else if (seen == &item->summary || seen == &item->thinking)
        responses_reader_give(
            reader, (hg_event){.type = HG_EV_REASONING, .index = item->block, .text = text});
}

static uint64_t hash_on(uint64_t hash, hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (uint8_t)text.p[i]) * 0x100000001b3u;
    return hash;
}

void responses_reader_piece(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                            struct seen *seen, int64_t part, hg_str text)
{
    /* A summary and what it sums up are the same thoughts: those that came first count. */
    const struct seen *other = seen == &item->summary    ? &item->thinking
                               : seen == &item->thinking ? &item->summary
                                                         : NULL;

    if (!text.n || item->is_done || (other && other->in_all))
        return;
    if (part != seen->part)
        *seen = (struct seen){.part = part, .in_all = seen->in_all};
    piece_give(reader, scratch, item, seen, text);
    seen->in_part += text.n;
    seen->in_all += text.n;
    if (seen == &item->args)
        seen->hash = hash_on(seen->hash, text);
}

void responses_reader_part(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                           struct seen *seen, int64_t part, hg_str text)
{
    size_t given = part == seen->part ? seen->in_part : part < seen->part ? text.n : 0;

    /* Arguments may come once more with other white space, which is nothing new. */
    if (seen == &item->args && text.n > given &&
        hash_on(0, (hg_str){text.p, given}) != (given ? seen->hash : 0))
        return;
    if (text.n > given)
        responses_reader_piece(reader, scratch, item, seen, part,
                               (hg_str){text.p + given, text.n - given});
}

/* All of the texts of one kind in a list of parts: what is beyond what was given. */
static void texts_whole(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                        struct seen *seen, hg_json parts, const char *type, hg_str key)
{
    hg_json_it it = {{0, 0}};
    int64_t number = 0;
    size_t end = 0;
    hg_json part;

    for (; parts.kind == HG_J_ARR && json_next(parts, &it, NULL, &part); number++) {
        if (!json_is(json_member(part, HG_S("type")), text_of(type)))
            continue;
        hg_str text = json_str(scratch, json_member(part, key));

        end += text.n;
        if (end > seen->in_all) {
            size_t n = end - seen->in_all;

            responses_reader_piece(reader, scratch, item, seen, number,
                                   (hg_str){text.p + text.n - n, n});
        }
    }
}

/* ---- kinds of items -------------------------------------------------------------------------- */

void responses_reader_note(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                           hg_json note)
{
    item->notes++;
    if (note.kind == HG_J_OBJ)
        responses_reader_give(reader, (hg_event){.type = HG_EV_CITATION,
                                                 .text = responses_note_to_chat(scratch, note)});
}

static void message_whole(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                          hg_json value)
{
    hg_json content = json_member(value, HG_S("content")), part, note;
    hg_json_it it = {{0, 0}};
    size_t number = 0;

    texts_whole(reader, scratch, item, &item->text, content, "output_text", HG_S("text"));
    texts_whole(reader, scratch, item, &item->refusal, content, "refusal", HG_S("refusal"));
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &part)) {
        hg_json notes = json_member(part, HG_S("annotations"));
        hg_json_it inner = {{0, 0}};

        while (notes.kind == HG_J_ARR && json_next(notes, &inner, NULL, &note))
            if (number++ >= item->notes)
                responses_reader_note(reader, scratch, item, note);
    }
}

static void reasoning_whole(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                            hg_json value)
{
    hg_str encrypted = json_str(scratch, json_member(value, HG_S("encrypted_content")));
    hg_event event = {.type = HG_EV_REASONING, .index = item->block};

    texts_whole(reader, scratch, item, &item->summary, json_member(value, HG_S("summary")),
                "summary_text", HG_S("text"));
    texts_whole(reader, scratch, item, &item->thinking, json_member(value, HG_S("content")),
                "reasoning_text", HG_S("text"));
    if (text_starts(encrypted, RESPONSES_SIGNATURE))
        event.id =
            (hg_str){encrypted.p + RESPONSES_SIGNATURE.n, encrypted.n - RESPONSES_SIGNATURE.n};
    else if (text_starts(encrypted, RESPONSES_ENCRYPTED))
        event.name =
            (hg_str){encrypted.p + RESPONSES_ENCRYPTED.n, encrypted.n - RESPONSES_ENCRYPTED.n};
    else
        event.name = encrypted;
    if (encrypted.n)
        responses_reader_give(reader, event);
}

/* {"tool_uses":[{"recipient_name":"functions.x","parameters":{...}}]} is how some models call
 * several tools at once. */
static void parallel_whole(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                           hg_json value)
{
    hg_str args = json_str(scratch, json_member(value, HG_S("arguments")));
    hg_str id = json_str(scratch, json_member(value, HG_S("call_id")));
    hg_json_it it = {{0, 0}};
    int64_t number = 0;
    hg_json root, uses, use;

    if (!json_parse(scratch, args, &root, NULL))
        return;
    uses = json_member(root, HG_S("tool_uses"));
    for (; uses.kind == HG_J_ARR && json_next(uses, &it, NULL, &use); number++) {
        hg_str name = json_str(scratch, json_member(use, HG_S("recipient_name")));
        hg_str params = json_raw(json_member(use, HG_S("parameters")));
        int64_t key = ((item->place + 1) << 20) + number;

        if (text_starts(name, HG_S("functions.")))
            name = (hg_str){name.p + 10, name.n - 10};
        slots_add(slots_of(reader), 0, key,
                  arena_fmt(scratch, "%.*s_%lld", TEXT_ARG(id), (long long)number), name, params);
        slots_end(slots_of(reader), 0, key);
    }
}

static void call_whole(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                       hg_json value)
{
    hg_json args =
        json_member(value, item->kind == ITEM_CUSTOM ? HG_S("input") : HG_S("arguments"));

    if (item->kind == ITEM_PARALLEL) {
        parallel_whole(reader, scratch, item, value);
        return;
    }
    responses_reader_part(reader, scratch, item, &item->args, 0,
                          args.kind == HG_J_OBJ ? json_raw(args) : json_str(scratch, args));
    if (item->kind == ITEM_CUSTOM)
        slots_add(slots_of(reader), 0, item->place, HG_S(""), HG_S(""),
                  item->args.in_all ? HG_S("\"}") : HG_S("{\"input\":\"\"}"));
    slots_end(slots_of(reader), 0, item->place);
}

/* {"type":"image_generation_call","output_format":"png","result":"<base64>"} */
static void other_whole(struct dialect_reader *reader, struct arena *scratch, hg_json value)
{
    hg_json result = json_member(value, HG_S("result"));
    hg_str format = json_str(scratch, json_member(value, HG_S("output_format")));

    if (json_is(json_member(value, HG_S("type")), HG_S("image_generation_call")) &&
        result.kind == HG_J_STR)
        responses_reader_give(
            reader, (hg_event){.type = HG_EV_MEDIA,
                               .name = arena_fmt(scratch, "image/%.*s",
                                                 TEXT_ARG(format.n ? format : HG_S("png"))),
                               .text = json_str(scratch, result)});
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum item_kind kind_of(hg_json value)
{
    hg_json type = json_member(value, HG_S("type"));

    if (json_is(type, HG_S("message")))
        return ITEM_MESSAGE;
    if (json_is(type, HG_S("reasoning")))
        return ITEM_REASONING;
    if (json_is(type, HG_S("custom_tool_call")))
        return ITEM_CUSTOM;
    if (!json_is(type, HG_S("function_call")))
        return ITEM_OTHER;
    return json_is(json_member(value, HG_S("name")), HG_S("multi_tool_use.parallel"))
               ? ITEM_PARALLEL
               : ITEM_CALL;
}

void responses_reader_item_begin(struct dialect_reader *reader, struct arena *scratch,
                                 struct item *item, hg_json value)
{
    hg_str id = json_str(scratch, json_member(value, HG_S("call_id")));
    bool is_new = item->kind == 0;

    if (item->is_done || value.kind != HG_J_OBJ)
        return;
    item->kind = kind_of(value);
    if (item->kind == ITEM_REASONING && is_new)
        item->block = reader->blocks++;
    if (item->kind != ITEM_CALL && item->kind != ITEM_CUSTOM)
        return;
    if (!id.n)
        id = json_str(scratch, json_member(value, HG_S("id")));
    slots_add(slots_of(reader), 0, item->place, id,
              json_str(scratch, json_member(value, HG_S("name"))), HG_S(""));
}

void responses_reader_item_whole(struct dialect_reader *reader, struct arena *scratch,
                                 struct item *item, hg_json value)
{
    if (item->is_done || value.kind != HG_J_OBJ)
        return;
    responses_reader_item_begin(reader, scratch, item, value);
    switch (item->kind) {
    case ITEM_MESSAGE:
        message_whole(reader, scratch, item, value);
        break;
    case ITEM_REASONING:
        reasoning_whole(reader, scratch, item, value);
        break;
    case ITEM_CALL:
    case ITEM_CUSTOM:
    case ITEM_PARALLEL:
        call_whole(reader, scratch, item, value);
        break;
    case ITEM_OTHER:
        other_whole(reader, scratch, value);
        break;
    }
    item->is_done = true;
}
