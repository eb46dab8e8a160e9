/* The messages of a request as a provider of this format takes them. */
#include "base/text.h"
#include "dialect/openai_chat/write_chat.h"
#include "json/write.h"

void openai_put_word(struct chain *out, hg_str key, const char *word)
{
    json_key(out, key);
    json_put_str(out, text_of(word));
}

void openai_put_type(struct chain *out, const char *type)
{
    json_obj(out);
    openai_put_word(out, HG_S("type"), type);
}

static bool is_mistral(const struct writing *writing)
{
    return writing->to->traits & HG_WIRE_MISTRAL;
}

/* ---- parts -------------------------------------------------------------------------------------
 */

static void text_put(struct chain *out, struct chat_text text, hg_str cache)
{
    openai_put_type(out, "text");
    JSON_KEY(out, "text");
    chat_put(out, text);
    if (cache.n) {
        JSON_KEY(out, "cache_control");
        json_put_raw(out, cache);
    }
    json_end(out);
}

static void image_put(struct chain *out, const struct chat_part *part)
{
    openai_put_type(out, "image_url");
    JSON_KEY(out, "image_url");
    json_obj(out);
    JSON_KEY(out, "url");
    chat_put_url(out, part);
    if (part->detail.n)
        openai_put_word(out, HG_S("detail"), arena_cstr(out->arena, part->detail));
    json_end(out);
    json_end(out);
}

static void video_put(struct chain *out, const struct chat_part *part)
{
    openai_put_type(out, "video_url");
    JSON_KEY(out, "video_url");
    json_obj(out);
    JSON_KEY(out, "url");
    chat_put_url(out, part);
    json_end(out);
    json_end(out);
}

/* "audio/mpeg" is mp3 in this format. */
static hg_str audio_format(hg_str mime)
{
    hg_str format, type = text_cut(mime, '/', &format);

    (void)type;
    if (text_is(format, HG_S("mpeg")))
        return HG_S("mp3");
    return text_is(format, HG_S("x-wav")) ? HG_S("wav") : format;
}

static void audio_put(struct chain *out, const struct chat_part *part, bool is_mistral)
{
    openai_put_type(out, "input_audio");
    JSON_KEY(out, "input_audio");
    if (is_mistral) {
        chat_put(out, part->data);
        json_end(out);
        return;
    }
    json_obj(out);
    JSON_KEY(out, "data");
    chat_put(out, part->data);
    JSON_KEY(out, "format");
    json_put_str(out, audio_format(part->mime));
    json_end(out);
    json_end(out);
}

static void document_put(struct chain *out, const struct chat_part *part)
{
    openai_put_type(out, "document_url");
    JSON_KEY(out, "document_url");
    chat_put_url(out, part);
    if (chat_has(part->name)) {
        JSON_KEY(out, "document_name");
        chat_put(out, part->name);
    }
    json_end(out);
}

static void file_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    if (chat_has(part->text)) {
        if (part->name.s.n)
            translation_lose(writing->to, "file name");
        text_put(out, part->text, part->cache);
        return;
    }
    if (is_mistral(writing) && !chat_has(part->file_id)) {
        document_put(out, part);
        return;
    }
    if (is_mistral(writing)) {
        openai_put_type(out, "file");
        JSON_KEY(out, "file_id");
        chat_put(out, part->file_id);
        json_end(out);
        return;
    }
    if (!chat_has(part->data) && !chat_has(part->file_id)) {
        translation_lose(writing->to, "file url");
        return;
    }
    openai_put_type(out, "file");
    JSON_KEY(out, "file");
    json_obj(out);
    if (chat_has(part->file_id)) {
        JSON_KEY(out, "file_id");
        chat_put(out, part->file_id);
    } else {
        JSON_KEY(out, "filename");
        chat_put(out, chat_has(part->name) ? part->name : chat_plain(HG_S("document.pdf")));
        JSON_KEY(out, "file_data");
        chat_put_url(out, part);
    }
    json_end(out);
    json_end(out);
}

/* A mark has a place on texts alone. */
static void cache_lose(const struct writing *writing, hg_str cache)
{
    if (cache.n)
        translation_lose(writing->to, "cache_control");
}

static void part_put(struct writing *writing, const struct chat_part *part)
{
    if (part->kind != CHAT_TEXT && !chat_has(part->text))
        cache_lose(writing, part->cache);
    switch (part->kind) {
    case CHAT_TEXT:
        text_put(writing->out, part->text, part->cache);
        break;
    case CHAT_REFUSAL:
        openai_put_type(writing->out, "refusal");
        JSON_KEY(writing->out, "refusal");
        chat_put(writing->out, part->text);
        json_end(writing->out);
        break;
    case CHAT_IMAGE:
        if (chat_has(part->file_id))
            translation_lose(writing->to, "image file_id");
        else
            image_put(writing->out, part);
        break;
    case CHAT_AUDIO:
        audio_put(writing->out, part, is_mistral(writing));
        break;
    case CHAT_VIDEO:
        video_put(writing->out, part);
        break;
    case CHAT_FILE:
        file_put(writing, part);
        break;
    default:
        break;
    }
}

/* What has a place in a list of parts here. */
static bool is_content(const struct writing *writing, const struct chat_part *part)
{
    if (part->kind == CHAT_RAW)
        translation_lose(writing->to, "%.*s",
                         TEXT_ARG(chat_has(part->tool)
                                      ? chat_decode(writing->out->arena, part->tool)
                                      : HG_S("content part")));
    return part->kind != CHAT_REASONING && part->kind != CHAT_CALL && part->kind != CHAT_RESULT &&
           part->kind != CHAT_RAW;
}

struct content {
    unsigned texts, others, cached;
};

static struct content content_count(const struct writing *writing, const struct chat_part *part)
{
    struct content count = {0};

    for (; part; part = part->next) {
        count.texts += part->kind == CHAT_TEXT;
        count.others += is_content(writing, part) && part->kind != CHAT_TEXT;
        count.cached += part->cache.n > 0;
    }
    return count;
}

/* One text is a string; several are a list, unless the server takes none or they are one answer. */
static void content_put(struct writing *writing, const struct chat_part *parts, bool is_answer)
{
    struct content count = content_count(writing, parts);
    bool joins = is_answer || (writing->to->traits & HG_WIRE_STRING_CONTENT);

    if (!count.others && !count.cached && (count.texts <= 1 || joins)) {
        chat_put_joined(writing->out, parts, is_answer ? "" : "\n");
        return;
    }
    json_arr(writing->out);
    for (const struct chat_part *part = parts; part; part = part->next)
        if (is_content(writing, part))
            part_put(writing, part);
    json_end(writing->out);
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void message_begin(struct writing *writing, const char *role)
{
    json_obj(writing->out);
    openai_put_word(writing->out, HG_S("role"), role);
}

/* A tool that takes free text is a function with one argument for servers that know functions only,
 * and so is what it was called with. */
static void free_text_put(struct chain *out, const struct chat_part *part)
{
    struct chain *args = chain_new(out->arena);

    chat_put_args_object(out->arena, args, part);
    json_put_str(out, chain_flat(args, out->arena));
}

static hg_str call_id(struct writing *writing, struct chat_text id)
{
    return is_mistral(writing) ? translation_call_id(writing->to, id, "", 9, true)
                               : translation_call_id(writing->to, id, "_-.:", 64, false);
}

static void call_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;
    bool is_custom =
        part->is_custom && writing->chat->from == &dialect_openai_chat && !is_mistral(writing);
    const char *kind = is_custom ? "custom" : "function";

    cache_lose(writing, part->cache);
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, call_id(writing, part->id));
    openai_put_word(out, HG_S("type"), kind);
    json_key(out, text_of(kind));
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, part->tool, "_-", 64));
    json_key(out, is_custom ? HG_S("input") : HG_S("arguments"));
    if (part->is_custom && !is_custom)
        free_text_put(out, part);
    else
        chat_put_args_string(out, part);
    json_end(out);
    json_end(out);
}

/* Some servers take back what was thought, and none what another has hidden. */
static void reasoning_lose(const struct writing *writing, const struct chat_part *part,
                           bool takes_texts)
{
    for (; part; part = part->next)
        if (chat_is_thought(part) && !(part->text.s.n && takes_texts))
            translation_lose(writing->to, "reasoning");
}

static void reasoning_put(struct writing *writing, const struct chat_part *parts)
{
    bool takes_texts = writing->to->traits & HG_WIRE_REASONING, any = false;

    reasoning_lose(writing, parts, takes_texts);
    for (const struct chat_part *part = parts; part && takes_texts; part = part->next) {
        if (part->kind != CHAT_REASONING || !part->text.s.n)
            continue;
        if (!any) {
            JSON_KEY(writing->out, "reasoning_content");
            json_str_begin(writing->out);
        }
        any = true;
        json_escape(writing->out, chat_decode(writing->out->arena, part->text));
    }
    if (any)
        json_str_end(writing->out);
}

/* Those that think want their own thoughts back. */
static bool takes_thinking(const struct writing *writing, const struct chat_part *parts)
{
    static const char *const names[] = {"magistral", "mistral-small", "mistral-medium"};
    hg_str model = writing->to->model;

    while (parts && (parts->kind != CHAT_REASONING || !parts->text.s.n))
        parts = parts->next;
    for (size_t i = 0; parts && is_mistral(writing) && i < sizeof names / sizeof *names; i++)
        if (text_starts(model, text_of(names[i])))
            return true;
    return false;
}

static void thinking_put(struct writing *writing, const struct chat_part *parts)
{
    struct chain *out = writing->out;

    json_arr(out);
    for (const struct chat_part *part = parts; part; part = part->next) {
        if (part->kind == CHAT_REASONING && part->text.s.n) {
            openai_put_type(out, "thinking");
            JSON_KEY(out, "thinking");
            json_arr(out);
            text_put(out, part->text, HG_S(""));
            json_end(out);
            json_end(out);
        } else if (part->kind == CHAT_TEXT) {
            text_put(out, part->text, HG_S(""));
        }
    }
    json_end(out);
}

static void assistant_put(struct writing *writing, const struct chat_message *message)
{
    struct content count = content_count(writing, message->parts);
    unsigned calls = 0;

    for (const struct chat_part *part = message->parts; part; part = part->next)
        calls += part->kind == CHAT_CALL;
    if (!calls && !count.texts && !count.others) {
        reasoning_lose(writing, message->parts, false);
        return;
    }
    message_begin(writing, "assistant");
    JSON_KEY(writing->out, "content");
    bool thinks = takes_thinking(writing, message->parts);

    if (thinks)
        thinking_put(writing, message->parts);
    else if (count.texts || count.others)
        content_put(writing, message->parts, true);
    else if (writing->to->traits & HG_WIRE_EMPTY_CONTENT)
        json_put_str(writing->out, HG_S(""));
    else
        json_put_null(writing->out);
    if (!thinks)
        reasoning_put(writing, message->parts);
    if (is_mistral(writing) && !calls && !message->next) { /* to be gone on with */
        JSON_KEY(writing->out, "prefix");
        json_put_bool(writing->out, true);
    }
    if (calls) {
        JSON_KEY(writing->out, "tool_calls");
        json_arr(writing->out);
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (part->kind == CHAT_CALL)
                call_put(writing, part);
        json_end(writing->out);
    }
    json_end(writing->out);
}

/* A tool's message has text alone; what else it brought follows in a message of the user's. */
static void result_put(struct writing *writing, const struct chat_part *result)
{
    struct chain *out = writing->out;
    struct content count = content_count(writing, result->parts);

    cache_lose(writing, result->cache);
    for (const struct chat_part *part = result->parts; part; part = part->next)
        if (part->kind == CHAT_TEXT)
            cache_lose(writing, part->cache);
    message_begin(writing, "tool");
    JSON_KEY(out, "tool_call_id");
    json_put_str(out, call_id(writing, result->id));
    JSON_KEY(out, "content");
    if (!result->is_error && !count.others) {
        chat_put_joined(out, result->parts, "\n");
    } else {
        json_str_begin(out);
        if (result->is_error)
            CHAIN_PUT_LIT(out, "Error: ");
        for (const struct chat_part *part = result->parts; part; part = part->next) {
            if (part->kind == CHAT_TEXT)
                json_escape(out, chat_decode(out->arena, part->text));
            if (part->kind == CHAT_TEXT && part->next)
                CHAIN_PUT_LIT(out, "\\n");
        }
        if (count.others)
            CHAIN_PUT_LIT(out, "[attachments follow in the next message]");
        json_str_end(out);
    }
    json_end(out);
}

static void results_put(struct writing *writing, const struct chat_message *message)
{
    bool has_media = false;

    for (const struct chat_part *part = message->parts; part; part = part->next) {
        if (part->kind != CHAT_RESULT)
            continue;
        result_put(writing, part);
        has_media |= content_count(writing, part->parts).others > 0;
    }
    if (!has_media)
        return;
    message_begin(writing, "user");
    JSON_KEY(writing->out, "content");
    json_arr(writing->out);
    for (const struct chat_part *result = message->parts; result; result = result->next)
        for (const struct chat_part *part = result->parts; part; part = part->next)
            if (part->kind != CHAT_TEXT)
                part_put(writing, part);
    json_end(writing->out);
    json_end(writing->out);
}

void openai_message_put(struct writing *writing, const struct chat_message *message)
{
    if (message->role == HG_ROLE_ASSISTANT) {
        assistant_put(writing, message);
    } else if (message->role == HG_ROLE_TOOL) {
        results_put(writing, message);
    } else {
        message_begin(writing, message->role == HG_ROLE_SYSTEM ? "system" : "user");
        JSON_KEY(writing->out, "content");
        content_put(writing, message->parts, false);
        if (chat_has(message->name)) {
            JSON_KEY(writing->out, "name");
            chat_put(writing->out, message->name);
        }
        json_end(writing->out);
    }
}
