/* Usage and finish reasons, as all the servers that speak this format write them. The normal form
 * counts everything once: cached and written tokens are part of the input, reasoning of the output.
 */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"

/* A count, under the first of some names that has one; false if there is none. */
static bool count_read(hg_json from, const char *const *places, uint64_t *ret_count)
{
    for (; *places; places++) {
        int64_t count = json_i64(json_get(from, *places), -1);

        if (count >= 0) {
            *ret_count = (uint64_t)count;
            return true;
        }
    }
    return false;
}

static const char *const input_places[] = {"/prompt_tokens", "/input_tokens", NULL};
static const char *const output_places[] = {"/completion_tokens", "/output_tokens", NULL};
static const char *const cached_places[] = {"/prompt_tokens_details/cached_tokens",
                                            "/input_tokens_details/cached_tokens",
                                            "/prompt_cache_hit_tokens", "/cached_tokens", NULL};
static const char *const written_places[] = {
    "/prompt_tokens_details/cache_write_tokens", "/input_tokens_details/cache_write_tokens",
    "/prompt_tokens_details/cache_creation_input_tokens", "/cache_creation_input_tokens", NULL};
static const char *const reasoning_places[] = {"/completion_tokens_details/reasoning_tokens",
                                               "/output_tokens_details/reasoning_tokens",
                                               "/reasoning_tokens", NULL};
static const char *const audio_in_places[] = {"/prompt_tokens_details/audio_tokens",
                                              "/input_tokens_details/audio_tokens", NULL};
static const char *const audio_out_places[] = {"/completion_tokens_details/audio_tokens",
                                               "/output_tokens_details/audio_tokens", NULL};

static void take(hg_usage *usage, uint32_t flag, bool found)
{
    if (found)
        usage->flags |= flag;
}

static uint64_t member_count(hg_json usage, hg_str key)
{
    int64_t count = json_i64(json_member(usage, key), 0);

    return count > 0 ? (uint64_t)count : 0;
}

/* Some do not count reasoning as part of the completion; the total tells. Perplexity bills what its
 * research reads and thinks beside the completion, and leaves both out of the total. */
static void output_complete(hg_json object, hg_usage *usage)
{
    int64_t total = json_i64(json_member(object, HG_S("total_tokens")), -1);
    uint64_t plain = usage->input + usage->output;
    hg_json citations = json_member(object, HG_S("citation_tokens"));

    if (citations.kind == HG_J_NUM) {
        usage->output += member_count(object, HG_S("citation_tokens"));
        usage->output += member_count(object, HG_S("reasoning_tokens"));
        return;
    }
    if (!(usage->flags & HG_U_REASONING) || !usage->reasoning)
        return;
    if ((total >= 0 && (uint64_t)total == plain + usage->reasoning) ||
        usage->reasoning > usage->output)
        usage->output += usage->reasoning;
}

static void input_complete(hg_json object, hg_usage *usage)
{
    int64_t total = json_i64(json_member(object, HG_S("total_tokens")), -1);
    uint64_t missed = member_count(object, HG_S("prompt_cache_miss_tokens"));

    if (!(usage->flags & HG_U_INPUT) && (usage->flags & HG_U_CACHED) && missed) {
        usage->input = usage->cached_input + missed;
        usage->flags |= HG_U_INPUT;
    } else if (!(usage->flags & (HG_U_INPUT | HG_U_OUTPUT)) && total >= 0) {
        /* Embeddings of some servers: what there is was read. */
        usage->input = (uint64_t)total;
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
    hg_json indexed;

    if (object.kind != HG_J_OBJ)
        return false;
    /* Two dozen look-ups follow: as a document of its own its members are found by their index. */
    if (json_parse(json_arena(object), json_raw(object), &indexed, NULL))
        object = indexed;
    take(&usage, HG_U_INPUT, count_read(object, input_places, &usage.input));
    take(&usage, HG_U_OUTPUT, count_read(object, output_places, &usage.output));
    take(&usage, HG_U_CACHED, count_read(object, cached_places, &usage.cached_input));
    take(&usage, HG_U_CACHE_WRITE, count_read(object, written_places, &usage.cache_write));
    take(&usage, HG_U_REASONING, count_read(object, reasoning_places, &usage.reasoning));
    take(&usage, HG_U_AUDIO_IN, count_read(object, audio_in_places, &usage.audio_in));
    take(&usage, HG_U_AUDIO_OUT, count_read(object, audio_out_places, &usage.audio_out));
    if (!is_sane(&usage))
        return false;
    input_complete(object, &usage);
    output_complete(object, &usage);
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

bool openai_finish_is_failure(hg_json reason)
{
    return json_is(reason, HG_S("error")) ||
           json_is(reason, HG_S("insufficient_system_resource")) ||
           json_is(reason, HG_S("network_error"));
}
