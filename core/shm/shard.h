/* shard.h - one shard of the shared map: entries as chains of bricks, and who has to go when there
 * is no room; for map.c only. All functions want the shard's mutex held.
 *
 *   buckets ─► entry ─► entry            found by hash
 *                │ more
 *                ▼
 *              brick ─► brick            the rest of key and value
 *
 * Bricks are numbered from 1. Those from `fresh` on have never been used, and their pages neither.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <headgate/abi.h>

#include "base/buffer.h"

enum {
    BRICK_SIZE = 128,
    BRICK_BYTES = BRICK_SIZE - 8,
    ENTRY_BYTES = BRICK_SIZE - 48
};

enum brick_kind {
    BRICK_FREE,
    BRICK_MORE,
    ENTRY_TEXT,
    ENTRY_NUMBER,
    ENTRY_TOKENS
};

struct brick {
    uint32_t more; /* next of the entry, or of the free ones; 0: the last */
    uint8_t kind;
    uint8_t hot; /* used since the hand came by */
    uint16_t key_n;
    char bytes[BRICK_BYTES];
};

struct entry {
    uint32_t more;
    uint8_t kind;
    uint8_t hot;
    uint16_t key_n;
    uint32_t next; /* in the bucket */
    uint32_t hash;
    uint32_t value_n;
    uint32_t reserved;
    hg_ns expires; /* 0: never */
    union {
        int64_t number;
        struct {
            double level;
            hg_ns at;
        } tokens;
    };
    char bytes[ENTRY_BYTES]; /* the key, then the value of an ENTRY_TEXT */
};

struct shard {
    pthread_mutex_t mutex;
    uint32_t bricks;       /* how many there are */
    uint32_t fresh;        /* the first that was never used */
    uint32_t free, n_free; /* the used ones that are free again */
    uint32_t hand;
    uint32_t buckets; /* a power of two */
    uint64_t entries, evicted, expired, emptied;
    uint32_t first[]; /* buckets, then bricks */
};

struct shard_key {
    const char *p;
    uint16_t n;
    uint32_t hash;
};

void shard_init(struct shard *shard, size_t size);

/* Forgets all entries, whatever state they are in. */
void shard_empty(struct shard *shard);

/* The entry, or NULL; one that has expired is removed. */
struct entry *shard_find(struct shard *shard, const struct shard_key *key, hg_ns now);

/* A new entry with room for its value; others go to make that room. There is none of that key. */
struct entry *shard_add(struct shard *shard, const struct shard_key *key, enum brick_kind kind,
                        hg_str value, hg_ns now);

void shard_remove(struct shard *shard, struct entry *entry);

/* Of an ENTRY_TEXT. */
void shard_value(const struct shard *shard, const struct entry *entry, struct buffer *out);
bool shard_value_is(const struct shard *shard, const struct entry *entry, hg_str value);
