/* A client's request into normal form, member by member. */
#include "dialect/openai_chat/read_chat.h"

#include "base/text.h"
#include "dialect/members.h"

/* ---- tools -------------------------------------------------------------------------------------
 */

static void function_read(struct chat_tool *tool, hg_json function)
{
    tool->name = chat_text_of(json_member(function, HG_S("name")));
    tool->description = chat_text_of(json_member(function, HG_S("description")));
    tool->schema = chat_raw(json_member(function, HG_S("parameters")));
    tool->strict = chat_flag_of(json_member(function, HG_S("strict")));
}

static bool tools_read(struct reading *reading, hg_json tools)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &value)) {
        hg_json type = json_member(value, HG_S("type"));
        struct chat_tool *tool =
            chat_add_tool(reading->arena, reading->chat,
                          json_is(type, HG_S("function"))                         ? CHAT_FUNCTION
                          : json_is(type, HG_S("custom"))                         ? CHAT_CUSTOM
                          : json_member(value, HG_S("function")).kind == HG_J_OBJ ? CHAT_FUNCTION
                                                                                  : CHAT_HOSTED);

        tool->raw = json_raw(value);
        tool->cache = chat_raw(json_member(value, HG_S("cache_control")));
        if (tool->kind == CHAT_FUNCTION)
            function_read(tool, json_member(value, HG_S("function")));
        else if (tool->kind == CHAT_CUSTOM)
            function_read(tool, json_member(value, HG_S("custom")));
        else
            tool->name = chat_text_of(type);
    }
    return true;
}

/* The deprecated form. */
static bool functions_read(struct reading *reading, hg_json functions)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    while (functions.kind == HG_J_ARR && json_next(functions, &it, NULL, &value))
        function_read(chat_add_tool(reading->arena, reading->chat, CHAT_FUNCTION), value);
    return true;
}

static void allowed_read(struct reading *reading, hg_json allowed)
{
    hg_json tools = json_member(allowed, HG_S("tools")), tool;
    hg_json_it it = {{0, 0}};

    reading->chat->choice = json_is(json_member(allowed, HG_S("mode")), HG_S("required"))
                                ? CHAT_CHOICE_ALLOWED_REQUIRED
                                : CHAT_CHOICE_ALLOWED;
    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &tool))
        chat_add_choice_name(reading->arena, reading->chat,
                             chat_text_of(json_get(tool, "/function/name")));
}

static bool choice_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json named = json_get(value, "/function/name");

    if (named.kind != HG_J_STR)
        named = json_get(value, "/custom/name");
    if (named.kind != HG_J_STR && value.kind == HG_J_OBJ)
        named = json_member(value, HG_S("name"));
    if (json_is(value, HG_S("auto"))) {
        chat->choice = CHAT_CHOICE_AUTO;
    } else if (json_is(value, HG_S("none"))) {
        chat->choice = CHAT_CHOICE_NONE;
    } else if (json_is(value, HG_S("required")) || json_is(value, HG_S("any"))) {
        chat->choice = CHAT_CHOICE_REQUIRED;
    } else if (json_is(json_member(value, HG_S("type")), HG_S("allowed_tools"))) {
        allowed_read(reading, json_member(value, HG_S("allowed_tools")));
    } else if (named.kind == HG_J_STR) {
        chat->choice = CHAT_CHOICE_NAMED;
        chat_add_choice_name(reading->arena, chat, chat_text_of(named));
    } else if (value.kind != HG_J_NULL) {
        return error_set(reading->error, "tool_choice: must be none, auto, required or an object "
                                         "that names a function");
    }
    return true;
}

/* ---- the other members -------------------------------------------------------------------------
 */

static bool stop_read(struct reading *reading, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json stop;

    if (value.kind == HG_J_STR)
        chat_add_stop(reading->arena, reading->chat, chat_text_of(value));
    while (value.kind == HG_J_ARR && json_next(value, &it, NULL, &stop))
        if (stop.kind == HG_J_STR)
            chat_add_stop(reading->arena, reading->chat, chat_text_of(stop));
    return true;
}

static bool format_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type")),
            schema = json_member(value, HG_S("json_schema"));

    if (json_is(type, HG_S("text"))) {
        chat->format = CHAT_FORMAT_TEXT;
    } else if (json_is(type, HG_S("json_object"))) {
        chat->format = CHAT_FORMAT_JSON;
    } else if (json_is(type, HG_S("json_schema"))) {
        chat->format = CHAT_FORMAT_SCHEMA;
        chat->format_name = chat_text_of(json_member(schema, HG_S("name")));
        chat->format_description = chat_text_of(json_member(schema, HG_S("description")));
        chat->format_schema = chat_raw(json_member(schema, HG_S("schema")));
        chat->format_strict = chat_flag_of(json_member(schema, HG_S("strict")));
    } else if (value.kind != HG_J_NULL) {
        return error_set(reading->error,
                         "response_format.type: must be text, json_object or json_schema");
    }
    return true;
}

static bool effort_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;

    if (value.kind != HG_J_STR)
        return true;
    chat->effort = chat_word(reading->arena, value);
    chat->reasoning = text_is(chat->effort, HG_S("none")) ? CHAT_NO : CHAT_YES;
    return true;
}

/* Anthropic's member, which many servers of this format take as well. */
static bool thinking_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type"));

    if (type.kind != HG_J_STR)
        return true;
    chat->reasoning = json_is(type, HG_S("disabled")) ? CHAT_NO : CHAT_YES;
    chat->budget = chat_number(json_member(value, HG_S("budget_tokens")));
    return true;
}

static bool stream_options_read(struct reading *reading, hg_json value)
{
    reading->chat->wants_usage = json_is_yes(json_member(value, HG_S("include_usage")));
    return true;
}

static const struct member members[] = {
    MEMBER("model", WORD, model),
    MEMBER_SKIPPED("messages"), /* read first */
    MEMBER("stream", YES, is_stream),
    MEMBER_READ("stream_options", stream_options_read),
    MEMBER("max_tokens", NUMBER, max_tokens),
    MEMBER("max_completion_tokens", NUMBER, max_tokens),
    MEMBER("temperature", NUMBER, temperature),
    MEMBER("top_p", NUMBER, top_p),
    MEMBER("top_k", NUMBER, top_k),
    MEMBER("seed", NUMBER, seed),
    MEMBER("n", NUMBER, n),
    MEMBER_READ("stop", stop_read),
    MEMBER_READ("tools", tools_read),
    MEMBER_READ("functions", functions_read),
    MEMBER_READ("tool_choice", choice_read),
    MEMBER_READ("function_call", choice_read),
    MEMBER("parallel_tool_calls", FLAG, parallel),
    MEMBER_READ("response_format", format_read),
    MEMBER_READ("reasoning_effort", effort_read),
    MEMBER_READ("thinking", thinking_read),
    MEMBER("frequency_penalty", NUMBER, frequency_penalty),
    MEMBER("presence_penalty", NUMBER, presence_penalty),
    MEMBER("logprobs", FLAG, logprobs),
    MEMBER("top_logprobs", NUMBER, top_logprobs),
    MEMBER("logit_bias", RAW, logit_bias),
    MEMBER("modalities", RAW, modalities),
    MEMBER("audio", RAW, audio),
    MEMBER("verbosity", WORD, verbosity),
    MEMBER("service_tier", WORD, service_tier),
    MEMBER("metadata", RAW, metadata),
    MEMBER("user", TEXT, user),
    MEMBER("safety_identifier", TEXT, user),
    MEMBER_OF_ITS_OWN("store"),
    MEMBER_OF_ITS_OWN("prediction"),
    MEMBER_OF_ITS_OWN("web_search_options"),
    MEMBER_OF_ITS_OWN("prompt_cache_key"),
    MEMBER_OF_ITS_OWN("prompt_cache_options"),
    MEMBER_OF_ITS_OWN("prompt_cache_retention"),
    MEMBER_OF_ITS_OWN("moderation"),
    MEMBERS_END,
};

bool openai_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error)
{
    struct reading reading = {arena, ret, error};

    (void)path;
    chat_begin(ret, &dialect_openai_chat);
    if (!openai_messages_read(&reading, json_member(doc, HG_S("messages"))))
        return false;
    return members_read(members, arena, ret, &reading, doc);
}
