/* Whole answers. One that still goes on (background) is an answer too. */
#include "base/text.h"
#include "dialect/openai_responses/parts.h"

static bool has_calls(hg_json output)
{
    hg_json_it it = {{0, 0}};
    hg_json item;

    while (output.kind == HG_J_ARR && json_next(output, &it, NULL, &item)) {
        hg_json type = json_member(item, HG_S("type"));

        if (json_is(type, HG_S("function_call")) || json_is(type, HG_S("custom_tool_call")))
            return true;
    }
    return false;
}

void responses_read_answer(struct arena *arena, uint32_t kind, hg_json doc,
                           struct dialect_answer *ret)
{
    hg_json output = json_member(doc, HG_S("output"));
    bool failed = json_is(json_member(doc, HG_S("status")), HG_S("failed"));
    struct dialect_error error = {0};

    (void)kind;
    *ret = (struct dialect_answer){0};
    if (failed || output.kind != HG_J_ARR)
        responses_read_error(arena, doc, &error);
    ret->is_error = failed || error.message.n || error.type.n;
    ret->is_valid = !ret->is_error && output.kind == HG_J_ARR;
    ret->error_type = error.type;
    ret->error_message = error.message;
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->id = json_str(arena, json_member(doc, HG_S("id")));
    ret->has_usage = responses_usage_read(json_member(doc, HG_S("usage")), &ret->usage);
    ret->finish = responses_finish_read(doc);
    if (ret->finish == HG_FIN_STOP && has_calls(output))
        ret->finish = HG_FIN_TOOLS;
}
