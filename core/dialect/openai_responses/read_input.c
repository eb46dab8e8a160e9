/* The items of a request into normal form. What one model's turn brought stands in several items
 * here and in one message there: reasoning, what it said, and its calls. */
#include "dialect/openai_responses/read_chat.h"

#include "base/text.h"

/* ---- parts ----------------------------------------------------------------------------------- */

static void image_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json url = json_member(value, HG_S("image_url"));

    if (url.kind == HG_J_OBJ) /* as in the chat format */
        url = json_member(url, HG_S("url"));
    part->detail = chat_word(reading->arena, json_member(value, HG_S("detail")));
    part->file_id = chat_text_of(json_member(value, HG_S("file_id")));
    if (url.kind == HG_J_STR)
        chat_set_url(reading->arena, part, chat_text_of(url));
}

static void audio_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json audio = json_member(value, HG_S("input_audio"));

    if (audio.kind != HG_J_OBJ)
        audio = value;
    part->data = chat_text_of(json_member(audio, HG_S("data")));
    part->mime = arena_fmt(reading->arena, "audio/%.*s",
                           TEXT_ARG(chat_word(reading->arena, json_member(audio, HG_S("format")))));
}

/* file_data is a data URL, or base64 alone as some clients send it. */
static void file_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    struct chat_text data = chat_text_of(json_member(value, HG_S("file_data")));
    hg_json url = json_member(value, HG_S("file_url"));

    part->name = chat_text_of(json_member(value, HG_S("filename")));
    part->file_id = chat_text_of(json_member(value, HG_S("file_id")));
    if (url.kind == HG_J_STR)
        chat_set_url(reading->arena, part, chat_text_of(url));
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
        {"input_text", CHAT_TEXT},   {"output_text", CHAT_TEXT},  {"text", CHAT_TEXT},
        {"summary_text", CHAT_TEXT}, {"refusal", CHAT_REFUSAL},   {"input_image", CHAT_IMAGE},
        {"input_file", CHAT_FILE},   {"input_audio", CHAT_AUDIO}, {"image_url", CHAT_IMAGE}};
    hg_json type = json_member(part, HG_S("type"));

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_is(type, text_of(kinds[i].type)))
            return kinds[i].kind;
    return type.kind == HG_J_NONE && json_member(part, HG_S("text")).kind == HG_J_STR ? CHAT_TEXT
                                                                                      : CHAT_RAW;
}

static bool part_read(struct reading *reading, struct chat_message *message, hg_json value,
                      size_t item, size_t number)
{
    struct chat_part *part;

    if (value.kind == HG_J_STR) {
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(value);
        return true;
    }
    if (value.kind != HG_J_OBJ)
        return error_set(reading->error, "input[%zu].content[%zu]: must be an object", item,
                         number);
    part = chat_add_part(reading->arena, message, kind_of_part(value));
    part->raw = json_raw(value);
    switch (part->kind) {
    case CHAT_TEXT:
        part->text = chat_text_of(json_member(value, HG_S("text")));
        return chat_has(part->text) ||
               error_set(reading->error, "input[%zu].content[%zu].text: must be a string", item,
                         number);
    case CHAT_REFUSAL:
        part->text = chat_text_of(json_member(value, HG_S("refusal")));
        break;
    case CHAT_IMAGE:
        image_read(reading, part, value);
        break;
    case CHAT_AUDIO:
        audio_read(reading, part, value);
        break;
    case CHAT_FILE:
        file_read(reading, part, value);
        break;
    default:
        break;
    }
    return true;
}

static bool content_read(struct reading *reading, struct chat_message *message, hg_json content,
                         size_t item)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json part;

    if (content.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(content);
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &part))
        if (!part_read(reading, message, part, item, number++))
            return false;
    return true;
}

/* ---- items ----------------------------------------------------------------------------------- */

static struct chat_message *message_new(struct reading *reading, uint32_t role)
{
    reading->has_spoken = reading->has_called = false;
    return reading->last = chat_add_message(reading->arena, reading->chat, role);
}

/* The message of a turn, which the item goes on with, or begins. */
static struct chat_message *turn_of(struct reading *reading, uint32_t role)
{
    return reading->last && reading->last->role == role ? reading->last
                                                        : message_new(reading, role);
}

/* What is said or thought between a call and its result belongs to the turn of the call; what comes
 * after something was said, and nothing called, is another turn. */
static struct chat_message *turn_of_assistant(struct reading *reading)
{
    if (reading->has_spoken && !reading->has_called)
        return message_new(reading, HG_ROLE_ASSISTANT);
    return turn_of(reading, HG_ROLE_ASSISTANT);
}

static bool message_read(struct reading *reading, hg_json value, size_t number)
{
    hg_json role = json_member(value, HG_S("role"));
    struct chat_message *message;
    bool is_assistant = json_is(role, HG_S("assistant"));

    if (json_is(role, HG_S("user")))
        message = message_new(reading, HG_ROLE_USER);
    else if (is_assistant)
        message = turn_of_assistant(reading);
    else if (json_is(role, HG_S("system")) || json_is(role, HG_S("developer")))
        message = message_new(reading, HG_ROLE_SYSTEM);
    else
        return error_set(reading->error,
                         "input[%zu].role: must be one of user, assistant, system, developer",
                         number);
    reading->has_spoken = is_assistant;
    return content_read(reading, message, json_member(value, HG_S("content")), number);
}

static bool call_read(struct reading *reading, hg_json value, size_t number)
{
    struct chat_part *part =
        chat_add_part(reading->arena, turn_of(reading, HG_ROLE_ASSISTANT), CHAT_CALL);

    reading->has_called = true;
    part->is_custom = json_is(json_member(value, HG_S("type")), HG_S("custom_tool_call"));
    part->id = chat_text_of(json_member(value, HG_S("call_id")));
    part->tool = chat_text_of(json_member(value, HG_S("name")));
    part->args =
        chat_text_of(json_member(value, part->is_custom ? HG_S("input") : HG_S("arguments")));
    if (!chat_has(part->id))
        return error_set(reading->error, "input[%zu].call_id: must be a string", number);
    return chat_has(part->tool) ||
           error_set(reading->error, "input[%zu].name: must be a string", number);
}

static bool result_read(struct reading *reading, hg_json value, size_t number)
{
    struct chat_part *part =
        chat_add_part(reading->arena, turn_of(reading, HG_ROLE_TOOL), CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};

    part->id = chat_text_of(json_member(value, HG_S("call_id")));
    part->is_custom = json_is(json_member(value, HG_S("type")), HG_S("custom_tool_call_output"));
    if (!chat_has(part->id))
        return error_set(reading->error, "input[%zu].call_id: must be a string", number);
    return content_read(reading, &inside, json_member(value, HG_S("output")), number);
}

/* All pieces of a summary, or of the thoughts themselves, as one text. */
static struct chat_text thoughts_of(struct reading *reading, hg_json value)
{
    hg_json list = json_member(value, HG_S("content")), part;
    struct chain *joined = chain_new(reading->arena);
    hg_json_it it = {{0, 0}};

    if (json_count(list) == 0)
        list = json_member(value, HG_S("summary"));
    if (json_count(list) == 1)
        return chat_text_of(json_get(list, "/0/text"));
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &part)) {
        hg_str text = json_str(reading->arena, json_member(part, HG_S("text")));

        if (joined->len)
            CHAIN_PUT_LIT(joined, "\n\n");
        chain_put_const(joined, text.p, text.n);
    }
    return chat_plain(chain_flat(joined, reading->arena));
}

/* What OpenAI encrypted is for OpenAI alone, and stays in `raw`; what another provider gave us to
 * bring back has a mark. */
static bool reasoning_read(struct reading *reading, hg_json value, size_t number)
{
    hg_str encrypted = json_str(reading->arena, json_member(value, HG_S("encrypted_content")));
    struct chat_part *part =
        chat_add_part(reading->arena, turn_of_assistant(reading), CHAT_REASONING);

    (void)number;
    part->text = thoughts_of(reading, value);
    part->id = chat_text_of(json_member(value, HG_S("id")));
    part->raw = json_raw(value);
    if (text_starts(encrypted, RESPONSES_SIGNATURE))
        part->signature = chat_plain(
            (hg_str){encrypted.p + RESPONSES_SIGNATURE.n, encrypted.n - RESPONSES_SIGNATURE.n});
    else if (text_starts(encrypted, RESPONSES_ENCRYPTED))
        part->encrypted = chat_plain(
            (hg_str){encrypted.p + RESPONSES_ENCRYPTED.n, encrypted.n - RESPONSES_ENCRYPTED.n});
    return true;
}

static bool reference_read(struct reading *reading, hg_json value, size_t number)
{
    (void)value;
    return error_set(reading->error,
                     "input[%zu].type: item_reference: nothing is stored for this provider; send "
                     "the item itself",
                     number);
}

/* What the provider ran, and bookkeeping of its own. */
static bool other_read(struct reading *reading, hg_json value)
{
    struct chat_part *part =
        chat_add_part(reading->arena, turn_of(reading, HG_ROLE_ASSISTANT), CHAT_RAW);

    part->tool = chat_text_of(json_member(value, HG_S("type")));
    part->raw = json_raw(value);
    return true;
}

static const struct {
    const char *type;
    bool (*read)(struct reading *reading, hg_json value, size_t number);
} items[] = {
    {"message", message_read},
    {"function_call", call_read},
    {"custom_tool_call", call_read},
    {"function_call_output", result_read},
    {"custom_tool_call_output", result_read},
    {"reasoning", reasoning_read},
    {"item_reference", reference_read},
};

static bool item_read(struct reading *reading, hg_json value, size_t number)
{
    hg_json type = json_member(value, HG_S("type"));

    if (value.kind != HG_J_OBJ)
        return error_set(reading->error, "input[%zu]: must be an object", number);
    if (type.kind <= HG_J_NULL) /* an id alone is a reference too */
        return (json_member(value, HG_S("role")).kind || !json_member(value, HG_S("id")).kind
                    ? message_read
                    : reference_read)(reading, value, number);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (json_is(type, text_of(items[i].type)))
            return items[i].read(reading, value, number);
    return type.kind == HG_J_STR
               ? other_read(reading, value)
               : error_set(reading->error, "input[%zu].type: must be a string", number);
}

bool responses_input_read(struct reading *reading, hg_json input)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json item;

    reading->last = NULL;
    if (input.kind == HG_J_STR) {
        chat_add_part(reading->arena, message_new(reading, HG_ROLE_USER), CHAT_TEXT)->text =
            chat_text_of(input);
        return true;
    }
    if (input.kind != HG_J_ARR)
        return error_set(reading->error, "input: must be a string or a list of items");
    while (json_next(input, &it, NULL, &item))
        if (!item_read(reading, item, number++))
            return false;
    return true;
}
