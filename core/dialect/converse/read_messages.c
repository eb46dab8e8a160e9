/* The messages of a request into normal form. Each block is an object with one member, whose name
 * is its kind. */
#include "base/text.h"
#include "dialect/converse/format.h"
#include "dialect/converse/read_chat.h"
#include "json/write.h"

hg_str converse_cache_read(struct reading *reading, hg_json point)
{
    hg_str ttl = json_str(reading->arena, json_member(point, HG_S("ttl")));

    if (text_is(ttl, HG_S("1h")))
        return HG_S("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}");
    return text_is(ttl, HG_S("5m")) ? HG_S("{\"type\":\"ephemeral\",\"ttl\":\"5m\"}")
                                    : HG_S("{\"type\":\"ephemeral\"}");
}

/* Where blocks go, and the one that a cache point marks. */
struct place {
    struct chat_message *message;
    struct chat_part *last;
};

static struct chat_part *part_add(struct reading *reading, struct place *place,
                                  enum chat_part_kind kind)
{
    return place->last = chat_add_part(reading->arena, place->message, kind);
}

/* [{"text":...}, ...] as one text. */
static struct chat_text texts_join(struct reading *reading, hg_json list)
{
    struct chain *joined = chain_new(reading->arena);
    hg_json_it it = {{0, 0}};
    hg_json item;

    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &item)) {
        hg_str text = json_str(reading->arena, json_member(item, HG_S("text")));

        chain_put(joined, text.p, text.n);
    }
    return chat_plain(chain_flat(joined, reading->arena));
}

/* ---- kinds of blocks ---------------------------------------------------------------------------
 */

typedef bool block_reader(struct reading *reading, struct place *place, hg_json value);

static bool text_read(struct reading *reading, struct place *place, hg_json value)
{
    part_add(reading, place, CHAT_TEXT)->text = chat_text_of(value);
    return value.kind == HG_J_STR;
}

static void source_read(struct chat_part *part, hg_json source)
{
    part->data = chat_text_of(json_member(source, HG_S("bytes")));
    part->url = chat_text_of(json_get(source, "/s3Location/uri"));
    part->text = chat_text_of(json_member(source, HG_S("text")));
}

static bool media_read(struct reading *reading, struct place *place, enum chat_part_kind kind,
                       hg_json value)
{
    struct chat_part *part = part_add(reading, place, kind);
    hg_json source = json_member(value, HG_S("source"));

    part->mime = converse_format_mime(reading->arena, kind,
                                      json_str(reading->arena, json_member(value, HG_S("format"))));
    source_read(part, source);
    if (json_member(source, HG_S("content")).kind == HG_J_ARR)
        part->text = texts_join(reading, json_member(source, HG_S("content")));
    return chat_has(part->data) || chat_has(part->url) || chat_has(part->text);
}

static bool image_read(struct reading *reading, struct place *place, hg_json value)
{
    return media_read(reading, place, CHAT_IMAGE, value);
}

static bool video_read(struct reading *reading, struct place *place, hg_json value)
{
    return media_read(reading, place, CHAT_VIDEO, value);
}

static bool audio_read(struct reading *reading, struct place *place, hg_json value)
{
    return media_read(reading, place, CHAT_AUDIO, value);
}

static bool document_read(struct reading *reading, struct place *place, hg_json value)
{
    if (!media_read(reading, place, CHAT_FILE, value))
        return false;
    place->last->name = chat_text_of(json_member(value, HG_S("name")));
    return true;
}

static bool use_read(struct reading *reading, struct place *place, hg_json value)
{
    struct chat_part *part;
    hg_json input = json_member(value, HG_S("input"));

    if (json_is(json_member(value, HG_S("type")), HG_S("server_tool_use"))) {
        part_add(reading, place, CHAT_RAW)->raw = json_raw(value);
        return true;
    }
    part = part_add(reading, place, CHAT_CALL);
    part->id = chat_text_of(json_member(value, HG_S("toolUseId")));
    part->tool = chat_text_of(json_member(value, HG_S("name")));
    part->args = chat_plain(chat_raw(input));
    return chat_has(part->id) && chat_has(part->tool);
}

static bool reasoning_read(struct reading *reading, struct place *place, hg_json value)
{
    struct chat_part *part = part_add(reading, place, CHAT_REASONING);
    hg_json text = json_member(value, HG_S("reasoningText"));

    part->text = chat_text_of(json_member(text, HG_S("text")));
    part->signature = chat_text_of(json_member(text, HG_S("signature")));
    part->encrypted = chat_text_of(json_member(value, HG_S("redactedContent")));
    return chat_has(part->text) || chat_has(part->encrypted);
}

/* What a guardrail is to look at is text or an image like others. */
static bool guard_read(struct reading *reading, struct place *place, hg_json value)
{
    hg_json text = json_get(value, "/text/text");

    if (text.kind == HG_J_STR)
        return text_read(reading, place, text);
    return image_read(reading, place, json_member(value, HG_S("image")));
}

static bool cited_read(struct reading *reading, struct place *place, hg_json value)
{
    part_add(reading, place, CHAT_TEXT)->text =
        texts_join(reading, json_member(value, HG_S("content")));
    return true;
}

/* Title, source and text of what a search has found. */
static bool search_read(struct reading *reading, struct place *place, hg_json value)
{
    hg_str title = json_str(reading->arena, json_member(value, HG_S("title")));
    hg_str source = json_str(reading->arena, json_member(value, HG_S("source")));
    hg_str text = texts_join(reading, json_member(value, HG_S("content"))).s;

    part_add(reading, place, CHAT_TEXT)->text = chat_plain(arena_fmt(
        reading->arena, "%.*s\n%.*s\n%.*s", TEXT_ARG(title), TEXT_ARG(source), TEXT_ARG(text)));
    return true;
}

static bool cache_point_read(struct reading *reading, struct place *place, hg_json value)
{
    if (place->last)
        place->last->cache = converse_cache_read(reading, value);
    return true;
}

static bool json_read(struct reading *reading, struct place *place, hg_json value)
{
    part_add(reading, place, CHAT_TEXT)->text = chat_plain(json_raw(value));
    return true;
}

static bool raw_read(struct reading *reading, struct place *place, hg_json value)
{
    part_add(reading, place, CHAT_RAW)->raw = json_raw(value);
    return true;
}

static const struct block_kind {
    const char *key;
    block_reader *read;
} block_kinds[] = {
    {"text", text_read},
    {"toolUse", use_read},
    {"reasoningContent", reasoning_read},
    {"image", image_read},
    {"document", document_read},
    {"video", video_read},
    {"audio", audio_read},
    {"cachePoint", cache_point_read},
    {"guardContent", guard_read},
    {"citationsContent", cited_read},
    {"searchResult", search_read},
    {"json", json_read},
    {"toolAddition", raw_read},
    {"toolRemoval", raw_read},
};

static const struct block_kind *kind_of(hg_json block, hg_json *ret_value)
{
    for (size_t i = 0; i < sizeof block_kinds / sizeof *block_kinds; i++) {
        *ret_value = json_member(block, text_of(block_kinds[i].key));
        if (ret_value->kind)
            return &block_kinds[i];
    }
    return NULL;
}

/* A kind that is not known travels no further, but is noted where it is lost. */
static bool block_read(struct reading *reading, struct place *place, hg_json block)
{
    hg_json value;
    const struct block_kind *kind = kind_of(block, &value);

    if (kind)
        return kind->read(reading, place, value);
    return block.kind == HG_J_OBJ && raw_read(reading, place, block);
}

/* ---- results of tools --------------------------------------------------------------------------
 */

static bool result_read(struct reading *reading, struct place *place, hg_json value)
{
    struct chat_part *part = part_add(reading, place, CHAT_RESULT);
    struct chat_message message = {.parts_end = &part->parts};
    struct place inside = {.message = &message};
    hg_json content = json_member(value, HG_S("content")), block;
    hg_json_it it = {{0, 0}};

    part->id = chat_text_of(json_member(value, HG_S("toolUseId")));
    part->is_error = json_is(json_member(value, HG_S("status")), HG_S("error"));
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &block))
        if (!block_read(reading, &inside, block))
            return false;
    return chat_has(part->id);
}

/* Results come first, in a message of their own: nobody else has them among a user's words. */
static bool results_read(struct reading *reading, hg_json content, size_t number, bool *ret_others)
{
    struct place place = {0};
    hg_json_it it = {{0, 0}};
    bool after_result = false;
    size_t at = 0;
    hg_json block;

    *ret_others = false;
    for (; json_next(content, &it, NULL, &block); at++) {
        hg_json result = json_member(block, HG_S("toolResult"));
        hg_json point = json_member(block, HG_S("cachePoint"));

        if (after_result && point.kind) {
            place.last->cache = converse_cache_read(reading, point);
            continue;
        }
        after_result = result.kind != HG_J_NONE;
        *ret_others |= !after_result;
        if (!after_result)
            continue;
        if (!place.message)
            place.message = chat_add_message(reading->arena, reading->chat, HG_ROLE_TOOL);
        if (!result_read(reading, &place, result))
            return error_set(reading->error,
                             "messages[%zu].content[%zu].toolResult: needs a toolUseId and a list "
                             "of blocks as content",
                             number, at);
    }
    return true;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static bool blocks_read(struct reading *reading, hg_json content, uint32_t role, size_t number)
{
    struct place place = {.message = chat_add_message(reading->arena, reading->chat, role)};
    hg_json_it it = {{0, 0}};
    bool after_result = false;
    size_t at = 0;
    hg_json block;

    for (; json_next(content, &it, NULL, &block); at++) {
        bool is_result = json_member(block, HG_S("toolResult")).kind != HG_J_NONE;

        if (is_result || (after_result && json_member(block, HG_S("cachePoint")).kind)) {
            after_result = true;
            continue;
        }
        after_result = false;
        if (!block_read(reading, &place, block))
            return error_set(reading->error,
                             "messages[%zu].content[%zu]: must be an object with one whole block",
                             number, at);
    }
    return true;
}

static uint32_t role_of(hg_json role)
{
    if (json_is(role, HG_S("user")))
        return HG_ROLE_USER;
    if (json_is(role, HG_S("assistant")))
        return HG_ROLE_ASSISTANT;
    return json_is(role, HG_S("system")) ? HG_ROLE_SYSTEM : 0;
}

static bool message_read(struct reading *reading, hg_json value, size_t number)
{
    hg_json content = json_member(value, HG_S("content"));
    uint32_t role = role_of(json_member(value, HG_S("role")));
    bool has_others;

    if (!role)
        return error_set(reading->error, "messages[%zu].role: must be user, assistant or system",
                         number);
    if (content.kind != HG_J_ARR)
        return error_set(reading->error, "messages[%zu].content: must be a list", number);
    if (!results_read(reading, content, number, &has_others))
        return false;
    return !has_others || blocks_read(reading, content, role, number);
}

bool converse_messages_read(struct reading *reading, hg_json messages)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json message;

    if (messages.kind != HG_J_ARR)
        return error_set(reading->error, "messages: must be a list");
    while (json_next(messages, &it, NULL, &message))
        if (!message_read(reading, message, number++))
            return false;
    return true;
}

bool converse_system_read(struct reading *reading, hg_json blocks)
{
    struct place place = {0};
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json block;

    for (; blocks.kind == HG_J_ARR && json_next(blocks, &it, NULL, &block); number++) {
        if (!place.message)
            place.message = chat_add_message(reading->arena, reading->chat, HG_ROLE_SYSTEM);
        if (!block_read(reading, &place, block))
            return error_set(reading->error,
                             "system[%zu]: must be an object with text, guardContent or cachePoint",
                             number);
    }
    return true;
}
