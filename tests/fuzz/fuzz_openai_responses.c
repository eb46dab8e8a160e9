/* The Responses format from bytes of others: requests, whole answers, streams. What is written from
 * them must be JSON again, and a stream of ours must be read as one that ended.
 *
 *   the document or the stream */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <headgate/provider.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "json/index.h"
#include "json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_openai_responses;

static void request(struct arena *arena, hg_json doc)
{
    static const struct dialect *const providers[] = {&dialect_openai_responses,
                                                      &dialect_openai_chat, &dialect_anthropic};
    struct dialect_request asked;
    struct chat chat;
    hg_json again;

    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    texts_of_request(dialect, arena, HG_R_CHAT, doc);
    if (!dialect->read_chat(arena, HG_S(""), doc, &chat, NULL))
        return;
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        struct chain *out = chain_new(arena);
        struct translation translation;

        translation_begin(&translation, arena, dialect, providers[i], HG_S("m"));
        if (providers[i]->write_chat(&translation, &chat, out, NULL))
            ensure(json_parse_depth(arena, chain_flat(out, arena), JSON_DEPTH_MAX, &again, NULL));
    }
}

/* ---- answers -----------------------------------------------------------------------------------
 */

struct answer {
    struct dialect_writer *writer;
    struct chain *out;
    unsigned starts, finishes, errors;
};

static void on_event(void *arg, const hg_event *event)
{
    struct answer *answer = arg;

    ensure(!answer->finishes && !answer->errors);
    answer->starts += event->type == HG_EV_START;
    answer->finishes += event->type == HG_EV_FINISH;
    answer->errors += event->type == HG_EV_ERROR;
    ensure(answer->starts <= 1);
    dialect->write(answer->writer, event, answer->out);
}

static void frames_read(struct arena *arena, struct dialect_reader *reader, hg_str frames)
{
    while (frames.n) {
        size_t n = frame_first(HG_FRAME_SSE, frames);
        struct arena *scratch = arena_new();
        struct frame frame;

        n = n && n <= frames.n ? n : frames.n;
        if (frame_parse(scratch, HG_FRAME_SSE, (hg_str){frames.p, n}, &frame) && frame.has_data)
            dialect->reader_frame(reader, scratch, frame.event, frame.data);
        arena_free(&scratch);
        frames = (hg_str){frames.p + n, frames.n - n};
    }
    dialect->reader_end(reader);
    (void)arena;
}

static struct dialect_reader *answer_begin(struct arena *arena, struct answer *answer,
                                           bool is_stream)
{
    *answer = (struct answer){.writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, true),
                              .out = chain_new(arena)};
    return dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, answer});
}

/* What we wrote is whole: it ends as what it was written from. */
static void written_check(struct arena *arena, struct answer *answer, bool is_stream)
{
    bool is_good = answer->finishes > 0;
    struct answer again;
    hg_str text;
    hg_json doc;

    dialect->write_end(answer->writer, answer->out);
    text = chain_flat(answer->out, arena);
    if (!is_stream) {
        ensure(json_parse_depth(arena, text, JSON_DEPTH_MAX, &doc, NULL));
        return;
    }
    frames_read(arena, answer_begin(arena, &again, true), text);
    ensure(again.finishes == is_good && again.errors == !is_good);
}

static void answers(struct arena *arena, hg_str text, const hg_json *doc)
{
    for (int is_stream = 0; is_stream <= 1; is_stream++) {
        struct answer answer;
        struct dialect_reader *reader = answer_begin(arena, &answer, is_stream);

        if (doc) {
            dialect->reader_whole(reader, arena, *doc);
            dialect->reader_end(reader);
        } else {
            frames_read(arena, reader, text);
        }
        written_check(arena, &answer, is_stream);
    }
}

static void stream(struct arena *arena, hg_str text)
{
    struct chain *whole = chain_new(arena);
    hg_json doc;

    answers(arena, text, NULL);
    texts_repeat(dialect, dialect->repeat_new(arena), arena, text);
    /* Inside of something: a server that names a member twice does so in what we take out of it. */
    CHAIN_PUT_LIT(whole, "[");
    if (!dialect->to_whole(arena, HG_R_CHAT, text, whole))
        return;
    CHAIN_PUT_LIT(whole, "]");
    ensure(json_parse_depth(arena, chain_flat(whole, arena), JSON_DEPTH_MAX, &doc, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    char *copy = malloc(size + 1);
    hg_str text = {copy, size};
    hg_json doc;

    memcpy(copy, data, size);
    dialect_kind_of(dialect, METHOD_POST, text);
    if (json_parse(arena, text, &doc, NULL)) {
        struct dialect_answer answer;
        struct dialect_error error;

        if (doc.kind == HG_J_OBJ)
            request(arena, doc);
        dialect->read_answer(arena, HG_R_CHAT, doc, &answer);
        dialect->read_error(arena, doc, &error);
        ensure(!(answer.is_valid && answer.is_error));
        texts_of_answer(dialect, arena, HG_R_CHAT, doc);
        answers(arena, text, &doc);
    } else {
        stream(arena, text);
    }
    free(copy);
    arena_free(&arena);
    return 0;
}
