/* cache.h - the core's side of caches: keys, what is kept, and an answer made from it.
 *
 * A key covers scope, target-independent request (members in any order, without those that do not
 * change the answer, their values byte by byte) and model, so nothing is shared across tenants,
 * models or parameters. Only finished 2xx answers are kept, as they were where the route said
 * s.cached.
 *
 * Who asks for what is being asked for just now waits for that answer; see flight.h. */
#pragma once

#include "base/error.h"
#include "gateway/answer.h"

struct gateway_instance;

/* One s.cached of a route: where, and how. */
struct cache_options {
    struct gateway_instance *cache;
    hg_ns ttl;        /* 0: the default, an hour */
    hg_ns wait;       /* for somebody who asks the same just now; 0: not */
    bool is_semantic; /* near enough is the same */
    double threshold; /* of the plugin's score, for that */
};

/* Whether the cache's plugin can do what is asked of it. */
bool cache_can(const struct cache_options *options, struct error *error);

/* One question to a cache, and where what it misses is going to be kept. As long as its request. */
struct cache_lookup;

/* Looks the request up. NULL if it is none for caches. True when it is done; else on_done comes
 * once, from the loop. Then cache_found says what there is. `detached`: nobody waits for what comes
 * of this one. */
struct cache_lookup *cache_lookup_new(struct request *request, const struct shape *shape,
                                      const struct cache_options *options);
bool cache_find(struct cache_lookup *lookup, bool detached, void (*on_done)(void *arg), void *arg);
void cache_find_cancel(struct cache_lookup *lookup);
struct answer *cache_found(const struct cache_lookup *lookup); /* NULL: nothing */

/* The answer to what was missed: it is kept, a stream once it is whole, and those who wait for it
 * get it. */
void cache_keep(struct cache_lookup *lookup, struct answer *answer);

/* There is none: somebody else may try. Harmless after cache_keep. */
void cache_give_up(struct cache_lookup *lookup);
