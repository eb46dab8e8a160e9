/* Chat completions: the same plan is put into one document or into the events of a stream. */
#include "simulate/chat.h"

#include <jansson.h>

#include "base/buffer.h"
#include "base/text.h"
#include "simulate/plan.h"
#include "simulate/words.h"

/* What the chunks of one stream, or the document, have in common. */
struct chat {
    const struct ask *ask;
    struct reply *reply;
    hg_str id, prompt;
    bool wants_usage; /* the request asked for the usage chunk */
    uint64_t prompt_tokens, answer_tokens;
};

/* ---- what was asked ------------------------------------------------------------------------ */

/* The text of a message's content: a string, or the text parts of a list. */
static void add_content(struct buffer *text, const json_t *message)
{
    const json_t *content = json_object_get(message, "content"), *part;
    size_t i;

    if (json_is_string(content))
        buffer_add(text, json_string_value(content), json_string_length(content));
    json_array_foreach(content, i, part) {
        hg_str piece = document_member_text(part, "text");

        buffer_add(text, piece.p, piece.n);
    }
}

static hg_str kept(struct arena *arena, struct buffer *buffer)
{
    hg_str text = arena_text(arena, buffer_text(buffer));

    buffer_done(buffer);
    return text;
}

/* The last message that is the user's or a tool's. */
static hg_str last_words(const struct ask *ask)
{
    const json_t *messages = json_object_get(ask->document, "messages");
    struct buffer text = {0};

    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        hg_str role = document_member_text(message, "role");

        if (!text_is(role, HG_S("user")) && !text_is(role, HG_S("tool")))
            continue;
        add_content(&text, message);
        break;
    }
    return kept(ask->arena, &text);
}

static uint64_t count_prompt(const struct ask *ask)
{
    const json_t *messages = json_object_get(ask->document, "messages"), *message;
    uint64_t tokens = 3;
    size_t i;

    json_array_foreach(messages, i, message) {
        struct buffer text = {0};

        add_content(&text, message);
        tokens += 3 + words_count(buffer_text(&text));
        buffer_done(&text);
    }
    return tokens;
}

/* ---- one document ---------------------------------------------------------------------------- */

static json_t *choice_of(const struct chat *chat, uint64_t index, uint64_t *tokens)
{
    struct plan plan;

    plan_make(chat->ask, chat->prompt, index, &plan);
    json_t *message = json_pack("{s:s}", "role", "assistant");

    json_object_set_new(message, "content",
                        plan.text.n ? document_of_text(plan.text) : json_null());
    if (plan.reasoning.n)
        json_object_set_new(message, "reasoning_content", document_of_text(plan.reasoning));
    json_object_set_new(message, "refusal", json_null());
    if (plan.calls)
        json_object_set(message, "tool_calls", plan.calls);
    *tokens += plan.tokens;
    json_t *choice = json_pack("{s:I, s:o, s:n, s:o}", "index", (json_int_t)index, "message",
                               message, "logprobs", "finish_reason",
                               plan.finish.n ? document_of_text(plan.finish) : json_null());

    plan_done(&plan);
    return choice;
}

static void answer_whole(struct chat *chat)
{
    json_t *choices = json_array(), *document;

    for (uint64_t i = 0; i < plan_choices(chat->ask); i++)
        json_array_append_new(choices, choice_of(chat, i, &chat->answer_tokens));
    document = json_pack("{s:s, s:s, s:I, s:o, s:o}", "id", chat->id.p, "object", "chat.completion",
                         "created", (json_int_t)plan_created(chat->ask), "model",
                         document_of_text(ask_model(chat->ask)), "choices", choices);
    if (!chat->ask->rule->no_usage)
        json_object_set_new(document, "usage",
                            plan_usage(chat->ask, chat->prompt_tokens, chat->answer_tokens));
    json_object_set_new(document, "system_fingerprint", json_string("fp_simulated"));
    reply_json(chat->reply, document);
}

/* ---- a stream ------------------------------------------------------------------------------ */

/* One chunk with these choices; usage is null where the real one would say null. */
static void add_chunk(struct chat *chat, json_t *choices, json_t *usage)
{
    json_t *chunk =
        json_pack("{s:s, s:s, s:I, s:o, s:s, s:o}", "id", chat->id.p, "object",
                  "chat.completion.chunk", "created", (json_int_t)plan_created(chat->ask), "model",
                  document_of_text(ask_model(chat->ask)), "system_fingerprint", "fp_simulated",
                  "choices", choices);

    if (!usage && text_is(chat->ask->rule->usage, HG_S("every")))
        usage = plan_usage(chat->ask, chat->prompt_tokens, chat->answer_tokens);
    if (!usage && chat->wants_usage && !chat->ask->rule->usage.n)
        usage = json_null();
    if (usage)
        json_object_set_new(chunk, "usage", usage);
    reply_event(chat->reply, chunk);
}

/* Takes the delta over; an empty finish is null. */
static json_t *choices_of(uint64_t index, json_t *delta, hg_str finish)
{
    return json_pack("[{s:I, s:o, s:n, s:o}]", "index", (json_int_t)index, "delta", delta,
                     "logprobs", "finish_reason",
                     finish.n ? document_of_text(finish) : json_null());
}

static void add_delta(struct chat *chat, uint64_t index, json_t *delta)
{
    add_chunk(chat, choices_of(index, delta, (hg_str){0}), NULL);
}

static void add_reasoning(struct chat *chat, uint64_t index, hg_str rest)
{
    while (rest.n) {
        hg_str word = words_next(&rest);

        chat->answer_tokens++;
        add_delta(chat, index, json_pack("{s:o}", "reasoning_content", document_of_text(word)));
    }
}

static void add_text(struct chat *chat, uint64_t index, const struct plan *plan)
{
    uint64_t parts = plan_parts(chat->ask, plan);
    hg_str rest = plan->text;

    for (; rest.n && parts; parts--) {
        hg_str part = plan_part(&rest, words_count(rest), parts);

        chat->answer_tokens += words_count(part);
        add_delta(chat, index, json_pack("{s:o}", "content", document_of_text(part)));
    }
}

/* The name first, then the arguments in pieces that end anywhere, though not inside a character. */
static void add_call(struct chat *chat, uint64_t index, const json_t *call, size_t place)
{
    enum {
        PIECE = 7
    };
    const json_t *function = json_object_get(call, "function");
    hg_str rest = document_member_text(function, "arguments");

    chat->answer_tokens += 1 + words_count(rest);
    add_delta(chat, index,
              json_pack("{s:[{s:i, s:O, s:O, s:{s:O, s:s}}]}", "tool_calls", "index", (int)place,
                        "id", json_object_get(call, "id"), "type", json_object_get(call, "type"),
                        "function", "name", json_object_get(function, "name"), "arguments", ""));
    while (rest.n) {
        size_t n = rest.n < PIECE ? rest.n : PIECE;

        while (n < rest.n && ((unsigned char)rest.p[n] & 0xc0) == 0x80)
            n++;
        add_delta(chat, index,
                  json_pack("{s:[{s:i, s:{s:o}}]}", "tool_calls", "index", (int)place, "function",
                            "arguments", document_of_text((hg_str){rest.p, n})));
        rest.p += n, rest.n -= n;
    }
}

static void add_choice(struct chat *chat, uint64_t index)
{
    bool on_finish = text_is(chat->ask->rule->usage, HG_S("finish"));
    struct plan plan;
    json_t *call;
    size_t i;

    plan_make(chat->ask, chat->prompt, index, &plan);
    add_delta(chat, index, json_pack("{s:s, s:s}", "role", "assistant", "content", ""));
    add_reasoning(chat, index, plan.reasoning);
    add_text(chat, index, &plan);
    json_array_foreach(plan.calls, i, call)
        add_call(chat, index, call, i);
    if (plan.finish.n)
        add_chunk(chat, choices_of(index, json_object(), plan.finish),
                  on_finish ? plan_usage(chat->ask, chat->prompt_tokens, chat->answer_tokens)
                            : NULL);
    plan_done(&plan);
}

static void answer_streamed(struct chat *chat)
{
    const struct rule *rule = chat->ask->rule;
    bool as_chunk = rule->usage.n ? text_is(rule->usage, HG_S("chunk")) : chat->wants_usage;

    for (uint64_t i = 0; rule->comments != UNSET && i < rule->comments; i++)
        reply_comment(chat->reply, HG_S("SIMULATING"));
    for (uint64_t i = 0; i < plan_choices(chat->ask); i++)
        add_choice(chat, i);
    if (as_chunk && !rule->no_usage)
        add_chunk(chat, json_array(),
                  plan_usage(chat->ask, chat->prompt_tokens, chat->answer_tokens));
    if (!rule->no_done)
        reply_event_text(chat->reply, HG_S("[DONE]"));
}

/* ---- the whole ------------------------------------------------------------------------------- */

void chat_answer(const struct ask *ask, struct reply *reply)
{
    const json_t *options = json_object_get(ask->document, "stream_options");
    struct chat chat = {.ask = ask, .reply = reply};

    if (json_array_size(json_object_get(ask->document, "messages")) == 0) {
        reply_error(reply, 400, (hg_str){0}, (hg_str){0}, HG_S("messages"),
                    HG_S("Missing required parameter: 'messages'."));
        return;
    }
    chat.id = words_id(ask->arena, "chatcmpl-", ask->seed);
    chat.prompt = last_words(ask);
    chat.prompt_tokens = count_prompt(ask);
    chat.wants_usage = json_is_true(json_object_get(options, "include_usage"));
    if (plan_streams(ask))
        answer_streamed(&chat);
    else
        answer_whole(&chat);
}
