/* What a request asks for: by its path, and by a few members of its body. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "dialect/realtime.h"

enum {
    TOKENS_A_MESSAGE = 4,       /* role, marks */
    TOKENS_AN_ATTACHMENT = 800, /* an image or a file: a guess between cheap and dear ones */
    BYTES_A_TOKEN = 4
};

struct path_kind {
    hg_str path;
    uint32_t kind;
};

#define PATH(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct path_kind post_paths[] = {
    {PATH("/v1/chat/completions"), HG_R_CHAT},
    {PATH("/v1/completions"), HG_R_COMPLETE},
    {PATH("/v1/embeddings"), HG_R_EMBED},
    {PATH("/v1/moderations"), HG_R_MODERATE},
    {PATH("/v1/images/generations"), HG_R_IMAGE},
    {PATH("/v1/images/edits"), HG_R_IMAGE},
    {PATH("/v1/images/variations"), HG_R_IMAGE},
    {PATH("/v1/audio/speech"), HG_R_AUDIO},
    {PATH("/v1/audio/transcriptions"), HG_R_AUDIO},
    {PATH("/v1/audio/translations"), HG_R_AUDIO},
    {PATH("/v1/rerank"), HG_R_RERANK},
};

static uint32_t post_kind(hg_str path)
{
    for (size_t i = 0; i < sizeof post_paths / sizeof *post_paths; i++)
        if (text_is(path, post_paths[i].path))
            return post_paths[i].kind;
    return 0;
}

uint32_t openai_kind_of(enum method method, hg_str plain, hg_str path)
{
    uint32_t kind = method == METHOD_POST ? post_kind(plain) : 0;

    if (kind)
        return kind;
    if ((method == METHOD_GET || method == METHOD_HEAD) &&
        (text_is(plain, HG_S("/v1/models")) || text_starts(plain, HG_S("/v1/models/"))))
        return HG_R_MODELS;
    if (method == METHOD_GET && realtime_is_path(plain))
        return HG_R_REALTIME;
    return text_starts(path, HG_S("/v1/")) || text_starts(plain, HG_S("/v1/")) ? HG_R_RAW : 0;
}

static uint64_t part_tokens(hg_json part)
{
    hg_json text = json_member(part, HG_S("text"));

    if (part.kind == HG_J_STR)
        return json_raw(part).n / BYTES_A_TOKEN;
    if (text.kind == HG_J_STR)
        return json_raw(text).n / BYTES_A_TOKEN;
    return TOKENS_AN_ATTACHMENT;
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
        hg_json_it inner = {{0, 0}};
        hg_json value;
        hg_str key;

        tokens += TOKENS_A_MESSAGE;
        while (message.kind == HG_J_OBJ && json_next(message, &inner, &key, &value)) {
            if (json_key_is(key, HG_S("content")))
                tokens += content_tokens(value);
            else if (value.kind == HG_J_ARR)
                tokens += json_raw(value).n / BYTES_A_TOKEN;
        }
    }
    return tokens;
}

/* Token ids count one each: they are about four bytes with their comma. */
static uint64_t inputs_tokens(hg_json doc)
{
    static const char *const keys[] = {"prompt", "input", "query", "documents"};
    uint64_t tokens = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        tokens += json_raw(json_member(doc, text_of(keys[i]))).n / BYTES_A_TOKEN;
    return tokens;
}

uint64_t openai_tokens(uint32_t kind, hg_json doc)
{
    if (kind != HG_R_CHAT)
        return inputs_tokens(doc);
    return messages_tokens(json_member(doc, HG_S("messages"))) +
           json_raw(json_member(doc, HG_S("tools"))).n / BYTES_A_TOKEN;
}

void openai_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret)
{
    hg_json usage = json_get(doc, "/stream_options/include_usage");

    (void)path;
    *ret = (struct dialect_request){.kind = kind};
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->is_stream = json_is_yes(json_member(doc, HG_S("stream")));
    ret->wants_usage = json_is_yes(usage);
}
