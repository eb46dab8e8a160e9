/* The Responses format from bytes of others: requests, whole answers, streams. What is written from
 * them must be JSON again, and a stream of ours must be read as one that ended.
 *
 *   the document or the stream */
#include "base/ensure.h"
#include "dialect/texts.h"
#include "fuzz/dialect_fuzz.h"
#include "json/index.h"
#include "json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_openai_responses;

static void request(const struct dialect_fuzz *fuzz, struct arena *arena, hg_json doc)
{
    struct dialect_request asked;

    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    texts_of_request(dialect, arena, HG_R_CHAT, doc);
    fuzz_request(fuzz, arena, dialect, NULL, doc);
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

static struct dialect_reader *answer_begin(struct arena *arena, struct answer *answer,
                                           bool is_stream)
{
    *answer = (struct answer){.writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, true),
                              .out = chain_new(arena)};
    return dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, answer});
}

/* What we wrote is whole: it ends as what it was written from. */
static void written_check(const struct dialect_fuzz *fuzz, struct arena *arena,
                          struct answer *answer, bool is_stream)
{
    bool is_good = answer->finishes > 0;
    struct dialect_reader *reader;
    struct answer again;

    dialect->write_end(answer->writer, answer->out);
    if (!is_stream) {
        fuzz_json_check(arena, answer->out);
        return;
    }
    reader = answer_begin(arena, &again, true);
    fuzz_frames(fuzz, reader, HG_FRAME_SSE, chain_flat(answer->out, arena));
    dialect->reader_end(reader);
    ensure(again.finishes == is_good && again.errors == !is_good);
}

static void answers(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text,
                    const hg_json *doc)
{
    for (int is_stream = 0; is_stream <= 1; is_stream++) {
        struct answer answer;
        struct dialect_reader *reader = answer_begin(arena, &answer, is_stream);

        if (doc)
            dialect->reader_whole(reader, arena, *doc);
        else
            fuzz_frames(fuzz, reader, HG_FRAME_SSE, text);
        dialect->reader_end(reader);
        written_check(fuzz, arena, &answer, is_stream);
    }
}

static void stream(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text)
{
    struct chain *whole = chain_new(arena);

    answers(fuzz, arena, text, NULL);
    texts_repeat(dialect, dialect->repeat_new(arena), arena, text);
    /* Inside of something: a server that names a member twice does so in what we take out of it. */
    CHAIN_PUT_LIT(whole, "[");
    if (!dialect->to_whole(arena, HG_R_CHAT, text, whole))
        return;
    CHAIN_PUT_LIT(whole, "]");
    fuzz_json_check(arena, whole);
}

static void document(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text, hg_json doc)
{
    struct dialect_answer answer;
    struct dialect_error error;

    if (doc.kind == HG_J_OBJ)
        request(fuzz, arena, doc);
    dialect->read_answer(arena, HG_R_CHAT, doc, &answer);
    dialect->read_error(arena, doc, &error);
    ensure(!(answer.is_valid && answer.is_error));
    texts_of_answer(dialect, arena, HG_R_CHAT, doc);
    answers(fuzz, arena, text, &doc);
}

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    hg_json doc;

    (void)first;
    if (json_parse(arena, text, &doc, NULL))
        document(fuzz, arena, text, doc);
    else
        stream(fuzz, arena, text);
}

static const char *const models[] = {"m", NULL};
static const struct dialect_fuzz target = {.dialect = &dialect_openai_responses,
                                           .input = input,
                                           .is_all_text = true,
                                           .path = "",
                                           .models = models,
                                           .asks_no_why = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
