/* Everything the dialect reads, from bytes of others: requests, answers, streams. What it writes
 * must be JSON, whatever dialect it is for, and its streams must come in whole frames.
 *
 *   first byte: what follows is a document, or a stream in one of two framings */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <headgate/provider.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_anthropic;

/* ---- answers --------------------------------------------------------------------------------- */

struct both {
    struct dialect_writer *whole, *stream;
    struct chain *body, *frames;
    bool has_start, has_finish, has_error;
};

static void on_event(void *arg, const hg_event *event)
{
    struct both *both = arg;

    ensure(!both->has_error);
    ensure(!both->has_finish || event->type != HG_EV_FINISH);
    both->has_finish |= event->type == HG_EV_FINISH;
    both->has_error |= event->type == HG_EV_ERROR;
    dialect->write(both->whole, event, both->body);
    dialect->write(both->stream, event, both->frames);
}

static struct both both_new(struct arena *arena)
{
    return (struct both){.whole = dialect->writer_new(arena, HG_R_CHAT, false, true),
                         .stream = dialect->writer_new(arena, HG_R_CHAT, true, true),
                         .body = chain_new(arena),
                         .frames = chain_new(arena)};
}

static void frames_check(struct arena *arena, hg_str frames)
{
    while (frames.n) {
        size_t n = frame_first(HG_FRAME_SSE, frames);
        struct frame frame;
        hg_json doc;

        ensure(n && n <= frames.n &&
               frame_parse(arena, HG_FRAME_SSE, (hg_str){frames.p, n}, &frame));
        ensure(frame.event.n && json_parse_depth(arena, frame.data, JSON_DEPTH_MAX, &doc, NULL));
        frames.p += n;
        frames.n -= n;
    }
}

static void both_end(struct arena *arena, struct both *both)
{
    hg_json doc;

    dialect->write_end(both->whole, both->body);
    dialect->write_end(both->stream, both->frames);
    ensure(!both->body->broken && !both->frames->broken);
    ensure(json_parse_depth(arena, chain_flat(both->body, arena), JSON_DEPTH_MAX, &doc, NULL));
    frames_check(arena, chain_flat(both->frames, arena));
}

static void stream(struct arena *arena, uint32_t framing, hg_str bytes)
{
    struct both both = both_new(arena);
    struct dialect_sink sink = {on_event, &both};
    struct dialect_reader *reader = dialect->reader_new(arena, HG_R_CHAT, &sink);
    bool is_plain = dialect->is_plain(bytes);

    while (bytes.n) {
        size_t n = frame_first(framing, bytes);
        struct arena *scratch;
        struct frame frame;

        if (!n && framing == HG_FRAME_SSE)
            n = bytes.n; /* the last one may lack its blank line */
        if (!n || n > bytes.n)
            break;
        scratch = arena_new();
        if (frame_parse(scratch, framing, (hg_str){bytes.p, n}, &frame) && frame.has_data)
            dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        bytes.p += n;
        bytes.n -= n;
    }
    ensure(!is_plain || !both.has_finish);
    dialect->reader_end(reader);
    both_end(arena, &both);
}

static void answer(struct arena *arena, hg_json doc)
{
    struct both both = both_new(arena);
    struct dialect_sink sink = {on_event, &both};
    struct dialect_reader *reader = dialect->reader_new(arena, HG_R_CHAT, &sink);

    dialect->reader_whole(reader, arena, doc);
    dialect->reader_end(reader);
    both_end(arena, &both);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void written(struct arena *arena, const struct dialect *to, const struct chat *chat)
{
    static const char *const models[] = {"claude-opus-5", "claude-sonnet-4-5", "claude-3-haiku",
                                         "other"};
    struct chain *out;

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct translation translation;
        struct error error;
        hg_json doc;

        out = chain_new(arena);
        translation_begin(&translation, arena, chat->from, to, text_of(models[i]));
        translation.traits = i % 2 ? HG_WIRE_NO_URLS | HG_WIRE_BODY_VERSION : 0;
        if (!to->write_chat(&translation, chat, out, &error))
            continue;
        ensure(!out->broken);
        ensure(json_parse_depth(arena, chain_flat(out, arena), JSON_DEPTH_MAX, &doc, NULL));
    }
}

static void request(struct arena *arena, const struct dialect *from, hg_json doc)
{
    struct error error;
    struct chat chat;

    if (!from->read_chat || !from->read_chat(arena, HG_S("/"), doc, &chat, &error))
        return;
    for (uint32_t wire = 1; wire <= HG_WIRE_MASK; wire++) {
        const struct dialect *to = dialect_of_wire(wire);

        if (to && to->write_chat && (to == dialect || from == dialect))
            written(arena, to, &chat);
    }
}

static void edits(struct arena *arena, hg_json doc)
{
    hg_edit edit = {.text = 0, .at = 0, .n = 1, .with = HG_S("\"edited")};
    struct dialect_edits all = {&edit, 1};
    struct chain *out = chain_new(arena);
    size_t count = texts_of_request(dialect, arena, HG_R_CHAT, doc).count;
    hg_json again;

    texts_edit_request(dialect, arena, HG_R_CHAT, doc, &all, out);
    ensure(json_parse(arena, chain_flat(out, arena), &again, NULL));
    struct dialect_texts texts = texts_of_request(dialect, arena, HG_R_CHAT, again);

    ensure(texts.count == count);
    ensure(!count || text_starts(texts.list[0].text, HG_S("\"edited")));
}

static void document(struct arena *arena, hg_str text)
{
    struct dialect_request asked;
    struct dialect_error error;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    dialect->read_error(arena, doc, &error);
    edits(arena, doc);
    texts_of_answer(dialect, arena, HG_R_CHAT, doc);
    texts_of_event(dialect, arena, doc);
    answer(arena, doc);
    request(arena, dialect, doc);
    request(arena, &dialect_openai_chat, doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();

    if (size) {
        char *copy = malloc(size);
        hg_str text = {copy, size - 1};

        memcpy(copy, data + 1, size - 1);
        dialect_kind_of(dialect, METHOD_POST, text);
        if (data[0] % 3 == 0)
            document(arena, text);
        else
            stream(arena, data[0] % 3 == 1 ? HG_FRAME_SSE : HG_FRAME_AWS, text);
        free(copy);
    }
    arena_free(&arena);
    return 0;
}
