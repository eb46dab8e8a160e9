/* A client's request into normal form, member by member. */
#include "dialect/cohere/read_chat.h"

#include "base/text.h"
#include "dialect/members.h"

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

static const struct member members[] = {
    MEMBER("model", WORD, model),
    MEMBER_SKIPPED("messages"),  /* read first */
    MEMBER_SKIPPED("documents"), /* read after them */
    MEMBER("stream", YES, is_stream),
    MEMBER("max_tokens", NUMBER, max_tokens),
    MEMBER("temperature", NUMBER, temperature),
    MEMBER("p", NUMBER, top_p),
    MEMBER("k", NUMBER, top_k),
    MEMBER("seed", NUMBER, seed),
    MEMBER_READ("stop_sequences", stops_read),
    MEMBER_READ("tools", tools_read),
    MEMBER_SKIPPED("strict_tools"), /* read last */
    MEMBER_READ("tool_choice", choice_read),
    MEMBER_READ("response_format", format_read),
    MEMBER_READ("thinking", thinking_read),
    MEMBER("frequency_penalty", NUMBER, frequency_penalty),
    MEMBER("presence_penalty", NUMBER, presence_penalty),
    MEMBER("logprobs", FLAG, logprobs),
    MEMBER_OF_ITS_OWN("citation_options"),
    MEMBER_OF_ITS_OWN("safety_mode"),
    MEMBER_OF_ITS_OWN("priority"),
    MEMBER_OF_ITS_OWN("raw_prompting"),
    MEMBERS_END,
};

bool cohere_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error)
{
    struct reading reading = {arena, ret, error};
    enum chat_flag strict = chat_flag_of(json_member(doc, HG_S("strict_tools")));

    (void)path;
    chat_begin(ret, &dialect_cohere);
    ret->wants_usage = true;
    if (!cohere_messages_read(&reading, json_member(doc, HG_S("messages"))))
        return false;
    cohere_documents_read(&reading, json_member(doc, HG_S("documents")));
    if (!members_read(members, arena, ret, &reading, doc))
        return false;
    for (struct chat_tool *tool = ret->tools; tool; tool = tool->next)
        tool->strict = strict;
    return true;
}
