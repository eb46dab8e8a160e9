/* A stored answer for the other kind of client. The last event of a stream has the whole response
 * in it, as the server put it. */
#include "dialect/replay.h"

#include "base/text.h"
#include "dialect/openai_responses/parts.h"
#include "http/frame.h"

/* What a frame ends the stream with; absent if it does not. */
static hg_json response_of(struct arena *arena, hg_str frame)
{
    struct frame parsed;
    hg_json doc, response;

    if (!frame_parse(arena, dialect_openai_responses.framing, frame, &parsed) || !parsed.has_data ||
        !json_parse(arena, text_trim(parsed.data), &doc, NULL))
        return (hg_json){0};
    response = json_member(doc, HG_S("response"));
    return responses_finish_read(response) && json_member(response, HG_S("output")).kind == HG_J_ARR
               ? response
               : (hg_json){0};
}

bool responses_to_whole(struct arena *arena, uint32_t kind, hg_str events, struct chain *out)
{
    hg_str rest = events, raw;
    hg_json response = {0};

    while (rest.n && !response.kind) {
        size_t n = frame_first(dialect_openai_responses.framing, rest);

        n = n && n < rest.n ? n : rest.n;
        response = response_of(arena, (hg_str){rest.p, n});
        rest = (hg_str){rest.p + n, rest.n - n};
    }
    if (!json_count(json_member(response, HG_S("output"))))
        return replay_as_whole(&dialect_openai_responses, arena, kind, events, out);
    raw = json_raw(response);
    chain_put_const(out, raw.p, raw.n);
    return true;
}

bool responses_to_events(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                         struct chain *out)
{
    return replay_as_frames(&dialect_openai_responses, arena, kind, body, with_usage, out);
}
