/* Usage and the ends of responses. */
#include "base/text.h"
#include "dialect/openai_responses/parts.h"

static void count(hg_json object, const char *place, uint32_t flag, hg_usage *usage,
                  uint64_t *ret_count)
{
    int64_t value = json_i64(json_get(object, place), -1);

    /* More than 2^48 no server can have counted; sums of such stay far from overflow. */
    if (value < 0 || value >> 48)
        return;
    *ret_count = (uint64_t)value;
    usage->flags |= flag;
}

bool responses_usage_read(hg_json object, hg_usage *ret_usage)
{
    hg_usage usage = {.size = sizeof usage};
    int64_t total = json_i64(json_member(object, HG_S("total_tokens")), -1);

    if (object.kind != HG_J_OBJ)
        return false;
    count(object, "/input_tokens", HG_U_INPUT, &usage, &usage.input);
    count(object, "/output_tokens", HG_U_OUTPUT, &usage, &usage.output);
    count(object, "/input_tokens_details/cached_tokens", HG_U_CACHED, &usage, &usage.cached_input);
    count(object, "/input_tokens_details/cache_write_tokens", HG_U_CACHE_WRITE, &usage,
          &usage.cache_write);
    count(object, "/output_tokens_details/reasoning_tokens", HG_U_REASONING, &usage,
          &usage.reasoning);
    if (!(usage.flags & (HG_U_INPUT | HG_U_OUTPUT)))
        return false;
    /* Some hosts count reasoning or cached tokens beside the others; the total tells. */
    if (usage.reasoning && (usage.reasoning > usage.output ||
                            total == (int64_t)(usage.input + usage.output + usage.reasoning)))
        usage.output += usage.reasoning;
    if (usage.cached_input > usage.input)
        usage.input += usage.cached_input;
    *ret_usage = usage;
    return true;
}

uint32_t responses_finish_read(hg_json response)
{
    hg_json status = json_member(response, HG_S("status"));
    hg_json reason = json_get(response, "/incomplete_details/reason");

    if (json_is(status, HG_S("completed")))
        return HG_FIN_STOP;
    if (!json_is(status, HG_S("incomplete")))
        return 0;
    if (json_is(reason, HG_S("max_output_tokens")) || json_is(reason, HG_S("max_tokens")))
        return HG_FIN_LENGTH;
    return json_is(reason, HG_S("content_filter")) ? HG_FIN_FILTER : HG_FIN_OTHER;
}
