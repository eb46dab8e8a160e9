/* A client's request into normal form, member by member. */
#include "dialect/openai_chat/read_chat.h"
#include "base/text.h"

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
#define RAW(member)                                                   \
    static bool member##_read(struct reading *reading, hg_json value) \
    {                                                                 \
        reading->chat->member = chat_raw(value);                      \
        return true;                                                  \
    }
#define WORD(member)                                                  \
    static bool member##_read(struct reading *reading, hg_json value) \
    {                                                                 \
        reading->chat->member = chat_word(reading->arena, value);     \
        return true;                                                  \
    }
#define FLAG(member)                                                  \
    static bool member##_read(struct reading *reading, hg_json value) \
    {                                                                 \
        reading->chat->member = chat_flag_of(value);                  \
        return true;                                                  \
    }

NUMBER(max_tokens)
NUMBER(temperature)
NUMBER(top_p)
NUMBER(top_k)
NUMBER(seed)
NUMBER(n)
NUMBER(frequency_penalty)
NUMBER(presence_penalty)
NUMBER(top_logprobs)
FLAG(logprobs)
FLAG(parallel)
WORD(model)
WORD(verbosity)
WORD(service_tier)
RAW(metadata)
RAW(logit_bias)
RAW(modalities)

static bool audio_options_read(struct reading *reading, hg_json value)
{
    reading->chat->audio = chat_raw(value);
    return true;
}

static bool is_stream_read(struct reading *reading, hg_json value)
{
    reading->chat->is_stream = json_is_yes(value);
    return true;
}

static bool user_read(struct reading *reading, hg_json value)
{
    reading->chat->user = chat_text_of(value);
    return true;
}

static const struct {
    const char *key;
    bool (*read)(struct reading *reading, hg_json value); /* NULL: has no place in normal form */
} members[] = {
    {"model", model_read},
    {"messages", skip}, /* read first */
    {"stream", is_stream_read},
    {"stream_options", stream_options_read},
    {"max_tokens", max_tokens_read},
    {"max_completion_tokens", max_tokens_read},
    {"temperature", temperature_read},
    {"top_p", top_p_read},
    {"top_k", top_k_read},
    {"seed", seed_read},
    {"n", n_read},
    {"stop", stop_read},
    {"tools", tools_read},
    {"functions", functions_read},
    {"tool_choice", choice_read},
    {"function_call", choice_read},
    {"parallel_tool_calls", parallel_read},
    {"response_format", format_read},
    {"reasoning_effort", effort_read},
    {"thinking", thinking_read},
    {"frequency_penalty", frequency_penalty_read},
    {"presence_penalty", presence_penalty_read},
    {"logprobs", logprobs_read},
    {"top_logprobs", top_logprobs_read},
    {"logit_bias", logit_bias_read},
    {"modalities", modalities_read},
    {"audio", audio_options_read},
    {"verbosity", verbosity_read},
    {"service_tier", service_tier_read},
    {"metadata", metadata_read},
    {"user", user_read},
    {"safety_identifier", user_read},
    {"store", NULL},
    {"prediction", NULL},
    {"web_search_options", NULL},
    {"prompt_cache_key", NULL},
    {"prompt_cache_options", NULL},
    {"prompt_cache_retention", NULL},
    {"moderation", NULL},
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

bool openai_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error)
{
    struct reading reading = {arena, ret, error};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    (void)path;
    chat_begin(ret, &dialect_openai_chat);
    if (!openai_messages_read(&reading, json_member(doc, HG_S("messages"))))
        return false;
    while (json_next(doc, &it, &key, &value))
        if (!member_read(&reading, key, value))
            return false;
    return true;
}
