/* Strings without their escapes, and numbers. All text here has passed json_parse, or is raw text
 * from a document that has. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/index.h"
#include "json/scan.h"

enum {
    REPLACEMENT = 0xFFFD
};

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];

        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* Decodes the escape at `p` (a backslash) into `out`, at most 4 bytes; returns how many were
 * written, and moves *p behind it. A surrogate without its other half becomes U+FFFD. */
static size_t escape_decode(const char **p, const char *end, char *out)
{
    const char *at = *p;
    uint32_t code;

    *p = at + 2;
    switch (at[1]) {
    case 'n':
        *out = '\n';
        return 1;
    case 't':
        *out = '\t';
        return 1;
    case 'r':
        *out = '\r';
        return 1;
    case 'b':
        *out = '\b';
        return 1;
    case 'f':
        *out = '\f';
        return 1;
    case 'u':
        break;
    default:
        *out = at[1];
        return 1;
    }
    code = hex4(at + 2);
    *p = at + 6;
    if (code >= 0xD800 && code <= 0xDFFF) {
        uint32_t low = 0;

        if (code < 0xDC00 && end - *p >= 6 && at[6] == '\\' && at[7] == 'u')
            low = hex4(at + 8);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p = at + 12;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else {
            code = REPLACEMENT;
        }
    }
    return utf8_put(out, code);
}

#if defined(__SSE2__)
/* Copies up to the next escape or the last few bytes, 16 at a time: the bytes behind an escape are
 * written as well, and then again by what it stands for. */
static void plain_copy(const char **p, const char *end, char **at)
{
    while (end - *p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)*p);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        int n = mask ? __builtin_ctz(mask) : 16;

        _mm_storeu_si128((__m128i *)(void *)*at, v);
        *p += n;
        *at += n;
        if (mask)
            return;
    }
}
#endif

/* An escape is never shorter than what it stands for (\uFFFF: 6 bytes for 3), so the raw length is
 * room enough. */
hg_str json_unescape(struct arena *arena, hg_str raw)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    char *plain, *at;

    if (!raw.n || !memchr(p, '\\', raw.n))
        return raw;
    plain = at = arena_alloc(arena, raw.n);
    while (p < end) {
#if defined(__SSE2__)
        plain_copy(&p, end, &at);
#endif
        while (p < end && *p != '\\')
            *at++ = *p++;
        if (p < end && *p == '\\')
            at += escape_decode(&p, end, at);
    }
    return (hg_str){plain, (size_t)(at - plain)};
}

hg_str json_str(struct arena *arena, hg_json value)
{
    return json_unescape(arena, json_raw_str(value));
}

bool json_key_is(hg_str raw, hg_str key)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    size_t i = 0;

    if (raw.n < key.n)
        return false;
    if (raw.n == key.n)
        return text_is(raw, key) && (!raw.n || !memchr(raw.p, '\\', raw.n));
    while (p < end) {
        char plain[4];
        size_t n = 1;

        if (*p == '\\')
            n = escape_decode(&p, end, plain);
        else
            plain[0] = *p++;
        if (key.n - i < n || memcmp(key.p + i, plain, n) != 0)
            return false;
        i += n;
    }
    return i == key.n;
}

bool json_is(hg_json value, hg_str text)
{
    return value.kind == HG_J_STR && json_key_is(json_raw_str(value), text);
}

double json_f64(hg_json value, double dflt)
{
    char room[64];

    if (value.kind != HG_J_NUM)
        return dflt;
    hg_str raw = json_raw(value);
    char *copy = raw.n < sizeof room ? room : xmalloc(raw.n + 1);

    *put_text(copy, raw) = 0;
    double number = strtod(copy, NULL);

    if (copy != room)
        free(copy);
    return isfinite(number) ? number : dflt;
}

/* Nearly all numbers are a few digits, which are read where they stand. False for all others. */
static bool digits_read(hg_json value, int64_t *ret_number)
{
    enum {
        DIGITS_SAFE = 18
    };
    const struct json_doc *doc = value.doc;
    const char *first = doc->text.p + value.at, *end = doc->text.p + doc->text.n, *p = first;
    int64_t number = 0;

    if (end - p > DIGITS_SAFE)
        end = p + DIGITS_SAFE;
    while (p < end && *p >= '0' && *p <= '9')
        number = 10 * number + (*p++ - '0');
    *ret_number = number;
    return p > first && p < end && *p != '.' && (*p | 0x20) != 'e';
}

int64_t json_i64(hg_json value, int64_t dflt)
{
    int64_t number;

    if (value.kind != HG_J_NUM)
        return dflt;
    if (digits_read(value, &number))
        return number;
    hg_str raw = json_raw(value);
    bool negative = raw.p[0] == '-';
    uint64_t size;

    if (text_to_u64((hg_str){raw.p + negative, raw.n - negative}, &size)) {
        if (size > (uint64_t)INT64_MAX + negative)
            return dflt;
        return negative ? (int64_t)(0 - size) : (int64_t)size;
    }
    /* A fraction or an exponent, or too many digits; whole numbers are exact up to 2^53. */
    double real = json_f64(value, 0.5);

    if (real != trunc(real) || fabs(real) > 9007199254740992.0)
        return dflt;
    return (int64_t)real;
}
