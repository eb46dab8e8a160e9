#include "fuzz/dialect_fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "json/index.h"

int fuzz_run(const struct dialect_fuzz *fuzz, const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    size_t before = fuzz->is_all_text ? 0 : 1;

    if (size >= before) {
        char *copy = malloc(size - before);
        hg_str text = {copy, size - before};

        memcpy(copy, data + before, size - before);
        ensure(dialect_kind_of(fuzz->dialect, METHOD_POST, text) <= HG_R_RAW);
        fuzz->input(fuzz, arena, before ? data[0] : 0, text);
        free(copy);
    }
    arena_free(&arena);
    return 0;
}

void fuzz_json_check(struct arena *arena, const struct chain *out)
{
    hg_json doc;

    ensure(json_parse_depth(arena, chain_flat(out, arena), JSON_DEPTH_MAX, &doc, NULL));
}

/* ---- requests -------------------------------------------------------------------------------- */

static void written(const struct dialect_fuzz *fuzz, struct arena *arena, const struct dialect *to,
                    const struct chat *chat)
{
    for (size_t i = 0; fuzz->models[i]; i++) {
        struct chain *out = chain_new(arena);
        struct translation translation;
        struct error error;

        translation_begin(&translation, arena, chat->from, to, text_of(fuzz->models[i]));
        translation.traits = i % 2 ? fuzz->traits : 0;
        if (!to->write_chat(&translation, chat, out, fuzz->asks_no_why ? NULL : &error))
            continue;
        ensure(!out->broken);
        fuzz_json_check(arena, out);
        translation_losses(&translation);
    }
}

void fuzz_request(const struct dialect_fuzz *fuzz, struct arena *arena, const struct dialect *from,
                  const struct dialect *to, hg_json doc)
{
    const struct dialect *own = fuzz->dialect;
    struct error error;
    struct chat chat;

    if (!from->read_chat(arena, text_of(fuzz->path), doc, &chat, fuzz->asks_no_why ? NULL : &error))
        return;
    for (uint32_t wire = 1; wire <= HG_WIRE_MASK; wire++) {
        const struct dialect *one = dialect_of_wire(wire);

        if (one && (!to || one == to) && (one == own || from == own))
            written(fuzz, arena, one, &chat);
    }
}

void fuzz_embed(const struct dialect_fuzz *fuzz, struct arena *arena, hg_json doc)
{
    struct chain *out = chain_new(arena);
    struct translation translation;
    struct error error;

    translation_begin(&translation, arena, &dialect_openai_chat, fuzz->dialect, HG_S("model"));
    if (fuzz->dialect->write_embed && fuzz->dialect->write_embed(&translation, doc, out, &error))
        fuzz_json_check(arena, out);
}

static struct dialect_texts texts_of(const struct dialect_fuzz *fuzz, struct arena *arena,
                                     uint32_t kind, hg_json doc, bool is_request)
{
    return is_request ? texts_of_request(fuzz->dialect, arena, kind, doc)
                      : texts_of_answer(fuzz->dialect, arena, kind, doc);
}

void fuzz_edit(const struct dialect_fuzz *fuzz, struct arena *arena, uint32_t kind, hg_json doc,
               bool is_request, const struct dialect_edits *edits)
{
    size_t count = texts_of(fuzz, arena, kind, doc, is_request).count;
    struct chain *out = chain_new(arena);
    hg_json again;

    if (is_request)
        texts_edit_request(fuzz->dialect, arena, kind, doc, edits, out);
    else
        texts_edit_answer(fuzz->dialect, arena, kind, doc, edits, out);
    ensure(json_parse(arena, chain_flat(out, arena), &again, NULL));
    struct dialect_texts texts = texts_of(fuzz, arena, kind, again, is_request);

    ensure(texts.count == count);
    ensure(!count || text_starts(texts.list[0].text, edits->edits[edits->count - 1].with));
}

/* ---- answers --------------------------------------------------------------------------------- */

struct both {
    const struct dialect_fuzz *fuzz;
    struct dialect_writer *whole, *stream;
    struct chain *body, *frames;
    bool has_error;
    uint64_t finished; /* a bit for each choice */
};

static void on_event(void *arg, const hg_event *event)
{
    struct both *both = arg;
    const struct dialect *dialect = both->fuzz->dialect;

    ensure(!both->has_error);
    both->has_error |= event->type == HG_EV_ERROR;
    ensure(event->choice < both->fuzz->choices);
    if (event->type == HG_EV_FINISH) {
        ensure(!(both->finished >> event->choice & 1));
        both->finished |= 1ull << event->choice;
    }
    dialect->write(both->whole, event, both->body);
    dialect->write(both->stream, event, both->frames);
}

static struct dialect_reader *both_begin(const struct dialect_fuzz *fuzz, struct arena *arena,
                                         struct both *both)
{
    const struct dialect *dialect = fuzz->dialect;

    *both = (struct both){.fuzz = fuzz,
                          .whole = dialect->writer_new(arena, HG_R_CHAT, false, true),
                          .stream = dialect->writer_new(arena, HG_R_CHAT, true, true),
                          .body = chain_new(arena),
                          .frames = chain_new(arena)};
    return dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, both});
}

static void frames_check(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str frames)
{
    while (frames.n) {
        size_t n = frame_first(HG_FRAME_SSE, frames);
        struct frame frame;
        hg_json doc;

        ensure(n && n <= frames.n &&
               frame_parse(arena, HG_FRAME_SSE, (hg_str){frames.p, n}, &frame));
        ensure(frame.event.n || !fuzz->names_frames);
        ensure(json_parse_depth(arena, frame.data, JSON_DEPTH_MAX, &doc, NULL));
        frames.p += n;
        frames.n -= n;
    }
}

static void both_end(struct both *both, struct arena *arena, struct dialect_reader *reader)
{
    const struct dialect *dialect = both->fuzz->dialect;

    dialect->reader_end(reader);
    dialect->write_end(both->whole, both->body);
    dialect->write_end(both->stream, both->frames);
    ensure(!both->body->broken && !both->frames->broken);
    fuzz_json_check(arena, both->body);
    frames_check(both->fuzz, arena, chain_flat(both->frames, arena));
}

void fuzz_frames(const struct dialect_fuzz *fuzz, struct dialect_reader *reader, uint32_t framing,
                 hg_str bytes)
{
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
            fuzz->dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        bytes.p += n;
        bytes.n -= n;
    }
}

void fuzz_stream(const struct dialect_fuzz *fuzz, struct arena *arena, uint32_t framing,
                 hg_str bytes)
{
    bool is_plain = fuzz->dialect->is_plain && fuzz->dialect->is_plain(bytes);
    struct dialect_reader *reader;
    struct both both;

    reader = both_begin(fuzz, arena, &both);
    fuzz_frames(fuzz, reader, framing, bytes);
    ensure(!is_plain || !both.finished);
    both_end(&both, arena, reader);
}

static void answer(const struct dialect_fuzz *fuzz, struct arena *arena, hg_json doc)
{
    struct dialect_reader *reader;
    struct both both;

    reader = both_begin(fuzz, arena, &both);
    fuzz->dialect->reader_whole(reader, arena, doc);
    both_end(&both, arena, reader);
}

/* ---- both ------------------------------------------------------------------------------------ */

void fuzz_document(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text)
{
    const struct dialect *dialect = fuzz->dialect;
    hg_edit edit = {.text = 0, .at = 0, .n = 1, .with = HG_S("\"edited")};
    struct dialect_request asked;
    struct dialect_error error;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    dialect->read_error(arena, doc, &error);
    fuzz_edit(fuzz, arena, HG_R_CHAT, doc, true, &(struct dialect_edits){&edit, 1});
    texts_of_answer(dialect, arena, HG_R_CHAT, doc);
    texts_of_event(dialect, arena, doc);
    answer(fuzz, arena, doc);
    fuzz_request(fuzz, arena, dialect, NULL, doc);
    fuzz_request(fuzz, arena, &dialect_openai_chat, NULL, doc);
    fuzz_embed(fuzz, arena, doc);
}
