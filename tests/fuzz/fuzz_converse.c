/* What Bedrock's dialect reads from others: requests for every dialect to write, answers, and
 * events of streams. What is written must be JSON again.
 *
 *   first byte: what it is; then a document, or lines "event data" of a stream */
#include "base/ensure.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "fuzz/dialect_fuzz.h"
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

static void document(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t kind,
                     hg_str text)
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
    fuzz_request(fuzz, arena, own, other_of(kind), doc);
    fuzz_request(fuzz, arena, other_of(kind), own, doc);
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

    passing.writer = passing.to->writer_new(arena, HG_R_CHAT, !is_whole, true);
    while (lines.n) {
        hg_str payload, event = text_cut(text_cut(lines, '\n', &lines), ' ', &payload);

        own->reader_frame(reader, arena, event, payload);
    }
    own->reader_end(reader);
    passing.to->write_end(passing.writer, passing.out);
    if (is_whole)
        fuzz_json_check(arena, passing.out);
}

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    if (first & 128)
        stream(arena, first & 127, text);
    else
        document(fuzz, arena, first, text);
}

static const char *const models[] = {"anthropic.claude-sonnet-4-5", "amazon.nova-2-lite-v1:0",
                                     "mistral.x", "arn:x", NULL};
static const struct dialect_fuzz target = {
    .dialect = &dialect_converse, .input = input, .path = "/model/m/converse", .models = models};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
