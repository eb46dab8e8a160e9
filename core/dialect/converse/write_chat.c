/* A request in normal form as Bedrock takes it. */
#include "dialect/converse/write_chat.h"

#include "base/text.h"
#include "dialect/hosted.h"

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

static bool is_metadata_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr(" :_@$#=/+,-.", c));
}

static bool is_metadata_text(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!is_metadata_char(text.p[i]))
            return false;
    return text.n <= 256;
}

/* A request with metadata that Bedrock has no characters for would fail as a whole. */
static bool fits_metadata(struct arena *arena, hg_json metadata)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    size_t count = 0;
    hg_str key;

    while (metadata.kind == HG_J_OBJ && json_next(metadata, &it, &key, &value))
        if (++count > 16 || value.kind != HG_J_STR || !key.n || !is_metadata_text(key) ||
            !is_metadata_text(json_str(arena, value)))
            return false;
    return count > 0;
}

static void metadata_write(struct writing *writing)
{
    hg_str metadata = writing->chat->metadata;
    struct arena *arena = writing->out->arena;
    hg_json root;

    if (!metadata.n)
        return;
    if (json_parse(arena, metadata, &root, NULL) && fits_metadata(arena, root))
        raw_put(writing->out, HG_S("requestMetadata"), metadata);
    else
        translation_lose(writing->to, "metadata");
}

static void tier_write(struct writing *writing)
{
    static const char *const tiers[] = {"default", "flex", "priority", "reserved"};
    hg_str tier = writing->chat->service_tier;

    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        if (!text_is(tier, text_of(tiers[i])))
            continue;
        JSON_KEY(writing->out, "serviceTier");
        json_obj(writing->out);
        JSON_KEY(writing->out, "type");
        json_put_str(writing->out, tier);
        json_end(writing->out);
        return;
    }
    if (tier.n && !text_is(tier, HG_S("auto")))
        translation_lose(writing->to, "service_tier");
}

/* What nothing stands for here. */
static void losses_note(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    const struct {
        bool is_said;
        const char *name;
    } losses[] = {
        {chat->n.n && !text_is(chat->n, HG_S("1")), "n"},
        {chat->seed.n > 0, "seed"},
        {chat->frequency_penalty.n > 0, "frequency_penalty"},
        {chat->presence_penalty.n > 0, "presence_penalty"},
        {chat->logit_bias.n > 0, "logit_bias"},
        {chat->logprobs == CHAT_YES, "logprobs"},
        {chat->top_logprobs.n > 0, "top_logprobs"},
        {chat->modalities.n > 0, "modalities"},
        {chat->audio.n > 0, "audio"},
        {chat->verbosity.n > 0, "verbosity"},
        {chat_has(chat->user), "user"},
    };

    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (losses[i].is_said)
            translation_lose(writing->to, "%s", losses[i].name);
}

/* Members of its own that a client of this format has sent. */
static void own_write(struct writing *writing)
{
    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next)
        if (writing->chat->from == &dialect_converse && extra->is_known &&
            !text_is(extra->key, HG_S("anthropic_beta")))
            raw_put(writing->out, extra->key, extra->raw);
}

bool converse_write_chat(struct translation *translation, const struct chat *chat,
                         struct chain *out, struct error *error)
{
    struct writing writing = {.to = translation,
                              .chat = hosted_drop(translation, chat, converse_runs, error),
                              .family = converse_family_of(translation->model),
                              .out = out,
                              .error = error,
                              .has_calls = chat_has_calls(chat)};

    if (!writing.chat)
        return false;
    writing.thinks = converse_is_thinking(&writing);
    converse_format_choose(&writing);
    json_obj(out);
    if (!converse_messages_write(&writing))
        return false;
    converse_system_write(&writing);
    converse_inference_write(&writing);
    converse_tools_write(&writing);
    converse_format_write(&writing);
    converse_additional_write(&writing);
    metadata_write(&writing);
    tier_write(&writing);
    losses_note(&writing);
    own_write(&writing);
    json_end(out);
    return true;
}
