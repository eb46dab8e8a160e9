/* What a request asks for: all of it stands in the path, /model/{id}/{operation}. */
#include "base/text.h"
#include "dialect/converse/parts.h"
#include "dialect/counting.h"
#include "dialect/path.h"

enum {
    TOKENS_A_MESSAGE = 4,       /* role, marks */
    TOKENS_AN_ATTACHMENT = 800, /* an image or a file: a guess between cheap and dear ones */
    BYTES_A_TOKEN = 4
};

struct operation {
    const char *tail;
    uint32_t kind;
    bool is_stream;
};

static const struct operation operations[] = {
    {"/converse", HG_R_CHAT, false},      {"/converse-stream", HG_R_CHAT, true},
    {"/invoke", HG_R_RAW, false},         {"/invoke-with-response-stream", HG_R_RAW, true},
    {"/count-tokens", HG_R_COUNT, false},
};

/* The operation of a plain path, and what stands between it and "/model/". */
static const struct operation *operation_of(hg_str plain, hg_str *ret_model)
{
    static const hg_str head = {"/model/", 7};

    if (!text_starts(plain, head))
        return NULL;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        hg_str tail = text_of(operations[i].tail);

        if (!text_ends(plain, tail) || plain.n <= head.n + tail.n)
            continue;
        *ret_model = (hg_str){plain.p + head.n, plain.n - head.n - tail.n};
        return &operations[i];
    }
    return NULL;
}

uint32_t converse_kind_of(enum method method, hg_str plain, hg_str path)
{
    const struct operation *operation;
    hg_str model;

    (void)path;
    if (method != METHOD_POST)
        return 0;
    operation = operation_of(plain, &model);
    return operation ? operation->kind : 0;
}

/* A stream of this format has its usage whether one asks for it or not. */
void converse_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                           struct dialect_request *ret)
{
    char room[PATH_MAX_PLAIN];
    hg_str model = {"", 0};
    const struct operation *operation = operation_of(path_plain(path, room), &model);

    (void)doc;
    *ret = (struct dialect_request){.kind = kind, .wants_usage = true};
    if (!operation)
        return;
    ret->model = arena_text(arena, model);
    ret->is_stream = operation->is_stream;
}

/* Blocks are counted one by one, because an image's bytes are no text. */
static uint64_t block_tokens(hg_json block)
{
    static const char *const attachments[] = {"image", "document", "video", "audio"};

    for (size_t i = 0; i < sizeof attachments / sizeof *attachments; i++)
        if (json_member(block, text_of(attachments[i])).kind)
            return TOKENS_AN_ATTACHMENT;
    return json_raw(block).n / BYTES_A_TOKEN;
}

static uint64_t blocks_tokens(hg_json blocks)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json block;

    while (blocks.kind == HG_J_ARR && json_next(blocks, &it, NULL, &block))
        tokens += block_tokens(block);
    return tokens;
}

uint64_t converse_tokens(uint32_t kind, hg_json doc)
{
    hg_json messages = json_member(doc, HG_S("messages")), message;
    uint64_t tokens = blocks_tokens(json_member(doc, HG_S("system"))) +
                      json_raw(json_member(doc, HG_S("toolConfig"))).n / BYTES_A_TOKEN;
    hg_json_it it = {{0, 0}};

    if (kind != HG_R_CHAT)
        return json_raw(doc).n / BYTES_A_TOKEN;
    while (messages.kind == HG_J_ARR && json_next(messages, &it, NULL, &message))
        tokens += TOKENS_A_MESSAGE + blocks_tokens(json_member(message, HG_S("content")));
    return tokens;
}

/* ---- counting them by asking ----------------------------------------------------------------- */

static const char *const keys[] = {"messages", "system", "toolConfig",
                                   "additionalModelRequestFields", NULL};

const struct dialect_count converse_count = {.inside = "/input/converse",
                                             .keys = keys,
                                             .before = "{\"input\":{\"converse\":",
                                             .after = "}}",
                                             .result = "/inputTokens",
                                             .answer = "{\"inputTokens\":"};
