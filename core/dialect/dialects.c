/* All dialects there are. OpenAI's is the last one, because what no other claims below /v1 passes
 * through it. */
#include "dialect/dialect.h"

#include "base/text.h"
#include "dialect/path.h"
#include "dialect/replay.h"
#include "dialect/watch.h"

static const struct dialect *const dialects[] = {
    &dialect_anthropic, &dialect_openai_responses, &dialect_converse,
    &dialect_gemini,    &dialect_cohere,           &dialect_openai_chat,
};

uint32_t dialect_kind_of(const struct dialect *dialect, enum method method, hg_str path)
{
    char room[PATH_MAX_PLAIN];

    return dialect->kind_of(method, path_plain(path, room), path);
}

const struct dialect *dialect_of_path(enum method method, hg_str path, uint32_t *ret_kind)
{
    char room[PATH_MAX_PLAIN];
    hg_str plain = path_plain(path, room);

    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if ((*ret_kind = dialects[i]->kind_of(method, plain, path)))
            return dialects[i];
    return NULL;
}

const struct dialect *dialect_of_models(const struct dialect *found, const struct head *head)
{
    if (found != &dialect_openai_chat)
        return found;
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i]->asks_models && dialects[i]->asks_models(head))
            return dialects[i];
    return found;
}

const struct dialect *dialect_of_wire(uint32_t wire)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i]->wire == (wire & HG_WIRE_MASK))
            return dialects[i];
    return NULL;
}

void dialect_read_created(hg_str text, int64_t *created)
{
    uint64_t number;

    if (text_to_u64(text, &number) && number <= INT64_MAX)
        *created = (int64_t)number;
}

void dialect_read_answer(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                         hg_json doc, struct dialect_answer *ret)
{
    if (dialect->read_answer)
        dialect->read_answer(arena, kind, doc, ret);
    else
        watch_whole(watch_new(arena, dialect, kind), doc, ret);
}

bool dialect_to_events(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                       hg_str body, bool with_usage, struct chain *out)
{
    if (dialect->to_events)
        return dialect->to_events(arena, kind, body, with_usage, out);
    return replay_as_frames(dialect, arena, kind, body, with_usage, out);
}

bool dialect_to_whole(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                      hg_str events, struct chain *out)
{
    if (dialect->to_whole)
        return dialect->to_whole(arena, kind, events, out);
    return replay_as_whole(dialect, arena, kind, events, out);
}
