#include "area.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    UNIT = 16,
    SHARDS_MAX = 64,
    SHARD_BYTES = 8 * 1024 * 1024, /* what a shard should have */
    BYTES_PER_BUCKET = 512,
    WAIT_MS = 2000
};

#define LAYOUT UINT64_C(0x4847434d454d0001) /* changes whenever a struct below does */

enum state {
    ENTRY_GAP, /* nothing more fitted before the ring's end */
    ENTRY_LIVE,
    ENTRY_DEAD
};

/* The first 16 bytes are enough for a gap. */
struct entry {
    uint32_t units; /* whole length / UNIT */
    uint32_t state;
    uint32_t next; /* in its bucket: offset in the ring / UNIT + 1; 0: the last */
    uint32_t scope_n;
    uint32_t meta_n, value_n;
    int64_t stored, expires;
    uint8_t digest[AREA_DIGEST];
    char bytes[]; /* scope, value, meta */
};

/* Positions only grow; the place in the ring is the position modulo its size. */
struct shard {
    pthread_mutex_t lock;
    uint64_t head, tail;
    _Atomic uint64_t bytes, entries, recovered;
};

struct head {
    _Atomic uint64_t state; /* new, ready, or who prepares it: process id << PID_SHIFT */
    uint64_t layout, bytes;
};

enum {
    STATE_NEW,
    STATE_READY,
    PID_SHIFT = 8
};

/* ---- the plan ----------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static uint32_t power_of_2_below(uint64_t value, uint32_t max)
{
    uint32_t power = 1;

    while (power < max && (uint64_t)power * 2 <= value)
        power *= 2;
    return power;
}

static struct area area_plan(uint64_t bytes)
{
    struct area area = {.shards = power_of_2_below(bytes / SHARD_BYTES, SHARDS_MAX)};
    uint64_t head = round_up(sizeof(struct head), 64);

    area.shard_bytes = (bytes - head) / area.shards / 64 * 64;
    area.buckets = power_of_2_below(area.shard_bytes / BYTES_PER_BUCKET, 1u << 26);
    area.table_offset = round_up(sizeof(struct shard), 64);
    area.ring_offset = round_up(area.table_offset + area.buckets * sizeof(uint32_t), 64);
    area.ring_bytes = (area.shard_bytes - area.ring_offset) / UNIT * UNIT;
    if (area.ring_bytes > (uint64_t)UINT32_MAX * UNIT / 2)
        area.ring_bytes = (uint64_t)UINT32_MAX / 2 * UNIT;
    return area;
}

uint64_t area_entry_max(uint64_t bytes)
{
    return area_plan(bytes).ring_bytes / 2 - sizeof(struct entry) - UNIT;
}

static struct head *area_head(const struct area *area)
{
    return (struct head *)(void *)area->base;
}

static struct shard *shard_at(const struct area *area, uint32_t number)
{
    char *first = area->base + round_up(sizeof(struct head), 64);

    return (struct shard *)(void *)(first + area->shard_bytes * number);
}

static struct shard *shard_of(const struct area *area, const uint8_t *digest)
{
    return shard_at(area, digest[0] & (area->shards - 1));
}

static uint32_t *bucket_of(const struct area *area, struct shard *shard, const uint8_t *digest)
{
    uint32_t *table = (uint32_t *)(void *)((char *)shard + area->table_offset);
    uint32_t hash;

    memcpy(&hash, digest + 4, sizeof hash);
    return &table[hash & (area->buckets - 1)];
}

/* ---- preparing ---------------------------------------------------------------------------- */

static void shards_prepare(const struct area *area)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (uint32_t i = 0; i < area->shards; i++)
        pthread_mutex_init(&shard_at(area, i)->lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* A zombie still answers to kill. */
static bool process_is_gone(uint64_t state_word)
{
    pid_t pid = (pid_t)(state_word >> PID_SHIFT);
    char path[64], text[512];
    size_t n;

    if (kill(pid, 0) != 0 && errno == ESRCH)
        return true;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *state = strrchr(text, ')');

    return state && (strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0);
}

static bool head_claim(struct head *head, uint64_t seen)
{
    return atomic_compare_exchange_strong(&head->state, &seen, (uint64_t)getpid() << PID_SHIFT);
}

/* The first process prepares the locks; the others wait the few microseconds. If it was killed on
 * the way, one of them does it again: nobody has used the area yet. */
enum area_opened area_open(struct area *area, void *base, uint64_t bytes)
{
    *area = area_plan(bytes);
    area->base = base;
    struct head *head = area_head(area);

    for (int waited = 0; waited < WAIT_MS; waited++) {
        uint64_t state = atomic_load_explicit(&head->state, memory_order_acquire);

        if (state == STATE_READY)
            return head->layout == LAYOUT && head->bytes == bytes ? AREA_READY : AREA_OTHER_LAYOUT;
        if ((state == STATE_NEW || process_is_gone(state)) && head_claim(head, state)) {
            shards_prepare(area);
            head->layout = LAYOUT;
            head->bytes = bytes;
            atomic_store_explicit(&head->state, STATE_READY, memory_order_release);
            return AREA_READY;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    return AREA_BUSY;
}

/* ---- a shard, with its lock held ---------------------------------------------------------- */

static void count_set(_Atomic uint64_t *count, uint64_t value)
{
    atomic_store_explicit(count, value, memory_order_relaxed);
}

static uint64_t count_get(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* The head stays where it is, whatever state the rest is in. */
static void shard_empty(const struct area *area, struct shard *shard)
{
    memset((char *)shard + area->table_offset, 0, area->buckets * sizeof(uint32_t));
    shard->head = round_up(shard->head, UNIT);
    shard->tail = shard->head;
    count_set(&shard->bytes, 0);
    count_set(&shard->entries, 0);
}

static void shard_lock(const struct area *area, struct shard *shard)
{
    if (pthread_mutex_lock(&shard->lock) != EOWNERDEAD)
        return;
    shard_empty(area, shard);
    count_set(&shard->recovered, count_get(&shard->recovered) + 1);
    pthread_mutex_consistent(&shard->lock);
}

static void shard_unlock(struct shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

static char *ring_of(const struct area *area, struct shard *shard)
{
    return (char *)shard + area->ring_offset;
}

/* The entry at a place in the ring; NULL if there cannot be one. A worker that went mad may have
 * written anywhere, so nothing that is read here is believed. */
static struct entry *entry_at(const struct area *area, struct shard *shard, uint64_t place)
{
    if (place > area->ring_bytes - UNIT || place % UNIT)
        return NULL;
    struct entry *entry = (struct entry *)(void *)(ring_of(area, shard) + place);
    uint64_t length = (uint64_t)entry->units * UNIT;

    if (length == 0 || length > area->ring_bytes - place)
        return NULL;
    if (entry->state == ENTRY_GAP)
        return entry;
    if (length < sizeof *entry)
        return NULL;
    uint64_t inside = (uint64_t)entry->scope_n + entry->meta_n + entry->value_n;

    return inside <= length - sizeof *entry ? entry : NULL;
}

static bool entry_is(const struct entry *entry, const struct area_key *key)
{
    return entry->state == ENTRY_LIVE && memcmp(entry->digest, key->digest, AREA_DIGEST) == 0 &&
           entry->scope_n == key->scope.n &&
           (key->scope.n == 0 || memcmp(entry->bytes, key->scope.p, key->scope.n) == 0);
}

/* Finds the link that leads to an entry: by key, or, without one, to the entry at `place`. */
static uint32_t *link_find(const struct area *area, struct shard *shard, const uint8_t *digest,
                           const struct area_key *key, uint64_t place)
{
    uint32_t *link = bucket_of(area, shard, digest);
    uint64_t steps = count_get(&shard->entries) + 1;

    while (*link && steps--) {
        uint64_t at = (uint64_t)(*link - 1) * UNIT;
        struct entry *entry = entry_at(area, shard, at);

        if (!entry)
            break;
        if (key ? entry_is(entry, key) : at == place)
            return link;
        link = &entry->next;
    }
    if (*link)
        shard_empty(area, shard);
    return NULL;
}

static struct entry *link_entry(const struct area *area, struct shard *shard, const uint32_t *link)
{
    return link ? entry_at(area, shard, (uint64_t)(*link - 1) * UNIT) : NULL;
}

static void entry_drop(struct shard *shard, uint32_t *link, struct entry *entry)
{
    *link = entry->next;
    entry->state = ENTRY_DEAD;
    count_set(&shard->bytes, count_get(&shard->bytes) - (uint64_t)entry->units * UNIT);
    count_set(&shard->entries, count_get(&shard->entries) - 1);
}

/* Takes the oldest entry off the ring; true if it was still of use. */
static bool shard_evict(const struct area *area, struct shard *shard)
{
    uint64_t place = shard->tail % area->ring_bytes;
    struct entry *entry = entry_at(area, shard, place);

    if (!entry) {
        shard_empty(area, shard);
        return false;
    }
    uint64_t length = (uint64_t)entry->units * UNIT;
    bool live = entry->state == ENTRY_LIVE;

    if (live) {
        uint32_t *link = link_find(area, shard, entry->digest, NULL, place);

        if (!link)
            return false;
        entry_drop(shard, link, entry);
    }
    shard->tail += length;
    return live;
}

/* Room for `length` bytes in one piece at the head. */
static char *shard_room(const struct area *area, struct shard *shard, uint64_t length,
                        int64_t *evicted)
{
    uint64_t place = shard->head % area->ring_bytes;
    uint64_t gap = place + length > area->ring_bytes ? area->ring_bytes - place : 0;

    while (shard->head + gap + length - shard->tail > area->ring_bytes)
        *evicted += shard_evict(area, shard);
    if (gap) {
        struct entry *entry = (struct entry *)(void *)(ring_of(area, shard) + place);

        entry->units = (uint32_t)(gap / UNIT);
        entry->state = ENTRY_GAP;
        shard->head += gap;
        place = 0;
    }
    return ring_of(area, shard) + place;
}

/* ---- the verbs ---------------------------------------------------------------------------- */

bool area_find(const struct area *area, const struct area_key *key, hg_ns now,
               struct area_found *ret_found)
{
    struct shard *shard = shard_of(area, key->digest);
    bool found = false;

    shard_lock(area, shard);
    uint32_t *link = link_find(area, shard, key->digest, key, 0);
    struct entry *entry = link_entry(area, shard, link);

    if (entry && entry->expires <= now) {
        entry_drop(shard, link, entry);
    } else if (entry) {
        *ret_found = (struct area_found){entry->value_n, entry->meta_n, entry->stored};
        found = true;
    }
    shard_unlock(shard);
    return found;
}

bool area_copy(const struct area *area, const struct area_key *key, const struct area_found *found,
               char *to)
{
    struct shard *shard = shard_of(area, key->digest);

    shard_lock(area, shard);
    struct entry *entry = link_entry(area, shard, link_find(area, shard, key->digest, key, 0));
    bool same = entry && entry->value_n == found->value_n && entry->meta_n == found->meta_n &&
                entry->stored == found->stored;

    if (same)
        memcpy(to, entry->bytes + entry->scope_n, found->value_n + found->meta_n);
    shard_unlock(shard);
    return same;
}

static char *copy_in(char *to, hg_str text)
{
    if (text.n)
        memcpy(to, text.p, text.n);
    return to + text.n;
}

static size_t pieces_len(const hg_str *pieces, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].n;
    return len;
}

static void entry_fill(struct entry *entry, const struct area_key *key, const hg_str *pieces,
                       size_t count, hg_str meta)
{
    memcpy(entry->digest, key->digest, AREA_DIGEST);
    char *at = copy_in(entry->bytes, key->scope);

    for (size_t i = 0; i < count; i++)
        at = copy_in(at, pieces[i]);
    copy_in(at, meta);
}

int64_t area_store(const struct area *area, const struct area_key *key, const hg_str *pieces,
                   size_t count, hg_str meta, hg_ns now, hg_ns expires)
{
    struct shard *shard = shard_of(area, key->digest);
    size_t value_n = pieces_len(pieces, count);
    uint64_t length = round_up(sizeof(struct entry) + key->scope.n + value_n + meta.n, UNIT);
    int64_t evicted = 0;

    if (value_n > UINT32_MAX || meta.n > UINT32_MAX || key->scope.n > UINT32_MAX ||
        length > area->ring_bytes / 2)
        return -1;
    shard_lock(area, shard);
    uint32_t *link = link_find(area, shard, key->digest, key, 0);

    if (link)
        entry_drop(shard, link, link_entry(area, shard, link));
    struct entry *entry = (struct entry *)(void *)shard_room(area, shard, length, &evicted);

    *entry = (struct entry){.units = (uint32_t)(length / UNIT),
                            .state = ENTRY_LIVE,
                            .scope_n = (uint32_t)key->scope.n,
                            .meta_n = (uint32_t)meta.n,
                            .value_n = (uint32_t)value_n,
                            .stored = now,
                            .expires = expires};
    entry_fill(entry, key, pieces, count, meta);
    link = bucket_of(area, shard, key->digest);
    entry->next = *link;
    *link = (uint32_t)(shard->head % area->ring_bytes / UNIT) + 1;
    shard->head += length;
    count_set(&shard->bytes, count_get(&shard->bytes) + length);
    count_set(&shard->entries, count_get(&shard->entries) + 1);
    shard_unlock(shard);
    return evicted;
}

static bool entry_matches(const struct entry *entry, hg_str scope, const uint8_t *digest)
{
    if (entry->state != ENTRY_LIVE)
        return false;
    if (digest && memcmp(entry->digest, digest, AREA_DIGEST) != 0)
        return false;
    return scope.n == 0 ||
           (entry->scope_n == scope.n && memcmp(entry->bytes, scope.p, scope.n) == 0);
}

static uint64_t shard_purge(const struct area *area, struct shard *shard, hg_str scope,
                            const uint8_t *digest)
{
    uint64_t count = 0;

    for (uint64_t at = shard->tail; at < shard->head;) {
        uint64_t place = at % area->ring_bytes;
        struct entry *entry = entry_at(area, shard, place);

        if (!entry) {
            shard_empty(area, shard);
            break;
        }
        at += (uint64_t)entry->units * UNIT;
        if (!entry_matches(entry, scope, digest))
            continue;
        uint32_t *link = link_find(area, shard, entry->digest, NULL, place);

        if (!link)
            break;
        entry_drop(shard, link, entry);
        count++;
    }
    return count;
}

uint64_t area_purge(const struct area *area, hg_str scope, const uint8_t *digest)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < area->shards; i++) {
        struct shard *shard = shard_at(area, i);

        if (digest && shard != shard_of(area, digest))
            continue;
        shard_lock(area, shard);
        count += shard_purge(area, shard, scope, digest);
        shard_unlock(shard);
    }
    return count;
}

uint64_t area_bytes(const struct area *area)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < area->shards; i++)
        sum += count_get(&shard_at(area, i)->bytes);
    return sum;
}

uint64_t area_entries(const struct area *area)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < area->shards; i++)
        sum += count_get(&shard_at(area, i)->entries);
    return sum;
}

uint64_t area_recovered(const struct area *area)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < area->shards; i++)
        sum += count_get(&shard_at(area, i)->recovered);
    return sum;
}
