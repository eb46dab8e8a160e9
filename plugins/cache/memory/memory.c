/* Keeps answers in memory that all workers of this machine share: exact matches only, bounded in
 * bytes, oldest out first. The entries live in area.c; here are settings, times and metrics. */
#include <headgate/plugin.h>
#include <headgate/units.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "area.h"

enum {
    PIECES = 64,
    GAUGES_EVERY = 256 /* calls */
};

static const uint64_t max_size_default = UINT64_C(64) << 20;
static const uint64_t max_entry_default = UINT64_C(1) << 20;

static const hg_host *H;

struct memory {
    hg_inst *self;
    const hg_metrics_api *metrics; /* may be NULL */
    struct area area;
    uint64_t max_entry;
    hg_ns clock_lead; /* the host's clock may start elsewhere in each process */
    int32_t hits, misses, stores, evictions, bytes, entries, recovered;
    uint32_t calls;
    uint64_t recovered_seen;
};

/* ---- settings ----------------------------------------------------------------------------- */

static bool size_setting(hg_op op, hg_json settings, const char *place, uint64_t dflt,
                         uint64_t *ret_size)
{
    return hg_size_of(H, op, H->json->get(settings, place), dflt, ret_size);
}

static hg_rc sizes_read(hg_op op, hg_json settings, uint64_t *ret_size, uint64_t *ret_entry)
{
    uint64_t size, entry;

    if (!size_setting(op, settings, "/max_size", max_size_default, &size) || size < AREA_MIN)
        return H->fail(op, HG_E_CONFIG, "max_size: at least 64KB, written like \"64MB\"");
    uint64_t most = area_entry_max(size);

    if (!size_setting(op, settings, "/max_entry",
                      most < max_entry_default ? most : max_entry_default, &entry))
        return H->fail(op, HG_E_CONFIG, "max_entry: a size like \"1MB\"");
    if (entry > most)
        return H->fail(op, HG_E_CONFIG,
                       "max_entry: at most %" PRIu64 " bytes with this max_size; raise max_size",
                       most);
    *ret_size = size;
    *ret_entry = entry;
    return HG_OK;
}

/* ---- metrics ------------------------------------------------------------------------------ */

static void metrics_declare(struct memory *memory)
{
    const hg_metrics_api *m = memory->metrics;
    hg_inst *self = memory->self;

    if (!m)
        return;
    memory->hits =
        m->counter(self, "cache_memory_hits_total", "Lookups that found an answer", NULL);
    memory->misses =
        m->counter(self, "cache_memory_misses_total", "Lookups that found nothing", NULL);
    memory->stores = m->counter(self, "cache_memory_stores_total", "Answers kept", NULL);
    memory->evictions = m->counter(self, "cache_memory_evictions_total",
                                   "Answers dropped before their time to make room", NULL);
    memory->recovered = m->counter(self, "cache_memory_recoveries_total",
                                   "Shards emptied because a worker died in them", NULL);
    memory->bytes = m->gauge(self, "cache_memory_bytes", "Bytes of the answers kept", NULL);
    memory->entries = m->gauge(self, "cache_memory_entries", "Answers kept", NULL);
}

static void count(const struct memory *memory, int32_t id, double by)
{
    if (memory->metrics)
        memory->metrics->add(memory->self, id, NULL, by);
}

/* Metrics are summed over workers but the memory is one: worker 0 reports for all. */
static void gauges_set(struct memory *memory)
{
    uint64_t recovered;

    if (!memory->metrics || H->worker != 0)
        return;
    memory->metrics->set(memory->self, memory->bytes, NULL, (double)area_bytes(&memory->area));
    memory->metrics->set(memory->self, memory->entries, NULL, (double)area_entries(&memory->area));
    recovered = area_recovered(&memory->area);
    if (recovered > memory->recovered_seen)
        count(memory, memory->recovered, (double)(recovered - memory->recovered_seen));
    memory->recovered_seen = recovered;
}

static void called(struct memory *memory)
{
    if (++memory->calls % GAUGES_EVERY == 0)
        gauges_set(memory);
}

/* ---- the interface ------------------------------------------------------------------------ */

static hg_ns shared_now(const struct memory *memory)
{
    return H->now() + memory->clock_lead;
}

static struct area_key key_of(const hg_cache_key *key)
{
    return (struct area_key){key->digest, key->scope};
}

static hg_rc missed(const struct memory *memory)
{
    count(memory, memory->misses, 1);
    return HG_MISS;
}

/* The host is asked for memory between two looks at the shard, never while its lock is held. */
static hg_rc lookup(void *st, hg_op op, const hg_cache_key *wanted, hg_cache_hit *out)
{
    struct memory *memory = st;
    struct area_key key = key_of(wanted);
    struct area_found found;
    hg_ns now = shared_now(memory);

    called(memory);
    if (!area_find(&memory->area, &key, now, &found))
        return missed(memory);
    char *copy = H->alloc(op, found.value_n + found.meta_n + 1);

    if (!copy || !area_copy(&memory->area, &key, &found, copy))
        return missed(memory);
    out->value = (hg_slice){copy, found.value_n, NULL};
    out->meta = (hg_str){copy + found.value_n, found.meta_n};
    out->score = 1;
    out->age = now > found.stored ? now - found.stored : 0;
    count(memory, memory->hits, 1);
    return HG_OK;
}

static hg_ns expiry(hg_ns now, hg_ns ttl)
{
    return ttl <= 0 || ttl > INT64_MAX - now ? INT64_MAX : now + ttl;
}

static hg_rc store(void *st, hg_op op, const hg_cache_key *wanted, const hg_body *value,
                   hg_str meta, hg_ns ttl)
{
    struct memory *memory = st;
    struct area_key key = key_of(wanted);
    hg_ns now = shared_now(memory);
    size_t len = H->body->len(value);
    hg_str pieces[PIECES + 1];

    if (len > memory->max_entry || meta.n > memory->max_entry - len ||
        key.scope.n > memory->max_entry - len - meta.n)
        return HG_SKIP;
    size_t n = H->body->peek(value, 0, pieces, PIECES + 1);

    if (n > PIECES) {
        pieces[0] = H->body->flat(op, value);
        n = 1;
    }
    int64_t evicted = area_store(&memory->area, &key, pieces, n, meta, now, expiry(now, ttl));

    if (evicted < 0)
        return HG_SKIP;
    count(memory, memory->stores, 1);
    if (evicted)
        count(memory, memory->evictions, (double)evicted);
    gauges_set(memory);
    return HG_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool digest_parse(hg_str text, uint8_t digest[AREA_DIGEST])
{
    if (text.n != 2 * AREA_DIGEST)
        return false;
    for (size_t i = 0; i < AREA_DIGEST; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static hg_rc purge(void *st, hg_op op, hg_str scope, hg_str selector)
{
    struct memory *memory = st;
    uint8_t digest[AREA_DIGEST];

    if (selector.n && !digest_parse(selector, digest))
        return H->fail(op, HG_E_INPUT, "the selector is not a SHA-256 digest in hexadecimal");
    area_purge(&memory->area, scope, selector.n ? digest : NULL);
    gauges_set(memory);
    return HG_OK;
}

/* ---- life --------------------------------------------------------------------------------- */

static hg_ns clock_lead(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (hg_ns)now.tv_sec * 1000000000 + now.tv_nsec - H->now();
}

static hg_rc area_take(struct memory *memory, hg_op op, uint64_t size)
{
    const hg_segment_api *segment = H->service(HG_SEGMENT);
    void *base;

    if (!segment)
        return H->fail(op, HG_E_UNSUPPORTED, "needs " HG_SEGMENT);
    base = segment->map(memory->self, size);
    if (!base)
        return H->fail(op, HG_E_NOMEM, "cannot map %" PRIu64 " bytes of shared memory", size);
    switch (area_open(&memory->area, base, size)) {
    case AREA_READY:
        return HG_OK;
    case AREA_OTHER_LAYOUT:
        return H->fail(op, HG_E_CONFIG,
                       "the shared memory was laid out by another version of this plugin: restart "
                       "the gateway, or change max_size");
    case AREA_BUSY:
        break;
    }
    return H->fail(op, HG_E_INTERNAL, "another worker does not finish preparing the memory");
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    uint64_t size = 0, max_entry = 0;
    hg_rc rc = sizes_read(op, settings, &size, &max_entry);

    if (rc != HG_OK)
        return rc;
    struct memory *memory = calloc(1, sizeof *memory);

    if (!memory)
        return H->fail(op, HG_E_NOMEM, "no memory");
    memory->self = self;
    memory->max_entry = max_entry;
    memory->clock_lead = clock_lead();
    memory->metrics = H->service(HG_METRICS);
    if (!(H->flags & HG_HOST_CHECK))
        rc = area_take(memory, op, size);
    if (rc != HG_OK) {
        free(memory);
        return rc;
    }
    metrics_declare(memory);
    if (memory->area.base)
        memory->recovered_seen = area_recovered(&memory->area);
    *ret_st = memory;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"max_size\":{\"type\":\"string\",\"format\":\"bytes\",\"default\":\"64MB\","
    "\"description\":\"Memory for all entries of this instance, shared by all workers.\"},"
    "\"max_entry\":{\"type\":\"string\",\"format\":\"bytes\","
    "\"description\":\"The largest answer that is kept; 1MB, or what max_size allows.\"}}}";

static const hg_cache cache = {
    .size = sizeof cache, .caps = HG_C_EXACT, .lookup = lookup, .store = store, .purge = purge};

HG_PLUGIN(H, "memory", "0.1.0", .summary = "keeps answers in memory shared by all workers",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = free,
          .ifaces = (const hg_iface[]){{HG_CACHE, &cache}, {0}});
