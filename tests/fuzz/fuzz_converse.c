/* What Bedrock's dialect reads from others: requests for every dialect to write, answers, and
 * events of streams. What is written must be JSON again.
 *
 *   first byte: what it is; then a document, or lines "event data" of a stream */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const own = &dialect_converse;

static const struct dialect *other_of(uint8_t number)
{
    static const uint32_t wires[] = {HG_WIRE_CONVERSE,  HG_WIRE_OPENAI_CHAT,
                                     HG_WIRE_ANTHROPIC, HG_WIRE_OPENAI_RESPONSES,
                                     HG_WIRE_GEMINI,    HG_WIRE_COHERE};
    const struct dialect *found = dialect_of_wire(wires[number % 6]);

    return found ? found : &dialect_openai_chat;
}

static void translate(struct arena *arena, const struct dialect *from, const struct dialect *to,
                      hg_json doc)
{
    static const hg_str models[] = {{"anthropic.claude-sonnet-4-5", 27},
                                    {"amazon.nova-2-lite-v1:0", 23},
                                    {"mistral.x", 9},
                                    {"arn:x", 5}};
    hg_json again;

    if (!from->read_chat || !to->write_chat)
        return;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct chain *out = chain_new(arena);
        struct translation translation;
        struct error error;
        struct chat chat;

        translation_begin(&translation, arena, from, to, models[i]);
        if (!from->read_chat(arena, HG_S("/model/m/converse"), doc, &chat, &error) ||
            !to->write_chat(&translation, &chat, out, &error))
            continue;
        ensure(!out->broken);
        ensure(json_parse_depth(arena, chain_flat(out, arena), JSON_DEPTH_MAX, &again, NULL));
        translation_losses(&translation);
    }
}

static void document(struct arena *arena, uint8_t kind, hg_str text)
{
    struct chain *events = chain_new(arena), *whole = chain_new(arena);
    struct dialect_answer answer;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    texts_of_request(own, arena, HG_R_CHAT, doc);
    texts_of_answer(own, arena, HG_R_CHAT, doc);
    own->tokens(HG_R_CHAT, doc);
    dialect_read_answer(own, arena, HG_R_CHAT, doc, &answer);
    ensure(!(answer.is_valid && answer.is_error));
    translate(arena, own, other_of(kind), doc);
    translate(arena, other_of(kind), own, doc);
    if (dialect_to_events(own, arena, HG_R_CHAT, text, true, events))
        ensure(dialect_to_whole(own, arena, HG_R_CHAT, chain_flat(events, arena), whole));
}

struct passing {
    const struct dialect *to;
    struct dialect_writer *writer;
    struct chain *out;
};

static void on_event(void *arg, const hg_event *event)
{
    struct passing *passing = arg;

    passing->to->write(passing->writer, event, passing->out);
}

static void stream(struct arena *arena, uint8_t kind, hg_str lines)
{
    struct passing passing = {.to = other_of(kind), .out = chain_new(arena)};
    struct dialect_reader *reader =
        own->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, &passing});
    bool is_whole = kind & 64;
    hg_json doc;

    passing.writer = passing.to->writer_new(arena, HG_R_CHAT, !is_whole, true);
    while (lines.n) {
        hg_str payload, event = text_cut(text_cut(lines, '\n', &lines), ' ', &payload);

        own->reader_frame(reader, arena, event, payload);
    }
    own->reader_end(reader);
    passing.to->write_end(passing.writer, passing.out);
    if (is_whole)
        ensure(json_parse_depth(arena, chain_flat(passing.out, arena), JSON_DEPTH_MAX, &doc, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();

    if (size) {
        char *copy = malloc(size);
        hg_str text = {copy, size - 1};
        uint32_t kind;

        memcpy(copy, data + 1, size - 1);
        kind = dialect_kind_of(own, METHOD_POST, text);
        ensure(kind <= HG_R_RAW);
        if (data[0] & 128)
            stream(arena, data[0] & 127, text);
        else
            document(arena, data[0], text);
        free(copy);
    }
    arena_free(&arena);
    return 0;
}
