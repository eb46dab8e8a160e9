/* What a request asks for: by its path, and by a few members of its body. */
#include "base/text.h"
#include "dialect/cohere/parts.h"

enum {
    TOKENS_A_MESSAGE = 4, /* role, marks */
    TOKENS_AN_IMAGE = 800,
    BYTES_A_TOKEN = 4
};

uint32_t cohere_kind_of(enum method method, hg_str plain, hg_str path)
{
    (void)path;
    if (method != METHOD_POST)
        return 0;
    if (text_is(plain, HG_S("/v2/chat")))
        return HG_R_CHAT;
    return text_is(plain, HG_S("/v2/embed")) || text_is(plain, HG_S("/v2/rerank")) ? HG_R_RAW : 0;
}

static uint64_t part_tokens(hg_json part)
{
    return json_member(part, HG_S("image_url")).kind ? TOKENS_AN_IMAGE
                                                     : json_raw(part).n / BYTES_A_TOKEN;
}

/* Parts are counted one by one, because an image's bytes are no text. */
static uint64_t content_tokens(hg_json content)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json part;

    if (content.kind != HG_J_ARR)
        return json_raw(content).n / BYTES_A_TOKEN;
    while (json_next(content, &it, NULL, &part))
        tokens += part_tokens(part);
    return tokens;
}

static uint64_t messages_tokens(hg_json messages)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json message;

    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message)) {
        tokens += TOKENS_A_MESSAGE;
        tokens += content_tokens(json_member(message, HG_S("content")));
        tokens += json_raw(json_member(message, HG_S("tool_calls"))).n / BYTES_A_TOKEN;
        tokens += json_raw(json_member(message, HG_S("tool_plan"))).n / BYTES_A_TOKEN;
    }
    return tokens;
}

uint64_t cohere_tokens(uint32_t kind, hg_json doc)
{
    static const char *const keys[] = {"tools", "documents", "texts", "inputs", "query"};
    uint64_t tokens = kind == HG_R_CHAT ? messages_tokens(json_member(doc, HG_S("messages"))) : 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        tokens += json_raw(json_member(doc, text_of(keys[i]))).n / BYTES_A_TOKEN;
    return tokens;
}

/* The last event of every stream has the usage. */
void cohere_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret)
{
    (void)path;
    *ret = (struct dialect_request){.kind = kind, .wants_usage = true};
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->is_stream = json_is_yes(json_member(doc, HG_S("stream")));
}
