/* find.h - private to json/: finds the next byte of a kind, many bytes at a time.
 *
 * All take `from`, the start of the whole text: with 16 bytes or more in it, the last few bytes can
 * be looked at with a whole load that begins earlier. Never a byte outside of from..end is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#    include <emmintrin.h>

/* Signed, bytes from 0x80 on are less than 0x20 too: one comparison finds both. `foreign` is 0x80
 * to pass over them after all. */
static inline unsigned find_mask_string(__m128i v, uint8_t foreign)
{
    __m128i passed = _mm_and_si128(v, _mm_set1_epi8((char)foreign));
    __m128i odd = _mm_andnot_si128(passed, _mm_cmpgt_epi8(_mm_set1_epi8(0x20), v));
    __m128i ends =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(odd, ends));
}

static inline unsigned find_mask_quote(__m128i v)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
}

/* Bit 5 tells '{' from '[' and '}' from ']'. */
static inline unsigned find_mask_bracket(__m128i v)
{
    __m128i same = _mm_or_si128(v, _mm_set1_epi8(0x20));
    __m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(same, _mm_set1_epi8('{')),
                                    _mm_cmpeq_epi8(same, _mm_set1_epi8('}')));

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(brackets, _mm_cmpeq_epi8(v, _mm_set1_epi8('"'))));
}

static inline __m128i find_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Returns from the function. Less than 16 bytes are left, and at least 16 lie before the end. */
#    define FIND_LAST(p, end, mask_of, ...)                                               \
        do {                                                                              \
            unsigned left_ = (unsigned)((end) - (p));                                     \
            unsigned mask_ = mask_of(find_load((end)-16), ##__VA_ARGS__) >> (16 - left_); \
            return mask_ ? (p) + __builtin_ctz(mask_) : (end);                            \
        } while (0)
#endif

/* Like find_string_special, for long runs: with the widest registers there are, and passing over
 * escapes of two characters as well. It may stop at any escape. *ret_escaped becomes true if there
 * was one on the way; it may also do so for one that follows in the same block. */
const uint8_t *find_string_special_far(const uint8_t *from, const uint8_t *p, const uint8_t *end,
                                       uint8_t foreign, bool *ret_escaped);

static inline bool find_is_string_special(uint8_t c, uint8_t foreign)
{
    return c < 0x20 || (c & 0x80 & ~foreign) || c == '"' || c == '\\';
}

/* The first byte that matters inside a string: quote, backslash, control, not ASCII; or `end`. It
 * gives up after 32 plain bytes, or where less than 16 are left, and returns where it stands. */
static inline const uint8_t *find_string_special(const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
    for (int i = 0; i < 2 && end - p >= 16; i++, p += 16) {
        unsigned mask = find_mask_string(find_load(p), 0);

        if (mask)
            return p + __builtin_ctz(mask);
    }
#else
    for (int i = 0; i < 32 && p < end && !find_is_string_special(*p, 0); i++)
        p++;
#endif
    return p;
}

/* The first byte that is no white space of JSON; or `end`. */
const uint8_t *find_behind_space(const uint8_t *p, const uint8_t *end);

const uint8_t *find_quote_far(const uint8_t *from, const uint8_t *p, const uint8_t *end);

/* The next quote, escaped or not. */
static inline const uint8_t *find_quote(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
    for (int i = 0; i < 2 && end - p >= 16; i++, p += 16) {
        unsigned mask = find_mask_quote(find_load(p));

        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    return find_quote_far(from, p, end);
}

/* The next bracket of any kind or quote, in text known to be valid and outside of strings. */
static inline const uint8_t *find_bracket(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        unsigned mask = find_mask_bracket(find_load(p));

        if (mask)
            return p + __builtin_ctz(mask);
    }
    if (p < end && end - from >= 16)
        FIND_LAST(p, end, find_mask_bracket);
#else
    (void)from;
#endif
    while (p < end && (*p | 0x20) != '{' && (*p | 0x20) != '}' && *p != '"')
        p++;
    return p;
}
