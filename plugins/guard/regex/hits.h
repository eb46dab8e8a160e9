/* hits.h - places found in texts, made into edits that do not overlap. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

struct hit {
    uint32_t text;
    size_t at, n;
    hg_str with;
};

struct hits {
    struct hit *list;
    size_t count, room;
};

/* False when there are `max` already, or no memory. */
bool hits_add(struct hits *hits, uint32_t text, size_t at, size_t n, hg_str with, size_t max);

/* Sorts by text and place and joins what overlaps, so that nothing that was found stays: the first
 * one's replacement stands for all. Returns how many are left. */
size_t hits_merge(struct hits *hits);
