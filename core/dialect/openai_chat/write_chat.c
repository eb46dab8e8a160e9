/* A request in normal form as a provider of this format takes it. */
#include <string.h>

#include "base/text.h"
#include "dialect/model.h"
#include "dialect/openai_chat/parts.h"
#include "dialect/translation.h"
#include "json/write.h"

struct writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
};

/* ---- parts -------------------------------------------------------------------------------------
 */

static void put_word(struct chain *out, hg_str key, const char *word)
{
    json_key(out, key);
    json_put_str(out, text_of(word));
}

static void type_put(struct chain *out, const char *type)
{
    json_obj(out);
    put_word(out, HG_S("type"), type);
}

static void text_put(struct chain *out, struct chat_text text, hg_str cache)
{
    type_put(out, "text");
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
    type_put(out, "image_url");
    JSON_KEY(out, "image_url");
    json_obj(out);
    JSON_KEY(out, "url");
    chat_put_url(out, part);
    if (part->detail.n)
        put_word(out, HG_S("detail"), arena_cstr(out->arena, part->detail));
    json_end(out);
    json_end(out);
}

static void video_put(struct chain *out, const struct chat_part *part)
{
    type_put(out, "video_url");
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

static void audio_put(struct chain *out, const struct chat_part *part)
{
    type_put(out, "input_audio");
    JSON_KEY(out, "input_audio");
    json_obj(out);
    JSON_KEY(out, "data");
    chat_put(out, part->data);
    JSON_KEY(out, "format");
    json_put_str(out, audio_format(part->mime));
    json_end(out);
    json_end(out);
}

static void file_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    if (chat_has(part->text)) {
        text_put(out, part->text, HG_S(""));
        return;
    }
    if (!chat_has(part->data) && !chat_has(part->file_id)) {
        translation_lose(writing->to, "file url");
        return;
    }
    type_put(out, "file");
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

static void part_put(struct writing *writing, const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_TEXT:
        text_put(writing->out, part->text, part->cache);
        break;
    case CHAT_REFUSAL:
        type_put(writing->out, "refusal");
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
        audio_put(writing->out, part);
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
    put_word(writing->out, HG_S("role"), role);
}

/* A tool that takes free text is a function with one argument for servers that know functions only,
 * and so is what it was called with. */
static void free_text_put(struct chain *out, const struct chat_part *part)
{
    struct chain *args = chain_new(out->arena);

    chat_put_args_object(out->arena, args, part);
    json_put_str(out, chain_flat(args, out->arena));
}

static void call_put(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;
    bool is_custom = part->is_custom && writing->chat->from == &dialect_openai_chat;
    const char *kind = is_custom ? "custom" : "function";

    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, translation_call_id(writing->to, part->id, "_-.:", 64, false));
    put_word(out, HG_S("type"), kind);
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

static void reasoning_put(struct writing *writing, const struct chat_part *parts)
{
    bool any = false;

    for (const struct chat_part *part = parts; part; part = part->next) {
        if (part->kind != CHAT_REASONING || !part->text.s.n)
            continue;
        if (!(writing->to->traits & HG_WIRE_REASONING)) {
            translation_lose(writing->to, "reasoning");
            return;
        }
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

static void assistant_put(struct writing *writing, const struct chat_message *message)
{
    struct content count = content_count(writing, message->parts);
    unsigned calls = 0;

    for (const struct chat_part *part = message->parts; part; part = part->next)
        calls += part->kind == CHAT_CALL;
    if (!calls && !count.texts && !count.others)
        return;
    message_begin(writing, "assistant");
    JSON_KEY(writing->out, "content");
    if (count.texts || count.others)
        content_put(writing, message->parts, true);
    else if (writing->to->traits & HG_WIRE_EMPTY_CONTENT)
        json_put_str(writing->out, HG_S(""));
    else
        json_put_null(writing->out);
    reasoning_put(writing, message->parts);
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

    message_begin(writing, "tool");
    JSON_KEY(out, "tool_call_id");
    json_put_str(out, translation_call_id(writing->to, result->id, "_-.:", 64, false));
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

static void message_put(struct writing *writing, const struct chat_message *message)
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

/* ---- tools -------------------------------------------------------------------------------------
 */

static bool function_put(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    type_put(out, "function");
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, tool->name, "_-", 64));
    if (tool->description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, tool->description);
    }
    JSON_KEY(out, "parameters");
    json_put_raw(out,
                 tool->schema.n ? tool->schema : HG_S("{\"type\":\"object\",\"properties\":{}}"));
    if (tool->strict != CHAT_UNSET) {
        JSON_KEY(out, "strict");
        json_put_bool(out, tool->strict == CHAT_YES);
    }
    json_end(out);
    json_end(out);
    return true;
}

static bool tools_put(struct writing *writing, struct error *error)
{
    struct chain *out = writing->out;

    if (!writing->chat->tools)
        return true;
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (tool->kind == CHAT_HOSTED)
            return error_set(error, "tools: %.*s is run by the provider and has no equal here",
                             TEXT_ARG(chat_decode(out->arena, tool->name)));
        if (tool->kind == CHAT_CUSTOM && writing->chat->from == &dialect_openai_chat)
            json_put_raw(out, tool->raw);
        else
            function_put(writing, tool);
    }
    json_end(out);
    return true;
}

static void named_put(struct writing *writing, struct chat_text name)
{
    struct chain *out = writing->out;

    type_put(out, "function");
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, name, "_-", 64));
    json_end(out);
    json_end(out);
}

static void allowed_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    type_put(out, "allowed_tools");
    JSON_KEY(out, "allowed_tools");
    json_obj(out);
    put_word(out, HG_S("mode"), chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED ? "required" : "auto");
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        named_put(writing, name->text);
    json_end(out);
    json_end(out);
    json_end(out);
}

static void choice_put(struct writing *writing)
{
    static const char *const words[] = {[CHAT_CHOICE_AUTO] = "auto",
                                        [CHAT_CHOICE_NONE] = "none",
                                        [CHAT_CHOICE_REQUIRED] = "required"};
    const struct chat *chat = writing->chat;

    if (!chat->tools)
        return;
    if (chat->choice != CHAT_CHOICE_UNSET) {
        JSON_KEY(writing->out, "tool_choice");
        if (chat->choice == CHAT_CHOICE_NAMED && chat->choice_names)
            named_put(writing, chat->choice_names->text);
        else if (chat->choice <= CHAT_CHOICE_REQUIRED)
            json_put_str(writing->out, text_of(words[chat->choice]));
        else
            allowed_put(writing);
    }
    if (chat->parallel != CHAT_UNSET) {
        JSON_KEY(writing->out, "parallel_tool_calls");
        json_put_bool(writing->out, chat->parallel == CHAT_YES);
    }
}

/* ---- the other members -------------------------------------------------------------------------
 */

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

static void word_put(struct chain *out, hg_str key, hg_str word)
{
    if (!word.n)
        return;
    json_key(out, key);
    json_put_str(out, word);
}

static void sampling_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool is_new =
        model_of_openai_reasons(writing->to->model) && !(writing->to->traits & HG_WIRE_MAX_TOKENS);

    raw_put(out, is_new ? HG_S("max_completion_tokens") : HG_S("max_tokens"), chat->max_tokens);
    raw_put(out, HG_S("temperature"), chat->temperature);
    raw_put(out, HG_S("top_p"), chat->top_p);
    if (chat->top_k.n && !(writing->to->traits & HG_WIRE_TOP_K))
        translation_lose(writing->to, "top_k");
    else
        raw_put(out, HG_S("top_k"), chat->top_k);
    raw_put(out, HG_S("n"), chat->n);
    raw_put(out, HG_S("seed"), chat->seed);
    raw_put(out, HG_S("frequency_penalty"), chat->frequency_penalty);
    raw_put(out, HG_S("presence_penalty"), chat->presence_penalty);
    raw_put(out, HG_S("logit_bias"), chat->logit_bias);
    if (chat->logprobs != CHAT_UNSET) {
        JSON_KEY(out, "logprobs");
        json_put_bool(out, chat->logprobs == CHAT_YES);
    }
    raw_put(out, HG_S("top_logprobs"), chat->top_logprobs);
    if (!chat->stops)
        return;
    JSON_KEY(out, "stop");
    json_arr(out);
    for (const struct chat_name *stop = chat->stops; stop; stop = stop->next)
        chat_put(out, stop->text);
    json_end(out);
}

static void schema_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    JSON_KEY(out, "json_schema");
    json_obj(out);
    JSON_KEY(out, "name");
    chat_put(out,
             chat->format_name.s.n ? chat->format_name : chat_plain(HG_S("structured_output")));
    if (chat->format_description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, chat->format_description);
    }
    raw_put(out, HG_S("schema"), chat->format_schema);
    if (chat->format_strict != CHAT_UNSET) {
        JSON_KEY(out, "strict");
        json_put_bool(out, chat->format_strict == CHAT_YES);
    }
    json_end(out);
}

static void format_put(struct writing *writing)
{
    static const char *const types[] = {[CHAT_FORMAT_TEXT] = "text",
                                        [CHAT_FORMAT_JSON] = "json_object",
                                        [CHAT_FORMAT_SCHEMA] = "json_schema"};
    enum chat_format format = writing->chat->format;

    if (format == CHAT_FORMAT_UNSET)
        return;
    if (format == CHAT_FORMAT_SCHEMA && (writing->to->traits & HG_WIRE_NO_SCHEMA)) {
        translation_lose(writing->to, "response_format schema");
        format = CHAT_FORMAT_JSON;
    }
    JSON_KEY(writing->out, "response_format");
    type_put(writing->out, types[format]);
    if (format == CHAT_FORMAT_SCHEMA)
        schema_put(writing);
    json_end(writing->out);
}

static void effort_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    hg_str effort = chat->effort;
    uint64_t budget;

    if (chat->reasoning == CHAT_UNSET)
        return;
    if (chat->reasoning == CHAT_NO && !effort.n) {
        translation_lose(writing->to, "thinking");
        return;
    }
    if (!effort.n && chat->budget.n && text_to_u64(chat->budget, &budget))
        effort = chat_effort_of_budget(budget);
    word_put(writing->out, HG_S("reasoning_effort"), effort.n ? effort : HG_S("high"));
}

static void others_put(struct writing *writing)
{
    static const char *const own[] = {"messages",
                                      "model",
                                      "stream",
                                      "tools",
                                      "stream_options",
                                      "tool_choice",
                                      "parallel_tool_calls",
                                      "max_tokens",
                                      "max_completion_tokens",
                                      "temperature",
                                      "top_p",
                                      "top_k",
                                      "n",
                                      "seed",
                                      "frequency_penalty",
                                      "presence_penalty",
                                      "logit_bias",
                                      "logprobs",
                                      "top_logprobs",
                                      "stop",
                                      "response_format",
                                      "reasoning_effort",
                                      "verbosity",
                                      "service_tier",
                                      "metadata",
                                      "modalities",
                                      "audio",
                                      "user",
                                      NULL};
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    word_put(out, HG_S("verbosity"), chat->verbosity);
    word_put(out, HG_S("service_tier"), chat->service_tier);
    raw_put(out, HG_S("metadata"), chat->metadata);
    raw_put(out, HG_S("modalities"), chat->modalities);
    raw_put(out, HG_S("audio"), chat->audio);
    if (chat_has(chat->user)) {
        JSON_KEY(out, "user");
        chat_put(out, chat->user);
    }
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        if (translation_keeps(writing->to, extra, own))
            raw_put(out, extra->key, extra->raw);
}

bool openai_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error)
{
    struct writing writing = {translation, chat, out};

    json_obj(out);
    word_put(out, HG_S("model"), translation->model);
    JSON_KEY(out, "messages");
    json_arr(out);
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        message_put(&writing, message);
    json_end(out);
    if (!tools_put(&writing, error))
        return false;
    choice_put(&writing);
    sampling_put(&writing);
    format_put(&writing);
    effort_put(&writing);
    others_put(&writing);
    if (chat->is_stream) {
        JSON_KEY(out, "stream");
        json_put_bool(out, true);
        if (!(translation->traits & HG_WIRE_NO_STREAM_USAGE))
            raw_put(out, HG_S("stream_options"), HG_S("{\"include_usage\":true}"));
    }
    json_end(out);
    return true;
}
