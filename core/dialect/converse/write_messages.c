/* What was said, called and answered, as turns that alternate. A turn is opened with the first
 * block that goes into it: a message that has none leaves no trace. */
#include "base/text.h"
#include "dialect/converse/write_chat.h"

/* ---- turns -------------------------------------------------------------------------------------
 */

static void text_write(struct writing *writing, struct chat_text text)
{
    struct chain *out = writing->out;

    writing->has_text = true;
    json_obj(out);
    JSON_KEY(out, "text");
    chat_put(out, text);
    json_end(out);
}

/* A document must have a text beside it. */
static void turn_end(struct writing *writing)
{
    if (!writing->role)
        return;
    if (writing->has_document && !writing->has_text)
        text_write(writing, chat_plain(HG_S(".")));
    json_end(writing->out);
    json_end(writing->out);
    writing->role = 0;
}

/* Opens the turn of a role, unless it is open. */
static void converse_turn(struct writing *writing, uint32_t role)
{
    struct chain *out = writing->out;

    if (writing->role == role)
        return;
    turn_end(writing);
    writing->role = role;
    writing->has_text = writing->has_document = false;
    json_obj(out);
    JSON_KEY(out, "role");
    json_put_str(out, role == HG_ROLE_ASSISTANT ? HG_S("assistant") : HG_S("user"));
    JSON_KEY(out, "content");
    json_arr(out);
}

void converse_cache_write(struct writing *writing, hg_str cache)
{
    struct chain *out = writing->out;
    hg_json root;

    if (!cache.n)
        return;
    if (!writing_is(writing, FAMILY_CACHE)) {
        translation_lose(writing->to, "cache_control");
        return;
    }
    json_obj(out);
    JSON_KEY(out, "cachePoint");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("default"));
    if (writing_is(writing, FAMILY_TTL) && json_parse(out->arena, cache, &root, NULL) &&
        json_member(root, HG_S("ttl")).kind == HG_J_STR) {
        JSON_KEY(out, "ttl");
        json_put_raw(out, json_raw(json_member(root, HG_S("ttl"))));
    } else if (json_parse(out->arena, cache, &root, NULL) &&
               json_is(json_member(root, HG_S("ttl")), HG_S("1h"))) {
        translation_lose(writing->to, "cache_control ttl");
    }
    json_end(out);
    json_end(out);
}

/* ---- parts -------------------------------------------------------------------------------------
 */

/* Claude takes back what it has signed, as it was; others take no reasoning. */
static void reasoning_write(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    if (!writing_is(writing, FAMILY_SIGNED) || (!part->signature.s.n && !part->encrypted.s.n)) {
        if (chat_is_thought(part))
            translation_lose(writing->to, "reasoning");
        return;
    }
    converse_turn(writing, HG_ROLE_ASSISTANT);
    json_obj(out);
    JSON_KEY(out, "reasoningContent");
    json_obj(out);
    if (part->encrypted.s.n) {
        JSON_KEY(out, "redactedContent");
        chat_put(out, part->encrypted);
    } else {
        JSON_KEY(out, "reasoningText");
        json_obj(out);
        JSON_KEY(out, "text");
        chat_put(out, part->text);
        JSON_KEY(out, "signature");
        chat_put(out, part->signature);
        json_end(out);
    }
    json_end(out);
    json_end(out);
}

static hg_str call_id(struct writing *writing, struct chat_text id)
{
    return writing_is(writing, FAMILY_MISTRAL)
               ? translation_call_id(writing->to, id, "", 9, true)
               : translation_call_id(writing->to, id, "_.:-", 64, false);
}

static void call_write(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    converse_turn(writing, HG_ROLE_ASSISTANT);
    json_obj(out);
    JSON_KEY(out, "toolUse");
    json_obj(out);
    JSON_KEY(out, "toolUseId");
    json_put_str(out, call_id(writing, part->id));
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, part->tool, "_-", 64));
    JSON_KEY(out, "input");
    chat_put_args_object(out->arena, out, part);
    json_end(out);
    json_end(out);
}

static bool result_part_write(struct writing *writing, const struct chat_part *part)
{
    if (part->cache.n) /* points stand beside results, not in them */
        translation_lose(writing->to, "cache_control");
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        if (!chat_is_blank(part->text)) {
            json_obj(writing->out);
            JSON_KEY(writing->out, "text");
            chat_put(writing->out, part->text);
            json_end(writing->out);
        }
        return true;
    case CHAT_IMAGE:
    case CHAT_FILE:
    case CHAT_VIDEO:
        return converse_media_write(writing, part);
    default:
        translation_lose(writing->to, "part of a tool result");
        return true;
    }
}

static bool result_write(struct writing *writing, const struct chat_part *result)
{
    struct chain *out = writing->out;
    bool has_status = writing_is(writing, FAMILY_STATUS);

    converse_turn(writing, HG_ROLE_USER);
    json_obj(out);
    JSON_KEY(out, "toolResult");
    json_obj(out);
    JSON_KEY(out, "toolUseId");
    json_put_str(out, call_id(writing, result->id));
    JSON_KEY(out, "content");
    json_arr(out);
    if (result->is_error && !has_status) {
        json_obj(out);
        JSON_KEY(out, "text");
        json_put_str(out, HG_S("Error:"));
        json_end(out);
    }
    for (const struct chat_part *part = result->parts; part; part = part->next)
        if (!result_part_write(writing, part))
            return false;
    json_end(out);
    if (result->is_error && has_status) {
        JSON_KEY(out, "status");
        json_put_str(out, HG_S("error"));
    }
    json_end(out);
    json_end(out);
    converse_cache_write(writing, result->cache);
    return true;
}

/* A text that the model is to go on from must not end in white space. */
static struct chat_text text_trimmed(struct writing *writing, struct chat_text text)
{
    hg_str plain = chat_decode(writing->out->arena, text);

    while (plain.n && strchr(" \t\r\n", plain.p[plain.n - 1]))
        plain.n--;
    return chat_plain(plain);
}

static bool part_write(struct writing *writing, const struct chat_message *message,
                       const struct chat_part *part)
{
    uint32_t role = message->role == HG_ROLE_ASSISTANT ? HG_ROLE_ASSISTANT : HG_ROLE_USER;
    bool is_last = !message->next && !part->next && role == HG_ROLE_ASSISTANT;

    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        if (chat_is_blank(part->text))
            return true;
        converse_turn(writing, role);
        text_write(writing, is_last ? text_trimmed(writing, part->text) : part->text);
        break;
    case CHAT_REASONING:
        reasoning_write(writing, part);
        return true; /* no cache mark may stand there */
    case CHAT_CALL:
        call_write(writing, part);
        break;
    case CHAT_RESULT:
        return result_write(writing, part);
    case CHAT_RAW:
        translation_lose(writing->to, "content part");
        return true;
    default:
        converse_turn(writing, role);
        if (!converse_media_write(writing, part))
            return false;
    }
    converse_cache_write(writing, part->cache);
    return true;
}

/* ---- lists -------------------------------------------------------------------------------------
 */

/* Anthropic's mark at the root, which caches as much as there is. */
static hg_str cache_of_root(const struct chat *chat)
{
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        if (text_is(extra->key, HG_S("cache_control")))
            return extra->raw;
    return HG_S("");
}

/* A user who has said nothing that can be sent still had their turn. */
static void empty_turn_keep(struct writing *writing, const struct chat_message *message)
{
    if (message->role != HG_ROLE_USER || writing->role == HG_ROLE_USER)
        return;
    converse_turn(writing, HG_ROLE_USER);
    text_write(writing, chat_plain(HG_S(".")));
}

bool converse_messages_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    JSON_KEY(writing->out, "messages");
    json_arr(writing->out);
    for (const struct chat_message *message = chat->messages; message; message = message->next) {
        if (chat_has(message->name) && message->role != HG_ROLE_TOOL)
            translation_lose(writing->to, "name");
        if (message->role == HG_ROLE_SYSTEM)
            continue;
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (!part_write(writing, message, part))
                return false;
        empty_turn_keep(writing, message);
    }
    if (writing->role)
        converse_cache_write(writing, cache_of_root(chat));
    turn_end(writing);
    json_end(writing->out);
    return true;
}

static bool has_system(const struct writing *writing)
{
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (message->role == HG_ROLE_SYSTEM && part->kind == CHAT_TEXT &&
                !chat_is_blank(part->text))
                return true;
    return writing->asks_json;
}

/* Wherever they stood: Bedrock has one place for all of them. */
void converse_system_write(struct writing *writing)
{
    struct chain *out = writing->out;

    if (!has_system(writing))
        return;
    JSON_KEY(out, "system");
    json_arr(out);
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next) {
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (message->role != HG_ROLE_SYSTEM)
                continue;
            if (part->kind != CHAT_TEXT)
                translation_lose(writing->to, "system content part");
            else if (!chat_is_blank(part->text)) {
                text_write(writing, part->text);
                converse_cache_write(writing, part->cache);
            }
        }
    }
    converse_instruction_write(writing);
    json_end(out);
}
