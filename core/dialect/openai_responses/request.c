/* What a request asks for. Everything else below /v1/responses (stored ones, input_items, cancel,
 * input_tokens, compact) is none of our business and passes as it is. */
#include "base/text.h"
#include "dialect/counting.h"
#include "dialect/openai_responses/parts.h"

enum {
    TOKENS_AN_ITEM = 4,         /* role, marks */
    TOKENS_AN_ATTACHMENT = 800, /* an image or a file: a guess between cheap and dear ones */
    BYTES_A_TOKEN = 4
};

uint32_t responses_kind_of(enum method method, hg_str plain, hg_str path)
{
    (void)path;
    if (method != METHOD_POST)
        return 0;
    if (text_is(plain, HG_S("/v1/responses")))
        return HG_R_CHAT;
    return text_is(plain, HG_S("/v1/responses/input_tokens")) ? HG_R_COUNT : 0;
}

static uint64_t part_tokens(hg_json part)
{
    hg_json text = json_member(part, HG_S("text"));

    if (text.kind == HG_J_STR)
        return json_raw(text).n / BYTES_A_TOKEN;
    return part.kind == HG_J_STR ? json_raw(part).n / BYTES_A_TOKEN : TOKENS_AN_ATTACHMENT;
}

/* Parts are counted one by one, because an image's bytes are no text. */
static uint64_t parts_tokens(hg_json parts)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json part;

    if (parts.kind != HG_J_ARR)
        return json_raw(parts).n / BYTES_A_TOKEN;
    while (json_next(parts, &it, NULL, &part))
        tokens += part_tokens(part);
    return tokens;
}

static uint64_t item_tokens(hg_json item)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = TOKENS_AN_ITEM;
    hg_json value;
    hg_str key;

    while (item.kind == HG_J_OBJ && json_next(item, &it, &key, &value)) {
        if (json_key_is(key, HG_S("content")) || json_key_is(key, HG_S("output")) ||
            json_key_is(key, HG_S("summary")))
            tokens += parts_tokens(value);
        else if (json_key_is(key, HG_S("arguments")) || json_key_is(key, HG_S("input")))
            tokens += json_raw(value).n / BYTES_A_TOKEN;
    }
    return tokens;
}

uint64_t responses_tokens(uint32_t kind, hg_json doc)
{
    hg_json input = json_member(doc, HG_S("input")), item;
    hg_json_it it = {{0, 0}};
    uint64_t tokens = json_raw(json_member(doc, HG_S("instructions"))).n / BYTES_A_TOKEN +
                      json_raw(json_member(doc, HG_S("tools"))).n / BYTES_A_TOKEN;

    (void)kind;
    if (input.kind != HG_J_ARR)
        return tokens + json_raw(input).n / BYTES_A_TOKEN;
    while (json_next(input, &it, NULL, &item))
        tokens += item_tokens(item);
    return tokens;
}

/* The usage is a part of every answer. */
void responses_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                            struct dialect_request *ret)
{
    (void)path;
    *ret = (struct dialect_request){.kind = kind, .wants_usage = true};
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->is_stream = json_is_yes(json_member(doc, HG_S("stream")));
}

/* ---- counting them by asking ----------------------------------------------------------------- */

static const char *const keys[] = {"model",       "input", "instructions", "tools",
                                   "tool_choice", "text",  "reasoning",    "parallel_tool_calls",
                                   NULL};

const struct dialect_count responses_count = {
    .keys = keys,
    .result = "/input_tokens",
    .answer = "{\"object\":\"response.input_tokens\",\"input_tokens\":"};
