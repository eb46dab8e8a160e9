/* The messages of a request into normal form: what was said, called, answered and attached. */
#include "base/text.h"
#include "dialect/openai_chat/read_chat.h"

/* ---- parts -------------------------------------------------------------------------------------
 */

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

static enum chat_part_kind kind_of_part(hg_json part)
{
    static const struct {
        const char *type;
        enum chat_part_kind kind;
    } kinds[] = {
        {"text", CHAT_TEXT},         {"input_text", CHAT_TEXT},    {"output_text", CHAT_TEXT},
        {"refusal", CHAT_REFUSAL},   {"thinking", CHAT_REASONING}, {"image_url", CHAT_IMAGE},
        {"input_audio", CHAT_AUDIO}, {"file", CHAT_FILE},          {"video_url", CHAT_VIDEO}};
    hg_json type = json_member(part, HG_S("type"));

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_is(type, text_of(kinds[i].type)))
            return kinds[i].kind;
    return type.kind == HG_J_NONE && json_member(part, HG_S("text")).kind == HG_J_STR ? CHAT_TEXT
                                                                                      : CHAT_RAW;
}

/* {"type":"thinking","thinking":"..."} or, as Mistral has it, a list of text parts. */
static struct chat_text thinking_text(hg_json part)
{
    hg_json thinking = json_member(part, HG_S("thinking"));

    return chat_text_of(thinking.kind == HG_J_ARR ? json_get(thinking, "/0/text") : thinking);
}

static void part_read(struct reading *reading, struct chat_message *message, hg_json value)
{
    struct chat_part *part = chat_add_part(reading->arena, message, kind_of_part(value));
    hg_json video = json_member(value, HG_S("video_url"));

    part->cache = chat_raw(json_member(value, HG_S("cache_control")));
    switch (part->kind) {
    case CHAT_TEXT:
        part->text = chat_text_of(json_member(value, HG_S("text")));
        break;
    case CHAT_REFUSAL:
        part->text = chat_text_of(json_member(value, HG_S("refusal")));
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
            part_read(reading, message, part);
    }
}

/* ---- what an assistant said --------------------------------------------------------------------
 */

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

static void reasoning_read(struct reading *reading, struct chat_message *message, hg_json value)
{
    hg_json text = json_member(value, HG_S("reasoning_content"));

    if (blocks_read(reading, message, json_member(value, HG_S("thinking_blocks"))) ||
        blocks_read(reading, message, json_member(value, HG_S("reasoning_details"))))
        return;
    if (text.kind != HG_J_STR)
        text = json_member(value, HG_S("reasoning"));
    if (text.kind == HG_J_STR && json_raw_str(text).n)
        chat_add_part(reading->arena, message, CHAT_REASONING)->text = chat_text_of(text);
}

static void call_read(struct reading *reading, struct chat_message *message, hg_json call)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);
    hg_json function = json_member(call, HG_S("function"));

    part->is_custom = json_is(json_member(call, HG_S("type")), HG_S("custom"));
    if (part->is_custom)
        function = json_member(call, HG_S("custom"));
    part->id = chat_text_of(json_member(call, HG_S("id")));
    part->tool = chat_text_of(json_member(function, HG_S("name")));
    part->args =
        chat_text_of(json_member(function, part->is_custom ? HG_S("input") : HG_S("arguments")));
    part->signature = chat_text_of(json_get(call, "/extra_content/google/thought_signature"));
}

/* The deprecated form has no ids: the name is one, the same for call and result. */
static struct chat_text legacy_id(struct reading *reading, struct chat_text name)
{
    hg_str plain = chat_decode(reading->arena, name);

    return chat_plain(arena_fmt(reading->arena, "call_%.*s", TEXT_ARG(plain)));
}

static void assistant_read(struct reading *reading, struct chat_message *message, hg_json value)
{
    hg_json calls = json_member(value, HG_S("tool_calls"));
    hg_json legacy = json_member(value, HG_S("function_call"));
    hg_json refusal = json_member(value, HG_S("refusal"));
    hg_json_it it = {{0, 0}};
    hg_json call;

    reasoning_read(reading, message, value);
    content_read(reading, message, json_member(value, HG_S("content")));
    if (refusal.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_REFUSAL)->text = chat_text_of(refusal);
    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call))
        call_read(reading, message, call);
    if (legacy.kind == HG_J_OBJ) {
        struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);

        part->tool = chat_text_of(json_member(legacy, HG_S("name")));
        part->args = chat_text_of(json_member(legacy, HG_S("arguments")));
        part->id = legacy_id(reading, part->tool);
    }
}

static void result_read(struct reading *reading, struct chat_message *message, hg_json value)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};

    part->id = chat_text_of(json_member(value, HG_S("tool_call_id")));
    part->tool = chat_text_of(json_member(value, HG_S("name")));
    if (!chat_has(part->id))
        part->id = legacy_id(reading, part->tool);
    content_read(reading, &inside, json_member(value, HG_S("content")));
    part->cache = chat_raw(json_member(value, HG_S("cache_control")));
}

static uint32_t role_of(hg_json role)
{
    static const struct {
        const char *word;
        uint32_t role;
    } roles[] = {{"user", HG_ROLE_USER},     {"assistant", HG_ROLE_ASSISTANT},
                 {"system", HG_ROLE_SYSTEM}, {"developer", HG_ROLE_SYSTEM},
                 {"tool", HG_ROLE_TOOL},     {"function", HG_ROLE_TOOL}};

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (json_is(role, text_of(roles[i].word)))
            return roles[i].role;
    return 0;
}

static bool message_read(struct reading *reading, hg_json value, size_t number)
{
    hg_json role = json_member(value, HG_S("role"));
    uint32_t kind = role_of(role);

    if (!kind)
        return error_set(reading->error,
                         "messages[%zu].role: must be one of system, developer, user, assistant, "
                         "tool",
                         number);
    struct chat_message *message = chat_add_message(reading->arena, reading->chat, kind);

    message->name = chat_text_of(json_member(value, HG_S("name")));
    if (kind == HG_ROLE_ASSISTANT)
        assistant_read(reading, message, value);
    else if (kind == HG_ROLE_TOOL)
        result_read(reading, message, value);
    else
        content_read(reading, message, json_member(value, HG_S("content")));
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
        if (!message_read(reading, message, number++))
            return false;
    return true;
}
