/* chance.h - numbers that look like chance and are the same for the same seed, everywhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Below `n`, which is not 0. */
static inline unsigned chance_below(struct chance *chance, unsigned n)
{
    return (unsigned)(chance_next(chance) % n);
}

/* Once in `n` times. */
static inline bool chance_one_in(struct chance *chance, unsigned n)
{
    return chance_below(chance, n) == 0;
}
