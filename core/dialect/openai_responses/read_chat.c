/* A client's request into normal form, member by member. */
#include "dialect/openai_responses/read_chat.h"

#include "base/text.h"
#include "dialect/members.h"

/* ---- tools ----------------------------------------------------------------------------------- */

/* What a tool that takes free text takes where tools take objects: see the reader's custom_piece.
 */
#define FREE_TEXT                                                                 \
    HG_S("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}}," \
         "\"required\":[\"input\"],\"additionalProperties\":false}")

static bool tools_read(struct reading *reading, hg_json tools)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &value)) {
        hg_json type = json_member(value, HG_S("type"));
        struct chat_tool *tool = chat_add_tool(reading->arena, reading->chat,
                                               json_is(type, HG_S("function")) ? CHAT_FUNCTION
                                               : json_is(type, HG_S("custom")) ? CHAT_CUSTOM
                                                                               : CHAT_HOSTED);

        tool->raw = json_raw(value);
        tool->name =
            chat_text_of(tool->kind == CHAT_HOSTED ? type : json_member(value, HG_S("name")));
        tool->description = chat_text_of(json_member(value, HG_S("description")));
        tool->strict = chat_flag_of(json_member(value, HG_S("strict")));
        tool->cache = chat_raw(json_member(value, HG_S("cache_control")));
        tool->schema = tool->kind == CHAT_CUSTOM ? FREE_TEXT
                                                 : chat_raw(json_member(value, HG_S("parameters")));
    }
    return true;
}

static struct chat_text name_of_tool(hg_json tool)
{
    hg_json name = json_member(tool, HG_S("name"));

    return chat_text_of(name.kind == HG_J_STR ? name : json_member(tool, HG_S("type")));
}

static void allowed_read(struct reading *reading, hg_json value)
{
    hg_json tools = json_member(value, HG_S("tools")), tool;
    hg_json_it it = {{0, 0}};

    reading->chat->choice = json_is(json_member(value, HG_S("mode")), HG_S("required"))
                                ? CHAT_CHOICE_ALLOWED_REQUIRED
                                : CHAT_CHOICE_ALLOWED;
    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &tool))
        chat_add_choice_name(reading->arena, reading->chat, name_of_tool(tool));
}

/* A tool that the provider runs is named by its type. */
static bool choice_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;

    if (json_is(value, HG_S("auto"))) {
        chat->choice = CHAT_CHOICE_AUTO;
    } else if (json_is(value, HG_S("none"))) {
        chat->choice = CHAT_CHOICE_NONE;
    } else if (json_is(value, HG_S("required"))) {
        chat->choice = CHAT_CHOICE_REQUIRED;
    } else if (json_is(json_member(value, HG_S("type")), HG_S("allowed_tools"))) {
        allowed_read(reading, value);
    } else if (chat_has(name_of_tool(value))) {
        chat->choice = CHAT_CHOICE_NAMED;
        chat_add_choice_name(reading->arena, chat, name_of_tool(value));
    } else if (value.kind != HG_J_NULL) {
        return error_set(reading->error, "tool_choice: must be none, auto, required or an object "
                                         "that names a tool");
    }
    return true;
}

/* ---- text and reasoning ---------------------------------------------------------------------- */

static bool format_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type"));

    if (json_is(type, HG_S("text"))) {
        chat->format = CHAT_FORMAT_TEXT;
    } else if (json_is(type, HG_S("json_object"))) {
        chat->format = CHAT_FORMAT_JSON;
    } else if (json_is(type, HG_S("json_schema"))) {
        chat->format = CHAT_FORMAT_SCHEMA;
        chat->format_name = chat_text_of(json_member(value, HG_S("name")));
        chat->format_description = chat_text_of(json_member(value, HG_S("description")));
        chat->format_schema = chat_raw(json_member(value, HG_S("schema")));
        chat->format_strict = chat_flag_of(json_member(value, HG_S("strict")));
    } else if (value.kind > HG_J_NULL) {
        return error_set(reading->error,
                         "text.format.type: must be text, json_object or json_schema");
    }
    return true;
}

/* Members of a member that have no place; `prefix` ends with a dot. */
static void others_keep(struct reading *reading, const char *prefix, hg_json object,
                        const char *const *own)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (object.kind == HG_J_OBJ && json_next(object, &it, &key, &value)) {
        bool is_own = value.kind == HG_J_NULL;

        for (const char *const *name = own; *name; name++)
            is_own |= json_key_is(key, text_of(*name));
        if (!is_own)
            chat_add_extra(reading->arena, reading->chat,
                           arena_fmt(reading->arena, "%s%.*s", prefix, TEXT_ARG(key)), value, true);
    }
}

static bool text_read(struct reading *reading, hg_json value)
{
    static const char *const own[] = {"format", "verbosity", NULL};

    reading->chat->verbosity = chat_word(reading->arena, json_member(value, HG_S("verbosity")));
    others_keep(reading, "text.", value, own);
    return format_read(reading, json_member(value, HG_S("format")));
}

static bool reasoning_read(struct reading *reading, hg_json value)
{
    static const char *const own[] = {"effort", "summary", "generate_summary", NULL};
    struct chat *chat = reading->chat;
    hg_json effort = json_member(value, HG_S("effort"));
    hg_json summary = json_member(value, HG_S("summary"));

    if (summary.kind != HG_J_STR)
        summary = json_member(value, HG_S("generate_summary"));
    chat->summary = chat_word(reading->arena, summary);
    others_keep(reading, "reasoning.", value, own);
    if (effort.kind != HG_J_STR)
        return true;
    chat->effort = chat_word(reading->arena, effort);
    chat->reasoning = text_is(chat->effort, HG_S("none")) ? CHAT_NO : CHAT_YES;
    return true;
}

/* ---- the other members ----------------------------------------------------------------------- */

/* 0 is what clients send who want none. */
static bool top_logprobs_read(struct reading *reading, hg_json value)
{
    if (json_i64(value, 0) <= 0)
        return true;
    reading->chat->top_logprobs = chat_number(value);
    reading->chat->logprobs = CHAT_YES;
    return true;
}

/* Encrypted reasoning comes anyhow where there is some. */
static bool include_read(struct reading *reading, hg_json value)
{
    hg_json_it it = {{0, 0}};
    bool is_lost = false;
    hg_json item;

    while (value.kind == HG_J_ARR && json_next(value, &it, NULL, &item)) {
        if (json_is(item, HG_S("message.output_text.logprobs")))
            reading->chat->logprobs = CHAT_YES;
        else
            is_lost |= !json_is(item, HG_S("reasoning.encrypted_content"));
    }
    if (is_lost)
        chat_add_extra(reading->arena, reading->chat, HG_S("include"), value, true);
    return true;
}

/* The answer is made at once and nothing of it is kept. */
static bool background_read(struct reading *reading, hg_json value)
{
    return !json_is_yes(value) ||
           error_set(reading->error, "background: this provider answers at once only");
}

static bool store_read(struct reading *reading, hg_json value)
{
    if (json_is_yes(value))
        chat_add_extra(reading->arena, reading->chat, HG_S("store"), value, true);
    return true;
}

static bool truncation_read(struct reading *reading, hg_json value)
{
    if (json_is(value, HG_S("auto")))
        chat_add_extra(reading->arena, reading->chat, HG_S("truncation"), value, true);
    return true;
}

/* What only the server that stored it can look up. */
#define STORED(member)                                                              \
    static bool member##_read(struct reading *reading, hg_json value)               \
    {                                                                               \
        return value.kind == HG_J_NULL ||                                           \
               error_set(reading->error,                                            \
                         #member ": nothing is stored for this provider; send the " \
                                 "whole input instead");                            \
    }

STORED(previous_response_id)
STORED(conversation)
STORED(prompt)

static const struct member members[] = {
    MEMBER("model", WORD, model),
    MEMBER_SKIPPED("input"),        /* read first */
    MEMBER_SKIPPED("instructions"), /* read before that */
    MEMBER("stream", YES, is_stream),
    MEMBER_SKIPPED("stream_options"), /* nothing is padded */
    MEMBER("max_output_tokens", NUMBER, max_tokens),
    MEMBER("temperature", NUMBER, temperature),
    MEMBER("top_p", NUMBER, top_p),
    MEMBER_READ("top_logprobs", top_logprobs_read),
    MEMBER_READ("tools", tools_read),
    MEMBER_READ("tool_choice", choice_read),
    MEMBER("parallel_tool_calls", FLAG, parallel),
    MEMBER_READ("text", text_read),
    MEMBER_READ("reasoning", reasoning_read),
    MEMBER_READ("include", include_read),
    MEMBER("metadata", RAW, metadata),
    MEMBER("service_tier", WORD, service_tier),
    MEMBER("user", TEXT, user),
    MEMBER("safety_identifier", TEXT, user),
    MEMBER_READ("store", store_read),
    MEMBER_READ("background", background_read),
    MEMBER_READ("truncation", truncation_read),
    MEMBER_READ("previous_response_id", previous_response_id_read),
    MEMBER_READ("conversation", conversation_read),
    MEMBER_READ("prompt", prompt_read),
    MEMBER_OF_ITS_OWN("max_tool_calls"),
    MEMBER_OF_ITS_OWN("prompt_cache_key"),
    MEMBER_OF_ITS_OWN("prompt_cache_options"),
    MEMBER_OF_ITS_OWN("prompt_cache_retention"),
    MEMBER_OF_ITS_OWN("context_management"),
    MEMBER_OF_ITS_OWN("moderation"),
    MEMBERS_END,
};

bool responses_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                         struct error *error)
{
    struct reading reading = {.arena = arena, .chat = ret, .error = error};
    hg_json instructions = json_member(doc, HG_S("instructions"));

    (void)path;
    chat_begin(ret, &dialect_openai_responses);
    ret->wants_usage = true;
    if (instructions.kind == HG_J_STR)
        chat_add_part(arena, chat_add_message(arena, ret, HG_ROLE_SYSTEM), CHAT_TEXT)->text =
            chat_text_of(instructions);
    if (!members_read(members, arena, ret, &reading, doc))
        return false;
    return responses_input_read(&reading, json_member(doc, HG_S("input")));
}
