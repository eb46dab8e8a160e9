/* Cohere's dialect on bytes of others: requests into every dialect there is, answers and streams
 * into its own writer. What is written must be JSON, and readable again.
 *
 *   first byte: what the rest is */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/replay.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "http/frame.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_cohere;

static void json_check(struct arena *arena, const struct chain *out)
{
    hg_json doc;

    ensure(json_parse_depth(arena, chain_flat(out, arena), JSON_DEPTH_MAX, &doc, NULL));
}

static void request(struct arena *arena, const struct dialect *from, const struct dialect *to,
                    hg_json doc)
{
    struct chain *out = chain_new(arena);
    struct translation translation;
    struct error error;
    struct chat chat;

    translation_begin(&translation, arena, from, to, HG_S("model"));
    if (from->read_chat(arena, HG_S(""), doc, &chat, &error) &&
        to->write_chat(&translation, &chat, out, &error))
        json_check(arena, out);
}

static void texts(struct arena *arena, uint32_t kind, hg_json doc)
{
    struct dialect_texts found = texts_of_request(dialect, arena, kind, doc);
    hg_edit edit = {.text = 0, .at = 0, .n = 0, .with = HG_S("\"\xFF")};
    struct chain *out = chain_new(arena);

    if (found.count)
        texts_edit_request(dialect, arena, kind, doc, &(struct dialect_edits){&edit, 1}, out);
    if (found.count)
        json_check(arena, out);
    texts_of_answer(dialect, arena, HG_R_CHAT, doc);
    texts_of_event(dialect, arena, doc);
}

static void document(struct arena *arena, hg_str text)
{
    struct chain *events = chain_new(arena), *whole = chain_new(arena), *out = chain_new(arena);
    struct dialect_request asked;
    struct translation translation;
    struct error error;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &asked);
    dialect->tokens(HG_R_CHAT, doc);
    texts(arena, HG_R_CHAT, doc);
    texts(arena, HG_R_RAW, doc);
    for (uint32_t wire = HG_WIRE_OPENAI_CHAT; wire <= HG_WIRE_COHERE; wire++)
        if (dialect_of_wire(wire))
            request(arena, dialect, dialect_of_wire(wire), doc);
    request(arena, &dialect_openai_chat, dialect, doc);
    translation_begin(&translation, arena, &dialect_openai_chat, dialect, HG_S("model"));
    if (dialect->write_embed(&translation, doc, out, &error))
        json_check(arena, out);
    if (!replay_as_frames(dialect, arena, HG_R_CHAT, text, true, events))
        return;
    ensure(replay_as_whole(dialect, arena, HG_R_CHAT, chain_flat(events, arena), whole));
    json_check(arena, whole);
}

static void stream(struct arena *arena, hg_str frames)
{
    struct chain *whole = chain_new(arena);

    dialect->is_plain(frames);
    if (replay_as_whole(dialect, arena, HG_R_CHAT, frames, whole))
        json_check(arena, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();

    if (size) {
        char *copy = malloc(size);
        hg_str text = {copy, size - 1};

        memcpy(copy, data + 1, size - 1);
        dialect_kind_of(dialect, METHOD_POST, text);
        if (data[0] & 1)
            document(arena, text);
        else
            stream(arena, text);
        free(copy);
    }
    arena_free(&arena);
    return 0;
}
