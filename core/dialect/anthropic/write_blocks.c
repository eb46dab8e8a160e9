/* What stands in a turn: texts, thoughts, calls, results, images, documents. */
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/anthropic/write_chat.h"
#include "json/write.h"

static hg_str anthropic_id_of(struct writing *writing, struct chat_text id)
{
    return translation_call_id(writing->to, id, "_-", 128, false);
}

hg_str anthropic_name_of(struct writing *writing, struct chat_text name)
{
    return translation_tool_name(writing->to, name, "_-", 128);
}

/* ---- text and thoughts -------------------------------------------------------------------------
 */

static void text_put(struct chain *out, struct chat_text text, hg_str cache)
{
    anthropic_type_put(out, "text");
    JSON_KEY(out, "text");
    chat_put(out, text);
    anthropic_cache_put(out, cache);
    json_end(out);
}

void anthropic_text_put_trimmed(struct writing *writing, const struct chat_part *part)
{
    hg_str text = chat_decode(writing->out->arena, part->text);

    while (text.n && memchr(" \t\r\n", text.p[text.n - 1], 4))
        text.n--;
    text_put(writing->out, chat_plain(text), part->cache);
}

/* Thoughts can be read by their maker alone. OpenAI's format has no such member of its own: what
 * stands there is what we or others like us took from this one. */
static bool is_own_thought(const struct writing *writing, const struct chat_part *part)
{
    uint32_t wire = writing->chat->from->wire;

    if (wire != HG_WIRE_ANTHROPIC && wire != HG_WIRE_OPENAI_CHAT && wire != HG_WIRE_CONVERSE)
        return false;
    return part->signature.s.n || part->encrypted.s.n;
}

static void thought_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    if (part->signature.s.n) {
        anthropic_type_put(out, "thinking");
        JSON_KEY(out, "thinking");
        chat_put(out, part->text);
        JSON_KEY(out, "signature");
        chat_put(out, part->signature);
    } else {
        anthropic_type_put(out, "redacted_thinking");
        JSON_KEY(out, "data");
        chat_put(out, part->encrypted);
    }
    json_end(out);
}

bool anthropic_is_said(const struct writing *writing, const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        return !chat_is_blank(part->text);
    case CHAT_REASONING:
        return is_own_thought(writing, part);
    case CHAT_RAW:
        return writing->is_native;
    default:
        return true;
    }
}

/* ---- images and documents ----------------------------------------------------------------------
 */

/* What the bytes begin with counts: the provider refuses a type that does not fit them. */
static hg_str mime_of(const struct chat_part *part)
{
    static const struct {
        hg_str begins, mime;
    } magics[] = {{{"iVBORw0KGgo", 11}, {"image/png", 9}},
                  {{"/9j/", 4}, {"image/jpeg", 10}},
                  {{"R0lGOD", 6}, {"image/gif", 9}},
                  {{"UklGR", 5}, {"image/webp", 10}},
                  {{"JVBERi0", 7}, {"application/pdf", 15}}};

    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (text_starts(part->data.s, magics[i].begins))
            return magics[i].mime;
    return text_is(part->mime, HG_S("image/jpg")) ? HG_S("image/jpeg") : part->mime;
}

static void source_begin(struct chain *out, const char *type)
{
    JSON_KEY(out, "source");
    anthropic_type_put(out, type);
}

static void member_put(struct chain *out, hg_str key, struct chat_text text)
{
    json_key(out, key);
    chat_put(out, text);
}

static void plain_source_put(struct chain *out, struct chat_text text)
{
    source_begin(out, "text");
    member_put(out, HG_S("media_type"), chat_plain(HG_S("text/plain")));
    member_put(out, HG_S("data"), text);
    json_end(out);
}

static void source_put(struct writing *writing, const struct chat_part *part, hg_str mime)
{
    struct chain *out = writing->out;

    if (chat_has(part->file_id)) {
        source_begin(out, "file");
        member_put(out, HG_S("file_id"), part->file_id);
    } else if (chat_has(part->data)) {
        source_begin(out, "base64");
        member_put(out, HG_S("media_type"), chat_plain(mime));
        member_put(out, HG_S("data"), part->data);
    } else {
        source_begin(out, "url");
        member_put(out, HG_S("url"), part->url);
    }
    json_end(out);
}

static void document_put(struct writing *writing, const struct chat_part *part, hg_str mime)
{
    struct chain *out = writing->out;

    anthropic_type_put(out, "document");
    if (chat_has(part->text)) {
        plain_source_put(out, part->text);
    } else if (chat_has(part->data) && text_starts(mime, HG_S("text/"))) {
        hg_str data = chat_decode(out->arena, part->data);

        plain_source_put(out, chat_plain(base64_decode(out->arena, data)));
    } else {
        source_put(writing, part, mime);
    }
    if (part->name.s.n)
        member_put(out, HG_S("title"), part->name);
    anthropic_cache_put(out, part->cache);
    json_end(out);
}

static bool image_put(struct writing *writing, const struct chat_part *part, hg_str mime)
{
    if (part->detail.n && !text_is(part->detail, HG_S("auto")))
        translation_lose(writing->to, "image detail");
    anthropic_type_put(writing->out, "image");
    source_put(writing, part, mime);
    anthropic_cache_put(writing->out, part->cache);
    json_end(writing->out);
    return true;
}

static const char no_urls[] = "an image or file by its URL, but this provider takes the bytes only";

static bool refuse(struct writing *writing, size_t message, const char *what)
{
    return error_set(writing->error, "messages[%zu]: %s", message, what);
}

/* Images and documents are told apart by what they are, not by what the client called them. */
static bool media_put(struct writing *writing, const struct chat_part *part, size_t message)
{
    hg_str mime = mime_of(part);
    bool is_document = part->kind == CHAT_FILE || text_is(mime, HG_S("application/pdf")) ||
                       text_starts(mime, HG_S("text/"));

    if (!chat_has(part->data) && !chat_has(part->file_id) && !chat_has(part->text)) {
        if (!chat_has(part->url))
            return refuse(writing, message, "an image or file without content");
        if (writing->to->traits & HG_WIRE_NO_URLS)
            return refuse(writing, message, no_urls);
    }
    if (is_document && chat_has(part->data) && text_starts(mime, HG_S("image/")))
        is_document = false;
    if (!is_document)
        return image_put(writing, part, mime);
    if (chat_has(part->data) && !text_is(mime, HG_S("application/pdf")) &&
        !text_starts(mime, HG_S("text/")))
        return refuse(writing, message, "a file that is neither PDF, text nor an image");
    document_put(writing, part, mime);
    return true;
}

/* ---- calls and results -------------------------------------------------------------------------
 */

static void call_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    anthropic_type_put(out, "tool_use");
    JSON_KEY(out, "id");
    json_put_str(out, anthropic_id_of(writing, part->id));
    JSON_KEY(out, "name");
    json_put_str(out, anthropic_name_of(writing, part->tool));
    JSON_KEY(out, "input");
    chat_put_args_object(out->arena, out, part);
    anthropic_cache_put(out, part->cache);
    json_end(out);
}

static bool result_content_put(struct writing *writing, const struct chat_part *parts,
                               size_t message)
{
    struct chain *out = writing->out;

    if (!parts || (!parts->next && parts->kind == CHAT_TEXT && !parts->cache.n)) {
        chat_put(out, parts ? parts->text : chat_plain(HG_S("")));
        return true;
    }
    json_arr(out);
    for (; parts; parts = parts->next)
        if (!anthropic_is_said(writing, parts))
            continue;
        else if (!anthropic_block_put(writing, parts, message))
            return false;
    json_end(out);
    return true;
}

static bool result_put(struct writing *writing, const struct chat_part *part, size_t message)
{
    struct chain *out = writing->out;

    anthropic_type_put(out, "tool_result");
    JSON_KEY(out, "tool_use_id");
    json_put_str(out, anthropic_id_of(writing, part->id));
    JSON_KEY(out, "content");
    if (!result_content_put(writing, part->parts, message))
        return false;
    if (part->is_error) {
        JSON_KEY(out, "is_error");
        json_put_bool(out, true);
    }
    anthropic_cache_put(out, part->cache);
    json_end(out);
    return true;
}

bool anthropic_block_put(struct writing *writing, const struct chat_part *part, size_t message)
{
    if (writing->is_native && part->raw.n) {
        if (chat_has(part->url) && (writing->to->traits & HG_WIRE_NO_URLS))
            return refuse(writing, message, no_urls);
        json_put_raw(writing->out, part->raw);
        return true;
    }
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        text_put(writing->out, part->text, part->cache);
        return true;
    case CHAT_REASONING:
        thought_put(writing, part);
        return true;
    case CHAT_IMAGE:
    case CHAT_FILE:
        return media_put(writing, part, message);
    case CHAT_CALL:
        call_put(writing, part);
        return true;
    case CHAT_RESULT:
        return result_put(writing, part, message);
    case CHAT_AUDIO:
        return refuse(writing, message, "audio, which this provider does not take");
    case CHAT_VIDEO:
        return refuse(writing, message, "a video, which this provider does not take");
    default:
        return true;
    }
}
