/* The turns of a request into normal form. Results of calls stand in a turn of the user's here, and
 * in messages of their own there. */
#include "base/text.h"
#include "dialect/gemini/parts.h"

/* A call, for the results that name it only by its tool. */
struct open_call {
    struct open_call *next;
    struct chat_text id, tool;
};

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
    struct open_call *open, **open_end;
    unsigned made;  /* ids */
    uint32_t looks; /* at open calls: a hostile request could ask for very many */
};

enum {
    LOOKS_MAX = 1000000
};

/* ---- media ------------------------------------------------------------------------------------
 */

static enum chat_part_kind kind_of_mime(hg_str mime)
{
    if (text_starts(mime, HG_S("image/")))
        return CHAT_IMAGE;
    if (text_starts(mime, HG_S("audio/")))
        return CHAT_AUDIO;
    return text_starts(mime, HG_S("video/")) ? CHAT_VIDEO : CHAT_FILE;
}

static hg_str mime_of(struct arena *arena, hg_json media)
{
    hg_str mime = json_str(arena, gemini_member(media, HG_S("mimeType")));

    return text_is(mime, HG_S("image/jpg")) ? HG_S("image/jpeg") : mime;
}

static void blob_read(struct reading *reading, struct chat_message *message, hg_json blob)
{
    hg_str mime = mime_of(reading->arena, blob);
    struct chat_part *part = chat_add_part(reading->arena, message, kind_of_mime(mime));

    part->mime = mime;
    part->data = chat_text_of(json_member(blob, HG_S("data")));
    part->name = chat_text_of(gemini_member(blob, HG_S("displayName")));
}

static void file_read(struct reading *reading, struct chat_message *message, hg_json file)
{
    hg_str mime = mime_of(reading->arena, file);
    struct chat_part *part = chat_add_part(reading->arena, message, kind_of_mime(mime));

    part->mime = mime;
    part->url = chat_text_of(gemini_member(file, HG_S("fileUri")));
    part->name = chat_text_of(gemini_member(file, HG_S("displayName")));
}

/* ---- calls and results ------------------------------------------------------------------------
 */

static bool text_same(struct reading *reading, struct chat_text a, struct chat_text b)
{
    return text_is(chat_decode(reading->arena, a), chat_decode(reading->arena, b));
}

static void call_read(struct reading *reading, struct chat_message *message, hg_json call,
                      struct chat_text signature)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);
    struct open_call *open = arena_zalloc(reading->arena, sizeof *open);
    hg_json args = json_member(call, HG_S("args"));

    part->id = chat_text_of(json_member(call, HG_S("id")));
    part->tool = chat_text_of(json_member(call, HG_S("name")));
    part->signature = signature;
    if (args.kind == HG_J_OBJ)
        part->args = chat_plain(json_raw(args));
    if (!part->id.s.n)
        part->id = chat_plain(arena_fmt(reading->arena, "call_%u", reading->made++));
    *open = (struct open_call){.id = part->id, .tool = part->tool};
    *reading->open_end = open;
    reading->open_end = &open->next;
}

/* The id that the result names, or that of the first call of this tool without a result. */
static struct chat_text result_id(struct reading *reading, struct chat_text id,
                                  struct chat_text tool)
{
    struct open_call **open = &reading->open, *found;

    while (*open && reading->looks++ < LOOKS_MAX &&
           !text_same(reading, id.s.n ? (*open)->id : (*open)->tool, id.s.n ? id : tool))
        open = &(*open)->next;
    if (!*open || reading->looks > LOOKS_MAX)
        return id.s.n ? id : chat_plain(arena_fmt(reading->arena, "call_%u", reading->made++));
    found = *open;
    *open = found->next;
    if (!found->next)
        reading->open_end = open;
    return found->id;
}

/* The text of a response that says nothing but one text, else the object. */
static struct chat_text response_text(hg_json response)
{
    static const char *const keys[] = {"result", "output", "content", "error"};

    if (json_count(response) == 1)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            hg_json value = json_member(response, text_of(keys[i]));

            if (value.kind == HG_J_STR)
                return chat_text_of(value);
        }
    return chat_plain(response.kind == HG_J_NONE ? HG_S("") : json_raw(response));
}

static void result_read(struct reading *reading, struct chat_message *message, hg_json value)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};
    hg_json response = json_member(value, HG_S("response"));
    hg_json media = json_member(value, HG_S("parts")), one;
    hg_json_it it = {{0, 0}};

    part->tool = chat_text_of(json_member(value, HG_S("name")));
    part->id = result_id(reading, chat_text_of(json_member(value, HG_S("id"))), part->tool);
    part->is_error = json_count(response) == 1 && json_member(response, HG_S("error")).kind;
    chat_add_part(reading->arena, &inside, CHAT_TEXT)->text = response_text(response);
    while (media.kind == HG_J_ARR && json_next(media, &it, NULL, &one)) {
        hg_json blob = gemini_member(one, HG_S("inlineData"));

        if (blob.kind == HG_J_OBJ)
            blob_read(reading, &inside, blob);
    }
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void text_read(struct reading *reading, struct chat_message *message, hg_json part,
                      hg_json text, struct chat_text signature)
{
    bool thinks = json_is_yes(json_member(part, HG_S("thought")));
    struct chat_part *ret =
        chat_add_part(reading->arena, message, thinks ? CHAT_REASONING : CHAT_TEXT);

    ret->text = chat_text_of(text);
    ret->signature = signature;
}

static void part_read(struct reading *reading, struct chat_message *message, hg_json part)
{
    hg_json text = json_member(part, HG_S("text"));
    hg_json call = gemini_member(part, HG_S("functionCall"));
    hg_json blob = gemini_member(part, HG_S("inlineData"));
    hg_json file = gemini_member(part, HG_S("fileData"));
    struct chat_text signature = chat_text_of(gemini_member(part, HG_S("thoughtSignature")));

    if (part.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(part);
    else if (call.kind == HG_J_OBJ)
        call_read(reading, message, call, signature);
    else if (text.kind == HG_J_STR)
        text_read(reading, message, part, text, signature);
    else if (blob.kind == HG_J_OBJ)
        blob_read(reading, message, blob);
    else if (file.kind == HG_J_OBJ)
        file_read(reading, message, file);
    else if (part.kind == HG_J_OBJ && json_count(part))
        chat_add_part(reading->arena, message, CHAT_RAW)->raw = json_raw(part);
}

/* Results first, as they must stand behind their calls; then what else the turn has. */
static void parts_read(struct reading *reading, hg_json parts, uint32_t role)
{
    struct chat_message *results = NULL, *message = NULL;
    hg_json_it it = {{0, 0}};
    hg_json part;

    while (parts.kind == HG_J_ARR && json_next(parts, &it, NULL, &part)) {
        hg_json result = gemini_member(part, HG_S("functionResponse"));

        if (result.kind != HG_J_OBJ)
            continue;
        if (!results)
            results = chat_add_message(reading->arena, reading->chat, HG_ROLE_TOOL);
        result_read(reading, results, result);
    }
    it = (hg_json_it){{0, 0}};
    while (parts.kind == HG_J_ARR && json_next(parts, &it, NULL, &part)) {
        if (gemini_member(part, HG_S("functionResponse")).kind == HG_J_OBJ)
            continue;
        if (!message)
            message = chat_add_message(reading->arena, reading->chat, role);
        part_read(reading, message, part);
    }
    if (parts.kind != HG_J_ARR || (!results && !message)) {
        message = chat_add_message(reading->arena, reading->chat, role);
        if (parts.kind != HG_J_ARR && parts.kind != HG_J_NONE)
            part_read(reading, message, parts);
    }
}

/* ---- turns ------------------------------------------------------------------------------------
 */

static bool content_read(struct reading *reading, hg_json content, size_t number)
{
    hg_json role = json_member(content, HG_S("role"));
    hg_json parts = json_member(content, HG_S("parts"));

    if (content.kind == HG_J_STR)
        parts_read(reading, content, HG_ROLE_USER);
    else if (content.kind != HG_J_OBJ)
        return error_set(reading->error, "contents[%zu]: must be an object with role and parts",
                         number);
    else if (role.kind == HG_J_NONE || json_is(role, HG_S("user")) ||
             json_is(role, HG_S("function")) || json_is(role, HG_S("")))
        parts_read(reading, parts, HG_ROLE_USER);
    else if (json_is(role, HG_S("model")))
        parts_read(reading, parts, HG_ROLE_ASSISTANT);
    else if (json_is(role, HG_S("system")))
        parts_read(reading, parts, HG_ROLE_SYSTEM);
    else
        return error_set(reading->error, "contents[%zu].role: must be user or model", number);
    return true;
}

/* A content, a part or a text. */
static void system_read(struct reading *reading, hg_json system)
{
    hg_json parts = json_member(system, HG_S("parts"));

    if (system.kind == HG_J_NONE || system.kind == HG_J_NULL)
        return;
    parts_read(reading, parts.kind == HG_J_NONE ? system : parts, HG_ROLE_SYSTEM);
}

bool gemini_contents_read(struct arena *arena, hg_json doc, struct chat *chat, struct error *error)
{
    struct reading reading = {.arena = arena, .chat = chat, .error = error};
    hg_json contents = json_member(doc, HG_S("contents")), content;
    hg_json_it it = {{0, 0}};
    size_t number = 0;

    reading.open_end = &reading.open;
    system_read(&reading, gemini_member(doc, HG_S("systemInstruction")));
    if (contents.kind == HG_J_OBJ || contents.kind == HG_J_STR)
        return content_read(&reading, contents, 0);
    if (contents.kind != HG_J_ARR)
        return error_set(error, "contents: must be a list");
    while (json_next(contents, &it, NULL, &content))
        if (!content_read(&reading, content, number++))
            return false;
    return true;
}
