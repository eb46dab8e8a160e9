/* A request in normal form as a provider of this format takes it. The model and whether the answer
 * is a stream stand in the path. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "dialect/hosted.h"
#include "json/write.h"

/* Members of ours at the root that have no place in normal form. */
static const char *const own_extras[] = {"safetySettings", "cachedContent", "labels", "store",
                                         NULL};

static bool is_own_extra(const struct chat *chat, const struct chat_extra *extra)
{
    if (chat->from != &dialect_gemini)
        return false;
    for (size_t i = 0; own_extras[i]; i++)
        if (text_is(extra->key, text_of(own_extras[i])))
            return true;
    return false;
}

static bool is_told_elsewhere(const struct chat *chat, const struct chat_extra *extra)
{
    if (text_is(extra->key, HG_S("web_search_options")) && extra->is_known)
        return true; /* a tool */
    for (size_t i = 0; chat->from == &dialect_gemini && gemini_config_extras[i]; i++)
        if (text_is(extra->key, text_of(gemini_config_extras[i])))
            return true;
    return false;
}

static void extras_put(struct gemini_writing *writing)
{
    static const char *const own[] = {
        "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model", NULL};
    struct chain *out = writing->out;

    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next) {
        if (is_told_elsewhere(writing->chat, extra))
            continue;
        if (!is_own_extra(writing->chat, extra) && !translation_keeps(writing->to, extra, own))
            continue;
        json_key(out, extra->key);
        json_put_raw(out, extra->raw);
    }
}

static void losses_note(struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;
    const struct {
        bool is_there;
        const char *what;
    } losses[] = {{chat_has(chat->user), "user"},
                  {chat->logit_bias.n > 0, "logit_bias"},
                  {chat->metadata.n > 0, "metadata"},
                  {chat->verbosity.n > 0, "verbosity"},
                  {chat->audio.n > 0, "audio"}};

    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (losses[i].is_there)
            translation_lose(writing->to, "%s", losses[i].what);
}

static void tier_put(struct gemini_writing *writing)
{
    hg_str tier = writing->chat->service_tier;

    if (!tier.n || text_is(tier, HG_S("auto")) || text_is(tier, HG_S("default")))
        return;
    if (writing->chat->from != &dialect_gemini) {
        translation_lose(writing->to, "service_tier");
        return;
    }
    JSON_KEY(writing->out, "serviceTier");
    json_put_str(writing->out, tier);
}

bool gemini_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error)
{
    struct gemini_writing writing = {translation,
                                     hosted_drop(translation, chat, gemini_runs, error), out,
                                     gemini_model_read(translation->model)};

    if (!writing.chat)
        return false;
    json_obj(out);
    if (!gemini_contents_put(&writing, error))
        return false;
    gemini_tools_put(&writing);
    gemini_config_put(&writing);
    tier_put(&writing);
    extras_put(&writing);
    losses_note(&writing);
    json_end(out);
    return true;
}
