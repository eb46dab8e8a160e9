/* The messages of a request as this format has them: turns of user and model by turns, what the
 * system says apart from them. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

/* Taken by the provider in place of a signature that is lost, instead of an error. */
#define NO_SIGNATURE "skip_thought_signature_validator"

enum {
    STEP_MAX = 128 /* calls of one step that are put in order */
};

static bool is_native(const struct gemini_writing *writing)
{
    return writing->chat->from == &dialect_gemini;
}

/* ---- media ------------------------------------------------------------------------------------
 */

static hg_str extension_of(hg_str url)
{
    hg_str path = text_cut(text_cut(url, '?', &(hg_str){0}), '#', &(hg_str){0});
    const char *dot = path.n ? memrchr(path.p, '.', path.n) : NULL;

    return dot ? (hg_str){dot + 1, (size_t)(path.p + path.n - dot) - 1} : HG_S("");
}

/* It has to be said; the extension tells, else the kind of part. */
static hg_str mime_of(struct gemini_writing *writing, const struct chat_part *part)
{
    static const struct {
        const char *extension, *mime;
    } mimes[] = {{"png", "image/png"},       {"jpg", "image/jpeg"},  {"jpeg", "image/jpeg"},
                 {"webp", "image/webp"},     {"gif", "image/gif"},   {"heic", "image/heic"},
                 {"pdf", "application/pdf"}, {"txt", "text/plain"},  {"html", "text/html"},
                 {"csv", "text/csv"},        {"mp3", "audio/mpeg"},  {"wav", "audio/wav"},
                 {"ogg", "audio/ogg"},       {"flac", "audio/flac"}, {"mp4", "video/mp4"},
                 {"mov", "video/mov"},       {"webm", "video/webm"}, {"mpeg", "video/mpeg"}};
    hg_str extension;

    if (part->mime.n)
        return text_is(part->mime, HG_S("image/jpg")) ? HG_S("image/jpeg") : part->mime;
    extension = extension_of(chat_decode(writing->out->arena, part->url));
    for (size_t i = 0; i < sizeof mimes / sizeof *mimes; i++)
        if (text_is_nocase(extension, text_of(mimes[i].extension)))
            return text_of(mimes[i].mime);
    switch (part->kind) {
    case CHAT_AUDIO:
        return HG_S("audio/mpeg");
    case CHAT_VIDEO:
        return HG_S("video/mp4");
    case CHAT_FILE:
        return HG_S("application/pdf");
    default:
        return HG_S("image/jpeg");
    }
}

static void media_put(struct gemini_writing *writing, const struct chat_part *part, bool is_data)
{
    struct chain *out = writing->out;

    json_obj(out);
    json_key(out, is_data ? HG_S("inlineData") : HG_S("fileData"));
    json_obj(out);
    JSON_KEY(out, "mimeType");
    json_put_str(out, mime_of(writing, part));
    json_key(out, is_data ? HG_S("data") : HG_S("fileUri"));
    chat_put(out, is_data ? part->data : chat_has(part->url) ? part->url : part->file_id);
    json_end(out);
    json_end(out);
    if (part->name.s.n)
        translation_lose(writing->to, "file name");
    if (text_is(part->detail, HG_S("low")) || text_is(part->detail, HG_S("high")))
        translation_lose(writing->to, "image detail");
}

static void text_put(struct chain *out, struct chat_text text)
{
    json_obj(out);
    JSON_KEY(out, "text");
    chat_put(out, text);
    json_end(out);
}

/* Ids of files of others mean nothing to Google, whose own are URLs. */
static bool file_put(struct gemini_writing *writing, const struct chat_part *part,
                     struct error *error)
{
    hg_str id = chat_decode(writing->out->arena, part->file_id);

    if (chat_has(part->data)) {
        media_put(writing, part, true);
    } else if (chat_has(part->text)) {
        if (part->name.s.n)
            translation_lose(writing->to, "file name");
        text_put(writing->out, part->text);
    } else if (chat_has(part->url) && writing->to->traits & HG_WIRE_NO_URLS &&
               text_starts(chat_decode(writing->out->arena, part->url), HG_S("http"))) {
        return error_set(error, "messages: this provider takes no URLs of images and files");
    } else if (chat_has(part->url) || text_starts(id, HG_S("https://"))) {
        media_put(writing, part, false);
    } else {
        return error_set(error, "messages: the file %.*s is not known to this provider",
                         TEXT_ARG(id));
    }
    return true;
}

/* ---- calls and results ------------------------------------------------------------------------
 */

static void id_put(struct gemini_writing *writing, struct chat_text id)
{
    if (!id.s.n || writing->to->traits & HG_WIRE_NO_CALL_IDS)
        return;
    JSON_KEY(writing->out, "id");
    json_put_str(writing->out, translation_call_id(writing->to, id, "_-.:", 128, false));
}

static void call_put(struct gemini_writing *writing, const struct chat_part *part, bool is_first)
{
    struct chain *out = writing->out;
    struct chat_text signature = part->signature;

    if (!signature.s.n && is_first && gemini_model_is(&writing->model, 3, 0))
        signature = chat_plain(HG_S(NO_SIGNATURE));
    json_obj(out);
    JSON_KEY(out, "functionCall");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, gemini_tool_name(writing->to, part->tool));
    JSON_KEY(out, "args");
    chat_put_args_object(out->arena, out, part);
    id_put(writing, part->id);
    json_end(out);
    if (signature.s.n) {
        JSON_KEY(out, "thoughtSignature");
        chat_put(out, signature);
    }
    json_end(out);
}

/* One text that is an object is the response; everything else stands in one. */
static void response_put(struct chain *out, const struct chat_part *result)
{
    const struct chat_part *first = result->parts;
    hg_json doc;

    if (!result->is_error && first && first->kind == CHAT_TEXT && !first->next) {
        hg_str text = text_trim(chat_decode(out->arena, first->text));

        if (text.n && text.p[0] == '{' && json_parse(out->arena, text, &doc, NULL)) {
            json_put_raw(out, json_raw(doc));
            return;
        }
    }
    json_obj(out);
    json_key(out, result->is_error ? HG_S("error") : HG_S("result"));
    chat_put_joined(out, result->parts, "\n");
    json_end(out);
}

/* From the third generation on a response has media beside it. */
static void response_media_put(struct gemini_writing *writing, const struct chat_part *result)
{
    bool any = false;

    for (const struct chat_part *part = result->parts; part; part = part->next) {
        if (part->cache.n)
            translation_lose(writing->to, "cache_control");
        if (part->kind == CHAT_TEXT)
            continue;
        if (!chat_has(part->data) || !gemini_model_is(&writing->model, 3, 0)) {
            translation_lose(writing->to, "media in a tool's result");
            continue;
        }
        if (!any) {
            JSON_KEY(writing->out, "parts");
            json_arr(writing->out);
        }
        any = true;
        media_put(writing, part, true);
    }
    if (any)
        json_end(writing->out);
}

static void result_put(struct gemini_writing *writing, const struct chat_part *result,
                       const struct chat_part *call)
{
    struct chain *out = writing->out;
    struct chat_text tool = call ? call->tool : result->tool;

    if (!call && !tool.s.n && (call = chat_call_of(writing->chat, result)))
        tool = call->tool;
    json_obj(out);
    JSON_KEY(out, "functionResponse");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, gemini_tool_name(writing->to, tool.s.n ? tool : chat_plain(HG_S("tool"))));
    JSON_KEY(out, "response");
    response_put(out, result);
    response_media_put(writing, result);
    id_put(writing, result->id);
    json_end(out);
    json_end(out);
}

/* ---- results in the order of their calls ------------------------------------------------------
 */

struct step {
    const struct chat_part *calls[STEP_MAX], *results[STEP_MAX];
    bool is_put[STEP_MAX];
    size_t call_count, result_count;
};

static bool text_same(struct chain *out, struct chat_text a, struct chat_text b)
{
    if (a.is_quoted == b.is_quoted)
        return text_is(a.s, b.s);
    return text_is(chat_decode(out->arena, a), chat_decode(out->arena, b));
}

static void step_put(struct gemini_writing *writing, struct step *step)
{
    for (size_t c = 0; c < step->call_count; c++)
        for (size_t r = 0; r < step->result_count; r++)
            if (!step->is_put[r] &&
                text_same(writing->out, step->calls[c]->id, step->results[r]->id)) {
                result_put(writing, step->results[r], step->calls[c]);
                step->is_put[r] = true;
                break;
            }
    for (size_t r = 0; r < step->result_count; r++)
        if (!step->is_put[r])
            result_put(writing, step->results[r], NULL);
    step->result_count = 0;
    memset(step->is_put, 0, sizeof step->is_put);
}

/* ---- turns ------------------------------------------------------------------------------------
 */

/* What goes into one turn. Results have one of their own: newer models take nothing beside them. */
static uint32_t turn_of(const struct chat_message *message)
{
    return message->role;
}

static void turn_begin(struct chain *out, uint32_t role)
{
    json_obj(out);
    JSON_KEY(out, "role");
    json_put_str(out, role == HG_ROLE_ASSISTANT ? HG_S("model") : HG_S("user"));
    JSON_KEY(out, "parts");
    json_arr(out);
}

static void turn_end(struct chain *out)
{
    json_end(out);
    json_end(out);
}

/* Thoughts come back only to those who thought them. */
static void reasoning_put(struct gemini_writing *writing, const struct chat_part *part)
{
    if (!is_native(writing))
        return;
    json_obj(writing->out);
    JSON_KEY(writing->out, "text");
    chat_put(writing->out, part->text);
    JSON_KEY(writing->out, "thought");
    json_put_bool(writing->out, true);
    if (part->signature.s.n) {
        JSON_KEY(writing->out, "thoughtSignature");
        chat_put(writing->out, part->signature);
    }
    json_end(writing->out);
}

/* Whether a part gives anything in this format. */
static bool is_said(const struct gemini_writing *writing, const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        return part->text.s.n > 0;
    case CHAT_REASONING:
        return is_native(writing);
    case CHAT_RESULT:
        return false;
    default:
        return true;
    }
}

static bool says_anything(const struct gemini_writing *writing, const struct chat_message *message)
{
    for (const struct chat_part *part = message->parts; part; part = part->next)
        if (is_said(writing, part))
            return true;
    return false;
}

static bool plain_text_put(struct gemini_writing *writing, const struct chat_part *part)
{
    if (is_native(writing) && part->signature.s.n) {
        json_obj(writing->out);
        JSON_KEY(writing->out, "text");
        chat_put(writing->out, part->text);
        JSON_KEY(writing->out, "thoughtSignature");
        chat_put(writing->out, part->signature);
        json_end(writing->out);
    } else if (part->text.s.n) {
        text_put(writing->out, part->text);
    }
    return true;
}

static bool part_put(struct gemini_writing *writing, const struct chat_part *part,
                     bool *is_first_call, struct error *error)
{
    if (part->cache.n)
        translation_lose(writing->to, "cache_control");
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        return plain_text_put(writing, part);
    case CHAT_REASONING:
        reasoning_put(writing, part);
        return true;
    case CHAT_CALL:
        call_put(writing, part, *is_first_call);
        *is_first_call = false;
        return true;
    case CHAT_RAW:
        if (is_native(writing))
            json_put_raw(writing->out, part->raw);
        else
            translation_lose(writing->to, "a part of a kind of its own");
        return true;
    case CHAT_RESULT:
        return true;
    default:
        return file_put(writing, part, error);
    }
}

/* Neighbours of the same role are one turn. Returns the first message that is not of it. */
static const struct chat_message *turn_put(struct gemini_writing *writing,
                                           const struct chat_message *message, struct step *step,
                                           bool *ok, struct error *error)
{
    uint32_t turn = turn_of(message);
    bool any = false, is_first_call = true;

    if (turn == HG_ROLE_ASSISTANT)
        step->call_count = 0;
    for (; message && (message->role == HG_ROLE_SYSTEM || turn_of(message) == turn);
         message = message->next) {
        if (message->role == HG_ROLE_SYSTEM || !says_anything(writing, message))
            continue;
        if (!any)
            turn_begin(writing->out, turn);
        any = true;
        for (const struct chat_part *part = message->parts; part && *ok; part = part->next) {
            *ok = part_put(writing, part, &is_first_call, error);
            if (part->kind == CHAT_CALL && step->call_count < STEP_MAX)
                step->calls[step->call_count++] = part;
        }
    }
    if (!any && turn == HG_ROLE_USER) { /* an empty one keeps its place */
        turn_begin(writing->out, turn);
        text_put(writing->out, chat_plain(HG_S(" ")));
        any = true;
    }
    if (any)
        turn_end(writing->out);
    return message;
}

static const struct chat_message *results_put(struct gemini_writing *writing,
                                              const struct chat_message *message, struct step *step)
{
    turn_begin(writing->out, HG_ROLE_USER);
    for (; message && (message->role == HG_ROLE_TOOL || message->role == HG_ROLE_SYSTEM);
         message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part->kind != CHAT_RESULT)
                continue;
            if (part->cache.n)
                translation_lose(writing->to, "cache_control");
            step->results[step->result_count++] = part;
            if (step->result_count == STEP_MAX)
                step_put(writing, step);
        }
    step_put(writing, step);
    turn_end(writing->out);
    return message;
}

/* ---- the system's -----------------------------------------------------------------------------
 */

static bool has_system(const struct chat *chat)
{
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        for (const struct chat_part *part = message->parts; part && message->role == HG_ROLE_SYSTEM;
             part = part->next)
            if (part->kind == CHAT_TEXT && part->text.s.n)
                return true;
    return false;
}

static void system_parts_put(struct gemini_writing *writing)
{
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next) {
        if (message->role != HG_ROLE_SYSTEM)
            continue;
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part->cache.n)
                translation_lose(writing->to, "cache_control");
            if (part->kind == CHAT_TEXT && part->text.s.n)
                text_put(writing->out, part->text);
            else if (part->kind != CHAT_TEXT)
                translation_lose(writing->to, "media in a system message");
        }
    }
}

/* Models without a place for it are told as a user would. */
static void system_put(struct gemini_writing *writing)
{
    if (writing->model.is_gemma || !has_system(writing->chat))
        return;
    JSON_KEY(writing->out, "systemInstruction");
    json_obj(writing->out);
    JSON_KEY(writing->out, "parts");
    json_arr(writing->out);
    system_parts_put(writing);
    json_end(writing->out);
    json_end(writing->out);
}

static bool has_others(const struct chat *chat)
{
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        if (message->role != HG_ROLE_SYSTEM)
            return true;
    return false;
}

/* What is left out of a message, whether or not anything else of it is said. */
static void losses_note(struct gemini_writing *writing)
{
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next) {
        if (chat_has(message->name) && message->role != HG_ROLE_TOOL)
            translation_lose(writing->to, "name");
        for (const struct chat_part *part = message->parts; part && !is_native(writing);
             part = part->next)
            if (chat_is_thought(part))
                translation_lose(writing->to, "reasoning");
    }
}

bool gemini_contents_put(struct gemini_writing *writing, struct error *error)
{
    const struct chat_message *message = writing->chat->messages;
    struct chain *out = writing->out;
    struct step *step = arena_zalloc(out->arena, sizeof *step);
    bool ok = true;

    losses_note(writing);
    system_put(writing);
    JSON_KEY(out, "contents");
    json_arr(out);
    if (writing->model.is_gemma && has_system(writing->chat)) {
        turn_begin(out, HG_ROLE_USER);
        system_parts_put(writing);
        turn_end(out);
    } else if (!has_others(writing->chat)) { /* the list must not be empty */
        turn_begin(out, HG_ROLE_USER);
        text_put(out, chat_plain(HG_S(" ")));
        turn_end(out);
    }
    while (message && ok) {
        if (message->role == HG_ROLE_SYSTEM)
            message = message->next;
        else if (message->role == HG_ROLE_TOOL)
            message = results_put(writing, message, step);
        else
            message = turn_put(writing, message, step, &ok, error);
    }
    json_end(out);
    return ok;
}
