/* Everything the dialect reads, from bytes of others: requests, answers, streams. What it writes
 * must be JSON again, and edits must be in it.
 *
 *   first byte: the kind of request; then the document or the stream */
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "fuzz/dialect_fuzz.h"
#include "http/sse.h"
#include "json/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect *const dialect = &dialect_openai_chat;

static void document(const struct dialect_fuzz *fuzz, struct arena *arena, uint32_t kind,
                     hg_str text)
{
    hg_edit list[2] = {{.text = 0, .at = 1, .n = 3, .with = HG_S("\"\xFF")},
                       {.text = 0, .at = 0, .n = 1, .with = HG_S("edited")}};
    struct dialect_edits edits = {list, 2};
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
    fuzz_edit(fuzz, arena, kind, doc, true, &edits);
    fuzz_edit(fuzz, arena, kind, doc, false, &edits);
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

    while (rest.n) {
        size_t n = sse_first(rest);

        n = n ? n : rest.n;
        event(arena, (hg_str){rest.p, n}, plain);
        rest.p += n;
        rest.n -= n;
    }
    if (dialect->to_whole(arena, kind, events, whole))
        fuzz_json_check(arena, whole);
}

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    uint32_t kind = first % (HG_R_RAW + 1);

    document(fuzz, arena, kind, text);
    stream(arena, kind, text);
}

static const struct dialect_fuzz target = {.dialect = &dialect_openai_chat, .input = input};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
