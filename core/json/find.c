/* The long runs of find.h: 64 bytes at a time where the processor has AVX2, which is asked at run
 * time because a package is built for all processors. */
#include "json/find.h"

#if defined(__SSE2__)
#    include <immintrin.h>

#    define FOR_AVX2 __attribute__((target("avx2")))

/* One bit for each of 64 bytes. */
struct masks {
    uint64_t quotes, slashes, odd, newlines;
};

FOR_AVX2 static inline uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

FOR_AVX2 static inline uint64_t bits_equal(__m256i low, __m256i high, char c)
{
    __m256i all = _mm256_set1_epi8(c);

    return bits_of(_mm256_cmpeq_epi8(low, all), _mm256_cmpeq_epi8(high, all));
}

/* Controls, and what is not ASCII unless it is to be passed over; see find_mask_string. */
FOR_AVX2 static inline __m256i odd_of(__m256i v, __m256i foreign)
{
    return _mm256_andnot_si256(_mm256_and_si256(v, foreign),
                               _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v));
}

FOR_AVX2 static inline __m256i special(__m256i v, __m256i foreign)
{
    __m256i ends = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                                   _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));

    return _mm256_or_si256(ends, odd_of(v, foreign));
}

/* False if nothing in these 64 bytes is special. */
FOR_AVX2 static inline bool masks_of(const uint8_t *p, uint8_t foreign, struct masks *ret_masks)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    __m256i passed = _mm256_set1_epi8((char)foreign);
    __m256i any = _mm256_or_si256(special(low, passed), special(high, passed));

    if (!_mm256_movemask_epi8(any))
        return false;
    ret_masks->quotes = bits_equal(low, high, '"');
    ret_masks->slashes = bits_equal(low, high, '\\');
    ret_masks->newlines = bits_equal(low, high, 'n');
    ret_masks->odd = bits_of(odd_of(low, passed), odd_of(high, passed));
    return true;
}

static bool is_short_escape(uint8_t c)
{
    return c == 'n' || c == '"' || c == '\\' || c == 't' || c == '/' || c == 'r' || c == 'b' ||
           c == 'f';
}

/* The bytes that a backslash stands before. A run of backslashes escapes every other byte from its
 * second one on: adding the beginning of a run to it carries into the byte behind, which tells runs
 * that begin at odd places from those at even ones, all of the block at once. *carry is 1 if the
 * first byte of this block, then of the next, is escaped by the block before. */
static inline uint64_t escaped_of(uint64_t slashes, uint64_t *carry)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t behind, odd_runs, sum;

    slashes &= ~*carry;
    behind = slashes << 1 | *carry;
    odd_runs = slashes & ~behind & ~even;
    *carry = __builtin_add_overflow(slashes, odd_runs, &sum);
    return behind & (even ^ sum << 1);
}

/* Those of some escaped bytes that make no escape of two characters. */
static uint64_t unusual_escapes(const uint8_t *p, uint64_t escaped)
{
    while (escaped && is_short_escape(p[__builtin_ctzll(escaped)]))
        escaped &= escaped - 1;
    return escaped;
}

FOR_AVX2 static const uint8_t *far_avx2(const uint8_t *p, const uint8_t *end, uint8_t foreign,
                                        bool *ret_escaped)
{
    uint64_t carry = 0, any = 0;

    for (; end - p >= 64; p += 64) {
        struct masks masks;
        uint64_t escaped, unusual, stop;

        if (!masks_of(p, foreign, &masks)) {
            if (carry && !is_short_escape(*p))
                break;
            any |= carry;
            carry = 0;
            continue;
        }
        escaped = escaped_of(masks.slashes, &carry);
        unusual = escaped & ~(masks.quotes | masks.slashes | masks.newlines);
        if (unusual)
            unusual = unusual_escapes(p, unusual);
        stop = (masks.quotes & ~escaped) | masks.odd | unusual;
        any |= escaped;
        if (stop) {
            unsigned i = (unsigned)__builtin_ctzll(stop);

            if (any)
                *ret_escaped = true;
            return p + i - (unusual >> i & 1);
        }
    }
    if (any)
        *ret_escaped = true;
    return p - carry;
}

static inline unsigned mask_space(__m128i v)
{
    __m128i lines = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                 _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
    __m128i blanks =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(lines, blanks));
}

static const uint8_t *behind_space_wide(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        unsigned mask = mask_space(find_load(p)) ^ 0xFFFF;

        if (mask)
            return p + __builtin_ctz(mask);
    }
    return p;
}

const uint8_t *find_string_special_far(const uint8_t *from, const uint8_t *p, const uint8_t *end,
                                       uint8_t foreign, bool *ret_escaped)
{
    if (end - p >= 64 && __builtin_cpu_supports("avx2")) {
        p = far_avx2(p, end, foreign, ret_escaped);
        if (end - p >= 64)
            return p;
    }
    for (; end - p >= 16; p += 16) {
        unsigned mask = find_mask_string(find_load(p), foreign);

        if (mask)
            return p + __builtin_ctz(mask);
    }
    if (p < end && end - from >= 16)
        FIND_LAST(p, end, find_mask_string, foreign);
    while (p < end && !find_is_string_special(*p, foreign))
        p++;
    return p;
}

FOR_AVX2 static const uint8_t *quote_avx2(const uint8_t *p, const uint8_t *end)
{
    __m256i quote = _mm256_set1_epi8('"');

    for (; end - p >= 64; p += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

        low = _mm256_cmpeq_epi8(low, quote);
        high = _mm256_cmpeq_epi8(high, quote);
        if (_mm256_movemask_epi8(_mm256_or_si256(low, high)))
            return p + __builtin_ctzll(bits_of(low, high));
    }
    return p;
}

const uint8_t *find_quote_far(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    if (end - p >= 64 && __builtin_cpu_supports("avx2")) {
        p = quote_avx2(p, end);
        if (end - p >= 64)
            return p;
    }
    for (; end - p >= 16; p += 16) {
        unsigned mask = find_mask_quote(find_load(p));

        if (mask)
            return p + __builtin_ctz(mask);
    }
    if (p < end && end - from >= 16)
        FIND_LAST(p, end, find_mask_quote);
    while (p < end && *p != '"')
        p++;
    return p;
}

#else

static const uint8_t *behind_space_wide(const uint8_t *p, const uint8_t *end)
{
    (void)end;
    return p;
}

const uint8_t *find_quote_far(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    (void)from;
    while (p < end && *p != '"')
        p++;
    return p;
}

const uint8_t *find_string_special_far(const uint8_t *from, const uint8_t *p, const uint8_t *end,
                                       uint8_t foreign, bool *ret_escaped)
{
    (void)from;
    (void)ret_escaped;
    while (p < end && !find_is_string_special(*p, foreign))
        p++;
    return p;
}

#endif

const uint8_t *find_behind_space(const uint8_t *p, const uint8_t *end)
{
    p = behind_space_wide(p, end);
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}
