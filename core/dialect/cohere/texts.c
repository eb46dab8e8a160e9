/* Which strings of a document are text that people or models wrote. A guard must see all of it, so
 * this is generous: members that stand twice count twice, and of documents every string does. */
#include "base/text.h"
#include "dialect/cohere/parts.h"

enum {
    DEPTH_MAX = 16
};

static bool is_one_of(hg_str raw_key, const char *const *keys)
{
    for (; *keys; keys++)
        if (json_key_is(raw_key, text_of(*keys)))
            return true;
    return false;
}

/* Every string below; `outer` is the walk that gave the value, which is told where it ends. Those
 * that are nested too deep for us are one text, as they were written. */
static void strings_visit(hg_json value, uint32_t role, struct text_visitor *visitor, int depth,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;

    if (value.kind == HG_J_STR) {
        visitor->on_text(visitor, role, value, json_pass_str(outer, value));
        return;
    }
    if ((value.kind != HG_J_ARR && value.kind != HG_J_OBJ) || depth > DEPTH_MAX)
        return;
    while (json_next(value, &it, NULL, &inner))
        strings_visit(inner, role, visitor, depth + 1, &it);
    json_pass(outer, &it);
}

/* ---- messages --------------------------------------------------------------------------------
 */

static void content_visit(hg_json content, uint32_t role, struct text_visitor *visitor, int depth,
                          hg_json_it *outer);

static void part_visit(hg_json part, uint32_t role, struct text_visitor *visitor, int depth,
                       hg_json_it *outer)
{
    static const char *const texts[] = {"text", "thinking", "content", NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (json_next(part, &it, &key, &value)) {
        if (is_one_of(key, texts))
            content_visit(value, role, visitor, depth + 1, &it);
        else if (json_key_is(key, HG_S("document")))
            strings_visit(value, role, visitor, 0, &it);
    }
    json_pass(outer, &it);
}

/* A string, a part, or a list of either. */
static void content_visit(hg_json content, uint32_t role, struct text_visitor *visitor, int depth,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json part;

    if (depth > DEPTH_MAX)
        return;
    if (content.kind == HG_J_STR)
        visitor->on_text(visitor, role, content, json_pass_str(outer, content));
    else if (content.kind == HG_J_OBJ)
        part_visit(content, role, visitor, depth, outer);
    if (content.kind != HG_J_ARR)
        return;
    while (json_next(content, &it, NULL, &part))
        content_visit(part, role, visitor, depth + 1, &it);
    json_pass(outer, &it);
}

/* {"function":{"name","arguments"}} or a list of them. */
static void calls_visit(hg_json calls, struct text_visitor *visitor, hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    if (calls.kind != HG_J_ARR && calls.kind != HG_J_OBJ)
        return;
    while (json_next(calls, &it, &key, &value)) {
        if (calls.kind == HG_J_ARR || json_key_is(key, HG_S("function")))
            calls_visit(value, visitor, &it);
        else if (json_key_is(key, HG_S("arguments")) || json_key_is(key, HG_S("parameters")))
            strings_visit(value, HG_ROLE_ASSISTANT, visitor, 0, &it);
    }
    json_pass(outer, &it);
}

/* What was quoted, and not the sources, which are the client's own. */
static void citations_visit(hg_json citations, struct text_visitor *visitor, hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    if (citations.kind != HG_J_ARR && citations.kind != HG_J_OBJ)
        return;
    while (json_next(citations, &it, &key, &value)) {
        if (citations.kind == HG_J_ARR)
            citations_visit(value, visitor, &it);
        else if (json_key_is(key, HG_S("text")) && value.kind == HG_J_STR)
            visitor->on_text(visitor, HG_ROLE_ASSISTANT, value, json_pass_str(&it, value));
    }
    json_pass(outer, &it);
}

/* A message or a delta of one. `ret_role` is its role if it says one. */
static void message_visit(hg_json message, uint32_t role, struct text_visitor *visitor,
                          bool with_citations, hg_json *ret_role, hg_json_it *outer)
{
    static const char *const lists[] = {"content", "tool_plan", "text", NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (message.kind == HG_J_OBJ && json_next(message, &it, &key, &value)) {
        if (is_one_of(key, lists))
            content_visit(value, role, visitor, 0, &it);
        else if (json_key_is(key, HG_S("tool_calls")))
            calls_visit(value, visitor, &it);
        else if (json_key_is(key, HG_S("citations")) && with_citations)
            citations_visit(value, visitor, &it);
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
    return json_key_is(name, HG_S("tool")) ? HG_ROLE_TOOL : HG_ROLE_USER;
}

static void messages_visit(hg_json messages, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json message;

    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message)) {
        hg_json role = {0};

        message_visit(message, HG_ROLE_USER, visitor, true, &role, &it);
        if (visitor->on_role)
            visitor->on_role(visitor, role_of(role));
    }
}

/* ---- documents of the format -----------------------------------------------------------------
 */

void cohere_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        hg_json_it unused = {{0, 0}};

        if (json_key_is(key, HG_S("messages")))
            messages_visit(value, visitor);
        else if (json_key_is(key, HG_S("documents")))
            strings_visit(value, HG_ROLE_USER, visitor, 0, &unused);
        else if (kind != HG_R_CHAT &&
                 (json_key_is(key, HG_S("texts")) || json_key_is(key, HG_S("inputs")) ||
                  json_key_is(key, HG_S("query"))))
            content_visit(value, HG_ROLE_USER, visitor, 0, &unused);
        else
            continue;
        if (visitor->on_role && !json_key_is(key, HG_S("messages")))
            visitor->on_role(visitor, HG_ROLE_USER);
    }
}

void cohere_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    if (kind == HG_R_CHAT)
        message_visit(json_member(doc, HG_S("message")), HG_ROLE_ASSISTANT, visitor, true,
                      &(hg_json){0}, &(hg_json_it){{0, 0}});
}

void cohere_event_visit(hg_json doc, struct text_visitor *visitor)
{
    message_visit(json_get(doc, "/delta/message"), HG_ROLE_ASSISTANT, visitor, false, &(hg_json){0},
                  &(hg_json_it){{0, 0}});
}

/* A citation has the words that it is about once more. */
void cohere_event_unrepeat(hg_json doc, struct splice *splice)
{
    hg_json citations = json_get(doc, "/delta/message/citations");

    if (json_member(citations, HG_S("text")).kind)
        splice_remove_member(splice, citations, HG_S("text"));
}
