/* backoff.h - how long to wait before a process that died is started again, and how often it did.
 *
 * The first death costs nearly nothing, each further one doubles the wait up to ten seconds, and a
 * process that has lived for a minute is forgiven everything. */
#pragma once

#include <headgate/abi.h>

enum {
    BACKOFF_REMEMBERED = 16
};

struct backoff {
    hg_ns wait;                       /* what the last death cost; 0: none yet */
    hg_ns deaths[BACKOFF_REMEMBERED]; /* moments of the latest deaths, as a ring */
    unsigned count;                   /* of all deaths since the start */
};

#define BACKOFF_FIRST   (100 * INT64_C(1000000))
#define BACKOFF_MOST    (10 * INT64_C(1000000000))
#define BACKOFF_HEALTHY (60 * INT64_C(1000000000))

/* Notes a death at `now` of a process that started at `started`; returns how long to wait. */
hg_ns backoff_died(struct backoff *backoff, hg_ns started, hg_ns now);

/* Deaths within the last `span`, at most BACKOFF_REMEMBERED. */
unsigned backoff_recent(const struct backoff *backoff, hg_ns now, hg_ns span);
