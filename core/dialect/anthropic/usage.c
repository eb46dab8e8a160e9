/* Usage and stop reasons. This format counts what was read from a cache or written to one beside
 * the input; the normal form counts both as part of it. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "json/write.h"

/* More than a server can have counted; sums of such stay far from overflow. */
#define COUNT_MAX ((int64_t)1 << 48)

static bool count_read(hg_json value, int64_t *count)
{
    int64_t told = value.kind == HG_J_NUM ? json_i64(value, -1) : -1;

    if (told < 0 || told > COUNT_MAX)
        return false;
    *count = told;
    return true;
}

static bool members_read(hg_json usage, struct counts *counts)
{
    static const struct {
        hg_str key;
        size_t at;
    } names[] = {
        {{"input_tokens", 12}, offsetof(struct counts, input)},
        {{"output_tokens", 13}, offsetof(struct counts, output)},
        {{"cache_read_input_tokens", 23}, offsetof(struct counts, read)},
        {{"cache_creation_input_tokens", 27}, offsetof(struct counts, written)},
    };
    hg_json_it it = {{0, 0}};
    bool any = false;
    hg_json value;
    hg_str key;

    while (json_next(usage, &it, &key, &value))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (text_is(key, names[i].key))
                any |= count_read(value, (int64_t *)(void *)((char *)counts + names[i].at));
    count_read(json_get(usage, "/output_tokens_details/thinking_tokens"), &counts->thinking);
    return any;
}

static int64_t sum(int64_t a, int64_t b)
{
    return b < 0 ? a : (a < 0 ? 0 : a) + b;
}

/* An answer in several steps tells each of them: those of the model itself add up. What an advisor
 * said is billed apart, and after a fallback only the totals count. */
static bool steps_add(hg_json steps, struct counts *total)
{
    hg_json_it it = {{0, 0}};
    hg_json step;

    while (json_next(steps, &it, NULL, &step)) {
        hg_json type = json_member(step, HG_S("type"));
        struct counts one = COUNTS_NONE;

        if (json_is(type, HG_S("fallback_message")))
            return false;
        if (!json_is(type, HG_S("message")) && !json_is(type, HG_S("compaction")))
            continue;
        members_read(step, &one);
        *total =
            (struct counts){sum(total->input, one.input), sum(total->read, one.read),
                            sum(total->written, one.written), sum(total->output, one.output), -1};
    }
    return total->input >= 0 || total->output >= 0;
}

static void put_over(int64_t *count, int64_t told)
{
    if (told >= 0 && told <= COUNT_MAX)
        *count = told;
}

bool anthropic_counts_read(hg_json usage, struct counts *counts)
{
    hg_json steps = json_member(usage, HG_S("iterations"));
    struct counts total = COUNTS_NONE;

    if (usage.kind != HG_J_OBJ || !members_read(usage, counts))
        return false;
    if (steps.kind == HG_J_ARR && steps_add(steps, &total)) {
        put_over(&counts->input, total.input);
        put_over(&counts->read, total.read);
        put_over(&counts->written, total.written);
        put_over(&counts->output, total.output);
    }
    return true;
}

static uint64_t known(int64_t count, uint32_t flag, uint32_t *flags)
{
    if (count < 0)
        return 0;
    *flags |= flag;
    return (uint64_t)count;
}

hg_usage anthropic_usage_of(const struct counts *counts)
{
    hg_usage usage = {.size = sizeof usage};

    usage.cached_input = known(counts->read, HG_U_CACHED, &usage.flags);
    usage.cache_write = known(counts->written, HG_U_CACHE_WRITE, &usage.flags);
    usage.input = known(counts->input, HG_U_INPUT, &usage.flags);
    if (usage.flags & HG_U_INPUT)
        usage.input += usage.cached_input + usage.cache_write;
    usage.output = known(counts->output, HG_U_OUTPUT, &usage.flags);
    usage.reasoning = known(counts->thinking, HG_U_REASONING, &usage.flags);
    return usage;
}

static void count_put(struct chain *out, hg_str key, uint64_t count)
{
    json_key(out, key);
    json_put_u64(out, count);
}

/* All counts are there, as 0 where nothing is known: readers add them up without looking. */
void anthropic_usage_put(const hg_usage *usage, struct chain *out)
{
    uint64_t apart = usage->cached_input + usage->cache_write;

    json_obj(out);
    count_put(out, HG_S("input_tokens"), usage->input > apart ? usage->input - apart : 0);
    count_put(out, HG_S("cache_creation_input_tokens"), usage->cache_write);
    count_put(out, HG_S("cache_read_input_tokens"), usage->cached_input);
    count_put(out, HG_S("output_tokens"), usage->output);
    if (usage->flags & HG_U_REASONING) {
        JSON_KEY(out, "output_tokens_details");
        json_obj(out);
        count_put(out, HG_S("thinking_tokens"), usage->reasoning);
        json_end(out);
    }
    json_end(out);
}

/* ---- stop reasons ------------------------------------------------------------------------------
 */

static const struct {
    hg_str word;
    uint32_t finish;
} reasons[] = {
    {{"end_turn", 8}, HG_FIN_STOP},
    {{"tool_use", 8}, HG_FIN_TOOLS},
    {{"max_tokens", 10}, HG_FIN_LENGTH},
    {{"stop_sequence", 13}, HG_FIN_STOP},
    {{"pause_turn", 10}, HG_FIN_STOP},
    {{"refusal", 7}, HG_FIN_FILTER},
    {{"model_context_window_exceeded", 29}, HG_FIN_LENGTH},
};

uint32_t anthropic_finish_of(hg_str word)
{
    if (!word.n)
        return 0;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (text_is(word, reasons[i].word))
            return reasons[i].finish;
    return HG_FIN_OTHER;
}

hg_str anthropic_stop_reason(uint32_t finish, hg_str native, bool has_stop_sequence)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].finish == finish && text_is(native, reasons[i].word))
            return reasons[i].word;
    switch (finish) {
    case HG_FIN_LENGTH:
        return HG_S("max_tokens");
    case HG_FIN_TOOLS:
        return HG_S("tool_use");
    case HG_FIN_FILTER:
        return HG_S("refusal");
    default:
        return has_stop_sequence ? HG_S("stop_sequence") : HG_S("end_turn");
    }
}
