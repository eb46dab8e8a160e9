/* Tools, and the choice between them. Who has calls in the history must declare tools, whether
 * anything may be called now or not. */
#include "base/text.h"
#include "dialect/converse/write_chat.h"

static void spec_write(struct writing *writing, struct chat_text name, struct chat_text description,
                       hg_str schema, enum chat_flag strict)
{
    struct chain *out = writing->out;

    json_obj(out);
    JSON_KEY(out, "toolSpec");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, name, "_-", 64));
    if (!chat_is_blank(description)) {
        JSON_KEY(out, "description");
        chat_put(out, description);
    }
    JSON_KEY(out, "inputSchema");
    json_obj(out);
    JSON_KEY(out, "json");
    json_put_raw(out, schema.n ? schema : HG_S("{\"type\":\"object\",\"properties\":{}}"));
    json_end(out);
    if (strict == CHAT_YES) {
        JSON_KEY(out, "strict");
        json_put_bool(out, true);
    }
    json_end(out);
    json_end(out);
}

/* Tools that Nova has of its own. */
static const char *equal_of(hg_str type)
{
    static const struct {
        const char *start, *name;
    } equals[] = {{"web_search", "nova_grounding"},
                  {"nova_grounding", "nova_grounding"},
                  {"code_interpreter", "nova_code_interpreter"},
                  {"code_execution", "nova_code_interpreter"},
                  {"nova_code_interpreter", "nova_code_interpreter"}};

    for (size_t i = 0; i < sizeof equals / sizeof *equals; i++)
        if (text_starts(type, text_of(equals[i].start)))
            return equals[i].name;
    return NULL;
}

bool converse_runs(const struct translation *translation, const struct chat *chat, hg_str type)
{
    (void)chat;
    return converse_family_of(translation->model)->flags & FAMILY_NOVA && equal_of(type);
}

static void hosted_write(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    json_obj(out);
    JSON_KEY(out, "systemTool");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, text_of(equal_of(chat_decode(out->arena, tool->name))));
    json_end(out);
    json_end(out);
}

static bool text_same(struct arena *arena, struct chat_text a, struct chat_text b)
{
    return text_is(chat_decode(arena, a), chat_decode(arena, b));
}

/* What the choice leaves out may be left undeclared, if no call in the history needs it. */
static bool is_allowed(struct writing *writing, const struct chat_tool *tool)
{
    const struct chat *chat = writing->chat;

    if (chat->choice < CHAT_CHOICE_ALLOWED)
        return true;
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        if (text_same(writing->out->arena, name->text, tool->name))
            return true;
    if (writing->has_calls)
        translation_lose(writing->to, "tool_choice");
    return writing->has_calls;
}

static void tool_write(struct writing *writing, const struct chat_tool *tool)
{
    static const char text_schema[] = "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
                                      "\"string\"}},\"required\":[\"input\"]}";

    if (tool->kind == CHAT_HOSTED)
        hosted_write(writing, tool);
    else
        spec_write(writing, tool->name, tool->description,
                   tool->kind == CHAT_CUSTOM ? HG_S(text_schema) : tool->schema, tool->strict);
    converse_cache_write(writing, tool->cache);
}

/* ---- tools of which only the history knows ----------------------------------------------------
 */

static bool was_before(struct writing *writing, const struct chat_part *call)
{
    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part == call)
                return false;
            if (part->kind == CHAT_CALL && text_same(writing->out->arena, part->tool, call->tool))
                return true;
        }
    return false;
}

static void history_write(struct writing *writing)
{
    struct chat_text none = {{NULL, 0}, false};
    bool any = false;

    for (const struct chat_message *message = writing->chat->messages; message;
         message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part->kind != CHAT_CALL || was_before(writing, part))
                continue;
            any = true;
            spec_write(writing, part->tool, none, HG_S("{\"type\":\"object\"}"), CHAT_UNSET);
        }
    if (!any) /* results alone: any declaration does */
        spec_write(writing, chat_plain(HG_S("tool")), none, HG_S("{\"type\":\"object\"}"),
                   CHAT_UNSET);
}

/* ---- the choice --------------------------------------------------------------------------------
 */

static void choice_put(struct chain *out, const char *mode, hg_str name)
{
    JSON_KEY(out, "toolChoice");
    json_obj(out);
    json_key(out, text_of(mode));
    json_obj(out);
    if (name.n) {
        JSON_KEY(out, "name");
        json_put_str(out, name);
    }
    json_end(out);
    json_end(out);
}

static void choice_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool forces = chat->choice == CHAT_CHOICE_REQUIRED || chat->choice == CHAT_CHOICE_NAMED ||
                  chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED;

    if (writing->forces_json) {
        choice_put(out, "tool", HG_S("json"));
    } else if (writing->moves_choice || chat->choice == CHAT_CHOICE_UNSET || !chat->tools) {
        return;
    } else if (chat->choice == CHAT_CHOICE_NONE) {
        translation_lose(writing->to, "tool_choice");
    } else if (forces && writing->thinks) {
        translation_lose(writing->to, "tool_choice");
        choice_put(out, "auto", HG_S(""));
    } else if (chat->choice == CHAT_CHOICE_NAMED && chat->choice_names) {
        choice_put(out, "tool",
                   translation_tool_name(writing->to, chat->choice_names->text, "_-", 64));
    } else {
        choice_put(out, forces ? "any" : "auto", HG_S(""));
    }
}

void converse_tools_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool may_call = chat->tools && chat->choice != CHAT_CHOICE_NONE;

    writing->moves_choice =
        writing_is(writing, FAMILY_CLAUDE) && chat->parallel == CHAT_NO && may_call;
    if (!may_call && !writing->has_calls && !writing->forces_json)
        return;
    JSON_KEY(out, "toolConfig");
    json_obj(out);
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = chat->tools; tool; tool = tool->next)
        if (is_allowed(writing, tool))
            tool_write(writing, tool);
    if (writing->forces_json)
        spec_write(writing, chat_plain(HG_S("json")),
                   chat_plain(HG_S("Give the answer as the arguments of this tool.")),
                   chat->format_schema, CHAT_UNSET);
    else if (!chat->tools)
        history_write(writing);
    json_end(out);
    choice_write(writing);
    json_end(out);
}
