#include "shm/shard.h"

#include <string.h>

#include "base/ensure.h"

_Static_assert(sizeof(struct brick) == BRICK_SIZE, "a brick is as large as it says");
_Static_assert(sizeof(struct entry) == BRICK_SIZE, "an entry begins in one brick");

static struct brick *brick_at(const struct shard *shard, uint32_t number)
{
    size_t start = offsetof(struct shard, first) + shard->buckets * sizeof(uint32_t);

    start = (start + BRICK_SIZE - 1) & ~(size_t)(BRICK_SIZE - 1);
    return (struct brick *)(void *)((char *)(uintptr_t)shard + start) + (number - 1);
}

static struct entry *entry_at(const struct shard *shard, uint32_t number)
{
    return (struct entry *)(void *)brick_at(shard, number);
}

static uint32_t number_of(const struct shard *shard, const struct entry *entry)
{
    return (uint32_t)((const struct brick *)(const void *)entry - brick_at(shard, 1)) + 1;
}

void shard_init(struct shard *shard, size_t size)
{
    size_t room = size - sizeof(struct shard) - BRICK_SIZE;

    shard->buckets = 64;
    while (shard->buckets * 2 <= room / BRICK_SIZE)
        shard->buckets *= 2;
    shard->bricks = (uint32_t)((room - shard->buckets * sizeof(uint32_t)) / BRICK_SIZE);
    shard->fresh = 1;
    shard->hand = 1;
}

void shard_empty(struct shard *shard)
{
    memset(shard->first, 0, shard->buckets * sizeof *shard->first);
    shard->fresh = 1;
    shard->hand = 1;
    shard->free = 0;
    shard->n_free = 0;
    shard->entries = 0;
    shard->emptied++;
}

/* ---- bytes over a chain --------------------------------------------------------------------- */

/* A place in the bytes of an entry. */
struct spot {
    char *p;
    size_t left; /* in this brick */
    uint32_t more;
};

static struct spot spot_of(const struct entry *entry)
{
    char *bytes = (char *)(uintptr_t)entry->bytes;

    return (struct spot){bytes, ENTRY_BYTES, entry->more};
}

/* The next piece of at most `n` bytes; its length. */
static size_t piece(const struct shard *shard, struct spot *spot, size_t n, char **ret_p)
{
    if (!spot->left) {
        struct brick *brick = brick_at(shard, spot->more);

        *spot = (struct spot){brick->bytes, BRICK_BYTES, brick->more};
    }
    size_t length = n < spot->left ? n : spot->left;

    *ret_p = spot->p;
    spot->p += length;
    spot->left -= length;
    return length;
}

static void write_bytes(const struct shard *shard, struct spot *spot, const char *from, size_t n)
{
    while (n) {
        char *to;
        size_t length = piece(shard, spot, n, &to);

        memcpy(to, from, length);
        from += length;
        n -= length;
    }
}

static bool bytes_are(const struct shard *shard, struct spot *spot, const char *text, size_t n)
{
    while (n) {
        char *at;
        size_t length = piece(shard, spot, n, &at);

        if (memcmp(at, text, length) != 0)
            return false;
        text += length;
        n -= length;
    }
    return true;
}

static struct spot spot_of_value(const struct shard *shard, const struct entry *entry)
{
    struct spot spot = spot_of(entry);

    for (size_t n = entry->key_n; n;) {
        char *skipped;

        n -= piece(shard, &spot, n, &skipped);
    }
    return spot;
}

void shard_value(const struct shard *shard, const struct entry *entry, struct buffer *out)
{
    struct spot spot = spot_of_value(shard, entry);
    char *room = buffer_room(out, entry->value_n);

    for (size_t n = entry->value_n; n;) {
        char *from;
        size_t length = piece(shard, &spot, n, &from);

        memcpy(room, from, length);
        room += length;
        n -= length;
    }
    buffer_grew(out, entry->value_n);
}

bool shard_value_is(const struct shard *shard, const struct entry *entry, hg_str value)
{
    struct spot spot = spot_of_value(shard, entry);

    return entry->value_n == value.n && bytes_are(shard, &spot, value.p, value.n);
}

/* ---- entries -------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct shard *shard, uint32_t hash)
{
    return &shard->first[hash & (shard->buckets - 1)];
}

void shard_remove(struct shard *shard, struct entry *entry)
{
    uint32_t number = number_of(shard, entry);
    uint32_t *link = bucket_of(shard, entry->hash);

    while (*link != number)
        link = &entry_at(shard, *link)->next;
    *link = entry->next;
    while (number) {
        struct brick *brick = brick_at(shard, number);
        uint32_t more = brick->more;

        brick->kind = BRICK_FREE;
        brick->more = shard->free;
        shard->free = number;
        shard->n_free++;
        number = more;
    }
    shard->entries--;
}

static bool has_expired(const struct entry *entry, hg_ns now)
{
    return entry->expires && entry->expires <= now;
}

struct entry *shard_find(struct shard *shard, const struct shard_key *key, hg_ns now)
{
    for (uint32_t number = *bucket_of(shard, key->hash); number;) {
        struct entry *entry = entry_at(shard, number);
        struct spot spot = spot_of(entry);

        number = entry->next;
        if (entry->hash != key->hash || entry->key_n != key->n ||
            !bytes_are(shard, &spot, key->p, key->n))
            continue;
        if (has_expired(entry, now)) {
            shard->expired++;
            shard_remove(shard, entry);
            return NULL;
        }
        entry->hot = 1;
        return entry;
    }
    return NULL;
}

/* Moves the hand on to an entry that was not used since it came by last, and removes it. */
static void evict_one(struct shard *shard, hg_ns now)
{
    for (uint64_t turns = 0;; turns++) {
        ensure(turns <= 2 * (uint64_t)shard->bricks);
        struct entry *entry = entry_at(shard, shard->hand);
        bool old = entry->kind > BRICK_MORE && has_expired(entry, now);

        shard->hand = shard->hand % (shard->fresh - 1) + 1;
        if (entry->kind <= BRICK_MORE)
            continue;
        if (old || !entry->hot) {
            *(old ? &shard->expired : &shard->evicted) += 1;
            shard_remove(shard, entry);
            return;
        }
        entry->hot = 0;
    }
}

static uint32_t take_brick(struct shard *shard)
{
    uint32_t number = shard->free;

    if (!number)
        return shard->fresh++;
    shard->free = brick_at(shard, number)->more;
    shard->n_free--;
    return number;
}

static uint32_t bricks_for(size_t bytes)
{
    return bytes <= ENTRY_BYTES
               ? 1
               : 1 + (uint32_t)((bytes - ENTRY_BYTES + BRICK_BYTES - 1) / BRICK_BYTES);
}

static uint32_t take_chain(struct shard *shard, uint32_t count)
{
    uint32_t first = 0;

    while (count--) {
        uint32_t number = take_brick(shard);
        struct brick *brick = brick_at(shard, number);

        brick->kind = BRICK_MORE;
        brick->more = first;
        first = number;
    }
    return first;
}

struct entry *shard_add(struct shard *shard, const struct shard_key *key, enum brick_kind kind,
                        hg_str value, hg_ns now)
{
    uint32_t need = bricks_for(key->n + value.n);

    ensure(need <= shard->bricks);
    while (shard->n_free + (shard->bricks + 1 - shard->fresh) < need)
        evict_one(shard, now);
    uint32_t number = take_chain(shard, need);
    struct entry *entry = entry_at(shard, number);
    uint32_t *bucket = bucket_of(shard, key->hash);

    entry->kind = (uint8_t)kind;
    entry->hot = 0;
    entry->key_n = key->n;
    entry->next = *bucket;
    entry->hash = key->hash;
    entry->value_n = (uint32_t)value.n;
    entry->expires = 0;
    struct spot spot = spot_of(entry);

    write_bytes(shard, &spot, key->p, key->n);
    write_bytes(shard, &spot, value.p, value.n);
    *bucket = number;
    shard->entries++;
    return entry;
}
