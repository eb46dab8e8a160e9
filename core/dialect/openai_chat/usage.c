/* Usage and finish reasons, as all the servers that speak this format write them. The normal form
 * counts everything once: cached and written tokens are part of the input, reasoning of the output.
 */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"

/* Every count a usage object can hold, under any of its names. */
enum count {
    PROMPT,
    INPUT,
    COMPLETION,
    OUTPUT,
    TOTAL,
    CITATION,
    REASONING,
    CACHED,
    CACHE_HIT,
    CACHE_MISS,
    CREATED,
    IN_CACHED,
    IN_WRITTEN,
    IN_CREATED,
    IN_AUDIO,
    OUT_REASONING,
    OUT_AUDIO,
    COUNTS
};

struct name {
    hg_str key; /* plain ASCII without anything to escape */
    enum count count;
};

#define NAME(text, count)               \
    {                                   \
        {text, sizeof(text) - 1}, count \
    }

static const struct name names[] = {
    NAME("prompt_tokens", PROMPT),
    NAME("input_tokens", INPUT),
    NAME("completion_tokens", COMPLETION),
    NAME("output_tokens", OUTPUT),
    NAME("total_tokens", TOTAL),
    NAME("citation_tokens", CITATION),
    NAME("reasoning_tokens", REASONING),
    NAME("cached_tokens", CACHED),
    NAME("prompt_cache_hit_tokens", CACHE_HIT),
    NAME("prompt_cache_miss_tokens", CACHE_MISS),
    NAME("cache_creation_input_tokens", CREATED),
    {{NULL, 0}, COUNTS},
};
static const struct name input_names[] = {
    NAME("cached_tokens", IN_CACHED),
    NAME("cache_write_tokens", IN_WRITTEN),
    NAME("cache_creation_input_tokens", IN_CREATED),
    NAME("audio_tokens", IN_AUDIO),
    {{NULL, 0}, COUNTS},
};
static const struct name output_names[] = {
    NAME("reasoning_tokens", OUT_REASONING),
    NAME("audio_tokens", OUT_AUDIO),
    {{NULL, 0}, COUNTS},
};

/* Which names the members of a details object have; NULL if it is none. */
static const struct name *details_of(hg_str key)
{
    if (text_is(key, HG_S("prompt_tokens_details")) || text_is(key, HG_S("input_tokens_details")))
        return input_names;
    if (text_is(key, HG_S("completion_tokens_details")) ||
        text_is(key, HG_S("output_tokens_details")))
        return output_names;
    return NULL;
}

/* One walk takes them all, and its end is returned; -1 stands for what is not there. */
static hg_json_it counts_read(hg_json object, const struct name *known, int64_t counts[COUNTS])
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (json_next(object, &it, &key, &value)) {
        const struct name *name = known, *details;

        if (value.kind == HG_J_OBJ && known == names && (details = details_of(key))) {
            hg_json_it inner = counts_read(value, details, counts);

            json_pass(&it, &inner);
        }
        if (value.kind != HG_J_NUM)
            continue;
        while (name->key.n && !text_is(name->key, key))
            name++;
        if (name->key.n)
            counts[name->count] = json_i64(value, -1);
    }
    return it;
}

/* The first of some counts that is there. */
static void take(hg_usage *usage, uint32_t flag, uint64_t *ret_count, const int64_t *counts,
                 const enum count *places)
{
    for (; *places != COUNTS; places++)
        if (counts[*places] >= 0) {
            *ret_count = (uint64_t)counts[*places];
            usage->flags |= flag;
            return;
        }
}

static uint64_t count_or_none(int64_t count)
{
    return count > 0 ? (uint64_t)count : 0;
}

/* Some do not count reasoning as part of the completion; the total tells. Perplexity bills what its
 * research reads and thinks beside the completion, and leaves both out of the total. */
static void output_complete(const int64_t *counts, hg_usage *usage)
{
    uint64_t plain = usage->input + usage->output;

    if (counts[CITATION] >= 0) {
        usage->output += count_or_none(counts[CITATION]) + count_or_none(counts[REASONING]);
        return;
    }
    if (!(usage->flags & HG_U_REASONING) || !usage->reasoning)
        return;
    if ((counts[TOTAL] >= 0 && (uint64_t)counts[TOTAL] == plain + usage->reasoning) ||
        usage->reasoning > usage->output)
        usage->output += usage->reasoning;
}

static void input_complete(const int64_t *counts, hg_usage *usage)
{
    uint64_t missed = count_or_none(counts[CACHE_MISS]);

    if (!(usage->flags & HG_U_INPUT) && (usage->flags & HG_U_CACHED) && missed) {
        usage->input = usage->cached_input + missed;
        usage->flags |= HG_U_INPUT;
    } else if (!(usage->flags & (HG_U_INPUT | HG_U_OUTPUT)) && counts[TOTAL] >= 0) {
        /* Embeddings of some servers: what there is was read. */
        usage->input = (uint64_t)counts[TOTAL];
        usage->flags |= HG_U_INPUT;
    }
    if (usage->cached_input > usage->input)
        usage->input += usage->cached_input;
}

/* More than a server can have counted; sums of such stay far from overflow. */
static bool is_sane(const hg_usage *usage)
{
    const uint64_t most = UINT64_C(1) << 48;

    return usage->input < most && usage->output < most && usage->cached_input < most &&
           usage->cache_write < most && usage->reasoning < most;
}

bool openai_usage_read(hg_json object, hg_usage *ret_usage)
{
    hg_usage usage = {.size = sizeof usage};
    int64_t counts[COUNTS];

    if (object.kind != HG_J_OBJ)
        return false;
    for (int i = 0; i < COUNTS; i++)
        counts[i] = -1;
    counts_read(object, names, counts);
    take(&usage, HG_U_INPUT, &usage.input, counts, (const enum count[]){PROMPT, INPUT, COUNTS});
    take(&usage, HG_U_OUTPUT, &usage.output, counts,
         (const enum count[]){COMPLETION, OUTPUT, COUNTS});
    take(&usage, HG_U_CACHED, &usage.cached_input, counts,
         (const enum count[]){IN_CACHED, CACHE_HIT, CACHED, COUNTS});
    take(&usage, HG_U_CACHE_WRITE, &usage.cache_write, counts,
         (const enum count[]){IN_WRITTEN, IN_CREATED, CREATED, COUNTS});
    take(&usage, HG_U_REASONING, &usage.reasoning, counts,
         (const enum count[]){OUT_REASONING, REASONING, COUNTS});
    take(&usage, HG_U_AUDIO_IN, &usage.audio_in, counts, (const enum count[]){IN_AUDIO, COUNTS});
    take(&usage, HG_U_AUDIO_OUT, &usage.audio_out, counts, (const enum count[]){OUT_AUDIO, COUNTS});
    if (!is_sane(&usage))
        return false;
    input_complete(counts, &usage);
    output_complete(counts, &usage);
    if (!(usage.flags & (HG_U_INPUT | HG_U_OUTPUT)))
        return false;
    *ret_usage = usage;
    return true;
}

hg_json openai_usage_find(hg_json doc)
{
    hg_json usage = json_member(doc, HG_S("usage"));

    if (usage.kind != HG_J_OBJ)
        usage = json_get(doc, "/x_groq/usage");
    if (usage.kind != HG_J_OBJ)
        usage = json_get(doc, "/choices/0/usage");
    return usage.kind == HG_J_OBJ ? usage : (hg_json){0};
}

struct finish_word {
    const char *word;
    uint32_t finish;
};

static const struct finish_word finish_words[] = {
    {"stop", HG_FIN_STOP},
    {"length", HG_FIN_LENGTH},
    {"tool_calls", HG_FIN_TOOLS},
    {"content_filter", HG_FIN_FILTER},
    {"function_call", HG_FIN_TOOLS},
    {"tool_use", HG_FIN_TOOLS},
    {"tool_call", HG_FIN_TOOLS},
    {"eos", HG_FIN_STOP},
    {"eos_token", HG_FIN_STOP},
    {"end_turn", HG_FIN_STOP},
    {"stop_sequence", HG_FIN_STOP},
    {"complete", HG_FIN_STOP},
    {"done", HG_FIN_STOP},
    {"max_tokens", HG_FIN_LENGTH},
    {"model_length", HG_FIN_LENGTH},
    {"model_context_window_exceeded", HG_FIN_LENGTH},
    {"context_length_exceeded", HG_FIN_LENGTH},
    {"sensitive", HG_FIN_FILTER},
    {"safety", HG_FIN_FILTER},
    {"content_filtered", HG_FIN_FILTER},
    {"guardrail", HG_FIN_FILTER},
};

uint32_t openai_finish_read(hg_json reason)
{
    hg_str word = json_raw_str(reason);

    if (!word.n)
        return 0;
    for (size_t i = 0; i < sizeof finish_words / sizeof *finish_words; i++)
        if (text_is_nocase(word, text_of(finish_words[i].word)))
            return finish_words[i].finish;
    return HG_FIN_OTHER;
}

/* Words for an answer that the server itself gave up; `load` is said by one whose model was just
 * being loaded. */
bool openai_finish_is_failure(hg_json reason)
{
    static const char *const words[] = {
        "error", "insufficient_system_resource", "network_error", "abort", "cancelled", "load"};
    hg_str word = json_raw_str(reason);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (json_key_is(word, text_of(words[i])))
            return true;
    return false;
}
