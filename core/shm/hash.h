/* hash.h - a keyed hash for tables in shared memory, whose keys outsiders may choose. Not for
 * anything that must be unforgeable. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to eight bytes as a number. */
static inline uint64_t hash_word(const char *p, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, p, n < 8 ? n : 8);
    return word;
}

static inline uint64_t hash_bytes(const uint64_t seed[2], const void *bytes, size_t n)
{
    const char *p = bytes;
    uint64_t hash = seed[0] ^ n;

    for (; n > 16; p += 16, n -= 16)
        hash = hash_mix(hash_word(p, 8) ^ seed[1], hash_word(p + 8, 8) ^ hash);
    uint64_t low = hash_word(p, n), high = n > 8 ? hash_word(p + 8, n - 8) : 0;

    hash = hash_mix(low ^ seed[1], high ^ hash);
    return hash_mix(hash, seed[0] | 1);
}
