#include "process/backoff.h"

hg_ns backoff_died(struct backoff *backoff, hg_ns started, hg_ns now)
{
    backoff->deaths[backoff->count++ % BACKOFF_REMEMBERED] = now;
    if (backoff->wait == 0 || now - started >= BACKOFF_HEALTHY)
        backoff->wait = BACKOFF_FIRST;
    else
        backoff->wait *= 2;
    if (backoff->wait > BACKOFF_MOST)
        backoff->wait = BACKOFF_MOST;
    return backoff->wait;
}

unsigned backoff_recent(const struct backoff *backoff, hg_ns now, hg_ns span)
{
    unsigned kept = backoff->count < BACKOFF_REMEMBERED ? backoff->count : BACKOFF_REMEMBERED;
    unsigned recent = 0;

    for (unsigned i = 0; i < kept; i++)
        recent += backoff->deaths[i] + span > now;
    return recent;
}
