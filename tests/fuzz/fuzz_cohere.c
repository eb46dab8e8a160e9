/* Cohere's dialect on bytes of others: requests into every dialect there is, answers and streams
 * into its own writer. What is written must be JSON, and readable again.
 *
 *   first byte: what the rest is */
#include "base/ensure.h"
#include "dialect/replay.h"
#include "dialect/texts.h"
#include "fuzz/dialect_fuzz.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_cohere;

static void texts(struct arena *arena, uint32_t kind, hg_json doc)
{
    struct dialect_texts found = texts_of_request(dialect, arena, kind, doc);
    hg_edit edit = {.text = 0, .at = 0, .n = 0, .with = HG_S("\"\xFF")};
    struct chain *out = chain_new(arena);

    if (found.count)
        texts_edit_request(dialect, arena, kind, doc, &(struct dialect_edits){&edit, 1}, out);
    if (found.count)
        fuzz_json_check(arena, out);
    texts_of_answer(dialect, arena, HG_R_CHAT, doc);
    texts_of_event(dialect, arena, doc);
}

static void document(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text)
{
    struct chain *events = chain_new(arena), *whole = chain_new(arena);
    struct dialect_request asked;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    texts(arena, HG_R_CHAT, doc);
    texts(arena, HG_R_RAW, doc);
    fuzz_request(fuzz, arena, dialect, NULL, doc);
    fuzz_request(fuzz, arena, &dialect_openai_chat, NULL, doc);
    fuzz_embed(fuzz, arena, doc);
    if (!replay_as_frames(dialect, arena, HG_R_CHAT, text, true, events))
        return;
    ensure(replay_as_whole(dialect, arena, HG_R_CHAT, chain_flat(events, arena), whole));
    fuzz_json_check(arena, whole);
}

static void stream(struct arena *arena, hg_str frames)
{
    struct chain *whole = chain_new(arena);

    dialect->is_plain(frames);
    if (replay_as_whole(dialect, arena, HG_R_CHAT, frames, whole))
        fuzz_json_check(arena, whole);
}

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    if (first & 1)
        document(fuzz, arena, text);
    else
        stream(arena, text);
}

static const char *const models[] = {"model", NULL};
static const struct dialect_fuzz target = {
    .dialect = &dialect_cohere, .input = input, .path = "", .models = models};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
