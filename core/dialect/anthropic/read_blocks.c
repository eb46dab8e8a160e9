/* What was said, called, answered and attached, into normal form: block by block. Blocks that say
 * more than the normal form can hold keep their text, for a provider of this same format. */
#include "base/text.h"
#include "dialect/anthropic/read_chat.h"

typedef bool block_reader(struct reading *reading, struct chat_part *part, hg_json block);

/* ---- sources -----------------------------------------------------------------------------------
 */

static struct chat_text member_text(hg_json object, hg_str key)
{
    return chat_text_of(json_member(object, key));
}

/* All text of a list of blocks in one, a line each. */
static struct chat_text text_joined(struct reading *reading, hg_json content)
{
    struct chain *joined = chain_new(reading->arena);
    hg_json_it it = {{0, 0}};
    hg_json block;

    if (content.kind == HG_J_STR)
        return chat_text_of(content);
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &block)) {
        hg_str text = json_str(reading->arena, json_member(block, HG_S("text")));

        if (joined->len && text.n)
            CHAIN_PUT_LIT(joined, "\n");
        chain_put(joined, text.p, text.n);
    }
    return chat_plain(chain_flat(joined, reading->arena));
}

static bool source_read(struct reading *reading, struct chat_part *part, hg_json source)
{
    hg_json type = json_member(source, HG_S("type"));

    if (json_is(type, HG_S("base64"))) {
        part->data = member_text(source, HG_S("data"));
        part->mime = chat_word(reading->arena, json_member(source, HG_S("media_type")));
        return chat_has(part->data);
    }
    if (json_is(type, HG_S("url"))) {
        chat_set_url(reading->arena, part, member_text(source, HG_S("url")));
        return json_member(source, HG_S("url")).kind == HG_J_STR;
    }
    if (json_is(type, HG_S("file"))) {
        part->file_id = member_text(source, HG_S("file_id"));
        return chat_has(part->file_id);
    }
    if (part->kind != CHAT_FILE)
        return false;
    if (json_is(type, HG_S("text")))
        part->text = member_text(source, HG_S("data"));
    else if (json_is(type, HG_S("content")))
        part->text = text_joined(reading, json_member(source, HG_S("content")));
    part->mime = HG_S("text/plain");
    return chat_has(part->text);
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static bool text_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    hg_json citations = json_member(block, HG_S("citations")), citation;
    struct chain *list = NULL;
    hg_json_it it = {{0, 0}};

    part->text = member_text(block, HG_S("text"));
    while (citations.kind == HG_J_ARR && json_next(citations, &it, NULL, &citation)) {
        hg_str annotation = anthropic_citation_read(reading->arena, citation);

        if (!annotation.n)
            continue;
        if (!list)
            list = chain_new(reading->arena);
        chain_put(list, list->len ? "," : "[", 1);
        chain_put(list, annotation.p, annotation.n);
    }
    if (list) {
        CHAIN_PUT_LIT(list, "]");
        part->citations = chain_flat(list, reading->arena);
    }
    return chat_has(part->text);
}

static bool image_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    return source_read(reading, part, json_member(block, HG_S("source")));
}

static bool document_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    part->name = member_text(block, HG_S("title"));
    anthropic_note(reading, "document.context", json_member(block, HG_S("context")));
    anthropic_note(reading, "document.citations", json_member(block, HG_S("citations")));
    if (!source_read(reading, part, json_member(block, HG_S("source"))))
        return false;
    if (!part->mime.n)
        part->mime = HG_S("application/pdf");
    return true;
}

/* What a search of the client's own found: title, place and text. */
static bool search_result_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    struct chat_text text = text_joined(reading, json_member(block, HG_S("content")));
    hg_str title = json_str(reading->arena, json_member(block, HG_S("title")));
    hg_str source = json_str(reading->arena, json_member(block, HG_S("source")));
    hg_str plain = chat_decode(reading->arena, text);

    part->text = chat_plain(arena_fmt(reading->arena, "%.*s\n%.*s\n%.*s", TEXT_ARG(title),
                                      TEXT_ARG(source), TEXT_ARG(plain)));
    anthropic_note(reading, "search_result.citations", json_member(block, HG_S("citations")));
    return true;
}

static bool thinking_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    (void)reading;
    part->text = member_text(block, HG_S("thinking"));
    part->signature = member_text(block, HG_S("signature"));
    return chat_has(part->text);
}

static bool redacted_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    (void)reading;
    part->encrypted = member_text(block, HG_S("data"));
    return chat_has(part->encrypted);
}

static bool call_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    (void)reading;
    part->id = member_text(block, HG_S("id"));
    part->tool = member_text(block, HG_S("name"));
    part->args = chat_plain(chat_raw(json_member(block, HG_S("input"))));
    return chat_has(part->id) && chat_has(part->tool);
}

static bool blocks_read(struct reading *reading, struct chat_message *message, hg_json content,
                        bool takes_results);

static bool result_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    struct chat_message inside = {.role = HG_ROLE_TOOL, .parts_end = &part->parts};
    hg_json content = json_member(block, HG_S("content"));

    part->id = member_text(block, HG_S("tool_use_id"));
    part->is_error = json_is_yes(json_member(block, HG_S("is_error")));
    if (content.kind == HG_J_STR)
        chat_add_part(reading->arena, &inside, CHAT_TEXT)->text = chat_text_of(content);
    if (!chat_has(part->id) || content.kind != HG_J_ARR)
        return chat_has(part->id);
    reading->place.outer = reading->place.block;
    reading->place.is_inner = true;
    if (!blocks_read(reading, &inside, content, false))
        return false;
    reading->place.is_inner = false;
    reading->place.block = reading->place.outer;
    return true;
}

static bool raw_read(struct reading *reading, struct chat_part *part, hg_json block)
{
    (void)reading;
    (void)part;
    return json_member(block, HG_S("type")).kind == HG_J_STR;
}

static const struct block_kind {
    hg_str type;
    enum chat_part_kind kind;
    block_reader *read;
    const char *needs;
} kinds[] = {
    {{"text", 4}, CHAT_TEXT, text_read, "text: must be a string"},
    {{"tool_use", 8}, CHAT_CALL, call_read, "id and name: must be strings"},
    {{"tool_result", 11}, CHAT_RESULT, result_read, "tool_use_id: must be a string"},
    {{"thinking", 8}, CHAT_REASONING, thinking_read, "thinking: must be a string"},
    {{"redacted_thinking", 17}, CHAT_REASONING, redacted_read, "data: must be a string"},
    {{"image", 5}, CHAT_IMAGE, image_read, "source: must be base64, url or file"},
    {{"document", 8},
     CHAT_FILE,
     document_read,
     "source: must be base64, url, text, content or file"},
    {{"search_result", 13}, CHAT_TEXT, search_result_read, ""},
    {{"", 0}, CHAT_RAW, raw_read, "type: must be a string"},
};

static const struct block_kind *kind_of(hg_json block)
{
    hg_json type = json_member(block, HG_S("type"));
    const struct block_kind *kind = kinds;

    while (kind->type.n && !json_is(type, kind->type))
        kind++;
    return kind;
}

/* False, for an error of an inner block is the error of the outer one. */
static bool block_refuse(struct reading *reading, const char *needs)
{
    const struct place *place = &reading->place;

    if (reading->is_refused)
        return false;
    reading->is_refused = true;
    if (place->is_inner)
        return error_set(reading->error, "messages[%zu].content[%zu].content[%zu].%s",
                         place->message, place->outer, place->block, needs);
    return error_set(reading->error, "messages[%zu].content[%zu].%s", place->message, place->block,
                     needs);
}

static bool block_read(struct reading *reading, struct chat_message *message,
                       const struct block_kind *kind, hg_json block)
{
    struct chat_part *part = chat_add_part(reading->arena, message, kind->kind);

    part->raw = json_raw(block);
    part->cache = chat_raw(json_member(block, HG_S("cache_control")));
    return kind->read(reading, part, block) || block_refuse(reading, kind->needs);
}

/* Results, or all the others. */
static bool blocks_read(struct reading *reading, struct chat_message *message, hg_json content,
                        bool takes_results)
{
    hg_json_it it = {{0, 0}};
    hg_json block;

    for (reading->place.block = 0; json_next(content, &it, NULL, &block); reading->place.block++) {
        const struct block_kind *kind = kind_of(block);
        bool is_result = kind->kind == CHAT_RESULT;

        if (is_result && !takes_results && message->role != HG_ROLE_USER)
            return block_refuse(reading, "type: a tool_result stands in messages of the user");
        if (is_result == takes_results && !block_read(reading, message, kind, block))
            return false;
    }
    return true;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static bool has_results(hg_json content, bool *ret_has_others)
{
    hg_json_it it = {{0, 0}};
    bool any = false;
    hg_json block;

    *ret_has_others = false;
    while (json_next(content, &it, NULL, &block)) {
        bool is_result = json_is(json_member(block, HG_S("type")), HG_S("tool_result"));

        any |= is_result;
        *ret_has_others |= !is_result;
    }
    return any;
}

/* Results come first, in a message of their own, whatever stood before them in the turn. */
static bool turn_read(struct reading *reading, uint32_t role, hg_json content)
{
    struct chat *chat = reading->chat;
    bool has_others = true;

    if (role == HG_ROLE_USER && has_results(content, &has_others) &&
        !blocks_read(reading, chat_add_message(reading->arena, chat, HG_ROLE_TOOL), content, true))
        return false;
    return !has_others ||
           blocks_read(reading, chat_add_message(reading->arena, chat, role), content, false);
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
    uint32_t role = role_of(json_member(value, HG_S("role")));
    hg_json content = json_member(value, HG_S("content"));

    reading->place = (struct place){.message = number};
    if (!role)
        return error_set(reading->error, "messages[%zu].role: must be user, assistant or system",
                         number);
    if (content.kind == HG_J_ARR)
        return turn_read(reading, role, content);
    if (content.kind != HG_J_STR)
        return error_set(reading->error, "messages[%zu].content: must be a string or a list",
                         number);
    struct chat_message *message = chat_add_message(reading->arena, reading->chat, role);

    chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(content);
    return true;
}

bool anthropic_system_read(struct reading *reading, hg_json system)
{
    struct chat_message *message;
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json block;

    if (system.kind == HG_J_NONE || system.kind == HG_J_NULL)
        return true;
    if (system.kind != HG_J_ARR && system.kind != HG_J_STR)
        return error_set(reading->error, "system: must be a string or a list");
    message = chat_add_message(reading->arena, reading->chat, HG_ROLE_SYSTEM);
    if (system.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(system);
    for (; system.kind == HG_J_ARR && json_next(system, &it, NULL, &block); number++) {
        struct chat_part *part = chat_add_part(reading->arena, message, CHAT_TEXT);

        part->raw = json_raw(block);
        part->cache = chat_raw(json_member(block, HG_S("cache_control")));
        if (!text_read(reading, part, block))
            return error_set(reading->error, "system[%zu].text: must be a string", number);
    }
    return true;
}

bool anthropic_messages_read(struct reading *reading, hg_json messages)
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
