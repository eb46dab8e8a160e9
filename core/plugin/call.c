/* The bracket around each call into a plugin.
 *
 * It is on the path of every event of a stream, so it must cost tens of nanoseconds: two reads of
 * the coarse clock tell whether the call took long (to a tick of the kernel), and one call of 32 is
 * timed exactly, for the histogram. The first call of each kind is among those. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/parts.h"
#include "plugin/settings.h"
#include "shm/metrics.h"
#include "shm/slot.h"

#define TELL_AGAIN (10 * NS_PER_S)

enum {
    TIMED_ONE_OF = 32
};

struct call_timer {
    struct call_timer *next;
    const char *operation;
    struct metric_cell cell;
    unsigned calls;
    unsigned slow; /* since the last line about it */
    hg_ns told;
};

static struct call_timer *timer_of(struct plugin_host *host, struct instance *instance,
                                   const char *operation)
{
    for (struct call_timer *timer = instance->timers; timer; timer = timer->next)
        if (timer->operation == operation)
            return timer;
    struct call_timer *timer = xcalloc(1, sizeof *timer);

    *timer = (struct call_timer){
        .next = instance->timers,
        .operation = operation,
        .cell = metric_find(region_metrics(host->region), host->slot_number, host->metric_calls,
                            (hg_str[]){text_of(instance->name), text_of(operation)}),
    };
    instance->timers = timer;
    return timer;
}

void call_timers_free(struct instance *instance)
{
    while (instance->timers) {
        struct call_timer *timer = instance->timers;

        instance->timers = timer->next;
        free(timer);
    }
}

static hg_str request_id(const struct plugin_host *host, const hg_req *req)
{
    return req && host->setup.request_id ? host->setup.request_id(req) : HG_S("");
}

static void culprit_is(struct plugin_host *host, const struct call *call)
{
    culprit_set(host->slot, call->instance->label, call->operation, request_id(host, call->req));
}

void call_enter(struct plugin_host *host, struct call *call, struct instance *instance,
                const char *operation, const hg_req *req)
{
    struct call_timer *timer = timer_of(host, instance, operation);

    call->outer = host->call;
    call->instance = instance;
    call->operation = operation;
    call->req = req;
    call->timer = timer;
    host->call = call;
    culprit_is(host, call);
    call->coarse = clock_coarse();
    call->precise = timer->calls++ % TIMED_ONE_OF == 0 ? clock_precise() : 0;
}

static void slow_tell(struct plugin_host *host, struct call *call, hg_ns took)
{
    struct call_timer *timer = call->timer;
    hg_str id = request_id(host, call->req);

    timer->slow++;
    if (timer->told && clock_now() - timer->told < TELL_AGAIN)
        return;
    log_line(LOG_WARN, "[%s] %s held the loop for about %d ms (%u such calls)%s%.*s%s",
             call->instance->name, call->operation, (int)(took / NS_PER_MS), timer->slow,
             id.n ? " (req " : "", TEXT_ARG(id), id.n ? ")" : "");
    timer->told = clock_now();
    timer->slow = 0;
}

void call_leave(struct plugin_host *host, struct call *call)
{
    hg_ns took = clock_coarse() - call->coarse;

    if (call->precise) {
        took = clock_precise() - call->precise;
        metric_observe(call->timer->cell, (double)took / NS_PER_S);
    }
    host->call = call->outer;
    if (host->call)
        culprit_is(host, host->call);
    else
        culprit_clear(host->slot);
    if (took > host->slow_call)
        slow_tell(host, call, took);
}

static const struct {
    const char *label, *text;
} misuses[MISUSES] = {
    [MISUSE_STALE] = {"stale_op", "uses an op that has ended"},
    [MISUSE_TWICE] = {"answered_twice", "answers twice; the second answer is ignored"},
    [MISUSE_RESULT] = {"unknown_result", "returns a code that does not exist"},
    [MISUSE_PENDING] = {"pending", "returns HG_PENDING where there is no waiting"},
};

void misuse_note(struct plugin_host *host, struct instance *instance, enum misuse misuse,
                 const char *use)
{
    if (!host)
        return;
    if (!instance && host->call)
        instance = host->call->instance;
    const char *name = instance ? instance->name : "unknown";

    metric_add(metric_find(region_metrics(host->region), host->slot_number, host->metric_misuse,
                           (hg_str[]){text_of(name), text_of(misuses[misuse].label)}),
               1);
    if (instance && instance->told & 1u << misuse)
        return;
    if (instance)
        instance->told |= 1u << misuse;
    log_line(LOG_WARN, "[%s] %s: %s; further ones are only counted", name, use,
             misuses[misuse].text);
}

void plugin_vlog(struct instance *instance, int level, const char *fmt, va_list args)
{
    struct plugin_host *host = host_here();
    char text[1536];

    if (level < LOG_DEBUG || level > LOG_ERROR)
        level = LOG_ERROR;
    if (!host || !log_wants((enum log_level)level))
        return;
    if (!instance && host->call)
        instance = host->call->instance;
    hg_str id = host->call ? request_id(host, host->call->req) : HG_S("");

    vsnprintf(text, sizeof text, fmt, args);
    if (instance)
        settings_hide(instance->settings, text);
    log_line((enum log_level)level, "[%s] %s%s%.*s%s", instance ? instance->name : "plugin", text,
             id.n ? " (req " : "", TEXT_ARG(id), id.n ? ")" : "");
}
