/* Counts and reasons. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

/* ---- usage ------------------------------------------------------------------------------------
 */

/* Members of usageMetadata that count; read in one walk, because every event of a stream has them.
 */
enum count {
    PROMPT,
    TOOLS,
    ANSWER,
    THOUGHTS,
    CACHED,
    TOTAL,
    COUNTS
};

static const struct {
    hg_str key;
    uint32_t flags;
} counts[COUNTS] = {
    [PROMPT] = {{"promptTokenCount", 16}, HG_U_INPUT},
    [TOOLS] = {{"toolUsePromptTokenCount", 23}, HG_U_INPUT},
    [ANSWER] = {{"candidatesTokenCount", 20}, HG_U_OUTPUT},
    [THOUGHTS] = {{"thoughtsTokenCount", 18}, HG_U_REASONING | HG_U_OUTPUT},
    [CACHED] = {{"cachedContentTokenCount", 23}, HG_U_CACHED},
    [TOTAL] = {{"totalTokenCount", 15}, 0},
};

/* Of the kind AUDIO in a list by kinds. */
static void audio_read(hg_json details, uint32_t flag, uint64_t *ret, uint32_t *flags)
{
    hg_json_it it = {{0, 0}};
    hg_json detail;

    while (details.kind == HG_J_ARR && json_next(details, &it, NULL, &detail)) {
        int64_t tokens = gemini_count(gemini_member(detail, HG_S("tokenCount")));

        if (tokens < 0 || !json_is(json_member(detail, HG_S("modality")), HG_S("AUDIO")))
            continue;
        *ret = (uint64_t)tokens;
        *flags |= flag;
    }
}

static void count_read(hg_str key, hg_json value, uint64_t *ret, uint32_t *flags)
{
    int64_t tokens;

    for (unsigned i = 0; i < COUNTS; i++) {
        if (!gemini_key_is(key, counts[i].key))
            continue;
        if ((tokens = gemini_count(value)) >= 0) {
            ret[i] = (uint64_t)tokens;
            *flags |= counts[i].flags;
        }
        return;
    }
}

bool gemini_usage_read(hg_json usage, hg_usage *ret)
{
    uint64_t found[COUNTS] = {0};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    *ret = (hg_usage){.size = sizeof *ret};
    while (usage.kind == HG_J_OBJ && json_next(usage, &it, &key, &value)) {
        if (value.kind != HG_J_ARR)
            count_read(key, value, found, &ret->flags);
        else if (gemini_key_is(key, HG_S("promptTokensDetails")))
            audio_read(value, HG_U_AUDIO_IN, &ret->audio_in, &ret->flags);
        else if (gemini_key_is(key, HG_S("candidatesTokensDetails")))
            audio_read(value, HG_U_AUDIO_OUT, &ret->audio_out, &ret->flags);
    }
    ret->input = found[PROMPT] + found[TOOLS];
    ret->output = found[ANSWER];
    ret->reasoning = found[THOUGHTS];
    ret->cached_input = found[CACHED];
    /* Mostly the answer's count is without thoughts; the total tells where it is not. */
    if (!found[TOTAL] || ret->input + ret->output != found[TOTAL] || ret->output < ret->reasoning)
        ret->output += ret->reasoning;
    return ret->flags != 0;
}

/* Vertex tells the tokens of each text. */
bool gemini_embed_usage_read(hg_json doc, hg_usage *ret)
{
    hg_json list = json_member(doc, HG_S("predictions")), one;
    hg_json_it it = {{0, 0}};

    if (gemini_usage_read(gemini_member(doc, HG_S("usageMetadata")), ret))
        return true;
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &one)) {
        int64_t tokens = gemini_count(json_get(one, "/embeddings/statistics/token_count"));

        if (tokens < 0)
            continue;
        ret->input += (uint64_t)tokens;
        ret->flags = HG_U_INPUT;
    }
    return ret->flags != 0;
}

static void count_put(struct chain *out, hg_str key, uint64_t count)
{
    json_key(out, key);
    json_put_u64(out, count);
}

static void audio_put(struct chain *out, hg_str key, uint64_t all, uint64_t audio)
{
    const struct {
        hg_str modality;
        uint64_t count;
    } kinds[] = {{HG_S("TEXT"), all > audio ? all - audio : 0}, {HG_S("AUDIO"), audio}};

    json_key(out, key);
    json_arr(out);
    for (size_t i = 0; i < 2; i++) {
        json_obj(out);
        JSON_KEY(out, "modality");
        json_put_str(out, kinds[i].modality);
        count_put(out, HG_S("tokenCount"), kinds[i].count);
        json_end(out);
    }
    json_end(out);
}

void gemini_usage_put(struct chain *out, const hg_usage *usage)
{
    uint64_t answer = usage->output > usage->reasoning ? usage->output - usage->reasoning : 0;

    JSON_KEY(out, "usageMetadata");
    json_obj(out);
    if (usage->flags & HG_U_INPUT)
        count_put(out, HG_S("promptTokenCount"), usage->input);
    if (usage->flags & HG_U_OUTPUT)
        count_put(out, HG_S("candidatesTokenCount"), answer);
    count_put(out, HG_S("totalTokenCount"), usage->input + usage->output);
    if (usage->flags & HG_U_CACHED)
        count_put(out, HG_S("cachedContentTokenCount"), usage->cached_input);
    if (usage->flags & HG_U_REASONING)
        count_put(out, HG_S("thoughtsTokenCount"), usage->reasoning);
    if (usage->flags & HG_U_AUDIO_IN)
        audio_put(out, HG_S("promptTokensDetails"), usage->input, usage->audio_in);
    if (usage->flags & HG_U_AUDIO_OUT)
        audio_put(out, HG_S("candidatesTokensDetails"), answer, usage->audio_out);
    json_end(out);
}

/* ---- finish reasons ---------------------------------------------------------------------------
 */

uint32_t gemini_finish_read(hg_json reason)
{
    static const struct {
        const char *word;
        uint32_t finish;
    } reasons[] = {
        {"STOP", HG_FIN_STOP},
        {"MAX_TOKENS", HG_FIN_LENGTH},
        {"SAFETY", HG_FIN_FILTER},
        {"BLOCKLIST", HG_FIN_FILTER},
        {"PROHIBITED_CONTENT", HG_FIN_FILTER},
        {"SPII", HG_FIN_FILTER},
        {"RECITATION", HG_FIN_FILTER},
        {"LANGUAGE", HG_FIN_FILTER},
        {"IMAGE_SAFETY", HG_FIN_FILTER},
        {"IMAGE_PROHIBITED_CONTENT", HG_FIN_FILTER},
        {"IMAGE_RECITATION", HG_FIN_FILTER},
        {"MODEL_ARMOR", HG_FIN_FILTER},
        {"JAILBREAK", HG_FIN_FILTER},
    };

    if (reason.kind != HG_J_STR || !json_raw_str(reason).n)
        return 0;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (json_is(reason, text_of(reasons[i].word)))
            return reasons[i].finish;
    return HG_FIN_OTHER;
}

bool gemini_finish_is_broken(hg_json reason)
{
    return json_is(reason, HG_S("MALFORMED_FUNCTION_CALL")) ||
           json_is(reason, HG_S("UNEXPECTED_TOOL_CALL")) ||
           json_is(reason, HG_S("TOO_MANY_TOOL_CALLS"));
}

hg_str gemini_finish_word(uint32_t finish)
{
    switch (finish) {
    case HG_FIN_LENGTH:
        return HG_S("MAX_TOKENS");
    case HG_FIN_FILTER:
        return HG_S("SAFETY");
    case HG_FIN_OTHER:
        return HG_S("OTHER");
    default:
        return HG_S("STOP");
    }
}
