/* Tools and the choice among them. */
#include "base/text.h"
#include "dialect/anthropic/write_chat.h"
#include "json/write.h"

/* What other providers run themselves under names of their own. */
static const struct {
    const char *theirs, *type, *name;
} hosted[] = {
    {"web_search", "web_search_20250305", "web_search"},
    {"web_search_preview", "web_search_20250305", "web_search"},
    {"web_search_preview_2025_03_11", "web_search_20250305", "web_search"},
    {"web_search_2025_08_26", "web_search_20250305", "web_search"},
    {"googleSearch", "web_search_20250305", "web_search"},
    {"google_search", "web_search_20250305", "web_search"},
};

enum {
    EQUALS = sizeof hosted / sizeof *hosted
};

static size_t equal_of(hg_str type)
{
    size_t i = 0;

    while (i < EQUALS && !text_is(type, text_of(hosted[i].theirs)))
        i++;
    return i;
}

bool anthropic_runs(const struct translation *translation, const struct chat *chat, hg_str type)
{
    (void)translation;
    return chat->from == &dialect_anthropic || equal_of(type) < EQUALS;
}

static void hosted_put(struct writing *writing, const struct chat_tool *tool)
{
    size_t i = equal_of(chat_decode(writing->out->arena, tool->name));

    anthropic_type_put(writing->out, hosted[i].type);
    JSON_KEY(writing->out, "name");
    json_put_str(writing->out, text_of(hosted[i].name));
    json_end(writing->out);
}

/* The root of a schema must say that it is an object. */
static void schema_put(struct chain *out, hg_str schema)
{
    hg_json_it it = {{0, 0}};
    hg_json root, value;
    hg_str key;

    if (!schema.n || !json_parse(out->arena, schema, &root, NULL) || root.kind != HG_J_OBJ) {
        json_put_raw(out, HG_S("{\"type\":\"object\",\"properties\":{}}"));
        return;
    }
    if (json_member(root, HG_S("type")).kind == HG_J_STR) {
        json_put_raw(out, json_raw(root));
        return;
    }
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("object"));
    while (json_next(root, &it, &key, &value)) {
        if (json_key_is(key, HG_S("type")))
            continue;
        json_key(out, json_unescape(out->arena, key));
        json_put_raw(out, json_raw(value));
    }
    json_end(out);
}

static bool is_strict(struct writing *writing, const struct chat_tool *tool)
{
    if (tool->strict != CHAT_YES)
        return false;
    if ((writing->family->flags & FAMILY_SCHEMA) && !(writing->to->traits & HG_WIRE_NO_SCHEMA))
        return true;
    translation_lose(writing->to, "tools.strict");
    return false;
}

static void function_put(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;
    bool strict = is_strict(writing, tool);

    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, anthropic_name_of(writing, tool->name));
    if (tool->description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, tool->description);
    }
    JSON_KEY(out, "input_schema");
    if (tool->kind == CHAT_CUSTOM)
        json_put_raw(out, HG_S("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
                               "\"string\"}},\"required\":[\"input\"]}"));
    else
        schema_put(out, strict ? anthropic_schema_strict(writing, tool->schema) : tool->schema);
    if (strict) {
        JSON_KEY(out, "strict");
        json_put_bool(out, true);
    }
    anthropic_cache_put(out, tool->cache);
    json_end(out);
    if (tool->kind == CHAT_CUSTOM)
        translation_lose(writing->to, "tools.custom");
}

/* Only some of the tools may be used: the others are not told at all. */
static bool is_allowed(const struct writing *writing, const struct chat_tool *tool)
{
    const struct chat *chat = writing->chat;
    struct arena *arena = writing->out->arena;

    if (chat->choice != CHAT_CHOICE_ALLOWED && chat->choice != CHAT_CHOICE_ALLOWED_REQUIRED)
        return true;
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        if (text_is(chat_decode(arena, name->text), chat_decode(arena, tool->name)))
            return true;
    return false;
}

static void json_tool_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, HG_S(JSON_TOOL));
    JSON_KEY(out, "description");
    if (chat->format_description.s.n)
        chat_put(out, chat->format_description);
    else
        json_put_str(out, HG_S("Give the answer through this tool."));
    JSON_KEY(out, "input_schema");
    schema_put(out, chat->format_schema);
    json_end(out);
}

void anthropic_tools_put(struct writing *writing)
{
    struct chain *out = writing->out;

    if (!writing->chat->tools && !writing->forces_json)
        return;
    anthropic_key_put(writing, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (writing->is_native)
            json_put_raw(out, tool->raw);
        else if (!is_allowed(writing, tool))
            continue;
        else if (tool->kind != CHAT_HOSTED)
            function_put(writing, tool);
        else
            hosted_put(writing, tool);
    }
    if (writing->forces_json)
        json_tool_put(writing);
    json_end(out);
}

/* ---- the choice --------------------------------------------------------------------------------
 */

static const char *choice_word(const struct writing *writing)
{
    static const char *const words[] = {
        [CHAT_CHOICE_UNSET] = "auto",          [CHAT_CHOICE_AUTO] = "auto",
        [CHAT_CHOICE_NONE] = "none",           [CHAT_CHOICE_REQUIRED] = "any",
        [CHAT_CHOICE_NAMED] = "tool",          [CHAT_CHOICE_ALLOWED] = "auto",
        [CHAT_CHOICE_ALLOWED_REQUIRED] = "any"};

    return words[writing->chat->choice];
}

static void json_choice_put(struct writing *writing)
{
    anthropic_key_put(writing, "tool_choice");
    json_put_raw(writing->out, HG_S("{\"type\":\"tool\",\"name\":\"" JSON_TOOL "\"}"));
}

/* A model that thinks cannot be forced to call. */
void anthropic_choice_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    const char *word = choice_word(writing);
    bool is_one = chat->parallel == CHAT_NO && chat->choice != CHAT_CHOICE_NONE;
    bool is_forced = text_is(text_of(word), HG_S("any")) || chat->choice == CHAT_CHOICE_NAMED;

    if (writing->forces_json) {
        json_choice_put(writing);
        return;
    }
    if (!chat->tools || (chat->choice == CHAT_CHOICE_UNSET && !is_one))
        return;
    if (is_forced && writing->thinks && !writing->is_native) {
        translation_lose(writing->to, "tool_choice");
        word = "auto";
        is_forced = false;
    }
    anthropic_key_put(writing, "tool_choice");
    anthropic_type_put(writing->out, word);
    if (is_forced && chat->choice == CHAT_CHOICE_NAMED && chat->choice_names) {
        JSON_KEY(writing->out, "name");
        json_put_str(writing->out, anthropic_name_of(writing, chat->choice_names->text));
    }
    if (is_one || (writing->is_native && chat->parallel == CHAT_YES)) {
        JSON_KEY(writing->out, "disable_parallel_tool_use");
        json_put_bool(writing->out, is_one);
    }
    json_end(writing->out);
}
