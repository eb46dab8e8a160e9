/* area.h - entries in memory that several processes map at different addresses.
 *
 *   segment ─► [ head ][ shard 0 ][ shard 1 ] ...
 *   shard   ─► [ robust lock, positions, table of buckets ][ ring of entries ]
 *
 *   ring       ....[ oldest ][ entry ][ gap ]|[ entry ][ newest ]........
 *                  ▲ tail                    wraps              ▲ head
 *
 * A shard is a log: new entries are written at the head, room is made by dropping the oldest, so
 * nothing fragments. There are only offsets inside. A process may be killed at any moment: the next
 * one to take the shard's lock empties that shard. No function calls out while it holds a lock. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

enum {
    AREA_DIGEST = 32
};

struct area {
    char *base;
    uint32_t shards;                    /* a power of 2 */
    uint32_t buckets;                   /* of each shard, a power of 2 */
    uint64_t shard_bytes, table_offset; /* from the shard's start */
    uint64_t ring_offset, ring_bytes;
};

struct area_key {
    const uint8_t *digest; /* AREA_DIGEST bytes */
    hg_str scope;
};

struct area_found {
    size_t value_n, meta_n;
    hg_ns stored; /* as the one who stored it counts */
};

enum area_opened {
    AREA_READY,
    AREA_OTHER_LAYOUT, /* made by another version of this code */
    AREA_BUSY          /* another process has been preparing it for too long */
};

/* The least size, and how large a single entry (value, meta and scope) may be in `bytes`. */
enum {
    AREA_MIN = 64 * 1024
};
uint64_t area_entry_max(uint64_t bytes);

/* Takes a segment of `bytes`, zeroed when the first process sees it. */
enum area_opened area_open(struct area *area, void *base, uint64_t bytes);

/* Whether there is an entry, and how long its parts are. One that has expired is dropped. */
bool area_find(const struct area *area, const struct area_key *key, hg_ns now,
               struct area_found *ret_found);

/* Copies the value and, behind it, the meta of what area_find found; false if it has changed. */
bool area_copy(const struct area *area, const struct area_key *key, const struct area_found *found,
               char *to);

/* Puts an entry in, made of `count` pieces of value. `expires` is a moment. Returns how many
 * entries had to go to make room, -1 if it is too large. */
int64_t area_store(const struct area *area, const struct area_key *key, const hg_str *pieces,
                   size_t count, hg_str meta, hg_ns now, hg_ns expires);

/* Drops what matches: an empty scope matches every scope, a NULL digest every digest. Returns how
 * many. */
uint64_t area_purge(const struct area *area, hg_str scope, const uint8_t *digest);

/* Sums over all shards, without taking a lock. */
uint64_t area_bytes(const struct area *area);
uint64_t area_entries(const struct area *area);
uint64_t area_recovered(const struct area *area); /* shards emptied because their holder died */
