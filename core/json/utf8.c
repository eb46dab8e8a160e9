#include "json/utf8.h"

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
