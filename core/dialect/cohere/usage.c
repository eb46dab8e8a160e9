/* Usage and finish reasons. Counts are floating point numbers here. */
#include "base/text.h"
#include "dialect/cohere/parts.h"

static bool count_read(hg_json value, uint64_t *ret)
{
    double count = json_f64(value, -1);

    if (value.kind != HG_J_NUM || !(count >= 0) || count > 1e15)
        return false;
    *ret = (uint64_t)(count + 0.5);
    return true;
}

static bool member_count(hg_json from, hg_str key, uint64_t *ret)
{
    return count_read(json_member(from, key), ret);
}

/* What the model saw, or what is to be paid where that is all it says. */
static bool either_count(hg_json usage, hg_str key, uint64_t *ret)
{
    return member_count(json_member(usage, HG_S("tokens")), key, ret) ||
           member_count(json_member(usage, HG_S("billed_units")), key, ret);
}

bool cohere_usage_read(hg_json usage, hg_usage *ret)
{
    hg_json tokens = json_member(usage, HG_S("tokens"));
    uint64_t count;

    *ret = (hg_usage){.size = sizeof *ret};
    if (either_count(usage, HG_S("input_tokens"), &ret->input))
        ret->flags |= HG_U_INPUT;
    if (either_count(usage, HG_S("image_tokens"), &count)) {
        ret->flags |= HG_U_INPUT;
        ret->input += count;
    }
    if (either_count(usage, HG_S("output_tokens"), &ret->output))
        ret->flags |= HG_U_OUTPUT;
    if (member_count(tokens, HG_S("reasoning_tokens"), &ret->reasoning))
        ret->flags |= HG_U_REASONING;
    if (ret->reasoning > ret->output)
        ret->output += ret->reasoning;
    if (member_count(usage, HG_S("cached_tokens"), &ret->cached_input))
        ret->flags |= HG_U_CACHED;
    if (ret->cached_input > ret->input)
        ret->input += ret->cached_input;
    return ret->flags != 0;
}

static const struct {
    const char *word;
    uint32_t finish;
} finishes[] = {
    /* The first of a kind is what we write. */
    {"COMPLETE", HG_FIN_STOP},      {"MAX_TOKENS", HG_FIN_LENGTH},  {"TOOL_CALL", HG_FIN_TOOLS},
    {"ERROR_TOXIC", HG_FIN_FILTER}, {"STOP_SEQUENCE", HG_FIN_STOP}, {"USER_CANCEL", HG_FIN_STOP},
    {"ERROR_LIMIT", HG_FIN_LENGTH},
};

bool cohere_finish_is_failure(hg_json reason)
{
    return json_is(reason, HG_S("ERROR")) || json_is(reason, HG_S("TIMEOUT"));
}

uint32_t cohere_finish_read(hg_json reason)
{
    if (reason.kind != HG_J_STR || cohere_finish_is_failure(reason))
        return 0;
    for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++)
        if (json_is(reason, text_of(finishes[i].word)))
            return finishes[i].finish;
    return HG_FIN_OTHER;
}

hg_str cohere_finish_word(uint32_t finish)
{
    for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++)
        if (finishes[i].finish == finish)
            return text_of(finishes[i].word);
    return HG_S("COMPLETE");
}
