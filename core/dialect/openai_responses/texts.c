/* Which strings of a document are text that people or models wrote. There are dozens of kinds of
 * items and there will be more, so all strings count but those that are known to be no text. */
#include "base/text.h"
#include "dialect/openai_responses/parts.h"

enum {
    DEPTH = 12
};

static bool is_one_of(hg_str raw_key, const char *const *keys)
{
    for (; *keys; keys++)
        if (json_key_is(raw_key, text_of(*keys)))
            return true;
    return false;
}

/* Names, references, bytes and bookkeeping. */
static bool is_no_text(hg_str raw_key)
{
    static const char *const keys[] = {"id",
                                       "type",
                                       "role",
                                       "status",
                                       "call_id",
                                       "name",
                                       "namespace",
                                       "file_id",
                                       "file_data",
                                       "image_url",
                                       "file_url",
                                       "detail",
                                       "data",
                                       "format",
                                       "encrypted_content",
                                       "result",
                                       "annotations",
                                       "logprobs",
                                       "phase",
                                       "approval_request_id",
                                       "created_by",
                                       "caller",
                                       "item_id",
                                       "environment",
                                       "server_label",
                                       "acknowledged_safety_checks",
                                       "container_id",
                                       "tools",
                                       "obfuscation",
                                       NULL};

    return is_one_of(raw_key, keys);
}

/* `outer` is the walk that gave the value: where the value ends is found once, and told to it. */
static void value_visit(hg_json value, uint32_t role, struct text_visitor *visitor, int depth,
                        hg_json_it *outer)
{
    hg_json_it it = {{0, 0}};
    hg_json inner;
    hg_str key;

    if (value.kind == HG_J_STR)
        visitor->on_text(visitor, role, value, json_pass_str(outer, value));
    if ((value.kind != HG_J_OBJ && value.kind != HG_J_ARR) || depth == DEPTH)
        return;
    while (json_next(value, &it, &key, &inner))
        if (value.kind == HG_J_ARR || !is_no_text(key))
            value_visit(inner, role, visitor, depth + 1, &it);
    json_pass(outer, &it);
}

static uint32_t role_of_item(hg_json role, hg_json type)
{
    static const struct {
        const char *word;
        uint32_t role;
    } roles[] = {{"system", HG_ROLE_SYSTEM},
                 {"developer", HG_ROLE_SYSTEM},
                 {"assistant", HG_ROLE_ASSISTANT},
                 {"tool", HG_ROLE_TOOL},
                 {"user", HG_ROLE_USER}};

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (json_is(role, text_of(roles[i].word)))
            return roles[i].role;
    if (type.kind != HG_J_STR || json_is(type, HG_S("message")))
        return HG_ROLE_USER;
    return text_ends(json_raw_str(type), HG_S("_output")) ? HG_ROLE_TOOL : HG_ROLE_ASSISTANT;
}

/* What an item is it may say last. */
static void item_visit(hg_json item, struct text_visitor *visitor, hg_json_it *outer)
{
    hg_json role = {0}, type = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    if (item.kind != HG_J_OBJ) {
        value_visit(item, HG_ROLE_USER, visitor, 0, outer);
        return;
    }
    while (json_next(item, &it, &key, &value)) {
        if (json_key_is(key, HG_S("role")))
            role = value;
        else if (json_key_is(key, HG_S("type")))
            type = value;
        else if (!is_no_text(key))
            value_visit(value, HG_ROLE_USER, visitor, 1, &it);
    }
    json_pass(outer, &it);
    if (visitor->on_role)
        visitor->on_role(visitor, role_of_item(role, type));
}

static void input_visit(hg_json input, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json item;

    if (input.kind != HG_J_ARR) {
        value_visit(input, HG_ROLE_USER, visitor, 0, &it);
        return;
    }
    while (json_next(input, &it, NULL, &item))
        item_visit(item, visitor, &it);
}

void responses_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    (void)kind;
    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        if (json_key_is(key, HG_S("instructions")))
            value_visit(value, HG_ROLE_SYSTEM, visitor, 0, &(hg_json_it){{0, 0}});
        else if (json_key_is(key, HG_S("input")))
            input_visit(value, visitor);
        else if (json_key_is(key, HG_S("prompt")))
            value_visit(json_member(value, HG_S("variables")), HG_ROLE_USER, visitor, 0,
                        &(hg_json_it){{0, 0}});
    }
}

/* Some repeat the text in `output_text` at the root. */
void responses_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    (void)kind;
    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        hg_json_it inner = {{0, 0}};
        hg_json item;

        if (json_key_is(key, HG_S("output_text")))
            value_visit(value, HG_ROLE_ASSISTANT, visitor, 0, &(hg_json_it){{0, 0}});
        if (!json_key_is(key, HG_S("output")) || value.kind != HG_J_ARR)
            continue;
        while (json_next(value, &inner, NULL, &item))
            value_visit(item, HG_ROLE_ASSISTANT, visitor, 0, &inner);
    }
}

/* What an event adds. All other texts in events are said before, or again. */
void responses_event_visit(hg_json doc, struct text_visitor *visitor)
{
    hg_json delta = json_member(doc, HG_S("delta"));

    if (delta.kind == HG_J_STR &&
        !json_is(json_member(doc, HG_S("type")), HG_S("response.audio.delta")))
        visitor->on_text(visitor, HG_ROLE_ASSISTANT, delta, json_raw_str(delta));
}
