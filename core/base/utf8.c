#include "base/utf8.h"

#if defined(__SSE2__)
#    include <immintrin.h>
#endif

/* The bounds of a second byte depend on the first; see table 3-7 of the Unicode standard. */
size_t utf8_broken_length(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p), want;
    uint8_t low = 0x80, high = 0xBF;

    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 1;
    want = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (left < 2 || p[1] < low || p[1] > high)
        return 1;
    size_t n = 2;

    while (n < want && n < left && (p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

size_t utf8_put(char *at, uint32_t code)
{
    uint8_t *p = (uint8_t *)at;

    if (code < 0x80) {
        p[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        p[0] = (uint8_t)(0xC0 | code >> 6);
        p[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        p[0] = (uint8_t)(0xE0 | code >> 12);
        p[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        p[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    p[0] = (uint8_t)(0xF0 | code >> 18);
    p[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    p[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    p[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

static bool is_valid_by_one(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        size_t n = utf8_length(p, end);

        if (!n)
            return false;
        p += n;
    }
    return true;
}

#if defined(__SSE2__)

#    define FOR_AVX2 __attribute__((target("avx2")))

/* What two bytes that follow one another can have wrong. Each is a bit, and a table for each of
 * three half bytes says which of them that half allows; what all three allow is wrong (the method
 * of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte"). */
enum wrong {
    SHORT = 1 << 0,  /* a lead, and no continuation */
    STRAY = 1 << 1,  /* ASCII, and a continuation */
    LONG_3 = 1 << 2, /* three bytes for what two can say */
    LARGE = 1 << 3,  /* beyond U+10FFFF */
    SURROGATE = 1 << 4,
    LONG_2 = 1 << 5,       /* two bytes for ASCII */
    LONG_4_LARGE = 1 << 6, /* four bytes for what three can say; or F5 and more with 80 to 8F */
    TWICE = 1 << 7         /* two continuations: wrong unless a lead before asks for it */
};

#    define ANY_LOW (SHORT | STRAY | TWICE)

/* Of the first byte, its high half and its low half; of the second, its high half. */
static const uint8_t first_high[16] = {STRAY,
                                       STRAY,
                                       STRAY,
                                       STRAY,
                                       STRAY,
                                       STRAY,
                                       STRAY,
                                       STRAY,
                                       TWICE,
                                       TWICE,
                                       TWICE,
                                       TWICE,
                                       SHORT | LONG_2,
                                       SHORT,
                                       SHORT | LONG_3 | SURROGATE,
                                       SHORT | LARGE | LONG_4_LARGE};
static const uint8_t first_low[16] = {ANY_LOW | LONG_3 | LONG_2 | LONG_4_LARGE,
                                      ANY_LOW | LONG_2,
                                      ANY_LOW,
                                      ANY_LOW,
                                      ANY_LOW | LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE | SURROGATE,
                                      ANY_LOW | LARGE | LONG_4_LARGE,
                                      ANY_LOW | LARGE | LONG_4_LARGE};
static const uint8_t second_high[16] = {SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        STRAY | LONG_2 | TWICE | LONG_3 | LONG_4_LARGE,
                                        STRAY | LONG_2 | TWICE | LONG_3 | LARGE,
                                        STRAY | LONG_2 | TWICE | SURROGATE | LARGE,
                                        STRAY | LONG_2 | TWICE | SURROGATE | LARGE,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT};

FOR_AVX2 static inline __m256i table_of(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

FOR_AVX2 static inline __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

FOR_AVX2 static inline __m256i high_half(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
}

/* Not zero where the 32 bytes at `p`, seen with the three before them, are wrong. */
FOR_AVX2 static inline __m256i wrong_at(const uint8_t *p, __m256i v)
{
    __m256i before = load(p - 1);
    __m256i low = _mm256_and_si256(before, _mm256_set1_epi8(15));
    __m256i wrong = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(table_of(first_high), high_half(before)),
                         _mm256_shuffle_epi8(table_of(first_low), low)),
        _mm256_shuffle_epi8(table_of(second_high), high_half(v)));
    /* The top bit where a lead two or three bytes back asks for a continuation here. */
    __m256i third = _mm256_subs_epu8(load(p - 2), _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(load(p - 3), _mm256_set1_epi8(0xF0 - 0x80));
    __m256i asked = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));

    return _mm256_xor_si256(asked, wrong);
}

/* What is left for one at a time begins with the character that the end of the blocks cut. */
static const uint8_t *cut_character(const uint8_t *p)
{
    for (int back = 1; back <= 3; back++) {
        uint8_t c = p[-back];

        if (c >= 0xC0)
            return (c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2) > back ? p - back : p;
        if (c < 0x80)
            return p;
    }
    return p;
}

FOR_AVX2 static bool is_valid_avx2(const uint8_t *p, const uint8_t *end)
{
    __m256i wrong = _mm256_setzero_si256();

    for (; end - p >= 32; p += 32) {
        __m256i v = load(p);

        if (_mm256_movemask_epi8(_mm256_or_si256(v, load(p - 3))))
            wrong = _mm256_or_si256(wrong, wrong_at(p, v));
    }
    return _mm256_testz_si256(wrong, wrong) && is_valid_by_one(cut_character(p), end);
}

bool utf8_is_valid(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    if (p - from < 3 || !__builtin_cpu_supports("avx2"))
        return is_valid_by_one(p, end);
    return is_valid_avx2(p, end);
}

#else

bool utf8_is_valid(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    (void)from;
    return is_valid_by_one(p, end);
}

#endif
