#include "simulate/plan.h"

#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "simulate/words.h"

enum {
    TOKENS_USUAL = 24,
    CHOICES_MAX = 16,
    CALLS_MAX = 16,
    SECONDS_BASE = 1700000000
};

uint64_t plan_choices(const struct ask *ask)
{
    uint64_t n = document_member_number(ask->document, "n");

    return n == UNSET || n == 0 ? 1 : n > CHOICES_MAX ? CHOICES_MAX : n;
}

bool plan_streams(const struct ask *ask)
{
    return json_is_true(json_object_get(ask->document, "stream"));
}

int64_t plan_created(const struct ask *ask)
{
    return SECONDS_BASE + (int64_t)(ask->seed % 10000000);
}

static uint64_t either(uint64_t wanted, uint64_t otherwise)
{
    return wanted == UNSET ? otherwise : wanted;
}

/* ---- tool calls -------------------------------------------------------------------------- */

static const json_t *tool_function(const json_t *tools, size_t i)
{
    return json_object_get(json_array_get(tools, i), "function");
}

/* The place of the tool of that name, or -1. */
static int tool_place(const json_t *tools, hg_str name)
{
    for (size_t i = 0; name.n && i < json_array_size(tools); i++)
        if (text_is(document_member_text(tool_function(tools, i), "name"), name))
            return (int)i;
    return -1;
}

/* The prompt names a tool: that is a wish to see it called. */
static int tool_in_prompt(const json_t *tools, hg_str prompt)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        hg_str name = document_member_text(tool_function(tools, i), "name");

        if (name.n && prompt.n && memmem(prompt.p, prompt.n, name.p, name.n))
            return (int)i;
    }
    return -1;
}

/* The last message brings a tool's result: the model speaks again. */
static bool tool_has_answered(const struct ask *ask)
{
    const json_t *messages = json_object_get(ask->document, "messages");
    size_t n = json_array_size(messages);

    return n &&
           text_is(document_member_text(json_array_get(messages, n - 1), "role"), HG_S("tool"));
}

/* Which tool is to be called first, or -1. */
static int tool_wanted(const struct ask *ask, const json_t *tools, hg_str prompt)
{
    const json_t *choice = json_object_get(ask->document, "tool_choice");
    hg_str mode = document_member_text(ask->document, "tool_choice");

    if (json_array_size(tools) == 0 || text_is(mode, HG_S("none")))
        return -1;
    if (json_is_object(choice))
        return tool_place(tools, document_member_text(json_object_get(choice, "function"), "name"));
    if (text_is(mode, HG_S("required")))
        return 0;
    return tool_has_answered(ask) ? -1 : tool_in_prompt(tools, prompt);
}

static json_t *call_arguments(const struct ask *ask, const json_t *function, uint64_t seed)
{
    const json_t *parameters = json_object_get(function, "parameters");
    json_t *arguments;

    if (ask->rule->tool_arguments.n)
        return document_of_text(ask->rule->tool_arguments);
    arguments = json_is_object(parameters) ? words_of_schema(parameters, seed) : json_object();
    json_t *text = document_of_text(document_text(ask->arena, arguments));

    json_decref(arguments);
    return text;
}

static json_t *call_make(const struct ask *ask, hg_str name, const json_t *function, uint64_t seed)
{
    return json_pack("{s:s, s:s, s:{s:o, s:o}}", "id", words_id(ask->arena, "call_", seed).p,
                     "type", "function", "function", "name", document_of_text(name), "arguments",
                     call_arguments(ask, function, seed));
}

static json_t *calls_make(const struct ask *ask, hg_str prompt, uint64_t seed)
{
    const json_t *tools = json_object_get(ask->document, "tools");
    int first =
        ask->rule->tool.n ? tool_place(tools, ask->rule->tool) : tool_wanted(ask, tools, prompt);
    uint64_t count = either(ask->rule->tool_calls, 1);
    json_t *calls;

    if (count == 0 || (first < 0 && !ask->rule->tool.n))
        return NULL;
    calls = json_array();
    for (uint64_t i = 0; i < count && i < CALLS_MAX; i++) {
        size_t place = first < 0 ? 0 : ((size_t)first + i) % json_array_size(tools);
        const json_t *function = first < 0 ? NULL : tool_function(tools, place);
        hg_str name = first < 0 ? ask->rule->tool : document_member_text(function, "name");

        json_array_append_new(calls, call_make(ask, name, function, words_mix(seed, i)));
    }
    return calls;
}

static uint64_t calls_tokens(const json_t *calls)
{
    uint64_t tokens = 0;
    const json_t *call;
    size_t i;

    json_array_foreach(calls, i, call) {
        const json_t *function = json_object_get(call, "function");

        tokens += 1 + words_count(document_member_text(function, "arguments"));
    }
    return tokens;
}

/* ---- text -------------------------------------------------------------------------------- */

/* A document of the wanted format, if the request wants one. */
static hg_str formatted_text(const struct ask *ask, uint64_t seed)
{
    const json_t *format = json_object_get(ask->document, "response_format");
    hg_str type = document_member_text(format, "type");
    const json_t *schema = json_object_get(json_object_get(format, "json_schema"), "schema");
    json_t *value;

    if (text_is(type, HG_S("json_object")))
        value = json_pack("{s:i}", "answer", (int)(seed % 1000));
    else if (text_is(type, HG_S("json_schema")) && json_is_object(schema))
        value = words_of_schema(schema, seed);
    else
        return (hg_str){0};
    hg_str text = document_text(ask->arena, value);

    json_decref(value);
    return text;
}

/* The digest of the prompt and its first words, then sentences. */
static hg_str usual_text(const struct ask *ask, hg_str prompt, uint64_t seed)
{
    hg_str echo = words_cut(text_trim(prompt), 8);
    hg_str start = arena_fmt(ask->arena, "Answer %08x to \"%.*s\":", (unsigned)words_hash(prompt),
                             TEXT_ARG(echo));
    uint64_t wanted = either(ask->rule->tokens, TOKENS_USUAL), used;

    if (ask->rule->tokens == UNSET && ask->rule->events != UNSET && ask->rule->events > wanted)
        wanted = ask->rule->events;
    used = words_count(start);
    if (used >= wanted)
        return words_cut(start, wanted);
    hg_str rest = words_sentences(ask->arena, seed, wanted - used);

    return arena_fmt(ask->arena, "%.*s %.*s", TEXT_ARG(start), TEXT_ARG(rest));
}

/* True if the text had to be cut. */
static bool cut_to_limit(const struct ask *ask, hg_str *text)
{
    uint64_t limit = document_member_number(ask->document, "max_completion_tokens");

    if (limit == UNSET)
        limit = document_member_number(ask->document, "max_tokens");
    if (limit == UNSET || words_count(*text) <= limit)
        return false;
    *text = words_cut(*text, limit);
    return true;
}

void plan_make(const struct ask *ask, hg_str prompt, uint64_t index, struct plan *ret)
{
    uint64_t seed = words_mix(ask->seed, index);
    const char *finish = "stop";

    *ret = (struct plan){.reasoning = ask->rule->reasoning};
    ret->calls = calls_make(ask, prompt, seed);
    if (ask->rule->text.n)
        ret->text = ask->rule->text;
    else if (!ret->calls && !(ret->text = formatted_text(ask, seed)).n)
        ret->text = usual_text(ask, prompt, seed);
    if (ret->calls)
        finish = "tool_calls";
    else if (cut_to_limit(ask, &ret->text))
        finish = "length";
    ret->finish = ask->rule->finish.n ? ask->rule->finish : text_of(finish);
    if (text_is(ret->finish, HG_S("none")))
        ret->finish = (hg_str){0};
    ret->tokens = words_count(ret->text) + words_count(ret->reasoning) + calls_tokens(ret->calls);
}

void plan_done(struct plan *plan)
{
    json_decref(plan->calls);
    plan->calls = NULL;
}

uint64_t plan_parts(const struct ask *ask, const struct plan *plan)
{
    uint64_t words = words_count(plan->text);
    uint64_t wanted = either(ask->rule->events, words);

    return wanted < words ? (wanted ? wanted : 1) : words;
}

hg_str plan_part(hg_str *rest, uint64_t words_left, uint64_t parts_left)
{
    hg_str part = words_cut(*rest, (words_left + parts_left - 1) / parts_left);

    rest->p += part.n, rest->n -= part.n;
    return part;
}

json_t *plan_usage(const struct ask *ask, uint64_t prompt_tokens, uint64_t answer_tokens)
{
    const struct rule *rule = ask->rule;
    json_int_t in = (json_int_t)either(rule->prompt_tokens, prompt_tokens);
    json_int_t out = (json_int_t)either(rule->completion_tokens, answer_tokens);
    json_int_t reasoning = (json_int_t)either(rule->reasoning_tokens, words_count(rule->reasoning));

    return json_pack("{s:I, s:I, s:I, s:{s:I}, s:{s:I}}", "prompt_tokens", in, "completion_tokens",
                     out, "total_tokens", in + out, "prompt_tokens_details", "cached_tokens",
                     (json_int_t)either(rule->cached_tokens, 0), "completion_tokens_details",
                     "reasoning_tokens", reasoning);
}
