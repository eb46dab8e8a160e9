/* A request in normal form as a provider of this format takes it. */
#include "dialect/openai_chat/write_chat.h"
#include "base/text.h"
#include "dialect/hosted.h"
#include "dialect/model.h"
#include "json/write.h"

/* ---- tools -------------------------------------------------------------------------------------
 */

static void function_put(struct writing *writing, const struct chat_tool *tool)
{
    struct chain *out = writing->out;

    openai_put_type(out, "function");
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, tool->name, "_-", 64));
    if (tool->description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, tool->description);
    }
    JSON_KEY(out, "parameters");
    json_put_raw(out,
                 tool->schema.n ? tool->schema : HG_S("{\"type\":\"object\",\"properties\":{}}"));
    if (tool->strict != CHAT_UNSET) {
        JSON_KEY(out, "strict");
        json_put_bool(out, tool->strict == CHAT_YES);
    }
    json_end(out);
    json_end(out);
    if (tool->cache.n)
        translation_lose(writing->to, "cache_control");
}

static void tools_put(struct writing *writing)
{
    struct chain *out = writing->out;

    if (!writing->chat->tools)
        return;
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (tool->kind == CHAT_CUSTOM && writing->chat->from == &dialect_openai_chat)
            json_put_raw(out, tool->raw);
        else
            function_put(writing, tool);
    }
    json_end(out);
}

static void named_put(struct writing *writing, struct chat_text name)
{
    struct chain *out = writing->out;

    openai_put_type(out, "function");
    JSON_KEY(out, "function");
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, translation_tool_name(writing->to, name, "_-", 64));
    json_end(out);
    json_end(out);
}

static void allowed_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    openai_put_type(out, "allowed_tools");
    JSON_KEY(out, "allowed_tools");
    json_obj(out);
    openai_put_word(out, HG_S("mode"),
                    chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED ? "required" : "auto");
    JSON_KEY(out, "tools");
    json_arr(out);
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        named_put(writing, name->text);
    json_end(out);
    json_end(out);
    json_end(out);
}

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
        else if (chat->choice == CHAT_CHOICE_REQUIRED && writing->to->traits & HG_WIRE_MISTRAL)
            json_put_str(writing->out, HG_S("any"));
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

/* ---- the other members -------------------------------------------------------------------------
 */

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

static void word_put(struct chain *out, hg_str key, hg_str word)
{
    if (!word.n)
        return;
    json_key(out, key);
    json_put_str(out, word);
}

static void sampling_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool is_new =
        model_of_openai_reasons(writing->to->model) && !(writing->to->traits & HG_WIRE_MAX_TOKENS);

    raw_put(out, is_new ? HG_S("max_completion_tokens") : HG_S("max_tokens"), chat->max_tokens);
    raw_put(out, HG_S("temperature"), chat->temperature);
    raw_put(out, HG_S("top_p"), chat->top_p);
    if (chat->top_k.n && !(writing->to->traits & HG_WIRE_TOP_K))
        translation_lose(writing->to, "top_k");
    else
        raw_put(out, HG_S("top_k"), chat->top_k);
    raw_put(out, HG_S("n"), chat->n);
    raw_put(out, HG_S("seed"), chat->seed);
    raw_put(out, HG_S("frequency_penalty"), chat->frequency_penalty);
    raw_put(out, HG_S("presence_penalty"), chat->presence_penalty);
    raw_put(out, HG_S("logit_bias"), chat->logit_bias);
    if (chat->logprobs != CHAT_UNSET) {
        JSON_KEY(out, "logprobs");
        json_put_bool(out, chat->logprobs == CHAT_YES);
    }
    raw_put(out, HG_S("top_logprobs"), chat->top_logprobs);
    if (!chat->stops)
        return;
    JSON_KEY(out, "stop");
    json_arr(out);
    for (const struct chat_name *stop = chat->stops; stop; stop = stop->next)
        chat_put(out, stop->text);
    json_end(out);
}

static void schema_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    JSON_KEY(out, "json_schema");
    json_obj(out);
    JSON_KEY(out, "name");
    chat_put(out,
             chat->format_name.s.n ? chat->format_name : chat_plain(HG_S("structured_output")));
    if (chat->format_description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, chat->format_description);
    }
    raw_put(out, HG_S("schema"), chat->format_schema);
    if (chat->format_strict != CHAT_UNSET) {
        JSON_KEY(out, "strict");
        json_put_bool(out, chat->format_strict == CHAT_YES);
    }
    json_end(out);
}

static void format_put(struct writing *writing)
{
    static const char *const types[] = {[CHAT_FORMAT_TEXT] = "text",
                                        [CHAT_FORMAT_JSON] = "json_object",
                                        [CHAT_FORMAT_SCHEMA] = "json_schema"};
    enum chat_format format = writing->chat->format;

    if (format == CHAT_FORMAT_UNSET)
        return;
    if (format == CHAT_FORMAT_SCHEMA && (writing->to->traits & HG_WIRE_NO_SCHEMA)) {
        translation_lose(writing->to, "response_format schema");
        format = CHAT_FORMAT_JSON;
    }
    JSON_KEY(writing->out, "response_format");
    openai_put_type(writing->out, types[format]);
    if (format == CHAT_FORMAT_SCHEMA)
        schema_put(writing);
    json_end(writing->out);
}

static void effort_put(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    hg_str effort = chat->effort;
    uint64_t budget;

    if (chat->reasoning == CHAT_UNSET)
        return;
    if (chat->reasoning == CHAT_NO && !effort.n) {
        translation_lose(writing->to, "thinking");
        return;
    }
    if (!effort.n && chat->budget.n && text_to_u64(chat->budget, &budget))
        effort = chat_effort_of_budget(budget);
    if (!effort.n || (writing->to->traits & HG_WIRE_MISTRAL && !text_is(effort, HG_S("none"))))
        effort = HG_S("high"); /* Mistral knows no other */
    word_put(writing->out, HG_S("reasoning_effort"), effort);
}

static void others_put(struct writing *writing)
{
    static const char *const own[] = {"messages",
                                      "model",
                                      "stream",
                                      "tools",
                                      "stream_options",
                                      "tool_choice",
                                      "parallel_tool_calls",
                                      "max_tokens",
                                      "max_completion_tokens",
                                      "temperature",
                                      "top_p",
                                      "top_k",
                                      "n",
                                      "seed",
                                      "frequency_penalty",
                                      "presence_penalty",
                                      "logit_bias",
                                      "logprobs",
                                      "top_logprobs",
                                      "stop",
                                      "response_format",
                                      "reasoning_effort",
                                      "verbosity",
                                      "service_tier",
                                      "metadata",
                                      "modalities",
                                      "audio",
                                      "user",
                                      NULL};
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    word_put(out, HG_S("verbosity"), chat->verbosity);
    word_put(out, HG_S("service_tier"), chat->service_tier);
    raw_put(out, HG_S("metadata"), chat->metadata);
    raw_put(out, HG_S("modalities"), chat->modalities);
    raw_put(out, HG_S("audio"), chat->audio);
    if (chat_has(chat->user)) {
        JSON_KEY(out, "user");
        chat_put(out, translation_user(writing->to, chat->user, 64));
    }
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        if (translation_keeps(writing->to, extra, own))
            raw_put(out, extra->key, extra->raw);
}

bool openai_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error)
{
    struct writing writing = {translation, hosted_drop(translation, chat, NULL, error), out};

    chat = writing.chat;
    if (!chat)
        return false;
    json_obj(out);
    word_put(out, HG_S("model"), translation->model);
    JSON_KEY(out, "messages");
    json_arr(out);
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        openai_message_put(&writing, message);
    json_end(out);
    tools_put(&writing);
    choice_put(&writing);
    sampling_put(&writing);
    format_put(&writing);
    effort_put(&writing);
    others_put(&writing);
    if (chat->is_stream) {
        JSON_KEY(out, "stream");
        json_put_bool(out, true);
        if (!(translation->traits & HG_WIRE_NO_STREAM_USAGE))
            raw_put(out, HG_S("stream_options"), HG_S("{\"include_usage\":true}"));
    }
    json_end(out);
    return true;
}
