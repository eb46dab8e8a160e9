/* A client's request into normal form, member by member. */
#include "dialect/anthropic/read_chat.h"

#include "base/text.h"
#include "dialect/members.h"

void anthropic_note(struct reading *reading, const char *name, hg_json value)
{
    struct chat_extra *extra = reading->chat->extra;

    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL)
        return;
    while (extra && !text_is(extra->key, text_of(name)))
        extra = extra->next;
    if (!extra)
        chat_add_extra(reading->arena, reading->chat, text_of(name), value, true);
}

/* ---- tools -------------------------------------------------------------------------------------
 */

static void function_read(struct reading *reading, struct chat_tool *tool, hg_json value)
{
    tool->name = chat_text_of(json_member(value, HG_S("name")));
    tool->description = chat_text_of(json_member(value, HG_S("description")));
    tool->schema = chat_raw(json_member(value, HG_S("input_schema")));
    tool->strict = chat_flag_of(json_member(value, HG_S("strict")));
    anthropic_note(reading, "tools.input_examples", json_member(value, HG_S("input_examples")));
}

/* A tool with a type of its own is run by the provider, or known to its models. */
static bool tools_read(struct reading *reading, hg_json tools)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json value;

    if (tools.kind != HG_J_ARR && tools.kind != HG_J_NULL)
        return error_set(reading->error, "tools: must be a list");
    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &value)) {
        hg_json type = json_member(value, HG_S("type"));
        bool is_hosted = type.kind == HG_J_STR && !json_is(type, HG_S("custom"));

        if (value.kind != HG_J_OBJ ||
            (!is_hosted && json_member(value, HG_S("name")).kind != HG_J_STR))
            return error_set(reading->error, "tools[%zu].name: must be a string", number);
        struct chat_tool *tool =
            chat_add_tool(reading->arena, reading->chat, is_hosted ? CHAT_HOSTED : CHAT_FUNCTION);

        tool->raw = json_raw(value);
        tool->cache = chat_raw(json_member(value, HG_S("cache_control")));
        if (is_hosted)
            tool->name = chat_text_of(type);
        else
            function_read(reading, tool, value);
        number++;
    }
    return true;
}

static bool choice_read(struct reading *reading, hg_json value)
{
    static const struct {
        hg_str word;
        enum chat_choice_mode mode;
    } modes[] = {{{"auto", 4}, CHAT_CHOICE_AUTO},
                 {{"any", 3}, CHAT_CHOICE_REQUIRED},
                 {{"none", 4}, CHAT_CHOICE_NONE},
                 {{"tool", 4}, CHAT_CHOICE_NAMED}};
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type")), name = json_member(value, HG_S("name"));

    if (value.kind == HG_J_NULL)
        return true;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (json_is(type, modes[i].word))
            chat->choice = modes[i].mode;
    if (!chat->choice)
        return error_set(reading->error, "tool_choice.type: must be auto, any, tool or none");
    if (chat->choice == CHAT_CHOICE_NAMED) {
        if (name.kind != HG_J_STR)
            return error_set(reading->error, "tool_choice.name: must be a string");
        chat_add_choice_name(reading->arena, chat, chat_text_of(name));
    }
    hg_json is_one = json_member(value, HG_S("disable_parallel_tool_use"));

    if (is_one.kind == HG_J_TRUE || is_one.kind == HG_J_FALSE)
        chat->parallel = json_is_yes(is_one) ? CHAT_NO : CHAT_YES;
    return true;
}

/* ---- reasoning and format ----------------------------------------------------------------------
 */

static bool thinking_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type")), display = json_member(value, HG_S("display"));

    if (value.kind == HG_J_NULL)
        return true;
    if (!json_is(type, HG_S("enabled")) && !json_is(type, HG_S("adaptive")) &&
        !json_is(type, HG_S("disabled")))
        return error_set(reading->error, "thinking.type: must be enabled, adaptive or disabled");
    chat->reasoning = json_is(type, HG_S("disabled")) ? CHAT_NO : CHAT_YES;
    if (json_is(type, HG_S("enabled")))
        chat->budget = chat_number(json_member(value, HG_S("budget_tokens")));
    if (json_is(display, HG_S("summarized")))
        chat->summary = HG_S("auto");
    else
        anthropic_note(reading, "thinking.display", display);
    return true;
}

static bool format_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;

    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL)
        return true;
    if (!json_is(json_member(value, HG_S("type")), HG_S("json_schema")))
        return error_set(reading->error, "output_config.format.type: must be json_schema");
    chat->format = CHAT_FORMAT_SCHEMA;
    chat->format_strict = CHAT_YES;
    chat->format_schema = chat_raw(json_member(value, HG_S("schema")));
    return true;
}

static bool output_config_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json effort = json_member(value, HG_S("effort"));

    if (effort.kind == HG_J_STR)
        chat->effort = chat_word(reading->arena, effort);
    anthropic_note(reading, "output_config.task_budget", json_member(value, HG_S("task_budget")));
    return format_read(reading, json_member(value, HG_S("format")));
}

/* ---- the other members -------------------------------------------------------------------------
 */

static bool stops_read(struct reading *reading, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json stop;

    while (value.kind == HG_J_ARR && json_next(value, &it, NULL, &stop))
        if (stop.kind == HG_J_STR)
            chat_add_stop(reading->arena, reading->chat, chat_text_of(stop));
    return true;
}

static bool metadata_read(struct reading *reading, hg_json value)
{
    hg_json user = json_member(value, HG_S("user_id"));

    if (user.kind == HG_J_STR)
        reading->chat->user = chat_text_of(user);
    return true;
}

/* "standard_only" is what others call the default. */
static bool service_tier_read(struct reading *reading, hg_json value)
{
    reading->chat->service_tier =
        json_is(value, HG_S("standard_only")) ? HG_S("default") : chat_word(reading->arena, value);
    return true;
}

static const struct member members[] = {
    MEMBER("model", WORD, model),
    MEMBER_SKIPPED("messages"), /* read first */
    MEMBER_SKIPPED("system"),
    MEMBER("max_tokens", NUMBER, max_tokens),
    MEMBER("stream", YES, is_stream),
    MEMBER("temperature", NUMBER, temperature),
    MEMBER("top_p", NUMBER, top_p),
    MEMBER("top_k", NUMBER, top_k),
    MEMBER_READ("stop_sequences", stops_read),
    MEMBER_READ("tools", tools_read),
    MEMBER_READ("tool_choice", choice_read),
    MEMBER_READ("thinking", thinking_read),
    MEMBER_READ("output_config", output_config_read),
    MEMBER_READ("output_format", format_read),
    MEMBER_READ("metadata", metadata_read),
    MEMBER_READ("service_tier", service_tier_read),
    MEMBER_OF_ITS_OWN("cache_control"),
    MEMBER_OF_ITS_OWN("container"),
    MEMBER_OF_ITS_OWN("context_management"),
    MEMBER_OF_ITS_OWN("diagnostics"),
    MEMBER_OF_ITS_OWN("fallback_credit_token"),
    MEMBER_OF_ITS_OWN("fallbacks"),
    MEMBER_OF_ITS_OWN("inference_geo"),
    MEMBER_OF_ITS_OWN("mcp_servers"),
    MEMBER_OF_ITS_OWN("speed"),
    MEMBER_OF_ITS_OWN("anthropic_beta"),
    MEMBER_OF_ITS_OWN("anthropic_version"),
    MEMBERS_END,
};

bool anthropic_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                         struct error *error)
{
    struct reading reading = {.arena = arena, .chat = ret, .error = error};

    (void)path;
    chat_begin(ret, &dialect_anthropic);
    ret->wants_usage = true;
    if (!anthropic_system_read(&reading, json_member(doc, HG_S("system"))) ||
        !anthropic_messages_read(&reading, json_member(doc, HG_S("messages"))))
        return false;
    return members_read(members, arena, ret, &reading, doc);
}
