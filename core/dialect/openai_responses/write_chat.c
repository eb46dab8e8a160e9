/* A request in normal form as a provider of this format takes it. */
#include "dialect/openai_responses/write_chat.h"

#include "base/text.h"
#include "dialect/hosted.h"
#include "dialect/model.h"
#include "json/write.h"

void responses_type_put(struct chain *out, const char *type)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(type));
}

void responses_raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

void responses_word_put(struct chain *out, hg_str key, hg_str word)
{
    if (!word.n)
        return;
    json_key(out, key);
    json_put_str(out, word);
}

void responses_text_member_put(struct chain *out, hg_str key, struct chat_text text)
{
    if (!chat_has(text))
        return;
    json_key(out, key);
    chat_put(out, text);
}

/* ---- tools ----------------------------------------------------------------------------------- */

/* Left out, it means yes here and no elsewhere. */
static void strict_put(struct writing *writing, enum chat_flag strict)
{
    if (strict == CHAT_UNSET && writing->is_own)
        return;
    JSON_KEY(writing->out, "strict");
    json_put_bool(writing->out, strict == CHAT_YES);
}

static void function_put(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    responses_type_put(out, "function");
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, tool->name, "_-", 64));
    if (tool->description.s.n)
        responses_text_member_put(out, HG_S("description"), tool->description);
    JSON_KEY(out, "parameters");
    json_put_raw(out,
                 tool->schema.n ? tool->schema : HG_S("{\"type\":\"object\",\"properties\":{}}"));
    strict_put(writing, tool->strict);
    json_end(out);
    if (tool->cache.n)
        translation_lose(writing->to, "cache_control");
}

/* The chat format has what a grammar is in a member of that name; here it is flat. */
static void grammar_put(struct chain *out, hg_json format)
{
    hg_json grammar = json_member(format, HG_S("grammar"));

    if (grammar.kind != HG_J_OBJ) {
        responses_raw_put(out, HG_S("format"), chat_raw(format));
        return;
    }
    JSON_KEY(out, "format");
    responses_type_put(out, "grammar");
    responses_raw_put(out, HG_S("syntax"), chat_raw(json_member(grammar, HG_S("syntax"))));
    responses_raw_put(out, HG_S("definition"), chat_raw(json_member(grammar, HG_S("definition"))));
    json_end(out);
}

static void custom_put(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;
    hg_json raw;

    responses_type_put(out, "custom");
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, tool->name, "_-", 64));
    if (tool->description.s.n)
        responses_text_member_put(out, HG_S("description"), tool->description);
    if (json_parse(out->arena, tool->raw, &raw, NULL)) {
        hg_json custom = json_member(raw, HG_S("custom"));

        grammar_put(out, json_member(custom.kind == HG_J_OBJ ? custom : raw, HG_S("format")));
    }
    json_end(out);
}

/* What other providers run too, by how its name begins there. */
static const struct {
    const char *begin, *tool;
} equals[] = {
    {"web_search", "{\"type\":\"web_search\"}"},
    {"google_search", "{\"type\":\"web_search\"}"},
    {"googleSearch", "{\"type\":\"web_search\"}"},
    {"code_execution", "{\"type\":\"code_interpreter\",\"container\":{\"type\":\"auto\"}}"},
    {"codeExecution", "{\"type\":\"code_interpreter\",\"container\":{\"type\":\"auto\"}}"},
};

static const char *equal_of(hg_str type)
{
    for (size_t i = 0; i < sizeof equals / sizeof *equals; i++)
        if (text_starts(type, text_of(equals[i].begin)))
            return equals[i].tool;
    return NULL;
}

static bool is_run(const struct translation *translation, const struct chat *chat, hg_str type)
{
    (void)translation;
    return chat->from == &dialect_openai_responses || equal_of(type);
}

static void hosted_put(struct writing *writing, const struct chat_tool *tool)
{
    if (writing->is_own)
        json_put_raw(writing->out, tool->raw);
    else
        json_put_raw(writing->out, text_of(equal_of(chat_decode(writing->out->arena, tool->name))));
}

static void tools_put(struct writing *writing)
{
    struct chain *out = writing->out;

    if (!writing->chat->tools)
        return;
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (tool->kind == CHAT_HOSTED)
            hosted_put(writing, tool);
        else if (tool->kind == CHAT_CUSTOM)
            custom_put(writing, tool);
        else
            function_put(writing, tool);
    }
    json_end(out);
}

static const struct chat_tool *tool_of(struct writing *writing, struct chat_text name)
{
    const struct chat_tool *tool = writing->chat->tools;
    hg_str wanted = chat_decode(writing->out->arena, name);

    while (tool && !text_is(chat_decode(writing->out->arena, tool->name), wanted))
        tool = tool->next;
    return tool;
}

static void named_put(struct writing *writing, struct chat_text name)
{
    const struct chat_tool *tool = tool_of(writing, name);
    struct chain *out = writing->out;

    if (tool && tool->kind == CHAT_HOSTED) {
        json_obj(out);
        responses_text_member_put(out, HG_S("type"), name);
    } else {
        responses_type_put(out, tool && tool->kind == CHAT_CUSTOM ? "custom" : "function");
        JSON_KEY(out, "name");
        json_put_str(out, translation_tool_name(writing->to, name, "_-", 64));
    }
    json_end(out);
}

static void allowed_put(struct writing *writing)
{
    struct chain *out = writing->out;

    responses_type_put(out, "allowed_tools");
    responses_word_put(out, HG_S("mode"),
                       writing->chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED ? HG_S("required")
                                                                             : HG_S("auto"));
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_name *name = writing->chat->choice_names; name; name = name->next)
        named_put(writing, name->text);
    json_end(out);
    json_end(out);
}

/* Neither means anything without tools. */
static void choice_put(struct writing *writing)
{
    static const char *const words[] = {[CHAT_CHOICE_AUTO] = "auto",
                                        [CHAT_CHOICE_NONE] = "none",
                                        [CHAT_CHOICE_REQUIRED] = "required"};
    const struct chat *chat = writing->chat;

    if (!chat->tools)
        return;
    if (chat->choice != CHAT_CHOICE_UNSET) {
        JSON_KEY(writing->out, "tool_choice");
        if (chat->choice == CHAT_CHOICE_NAMED && chat->choice_names)
            named_put(writing, chat->choice_names->text);
        else if (chat->choice <= CHAT_CHOICE_REQUIRED)
            json_put_str(writing->out, text_of(words[chat->choice]));
        else
            allowed_put(writing);
    }
    if (chat->parallel != CHAT_UNSET) {
        JSON_KEY(writing->out, "parallel_tool_calls");
        json_put_bool(writing->out, chat->parallel == CHAT_YES);
    }
}

/* ---- text and reasoning ---------------------------------------------------------------------- */

static void format_put(struct writing *writing)
{
    static const char *const types[] = {[CHAT_FORMAT_TEXT] = "text",
                                        [CHAT_FORMAT_JSON] = "json_object",
                                        [CHAT_FORMAT_SCHEMA] = "json_schema"};
    const struct chat *chat = writing->chat;
    enum chat_format format = chat->format;
    struct chain *out = writing->out;

    if (format == CHAT_FORMAT_SCHEMA && (writing->to->traits & HG_WIRE_NO_SCHEMA)) {
        translation_lose(writing->to, "response_format schema");
        format = CHAT_FORMAT_JSON;
    }
    JSON_KEY(out, "format");
    responses_type_put(out, types[format]);
    if (format == CHAT_FORMAT_SCHEMA) {
        JSON_KEY(out, "name");
        chat_put(out,
                 chat->format_name.s.n ? chat->format_name : chat_plain(HG_S("structured_output")));
        responses_text_member_put(out, HG_S("description"), chat->format_description);
        responses_raw_put(out, HG_S("schema"), chat->format_schema);
        if (chat->format_strict != CHAT_UNSET) {
            JSON_KEY(out, "strict");
            json_put_bool(out, chat->format_strict == CHAT_YES);
        }
    }
    json_end(out);
}

static void text_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->format == CHAT_FORMAT_UNSET && !chat->verbosity.n)
        return;
    JSON_KEY(writing->out, "text");
    json_obj(writing->out);
    if (chat->format != CHAT_FORMAT_UNSET)
        format_put(writing);
    responses_word_put(writing->out, HG_S("verbosity"), chat->verbosity);
    json_end(writing->out);
}

static hg_str effort_of(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    uint64_t budget;

    if (chat->effort.n || chat->reasoning == CHAT_UNSET)
        return chat->effort;
    if (chat->reasoning == CHAT_NO) {
        translation_lose(writing->to, "thinking");
        return HG_S("");
    }
    if (chat->budget.n && text_to_u64(chat->budget, &budget))
        return chat_effort_of_budget(budget);
    return HG_S("high");
}

static void reasoning_put(struct writing *writing)
{
    hg_str effort = effort_of(writing);

    if (!effort.n && !writing->chat->summary.n)
        return;
    JSON_KEY(writing->out, "reasoning");
    json_obj(writing->out);
    responses_word_put(writing->out, HG_S("effort"), effort);
    responses_word_put(writing->out, HG_S("summary"), writing->chat->summary);
    json_end(writing->out);
}

/* ---- the other members ----------------------------------------------------------------------- */

static void number_lose(struct writing *writing, hg_str number, const char *name)
{
    if (number.n)
        translation_lose(writing->to, "%s", name);
}

static const struct chat_extra *extra_of(const struct chat *chat, hg_str key)
{
    const struct chat_extra *extra = chat->extra;

    while (extra && !text_is(extra->key, key))
        extra = extra->next;
    return extra;
}

static void sampling_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    responses_raw_put(out, HG_S("max_output_tokens"), chat->max_tokens);
    if (!writing->is_own && model_of_openai_reasons(writing->to->model)) {
        number_lose(writing, chat->temperature, "temperature");
        number_lose(writing, chat->top_p, "top_p");
        if (chat->logprobs == CHAT_YES || chat->top_logprobs.n)
            translation_lose(writing->to, "logprobs");
    } else {
        responses_raw_put(out, HG_S("temperature"), chat->temperature);
        responses_raw_put(out, HG_S("top_p"), chat->top_p);
        responses_raw_put(out, HG_S("top_logprobs"), chat->top_logprobs);
        if (chat->logprobs == CHAT_YES && !extra_of(chat, HG_S("include")))
            responses_raw_put(out, HG_S("include"), HG_S("[\"message.output_text.logprobs\"]"));
    }
    number_lose(writing, chat->top_k, "top_k");
    number_lose(writing, chat->seed, "seed");
    number_lose(writing, chat->frequency_penalty, "frequency_penalty");
    number_lose(writing, chat->presence_penalty, "presence_penalty");
    number_lose(writing, chat->logit_bias, "logit_bias");
    if (!text_is(chat->n, HG_S("1")))
        number_lose(writing, chat->n, "n");
    if (chat->stops)
        translation_lose(writing->to, "stop");
    number_lose(writing, chat->audio, "audio");
    if (!text_is(chat->modalities, HG_S("[\"text\"]")))
        number_lose(writing, chat->modalities, "modalities");
}

/* Here a response is stored unless one says no, elsewhere the other way round. */
static void store_put(struct writing *writing)
{
    const struct chat_extra *store = extra_of(writing->chat, HG_S("store"));
    bool is_yes = store && text_is(store->raw, HG_S("true"));

    responses_raw_put(writing->out, HG_S("store"), is_yes ? HG_S("true") : HG_S("false"));
}

static bool is_dotted(hg_str key)
{
    return memchr(key.p, '.', key.n) != NULL;
}

static void others_put(struct writing *writing)
{
    static const char *const own[] = {"input",
                                      "instructions",
                                      "model",
                                      "stream",
                                      "tools",
                                      "store",
                                      "reasoning",
                                      "text",
                                      "tool_choice",
                                      "parallel_tool_calls",
                                      "max_output_tokens",
                                      "temperature",
                                      "top_p",
                                      "top_logprobs",
                                      "include",
                                      "service_tier",
                                      "metadata",
                                      "user",
                                      NULL};
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    responses_word_put(out, HG_S("service_tier"), chat->service_tier);
    responses_raw_put(out, HG_S("metadata"), chat->metadata);
    responses_text_member_put(out, HG_S("user"), translation_user(writing->to, chat->user, 64));
    store_put(writing);
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next) {
        if (text_is(extra->key, HG_S("store")))
            continue;
        if ((writing->is_own && !is_dotted(extra->key)) ||
            translation_keeps(writing->to, extra, own))
            responses_raw_put(out, extra->key, extra->raw);
    }
}

static bool any_custom(const struct chat *chat)
{
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (part->kind == CHAT_CALL && part->is_custom)
                return true;
    return false;
}

bool responses_write_chat(struct translation *translation, const struct chat *chat,
                          struct chain *out, struct error *error)
{
    struct writing writing = {.to = translation,
                              .chat = hosted_drop(translation, chat, is_run, error),
                              .out = out,
                              .error = error,
                              .is_own = chat->from == &dialect_openai_responses,
                              .has_custom = any_custom(chat)};

    chat = writing.chat;
    if (!chat)
        return false;
    json_obj(out);
    responses_word_put(out, HG_S("model"), translation->model);
    if (!responses_input_put(&writing))
        return false;
    tools_put(&writing);
    choice_put(&writing);
    sampling_put(&writing);
    text_put(&writing);
    reasoning_put(&writing);
    others_put(&writing);
    if (chat->is_stream)
        responses_raw_put(out, HG_S("stream"), HG_S("true"));
    json_end(out);
    return true;
}
