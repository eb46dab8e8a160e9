#include "gateway/flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/gateway.h"

enum {
    BUCKETS = 512
};

TAILQ_HEAD(follower_queue, flight_follower);

struct flight {
    LIST_ENTRY(flight) entry; /* in its bucket */
    struct request *leader;
    const void *cache;
    uint8_t key[FLIGHT_KEY];
    struct follower_queue followers;
};

struct flights {
    LIST_HEAD(, flight) buckets[BUCKETS];
};

void flights_free(struct flights **flights)
{
    free(*flights);
    *flights = NULL;
}

/* A key is a digest: any part of it spreads well. */
static size_t bucket_of(const uint8_t key[FLIGHT_KEY])
{
    return (key[0] | (size_t)key[1] << 8) % BUCKETS;
}

struct flight *flight_find(struct gateway *gateway, const void *cache,
                           const uint8_t key[FLIGHT_KEY])
{
    struct flight *flight;

    if (!gateway->flights)
        return NULL;
    LIST_FOREACH(flight, &gateway->flights->buckets[bucket_of(key)], entry)
        if (flight->cache == cache && !memcmp(flight->key, key, FLIGHT_KEY))
            return flight;
    return NULL;
}

struct flight *flight_lead(struct request *request, const void *cache,
                           const uint8_t key[FLIGHT_KEY])
{
    struct gateway *gateway = request->gateway;
    struct flight *flight = xcalloc(1, sizeof *flight);

    if (!gateway->flights)
        gateway->flights = xcalloc(1, sizeof *gateway->flights);
    flight->leader = request;
    flight->cache = cache;
    memcpy(flight->key, key, FLIGHT_KEY);
    TAILQ_INIT(&flight->followers);
    LIST_INSERT_HEAD(&gateway->flights->buckets[bucket_of(key)], flight, entry);
    request->flights++;
    return flight;
}

/* ---- following ------------------------------------------------------------------------------- */

void flight_leave(struct flight_follower *follower)
{
    if (!follower->flight)
        return;
    TAILQ_REMOVE(&follower->flight->followers, follower, entry);
    timer_clear(follower->request->gateway->loop, &follower->timer);
    follower->flight = NULL;
}

static void on_due(void *arg)
{
    struct flight_follower *follower = arg;

    flight_leave(follower);
    follower->on_turn(follower->arg, FLIGHT_ALONE, NULL, HG_S(""), false);
}

void flight_follow(struct flight *flight, struct flight_follower *follower, hg_ns due)
{
    follower->flight = flight;
    follower->timer = (struct timer){.fn = on_due, .arg = follower};
    TAILQ_INSERT_TAIL(&flight->followers, follower, entry);
    timer_set(follower->request->gateway->loop, &follower->timer, due);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Takes it out of the table first: those who are told may begin another one. */
static void end(struct flight **flight, enum flight_turn turn, hg_str bytes, bool is_events)
{
    struct flight *gone = *flight;
    struct flight_follower *follower;

    *flight = NULL;
    if (!gone)
        return;
    gone->leader->flights--;
    LIST_REMOVE(gone, entry);
    while ((follower = TAILQ_FIRST(&gone->followers))) {
        flight_leave(follower);
        follower->on_turn(follower->arg, turn, NULL, bytes, is_events);
    }
    free(gone);
}

void flight_land(struct flight **flight, hg_str bytes, bool is_events)
{
    end(flight, FLIGHT_LANDED, bytes, is_events);
}

void flight_dissolve(struct flight **flight)
{
    end(flight, FLIGHT_ALONE, HG_S(""), false);
}

void flight_fail(struct flight **flight)
{
    struct flight *failed = *flight;
    struct flight_follower *next = failed ? TAILQ_FIRST(&failed->followers) : NULL;

    if (!next) {
        flight_dissolve(flight);
        return;
    }
    *flight = NULL;
    failed->leader->flights--;
    flight_leave(next);
    failed->leader = next->request;
    failed->leader->flights++;
    next->on_turn(next->arg, FLIGHT_LEADS, failed, HG_S(""), false);
}
