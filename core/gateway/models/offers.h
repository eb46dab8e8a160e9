/* offers.h - which models each provider has on offer: asked of its plugin, and kept for some
 * minutes by each worker. A provider that fails is left out, and asked again after some seconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <headgate/abi.h>

struct gateway;
struct gateway_instance;
struct model_facts;
struct offers;

struct offer {
    hg_str id, title;
    int64_t created;
    uint64_t context, output;
    const struct model_facts *facts; /* NULL: not in the catalogue */
};

/* What one provider has. It changes while the loop turns: not to be kept. */
struct offers_of {
    const struct gateway_instance *provider;
    const struct offer *list; /* as the provider has ordered it */
    size_t count;
    bool is_missing; /* it did not say */
};

/* Somebody who waits; in memory of the caller's. */
struct offers_waiter {
    LIST_ENTRY(offers_waiter) entry;
    const bool *wanted; /* for each provider, in the order of the configuration */
    void (*on_known)(struct offers_waiter *waiter);
};

struct offers *offers_new(struct gateway *gateway);
void offers_free(struct offers **offers); /* nobody may be waiting; NULL is fine */

size_t offers_count(const struct offers *offers); /* of providers */
struct offers_of offers_of(const struct offers *offers, size_t provider);

/* True if all that is wanted is known; otherwise on_known comes later, from the loop. */
bool offers_ask(struct offers *offers, struct offers_waiter *waiter);
void offers_cancel(struct offers_waiter *waiter);
