/* Events of a stream. Nearly all are a few words of text, and are told by a search (is_plain)
 * without being parsed; only the others are read. */
#include <string.h>

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "dialect/texts.h"
#include "json/splice.h"

/* ---- the cheap look -------------------------------------------------------------------------- */

struct look {
    const char *end;
    unsigned events, choices;
};

static bool starts(const struct look *look, const char *at, hg_str word)
{
    return (size_t)(look->end - at) >= word.n && memcmp(at, word.p, word.n) == 0;
}

static const char *spaces_end(const struct look *look, const char *at)
{
    while (at < look->end && *at == ' ')
        at++;
    return at;
}

/* Whether what is behind a key says nothing: a colon and null. */
static bool is_null_member(const struct look *look, const char *at)
{
    at = spaces_end(look, at);
    if (at == look->end || *at != ':')
        return false;
    return starts(look, spaces_end(look, at + 1), HG_S("null"));
}

/* `at` is a quote. Inside of a string quotes have backslashes, so a whole word between bare ones is
 * a key or a value. */
static bool quote_is_plain(struct look *look, const char *at)
{
    static const hg_str words[] = {
        {"\"finish_reason\"", 15}, {"\"usage\"", 7}, {"\"error\"", 7}, {NULL, 0}};

    if (starts(look, at, HG_S("\"choices\""))) {
        look->choices++;
        return true;
    }
    for (const hg_str *word = words; word->p; word++)
        if (starts(look, at, *word) && !is_null_member(look, at + word->n))
            return false;
    return true;
}

/* Only data with an object in it, comments and empty lines. */
static bool line_is_plain(struct look *look, const char *at)
{
    if (at == look->end || *at == '\n' || *at == '\r' || *at == ':')
        return true;
    if (!starts(look, at, HG_S("data:")))
        return false;
    at = spaces_end(look, at + 5);
    look->events++;
    return at < look->end && *at == '{';
}

static bool byte_is_plain(struct look *look, const char *at)
{
    switch (*at) {
    case '"':
        return quote_is_plain(look, at);
    case '\n':
        return line_is_plain(look, at + 1);
    case '\r':
        return at + 1 < look->end && at[1] == '\n';
    default:
        return true;
    }
}

#if defined(__SSE2__)
static inline __m128i both(__m128i second, char x, __m128i fourth, char y)
{
    return _mm_and_si128(_mm_cmpeq_epi8(second, _mm_set1_epi8(x)),
                         _mm_cmpeq_epi8(fourth, _mm_set1_epi8(y)));
}

/* Quotes at the start of what may be one of our words, by their second and fourth bytes:
 * "finish_reason", "usage", "error", "choices". */
static inline __m128i words_of(__m128i v, __m128i second, __m128i fourth)
{
    __m128i found =
        _mm_or_si128(_mm_or_si128(both(second, 'f', fourth, 'n'), both(second, 'u', fourth, 'a')),
                     _mm_or_si128(both(second, 'e', fourth, 'r'), both(second, 'c', fourth, 'o')));

    return _mm_and_si128(found, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
}

static inline __m128i load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Bytes worth a closer look: these quotes, and line ends. Reads three bytes beyond the 16. */
static inline unsigned mask_of(const char *at)
{
    __m128i v = load(at);
    __m128i line = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(line, words_of(v, load(at + 1), load(at + 3))));
}
#endif

bool openai_is_plain(hg_str events)
{
    struct look look = {.end = events.p + events.n};
    const char *at = events.p;

    if (!events.n || !line_is_plain(&look, at))
        return false;
#if defined(__SSE2__)
    for (; look.end - at >= 19; at += 16)
        for (unsigned mask = mask_of(at); mask; mask &= mask - 1)
            if (!byte_is_plain(&look, at + __builtin_ctz(mask)))
                return false;
#endif
    for (; at < look.end; at++)
        if (!byte_is_plain(&look, at))
            return false;
    return look.events && look.events == look.choices;
}

/* ---- the whole look -------------------------------------------------------------------------- */

static bool is_filled(hg_json value)
{
    if (value.kind == HG_J_STR)
        return json_raw_str(value).n > 0;
    return (value.kind == HG_J_ARR || value.kind == HG_J_OBJ) &&
           json_next(value, &(hg_json_it){{0, 0}}, NULL, NULL);
}

/* Anything in a delta but its role and bookkeeping is a part of the answer. */
static bool delta_has_content(hg_json delta)
{
    static const char *const nothing[] = {"role", "channel", "name", "type", "provider_metadata"};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (delta.kind == HG_J_OBJ && json_next(delta, &it, &key, &value)) {
        bool counts = is_filled(value);

        for (size_t i = 0; counts && i < sizeof nothing / sizeof *nothing; i++)
            counts = !json_key_is(key, text_of(nothing[i]));
        if (counts)
            return true;
    }
    return false;
}

static void choice_read(hg_json choice, struct dialect_event *ret)
{
    hg_json delta = json_member(choice, HG_S("delta"));
    uint32_t finish = openai_finish_read(json_member(choice, HG_S("finish_reason")));

    if (!delta.kind)
        delta = json_member(choice, HG_S("message"));
    ret->has_content |= delta_has_content(delta) || is_filled(json_member(choice, HG_S("text")));
    if (finish)
        ret->finish = finish;
}

static void document_read(struct arena *arena, hg_json doc, struct dialect_event *ret)
{
    hg_json choices = json_member(doc, HG_S("choices"));
    hg_json_it it = {{0, 0}};
    hg_json choice;

    ret->is_error = openai_error_read(arena, doc, &ret->error_type, &ret->error_message);
    ret->has_usage = openai_usage_read(openai_usage_find(doc), &ret->usage);
    ret->is_valid = choices.kind == HG_J_ARR || ret->has_usage;
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->id = json_str(arena, json_member(doc, HG_S("id")));
    while (choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice))
        choice_read(choice, ret);
    ret->is_usage_only = ret->has_usage && !json_next(choices, &(hg_json_it){{0, 0}}, NULL, NULL);
    ret->text = texts_of_event(&dialect_openai_chat, arena, doc);
}

void openai_read_event(struct arena *arena, hg_str data, struct dialect_event *ret)
{
    hg_str text = text_trim(data);
    hg_json doc;

    *ret = (struct dialect_event){0};
    if (text_starts(text, HG_S("[DONE]"))) {
        ret->is_done = ret->is_valid = true;
        return;
    }
    /* Some keep a connection alive with data that says nothing. */
    if (!text.n || text_is(text, HG_S("{}")) || text_is(text, HG_S("null"))) {
        ret->is_valid = true;
        return;
    }
    if (json_parse(arena, text, &doc, NULL) && doc.kind == HG_J_OBJ)
        document_read(arena, doc, ret);
}

/* ---- other texts ----------------------------------------------------------------------------- */

/* Beside the delta some have the message so far, or the same text once more, which would tell what
 * was taken out. */
void openai_event_unrepeat(hg_json doc, struct splice *splice)
{
    hg_json choices = json_member(doc, HG_S("choices"));
    hg_json_it it = {{0, 0}};
    hg_json choice;

    while (choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice)) {
        if (!json_member(choice, HG_S("delta")).kind)
            continue;
        splice_remove_member(splice, choice, HG_S("message"));
        splice_remove_member(splice, choice, HG_S("text"));
    }
}

void openai_event_put(struct chain *out, hg_str json)
{
    while (json.n) {
        hg_str line = text_cut(json, '\n', &json);

        CHAIN_PUT_LIT(out, "data: ");
        chain_put(out, line.p, line.n);
        CHAIN_PUT_LIT(out, "\n");
    }
    CHAIN_PUT_LIT(out, "\n");
}
