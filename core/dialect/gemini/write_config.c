/* Settings: generationConfig. What a model takes goes by its name. */
#include <ctype.h>
#include <stdlib.h>

#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

enum {
    STOPS_MAX = 5,
    BUDGET_PRO_MIN = 128,
    BUDGET_PRO_MAX = 32768,
    BUDGET_MAX = 24576
};

/* ---- models -----------------------------------------------------------------------------------
 */

static bool has_word(hg_str name, const char *word)
{
    return memmem(name.p, name.n, word, strlen(word)) != NULL;
}

/* "gemini-2.5-flash-lite", "models/gemini-3-pro-preview", "gemini-flash-latest" */
struct gemini_model gemini_model_read(hg_str name)
{
    struct gemini_model model = {0};
    const char *at, *end = name.p + name.n;

    if (!name.n)
        return model;
    model.is_pro = has_word(name, "-pro");
    model.is_lite = has_word(name, "-lite");
    model.is_gemma = has_word(name, "gemma");
    at = memmem(name.p, name.n, "gemini-", 7);
    if (!at || model.is_gemma)
        return model;
    at += 7;
    if (at < end && !isdigit((unsigned char)*at) && text_ends(name, HG_S("-latest"))) {
        model.major = 3;
        model.minor = model.is_lite || model.is_pro ? 0 : 7;
        return model;
    }
    for (; at < end && isdigit((unsigned char)*at) && model.major < 100; at++)
        model.major = model.major * 10 + (unsigned)(*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && isdigit((unsigned char)*at) && model.minor < 100; at++)
            model.minor = model.minor * 10 + (unsigned)(*at - '0');
    return model;
}

bool gemini_model_is(const struct gemini_model *model, unsigned major, unsigned minor)
{
    return model->major > major || (model->major == major && model->minor >= minor);
}

/* ---- thinking ---------------------------------------------------------------------------------
 */

static hg_str lowest_level(const struct gemini_model *model)
{
    bool is_new_flash = gemini_model_is(model, 3, 7) && !model->is_lite;

    return model->is_pro || is_new_flash ? HG_S("low") : HG_S("minimal");
}

/* Newer models know levels, and cannot be told not to think. */
static hg_str level_of(const struct gemini_writing *writing)
{
    static const char *const same[] = {"low", "medium", "high"};
    const struct chat *chat = writing->chat;
    hg_str effort = chat->effort;
    uint64_t budget;

    if (!effort.n && chat->budget.n && text_to_u64(chat->budget, &budget))
        effort = chat_effort_of_budget(budget);
    if (chat->reasoning == CHAT_NO || text_is(effort, HG_S("none")) ||
        text_is(effort, HG_S("minimal")))
        return lowest_level(&writing->model);
    for (size_t i = 0; i < 3; i++)
        if (text_is(effort, text_of(same[i])))
            return text_of(same[i]);
    return effort.n ? HG_S("high") : HG_S("");
}

/* -1: as much as the model likes. */
static int64_t budget_of(const struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;
    int64_t min = writing->model.is_pro ? BUDGET_PRO_MIN : 0;
    int64_t max = writing->model.is_pro ? BUDGET_PRO_MAX : BUDGET_MAX;
    uint64_t budget;

    if (chat->reasoning == CHAT_NO)
        return min;
    if (!chat->budget.n && !chat->effort.n)
        return -1;
    if (!chat->budget.n || !text_to_u64(chat->budget, &budget))
        budget = chat_budget_of_effort(chat->effort);
    if (budget > (uint64_t)max)
        return max;
    return (int64_t)budget < min ? min : (int64_t)budget;
}

static void thinking_put(struct gemini_writing *writing)
{
    struct chain *out = writing->out;
    bool thinks = writing->chat->reasoning == CHAT_YES;
    hg_str level;

    if (writing->chat->reasoning == CHAT_UNSET)
        return;
    if (!thinks && (gemini_model_is(&writing->model, 3, 0) ||
                    (writing->model.is_pro && gemini_model_is(&writing->model, 2, 5))))
        translation_lose(writing->to, "reasoning_effort"); /* it cannot be told not to */
    if (!gemini_model_is(&writing->model, 2, 5)) {
        if (thinks)
            translation_lose(writing->to, "reasoning_effort");
        return;
    }
    JSON_KEY(out, "thinkingConfig");
    json_obj(out);
    if (gemini_model_is(&writing->model, 3, 0)) {
        level = level_of(writing);
        if (level.n) {
            JSON_KEY(out, "thinkingLevel");
            json_put_str(out, level);
        }
    } else {
        JSON_KEY(out, "thinkingBudget");
        json_put_i64(out, budget_of(writing));
    }
    if (thinks) {
        JSON_KEY(out, "includeThoughts");
        json_put_bool(out, true);
    }
    json_end(out);
}

/* ---- the others -------------------------------------------------------------------------------
 */

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

static void temperature_put(struct gemini_writing *writing)
{
    hg_str wanted = writing->chat->temperature;

    if (wanted.n && strtod(arena_cstr(writing->out->arena, wanted), NULL) > 2) {
        translation_lose(writing->to, "temperature above 2");
        wanted = HG_S("2");
    }
    raw_put(writing->out, HG_S("temperature"), wanted);
}

static void stops_put(struct gemini_writing *writing)
{
    unsigned count = 0;

    if (!writing->chat->stops)
        return;
    JSON_KEY(writing->out, "stopSequences");
    json_arr(writing->out);
    for (const struct chat_name *stop = writing->chat->stops; stop; stop = stop->next) {
        if (count++ < STOPS_MAX)
            chat_put(writing->out, stop->text);
        else
            translation_lose(writing->to, "stop");
    }
    json_end(writing->out);
}

static void format_put(struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (chat->format == CHAT_FORMAT_UNSET)
        return;
    JSON_KEY(out, "responseMimeType");
    json_put_str(out,
                 chat->format == CHAT_FORMAT_TEXT ? HG_S("text/plain") : HG_S("application/json"));
    if (chat->format_description.s.n)
        translation_lose(writing->to, "response_format.description");
    if (chat->format != CHAT_FORMAT_SCHEMA || !chat->format_schema.n)
        return;
    JSON_KEY(out, "responseSchema");
    gemini_schema_put(writing, chat->format_schema);
}

/* ["text","image"] in capital letters. */
static void modalities_put(struct gemini_writing *writing)
{
    struct chain *out = writing->out;
    hg_json list, one;
    hg_json_it it = {{0, 0}};

    if (!writing->chat->modalities.n ||
        !json_parse(out->arena, writing->chat->modalities, &list, NULL) || list.kind != HG_J_ARR)
        return;
    JSON_KEY(out, "responseModalities");
    json_arr(out);
    while (json_next(list, &it, NULL, &one)) {
        hg_str word = json_str(out->arena, one);
        char *upper = arena_cstr(out->arena, word);

        for (size_t i = 0; i < word.n; i++)
            upper[i] = (char)toupper((unsigned char)upper[i]);
        json_put_str(out, (hg_str){upper, word.n});
    }
    json_end(out);
}

static bool is_config_extra(const struct gemini_writing *writing, const struct chat_extra *extra)
{
    if (writing->chat->from != &dialect_gemini || !extra->is_known)
        return false;
    for (size_t i = 0; gemini_config_extras[i]; i++)
        if (text_is(extra->key, text_of(gemini_config_extras[i])))
            return true;
    return false;
}

void gemini_config_put(struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    JSON_KEY(out, "generationConfig");
    json_obj(out);
    raw_put(out, HG_S("maxOutputTokens"), chat->max_tokens);
    temperature_put(writing);
    raw_put(out, HG_S("topP"), chat->top_p);
    raw_put(out, HG_S("topK"), chat->top_k);
    raw_put(out, HG_S("candidateCount"), chat->n);
    raw_put(out, HG_S("seed"), chat->seed);
    raw_put(out, HG_S("presencePenalty"), chat->presence_penalty);
    raw_put(out, HG_S("frequencyPenalty"), chat->frequency_penalty);
    if (chat->logprobs != CHAT_UNSET) {
        JSON_KEY(out, "responseLogprobs");
        json_put_bool(out, chat->logprobs == CHAT_YES);
    }
    if (chat->logprobs == CHAT_YES)
        raw_put(out, HG_S("logprobs"), chat->top_logprobs);
    stops_put(writing);
    format_put(writing);
    modalities_put(writing);
    thinking_put(writing);
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        if (is_config_extra(writing, extra))
            raw_put(out, extra->key, extra->raw);
    json_end(out);
}
