/* A stored whole answer as the stream it could have been: for each choice one chunk with all of its
 * message, one with the finish reason; then the usage, if it was asked for. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "json/write.h"

struct replay {
    struct arena *arena;
    hg_json root;
    struct chain *out;
    bool later; /* a chunk was written: the next ones have only what all have */
};

static bool is_among(struct arena *arena, hg_str raw_key, const char *const *keys)
{
    hg_str key = json_unescape(arena, raw_key);

    for (; *keys; keys++)
        if (text_is(key, text_of(*keys)))
            return true;
    return false;
}

/* Copies the members that are, or are not, among `keys`. Null says nothing, and is left out. */
static void members_copy(struct replay *replay, struct chain *chunk, hg_json object,
                         const char *const *keys, bool wanted)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (json_next(object, &it, &key, &value)) {
        if (value.kind == HG_J_NULL || is_among(replay->arena, key, keys) != wanted)
            continue;
        json_key(chunk, json_unescape(replay->arena, key));
        json_put_raw(chunk, json_raw(value));
    }
}

static struct chain *chunk_begin(struct replay *replay)
{
    static const char *const own[] = {"choices", "usage", "object", NULL};
    static const char *const common[] = {"id",           "created", "model", "system_fingerprint",
                                         "service_tier", NULL};
    struct chain *chunk = chain_new(replay->arena);

    json_obj(chunk);
    members_copy(replay, chunk, replay->root, replay->later ? common : own, replay->later);
    JSON_KEY(chunk, "object");
    return chunk;
}

static void chunk_end(struct replay *replay, struct chain *chunk)
{
    json_end(chunk);
    openai_event_put(replay->out, chain_flat(chunk, replay->arena));
    replay->later = true;
}

/* In a stream a tool call has its number with it. */
static void tool_calls_put(struct replay *replay, struct chain *chunk, hg_json calls)
{
    static const char *const own[] = {"index", NULL};
    hg_json_it it = {{0, 0}};
    int64_t index = 0;
    hg_json call;

    json_arr(chunk);
    while (json_next(calls, &it, NULL, &call)) {
        json_obj(chunk);
        JSON_KEY(chunk, "index");
        json_put_i64(chunk, index++);
        members_copy(replay, chunk, call, own, false);
        json_end(chunk);
    }
    json_end(chunk);
}

static void delta_put(struct replay *replay, struct chain *chunk, hg_json message)
{
    static const char *const own[] = {"tool_calls", NULL};
    hg_json calls = json_member(message, HG_S("tool_calls"));

    json_obj(chunk);
    members_copy(replay, chunk, message, own, false);
    if (calls.kind == HG_J_ARR && json_count(calls)) {
        JSON_KEY(chunk, "tool_calls");
        tool_calls_put(replay, chunk, calls);
    }
    json_end(chunk);
}

static void message_put(struct replay *replay, hg_json choice, size_t index)
{
    static const char *const beside[] = {"logprobs", NULL};
    struct chain *chunk = chunk_begin(replay);

    json_put_str(chunk, HG_S("chat.completion.chunk"));
    JSON_KEY(chunk, "choices");
    json_arr(chunk);
    json_obj(chunk);
    JSON_KEY(chunk, "index");
    json_put_u64(chunk, index);
    JSON_KEY(chunk, "delta");
    delta_put(replay, chunk, json_member(choice, HG_S("message")));
    members_copy(replay, chunk, choice, beside, true);
    JSON_KEY(chunk, "finish_reason");
    json_put_null(chunk);
    json_end(chunk);
    json_end(chunk);
    chunk_end(replay, chunk);
}

static void finish_put(struct replay *replay, hg_json choice, size_t index)
{
    static const char *const own[] = {"index", "message", "logprobs", NULL};
    struct chain *chunk = chunk_begin(replay);

    json_put_str(chunk, HG_S("chat.completion.chunk"));
    JSON_KEY(chunk, "choices");
    json_arr(chunk);
    json_obj(chunk);
    JSON_KEY(chunk, "index");
    json_put_u64(chunk, index);
    JSON_KEY(chunk, "delta");
    json_obj(chunk);
    json_end(chunk);
    members_copy(replay, chunk, choice, own, false);
    json_end(chunk);
    json_end(chunk);
    chunk_end(replay, chunk);
}

static bool chat_put(struct replay *replay, hg_json choices)
{
    hg_json_it it = {{0, 0}};
    size_t count = 0;
    hg_json choice;

    while (json_next(choices, &it, NULL, &choice)) {
        uint32_t message = json_member(choice, HG_S("message")).kind;

        if ((message != HG_J_OBJ && message != HG_J_NULL && message != HG_J_NONE) ||
            json_member(choice, HG_S("finish_reason")).kind != HG_J_STR)
            return false;
        message_put(replay, choice, count++);
    }
    count = 0;
    it = (hg_json_it){{0, 0}};
    while (json_next(choices, &it, NULL, &choice))
        finish_put(replay, choice, count++);
    return true;
}

/* Legacy completions: chunks have the shape of the whole. */
static void completion_put(struct replay *replay, hg_json choices)
{
    struct chain *chunk = chunk_begin(replay);

    json_put_str(chunk, HG_S("text_completion"));
    JSON_KEY(chunk, "choices");
    json_put_raw(chunk, json_raw(choices));
    chunk_end(replay, chunk);
}

static void usage_put(struct replay *replay, bool is_chat)
{
    hg_json usage = openai_usage_find(replay->root);
    struct chain *chunk;

    if (!usage.kind)
        return;
    chunk = chunk_begin(replay);
    json_put_str(chunk, is_chat ? HG_S("chat.completion.chunk") : HG_S("text_completion"));
    JSON_KEY(chunk, "choices");
    json_arr(chunk);
    json_end(chunk);
    JSON_KEY(chunk, "usage");
    json_put_raw(chunk, json_raw(usage));
    chunk_end(replay, chunk);
}

bool openai_to_events(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                      struct chain *out)
{
    struct replay replay = {.arena = arena, .out = chain_new(arena)};
    hg_str type, message;
    hg_json choices;

    if ((kind != HG_R_CHAT && kind != HG_R_COMPLETE) ||
        !json_parse(arena, body, &replay.root, NULL) || replay.root.kind != HG_J_OBJ ||
        openai_error_read(arena, replay.root, &type, &message))
        return false;
    choices = json_member(replay.root, HG_S("choices"));
    if (choices.kind != HG_J_ARR || !json_count(choices))
        return false;
    if (kind == HG_R_COMPLETE)
        completion_put(&replay, choices);
    else if (!chat_put(&replay, choices))
        return false;
    if (with_usage)
        usage_put(&replay, kind == HG_R_CHAT);
    CHAIN_PUT_LIT(replay.out, "data: [DONE]\n\n");
    chain_put_chain(out, replay.out, 0, replay.out->len);
    return true;
}
