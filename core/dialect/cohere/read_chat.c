/* A client's request into normal form, member by member. */
#include "dialect/cohere/read_chat.h"
#include "base/text.h"

static bool tools_read(struct reading *reading, hg_json tools)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &value)) {
        hg_json function = json_member(value, HG_S("function"));
        struct chat_tool *tool = chat_add_tool(
            reading->arena, reading->chat, function.kind == HG_J_OBJ ? CHAT_FUNCTION : CHAT_HOSTED);

        tool->raw = json_raw(value);
        if (tool->kind == CHAT_HOSTED) {
            tool->name = chat_text_of(json_member(value, HG_S("type")));
            continue;
        }
        tool->name = chat_text_of(json_member(function, HG_S("name")));
        tool->description = chat_text_of(json_member(function, HG_S("description")));
        tool->schema = chat_raw(json_member(function, HG_S("parameters")));
    }
    return true;
}

static bool choice_read(struct reading *reading, hg_json value)
{
    if (json_is(value, HG_S("NONE")))
        reading->chat->choice = CHAT_CHOICE_NONE;
    else if (json_is(value, HG_S("REQUIRED")))
        reading->chat->choice = CHAT_CHOICE_REQUIRED;
    else if (value.kind != HG_J_NULL)
        return error_set(reading->error, "tool_choice: must be NONE or REQUIRED");
    return true;
}

static bool stops_read(struct reading *reading, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json stop;

    while (value.kind == HG_J_ARR && json_next(value, &it, NULL, &stop))
        if (stop.kind == HG_J_STR)
            chat_add_stop(reading->arena, reading->chat, chat_text_of(stop));
    return true;
}

static bool format_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type"));
    hg_json schema = json_member(value, HG_S("json_schema"));

    if (schema.kind != HG_J_OBJ)
        schema = json_member(value, HG_S("schema"));
    if (value.kind == HG_J_NULL)
        return true;
    if (json_is(type, HG_S("text"))) {
        chat->format = CHAT_FORMAT_TEXT;
    } else if (json_is(type, HG_S("json_object"))) {
        chat->format = schema.kind == HG_J_OBJ ? CHAT_FORMAT_SCHEMA : CHAT_FORMAT_JSON;
        chat->format_schema = schema.kind == HG_J_OBJ ? json_raw(schema) : HG_S("");
    } else {
        return error_set(reading->error, "response_format.type: must be text or json_object");
    }
    return true;
}

static bool thinking_read(struct reading *reading, hg_json value)
{
    hg_json type = json_member(value, HG_S("type"));

    if (type.kind != HG_J_STR)
        return true;
    reading->chat->reasoning = json_is(type, HG_S("disabled")) ? CHAT_NO : CHAT_YES;
    reading->chat->budget = chat_number(json_member(value, HG_S("token_budget")));
    return true;
}

static bool model_read(struct reading *reading, hg_json value)
{
    reading->chat->model = chat_word(reading->arena, value);
    return true;
}

static bool stream_read(struct reading *reading, hg_json value)
{
    reading->chat->is_stream = json_is_yes(value);
    return true;
}

static bool logprobs_read(struct reading *reading, hg_json value)
{
    reading->chat->logprobs = chat_flag_of(value);
    return true;
}

static bool skip(struct reading *reading, hg_json value)
{
    (void)reading;
    (void)value;
    return true;
}

#define NUMBER(member)                                                \
    static bool member##_read(struct reading *reading, hg_json value) \
    {                                                                 \
        reading->chat->member = chat_number(value);                   \
        return true;                                                  \
    }

NUMBER(max_tokens)
NUMBER(temperature)
NUMBER(top_p)
NUMBER(top_k)
NUMBER(seed)
NUMBER(frequency_penalty)
NUMBER(presence_penalty)

static const struct {
    const char *key;
    bool (*read)(struct reading *reading, hg_json value); /* NULL: has no place in normal form */
} members[] = {
    {"model", model_read},
    {"messages", skip},  /* read first */
    {"documents", skip}, /* read after them */
    {"stream", stream_read},
    {"max_tokens", max_tokens_read},
    {"temperature", temperature_read},
    {"p", top_p_read},
    {"k", top_k_read},
    {"seed", seed_read},
    {"stop_sequences", stops_read},
    {"tools", tools_read},
    {"strict_tools", skip}, /* read last */
    {"tool_choice", choice_read},
    {"response_format", format_read},
    {"thinking", thinking_read},
    {"frequency_penalty", frequency_penalty_read},
    {"presence_penalty", presence_penalty_read},
    {"logprobs", logprobs_read},
    {"citation_options", NULL},
    {"safety_mode", NULL},
    {"priority", NULL},
    {"raw_prompting", NULL},
};

static bool member_read(struct reading *reading, hg_str raw_key, hg_json value)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!json_key_is(raw_key, text_of(members[i].key)))
            continue;
        if (members[i].read)
            return members[i].read(reading, value);
        if (value.kind != HG_J_NULL)
            chat_add_extra(reading->arena, reading->chat, text_of(members[i].key), value, true);
        return true;
    }
    chat_add_extra(reading->arena, reading->chat, json_unescape(reading->arena, raw_key), value,
                   false);
    return true;
}

bool cohere_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error)
{
    struct reading reading = {arena, ret, error};
    enum chat_flag strict = chat_flag_of(json_member(doc, HG_S("strict_tools")));
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    (void)path;
    chat_begin(ret, &dialect_cohere);
    ret->wants_usage = true;
    if (!cohere_messages_read(&reading, json_member(doc, HG_S("messages"))))
        return false;
    cohere_documents_read(&reading, json_member(doc, HG_S("documents")));
    while (json_next(doc, &it, &key, &value))
        if (!member_read(&reading, key, value))
            return false;
    for (struct chat_tool *tool = ret->tools; tool; tool = tool->next)
        tool->strict = strict;
    return true;
}
