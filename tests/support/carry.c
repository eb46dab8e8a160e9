#include "support/carry.h"

#include <headgate/provider.h>

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "http/frame.h"

/* One answer under way. */
struct trip {
    struct carry *carry;
    struct translation translation;
    struct dialect_writer *writer;
    struct dialect_reader *reader;
    struct chain *written; /* of this round */
    bool finished, failed;
};

static void on_event(void *arg, const hg_event *event)
{
    struct trip *trip = arg;

    trip->finished |= event->type == HG_EV_FINISH;
    trip->failed |= event->type == HG_EV_ERROR;
    if (trip->carry->sink.on_event)
        trip->carry->sink.on_event(trip->carry->sink.arg, event);
    if (trip->writer)
        translation_event(&trip->translation, trip->writer, event, trip->written);
}

/* ---- rounds and frames -------------------------------------------------------------------------
 */

static void round_end(struct trip *trip, struct arena **arena)
{
    for (uint32_t i = 0; i < trip->written->count; i++)
        buffer_add(&trip->carry->out, trip->written->segments[i].p, trip->written->segments[i].n);
    trip->written = NULL;
    arena_free(arena);
}

static void frame_give(struct trip *trip, struct arena *scratch, hg_str event, hg_str data,
                       bool is_wrapped)
{
    const struct dialect *provider = trip->carry->provider;
    hg_json doc;

    if (is_wrapped) {
        if (!json_parse(scratch, data, &doc, NULL))
            return;
        event = HG_S("");
        data = base64_decode(scratch, json_str(scratch, json_member(doc, HG_S("bytes"))));
    }
    provider->reader_frame(trip->reader, scratch, event, data);
}

/* Takes one frame off the front, in memory of its own; false if none is whole. */
static bool frame_take(struct trip *trip, struct buffer *partial, uint32_t framing, bool is_wrapped)
{
    struct arena *scratch;
    struct frame frame;
    size_t n = frame_first(framing, buffer_text(partial));
    char *copy;

    if (!n)
        return false;
    if (n > partial->len) {
        trip->failed = true;
        return false;
    }
    scratch = arena_new();
    copy = malloc(n);
    memcpy(copy, buffer_at(partial), n);
    if (!frame_parse(scratch, framing, (hg_str){copy, n}, &frame))
        trip->failed = true;
    else if (frame.has_data)
        frame_give(trip, scratch, frame.event, frame.data, is_wrapped && !frame.is_error);
    free(copy);
    arena_free(&scratch);
    buffer_take(partial, n);
    return true;
}

static void frames_read(struct trip *trip, hg_str body, size_t most, uint32_t framing,
                        bool is_wrapped)
{
    struct buffer partial = {0};

    for (size_t at = 0; at < body.n;) {
        struct arena *arena = arena_new();
        size_t n = most ? 1 + (size_t)random() % most : body.n;

        n = n < body.n - at ? n : body.n - at;
        buffer_add(&partial, body.p + at, n);
        at += n;
        if (at == body.n && framing == HG_FRAME_SSE)
            buffer_add(&partial, "\n\n", 2); /* the last one may lack its blank line */
        trip->written = chain_new(arena);
        while (partial.len && !trip->failed && frame_take(trip, &partial, framing, is_wrapped))
            ;
        round_end(trip, &arena);
    }
    trip->failed |= partial.len && framing == HG_FRAME_AWS;
    buffer_done(&partial);
}

static void whole_read(struct trip *trip, hg_str body)
{
    struct arena *arena = arena_new();
    hg_json doc;

    trip->written = chain_new(arena);
    if (json_parse(arena, body, &doc, NULL))
        trip->carry->provider->reader_whole(trip->reader, arena, doc);
    else
        trip->failed = true;
    round_end(trip, &arena);
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void trip_end(struct trip *trip)
{
    struct carry *carry = trip->carry;
    struct arena *arena = arena_new();
    hg_str error;

    trip->written = chain_new(arena);
    carry->provider->reader_end(trip->reader);
    if (trip->writer && (trip->finished || trip->failed))
        carry->client->write_end(trip->writer, trip->written);
    round_end(trip, &arena);
    if (!trip->writer || trip->finished || trip->failed)
        return;
    error = carry->client->error_event(carry->arena, DIALECT_BROKEN, HG_S(""),
                                       HG_S("the answer ended without a finish"));
    buffer_add(&carry->out, error.p, error.n);
}

bool carry_is_framed(const struct dialect *provider, hg_str content_type)
{
    return text_is_nocase(content_type, provider->stream_type) ||
           text_is_nocase(content_type, HG_S("application/vnd.amazon.eventstream"));
}

bool carry_answer(struct carry *carry, hg_str content_type, hg_str body, size_t most,
                  bool is_wrapped)
{
    struct trip trip = {.carry = carry};
    struct dialect_sink sink = {on_event, &trip};

    translation_begin(&trip.translation, carry->arena, carry->client, carry->provider,
                      HG_S("model"));
    if (carry->client)
        trip.writer = carry->client->writer_new(carry->arena, HG_R_CHAT, carry->is_stream, true);
    trip.reader = carry->provider->reader_new(carry->arena, HG_R_CHAT, &sink);
    if (!carry_is_framed(carry->provider, content_type))
        whole_read(&trip, body);
    else
        frames_read(&trip, body, most, is_wrapped ? HG_FRAME_AWS : carry->provider->framing,
                    is_wrapped);
    trip_end(&trip);
    return trip.finished && !trip.failed;
}

void carry_fold(const struct carry *carry, struct folded *ret)
{
    struct carry back = {
        .arena = carry->arena, .provider = carry->client, .sink = {folded_add, ret}};
    hg_str type = carry->is_stream ? carry->client->stream_type : HG_S("application/json");

    folded_begin(ret, carry->arena);
    carry_answer(&back, type, buffer_text(&carry->out), 0, false);
}
