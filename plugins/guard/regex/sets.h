/* sets.h - things that have a shape of their own and, often, a check sum: e-mail addresses, card
 * numbers, keys. Written by hand rather than as patterns: each takes one quick pass over the text,
 * whatever the text is. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

struct set {
    const char *name; /* as in the settings */
    const char *with; /* what stands in its place */

    /* The next one that begins at `from` or behind: true, with its place and length. */
    bool (*find)(hg_str text, size_t from, size_t *ret_at, size_t *ret_n);
};

/* NULL if there is no such set. */
const struct set *set_by_name(hg_str name);

/* By number; NULL behind the last. */
const struct set *set_at(size_t number);
