/* flight.h - many ask the same at the same time: one of them goes, the others wait for what it
 * brings back.
 *
 *   lead ─► landed: all that follow get the answer
 *       └─► failed: the first that follows leads from now on, the others go on waiting for it
 *       └─► dissolved: there is an answer, but not one to hand on; each goes for itself
 *
 * Within one worker. Each ends once: whoever leads it says how. */
#pragma once

#include <sys/queue.h>

#include "gateway/request.h"
#include "loop/loop.h"

enum {
    FLIGHT_KEY = 32
};

struct flight;
struct flights; /* those of a gateway */

void flights_free(struct flights **flights);

/* The one for this key of this cache; NULL if there is none. */
struct flight *flight_find(struct gateway *gateway, const void *cache,
                           const uint8_t key[FLIGHT_KEY]);

/* A new one; there must be none for the key. */
struct flight *flight_lead(struct request *request, const void *cache,
                           const uint8_t key[FLIGHT_KEY]);

/* Embed it. on_turn is called once, from inside of whatever ended the wait:
 *   FLIGHT_LANDED  with the bytes, borrowed
 *   FLIGHT_LEADS   with the flight, which is now this one's
 *   FLIGHT_ALONE   it took too long, or there is nothing to wait for any more */
enum flight_turn {
    FLIGHT_LANDED,
    FLIGHT_LEADS,
    FLIGHT_ALONE
};
struct flight_follower {
    TAILQ_ENTRY(flight_follower) entry;
    struct flight *flight; /* NULL: does not wait */
    struct request *request;
    struct timer timer;
    void (*on_turn)(void *arg, enum flight_turn turn, struct flight *flight, hg_str bytes,
                    bool is_events);
    void *arg;
};

/* Waits until `due`. A request that leads a flight itself must not: two could wait for each other.
 */
void flight_follow(struct flight *flight, struct flight_follower *follower, hg_ns due);
void flight_leave(struct flight_follower *follower); /* without being called */

/* For who leads. They set *flight to NULL; NULL is fine. */
void flight_land(struct flight **flight, hg_str bytes, bool is_events);
void flight_fail(struct flight **flight);
void flight_dissolve(struct flight **flight);
