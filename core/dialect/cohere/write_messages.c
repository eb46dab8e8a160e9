/* The messages of a request as Cohere takes them: empty ones are left out, because it refuses
 * them; what is said beside calls is their plan; files are documents beside the messages. */
#include "base/base64.h"
#include "base/text.h"
#include "dialect/cohere/write_chat.h"
#include "json/write.h"

static void message_begin(struct writing *writing, hg_str role)
{
    json_obj(writing->out);
    cohere_put_word(writing->out, HG_S("role"), role);
}

/* ---- files -----------------------------------------------------------------------------------
 */

static bool is_text(hg_str mime)
{
    return text_starts(mime, HG_S("text/")) || text_is(mime, HG_S("application/json"));
}

static bool document_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->documents;
    struct chat_text text = part->text;

    if (!chat_has(text) && chat_has(part->data) && is_text(part->mime))
        text = chat_plain(base64_decode(out->arena, chat_decode(out->arena, part->data)));
    if (!chat_has(text))
        return error_set(writing->error, "messages: Cohere takes files of plain text only");
    json_obj(out);
    JSON_KEY(out, "data");
    json_obj(out);
    if (part->name.s.n) {
        JSON_KEY(out, "title");
        chat_put(out, part->name);
    }
    JSON_KEY(out, "text");
    chat_put(out, text);
    json_end(out);
    json_end(out);
    return true;
}

static bool file_keep(struct writing *writing, const struct chat_part *part)
{
    if (!writing->documents) {
        writing->documents = chain_new(writing->out->arena);
        json_arr(writing->documents);
    }
    return document_put(writing, part);
}

/* ---- content ---------------------------------------------------------------------------------
 */

static bool is_said(const struct chat_part *part)
{
    return (part->kind == CHAT_TEXT || part->kind == CHAT_REFUSAL) && !chat_is_blank(part->text);
}

static void text_put(struct chain *out, struct chat_text text)
{
    cohere_type_put(out, HG_S("text"));
    JSON_KEY(out, "text");
    chat_put(out, text);
    json_end(out);
}

static void image_put(struct chain *out, const struct chat_part *part)
{
    cohere_type_put(out, HG_S("image_url"));
    JSON_KEY(out, "image_url");
    json_obj(out);
    JSON_KEY(out, "url");
    chat_put_url(out, part);
    if (part->detail.n)
        cohere_put_word(out, HG_S("detail"), part->detail);
    json_end(out);
    json_end(out);
}

/* Whether Cohere can see such a part at all; files are kept aside. */
static bool part_check(struct writing *writing, const struct chat_part *part)
{
    if (part->cache.n)
        translation_lose(writing->to, "cache_control");
    if (part->kind == CHAT_TEXT && part->citations.n)
        translation_lose(writing->to, "citations");
    switch (part->kind) {
    case CHAT_AUDIO:
        return error_set(writing->error, "messages: Cohere takes no audio");
    case CHAT_VIDEO:
        return error_set(writing->error, "messages: Cohere takes no video");
    case CHAT_IMAGE:
        return !chat_has(part->file_id) ||
               error_set(writing->error, "messages: Cohere takes no uploaded images");
    case CHAT_FILE:
        return file_keep(writing, part);
    case CHAT_RAW:
        translation_lose(writing->to, "content part");
        return true;
    default:
        return true;
    }
}

struct content {
    unsigned texts, images;
    const struct chat_part *text; /* the last one */
};

static bool content_check(struct writing *writing, const struct chat_part *parts,
                          struct content *ret)
{
    *ret = (struct content){0};
    for (; parts; parts = parts->next) {
        if (!part_check(writing, parts))
            return false;
        ret->images += parts->kind == CHAT_IMAGE;
        if (is_said(parts)) {
            ret->texts++;
            ret->text = parts;
        }
    }
    return true;
}

static bool content_message_put(struct writing *writing, const struct chat_message *message)
{
    struct chain *out = writing->out;
    struct content content;

    if (!content_check(writing, message->parts, &content))
        return false;
    if (chat_has(message->name))
        translation_lose(writing->to, "messages.name");
    if (!content.texts && !content.images)
        return true;
    message_begin(writing, message->role == HG_ROLE_SYSTEM ? HG_S("system") : HG_S("user"));
    JSON_KEY(out, "content");
    if (content.texts == 1 && !content.images) {
        chat_put(out, content.text->text);
    } else {
        json_arr(out);
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (is_said(part))
                text_put(out, part->text);
            else if (part->kind == CHAT_IMAGE)
                image_put(out, part);
        }
        json_end(out);
    }
    json_end(out);
    return true;
}

/* ---- what an assistant said ------------------------------------------------------------------
 */

/* What another provider signed or hid is not Cohere's. */
static bool is_own_thought(const struct chat_part *part)
{
    return part->kind == CHAT_REASONING && !part->signature.s.n && !part->encrypted.s.n &&
           !chat_is_blank(part->text);
}

static void call_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out, *args = chain_new(out->arena);

    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, translation_call_id(writing->to, part->id, "_-.:", 128, false));
    cohere_put_word(out, HG_S("type"), HG_S("function"));
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, part->tool, "_-", 64));
    JSON_KEY(out, "arguments");
    if (part->is_custom) {
        chat_put_args_object(out->arena, args, part);
        json_put_str(out, chain_flat(args, out->arena));
    } else {
        chat_put_args_string(out, part);
    }
    json_end(out);
    json_end(out);
}

static void plan_put(struct writing *writing, const struct chat_part *parts, bool is_thought)
{
    struct chain *out = writing->out;

    JSON_KEY(out, "tool_plan");
    json_str_begin(out);
    for (; parts; parts = parts->next)
        if (is_thought ? is_own_thought(parts) : is_said(parts))
            json_escape(out, chat_decode(out->arena, parts->text));
    json_str_end(out);
}

static void answer_put(struct writing *writing, const struct chat_part *parts, bool with_thoughts,
                       bool with_texts)
{
    struct chain *out = writing->out;

    JSON_KEY(out, "content");
    json_arr(out);
    for (; parts; parts = parts->next) {
        if (is_own_thought(parts) && with_thoughts) {
            cohere_type_put(out, HG_S("thinking"));
            JSON_KEY(out, "thinking");
            chat_put(out, parts->text);
            json_end(out);
        } else if (is_said(parts) && with_texts) {
            text_put(out, parts->text);
        }
    }
    json_end(out);
}

static bool assistant_put(struct writing *writing, const struct chat_message *message)
{
    unsigned calls = 0, thoughts = 0;
    struct content content;

    if (!content_check(writing, message->parts, &content))
        return false;
    for (const struct chat_part *part = message->parts; part; part = part->next) {
        calls += part->kind == CHAT_CALL;
        thoughts += is_own_thought(part);
        if (chat_is_thought(part) && !is_own_thought(part))
            translation_lose(writing->to, "reasoning");
    }
    if (!calls && !content.texts)
        return true;
    message_begin(writing, HG_S("assistant"));
    if (!calls || (content.texts && thoughts))
        answer_put(writing, message->parts, true, !calls);
    if (calls && (content.texts || thoughts))
        plan_put(writing, message->parts, !content.texts);
    if (calls) {
        JSON_KEY(writing->out, "tool_calls");
        json_arr(writing->out);
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (part->kind == CHAT_CALL)
                call_put(writing, part);
        json_end(writing->out);
    }
    json_end(writing->out);
    return true;
}

/* ---- results ---------------------------------------------------------------------------------
 */

/* Text alone; an empty one would be refused, and without a result the call is open. */
static bool result_put(struct writing *writing, const struct chat_part *result)
{
    struct chain *out = writing->out;
    struct content content;
    bool is_first = true;

    if (!content_check(writing, result->parts, &content))
        return false;
    if (result->cache.n)
        translation_lose(writing->to, "cache_control");
    message_begin(writing, HG_S("tool"));
    JSON_KEY(out, "tool_call_id");
    json_put_str(out, translation_call_id(writing->to, result->id, "_-.:", 128, false));
    JSON_KEY(out, "content");
    json_str_begin(out);
    if (result->is_error)
        CHAIN_PUT_LIT(out, "Error: ");
    for (const struct chat_part *part = result->parts; part; part = part->next) {
        if (!is_said(part))
            continue;
        if (!is_first)
            CHAIN_PUT_LIT(out, "\\n");
        is_first = false;
        json_escape(out, chat_decode(out->arena, part->text));
    }
    if (content.images)
        CHAIN_PUT_LIT(out, "[attachments follow in the next message]");
    else if (is_first)
        CHAIN_PUT_LIT(out, "[no result]");
    json_str_end(out);
    json_end(out);
    return true;
}

static bool results_put(struct writing *writing, const struct chat_message *message)
{
    struct chain *out = writing->out;
    bool has_images = false;

    for (const struct chat_part *part = message->parts; part; part = part->next) {
        if (part->kind != CHAT_RESULT)
            continue;
        if (!result_put(writing, part))
            return false;
        for (const struct chat_part *inner = part->parts; inner; inner = inner->next)
            has_images |= inner->kind == CHAT_IMAGE;
    }
    if (!has_images)
        return true;
    message_begin(writing, HG_S("user"));
    JSON_KEY(out, "content");
    json_arr(out);
    for (const struct chat_part *part = message->parts; part; part = part->next)
        for (const struct chat_part *inner = part->parts; inner; inner = inner->next)
            if (inner->kind == CHAT_IMAGE)
                image_put(out, inner);
    json_end(out);
    json_end(out);
    return true;
}

bool cohere_messages_put(struct writing *writing)
{
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next) {
        bool is_put = message->role == HG_ROLE_ASSISTANT ? assistant_put(writing, message)
                      : message->role == HG_ROLE_TOOL    ? results_put(writing, message)
                                                         : content_message_put(writing, message);

        if (!is_put)
            return false;
    }
    return true;
}
