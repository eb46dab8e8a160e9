/* sink.h - one logger and what waits for it.
 *
 *   push ─► [ queue, bounded ] ─► deliver, one batch at a time ─► taken, forgotten
 *                                    └─► HG_E_AGAIN: the same batch again, with back-off
 *
 * What finds no room is dropped and counted; a warning says so once a minute. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plugin/registry.h"
#include "process/log_record.h"
#include "shm/metrics.h"

struct loop;
struct sink;

struct sink_limits {
    size_t records, bytes; /* in the queue */
    hg_ns patience;        /* for one delivery */
    hg_ns retry_first, retry_most;
};

extern const struct sink_limits sink_limits_default;

struct sink_setup {
    struct loop *loop;
    struct plugin_host *host;
    struct instance *instance; /* a logger that is ready; owned by the caller */
    const struct sink_limits *limits;
    struct metrics *metrics;
    unsigned slot;
};

struct sink *sink_new(const struct sink_setup *setup);
void sink_free(struct sink **sink); /* what is queued is lost, a delivery under way is ended */

/* Takes a reference on the record, or drops it. */
void sink_push(struct sink *sink, struct log_record *record);
bool sink_has_room(const struct sink *sink);
bool sink_is_idle(const struct sink *sink); /* nothing queued, nothing under way */

/* Delivers what is due. Call it after some pushes. */
void sink_go(struct sink *sink);

/* Delivers all there is, has the logger write out its buffers, and says when that is done or the
 * `deadline` has passed. */
void sink_finish(struct sink *sink, hg_ns deadline, void (*on_finished)(void *arg), void *arg);

/* The logger's files were moved away. */
void sink_reopen(struct sink *sink);
