/* Which strings of a document are text that people or models wrote. A guard must see all of it, so
 * this is generous: unknown kinds of parts that have a text count, and so do members that stand
 * twice, of which a server may read either. */

#include "base/text.h"
#include "dialect/openai_chat/parts.h"

/* Here and below, `outer` is the walk that gave the value: where the value ends is found once, and
 * told to it. */
static void text_found(struct text_visitor *visitor, uint32_t role, hg_json value,
                       hg_json_it *outer)
{
    if (value.kind == HG_J_STR)
        visitor->on_text(visitor, role, value, json_pass_str(outer, value));
}

static bool is_one_of(hg_str raw_key, const char *const *keys)
{
    for (; *keys; keys++)
        if (json_key_is(raw_key, text_of(*keys)))
            return true;
    return false;
}

static void parts_visit(hg_json parts, uint32_t role, struct text_visitor *visitor, int depth,
                        hg_json_it *outer);

static void part_visit(hg_json part, uint32_t role, struct text_visitor *visitor, int depth,
                       hg_json_it *outer)
{
    static const char *const texts[] = {"text", "refusal", NULL};
    static const char *const lists[] = {"thinking", "content", NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    text_found(visitor, role, part, outer);
    if (part.kind != HG_J_OBJ)
        return;
    while (json_next(part, &it, &key, &value)) {
        if (is_one_of(key, texts))
            text_found(visitor, role, value, &it);
        else if (is_one_of(key, lists))
            parts_visit(value, role, visitor, depth + 1, &it);
    }
    json_pass(outer, &it);
}

/* A string, a part, or a list of either. */
static void parts_visit(hg_json parts, uint32_t role, struct text_visitor *visitor, int depth,
                        hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json part;

    if (depth > 4)
        return;
    if (parts.kind != HG_J_ARR) {
        part_visit(parts, role, visitor, depth, outer);
        return;
    }
    while (json_next(parts, &it, NULL, &part)) {
        if (part.kind == HG_J_ARR)
            parts_visit(part, role, visitor, depth + 1, &it);
        else if (part.kind != HG_J_NUM)
            part_visit(part, role, visitor, depth, &it);
    }
    json_pass(outer, &it);
}

/* {"name","arguments"} or {"name","input"} */
static void function_visit(hg_json function, struct text_visitor *visitor)
{
    static const char *const texts[] = {"arguments", "input", NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (function.kind == HG_J_OBJ && json_next(function, &it, &key, &value))
        if (is_one_of(key, texts))
            text_found(visitor, HG_ROLE_ASSISTANT, value, &it);
}

static void tool_calls_visit(hg_json calls, struct text_visitor *visitor)
{
    static const char *const functions[] = {"function", "custom", NULL};
    hg_json_it it = {{0, 0}};
    hg_json call;

    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call)) {
        hg_json_it inner = {{0, 0}};
        hg_json value;
        hg_str key;

        while (call.kind == HG_J_OBJ && json_next(call, &inner, &key, &value))
            if (is_one_of(key, functions))
                function_visit(value, visitor);
    }
}

/* A message or a delta. `ret_role` is its role if it says one. */
static void message_visit(hg_json message, uint32_t role, struct text_visitor *visitor,
                          hg_json *ret_role, hg_json_it *outer)
{
    static const char *const lists[] = {"content", "refusal", "reasoning_content", "reasoning",
                                        NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (message.kind == HG_J_OBJ && json_next(message, &it, &key, &value)) {
        if (is_one_of(key, lists))
            parts_visit(value, role, visitor, 0, &it);
        else if (json_key_is(key, HG_S("tool_calls")))
            tool_calls_visit(value, visitor);
        else if (json_key_is(key, HG_S("function_call")))
            function_visit(value, visitor);
        else if (json_key_is(key, HG_S("role")))
            *ret_role = value;
    }
    if (message.kind == HG_J_OBJ)
        json_pass(outer, &it);
}

static uint32_t role_of(hg_json role)
{
    hg_str name = json_raw_str(role);

    if (json_key_is(name, HG_S("system")) || json_key_is(name, HG_S("developer")))
        return HG_ROLE_SYSTEM;
    if (json_key_is(name, HG_S("assistant")))
        return HG_ROLE_ASSISTANT;
    if (json_key_is(name, HG_S("tool")) || json_key_is(name, HG_S("function")))
        return HG_ROLE_TOOL;
    return HG_ROLE_USER;
}

static void messages_visit(hg_json messages, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json message;

    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message)) {
        hg_json role = {0};

        message_visit(message, HG_ROLE_USER, visitor, &role, &it);
        if (visitor->on_role)
            visitor->on_role(visitor, role_of(role));
    }
}

/* The members of a root with texts in them, for requests that have no messages. */
static void members_visit(hg_json doc, const char *const *keys, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        if (!is_one_of(key, keys))
            continue;
        parts_visit(value, HG_ROLE_USER, visitor, 0, &(hg_json_it){{0, 0}});
    }
}

void openai_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    static const char *const others[] = {"prompt", "suffix",    "input",        "query",
                                         "text",   "documents", "instructions", NULL};

    if (kind == HG_R_CHAT)
        messages_visit(json_member(doc, HG_S("messages")), visitor);
    else
        members_visit(doc, others, visitor);
}

static void choice_visit(hg_json choice, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value, role;
    hg_str key;

    while (choice.kind == HG_J_OBJ && json_next(choice, &it, &key, &value)) {
        if (json_key_is(key, HG_S("text")))
            text_found(visitor, HG_ROLE_ASSISTANT, value, &it);
        else if (json_key_is(key, HG_S("message")) || json_key_is(key, HG_S("delta")))
            message_visit(value, HG_ROLE_ASSISTANT, visitor, &role, &it);
    }
}

void openai_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json choices = json_member(doc, HG_S("choices"));
    hg_json_it it = {{0, 0}};
    hg_json choice;

    if (kind != HG_R_CHAT && kind != HG_R_COMPLETE)
        return;
    while (choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice))
        choice_visit(choice, visitor);
}

/* Perplexity's events have the whole message so far beside the delta; that is not new. */
void openai_event_visit(hg_json doc, struct text_visitor *visitor)
{
    hg_json choices = json_member(doc, HG_S("choices"));
    hg_json_it it = {{0, 0}};
    hg_json choice;

    while (choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice)) {
        hg_json delta = json_member(choice, HG_S("delta"));

        if (delta.kind)
            message_visit(delta, HG_ROLE_ASSISTANT, visitor, &(hg_json){0}, &(hg_json_it){{0, 0}});
        else
            choice_visit(choice, visitor);
    }
}
