#include "simulate/plan.h"

#include <jansson.h>

#include "base/buffer.h"
#include "base/text.h"
#include "simulate/reply.h"
#include "simulate/words.h"

enum {
    TOKENS_USUAL = 24,
    TOKENS_REASONED = 12,
    CHOICES_MAX = 16,
    CALLS_MAX = 16
};

static uint64_t either(uint64_t wanted, uint64_t otherwise)
{
    return wanted == UNSET ? otherwise : wanted;
}

uint64_t plan_choices(const struct chat *chat)
{
    uint64_t n;

    if (!text_to_u64(chat->n, &n) || n == 0)
        return 1;
    return n > CHOICES_MAX ? CHOICES_MAX : n;
}

/* ---- the prompt ------------------------------------------------------------------------------ */

static void add_texts(struct arena *arena, struct buffer *text, const struct chat_part *part)
{
    for (; part; part = part->next) {
        hg_str piece = part->kind == CHAT_TEXT ? chat_decode(arena, part->text) : (hg_str){0};

        buffer_add(text, piece.p, piece.n);
        if (part->kind == CHAT_RESULT)
            add_texts(arena, text, part->parts);
    }
}

static hg_str texts_of(struct arena *arena, const struct chat_message *message)
{
    struct buffer buffer = {0};

    add_texts(arena, &buffer, message->parts);
    hg_str text = arena_text(arena, buffer_text(&buffer));

    buffer_done(&buffer);
    return text;
}

hg_str plan_prompt(struct arena *arena, const struct chat *chat)
{
    const struct chat_message *last = NULL;

    for (const struct chat_message *message = chat->messages; message; message = message->next)
        if (message->role == HG_ROLE_USER || message->role == HG_ROLE_TOOL)
            last = message;
    return last ? texts_of(arena, last) : HG_S("");
}

uint64_t plan_prompt_tokens(struct arena *arena, const struct chat *chat)
{
    uint64_t tokens = 3;

    for (const struct chat_message *message = chat->messages; message; message = message->next)
        tokens += 3 + words_count(texts_of(arena, message));
    return tokens;
}

/* ---- tool calls ------------------------------------------------------------------------------ */

/* What can be called: a hosted tool runs at the provider. */
static const struct chat_tool *tool_next(const struct chat_tool *tool)
{
    while (tool && tool->kind == CHAT_HOSTED)
        tool = tool->next;
    return tool;
}

static const struct chat_tool *tool_named(struct arena *arena, const struct chat *chat, hg_str name)
{
    const struct chat_tool *tool = tool_next(chat->tools);

    while (tool && !text_is(chat_decode(arena, tool->name), name))
        tool = tool_next(tool->next);
    return tool;
}

/* The prompt names a tool: that is a wish to see it called. */
static const struct chat_tool *tool_in_prompt(struct arena *arena, const struct chat *chat,
                                              hg_str prompt)
{
    const struct chat_tool *tool = tool_next(chat->tools);

    for (; tool; tool = tool_next(tool->next)) {
        hg_str name = chat_decode(arena, tool->name);

        if (name.n && prompt.n && memmem(prompt.p, prompt.n, name.p, name.n))
            break;
    }
    return tool;
}

/* The last message brings a tool's result: the model speaks again. */
static bool tool_has_answered(const struct chat *chat)
{
    const struct chat_message *last = chat->messages;

    while (last && last->next)
        last = last->next;
    return last && last->role == HG_ROLE_TOOL;
}

/* Which tool is to be called first, or NULL. */
static const struct chat_tool *tool_wanted(struct arena *arena, const struct chat *chat,
                                           hg_str prompt)
{
    const struct chat_name *name = chat->choice_names;

    switch (chat->choice) {
    case CHAT_CHOICE_NONE:
        return NULL;
    case CHAT_CHOICE_NAMED:
    case CHAT_CHOICE_ALLOWED_REQUIRED:
        return name ? tool_named(arena, chat, chat_decode(arena, name->text)) : NULL;
    case CHAT_CHOICE_REQUIRED:
        return tool_next(chat->tools);
    default:
        return tool_has_answered(chat) ? NULL : tool_in_prompt(arena, chat, prompt);
    }
}

static hg_str value_of_schema(struct arena *arena, hg_str schema, uint64_t seed)
{
    json_t *parsed = schema.n ? json_loadb(schema.p, schema.n, JSON_ALLOW_NUL, NULL) : NULL;
    json_t *value = json_is_object(parsed) ? words_of_schema(parsed, seed) : json_object();
    hg_str text = document_text(arena, value);

    json_decref(value);
    json_decref(parsed);
    return text;
}

static hg_str call_arguments(const struct ask *ask, const struct chat_tool *tool, uint64_t seed)
{
    if (ask->rule->tool_arguments.n)
        return ask->rule->tool_arguments;
    if (tool && tool->kind == CHAT_CUSTOM)
        return words_sentences(ask->arena, seed, 8);
    return value_of_schema(ask->arena, tool ? tool->schema : (hg_str){0}, seed);
}

static hg_str call_id(const struct ask *ask, uint64_t seed)
{
    const char *prefix = ask->dialect == &dialect_anthropic  ? "toolu_"
                         : ask->dialect == &dialect_converse ? "tooluse_"
                                                             : "call_";

    return words_id(ask->arena, prefix, seed);
}

static void calls_make(const struct ask *ask, const struct chat *chat, hg_str prompt, uint64_t seed,
                       struct plan *plan)
{
    const struct rule *rule = ask->rule;
    const struct chat_tool *tool = rule->tool.n ? tool_named(ask->arena, chat, rule->tool)
                                                : tool_wanted(ask->arena, chat, prompt);
    uint64_t count = either(rule->tool_calls, 1);

    if (!tool && !rule->tool.n)
        return;
    if (count > CALLS_MAX)
        count = CALLS_MAX;
    plan->calls = arena_alloc(ask->arena, (count + 1) * sizeof *plan->calls);
    for (; plan->call_count < count; plan->call_count++) {
        uint64_t own = words_mix(seed, plan->call_count);
        struct plan_call *call = &plan->calls[plan->call_count];

        call->id = call_id(ask, own);
        call->name = tool ? chat_decode(ask->arena, tool->name) : rule->tool;
        call->args = call_arguments(ask, tool, own);
        plan->tokens += 1 + words_count(call->args);
        if (tool && !(tool = tool_next(tool->next)))
            tool = tool_next(chat->tools);
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

/* A document of the wanted format, if the request wants one. */
static hg_str formatted_text(const struct ask *ask, const struct chat *chat, uint64_t seed)
{
    if (chat->format == CHAT_FORMAT_JSON)
        return arena_fmt(ask->arena, "{\"answer\":%d}", (int)(seed % 1000));
    if (chat->format == CHAT_FORMAT_SCHEMA)
        return value_of_schema(ask->arena, chat->format_schema, seed);
    return (hg_str){0};
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

/* What the rule says; else some, if it was asked for and its provider shows it. */
static hg_str reasoning_of(const struct ask *ask, const struct chat *chat, uint64_t seed)
{
    if (ask->rule->reasoning.n || chat->reasoning != CHAT_YES ||
        ask->dialect == &dialect_openai_chat)
        return ask->rule->reasoning;
    return words_sentences(ask->arena, ~seed, TOKENS_REASONED);
}

/* True if the text had to be cut. */
static bool cut_to_limit(const struct chat *chat, hg_str *text)
{
    uint64_t limit;

    if (!text_to_u64(chat->max_tokens, &limit) || words_count(*text) <= limit)
        return false;
    *text = words_cut(*text, limit);
    return true;
}

static uint32_t finish_of(hg_str word, uint32_t otherwise)
{
    static const struct {
        const char *word;
        uint32_t finish;
    } words[] = {
        {"none", 0},
        {"stop", HG_FIN_STOP},
        {"length", HG_FIN_LENGTH},
        {"tool_calls", HG_FIN_TOOLS},
        {"content_filter", HG_FIN_FILTER},
    };

    if (!word.n)
        return otherwise;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(word, text_of(words[i].word)))
            return words[i].finish;
    return HG_FIN_OTHER;
}

void plan_make(const struct ask *ask, const struct chat *chat, hg_str prompt, uint64_t index,
               struct plan *ret)
{
    uint64_t seed = words_mix(ask->seed, index);
    uint32_t finish = HG_FIN_STOP;

    *ret = (struct plan){.reasoning = reasoning_of(ask, chat, seed)};
    if (ret->reasoning.n)
        ret->signature = words_id(ask->arena, "", ~seed);
    calls_make(ask, chat, prompt, seed, ret);
    if (ask->rule->text.n)
        ret->text = ask->rule->text;
    else if (!ret->call_count && !(ret->text = formatted_text(ask, chat, seed)).n)
        ret->text = usual_text(ask, prompt, seed);
    if (ret->call_count)
        finish = HG_FIN_TOOLS;
    else if (cut_to_limit(chat, &ret->text))
        finish = HG_FIN_LENGTH;
    ret->finish = finish_of(ask->rule->finish, finish);
    ret->tokens += words_count(ret->text) + words_count(ret->reasoning);
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

hg_usage plan_usage(const struct ask *ask, uint64_t prompt_tokens, uint64_t answer_tokens,
                    uint64_t reasoning_tokens)
{
    const struct rule *rule = ask->rule;

    return (hg_usage){
        .size = sizeof(hg_usage),
        .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED | HG_U_REASONING,
        .input = either(rule->prompt_tokens, prompt_tokens),
        .output = either(rule->completion_tokens, answer_tokens),
        .cached_input = either(rule->cached_tokens, 0),
        .reasoning = either(rule->reasoning_tokens, reasoning_tokens),
    };
}
