/* What the models can do and refuse, by a part of their names: the same under Bedrock's prefixes,
 * Vertex's dates and the names that resellers give them. The newest stand first, and what says more
 * before what says less. */
#include <string.h>

#include "dialect/anthropic/parts.h"

enum {
    MODEL_MAX = 256
};

static const uint32_t newest = FAMILY_ADAPTIVE | FAMILY_NO_SAMPLING | FAMILY_SCHEMA | FAMILY_XHIGH;

static const struct family families[] = {
    {"opus-5", 128000, newest},
    {"opus-4-8", 128000, newest},
    {"opus-4-7", 128000, newest},
    {"fable-5", 128000, newest},
    {"sonnet-5", 128000, newest},
    {"sonnet-4-6", 128000, FAMILY_ADAPTIVE | FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"opus-4-6", 128000, FAMILY_ADAPTIVE | FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"sonnet-4-5", 64000, FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"opus-4-5", 64000, FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"haiku-4-5", 64000, FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"opus-4-1", 32000, FAMILY_SCHEMA | FAMILY_ONE_SAMPLER},
    {"sonnet-4", 64000, 0},
    {"opus-4", 32000, 0},
    {"claude-3-7", 64000, 0},
    {"claude-3-5", 8192, FAMILY_NO_THINKING},
    {"claude-3", 4096, FAMILY_NO_THINKING},
    {"claude-2", 4096, FAMILY_NO_THINKING},
    {"claude-v2", 4096, FAMILY_NO_THINKING},
    {"claude-instant", 4096, FAMILY_NO_THINKING},
    {"claude", 128000, newest},
    {"", 4096, FAMILY_OTHER},
};

const struct family *anthropic_family_of(hg_str model)
{
    const struct family *family = families;
    char name[MODEL_MAX];
    size_t n = model.n < sizeof name ? model.n : sizeof name;

    for (size_t i = 0; i < n; i++)
        name[i] = model.p[i] == '.' ? '-' : model.p[i];
    while (*family->part && !memmem(name, n, family->part, strlen(family->part)))
        family++;
    return family;
}
