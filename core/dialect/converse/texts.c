/* Which strings of a document are text that people or models wrote. Generous: every string is but
 * those that the format itself needs, so that a new kind of block has its texts seen too. */
#include "base/text.h"
#include "dialect/converse/parts.h"

/* Members whose strings are no text; in what tools are given and give back all strings are. */
static bool is_technical(hg_str raw_key)
{
    static const char *const keys[] = {"bytes",     "format", "uri",  "bucketOwner",
                                       "signature", "type",   "ttl",  "redactedContent",
                                       "toolUseId", "status", "role", "qualifiers"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_key_is(raw_key, text_of(keys[i])))
            return true;
    return false;
}

static bool is_free(hg_str raw_key)
{
    return json_key_is(raw_key, HG_S("input")) || json_key_is(raw_key, HG_S("json"));
}

/* `outer` is the walk that gave the value: where the value ends is found once, and told to it. */
static void value_visit(hg_json value, uint32_t role, bool free, struct text_visitor *visitor,
                        hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;
    hg_str key;

    if (value.kind == HG_J_STR) {
        visitor->on_text(visitor, role, value, json_pass_str(outer, value));
        return;
    }
    if (value.kind != HG_J_OBJ && value.kind != HG_J_ARR)
        return;
    while (json_next(value, &it, &key, &inner)) {
        if (value.kind == HG_J_OBJ && !free && is_technical(key))
            continue;
        value_visit(inner, role, free || (value.kind == HG_J_OBJ && is_free(key)), visitor, &it);
    }
    json_pass(outer, &it);
}

/* Of a member of the root, whose end its walk knows already. */
static void member_visit(hg_json value, uint32_t role, struct text_visitor *visitor)
{
    value_visit(value, role, false, visitor, &(hg_json_it){{0, 0}});
}

static uint32_t role_of(hg_json role)
{
    if (json_is(role, HG_S("assistant")))
        return HG_ROLE_ASSISTANT;
    return json_is(role, HG_S("system")) ? HG_ROLE_SYSTEM : HG_ROLE_USER;
}

/* A message may say its content twice, of which a server may read either. */
static void message_visit(hg_json message, struct text_visitor *visitor, hg_json_it *outer)
{
    hg_json role = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    while (message.kind == HG_J_OBJ && json_next(message, &it, &key, &value)) {
        if (json_key_is(key, HG_S("content")))
            value_visit(value, HG_ROLE_USER, false, visitor, &it);
        else if (json_key_is(key, HG_S("role")))
            role = value;
    }
    if (message.kind == HG_J_OBJ)
        json_pass(outer, &it);
    if (visitor->on_role)
        visitor->on_role(visitor, role_of(role));
}

void converse_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value, message;
    hg_str key;

    if (kind != HG_R_CHAT) {
        value_visit(doc, HG_ROLE_USER, true, visitor, &it);
        return;
    }
    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        hg_json_it inner = {{0, 0}};

        if (json_key_is(key, HG_S("system")))
            member_visit(value, HG_ROLE_SYSTEM, visitor);
        else if (json_key_is(key, HG_S("promptVariables")))
            member_visit(value, HG_ROLE_USER, visitor);
        else if (json_key_is(key, HG_S("messages")))
            while (value.kind == HG_J_ARR && json_next(value, &inner, NULL, &message))
                message_visit(message, visitor, &inner);
    }
}

void converse_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    if (kind == HG_R_CHAT)
        member_visit(json_get(doc, "/output/message/content"), HG_ROLE_ASSISTANT, visitor);
}

/* {"contentBlockIndex","delta":{...}}, {"contentBlockIndex","start":{...}} */
void converse_event_visit(hg_json doc, struct text_visitor *visitor)
{
    member_visit(json_member(doc, HG_S("delta")), HG_ROLE_ASSISTANT, visitor);
}
