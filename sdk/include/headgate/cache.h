/* headgate/cache.h - kind cache: keeps whole answers.
 *
 * The host computes the key, never lets a lookup cross a scope, and stores only finished 2xx
 * answers. The plugin finds and keeps bytes. */
#ifndef HEADGATE_CACHE_H
#define HEADGATE_CACHE_H

#include <headgate/abi.h>
#include <headgate/request.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HG_C_EXACT    1u
#define HG_C_SEMANTIC 2u

typedef struct hg_cache_key {
    uint32_t size, flags;
    uint8_t digest[32]; /* SHA-256 over scope, model and canonical request */
    hg_str scope;       /* tenant or key; never answer from another one */
    hg_str text;        /* the conversation as text; only for HG_C_SEMANTIC, else empty */
    const hg_req *req;
} hg_cache_key;

/* Filled by lookup. `value` is a held slice, or memory of the op with a NULL ref. */
typedef struct hg_cache_hit {
    uint32_t size, flags;
    hg_slice value;
    hg_str meta; /* what store was given */
    double score;
    hg_ns age;
} hg_cache_hit;

#define HG_CACHE "headgate.cache/1"
typedef struct hg_cache {
    uint32_t size, caps;

    /* HG_OK with `out` filled, HG_MISS, HG_PENDING or an error. */
    hg_rc (*lookup)(void *st, hg_op, const hg_cache_key *, hg_cache_hit *out);

    /* Keeps `value` and `meta` for `ttl`. HG_SKIP if it is too large to keep. */
    hg_rc (*store)(void *st, hg_op, const hg_cache_key *, const hg_body *value, hg_str meta,
                   hg_ns ttl);

    /* Forgets everything of a scope; an empty scope means all of them. An empty selector means
     * every entry; otherwise it is the hexadecimal digest of one. */
    hg_rc (*purge)(void *st, hg_op, hg_str scope, hg_str selector);
} hg_cache;

#ifdef __cplusplus
}
#endif
#endif
