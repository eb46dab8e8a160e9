#include "dialect/replay.h"

#include "http/frame.h"
#include "json/index.h"

struct replay {
    const struct dialect *dialect;
    struct dialect_writer *writer;
    struct chain *out;
    bool is_finished, is_broken;
};

static void on_event(void *arg, const hg_event *event)
{
    struct replay *replay = arg;

    replay->is_finished |= event->type == HG_EV_FINISH;
    replay->is_broken |= event->type == HG_EV_ERROR;
    replay->dialect->write(replay->writer, event, replay->out);
}

static bool replay_end(struct replay *replay, struct dialect_reader *reader, struct chain *out)
{
    replay->dialect->reader_end(reader);
    if (replay->is_broken || !replay->is_finished)
        return false;
    replay->dialect->write_end(replay->writer, replay->out);
    chain_put_chain(out, replay->out, 0, replay->out->len);
    return true;
}

bool replay_as_frames(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                      hg_str body, bool with_usage, struct chain *out)
{
    struct replay replay = {.dialect = dialect, .out = chain_new(arena)};
    struct dialect_sink sink = {on_event, &replay};
    struct dialect_reader *reader = dialect->reader_new(arena, kind, &sink);
    hg_json doc;

    if (!json_parse(arena, body, &doc, NULL))
        return false;
    replay.writer = dialect->writer_new(arena, kind, true, with_usage);
    dialect->reader_whole(reader, arena, doc);
    return replay_end(&replay, reader, out);
}

bool replay_as_whole(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                     hg_str frames, struct chain *out)
{
    struct replay replay = {.dialect = dialect, .out = chain_new(arena)};
    struct dialect_sink sink = {on_event, &replay};
    struct dialect_reader *reader = dialect->reader_new(arena, kind, &sink);
    struct frame frame;
    size_t n;

    replay.writer = dialect->writer_new(arena, kind, false, true);
    while (frames.n) {
        n = frame_first(dialect->framing, frames);
        if (n == 0 || n > frames.n ||
            !frame_parse(arena, dialect->framing, (hg_str){frames.p, n}, &frame))
            return false;
        if (frame.has_data)
            dialect->reader_frame(reader, arena, frame.event, frame.data);
        frames.p += n;
        frames.n -= n;
    }
    return replay_end(&replay, reader, out);
}
