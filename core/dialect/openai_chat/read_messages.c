/* The messages of a request into normal form: what was said, called, answered and attached. */
#include "base/text.h"
#include "dialect/openai_chat/read_chat.h"

/* Members are looked up in one walk over their object: there may be many thousands of objects, or
 * one may hold a megabyte. */
#define KEY(word)              \
    {                          \
        word, sizeof(word) - 1 \
    }

/* ---- parts -------------------------------------------------------------------------------------
 */

enum {
    PART_TYPE,
    PART_TEXT,
    PART_CACHE,
    PART_REFUSAL,
    PART_VIDEO,
    PART_KEYS
};

static const hg_str part_keys[PART_KEYS] = {[PART_TYPE] = KEY("type"),
                                            [PART_TEXT] = KEY("text"),
                                            [PART_CACHE] = KEY("cache_control"),
                                            [PART_REFUSAL] = KEY("refusal"),
                                            [PART_VIDEO] = KEY("video_url")};

static void image_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json image = json_member(value, HG_S("image_url"));
    hg_json url = image.kind == HG_J_STR ? image : json_member(image, HG_S("url"));

    part->detail = chat_word(reading->arena, json_member(image, HG_S("detail")));
    chat_set_url(reading->arena, part, chat_text_of(url));
}

static void audio_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json audio = json_member(value, HG_S("input_audio"));
    hg_str format = chat_word(reading->arena, json_member(audio, HG_S("format")));

    part->data = chat_text_of(json_member(audio, HG_S("data")));
    part->mime = arena_fmt(reading->arena, "audio/%.*s", TEXT_ARG(format));
}

/* file_data is a data URL, or base64 alone as some clients send it. */
static void file_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json file = json_member(value, HG_S("file"));
    struct chat_text data = chat_text_of(json_member(file, HG_S("file_data")));

    part->name = chat_text_of(json_member(file, HG_S("filename")));
    part->file_id = chat_text_of(json_member(file, HG_S("file_id")));
    if (!chat_has(data))
        return;
    chat_set_url(reading->arena, part, data);
    if (!chat_has(part->data)) {
        part->data = data;
        part->url = (struct chat_text){{NULL, 0}, false};
        part->mime = HG_S("application/pdf");
    }
}

static enum chat_part_kind kind_of_part(hg_json type, hg_json text)
{
    static const struct {
        const char *type;
        enum chat_part_kind kind;
    } kinds[] = {
        {"text", CHAT_TEXT},         {"input_text", CHAT_TEXT},    {"output_text", CHAT_TEXT},
        {"refusal", CHAT_REFUSAL},   {"thinking", CHAT_REASONING}, {"image_url", CHAT_IMAGE},
        {"input_audio", CHAT_AUDIO}, {"file", CHAT_FILE},          {"video_url", CHAT_VIDEO}};
    hg_str word = json_raw_str(type);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_key_is(word, text_of(kinds[i].type)))
            return kinds[i].kind;
    return type.kind == HG_J_NONE && text.kind == HG_J_STR ? CHAT_TEXT : CHAT_RAW;
}

/* {"type":"thinking","thinking":"..."} or, as Mistral has it, a list of text parts. */
static struct chat_text thinking_text(hg_json part)
{
    hg_json thinking = json_member(part, HG_S("thinking"));

    return chat_text_of(thinking.kind == HG_J_ARR ? json_get(thinking, "/0/text") : thinking);
}

/* `it` is the walk that gave the part. */
static void part_read(struct reading *reading, struct chat_message *message, hg_json value,
                      hg_json_it *it)
{
    hg_json members[PART_KEYS], video;
    struct chat_part *part;

    json_pick(value, it, part_keys, PART_KEYS, members);
    part = chat_add_part(reading->arena, message,
                         kind_of_part(members[PART_TYPE], members[PART_TEXT]));
    part->cache = chat_raw(members[PART_CACHE]);
    video = members[PART_VIDEO];
    switch (part->kind) {
    case CHAT_TEXT:
        part->text = chat_text_of(members[PART_TEXT]);
        break;
    case CHAT_REFUSAL:
        part->text = chat_text_of(members[PART_REFUSAL]);
        break;
    case CHAT_REASONING:
        part->text = thinking_text(value);
        part->signature = chat_text_of(json_member(value, HG_S("signature")));
        break;
    case CHAT_IMAGE:
        image_read(reading, part, value);
        break;
    case CHAT_AUDIO:
        audio_read(reading, part, value);
        break;
    case CHAT_VIDEO:
        chat_set_url(
            reading->arena, part,
            chat_text_of(video.kind == HG_J_STR ? video : json_member(video, HG_S("url"))));
        break;
    case CHAT_FILE:
        file_read(reading, part, value);
        break;
    default:
        part->raw = json_raw(value);
    }
}

static void content_read(struct reading *reading, struct chat_message *message, hg_json content)
{
    hg_json_it it = {{0, 0}};
    hg_json part;

    if (content.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(content);
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &part)) {
        if (part.kind == HG_J_STR)
            chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(part);
        else
            part_read(reading, message, part, &it);
    }
}

/* ---- what an assistant said --------------------------------------------------------------------
 */

enum {
    ROLE,
    CONTENT,
    NAME,
    CALLS,
    CALL, /* the deprecated form */
    REFUSAL,
    THINKING_BLOCKS,
    REASONING_DETAILS,
    REASONING_CONTENT,
    REASONING,
    CALL_ID,
    CACHE,
    KEYS
};

static const hg_str keys[KEYS] = {[ROLE] = KEY("role"),
                                  [CONTENT] = KEY("content"),
                                  [NAME] = KEY("name"),
                                  [CALLS] = KEY("tool_calls"),
                                  [CALL] = KEY("function_call"),
                                  [REFUSAL] = KEY("refusal"),
                                  [THINKING_BLOCKS] = KEY("thinking_blocks"),
                                  [REASONING_DETAILS] = KEY("reasoning_details"),
                                  [REASONING_CONTENT] = KEY("reasoning_content"),
                                  [REASONING] = KEY("reasoning"),
                                  [CALL_ID] = KEY("tool_call_id"),
                                  [CACHE] = KEY("cache_control")};

enum {
    CALL_OWN_ID,
    CALL_TYPE,
    CALL_FUNCTION,
    CALL_CUSTOM,
    CALL_EXTRA,
    CALL_KEYS
};

static const hg_str call_keys[CALL_KEYS] = {[CALL_OWN_ID] = KEY("id"),
                                            [CALL_TYPE] = KEY("type"),
                                            [CALL_FUNCTION] = KEY("function"),
                                            [CALL_CUSTOM] = KEY("custom"),
                                            [CALL_EXTRA] = KEY("extra_content")};

/* Of a function, and of a tool that takes free text. */
static const hg_str function_keys[] = {KEY("name"), KEY("arguments")},
                    custom_keys[] = {KEY("name"), KEY("input")};

/* thinking_blocks as Anthropic's, reasoning_details as OpenRouter's. */
static bool blocks_read(struct reading *reading, struct chat_message *message, hg_json blocks)
{
    hg_json_it it = {{0, 0}};
    hg_json block;
    bool any = false;

    while (blocks.kind == HG_J_ARR && json_next(blocks, &it, NULL, &block)) {
        struct chat_part *part = chat_add_part(reading->arena, message, CHAT_REASONING);

        any = true;
        part->text = chat_text_of(json_member(block, HG_S("thinking")));
        if (!chat_has(part->text))
            part->text = chat_text_of(json_member(block, HG_S("text")));
        if (!chat_has(part->text))
            part->text = chat_text_of(json_member(block, HG_S("summary")));
        part->signature = chat_text_of(json_member(block, HG_S("signature")));
        part->encrypted = chat_text_of(json_member(block, HG_S("data")));
    }
    return any;
}

static void reasoning_read(struct reading *reading, struct chat_message *message,
                           const hg_json *members)
{
    hg_json text = members[REASONING_CONTENT];

    if (blocks_read(reading, message, members[THINKING_BLOCKS]) ||
        blocks_read(reading, message, members[REASONING_DETAILS]))
        return;
    if (text.kind != HG_J_STR)
        text = members[REASONING];
    if (text.kind == HG_J_STR && json_raw_str(text).n)
        chat_add_part(reading->arena, message, CHAT_REASONING)->text = chat_text_of(text);
}

static void call_read(struct reading *reading, struct chat_message *message, hg_json call,
                      hg_json_it *it)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);
    hg_json members[CALL_KEYS], function[2];

    json_pick(call, it, call_keys, CALL_KEYS, members);
    part->is_custom = json_is(members[CALL_TYPE], HG_S("custom"));
    if (part->is_custom)
        json_pick(members[CALL_CUSTOM], NULL, custom_keys, 2, function);
    else
        json_pick(members[CALL_FUNCTION], NULL, function_keys, 2, function);
    part->id = chat_text_of(members[CALL_OWN_ID]);
    part->tool = chat_text_of(function[0]);
    part->args = chat_text_of(function[1]);
    part->signature = chat_text_of(json_get(members[CALL_EXTRA], "/google/thought_signature"));
}

/* The deprecated form has no ids: the name is one, the same for call and result. */
static struct chat_text legacy_id(struct reading *reading, struct chat_text name)
{
    hg_str plain = chat_decode(reading->arena, name);

    return chat_plain(arena_fmt(reading->arena, "call_%.*s", TEXT_ARG(plain)));
}

static void assistant_read(struct reading *reading, struct chat_message *message,
                           const hg_json *members)
{
    hg_json calls = members[CALLS], legacy = members[CALL], refusal = members[REFUSAL], call;
    hg_json_it it = {{0, 0}};

    reasoning_read(reading, message, members);
    content_read(reading, message, members[CONTENT]);
    if (refusal.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_REFUSAL)->text = chat_text_of(refusal);
    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call))
        call_read(reading, message, call, &it);
    if (legacy.kind == HG_J_OBJ) {
        struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);

        part->tool = chat_text_of(json_member(legacy, HG_S("name")));
        part->args = chat_text_of(json_member(legacy, HG_S("arguments")));
        part->id = legacy_id(reading, part->tool);
    }
}

static void result_read(struct reading *reading, struct chat_message *message,
                        const hg_json *members)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};

    part->id = chat_text_of(members[CALL_ID]);
    part->tool = chat_text_of(members[NAME]);
    if (!chat_has(part->id))
        part->id = legacy_id(reading, part->tool);
    content_read(reading, &inside, members[CONTENT]);
    part->cache = chat_raw(members[CACHE]);
}

static uint32_t role_of(hg_json role)
{
    static const struct {
        const char *word;
        uint32_t role;
    } roles[] = {{"user", HG_ROLE_USER},     {"assistant", HG_ROLE_ASSISTANT},
                 {"system", HG_ROLE_SYSTEM}, {"developer", HG_ROLE_SYSTEM},
                 {"tool", HG_ROLE_TOOL},     {"function", HG_ROLE_TOOL}};

    hg_str word = json_raw_str(role);

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (json_key_is(word, text_of(roles[i].word)))
            return roles[i].role;
    return 0;
}

static bool message_read(struct reading *reading, hg_json value, hg_json_it *it, size_t number)
{
    hg_json members[KEYS];
    uint32_t kind;

    json_pick(value, it, keys, KEYS, members);
    kind = role_of(members[ROLE]);
    if (!kind)
        return error_set(reading->error,
                         "messages[%zu].role: must be one of system, developer, user, assistant, "
                         "tool",
                         number);
    struct chat_message *message = chat_add_message(reading->arena, reading->chat, kind);

    message->name = chat_text_of(members[NAME]);
    if (kind == HG_ROLE_ASSISTANT)
        assistant_read(reading, message, members);
    else if (kind == HG_ROLE_TOOL)
        result_read(reading, message, members);
    else
        content_read(reading, message, members[CONTENT]);
    return true;
}

bool openai_messages_read(struct reading *reading, hg_json messages)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json message;

    if (messages.kind != HG_J_ARR)
        return error_set(reading->error, "messages: must be a list");
    while (json_next(messages, &it, NULL, &message))
        if (!message_read(reading, message, &it, number++))
            return false;
    return true;
}
