/* Which strings of a document are text that people or models wrote. Generous: under both spellings
 * of a member, and everything in the arguments and results of calls. */
#include "base/text.h"
#include "dialect/gemini/parts.h"

enum {
    DEPTH_MAX = JSON_DEPTH
};

/* All strings of a value. */
static void strings_visit(hg_json value, uint32_t role, struct text_visitor *visitor, int depth,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;

    if (value.kind == HG_J_STR)
        visitor->on_text(visitor, role, value, json_pass_str(outer, value));
    if ((value.kind != HG_J_OBJ && value.kind != HG_J_ARR) || depth > DEPTH_MAX)
        return;
    while (json_next(value, &it, NULL, &inner))
        strings_visit(inner, role, visitor, depth + 1, &it);
    json_pass(outer, &it);
}

/* Members whose value holds no bytes and no ids: all of their strings are text. */
static bool is_text_key(hg_str key, uint32_t *role)
{
    static const struct {
        const char *key;
        uint32_t role; /* 0: of the content */
    } keys[] = {{"text", 0},
                {"functionCall", HG_ROLE_ASSISTANT},
                {"functionResponse", HG_ROLE_TOOL},
                {"executableCode", 0},
                {"codeExecutionResult", 0},
                {"toolCall", HG_ROLE_ASSISTANT},
                {"toolResponse", HG_ROLE_TOOL}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!gemini_key_is(key, text_of(keys[i].key)))
            continue;
        if (keys[i].role)
            *role = keys[i].role;
        return true;
    }
    return false;
}

/* Names and ids of calls are no text; media beside a response is none either. */
static bool is_name_key(hg_str key)
{
    return json_key_is(key, HG_S("name")) || json_key_is(key, HG_S("id")) ||
           json_key_is(key, HG_S("language")) || json_key_is(key, HG_S("outcome")) ||
           json_key_is(key, HG_S("parts"));
}

static void call_visit(hg_json call, uint32_t role, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (call.kind == HG_J_OBJ && json_next(call, &it, &key, &value))
        if (!is_name_key(key))
            strings_visit(value, role, visitor, 0, &it);
}

static void parts_visit(hg_json parts, uint32_t role, struct text_visitor *visitor, int depth,
                        hg_json_it *outer);

/* A part, or a content that has parts. */
static void part_visit(hg_json part, uint32_t content_role, struct text_visitor *visitor, int depth,
                       hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    if (part.kind == HG_J_STR)
        strings_visit(part, content_role, visitor, 0, outer);
    if (part.kind != HG_J_OBJ)
        return;
    while (json_next(part, &it, &key, &value)) {
        uint32_t role = content_role;

        if (json_key_is(key, HG_S("parts")))
            parts_visit(value, role, visitor, depth + 1, &it);
        else if (!is_text_key(key, &role))
            continue;
        else if (value.kind == HG_J_OBJ)
            call_visit(value, role, visitor);
        else
            strings_visit(value, role, visitor, 0, &it);
    }
    json_pass(outer, &it);
}

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
    while (json_next(parts, &it, NULL, &part))
        part_visit(part, role, visitor, depth, &it);
    json_pass(outer, &it);
}

static uint32_t role_of(hg_json content)
{
    hg_json role = json_member(content, HG_S("role"));

    if (json_is(role, HG_S("model")) || json_is(role, HG_S("assistant")))
        return HG_ROLE_ASSISTANT;
    if (json_is(role, HG_S("system")))
        return HG_ROLE_SYSTEM;
    return json_is(role, HG_S("function")) ? HG_ROLE_TOOL : HG_ROLE_USER;
}

/* A content, a part, a string or a list of these; without a role it is what they say. */
static void content_visit(hg_json content, uint32_t role, struct text_visitor *visitor, int depth,
                          hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    if (content.kind != HG_J_ARR || depth > 4) {
        part_visit(content, role ? role : role_of(content), visitor, 0, outer);
        return;
    }
    while (json_next(content, &it, NULL, &value))
        content_visit(value, role, visitor, depth + 1, &it);
    json_pass(outer, &it);
}

/* What the other paths have inside: requests for vectors and counts. */
static void root_visit(hg_json doc, struct text_visitor *visitor, int depth)
{
    hg_json_it it = {{0, 0}}, none = {{0, 0}};
    hg_json value, one;
    hg_str key;

    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        hg_json_it inner = {{0, 0}};

        if (gemini_key_is(key, HG_S("systemInstruction")))
            content_visit(value, HG_ROLE_SYSTEM, visitor, 0, &none);
        else if (json_key_is(key, HG_S("contents")) || json_key_is(key, HG_S("content")))
            content_visit(value, 0, visitor, 0, &none);
        else if (gemini_key_is(key, HG_S("generateContentRequest")) && depth < 2)
            root_visit(value, visitor, depth + 1);
        else if (json_key_is(key, HG_S("title")) && value.kind == HG_J_STR)
            strings_visit(value, HG_ROLE_USER, visitor, 0, &none);
        while (json_key_is(key, HG_S("requests")) && value.kind == HG_J_ARR && depth < 2 &&
               json_next(value, &inner, NULL, &one))
            root_visit(one, visitor, depth + 1);
    }
}

void gemini_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    (void)kind;
    root_visit(doc, visitor, 0);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* The text that a source is for is told again beside it. */
static void grounding_visit(hg_json metadata, struct text_visitor *visitor)
{
    hg_json supports = gemini_member(metadata, HG_S("groundingSupports")), support;
    hg_json_it it = {{0, 0}};

    while (supports.kind == HG_J_ARR && json_next(supports, &it, NULL, &support)) {
        hg_json text = json_get(support, "/segment/text");

        if (text.kind == HG_J_STR)
            visitor->on_text(visitor, HG_ROLE_ASSISTANT, text, json_raw_str(text));
    }
}

static void candidates_visit(hg_json doc, struct text_visitor *visitor, bool with_repeated)
{
    hg_json candidates = json_member(doc, HG_S("candidates")), candidate;
    hg_json_it it = {{0, 0}};

    while (candidates.kind == HG_J_ARR && json_next(candidates, &it, NULL, &candidate)) {
        hg_json_it inner = {{0, 0}};
        hg_json value;
        hg_str key;

        while (candidate.kind == HG_J_OBJ && json_next(candidate, &inner, &key, &value)) {
            if (json_key_is(key, HG_S("content")))
                content_visit(value, HG_ROLE_ASSISTANT, visitor, 0, &inner);
            else if (with_repeated && gemini_key_is(key, HG_S("groundingMetadata")))
                grounding_visit(value, visitor);
        }
    }
}

void gemini_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json one;

    if (kind != HG_R_CHAT)
        return;
    candidates_visit(doc, visitor, true);
    while (doc.kind == HG_J_ARR && json_next(doc, &it, NULL, &one))
        candidates_visit(one, visitor, true);
}

void gemini_event_visit(hg_json doc, struct text_visitor *visitor)
{
    candidates_visit(doc, visitor, false);
}

void gemini_event_unrepeat(hg_json doc, struct splice *splice)
{
    hg_json candidates = json_member(doc, HG_S("candidates")), candidate;
    hg_json_it it = {{0, 0}};

    while (candidates.kind == HG_J_ARR && json_next(candidates, &it, NULL, &candidate)) {
        hg_json metadata = gemini_member(candidate, HG_S("groundingMetadata"));
        hg_json supports = gemini_member(metadata, HG_S("groundingSupports")), support;
        hg_json_it inner = {{0, 0}};

        while (supports.kind == HG_J_ARR && json_next(supports, &inner, NULL, &support))
            splice_remove_member(splice, json_member(support, HG_S("segment")), HG_S("text"));
    }
}
