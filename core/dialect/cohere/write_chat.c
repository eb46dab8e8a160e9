/* A request in normal form as Cohere takes it. */
#include <stdlib.h>

#include "base/text.h"
#include "dialect/cohere/write_chat.h"
#include "dialect/hosted.h"
#include "json/write.h"

enum {
    STOPS_MAX = 5
};

void cohere_put_word(struct chain *out, hg_str key, hg_str word)
{
    json_key(out, key);
    json_put_str(out, word);
}

void cohere_type_put(struct chain *out, hg_str type)
{
    json_obj(out);
    cohere_put_word(out, HG_S("type"), type);
}

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

/* ---- tools -----------------------------------------------------------------------------------
 */

/* A choice of some tools is the list of them: Cohere knows no names there. */
static bool is_chosen(struct writing *writing, const struct chat_tool *tool)
{
    const struct chat *chat = writing->chat;
    hg_str ours = chat_decode(writing->out->arena, tool->name);

    if (chat->choice < CHAT_CHOICE_NAMED)
        return true;
    for (const struct chat_name *name = chat->choice_names; name; name = name->next) {
        if (text_is(chat_decode(writing->out->arena, name->text), ours))
            return true;
        if (chat->choice == CHAT_CHOICE_NAMED)
            break;
    }
    return false;
}

static void function_put(struct writing *writing, const struct chat_tool *tool)
{
    hg_str schema = tool->schema.n ? tool->schema : HG_S("{\"type\":\"object\",\"properties\":{}}");
    struct chain *out = writing->out;

    if (tool->kind == CHAT_CUSTOM) {
        translation_lose(writing->to, "tools.custom");
        schema = HG_S("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                      "\"required\":[\"input\"]}");
    }
    if (tool->cache.n)
        translation_lose(writing->to, "cache_control");
    cohere_type_put(out, HG_S("function"));
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, tool->name, "_-", 64));
    if (tool->description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, tool->description);
    }
    JSON_KEY(out, "parameters");
    json_put_raw(out, schema);
    json_end(out);
    json_end(out);
}

/* Strictness is one for all of them. */
static void strict_put(struct writing *writing)
{
    unsigned strict = 0, loose = 0;

    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        strict += tool->strict == CHAT_YES;
        loose += tool->strict != CHAT_YES;
    }
    if (strict && loose)
        translation_lose(writing->to, "tools.strict");
    else if (strict)
        raw_put(writing->out, HG_S("strict_tools"), HG_S("true"));
}

static void choice_put(struct writing *writing)
{
    switch (writing->chat->choice) {
    case CHAT_CHOICE_NONE:
        cohere_put_word(writing->out, HG_S("tool_choice"), HG_S("NONE"));
        break;
    case CHAT_CHOICE_REQUIRED:
    case CHAT_CHOICE_NAMED:
    case CHAT_CHOICE_ALLOWED_REQUIRED:
        cohere_put_word(writing->out, HG_S("tool_choice"), HG_S("REQUIRED"));
        break;
    default:
        break;
    }
    if (writing->chat->parallel == CHAT_NO)
        translation_lose(writing->to, "parallel_tool_calls");
}

static bool tools_put(struct writing *writing)
{
    struct chain *out = writing->out;
    unsigned count = 0;

    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next)
        count += is_chosen(writing, tool);
    if (!writing->chat->tools)
        return true;
    if (!count)
        return error_set(writing->error, "tool_choice: names no tool of this request");
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (is_chosen(writing, tool))
            function_put(writing, tool);
    json_end(out);
    strict_put(writing);
    choice_put(writing);
    return true;
}

/* ---- sampling --------------------------------------------------------------------------------
 */

/* A number as it was written, or the nearest that Cohere takes. */
static void clamped_put(struct writing *writing, const char *key, const char *name, hg_str number,
                        const char *least, const char *most)
{
    char text[64];
    double value;

    if (!number.n)
        return;
    if (number.n >= sizeof text) {
        translation_lose(writing->to, "%s", name);
        return;
    }
    *put_text(text, number) = 0;
    value = strtod(text, NULL);
    if (value < strtod(least, NULL) || value > strtod(most, NULL)) {
        translation_lose(writing->to, "%s", name);
        number = text_of(value < strtod(least, NULL) ? least : most);
    }
    raw_put(writing->out, text_of(key), number);
}

static void stops_put(struct writing *writing)
{
    struct chain *out = writing->out;
    unsigned count = 0;

    if (!writing->chat->stops)
        return;
    JSON_KEY(out, "stop_sequences");
    json_arr(out);
    for (const struct chat_name *stop = writing->chat->stops; stop; stop = stop->next) {
        if (count++ < STOPS_MAX)
            chat_put(out, stop->text);
        else
            translation_lose(writing->to, "stop");
    }
    json_end(out);
}

static void sampling_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    raw_put(out, HG_S("max_tokens"), chat->max_tokens);
    clamped_put(writing, "temperature", "temperature", chat->temperature, "0", "1");
    clamped_put(writing, "p", "top_p", chat->top_p, "0.01", "0.99");
    clamped_put(writing, "k", "top_k", chat->top_k, "0", "500");
    clamped_put(writing, "frequency_penalty", "frequency_penalty", chat->frequency_penalty, "0",
                "1");
    clamped_put(writing, "presence_penalty", "presence_penalty", chat->presence_penalty, "0", "1");
    raw_put(out, HG_S("seed"), chat->seed);
    if (chat->logprobs != CHAT_UNSET) {
        JSON_KEY(out, "logprobs");
        json_put_bool(out, chat->logprobs == CHAT_YES);
    }
    stops_put(writing);
}

/* ---- the other members -----------------------------------------------------------------------
 */

static void thinking_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (chat->reasoning == CHAT_UNSET)
        return;
    JSON_KEY(out, "thinking");
    cohere_type_put(out, chat->reasoning == CHAT_NO ? HG_S("disabled") : HG_S("enabled"));
    if (chat->reasoning == CHAT_YES && chat->budget.n) {
        raw_put(out, HG_S("token_budget"), chat->budget);
    } else if (chat->reasoning == CHAT_YES && chat->effort.n) {
        JSON_KEY(out, "token_budget");
        json_put_u64(out, chat_budget_of_effort(chat->effort));
    }
    json_end(out);
}

static bool wants_json(const struct chat *chat)
{
    return chat->format == CHAT_FORMAT_JSON || chat->format == CHAT_FORMAT_SCHEMA;
}

static void format_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (chat->format == CHAT_FORMAT_UNSET || (wants_json(chat) && chat->tools))
        return;
    if (chat->format_description.s.n)
        translation_lose(writing->to, "response_format.description");
    JSON_KEY(out, "response_format");
    cohere_type_put(out, wants_json(chat) ? HG_S("json_object") : HG_S("text"));
    if (chat->format == CHAT_FORMAT_SCHEMA) {
        if (writing->to->traits & HG_WIRE_NO_SCHEMA)
            translation_lose(writing->to, "response_format schema");
        else
            raw_put(out, HG_S("json_schema"), chat->format_schema);
    }
    json_end(out);
}

/* Cohere has a format or tools: beside tools it is asked for in words. */
static void instruction_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (!wants_json(chat) || !chat->tools)
        return;
    translation_lose(writing->to, "response_format beside tools");
    json_obj(out);
    cohere_put_word(out, HG_S("role"), HG_S("system"));
    JSON_KEY(out, "content");
    json_str_begin(out);
    CHAIN_PUT_LIT(out, "When you do not call a tool, answer with one JSON object and nothing else");
    if (chat->format_schema.n) {
        CHAIN_PUT_LIT(out, ", which is valid by this JSON Schema: ");
        json_escape(out, chat->format_schema);
    } else {
        CHAIN_PUT_LIT(out, ".");
    }
    json_str_end(out);
    json_end(out);
}

static void losses_note(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    const struct {
        const char *name;
        bool is_lost;
    } losses[] = {
        {"n", chat->n.n && !text_is(chat->n, HG_S("1"))},
        {"top_logprobs", chat->top_logprobs.n > 0},
        {"logit_bias", chat->logit_bias.n > 0},
        {"user", chat_has(chat->user)},
        {"metadata", chat->metadata.n > 0},
        {"service_tier", chat->service_tier.n > 0},
        {"verbosity", chat->verbosity.n > 0},
        {"modalities", chat->modalities.n && !text_is(chat->modalities, HG_S("[\"text\"]"))},
        {"audio", chat->audio.n > 0},
    };

    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (losses[i].is_lost)
            translation_lose(writing->to, "%s", losses[i].name);
}

static void extras_put(struct writing *writing)
{
    static const char *const own[] = {"model",
                                      "messages",
                                      "stream",
                                      "max_tokens",
                                      "temperature",
                                      "p",
                                      "k",
                                      "seed",
                                      "stop_sequences",
                                      "tools",
                                      "tool_choice",
                                      "strict_tools",
                                      "logprobs",
                                      "response_format",
                                      "frequency_penalty",
                                      "thinking",
                                      "presence_penalty",
                                      NULL};

    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next) {
        bool is_double = writing->documents && text_is(extra->key, HG_S("documents"));

        if (is_double)
            translation_lose(writing->to, "documents");
        else if (writing->chat->from == &dialect_cohere)
            raw_put(writing->out, extra->key, extra->raw);
        else if (translation_keeps(writing->to, extra, own))
            raw_put(writing->out, extra->key, extra->raw);
    }
}

bool cohere_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error)
{
    struct writing writing = {.to = translation,
                              .chat = hosted_drop(translation, chat, NULL, error),
                              .out = out,
                              .error = error};

    if (!writing.chat)
        return false;
    json_obj(out);
    cohere_put_word(out, HG_S("model"), translation->model);
    JSON_KEY(out, "messages");
    json_arr(out);
    instruction_put(&writing);
    if (!cohere_messages_put(&writing))
        return false;
    json_end(out);
    if (writing.documents) {
        json_end(writing.documents);
        raw_put(out, HG_S("documents"), chain_flat(writing.documents, out->arena));
    }
    if (!tools_put(&writing))
        return false;
    sampling_put(&writing);
    format_put(&writing);
    thinking_put(&writing);
    losses_note(&writing);
    extras_put(&writing);
    if (chat->is_stream)
        raw_put(out, HG_S("stream"), HG_S("true"));
    json_end(out);
    return true;
}
