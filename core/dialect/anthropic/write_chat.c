/* A request in normal form as a provider of this format takes it. */
#include "dialect/anthropic/write_chat.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/hosted.h"
#include "dialect/schema.h"
#include "json/write.h"

void anthropic_key_put(struct writing *writing, const char *key)
{
    ensure(writing->key_count < WRITE_KEYS_MAX);
    writing->keys[writing->key_count++] = key;
    json_key(writing->out, text_of(key));
}

void anthropic_type_put(struct chain *out, const char *type)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(type));
}

void anthropic_cache_put(struct chain *out, hg_str cache)
{
    if (!cache.n)
        return;
    JSON_KEY(out, "cache_control");
    json_put_raw(out, cache);
}

static double number_of(const struct writing *writing, hg_str number)
{
    return strtod(arena_cstr(writing->out->arena, number), NULL);
}

static uint64_t count_of(hg_str number, uint64_t otherwise)
{
    uint64_t count;

    return text_to_u64(number, &count) ? count : otherwise;
}

/* ---- limits and sampling -----------------------------------------------------------------------
 */

/* The format wants a limit: without one of the client's, all that the model can. */
static uint64_t max_tokens_of(struct writing *writing)
{
    const struct family *family = writing->family;
    uint64_t asked = count_of(writing->chat->max_tokens, family->max_tokens);

    if (writing->is_native || (family->flags & FAMILY_OTHER) || asked <= family->max_tokens)
        return asked;
    translation_lose(writing->to, "max_tokens");
    return family->max_tokens;
}

/* True if there is such a number and it may be sent. */
static bool is_sampler_sent(struct writing *writing, hg_str number, const char *key)
{
    if (!number.n)
        return false;
    if (writing->is_native)
        return true;
    if (!writing->thinks && !(writing->family->flags & FAMILY_NO_SAMPLING))
        return true;
    translation_lose(writing->to, "%s", key);
    return false;
}

static void number_put(struct writing *writing, const char *key, hg_str number)
{
    anthropic_key_put(writing, key);
    json_put_raw(writing->out, number);
}

static void sampling_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    bool is_one = !writing->is_native && (writing->family->flags & FAMILY_ONE_SAMPLER);
    bool has_temperature = is_sampler_sent(writing, chat->temperature, "temperature");
    bool has_top_p = is_sampler_sent(writing, chat->top_p, "top_p");

    if (has_temperature && !writing->is_native && number_of(writing, chat->temperature) > 1) {
        translation_lose(writing->to, "temperature");
        number_put(writing, "temperature", HG_S("1"));
    } else if (has_temperature) {
        number_put(writing, "temperature", chat->temperature);
    }
    if (has_top_p && has_temperature && is_one)
        translation_lose(writing->to, "top_p");
    else if (has_top_p)
        number_put(writing, "top_p", chat->top_p);
    if (is_sampler_sent(writing, chat->top_k, "top_k"))
        number_put(writing, "top_k", chat->top_k);
}

static void stops_put(struct writing *writing)
{
    bool any = false;

    for (const struct chat_name *stop = writing->chat->stops; stop; stop = stop->next) {
        if (chat_is_blank(stop->text)) {
            translation_lose(writing->to, "stop");
            continue;
        }
        if (!any) {
            anthropic_key_put(writing, "stop_sequences");
            json_arr(writing->out);
        }
        any = true;
        chat_put(writing->out, stop->text);
    }
    if (any)
        json_end(writing->out);
}

/* ---- reasoning ---------------------------------------------------------------------------------
 */

enum {
    BUDGET_MIN = 1024
};

static uint64_t budget_of(const struct writing *writing)
{
    static const struct {
        hg_str effort;
        uint64_t budget;
    } budgets[] = {{{"minimal", 7}, 1024}, {{"low", 3}, 1024},   {{"medium", 6}, 2048},
                   {{"high", 4}, 4096},    {{"xhigh", 5}, 8192}, {{"max", 3}, 16384}};
    const struct chat *chat = writing->chat;

    if (chat->budget.n) {
        uint64_t budget = count_of(chat->budget, BUDGET_MIN);

        return budget < BUDGET_MIN && !writing->is_native ? BUDGET_MIN : budget;
    }
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        if (text_is(chat->effort, budgets[i].effort))
            return budgets[i].budget;
    return 4096;
}

/* The effort as this model knows it; empty if nothing was said of one. */
static hg_str effort_of(const struct writing *writing)
{
    const struct chat *chat = writing->chat;
    hg_str effort = chat->effort;

    if (writing->is_native)
        return effort;
    if (chat->reasoning != CHAT_YES || !(writing->family->flags & FAMILY_ADAPTIVE))
        return HG_S("");
    if (!effort.n && chat->budget.n)
        effort = chat_effort_of_budget(count_of(chat->budget, BUDGET_MIN));
    if (text_is(effort, HG_S("minimal")) || text_is(effort, HG_S("none")))
        return HG_S("low");
    if (text_is(effort, HG_S("xhigh")) && !(writing->family->flags & FAMILY_XHIGH))
        return HG_S("max");
    return effort;
}

/* By a budget it is: it must leave room for an answer, and there must have been thoughts before. */
static bool has_budget(struct writing *writing, uint64_t max_tokens)
{
    if (writing->is_native)
        return true;
    return max_tokens > BUDGET_MIN && anthropic_may_think(writing);
}

static bool thinks_adaptively(const struct writing *writing)
{
    return (writing->family->flags & FAMILY_ADAPTIVE) ||
           (writing->is_native && !writing->chat->budget.n);
}

static void thinking_decide(struct writing *writing, uint64_t max_tokens)
{
    const struct chat *chat = writing->chat;

    if (chat->reasoning != CHAT_YES)
        return;
    if (writing->is_native || (thinks_adaptively(writing) && !writing->forces_json))
        writing->thinks = true;
    else if (writing->forces_json)
        writing->thinks = false; /* no model can be made to call while it thinks */
    else if (!(writing->family->flags & FAMILY_NO_THINKING))
        writing->thinks = has_budget(writing, max_tokens);
    if (!writing->thinks)
        translation_lose(writing->to, chat->budget.n ? "thinking" : "reasoning_effort");
}

static hg_str noted(const struct writing *writing, const char *name)
{
    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next)
        if (text_is(extra->key, text_of(name)))
            return extra->raw;
    return HG_S("");
}

static void thinking_put(struct writing *writing, uint64_t max_tokens)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool by_budget = !thinks_adaptively(writing) || (writing->is_native && chat->budget.n);
    hg_str display = writing->is_native ? noted(writing, "thinking.display") : HG_S("");

    if (chat->reasoning == CHAT_NO &&
        (writing->is_native || !(writing->family->flags & FAMILY_NO_THINKING))) {
        anthropic_key_put(writing, "thinking");
        anthropic_type_put(out, "disabled");
        json_end(out);
    }
    if (!writing->thinks)
        return;
    anthropic_key_put(writing, "thinking");
    anthropic_type_put(out, by_budget ? "enabled" : "adaptive");
    if (by_budget) {
        uint64_t budget = budget_of(writing);

        JSON_KEY(out, "budget_tokens");
        json_put_u64(out, budget < max_tokens || writing->is_native ? budget : max_tokens - 1);
    }
    if (chat->summary.n && (!by_budget || writing->is_native)) {
        JSON_KEY(out, "display");
        json_put_str(out, HG_S("summarized"));
    } else if (display.n) {
        JSON_KEY(out, "display");
        json_put_raw(out, display);
    }
    json_end(out);
}

/* ---- the format of the answer ------------------------------------------------------------------
 */

static bool keeps_schema(const struct writing *writing)
{
    return writing->is_native ||
           ((writing->family->flags & FAMILY_SCHEMA) && !(writing->to->traits & HG_WIRE_NO_SCHEMA));
}

static bool is_object_schema(struct writing *writing)
{
    hg_json root;

    return json_parse(writing->out->arena, writing->chat->format_schema, &root, NULL) &&
           json_is(json_member(root, HG_S("type")), HG_S("object"));
}

/* What the model is told where the format cannot be asked for in any other way. */
static hg_str format_decide(struct writing *writing)
{
    static const char plain[] =
        "Answer with a single JSON object and nothing else: no prose, no code fences.";
    const struct chat *chat = writing->chat;
    bool has_schema = chat->format == CHAT_FORMAT_SCHEMA && chat->format_schema.n;

    if (chat->format != CHAT_FORMAT_JSON && chat->format != CHAT_FORMAT_SCHEMA)
        return HG_S("");
    if (has_schema && keeps_schema(writing))
        return HG_S("");
    if (has_schema && !chat->tools && is_object_schema(writing)) {
        writing->forces_json = true;
        writing->to->unwraps_json = true;
        return HG_S("");
    }
    translation_lose(writing->to, "response_format");
    if (!has_schema)
        return HG_S(plain);
    return arena_fmt(writing->out->arena,
                     "Answer with JSON that keeps to this schema and nothing else: no prose, no "
                     "code fences.\n%.*s",
                     TEXT_ARG(chat->format_schema));
}

hg_str anthropic_schema_strict(struct writing *writing, hg_str schema)
{
    static const char *const drops[] = {
        "minimum",   "maximum",   "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern",          "minItems",         "maxItems",
        "not",       "contains",  "uniqueItems",      "minProperties",    "maxProperties",
        NULL};
    static const char *const formats[] = {"date-time", "time",     "date", "duration",
                                          "email",     "hostname", "uri",  "ipv4",
                                          "ipv6",      "uuid",     NULL};
    static const struct schema_rules rules = {.flags = SCHEMA_ONE_TO_ANY | SCHEMA_CLOSE_OBJECTS |
                                                       SCHEMA_FOLD_LIMITS,
                                              .drops = drops,
                                              .formats = formats};
    struct arena *arena = writing->out->arena;
    struct chain *kept = chain_new(arena);
    hg_json root;

    if (!json_parse(arena, schema, &root, NULL))
        return schema;
    schema_write(arena, root, &rules, kept);
    return chain_flat(kept, arena);
}

static void output_config_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    hg_str effort = effort_of(writing);
    hg_str budget = writing->is_native ? noted(writing, "output_config.task_budget") : HG_S("");
    bool has_format =
        chat->format == CHAT_FORMAT_SCHEMA && chat->format_schema.n && keeps_schema(writing);

    if (!effort.n && !has_format && !budget.n)
        return;
    anthropic_key_put(writing, "output_config");
    json_obj(out);
    if (effort.n) {
        JSON_KEY(out, "effort");
        json_put_str(out, effort);
    }
    if (budget.n) {
        JSON_KEY(out, "task_budget");
        json_put_raw(out, budget);
    }
    if (has_format) {
        if (chat->format_description.s.n)
            translation_lose(writing->to, "response_format.description");
        JSON_KEY(out, "format");
        anthropic_type_put(out, "json_schema");
        JSON_KEY(out, "schema");
        json_put_raw(out, writing->is_native
                              ? chat->format_schema
                              : anthropic_schema_strict(writing, chat->format_schema));
        json_end(out);
    }
    json_end(out);
}

/* ---- the other members -------------------------------------------------------------------------
 */

static void user_put(struct writing *writing)
{
    if (!chat_has(writing->chat->user))
        return;
    anthropic_key_put(writing, "metadata");
    json_obj(writing->out);
    JSON_KEY(writing->out, "user_id");
    chat_put(writing->out, writing->chat->user);
    json_end(writing->out);
}

static void service_tier_put(struct writing *writing)
{
    hg_str tier = writing->chat->service_tier;
    bool is_default = text_is(tier, HG_S("default"));

    if (!tier.n)
        return;
    if (!is_default && !text_is(tier, HG_S("auto")) && !writing->is_native) {
        translation_lose(writing->to, "service_tier");
        return;
    }
    anthropic_key_put(writing, "service_tier");
    json_put_str(writing->out, is_default ? HG_S("standard_only") : tier);
}

/* A zero changes nothing, and some clients always send one. */
static void number_lose(struct writing *writing, const char *key, hg_str number)
{
    if (number.n && number_of(writing, number) != 0)
        translation_lose(writing->to, "%s", key);
}

static void losses_note(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct translation *to = writing->to;

    number_lose(writing, "frequency_penalty", chat->frequency_penalty);
    number_lose(writing, "presence_penalty", chat->presence_penalty);
    if (chat->seed.n)
        translation_lose(to, "seed");
    if (chat->logprobs == CHAT_YES || chat->top_logprobs.n)
        translation_lose(to, "logprobs");
    if (chat->logit_bias.n)
        translation_lose(to, "logit_bias");
    if (chat->modalities.n && !text_is(chat->modalities, HG_S("[\"text\"]")))
        translation_lose(to, "modalities");
    if (chat->audio.n)
        translation_lose(to, "audio");
    if (chat->verbosity.n)
        translation_lose(to, "verbosity");
    if (chat->metadata.n)
        translation_lose(to, "metadata");
}

/* Notes of what stands below the root have a dot in their names, and were written there. */
static bool is_note(const struct chat_extra *extra)
{
    return extra->is_known && memchr(extra->key.p, '.', extra->key.n);
}

static void extra_put(struct writing *writing)
{
    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next) {
        if (writing->is_native && is_note(extra))
            continue;
        if (!(writing->is_native && extra->is_known) &&
            !translation_keeps(writing->to, extra, writing->keys))
            continue;
        json_key(writing->out, extra->key);
        json_put_raw(writing->out, extra->raw);
    }
}

/* Bedrock and Vertex name the model in the path, and a stream too. */
static void head_put(struct writing *writing)
{
    bool is_named = !(writing->to->traits & HG_WIRE_BODY_VERSION);

    if (is_named) {
        json_key(writing->out, HG_S("model"));
        json_put_str(writing->out, writing->to->model);
    }
    if (is_named && writing->chat->is_stream) {
        JSON_KEY(writing->out, "stream");
        json_put_bool(writing->out, true);
    }
    writing->keys[writing->key_count++] = "model";
    writing->keys[writing->key_count++] = "stream";
}

bool anthropic_write_chat(struct translation *translation, const struct chat *chat,
                          struct chain *out, struct error *error)
{
    struct writing writing = {.to = translation,
                              .chat = hosted_drop(translation, chat, anthropic_runs, error),
                              .out = out,
                              .error = error,
                              .family = anthropic_family_of(translation->model),
                              .is_native = chat->from == &dialect_anthropic};
    uint64_t max_tokens;

    if (!writing.chat)
        return false;
    max_tokens = max_tokens_of(&writing);
    if (count_of(chat->n, 1) > 1)
        return error_set(error, "n: this provider gives one answer to a request");
    hg_str instruction = format_decide(&writing);

    thinking_decide(&writing, max_tokens);
    json_obj(out);
    head_put(&writing);
    anthropic_key_put(&writing, "max_tokens");
    json_put_u64(out, max_tokens);
    if (!anthropic_messages_put(&writing, instruction))
        return false;
    anthropic_tools_put(&writing);
    anthropic_choice_put(&writing);
    sampling_put(&writing);
    stops_put(&writing);
    thinking_put(&writing, max_tokens);
    output_config_put(&writing);
    user_put(&writing);
    service_tier_put(&writing);
    losses_note(&writing);
    extra_put(&writing);
    json_end(out);
    return true;
}
