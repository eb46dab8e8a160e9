#include "simulate/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

hg_str base64_encode(struct arena *arena, const void *bytes, size_t n)
{
    const unsigned char *in = bytes;
    char *text = arena_alloc(arena, n / 3 * 4 + 5);
    size_t out = 0;

    for (size_t i = 0; i < n; i += 3) {
        unsigned b = (unsigned)in[i] << 16;

        b |= i + 1 < n ? (unsigned)in[i + 1] << 8 : 0;
        b |= i + 2 < n ? (unsigned)in[i + 2] : 0;
        text[out++] = digits[b >> 18 & 63];
        text[out++] = digits[b >> 12 & 63];
        text[out++] = i + 1 < n ? digits[b >> 6 & 63] : '=';
        text[out++] = i + 2 < n ? digits[b & 63] : '=';
    }
    return (hg_str){text, out};
}

hg_str base64_decode(struct arena *arena, hg_str text)
{
    char *bytes = arena_alloc(arena, text.n / 4 * 3 + 3);
    unsigned bits = 0, held = 0;
    size_t out = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *digit = text.p[i] ? strchr(digits, text.p[i]) : NULL;

        if (!digit)
            continue;
        bits = bits << 6 | (unsigned)(digit - digits);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[out++] = (char)(bits >> held);
        }
    }
    return (hg_str){bytes, out};
}
