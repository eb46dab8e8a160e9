/* A client's request into normal form, member by member. */
#include "dialect/converse/read_chat.h"

#include "base/text.h"
#include "dialect/members.h"

/* ---- tools -------------------------------------------------------------------------------------
 */

static void spec_read(struct chat_tool *tool, hg_json spec)
{
    tool->name = chat_text_of(json_member(spec, HG_S("name")));
    tool->description = chat_text_of(json_member(spec, HG_S("description")));
    tool->schema = chat_raw(json_get(spec, "/inputSchema/json"));
    tool->strict = chat_flag_of(json_member(spec, HG_S("strict")));
}

static bool tools_read(struct reading *reading, hg_json tools)
{
    struct chat_tool *tool = NULL;
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json value;

    for (; tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &value); number++) {
        hg_json spec = json_member(value, HG_S("toolSpec"));
        hg_json hosted = json_member(value, HG_S("systemTool"));
        hg_json point = json_member(value, HG_S("cachePoint"));

        if (point.kind) {
            if (tool)
                tool->cache = converse_cache_read(reading, point);
            continue;
        }
        if (!spec.kind && !hosted.kind)
            return error_set(reading->error,
                             "toolConfig.tools[%zu]: must have toolSpec, systemTool or cachePoint",
                             number);
        tool =
            chat_add_tool(reading->arena, reading->chat, spec.kind ? CHAT_FUNCTION : CHAT_HOSTED);
        tool->raw = json_raw(value);
        if (spec.kind)
            spec_read(tool, spec);
        else
            tool->name = chat_text_of(json_member(hosted, HG_S("name")));
    }
    return true;
}

static bool tool_config_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json choice = json_member(value, HG_S("toolChoice"));
    hg_json name = json_get(choice, "/tool/name");

    if (json_member(choice, HG_S("auto")).kind) {
        chat->choice = CHAT_CHOICE_AUTO;
    } else if (json_member(choice, HG_S("any")).kind) {
        chat->choice = CHAT_CHOICE_REQUIRED;
    } else if (name.kind == HG_J_STR) {
        chat->choice = CHAT_CHOICE_NAMED;
        chat_add_choice_name(reading->arena, chat, chat_text_of(name));
    } else if (choice.kind == HG_J_OBJ && json_count(choice)) {
        return error_set(reading->error,
                         "toolConfig.toolChoice: must be auto, any or a tool with its name");
    }
    return tools_read(reading, json_member(value, HG_S("tools")));
}

/* ---- the other members -------------------------------------------------------------------------
 */

static bool inference_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json stops = json_member(value, HG_S("stopSequences")), stop;
    hg_json_it it = {{0, 0}};

    chat->max_tokens = chat_number(json_member(value, HG_S("maxTokens")));
    chat->temperature = chat_number(json_member(value, HG_S("temperature")));
    chat->top_p = chat_number(json_member(value, HG_S("topP")));
    while (stops.kind == HG_J_ARR && json_next(stops, &it, NULL, &stop))
        if (stop.kind == HG_J_STR)
            chat_add_stop(reading->arena, chat, chat_text_of(stop));
    return true;
}

/* The schema is JSON inside of a string. */
static bool format_read(struct reading *reading, hg_json format)
{
    struct chat *chat = reading->chat;
    hg_json schema = json_get(format, "/structure/jsonSchema");
    hg_str text = json_str(reading->arena, json_member(schema, HG_S("schema")));
    hg_json root;

    if (format.kind != HG_J_OBJ)
        return true;
    if (!json_parse(reading->arena, text, &root, NULL) || root.kind != HG_J_OBJ)
        return error_set(reading->error, "outputConfig.textFormat.structure.jsonSchema.schema: "
                                         "must be a string that holds a JSON object");
    chat->format = CHAT_FORMAT_SCHEMA;
    chat->format_schema = json_raw(root);
    chat->format_name = chat_text_of(json_member(schema, HG_S("name")));
    chat->format_description = chat_text_of(json_member(schema, HG_S("description")));
    return true;
}

static void effort_set(struct reading *reading, hg_json value)
{
    if (value.kind != HG_J_STR)
        return;
    reading->chat->effort = chat_word(reading->arena, value);
    reading->chat->reasoning = text_is(reading->chat->effort, HG_S("none")) ? CHAT_NO : CHAT_YES;
}

static bool output_read(struct reading *reading, hg_json value)
{
    effort_set(reading, json_member(value, HG_S("effort")));
    return format_read(reading, json_member(value, HG_S("textFormat")));
}

static bool metadata_read(struct reading *reading, hg_json value)
{
    reading->chat->metadata = chat_raw(value);
    return true;
}

static bool tier_read(struct reading *reading, hg_json value)
{
    reading->chat->service_tier = chat_word(reading->arena, json_member(value, HG_S("type")));
    return true;
}

/* ---- what models take beside ------------------------------------------------------------------
 */

/* Claude's, and Nova's: {"type":"enabled"|"disabled",...} */
static bool thinking_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type"));

    if (type.kind != HG_J_STR)
        return true;
    chat->reasoning = json_is(type, HG_S("disabled")) ? CHAT_NO : CHAT_YES;
    chat->budget = chat_number(json_member(value, HG_S("budget_tokens")));
    if (chat->reasoning == CHAT_YES)
        effort_set(reading, json_member(value, HG_S("maxReasoningEffort")));
    return true;
}

static bool effort_read(struct reading *reading, hg_json value)
{
    effort_set(reading, value);
    return true;
}

static bool nova_inference_read(struct reading *reading, hg_json value)
{
    reading->chat->top_k = chat_number(json_member(value, HG_S("topK")));
    return true;
}

static bool claude_output_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json schema = json_get(value, "/format/schema");

    effort_set(reading, json_member(value, HG_S("effort")));
    if (schema.kind == HG_J_OBJ) {
        chat->format = CHAT_FORMAT_SCHEMA;
        chat->format_schema = json_raw(schema);
    }
    return true;
}

/* It stands in the place of the format's own, which cannot say that there be one call at a time. */
static bool claude_choice_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json type = json_member(value, HG_S("type")), name = json_member(value, HG_S("name"));

    if (json_is(type, HG_S("any"))) {
        chat->choice = CHAT_CHOICE_REQUIRED;
    } else if (json_is(type, HG_S("tool")) && name.kind == HG_J_STR && !chat->choice_names) {
        chat->choice = CHAT_CHOICE_NAMED;
        chat_add_choice_name(reading->arena, chat, chat_text_of(name));
    }
    if (json_is_yes(json_member(value, HG_S("disable_parallel_tool_use"))))
        chat->parallel = CHAT_NO;
    return true;
}

static bool additional_read(struct reading *reading, hg_json value);

static const struct member members[] = {
    MEMBER_SKIPPED("messages"), /* read first */
    MEMBER_SKIPPED("system"),
    MEMBER_READ("inferenceConfig", inference_read),
    MEMBER_READ("toolConfig", tool_config_read),
    MEMBER_READ("additionalModelRequestFields", additional_read),
    MEMBER_READ("outputConfig", output_read),
    MEMBER_READ("requestMetadata", metadata_read),
    MEMBER_READ("serviceTier", tier_read),
    MEMBER_OF_ITS_OWN("guardrailConfig"),
    MEMBER_OF_ITS_OWN("promptVariables"),
    MEMBER_OF_ITS_OWN("additionalModelResponseFieldPaths"),
    MEMBER_OF_ITS_OWN("performanceConfig"),
    MEMBERS_END,
};

static const struct member additional[] = {
    MEMBER("top_k", NUMBER, top_k),
    MEMBER("k", NUMBER, top_k),
    MEMBER_READ("thinking", thinking_read),
    MEMBER_READ("reasoningConfig", thinking_read),
    MEMBER_READ("reasoning_config", effort_read),
    MEMBER_READ("reasoning_effort", effort_read),
    MEMBER_READ("inferenceConfig", nova_inference_read),
    MEMBER_READ("output_config", claude_output_read),
    MEMBER_READ("tool_choice", claude_choice_read),
    MEMBER_OF_ITS_OWN("anthropic_beta"),
    MEMBERS_END,
};

/* Members of the model's own body: what is not known of them stands at the root elsewhere. */
static bool additional_read(struct reading *reading, hg_json value)
{
    return members_read(additional, reading->arena, reading->chat, reading, value);
}

bool converse_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                        struct error *error)
{
    struct reading reading = {arena, ret, error};
    struct dialect_request request;

    chat_begin(ret, &dialect_converse);
    converse_read_request(arena, HG_R_CHAT, path, doc, &request);
    ret->model = request.model;
    ret->is_stream = request.is_stream;
    ret->wants_usage = true;
    return converse_system_read(&reading, json_member(doc, HG_S("system"))) &&
           converse_messages_read(&reading, json_member(doc, HG_S("messages"))) &&
           members_read(members, arena, ret, &reading, doc);
}
