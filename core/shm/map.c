/* Picks the shard for a key, and says what get, set, add, cas and take mean. */
#include "shm/map.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/text.h"

#include "shm/hash.h"
#include "shm/mutex.h"
#include "shm/shard.h"

enum {
    SHARDS = 64
};

struct map {
    uint64_t seed[2];
    size_t shard_size;
    _Alignas(64) char shards[];
};

static struct shard *shard_at(struct map *map, size_t number)
{
    return (struct shard *)(void *)(map->shards + number * map->shard_size);
}

void map_init(struct map *map, uint64_t size)
{
    ensure(size >= MAP_SIZE_MIN);
    map->shard_size = (size - sizeof(struct map)) / SHARDS & ~(size_t)63;
    ensure(getrandom(map->seed, sizeof map->seed, 0) == sizeof map->seed);
    for (size_t i = 0; i < SHARDS; i++) {
        shard_init(shard_at(map, i), map->shard_size);
        mutex_init(&shard_at(map, i)->mutex);
    }
}

/* ---- a key, and the shard it lives in, locked ----------------------------------------------- */

struct place {
    struct shard *shard;
    struct shard_key key;
    hg_ns now;
    char bytes[MAP_KEY_MAX + 2];
};

/* The length of the space stands before it, so that no key can reach into another space. */
static bool enter(struct map *map, hg_str space, hg_str key, struct place *place)
{
    if (space.n > MAP_KEY_MAX || key.n > MAP_KEY_MAX - space.n)
        return false;
    char *at = place->bytes;

    *at++ = (char)(space.n & 0xff);
    *at++ = (char)(space.n >> 8);
    at = put_text(put_text(at, space), key);
    place->key.p = place->bytes;
    place->key.n = (uint16_t)(at - place->bytes);
    uint64_t hash = hash_bytes(map->seed, place->bytes, place->key.n);

    place->key.hash = (uint32_t)hash;
    place->shard = shard_at(map, hash >> 58);
    place->now = clock_now();
    if (mutex_lock(&place->shard->mutex))
        shard_empty(place->shard);
    return true;
}

static hg_rc leave(struct place *place, hg_rc rc)
{
    mutex_unlock(&place->shard->mutex);
    return rc;
}

static struct entry *find(struct place *place)
{
    return shard_find(place->shard, &place->key, place->now);
}

static struct entry *add(struct place *place, enum brick_kind kind, hg_str value)
{
    return shard_add(place->shard, &place->key, kind, value, place->now);
}

static void set_end(struct entry *entry, hg_ns now, hg_ns ttl)
{
    if (ttl <= 0)
        entry->expires = 0;
    else if (__builtin_add_overflow(now, ttl, &entry->expires))
        entry->expires = INT64_MAX;
}

/* ---- what it can do ------------------------------------------------------------------------- */

static hg_str number_text(const struct entry *entry, char text[24])
{
    return (hg_str){text, (size_t)snprintf(text, 24, "%" PRId64, entry->number)};
}

hg_rc map_get(struct map *map, hg_str space, hg_str key, struct buffer *out)
{
    struct place place;
    char text[24];

    if (!enter(map, space, key, &place))
        return HG_E_TOOBIG;
    struct entry *entry = find(&place);

    if (!entry)
        return leave(&place, HG_MISS);
    if (entry->kind == ENTRY_TOKENS)
        return leave(&place, HG_E_INPUT);
    if (entry->kind == ENTRY_NUMBER) {
        hg_str number = number_text(entry, text);

        buffer_add(out, number.p, number.n);
    } else {
        shard_value(place.shard, entry, out);
    }
    return leave(&place, HG_OK);
}

static void replace(struct place *place, struct entry *entry, hg_str value, hg_ns ttl)
{
    if (entry)
        shard_remove(place->shard, entry);
    set_end(add(place, ENTRY_TEXT, value), place->now, ttl);
}

hg_rc map_set(struct map *map, hg_str space, hg_str key, hg_str value, hg_ns ttl)
{
    struct place place;

    if (value.n > MAP_VALUE_MAX || !enter(map, space, key, &place))
        return HG_E_TOOBIG;
    replace(&place, find(&place), value, ttl);
    return leave(&place, HG_OK);
}

hg_rc map_remove(struct map *map, hg_str space, hg_str key)
{
    struct place place;

    if (!enter(map, space, key, &place))
        return HG_E_TOOBIG;
    struct entry *entry = find(&place);

    if (entry)
        shard_remove(place.shard, entry);
    return leave(&place, entry ? HG_OK : HG_MISS);
}

/* The whole number that a text is. */
static bool text_number(struct place *place, const struct entry *entry, int64_t *ret_number)
{
    struct buffer buffer = {0};
    uint64_t value;

    if (entry->value_n == 0 || entry->value_n > PUT_U64_MAX)
        return false;
    shard_value(place->shard, entry, &buffer);
    hg_str text = buffer_text(&buffer);
    bool minus = text.p[0] == '-';
    bool good = text_to_u64((hg_str){text.p + minus, text.n - minus}, &value) &&
                value <= (uint64_t)INT64_MAX + minus;

    if (good)
        *ret_number = (int64_t)(minus ? 0 - value : value);
    buffer_done(&buffer);
    return good;
}

/* The entry as a number, made from a text or new; NULL if it is something else. */
static struct entry *number_entry(struct place *place, hg_ns ttl)
{
    struct entry *entry = find(place);
    int64_t number = 0;
    hg_ns expires;

    if (entry && entry->kind == ENTRY_NUMBER)
        return entry;
    if (entry && (entry->kind != ENTRY_TEXT || !text_number(place, entry, &number)))
        return NULL;
    if (entry) {
        expires = entry->expires;
        shard_remove(place->shard, entry);
        entry = add(place, ENTRY_NUMBER, (hg_str){0});
        entry->expires = expires;
    } else {
        entry = add(place, ENTRY_NUMBER, (hg_str){0});
        set_end(entry, place->now, ttl);
    }
    entry->number = number;
    return entry;
}

hg_rc map_add(struct map *map, hg_str space, hg_str key, int64_t delta, hg_ns ttl,
              int64_t *ret_value)
{
    struct place place;
    int64_t sum;

    if (!enter(map, space, key, &place))
        return HG_E_TOOBIG;
    struct entry *entry = number_entry(&place, ttl);

    if (!entry)
        return leave(&place, HG_E_INPUT);
    if (__builtin_add_overflow(entry->number, delta, &sum))
        sum = delta < 0 ? INT64_MIN : INT64_MAX;
    entry->number = sum;
    if (ret_value)
        *ret_value = sum;
    return leave(&place, HG_OK);
}

static bool value_is(struct place *place, const struct entry *entry, hg_str value)
{
    char text[24];

    if (!entry)
        return value.n == 0;
    if (entry->kind == ENTRY_NUMBER)
        return text_is(number_text(entry, text), value);
    return entry->kind == ENTRY_TEXT && value.n && shard_value_is(place->shard, entry, value);
}

hg_rc map_cas(struct map *map, hg_str space, hg_str key, hg_str old, hg_str value, hg_ns ttl)
{
    struct place place;

    if (value.n > MAP_VALUE_MAX || !enter(map, space, key, &place))
        return HG_E_TOOBIG;
    struct entry *entry = find(&place);

    if (!value_is(&place, entry, old))
        return leave(&place, HG_MISS);
    replace(&place, entry, value, ttl);
    return leave(&place, HG_OK);
}

/* ---- token buckets -------------------------------------------------------------------------- */

static hg_ns in_ns(double seconds)
{
    double ns = ceil(seconds * 1e9);

    return ns < 9e18 ? (hg_ns)ns : INT64_MAX;
}

/* The bucket filled up to now; a new one is full. The clocks of two workers may differ by a turn of
 * their loops: time does not run backwards here. */
static struct entry *bucket_entry(struct place *place, double rate, double burst)
{
    struct entry *entry = find(place);

    if (!entry) {
        entry = add(place, ENTRY_TOKENS, (hg_str){0});
        entry->tokens.level = burst;
        entry->tokens.at = place->now;
    }
    if (entry->kind != ENTRY_TOKENS)
        return NULL;
    if (place->now > entry->tokens.at) {
        entry->tokens.level += (double)(place->now - entry->tokens.at) / 1e9 * rate;
        entry->tokens.at = place->now;
    }
    if (!(entry->tokens.level < burst))
        entry->tokens.level = burst;
    return entry;
}

static bool rate_is_sane(double rate, double burst, double n)
{
    return isfinite(rate) && isfinite(burst) && isfinite(n) && rate >= 0 && burst > 0 && n >= 0;
}

hg_rc map_take(struct map *map, hg_str space, hg_str key, double rate, double burst, double n,
               hg_ns *ret_wait)
{
    struct place place;
    hg_ns wait = 0;

    if (!rate_is_sane(rate, burst, n))
        return HG_E_INPUT;
    if (!enter(map, space, key, &place))
        return HG_E_TOOBIG;
    struct entry *entry = bucket_entry(&place, rate, burst);

    if (!entry)
        return leave(&place, HG_E_INPUT);
    double missing = n - entry->tokens.level;

    if (missing <= 0)
        entry->tokens.level -= n;
    else
        wait = n <= burst && rate > 0 ? in_ns(missing / rate) : INT64_MAX;
    /* A full bucket is as good as none. */
    set_end(entry, place.now, rate > 0 ? in_ns((burst - entry->tokens.level) / rate) : 0);
    if (ret_wait)
        *ret_wait = wait;
    return leave(&place, wait ? HG_E_RATE : HG_OK);
}

/* ---- looking at it -------------------------------------------------------------------------- */

struct map_stats map_stats(struct map *map)
{
    struct map_stats stats = {.size = map->shard_size * SHARDS};

    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = shard_at(map, i);

        if (mutex_lock(&shard->mutex))
            shard_empty(shard);
        stats.entries += shard->entries;
        stats.evicted += shard->evicted;
        stats.expired += shard->expired;
        stats.emptied += shard->emptied;
        stats.used += (uint64_t)(shard->fresh - 1 - shard->n_free) * BRICK_SIZE;
        mutex_unlock(&shard->mutex);
    }
    return stats;
}
