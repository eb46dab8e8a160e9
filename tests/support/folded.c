#include "support/folded.h"

#include "base/text.h"
#include "support/canonical.h"

void folded_begin(struct folded *folded, struct arena *arena)
{
    *folded = (struct folded){.arena = arena,
                              .text = chain_new(arena),
                              .reasoning = chain_new(arena),
                              .refusal = chain_new(arena),
                              .signatures = chain_new(arena),
                              .citations = chain_new(arena),
                              .is_whole = true};
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void broken(struct folded *folded, const char *what)
{
    if (!folded->broken)
        folded->broken = what;
}

static void call_begin(struct folded *folded, const hg_event *event)
{
    struct arena *arena = folded->arena;

    if (event->index != folded->call_count || event->index >= FOLDED_CALLS) {
        broken(folded, "calls are not counted from 0");
        return;
    }
    if (!event->id.n || !event->name.n)
        broken(folded, "a call has no id or name");
    folded->calls[folded->call_count++] =
        (struct folded_call){.id = arena_text(arena, event->id),
                             .name = arena_text(arena, event->name),
                             .args = chain_new(arena)};
}

static void args_add(struct folded *folded, const hg_event *event)
{
    if (event->index >= folded->call_count)
        broken(folded, "arguments before their call");
    else
        chain_put(folded->calls[event->index].args, event->text.p, event->text.n);
}

/* The address alone: where in the text it stands is told in many ways, and by some not at all. */
static void citation_add(struct folded *folded, hg_str annotation)
{
    hg_json root, url;
    hg_str text;

    if (!json_parse(folded->arena, annotation, &root, NULL))
        return;
    url = json_get(root, "/url_citation/url");
    text = json_str(folded->arena, url.kind ? url : json_member(root, HG_S("url")));
    chain_put(folded->citations, text.p, text.n);
    if (text.n)
        CHAIN_PUT_LIT(folded->citations, " ");
}

static void finish_add(struct folded *folded, const hg_event *event)
{
    if (folded->finishes++)
        broken(folded, "two finishes");
    if (!event->finish)
        broken(folded, "a finish of nothing");
    folded->finish = event->finish;
    folded->stop = arena_text(folded->arena, event->text);
}

static void content_add(struct folded *folded, const hg_event *event)
{
    if (event->type == HG_EV_REFUSAL)
        chain_put(folded->refusal, event->text.p, event->text.n);
    if (event->type == HG_EV_CITATION)
        citation_add(folded, event->text);
    switch (event->type) {
    case HG_EV_TEXT:
    case HG_EV_REFUSAL: /* the other reader took both for text */
        chain_put(folded->text, event->text.p, event->text.n);
        break;
    case HG_EV_REASONING:
        chain_put(folded->reasoning, event->text.p, event->text.n);
        chain_put(folded->signatures, event->id.p, event->id.n);
        chain_put(folded->signatures, event->name.p, event->name.n);
        break;
    case HG_EV_TOOL_START:
        call_begin(folded, event);
        break;
    case HG_EV_TOOL_ARGS:
        args_add(folded, event);
        break;
    case HG_EV_FINISH:
        finish_add(folded, event);
        return;
    default:
        return;
    }
    if (folded->finishes)
        broken(folded, "content behind the finish");
}

void folded_add(void *arg, const hg_event *event)
{
    struct folded *folded = arg;

    if (folded->has_error)
        broken(folded, "an event behind an error");
    if (event->type == HG_EV_START && !folded->starts++)
        folded->model = arena_text(folded->arena, event->name);
    else if (!folded->starts && event->type != HG_EV_ERROR)
        broken(folded, "an event before the start");
    if (event->type == HG_EV_ERROR) {
        folded->has_error = true;
    } else if (event->type == HG_EV_USAGE) {
        folded->has_usage = true;
        folded->usage = *event->usage;
    } else if (event->choice == 0) {
        content_add(folded, event);
    }
}

/* ---- what the other reader made of it ----------------------------------------------------------
 */

static const struct {
    const char *word;
    uint32_t finish;
} finishes[] = {
    {"stop", HG_FIN_STOP},
    {"eos", HG_FIN_STOP},
    {"end_turn", HG_FIN_STOP},
    {"stop_sequence", HG_FIN_STOP},
    {"completed", HG_FIN_STOP},
    {"COMPLETE", HG_FIN_STOP},
    {"STOP", HG_FIN_STOP},
    {"tool_calls", HG_FIN_TOOLS},
    {"function_call", HG_FIN_TOOLS},
    {"tool_use", HG_FIN_TOOLS},
    {"TOOL_CALL", HG_FIN_TOOLS},
    {"length", HG_FIN_LENGTH},
    {"max_tokens", HG_FIN_LENGTH},
    {"MAX_TOKENS", HG_FIN_LENGTH},
    {"incomplete:max_output_tokens", HG_FIN_LENGTH},
    {"content_filter", HG_FIN_FILTER},
    {"guardrail_intervened", HG_FIN_FILTER},
};

static uint32_t finish_of(hg_json word, bool has_calls)
{
    for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++)
        if (json_is(word, text_of(finishes[i].word)))
            return has_calls && finishes[i].finish == HG_FIN_STOP ? HG_FIN_TOOLS
                                                                  : finishes[i].finish;
    return 0;
}

/* The first that is there; -1 if none is. */
static int64_t count_of(hg_json usage, const char *a, const char *b, const char *c)
{
    const char *const pointers[] = {a, b, c};

    for (size_t i = 0; i < 3 && pointers[i]; i++) {
        hg_json value = json_get(usage, pointers[i]);

        if (value.kind == HG_J_NUM)
            return (int64_t)json_f64(value, -1);
    }
    return -1;
}

static int64_t least0(int64_t count)
{
    return count < 0 ? 0 : count;
}

static void put_count(hg_usage *usage, uint32_t flag, uint64_t *member, int64_t count)
{
    if (count < 0)
        return;
    usage->flags |= flag;
    *member = (uint64_t)count;
}

struct counts {
    int64_t input, output, cached, written, thought;
};

static struct counts counts_of_chat(hg_json usage)
{
    struct counts all = {
        .input = count_of(usage, "/prompt_tokens", NULL, NULL),
        .output = count_of(usage, "/completion_tokens", NULL, NULL),
        .cached = count_of(usage, "/prompt_tokens_details/cached_tokens", "/cached_tokens",
                           "/prompt_cache_hit_tokens"),
        .written = count_of(usage, "/prompt_tokens_details/cache_write_tokens",
                            "/cache_creation_input_tokens", NULL),
        .thought = count_of(usage, "/completion_tokens_details/reasoning_tokens", NULL, NULL),
    };
    int64_t total = count_of(usage, "/total_tokens", NULL, NULL);

    if (all.cached > all.input) /* some hosts of Grok count cached tokens apart */
        all.input += all.cached;
    else if (all.thought > 0 &&
             (total == all.input + all.output + all.thought || all.thought > all.output))
        all.output += all.thought;
    return all;
}

static struct counts counts_of_anthropic(hg_json usage)
{
    struct counts all = {
        .output = count_of(usage, "/output_tokens", NULL, NULL),
        .cached = count_of(usage, "/cache_read_input_tokens", NULL, NULL),
        .written = count_of(usage, "/cache_creation_input_tokens", NULL, NULL),
        .thought = count_of(usage, "/output_tokens_details/thinking_tokens", NULL, NULL),
    };

    all.input =
        count_of(usage, "/input_tokens", NULL, NULL) + least0(all.cached) + least0(all.written);
    return all;
}

static struct counts counts_of_converse(hg_json usage)
{
    struct counts all = {
        .output = count_of(usage, "/outputTokens", NULL, NULL),
        .cached = count_of(usage, "/cacheReadInputTokens", "/cacheReadInputTokenCount", NULL),
        .written = count_of(usage, "/cacheWriteInputTokens", "/cacheWriteInputTokenCount", NULL),
        .thought = -1,
    };

    all.input =
        count_of(usage, "/inputTokens", NULL, NULL) + least0(all.cached) + least0(all.written);
    return all;
}

static struct counts counts_of_gemini(hg_json usage)
{
    struct counts all = {
        .cached = count_of(usage, "/cachedContentTokenCount", NULL, NULL),
        .written = -1,
        .thought = count_of(usage, "/thoughtsTokenCount", NULL, NULL),
    };

    all.input = count_of(usage, "/promptTokenCount", NULL, NULL) +
                least0(count_of(usage, "/toolUsePromptTokenCount", NULL, NULL));
    all.output = least0(count_of(usage, "/candidatesTokenCount", NULL, NULL)) + least0(all.thought);
    return all;
}

static struct counts counts_of(hg_json usage, uint32_t wire)
{
    switch (wire) {
    case HG_WIRE_OPENAI_RESPONSES:
        return (struct counts){
            .input = count_of(usage, "/input_tokens", NULL, NULL),
            .output = count_of(usage, "/output_tokens", NULL, NULL),
            .cached = count_of(usage, "/input_tokens_details/cached_tokens", NULL, NULL),
            .written = count_of(usage, "/input_tokens_details/cache_write_tokens", NULL, NULL),
            .thought = count_of(usage, "/output_tokens_details/reasoning_tokens", NULL, NULL),
        };
    case HG_WIRE_ANTHROPIC:
        return counts_of_anthropic(usage);
    case HG_WIRE_GEMINI:
        return counts_of_gemini(usage);
    case HG_WIRE_CONVERSE:
        return counts_of_converse(usage);
    case HG_WIRE_COHERE:
        return (struct counts){
            .input = count_of(usage, "/tokens/input_tokens", "/billed_units/input_tokens", NULL),
            .output = count_of(usage, "/tokens/output_tokens", "/billed_units/output_tokens", NULL),
            .cached = count_of(usage, "/cached_tokens", NULL, NULL),
            .written = -1,
            .thought = count_of(usage, "/tokens/reasoning_tokens", NULL, NULL),
        };
    default:
        return counts_of_chat(usage);
    }
}

static void usage_derive(struct folded *folded, hg_json usage, uint32_t wire)
{
    struct counts all = counts_of(usage, wire);

    folded->has_usage = true;
    put_count(&folded->usage, HG_U_INPUT, &folded->usage.input, all.input);
    put_count(&folded->usage, HG_U_OUTPUT, &folded->usage.output, all.output);
    put_count(&folded->usage, HG_U_CACHED, &folded->usage.cached_input, all.cached);
    put_count(&folded->usage, HG_U_CACHE_WRITE, &folded->usage.cache_write, all.written);
    put_count(&folded->usage, HG_U_REASONING, &folded->usage.reasoning, all.thought);
}

static void calls_derive(struct folded *folded, hg_json calls)
{
    struct arena *arena = folded->arena;
    hg_json_it it = {{0, 0}};
    hg_json call;

    while (json_next(calls, &it, NULL, &call)) {
        struct folded_call *one = &folded->calls[folded->call_count++];
        hg_str args = json_str(arena, json_member(call, HG_S("arguments")));

        one->id = json_str(arena, json_member(call, HG_S("id")));
        one->name = json_str(arena, json_member(call, HG_S("name")));
        one->args = chain_new(arena);
        chain_put(one->args, args.p, args.n);
    }
}

void folded_of_tape(const struct tape *tape, uint32_t wire, struct folded *ret)
{
    hg_json derived = tape->derived, usage = json_member(derived, HG_S("usage"));
    struct arena *arena = tape->arena;

    folded_begin(ret, arena);
    ret->is_whole = false;
    hg_str text = json_str(arena, json_member(derived, HG_S("text")));
    hg_str refusal = json_str(arena, json_member(derived, HG_S("refusal")));
    hg_str reasoning = json_str(arena, json_member(derived, HG_S("reasoning")));

    chain_put(ret->text, text.p, text.n);
    chain_put(ret->text, refusal.p, refusal.n);
    chain_put(ret->reasoning, reasoning.p, reasoning.n);
    calls_derive(ret, json_member(derived, HG_S("tool_calls")));
    ret->has_error = json_member(derived, HG_S("error")).kind == HG_J_OBJ;
    if (!ret->has_error)
        ret->finish = finish_of(json_member(derived, HG_S("finish_reason")), ret->call_count > 0);
    if (usage.kind == HG_J_OBJ)
        usage_derive(ret, usage, wire);
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static bool is_same(const struct folded *a, const struct chain *x, const struct chain *y)
{
    return text_is(chain_flat(x, a->arena), chain_flat(y, a->arena));
}

/* Arguments are compared as JSON where they are JSON; none are like {}. */
static hg_str meaning(struct arena *arena, const struct chain *args)
{
    hg_str text = chain_flat(args, arena);

    return text.n ? canonical_text(arena, text) : HG_S("{}");
}

static uint32_t calls_differ(const struct folded *got, const struct folded *want)
{
    uint32_t differ = 0;

    if (got->call_count != want->call_count)
        return IN_CALLS;
    for (unsigned i = 0; i < got->call_count; i++) {
        const struct folded_call *a = &got->calls[i], *b = &want->calls[i];

        if (!text_is(a->name, b->name) ||
            !text_is(meaning(got->arena, a->args), meaning(got->arena, b->args)))
            differ |= IN_CALLS;
        if (b->id.n && !text_is(a->id, b->id))
            differ |= IN_CALL_IDS;
    }
    return differ;
}

/* What is 0 need not be told. */
static bool count_differs(const struct folded *got, const struct folded *want, uint32_t flag,
                          uint64_t a, uint64_t b)
{
    if (!(want->usage.flags & flag))
        return false;
    return (got->usage.flags & flag ? a : 0) != b;
}

static uint32_t usage_differs(const struct folded *got, const struct folded *want)
{
    const hg_usage *a = &got->usage, *b = &want->usage;
    uint32_t differ = 0;

    if (count_differs(got, want, HG_U_INPUT, a->input, b->input))
        differ |= IN_INPUT;
    if (count_differs(got, want, HG_U_OUTPUT, a->output, b->output))
        differ |= IN_OUTPUT;
    if (count_differs(got, want, HG_U_CACHED, a->cached_input, b->cached_input))
        differ |= IN_CACHED;
    if (count_differs(got, want, HG_U_CACHE_WRITE, a->cache_write, b->cache_write))
        differ |= IN_WRITTEN;
    if (count_differs(got, want, HG_U_REASONING, a->reasoning, b->reasoning))
        differ |= IN_THOUGHT;
    return differ;
}

static uint32_t rest_differs(const struct folded *got, const struct folded *want)
{
    uint32_t differ = 0;

    if (!is_same(got, got->refusal, want->refusal))
        differ |= IN_REFUSAL;
    if (!is_same(got, got->signatures, want->signatures))
        differ |= IN_SIGNATURES;
    if (!is_same(got, got->citations, want->citations))
        differ |= IN_CITATIONS;
    if (!text_is(got->stop, want->stop))
        differ |= IN_STOP;
    if (!text_is(got->model, want->model))
        differ |= IN_MODEL;
    return differ;
}

uint32_t folded_differ(const struct folded *got, const struct folded *want)
{
    uint32_t differ = calls_differ(got, want) | usage_differs(got, want);

    if (got->is_whole && want->is_whole)
        differ |= rest_differs(got, want);
    if (!is_same(got, got->text, want->text))
        differ |= IN_TEXT;
    if (!is_same(got, got->reasoning, want->reasoning))
        differ |= IN_REASONING;
    if (got->finish != want->finish)
        differ |= IN_FINISH;
    if (got->has_error != want->has_error)
        differ |= IN_ERROR;
    if (got->broken || (got->starts != 1 && !got->has_error) || (got->has_error && got->finish))
        differ |= IN_ORDER;
    return differ;
}

/* ---- for people --------------------------------------------------------------------------------
 */

hg_str folded_fields(struct arena *arena, uint32_t fields)
{
    static const char *const names[] = {
        "text",    "reasoning",  "calls",     "call ids",         "finish", "input",
        "output",  "cached",     "written",   "reasoning tokens", "error",  "order of events",
        "refusal", "signatures", "citations", "stop sequence",    "model"};
    struct chain *list = chain_new(arena);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fields & 1u << i) {
            if (list->len)
                CHAIN_PUT_LIT(list, ", ");
            chain_put(list, names[i], strlen(names[i]));
        }
    return chain_flat(list, arena);
}

hg_str folded_show(struct arena *arena, const struct folded *folded)
{
    struct chain *out = chain_new(arena);
    const hg_usage *usage = &folded->usage;
    hg_str text = chain_flat(folded->text, arena), why = chain_flat(folded->reasoning, arena), line;

    line = arena_fmt(arena, "text(%zu) '%.*s'\n  reasoning(%zu) '%.*s'\n", text.n,
                     text.n > 300 ? 300 : (int)text.n, text.p, why.n,
                     why.n > 300 ? 300 : (int)why.n, why.p);
    chain_put(out, line.p, line.n);
    for (unsigned i = 0; i < folded->call_count; i++) {
        const struct folded_call *call = &folded->calls[i];

        line = arena_fmt(arena, "  call %.*s %.*s(%.*s)\n", TEXT_ARG(call->id),
                         TEXT_ARG(call->name), TEXT_ARG(chain_flat(call->args, arena)));
        chain_put(out, line.p, line.n);
    }
    line = arena_fmt(arena,
                     "  finish %u, starts %u, error %d, %s\n"
                     "  usage %x: in %lu out %lu cached %lu written %lu thought %lu\n",
                     folded->finish, folded->starts, folded->has_error,
                     folded->broken ? folded->broken : "in order", usage->flags,
                     (unsigned long)usage->input, (unsigned long)usage->output,
                     (unsigned long)usage->cached_input, (unsigned long)usage->cache_write,
                     (unsigned long)usage->reasoning);
    chain_put(out, line.p, line.n);
    return chain_flat(out, arena);
}
