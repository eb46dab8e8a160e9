/* Which strings of a document are text that people or models wrote. A guard must see all of it, so
 * this is generous: what it does not know is looked through down to its last string, but for names,
 * ids and what only machines read. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"

static bool is_for_machines(hg_str key)
{
    static const char *const keys[] = {
        "type",      "id",        "tool_use_id",   "signature",         "media_type",
        "file_id",   "role",      "cache_control", "encrypted_content", "encrypted_index",
        "name",      "url",       "caller",        "citations",         "stop_reason",
        "model",     "usage",     "ttl",           "encrypted_stdout",  "server_name",
        "is_error",  "container", "expires_at",    "page_age",          "error_code",
        "tool_name", "citation",  "stop_sequence", "stop_details",      NULL};

    for (const char *const *own = keys; *own; own++)
        if (json_key_is(key, text_of(*own)))
            return true;
    return false;
}

/* Here and below, `outer` is the walk that gave the value: where the value ends is found once, and
 * told to it. */
static void text_found(struct text_visitor *visitor, uint32_t role, hg_json value,
                       hg_json_it *outer)
{
    visitor->on_text(visitor, role, value, json_pass_str(outer, value));
}

/* All strings below a value: arguments of a call, and content that is not known. Recursion ends
 * with the depth of the document, here and below. */
static void strings_visit(hg_json value, uint32_t role, struct text_visitor *visitor,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;

    if (value.kind == HG_J_STR)
        text_found(visitor, role, value, outer);
    if (value.kind != HG_J_OBJ && value.kind != HG_J_ARR)
        return;
    while (json_next(value, &it, NULL, &inner))
        strings_visit(inner, role, visitor, &it);
    json_pass(outer, &it);
}

/* "data" is base64, but for documents of plain text. */
static bool has_plain_data(hg_json source)
{
    return json_is(json_member(source, HG_S("type")), HG_S("text")) ||
           json_is(json_member(source, HG_S("media_type")), HG_S("text/plain"));
}

static void content_visit(hg_json value, uint32_t role, struct text_visitor *visitor,
                          hg_json_it *outer);

static void block_visit(hg_json block, uint32_t role, struct text_visitor *visitor,
                        hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    if (json_is(json_member(block, HG_S("type")), HG_S("tool_result")))
        role = HG_ROLE_TOOL;
    while (json_next(block, &it, &key, &value)) {
        if (json_key_is(key, HG_S("input")))
            strings_visit(value, HG_ROLE_ASSISTANT, visitor, &it);
        else if (json_key_is(key, HG_S("data")) && !has_plain_data(block))
            continue;
        else if (!is_for_machines(key))
            content_visit(value, role, visitor, &it);
    }
    json_pass(outer, &it);
}

/* A string, a block, or a list of either. */
static void content_visit(hg_json value, uint32_t role, struct text_visitor *visitor,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;

    if (value.kind == HG_J_STR)
        text_found(visitor, role, value, outer);
    else if (value.kind == HG_J_OBJ)
        block_visit(value, role, visitor, outer);
    if (value.kind != HG_J_ARR)
        return;
    while (json_next(value, &it, NULL, &inner))
        content_visit(inner, role, visitor, &it);
    json_pass(outer, &it);
}

/* A member of the root, or one that no walk has found. */
static void member_visit(hg_json value, uint32_t role, struct text_visitor *visitor)
{
    content_visit(value, role, visitor, &(hg_json_it){{0, 0}});
}

static uint32_t role_of(hg_json role)
{
    if (json_is(role, HG_S("assistant")))
        return HG_ROLE_ASSISTANT;
    return json_is(role, HG_S("system")) ? HG_ROLE_SYSTEM : HG_ROLE_USER;
}

/* A member that stands twice is looked at twice: a server may read either. */
static void messages_visit(hg_json messages, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json message;

    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message)) {
        hg_json_it inner = {{0, 0}};
        hg_json value, role = {0};
        hg_str key;

        while (message.kind == HG_J_OBJ && json_next(message, &inner, &key, &value)) {
            if (json_key_is(key, HG_S("content")))
                content_visit(value, HG_ROLE_USER, visitor, &inner);
            else if (json_key_is(key, HG_S("role")))
                role = value;
        }
        json_pass(&it, &inner);
        if (visitor->on_role)
            visitor->on_role(visitor, role_of(role));
    }
}

void anthropic_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    (void)kind;
    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        if (json_key_is(key, HG_S("system")))
            member_visit(value, HG_ROLE_SYSTEM, visitor);
        else if (json_key_is(key, HG_S("messages")))
            messages_visit(value, visitor);
    }
}

void anthropic_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    (void)kind;
    member_visit(json_member(doc, HG_S("content")), HG_ROLE_ASSISTANT, visitor);
}

/* The start of a call has an empty input, the start of a text its first piece. */
void anthropic_event_visit(hg_json doc, struct text_visitor *visitor)
{
    member_visit(json_member(doc, HG_S("content_block")), HG_ROLE_ASSISTANT, visitor);
    member_visit(json_member(doc, HG_S("delta")), HG_ROLE_ASSISTANT, visitor);
    member_visit(json_get(doc, "/message/content"), HG_ROLE_ASSISTANT, visitor);
}
