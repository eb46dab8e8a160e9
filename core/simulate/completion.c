/* The older completions: a prompt, or several, and texts that follow them. */
#include "simulate/chat.h"

#include <jansson.h>

#include "base/text.h"
#include "simulate/plan.h"
#include "simulate/words.h"

struct completion {
    const struct ask *ask;
    struct reply *reply;
    hg_str id;
    bool wants_usage;
    uint64_t prompt_tokens, answer_tokens;
};

/* Takes the choices over. */
static json_t *document_of(const struct completion *completion, json_t *choices)
{
    return json_pack("{s:s, s:s, s:I, s:o, s:o}", "id", completion->id.p, "object",
                     "text_completion", "created", (json_int_t)plan_created(completion->ask),
                     "model", document_of_text(ask_model(completion->ask)), "choices", choices);
}

static json_t *choice_of(uint64_t index, hg_str text, hg_str finish)
{
    return json_pack("{s:o, s:I, s:n, s:o}", "text", document_of_text(text), "index",
                     (json_int_t)index, "logprobs", "finish_reason",
                     finish.n ? document_of_text(finish) : json_null());
}

static void add_chunk(struct completion *completion, uint64_t index, hg_str text, hg_str finish)
{
    json_t *choices = json_array();

    json_array_append_new(choices, choice_of(index, text, finish));
    json_t *chunk = document_of(completion, choices);

    if (completion->wants_usage)
        json_object_set_new(chunk, "usage", json_null());
    reply_event(completion->reply, chunk);
}

static void add_choice(struct completion *completion, hg_str prompt, uint64_t index)
{
    struct plan plan;

    plan_make(completion->ask, prompt, index, &plan);
    hg_str rest = plan.text;

    for (uint64_t parts = plan_parts(completion->ask, &plan); rest.n && parts; parts--)
        add_chunk(completion, index, plan_part(&rest, words_count(rest), parts), (hg_str){0});
    if (plan.finish.n)
        add_chunk(completion, index, (hg_str){0}, plan.finish);
    completion->answer_tokens += plan.tokens;
    plan_done(&plan);
}

static hg_str prompt_of(const struct ask *ask, size_t i)
{
    const json_t *prompt = json_object_get(ask->document, "prompt");
    const json_t *one = json_is_array(prompt) ? json_array_get(prompt, i) : prompt;

    return json_is_string(one) ? (hg_str){json_string_value(one), json_string_length(one)}
                               : (hg_str){0};
}

/* A list of texts is that many prompts; a list of numbers is one prompt of tokens. */
static size_t prompt_count(const struct ask *ask)
{
    const json_t *prompt = json_object_get(ask->document, "prompt");
    bool several = json_is_array(prompt) && !json_is_integer(json_array_get(prompt, 0));

    return several ? json_array_size(prompt) : 1;
}

static void answer_streamed(struct completion *completion)
{
    const struct ask *ask = completion->ask;

    for (size_t i = 0; i < prompt_count(ask) * plan_choices(ask); i++)
        add_choice(completion, prompt_of(ask, i / plan_choices(ask)), i);
    if (completion->wants_usage && !ask->rule->no_usage) {
        json_t *chunk = document_of(completion, json_array());

        json_object_set_new(chunk, "usage",
                            plan_usage(ask, completion->prompt_tokens, completion->answer_tokens));
        reply_event(completion->reply, chunk);
    }
    if (!ask->rule->no_done)
        reply_event_text(completion->reply, HG_S("[DONE]"));
}

static void answer_whole(struct completion *completion)
{
    const struct ask *ask = completion->ask;
    json_t *choices = json_array();

    for (size_t i = 0; i < prompt_count(ask) * plan_choices(ask); i++) {
        struct plan plan;

        plan_make(ask, prompt_of(ask, i / plan_choices(ask)), i, &plan);
        completion->answer_tokens += plan.tokens;
        json_array_append_new(choices, choice_of(i, plan.text, plan.finish));
        plan_done(&plan);
    }
    json_t *document = document_of(completion, choices);

    if (!ask->rule->no_usage)
        json_object_set_new(document, "usage",
                            plan_usage(ask, completion->prompt_tokens, completion->answer_tokens));
    reply_json(completion->reply, document);
}

void completion_answer(const struct ask *ask, struct reply *reply)
{
    const json_t *options = json_object_get(ask->document, "stream_options");
    struct completion completion = {.ask = ask, .reply = reply};

    completion.id = words_id(ask->arena, "cmpl-", ask->seed);
    completion.wants_usage = json_is_true(json_object_get(options, "include_usage"));
    for (size_t i = 0; i < prompt_count(ask); i++)
        completion.prompt_tokens += words_count(prompt_of(ask, i));
    if (plan_streams(ask))
        answer_streamed(&completion);
    else
        answer_whole(&completion);
}
