/* Messages as items: each call, each result and each run of text of a message becomes one. */
#include "dialect/openai_responses/write_chat.h"

#include "base/text.h"
#include "dialect/openai_responses/notes.h"
#include "json/write.h"

/* ---- parts ----------------------------------------------------------------------------------- */

static void image_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    responses_type_put(out, "input_image");
    if (chat_has(part->file_id)) {
        responses_text_member_put(out, HG_S("file_id"), part->file_id);
    } else {
        JSON_KEY(out, "image_url");
        chat_put_url(out, part);
    }
    responses_word_put(out, HG_S("detail"), part->detail);
    json_end(out);
}

static void audio_put(struct chain *out, const struct chat_part *part)
{
    hg_str format, type = text_cut(part->mime, '/', &format);

    (void)type;
    if (text_is(format, HG_S("mpeg")))
        format = HG_S("mp3");
    else if (text_is(format, HG_S("x-wav")))
        format = HG_S("wav");
    responses_type_put(out, "input_audio");
    JSON_KEY(out, "input_audio");
    json_obj(out);
    responses_text_member_put(out, HG_S("data"), part->data);
    responses_word_put(out, HG_S("format"), format);
    json_end(out);
    json_end(out);
}

static void file_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    if (chat_has(part->text)) {
        if (part->name.s.n)
            translation_lose(writing->to, "file name");
        responses_type_put(out, "input_text");
        responses_text_member_put(out, HG_S("text"), part->text);
        json_end(out);
        return;
    }
    responses_type_put(out, "input_file");
    if (chat_has(part->file_id)) {
        responses_text_member_put(out, HG_S("file_id"), part->file_id);
    } else if (chat_has(part->data)) {
        JSON_KEY(out, "filename");
        chat_put(out, chat_has(part->name) ? part->name : chat_plain(HG_S("document.pdf")));
        JSON_KEY(out, "file_data");
        chat_put_url(out, part);
    } else {
        if (part->name.s.n)
            translation_lose(writing->to, "file name");
        responses_text_member_put(out, HG_S("file_url"), part->url);
    }
    json_end(out);
}

static void text_part_put(struct chain *out, const struct chat_part *part, bool is_answer)
{
    bool is_refusal = part->kind == CHAT_REFUSAL && is_answer;

    responses_type_put(out, is_refusal ? "refusal" : is_answer ? "output_text" : "input_text");
    responses_text_member_put(out, is_refusal ? HG_S("refusal") : HG_S("text"), part->text);
    if (is_answer && !is_refusal)
        responses_raw_put(out, HG_S("annotations"), HG_S("[]"));
    json_end(out);
}

static void cache_lose(struct writing *writing, hg_str cache)
{
    if (cache.n)
        translation_lose(writing->to, "cache_control");
}

static bool part_put(struct writing *writing, const struct chat_part *part, bool is_answer)
{
    cache_lose(writing, part->cache);
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        text_part_put(writing->out, part, is_answer);
        return true;
    case CHAT_IMAGE:
        image_put(writing, part);
        return true;
    case CHAT_AUDIO:
        audio_put(writing->out, part);
        return true;
    case CHAT_FILE:
        file_put(writing, part);
        return true;
    case CHAT_VIDEO:
        return error_set(writing->error, "a video cannot be sent to this provider");
    case CHAT_RAW:
        if (writing->is_own)
            json_put_raw(writing->out, part->raw);
        else
            translation_lose(writing->to, "content part");
        return true;
    default:
        return true;
    }
}

static bool is_text_alone(const struct chat_part *parts, const struct chat_part *end)
{
    for (; parts != end; parts = parts->next)
        if (parts->kind != CHAT_TEXT || parts->cache.n)
            return false;
    return true;
}

/* The parts up to `end`. Plain text is a string. */
static bool content_put(struct writing *writing, const struct chat_part *parts,
                        const struct chat_part *end, bool is_answer)
{
    struct chain *out = writing->out;
    bool fits = true;

    if (parts == end || (parts->next == end && is_text_alone(parts, end))) {
        if (parts != end)
            chat_put(out, parts->text);
        else
            json_put_str(out, HG_S(""));
        return true;
    }
    json_arr(out);
    for (; fits && parts != end; parts = parts->next)
        fits = part_put(writing, parts, is_answer);
    json_end(out);
    return fits;
}

/* ---- items ----------------------------------------------------------------------------------- */

static bool message_item_put(struct writing *writing, const char *role,
                             const struct chat_part *parts, const struct chat_part *end)
{
    bool fits;

    json_obj(writing->out);
    JSON_KEY(writing->out, "role");
    json_put_str(writing->out, text_of(role));
    JSON_KEY(writing->out, "content");
    fits = content_put(writing, parts, end, text_is(text_of(role), HG_S("assistant")));
    json_end(writing->out);
    return fits;
}

static void call_id_put(struct writing *writing, struct chat_text id)
{
    JSON_KEY(writing->out, "call_id");
    json_put_str(writing->out, translation_call_id(writing->to, id, "_-.:", 64, false));
}

/* Without the item's own id: a server that has stored it would miss what else belongs to it. */
static void call_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    cache_lose(writing, part->cache);
    responses_type_put(out, part->is_custom ? "custom_tool_call" : "function_call");
    call_id_put(writing, part->id);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, part->tool, "_-", 64));
    json_key(out, part->is_custom ? HG_S("input") : HG_S("arguments"));
    chat_put_args_string(out, part);
    json_end(out);
}

/* A text is told that it is an error by words: the format has no member for it. */
static bool output_put(struct writing *writing, const struct chat_part *result)
{
    struct chain *out = writing->out;
    bool fits = true;

    if (is_text_alone(result->parts, NULL) && !result->is_error) {
        chat_put_joined(out, result->parts, "\n");
        return true;
    }
    json_arr(out);
    if (result->is_error) {
        responses_type_put(out, "input_text");
        responses_word_put(out, HG_S("text"), HG_S("Error:"));
        json_end(out);
    }
    for (const struct chat_part *part = result->parts; fits && part; part = part->next)
        fits = part_put(writing, part, false);
    json_end(out);
    return fits;
}

static bool is_custom(struct writing *writing, const struct chat_part *result)
{
    const struct chat_part *call;

    if (result->is_custom || !writing->has_custom)
        return result->is_custom;
    call = chat_call_of(writing->chat, result);
    return call && call->is_custom;
}

static bool result_put(struct writing *writing, const struct chat_part *result)
{
    bool fits;

    cache_lose(writing, result->cache);
    responses_type_put(writing->out, is_custom(writing, result) ? "custom_tool_call_output"
                                                                : "function_call_output");
    call_id_put(writing, result->id);
    JSON_KEY(writing->out, "output");
    fits = output_put(writing, result);
    json_end(writing->out);
    return fits;
}

static bool is_said(const struct chat_part *part)
{
    return part->kind != CHAT_CALL && part->kind != CHAT_REASONING && part->kind != CHAT_RESULT &&
           !(part->kind == CHAT_RAW && chat_has(part->tool));
}

/* Thoughts that came from elsewhere mean nothing here. */
static void apart_put(struct writing *writing, const struct chat_part *part)
{
    if (part->kind == CHAT_CALL)
        call_put(writing, part);
    else if (writing->is_own && part->raw.n)
        json_put_raw(writing->out, part->raw);
    else if (part->kind == CHAT_REASONING)
        translation_lose(writing->to, "reasoning");
    else
        translation_lose(writing->to, "%.*s",
                         TEXT_ARG(chat_decode(writing->out->arena, part->tool)));
}

static bool assistant_put(struct writing *writing, const struct chat_message *message)
{
    const struct chat_part *part = message->parts, *end;

    while (part) {
        for (end = part; end && is_said(end); end = end->next)
            ;
        if (part != end && !message_item_put(writing, "assistant", part, end))
            return false;
        if (end)
            apart_put(writing, end);
        part = end ? end->next : NULL;
    }
    return true;
}

static bool message_put(struct writing *writing, const struct chat_message *message)
{
    bool fits = true;

    if (chat_has(message->name))
        translation_lose(writing->to, "name");
    if (message->role == HG_ROLE_ASSISTANT)
        return assistant_put(writing, message);
    if (message->role == HG_ROLE_SYSTEM)
        return message_item_put(writing, "developer", message->parts, NULL);
    if (message->role == HG_ROLE_USER)
        return message_item_put(writing, "user", message->parts, NULL);
    for (const struct chat_part *part = message->parts; fits && part; part = part->next)
        if (part->kind == CHAT_RESULT)
            fits = result_put(writing, part);
    return fits;
}

bool responses_input_put(struct writing *writing)
{
    const struct chat_message *message = writing->chat->messages;
    struct chain *out = writing->out;
    bool fits = true;

    if (message && message->role == HG_ROLE_SYSTEM && message->parts &&
        is_text_alone(message->parts, NULL)) {
        JSON_KEY(out, "instructions");
        chat_put_joined(out, message->parts, "\n");
        message = message->next;
    }
    JSON_KEY(out, "input");
    json_arr(out);
    for (; fits && message; message = message->next)
        fits = message_put(writing, message);
    json_end(out);
    return fits;
}
