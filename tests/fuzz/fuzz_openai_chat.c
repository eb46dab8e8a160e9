/* Everything the dialect reads, from bytes of others: requests, answers, streams. What it writes
 * must be JSON again, and edits must be in it.
 *
 *   first byte: the kind of request; then the document or the stream */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "http/sse.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_openai_chat;

static struct dialect_texts texts_of(struct arena *arena, uint32_t kind, hg_json doc,
                                     bool is_request)
{
    return is_request ? texts_of_request(dialect, arena, kind, doc)
                      : texts_of_answer(dialect, arena, kind, doc);
}

static void texts_change(struct arena *arena, uint32_t kind, hg_json doc, bool is_request)
{
    size_t count = texts_of(arena, kind, doc, is_request).count;
    hg_edit edits[2] = {{.text = 0, .at = 1, .n = 3, .with = HG_S("\"\xFF")},
                        {.text = 0, .at = 0, .n = 1, .with = HG_S("edited")}};
    struct chain *out = chain_new(arena);
    struct dialect_edits all = {edits, 2};
    hg_json again;

    if (is_request)
        texts_edit_request(dialect, arena, kind, doc, &all, out);
    else
        texts_edit_answer(dialect, arena, kind, doc, &all, out);
    ensure(json_parse(arena, chain_flat(out, arena), &again, NULL));
    struct dialect_texts texts = texts_of(arena, kind, again, is_request);

    ensure(texts.count == count);
    ensure(count == 0 || text_starts(texts.list[0].text, HG_S("edited")));
}

static void document(struct arena *arena, uint32_t kind, hg_str text)
{
    struct chain *events = chain_new(arena), *whole = chain_new(arena);
    struct dialect_request request;
    struct dialect_answer answer;
    hg_json doc;

    if (!json_parse(arena, text, &doc, NULL))
        return;
    dialect->read_request(arena, kind, HG_S(""), doc, &request);
    dialect->tokens(kind, doc);
    dialect->read_answer(arena, kind, doc, &answer);
    ensure(!(answer.is_valid && answer.is_error));
    texts_change(arena, kind, doc, true);
    texts_change(arena, kind, doc, false);
    if (!dialect->to_events(arena, kind, text, true, events))
        return;
    if (dialect->to_whole(arena, kind, chain_flat(events, arena), whole))
        ensure(json_parse(arena, chain_flat(whole, arena), &doc, NULL));
}

static void event(struct arena *arena, hg_str bytes, bool plain)
{
    struct chain *out = chain_new(arena);
    struct dialect_event before, after;
    struct sse_event sse;

    sse_parse(arena, bytes, &sse);
    if (!sse.has_data)
        return;
    dialect->read_event(arena, sse.data, &before);
    /* Keys with escapes are seen only by the whole look; no server writes them. */
    if (plain && !memchr(sse.data.p, '\\', sse.data.n))
        ensure(!before.is_done && !before.finish);
    if (!before.text.n)
        return;
    texts_swap_event(dialect, arena, HG_S(""), sse.data, HG_S("new"), out);
    sse_parse(arena, chain_flat(out, arena), &sse);
    dialect->read_event(arena, sse.data, &after);
    ensure(text_is(after.text, HG_S("new")));
}

static void stream(struct arena *arena, uint32_t kind, hg_str events)
{
    struct chain *whole = chain_new(arena);
    bool plain = dialect->is_plain(events);
    hg_str rest = events;
    hg_json doc;

    while (rest.n) {
        size_t n = sse_first(rest);

        n = n ? n : rest.n;
        event(arena, (hg_str){rest.p, n}, plain);
        rest.p += n;
        rest.n -= n;
    }
    if (dialect->to_whole(arena, kind, events, whole))
        ensure(json_parse_depth(arena, chain_flat(whole, arena), JSON_DEPTH_MAX, &doc, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();

    if (size) {
        uint32_t kind = data[0] % (HG_R_RAW + 1);
        char *copy = malloc(size);
        hg_str text = {copy, size - 1};

        memcpy(copy, data + 1, size - 1);
        dialect_kind_of(dialect, METHOD_POST, text);
        document(arena, kind, text);
        stream(arena, kind, text);
        free(copy);
    }
    arena_free(&arena);
    return 0;
}
