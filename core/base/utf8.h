/* utf8.h - the shape of UTF-8, for whoever reads or writes text of others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the one character that `p` begins with; 0 if it is none, or is cut off by `end`. */
static inline size_t utf8_length(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);

    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (left < 2 || p[0] < 0xC2 || (p[1] & 0xC0) != 0x80)
        return 0;
    if (p[0] < 0xE0)
        return 2;
    if (left < 3 || (p[2] & 0xC0) != 0x80)
        return 0;
    if (p[0] < 0xF0) {
        /* Not what two bytes could say, and no surrogates. */
        int odd = (p[0] & 0x0F) << 8 | (p[1] & 0x20);

        return odd == 0x000 || odd == 0xD20 ? 0 : 3;
    }
    if (left < 4 || p[0] > 0xF4 || (p[3] & 0xC0) != 0x80)
        return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return 4;
}

/* Whether p..end is UTF-8 throughout. `p` is at the start of a character, and what is before it,
 * from `from` on, is ASCII at least for three bytes. */
bool utf8_is_valid(const uint8_t *from, const uint8_t *p, const uint8_t *end);

/* How many bytes at `p`, which begin no character, one U+FFFD stands for: as many as could still
 * have become one (Unicode 3.9, "maximal subpart"). At least 1. */
size_t utf8_broken_length(const uint8_t *p, const uint8_t *end);

/* Writes a code point (anything up to 0x10FFFF but surrogates); returns how many bytes. */
size_t utf8_put(char *at, uint32_t code);
