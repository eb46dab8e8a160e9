/* What a request asks for: by its path, and by a few members of its body. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "dialect/counting.h"

enum {
    TOKENS_A_MESSAGE = 4,       /* role, marks */
    TOKENS_AN_ATTACHMENT = 800, /* an image or a file: a guess between cheap and dear ones */
    BYTES_A_TOKEN = 4
};

uint32_t anthropic_kind_of(enum method method, hg_str plain, hg_str path)
{
    (void)path;
    if (text_is(plain, HG_S("/v1/messages")))
        return method == METHOD_POST ? HG_R_CHAT : HG_R_RAW;
    if (method == METHOD_POST && text_is(plain, HG_S("/v1/messages/count_tokens")))
        return HG_R_COUNT;
    return text_starts(plain, HG_S("/v1/messages/")) ? HG_R_RAW : 0;
}

void anthropic_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                            struct dialect_request *ret)
{
    (void)path;
    *ret = (struct dialect_request){.kind = kind, .wants_usage = true};
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->is_stream = json_is_yes(json_member(doc, HG_S("stream")));
}

static uint64_t content_tokens(hg_json content);

/* Bytes of an image or a file are no text. */
static uint64_t block_tokens(hg_json block)
{
    hg_json source = json_member(block, HG_S("source"));
    hg_json content = json_member(block, HG_S("content"));

    if (source.kind == HG_J_OBJ && !json_is(json_member(source, HG_S("type")), HG_S("text")))
        return TOKENS_AN_ATTACHMENT;
    if (content.kind == HG_J_ARR && json_is(json_member(block, HG_S("type")), HG_S("tool_result")))
        return content_tokens(content);
    return json_raw(block).n / BYTES_A_TOKEN;
}

/* Recursion ends with the depth of the document. */
static uint64_t content_tokens(hg_json content)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json block;

    if (content.kind != HG_J_ARR)
        return json_raw(content).n / BYTES_A_TOKEN;
    while (json_next(content, &it, NULL, &block))
        tokens += block_tokens(block);
    return tokens;
}

uint64_t anthropic_tokens(uint32_t kind, hg_json doc)
{
    hg_json messages = json_member(doc, HG_S("messages")), message;
    uint64_t tokens = content_tokens(json_member(doc, HG_S("system")));
    hg_json_it it = {{0, 0}};

    (void)kind;
    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message))
        tokens += TOKENS_A_MESSAGE + content_tokens(json_member(message, HG_S("content")));
    return tokens + json_raw(json_member(doc, HG_S("tools"))).n / BYTES_A_TOKEN;
}

/* ---- counting them by asking ----------------------------------------------------------------- */

static const char *const keys[] = {"model",       "messages", "system",        "tools",
                                   "tool_choice", "thinking", "output_config", NULL};

const struct dialect_count anthropic_count = {
    .keys = keys, .result = "/input_tokens", .answer = "{\"input_tokens\":"};
