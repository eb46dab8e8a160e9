/* map.h - small values that all processes share: headgate.shared/1 and Lua's s.shared.
 *
 * 64 shards, each with a robust mutex, a hash table and blocks of one size. An entry is a chain of
 * blocks, so memory cannot fragment: whoever needs room evicts the coldest entries of the shard and
 * gets it. If a process dies inside a shard, the next one empties that shard and goes on.
 *
 * Keys live in a space: the name of the instance, or "lua:" and the name in s.shared. Space and key
 * together are at most MAP_KEY_MAX bytes, values at most MAP_VALUE_MAX. A `ttl` of 0 has no end.
 *
 * Results: HG_OK, HG_MISS (not there, or not what was expected), HG_E_TOOBIG (key or value),
 * HG_E_INPUT (not that type), HG_E_RATE. There is no "no memory". */
#pragma once

#include <stdint.h>

#include <headgate/abi.h>

#include "base/buffer.h"

struct map;

enum {
    MAP_KEY_MAX = 1024,
    MAP_VALUE_MAX = 64 << 10
};

/* Appends the value to `out`. A number is written in decimal. A token bucket: HG_E_INPUT. */
hg_rc map_get(struct map *map, hg_str space, hg_str key, struct buffer *out);

hg_rc map_set(struct map *map, hg_str space, hg_str key, hg_str value, hg_ns ttl);
hg_rc map_remove(struct map *map, hg_str space, hg_str key);

/* Adds to a number; one that is not there counts as 0 and lives for `ttl` from now. Adding to one
 * that is there leaves its end as it is. A text that is a whole number becomes a number; any other
 * is HG_E_INPUT. Stops at the ends of int64_t. `ret_value` may be NULL. */
hg_rc map_add(struct map *map, hg_str space, hg_str key, int64_t delta, hg_ns ttl,
              int64_t *ret_value);

/* Sets the value if the present one equals `old`; an `old` with p == NULL or n == 0 means: if there
 * is none. Otherwise HG_MISS. */
hg_rc map_cas(struct map *map, hg_str space, hg_str key, hg_str old, hg_str value, hg_ns ttl);

/* Takes `n` tokens from a bucket that holds `burst` at most and gains `rate` a second; it starts
 * full. HG_E_RATE if there are too few: nothing is taken, and *ret_wait (may be NULL) is the time
 * until there will be enough, INT64_MAX if never. HG_E_INPUT for numbers that make no sense. */
hg_rc map_take(struct map *map, hg_str space, hg_str key, double rate, double burst, double n,
               hg_ns *ret_wait);

struct map_stats {
    uint64_t entries, evicted, expired;
    uint64_t emptied;    /* shards given up because a process died in them */
    uint64_t size, used; /* bytes */
};

struct map_stats map_stats(struct map *map);

/* For region.c. */
enum {
    MAP_SIZE_MIN = 16 << 20
};
void map_init(struct map *map, uint64_t size);
