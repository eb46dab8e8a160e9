/* The tools of a request as this format has them. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "dialect/schema.h"
#include "json/write.h"

/* ---- schemas ----------------------------------------------------------------------------------
 */

static const char *const schema_keeps[] = {
    "type",          "format",   "title",    "description",      "nullable",  "enum",
    "items",         "minItems", "maxItems", "properties",       "required",  "minProperties",
    "maxProperties", "minimum",  "maximum",  "minLength",        "maxLength", "pattern",
    "anyOf",         "default",  "example",  "propertyOrdering", NULL};
static const char *const schema_formats[] = {"enum",  "date-time", "int32", "int64",
                                             "float", "double",    NULL};
static const struct schema_rules schema_rules = {
    SCHEMA_INLINE_REFS | SCHEMA_NULLABLE | SCHEMA_ONE_TO_ANY | SCHEMA_CONST_TO_ENUM |
        SCHEMA_STRING_ENUMS | SCHEMA_MERGE_ALL | SCHEMA_FIX_ARRAYS | SCHEMA_TIDY,
    schema_keeps, NULL, schema_formats};

void gemini_schema_put(struct gemini_writing *writing, hg_str schema)
{
    struct arena *arena = writing->out->arena;
    hg_json doc;

    if (json_parse(arena, schema, &doc, NULL))
        schema_write(arena, doc, &schema_rules, writing->out);
    else
        json_put_raw(writing->out, HG_S("{\"type\":\"object\"}"));
}

/* ---- functions --------------------------------------------------------------------------------
 */

hg_str gemini_tool_name(struct translation *translation, struct chat_text name)
{
    hg_str taken = translation_tool_name(translation, name, "_.:-", 64);
    char first = taken.n ? taken.p[0] : '_';

    /* It must begin with a letter or an underscore. */
    if (first == '_' || ((first | 0x20) >= 'a' && (first | 0x20) <= 'z'))
        return taken;
    return translation_tool_alias(
        translation, chat_decode(translation->arena, name),
        arena_fmt(translation->arena, "_%.*s", (int)(taken.n < 63 ? taken.n : 63), taken.p));
}

static void parameters_put(struct gemini_writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;
    hg_json doc;

    if (tool->kind == CHAT_CUSTOM) {
        translation_lose(writing->to, "tools.custom");
        JSON_KEY(out, "parameters");
        json_put_raw(out, HG_S("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
                               "\"string\"}},\"required\":[\"input\"]}"));
        return;
    }
    if (!tool->schema.n || !json_parse(out->arena, tool->schema, &doc, NULL) ||
        schema_is_empty(doc))
        return;
    JSON_KEY(out, "parameters");
    schema_write(out->arena, doc, &schema_rules, out);
}

static void function_put(struct gemini_writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, gemini_tool_name(writing->to, tool->name));
    if (tool->description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, tool->description);
    }
    parameters_put(writing, tool);
    json_end(out);
    if (tool->cache.n)
        translation_lose(writing->to, "cache_control");
}

/* ---- tools that the provider runs -------------------------------------------------------------
 */

/* Names of others begin like these; dates and "preview" follow. */
static const struct {
    const char *prefix, *ours;
} hosted[] = {{"web_search", "googleSearch"},
              {"web_fetch", "urlContext"},
              {"code_execution", "codeExecution"},
              {"code_interpreter", "codeExecution"}};

static hg_str equal_of(const struct chat *chat, hg_str type)
{
    if (chat->from == &dialect_gemini)
        return type;
    for (size_t i = 0; i < sizeof hosted / sizeof *hosted; i++)
        if (text_starts(type, text_of(hosted[i].prefix)))
            return text_of(hosted[i].ours);
    return HG_S("");
}

bool gemini_runs(const struct translation *translation, const struct chat *chat, hg_str type)
{
    (void)translation;
    return equal_of(chat, type).n > 0;
}

static void hosted_put(struct gemini_writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    json_obj(out);
    json_key(out, equal_of(writing->chat, chat_decode(out->arena, tool->name)));
    json_put_raw(out, writing->chat->from == &dialect_gemini ? tool->raw : HG_S("{}"));
    json_end(out);
}

/* OpenAI's chat asks for a search by a member of its own. */
static bool wants_search(const struct chat *chat)
{
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        if (text_is(extra->key, HG_S("web_search_options")) && extra->is_known)
            return true;
    return false;
}

/* ---- the choice -------------------------------------------------------------------------------
 */

static void names_put(struct gemini_writing *writing, bool only_first)
{
    JSON_KEY(writing->out, "allowedFunctionNames");
    json_arr(writing->out);
    for (const struct chat_name *name = writing->chat->choice_names; name;
         name = only_first ? NULL : name->next)
        json_put_str(writing->out, gemini_tool_name(writing->to, name->text));
    json_end(writing->out);
}

static const char *mode_of(const struct gemini_writing *writing, bool is_strict)
{
    switch (writing->chat->choice) {
    case CHAT_CHOICE_NONE:
        return "NONE";
    case CHAT_CHOICE_REQUIRED:
    case CHAT_CHOICE_NAMED:
    case CHAT_CHOICE_ALLOWED_REQUIRED:
        return "ANY";
    case CHAT_CHOICE_ALLOWED: /* AUTO takes no names */
        return "VALIDATED";
    case CHAT_CHOICE_AUTO:
        return is_strict ? "VALIDATED" : "AUTO";
    default:
        return is_strict ? "VALIDATED" : NULL;
    }
}

static void choice_put(struct gemini_writing *writing, bool is_strict)
{
    const struct chat *chat = writing->chat;
    const char *mode = mode_of(writing, is_strict);
    struct chain *out = writing->out;

    if (chat->parallel == CHAT_NO)
        translation_lose(writing->to, "parallel_tool_calls");
    if (!mode)
        return;
    JSON_KEY(out, "toolConfig");
    json_obj(out);
    JSON_KEY(out, "functionCallingConfig");
    json_obj(out);
    JSON_KEY(out, "mode");
    json_put_str(out, text_of(mode));
    if (chat->choice >= CHAT_CHOICE_NAMED && chat->choice_names)
        names_put(writing, chat->choice == CHAT_CHOICE_NAMED);
    json_end(out);
    json_end(out);
}

void gemini_tools_put(struct gemini_writing *writing)
{
    struct chain *out = writing->out;
    bool search = wants_search(writing->chat), is_strict = false;
    unsigned functions = 0;

    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        functions += tool->kind != CHAT_HOSTED;
        is_strict |= tool->strict == CHAT_YES;
    }
    if (!writing->chat->tools && !search)
        return;
    JSON_KEY(out, "tools");
    json_arr(out);
    if (functions) {
        json_obj(out);
        JSON_KEY(out, "functionDeclarations");
        json_arr(out);
        for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next)
            if (tool->kind != CHAT_HOSTED)
                function_put(writing, tool);
        json_end(out);
        json_end(out);
    }
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (tool->kind == CHAT_HOSTED)
            hosted_put(writing, tool);
    if (search)
        json_put_raw(out, HG_S("{\"googleSearch\":{}}"));
    json_end(out);
    if (functions)
        choice_put(writing, is_strict && gemini_model_is(&writing->model, 2, 5));
    else if (writing->chat->choice > CHAT_CHOICE_NONE) /* it is between functions alone */
        translation_lose(writing->to, "tool_choice");
}
