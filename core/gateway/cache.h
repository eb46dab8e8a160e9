/* cache.h - the core's side of caches: keys, what is kept, and an answer made from it.
 *
 * A key covers scope, target-independent request (members in any order, white space aside, without
 * those that do not change the answer) and model, so nothing is shared across tenants, models or
 * parameters. Only finished 2xx answers are kept. */
#pragma once

#include "base/error.h"
#include "gateway/answer.h"

struct gateway_instance;

/* One s.cached of a route: where, and how. */
struct cache_options {
    struct gateway_instance *cache;
    hg_ns ttl;        /* 0: the default, an hour */
    bool is_semantic; /* near enough is the same */
    double threshold; /* of the plugin's score, for that */
};

/* Whether the cache's plugin can do what is asked of it. */
bool cache_can(const struct cache_options *options, struct error *error);

/* Looks the request up. on_found comes once, from the loop, or the result is there at once and
 * returned: true with *ret_answer (NULL: nothing there). */
struct cache_lookup;
bool cache_find(struct request *request, const struct shape *shape,
                const struct cache_options *options,
                void (*on_found)(void *arg, struct answer *answer), void *arg,
                struct answer **ret_answer, struct cache_lookup **ret_lookup);
void cache_find_cancel(struct cache_lookup *lookup);

/* Has the answer kept once it is whole. */
void cache_use_new(struct answer *answer, const struct shape *shape,
                   const struct cache_options *options);

/* Events of a stream on their way to the client. */
void cache_tee(struct cache_use *use, hg_str events);

/* The answer is whole: keep it. The use becomes NULL. */
void cache_keep(struct cache_use **use);
void cache_keep_body(struct cache_use **use, const struct chain *body);
void cache_forget(struct cache_use **use);
