#include "simulate/count.h"

#include <jansson.h>

#include "base/text.h"
#include "simulate/fault.h"
#include "simulate/plan.h"
#include "json/index.h"

/* Two of the formats put the request to count into a member. */
static hg_json counted_of(const struct ask *ask)
{
    hg_json inner = ask->dialect == &dialect_converse
                        ? json_get(ask->doc, "/input/converse")
                        : json_member(ask->doc, HG_S("generateContentRequest"));

    if (inner.kind != HG_J_OBJ)
        return ask->doc;
    return inner;
}

static hg_json reparsed(const struct ask *ask, hg_json inner)
{
    hg_json doc = {0};

    json_parse_depth(ask->arena, json_raw(inner), JSON_DEPTH_MAX, &doc, NULL);
    return doc;
}

void count_answer(const struct ask *ask, struct reply *reply)
{
    const struct dialect *dialect = ask->dialect;
    struct error error;
    struct chat chat;

    if (!dialect->read_chat(ask->arena, ask->path, reparsed(ask, counted_of(ask)), &chat, &error)) {
        fault_refuse(reply, dialect, 400, HG_S(""), arena_text(ask->arena, text_of(error.text)));
        return;
    }
    json_int_t tokens =
        (json_int_t)(ask->rule->prompt_tokens == UNSET ? plan_prompt_tokens(ask->arena, &chat)
                                                       : ask->rule->prompt_tokens);

    if (dialect == &dialect_gemini)
        reply_json(reply, json_pack("{s:I}", "totalTokens", tokens));
    else if (dialect == &dialect_converse)
        reply_json(reply, json_pack("{s:I}", "inputTokens", tokens));
    else if (dialect == &dialect_anthropic)
        reply_json(reply, json_pack("{s:I}", "input_tokens", tokens));
    else
        reply_json(reply, json_pack("{s:s, s:I}", "object", "response.input_tokens", "input_tokens",
                                    tokens));
}
