/* Sources of an answer as annotations in OpenAI's form. Offsets of this format count bytes. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

/* ---- where characters begin -------------------------------------------------------------------
 */

enum {
    WINDOW = 1024,        /* bytes of text that one block tells about */
    TEXT_MAX = 128 * 1024 /* behind that, offsets are told as they are */
};

/* A bit for each byte that goes on with a character. Windows without one have no block. */
struct window {
    struct window *next;
    uint64_t number, before; /* such bytes in earlier windows */
    uint8_t bits[WINDOW / 8];
};

struct marks {
    struct arena *arena;
    struct window *first, *last;
    uint64_t bytes, continued;
};

struct marks *marks_new(struct arena *arena)
{
    struct marks *marks = arena_zalloc(arena, sizeof *marks);

    marks->arena = arena;
    return marks;
}

static void mark(struct marks *marks, uint64_t at)
{
    struct window *window = marks->last;

    if (!window || window->number != at / WINDOW) {
        window = arena_zalloc(marks->arena, sizeof *window);
        window->number = at / WINDOW;
        window->before = marks->continued;
        if (marks->last)
            marks->last->next = window;
        else
            marks->first = window;
        marks->last = window;
    }
    window->bits[at % WINDOW / 8] |= (uint8_t)(1u << (at % 8));
    marks->continued++;
}

void marks_add(struct marks *marks, hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((uint8_t)text.p[i] & 0xC0) == 0x80 && marks->bytes + i < TEXT_MAX)
            mark(marks, marks->bytes + i);
    marks->bytes += text.n;
}

static uint64_t marks_characters(const struct marks *marks, uint64_t bytes)
{
    const struct window *window = marks->first, *found = NULL;
    uint64_t continued = 0;

    for (; window && window->number * WINDOW < bytes; window = window->next)
        found = window;
    if (!found)
        return bytes;
    continued = found->before;
    for (uint64_t i = 0; i < WINDOW && found->number * WINDOW + i < bytes; i++)
        continued += found->bits[i / 8] >> (i % 8) & 1;
    return bytes > continued ? bytes - continued : 0;
}

/* ---- citations --------------------------------------------------------------------------------
 */

struct giving {
    const struct dialect_sink *sink;
    struct arena *scratch;
    uint32_t choice;
    const struct marks *marks;
    size_t from, count;
};

static void offset_put(const struct giving *giving, struct chain *out, hg_str key, hg_json offset)
{
    int64_t bytes = gemini_count(offset);

    json_key(out, key);
    json_put_u64(out, bytes < 0       ? 0
                      : giving->marks ? marks_characters(giving->marks, (uint64_t)bytes)
                                      : (uint64_t)bytes);
}

/* `place` has offsets; none if the source is for the answer as a whole. */
static void citation_give(struct giving *giving, hg_json source, hg_json place)
{
    struct chain *out = chain_new(giving->scratch);
    hg_json uri = json_member(source, HG_S("uri"));

    if (uri.kind != HG_J_STR || giving->count++ < giving->from)
        return;
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("url_citation"));
    JSON_KEY(out, "url_citation");
    json_obj(out);
    JSON_KEY(out, "url");
    chat_put(out, chat_text_of(uri));
    JSON_KEY(out, "title");
    chat_put(out, chat_text_of(json_member(source, HG_S("title"))));
    if (place.kind == HG_J_OBJ) {
        offset_put(giving, out, HG_S("start_index"), gemini_member(place, HG_S("startIndex")));
        offset_put(giving, out, HG_S("end_index"), gemini_member(place, HG_S("endIndex")));
    }
    json_end(out);
    json_end(out);
    giving->sink->on_event(giving->sink->arg,
                           &(hg_event){.size = sizeof(hg_event),
                                       .type = HG_EV_CITATION,
                                       .choice = giving->choice,
                                       .text = chain_flat(out, giving->scratch)});
}

/* {"web":{"uri","title"}}, "retrievedContext" and "maps" alike. */
static hg_json source_of(hg_json chunk)
{
    hg_json it_value = {0}, value;
    hg_json_it it = {{0, 0}};

    while (chunk.kind == HG_J_OBJ && json_next(chunk, &it, NULL, &value))
        if (value.kind == HG_J_OBJ)
            it_value = value;
    return it_value;
}

static void supports_give(struct giving *giving, hg_json supports, hg_json chunks)
{
    hg_json_it it = {{0, 0}};
    hg_json support;

    while (json_next(supports, &it, NULL, &support)) {
        hg_json numbers = gemini_member(support, HG_S("groundingChunkIndices")), number;
        hg_json_it inner = {{0, 0}};

        while (numbers.kind == HG_J_ARR && json_next(numbers, &inner, NULL, &number)) {
            int64_t at = json_i64(number, -1);

            if (at >= 0)
                citation_give(giving, source_of(json_element(chunks, (size_t)at)),
                              json_member(support, HG_S("segment")));
        }
    }
}

size_t gemini_grounding_give(const struct dialect_sink *sink, struct arena *scratch,
                             uint32_t choice, hg_json candidate, const struct marks *marks,
                             size_t from)
{
    struct giving giving = {sink, scratch, choice, marks, from, 0};
    hg_json metadata = gemini_member(candidate, HG_S("groundingMetadata"));
    hg_json supports = gemini_member(metadata, HG_S("groundingSupports"));
    hg_json chunks = gemini_member(metadata, HG_S("groundingChunks"));
    hg_json cited = gemini_member(candidate, HG_S("citationMetadata"));
    hg_json sources = gemini_member(cited, HG_S("citationSources")), source;
    hg_json_it it = {{0, 0}};

    if (supports.kind == HG_J_ARR && json_count(supports))
        supports_give(&giving, supports, chunks);
    else
        while (chunks.kind == HG_J_ARR && json_next(chunks, &it, NULL, &source))
            citation_give(&giving, source_of(source), (hg_json){0});
    if (sources.kind != HG_J_ARR)
        sources = json_member(cited, HG_S("citations"));
    it = (hg_json_it){{0, 0}};
    while (sources.kind == HG_J_ARR && json_next(sources, &it, NULL, &source))
        citation_give(&giving, source, source);
    return giving.count;
}
