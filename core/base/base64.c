#include "base/base64.h"

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

/* Its place in the alphabet, that of URLs too; -1 if it has none. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

hg_str base64_decode(struct arena *arena, hg_str text)
{
    char *bytes = arena_alloc(arena, text.n / 4 * 3 + 3);
    unsigned bits = 0, held = 0;
    size_t out = 0;

    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_value(text.p[i]);

        if (digit < 0)
            continue;
        bits = bits << 6 | (unsigned)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[out++] = (char)(bits >> held);
        }
    }
    return (hg_str){bytes, out};
}
