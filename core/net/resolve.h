/* resolve.h - names into addresses without stopping the loop.
 *
 *   resolve_start ─► numeric, or known ──────────────────────────────► on_done, from a task
 *                 └► asked already? wait with the others ─┐
 *                 └► helper thread: getaddrinfo ──────────┴─ eventfd ─► on_done, from the loop
 *
 * The C library's resolver does the work, because it knows what this machine's administrator has
 * set up (hosts file, search domains, nsswitch, changes of resolv.conf) and asks again over TCP
 * when an answer is cut. evdns does none of the last three. The price: the C library hides the
 * time to live, so answers are kept for a fixed, short time. When DNS fails for a while, the last
 * good answer goes on being used. */
#pragma once

#include "loop/loop.h"
#include "net/address.h"

enum {
    RESOLVE_MAX = 16
}; /* addresses of one name; more are left out */

enum lookup_result {
    LOOKUP_FOUND,
    LOOKUP_NONE,   /* the name does not exist, or has no address */
    LOOKUP_FAILED, /* no answer: try again later */
};

struct lookup {
    struct address addresses[RESOLVE_MAX]; /* without ports, in the order to be tried */
    size_t count;
    char reason[96]; /* if not found */
};

/* What 0 stands for is in the comments. */
struct resolver_setup {
    hg_ns timeout;      /* 10 s: the longest that on_done is waited for */
    hg_ns keep;         /* 30 s: how long an answer is good */
    hg_ns keep_failure; /* 2 s: how long a failure is not asked again */
    hg_ns keep_stale;   /* 1 h: how old an answer may be when there is no new one */

    /* getaddrinfo. Called in helper threads; `host` is NUL-terminated. For tests. */
    enum lookup_result (*lookup)(const char *host, struct lookup *ret_lookup);
};

struct resolver;
struct resolve;

/* One a worker; threads and descriptors come with the first name. `setup` may be NULL. */
struct resolver *resolver_new(struct loop *loop, const struct resolver_setup *setup);

/* All resolves have been answered or cancelled. A helper thread that is still waiting for a name
 * server ends by itself. */
void resolver_free(struct resolver **resolver);

/* Without waiting: numeric hosts, and names whose answer is still good. `ret_addresses` has room
 * for RESOLVE_MAX. Returns how many there are; 0 if it must be asked. */
size_t resolve_at_once(struct resolver *resolver, hg_str host, uint16_t port,
                       struct address *ret_addresses);

/* on_done is called once, never before this returns. `count` 0: `reason` says why. The resolve is
 * gone when on_done is called; the addresses are borrowed until it returns. */
struct resolve *resolve_start(struct resolver *resolver, hg_str host, uint16_t port,
                              void (*on_done)(void *arg, const struct address *addresses,
                                              size_t count, const char *reason),
                              void *arg);

void resolve_cancel(struct resolve **resolve); /* on_done is not called any more; NULL is fine */
