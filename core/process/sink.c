#include "process/sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"
#include "plugin/op.h"

enum {
    BATCH_DEFAULT = 256,
    BATCH_MOST = 1024
};

#define WARN_EVERY (60 * NS_PER_S)

const struct sink_limits sink_limits_default = {
    .records = 20000,
    .bytes = 64U << 20,
    .patience = 30 * NS_PER_S,
    .retry_first = 100 * NS_PER_MS,
    .retry_most = 10 * NS_PER_S,
};

enum sink_work {
    WORK_NOTHING,
    WORK_DELIVER,
    WORK_FLUSH,
    WORK_REOPEN
};

struct sink {
    struct sink_setup setup;
    const hg_logger *logger;
    struct log_record **queue; /* a ring of `room` places */
    size_t room, first, count, bytes;
    size_t batch_most, in_flight;
    hg_ns oldest; /* moment of the first push into the empty queue */

    enum sink_work work; /* what `op` does */
    struct op *op;
    hg_ns retry_wait; /* 0: the last delivery was taken */
    struct timer timer;
    struct task next;

    bool reopen_wanted, finishing, finished;
    hg_ns finish_by;
    void (*on_finished)(void *arg);
    void *arg;

    size_t dropped_untold;
    hg_ns told_at;
    struct metric_cell delivered, dropped, retries, queued;
};

/* ---- the queue ------------------------------------------------------------------------------- */

static struct log_record *at(const struct sink *sink, size_t i)
{
    return sink->queue[(sink->first + i) % sink->room];
}

static void grow(struct sink *sink)
{
    size_t room = sink->room ? 2 * sink->room : 64;
    struct log_record **queue = xcalloc(room, sizeof *queue);

    for (size_t i = 0; i < sink->count; i++)
        queue[i] = at(sink, i);
    free(sink->queue);
    sink->queue = queue;
    sink->room = room;
    sink->first = 0;
}

static void forget_first(struct sink *sink, size_t n)
{
    while (n--) {
        struct log_record *record = at(sink, 0);

        sink->first = (sink->first + 1) % sink->room;
        sink->count--;
        sink->bytes -= record->size;
        log_record_unref(record);
    }
    metric_set(sink->queued, (int64_t)sink->count);
}

bool sink_has_room(const struct sink *sink)
{
    return sink->count < sink->setup.limits->records && sink->bytes < sink->setup.limits->bytes;
}

static void tell_dropped(struct sink *sink)
{
    if (!sink->dropped_untold || (sink->told_at && clock_now() - sink->told_at < WARN_EVERY))
        return;
    log_warn("%s does not keep up: %zu records dropped since the last time this was said",
             instance_label(sink->setup.instance), sink->dropped_untold);
    sink->dropped_untold = 0;
    sink->told_at = clock_now();
}

static void drop(struct sink *sink, size_t n)
{
    sink->dropped_untold += n;
    metric_add(sink->dropped, (int64_t)n);
    tell_dropped(sink);
}

void sink_push(struct sink *sink, struct log_record *record)
{
    if (!sink_has_room(sink)) {
        drop(sink, 1);
        return;
    }
    if (sink->count == sink->room)
        grow(sink);
    if (sink->count == 0)
        sink->oldest = clock_now();
    sink->queue[(sink->first + sink->count++) % sink->room] = log_record_ref(record);
    sink->bytes += record->size;
    metric_set(sink->queued, (int64_t)sink->count);
}

bool sink_is_idle(const struct sink *sink)
{
    return sink->count == 0 && sink->work == WORK_NOTHING;
}

/* ---- one piece of work at a time ------------------------------------------------------------- */

static void taken(struct sink *sink)
{
    if (sink->retry_wait)
        log_info("%s takes records again", instance_label(sink->setup.instance));
    sink->retry_wait = 0;
    metric_add(sink->delivered, (int64_t)sink->in_flight);
    forget_first(sink, sink->in_flight);
    sink->oldest = clock_now();
}

static void try_again(struct sink *sink, const char *why)
{
    const struct sink_limits *limits = sink->setup.limits;

    metric_add(sink->retries, 1);
    if (!sink->retry_wait) {
        log_warn("%s cannot take records now%s%s; %zu wait", instance_label(sink->setup.instance),
                 *why ? ": " : "", why, sink->count);
        sink->retry_wait = limits->retry_first;
    } else {
        sink->retry_wait *= 2;
    }
    if (sink->retry_wait > limits->retry_most)
        sink->retry_wait = limits->retry_most;
    hg_ns again = clock_now() + sink->retry_wait;

    if (sink->finishing && sink->finish_by < again)
        again = sink->finish_by;
    timer_set(sink->setup.loop, &sink->timer, again);
}

static void refused(struct sink *sink, hg_rc rc, const char *why)
{
    log_error("%s refused %zu records (%d)%s%s", instance_label(sink->setup.instance),
              sink->in_flight, rc, *why ? ": " : "", why);
    metric_add(sink->dropped, (int64_t)sink->in_flight);
    forget_first(sink, sink->in_flight);
}

static void delivered(struct sink *sink, hg_rc rc)
{
    const char *why = op_error(sink->op);

    if (rc >= 0)
        taken(sink);
    else if (rc == HG_E_AGAIN || rc == HG_E_TIMEOUT)
        try_again(sink, why);
    else
        refused(sink, rc, why);
    sink->in_flight = 0;
}

static void finished(struct sink *sink)
{
    if (sink->finished)
        return;
    sink->finished = true;
    timer_clear(sink->setup.loop, &sink->timer);
    sink->on_finished(sink->arg);
}

static void work_ended(struct sink *sink, hg_rc rc)
{
    enum sink_work work = sink->work;

    if (work == WORK_DELIVER)
        delivered(sink, rc);
    else if (rc < 0)
        log_error("%s: %s failed (%d): %s", instance_label(sink->setup.instance),
                  work == WORK_FLUSH ? "flush" : "reopen", rc, op_error(sink->op));
    op_end(&sink->op, rc);
    sink->work = WORK_NOTHING;
    if (work == WORK_FLUSH)
        finished(sink);
    else
        task_queue(sink->setup.loop, &sink->next);
}

static void on_ended(void *arg, hg_rc rc)
{
    work_ended(arg, rc);
}

static void begin(struct sink *sink, enum sink_work work)
{
    hg_ns deadline = clock_now() + sink->setup.limits->patience;

    if (sink->finishing && sink->finish_by < deadline)
        deadline = sink->finish_by;
    sink->work = work;
    sink->op = op_begin(sink->setup.host, sink->setup.instance, NULL, deadline, on_ended, sink);
}

static void deliver(struct sink *sink)
{
    const hg_record *batch[BATCH_MOST];
    size_t n = sink->count < sink->batch_most ? sink->count : sink->batch_most;

    for (size_t i = 0; i < n; i++)
        batch[i] = &at(sink, i)->record;
    sink->in_flight = n;
    begin(sink, WORK_DELIVER);
    hg_rc rc = OP_CALL(
        sink->op, "deliver",
        sink->logger->deliver(instance_self(sink->setup.instance), op_handle(sink->op), batch, n));
    if (rc != HG_PENDING)
        work_ended(sink, rc);
}

static void flush(struct sink *sink)
{
    if (!sink->logger->flush) {
        finished(sink);
        return;
    }
    begin(sink, WORK_FLUSH);
    hg_rc rc =
        OP_CALL(sink->op, "flush",
                sink->logger->flush(instance_self(sink->setup.instance), op_handle(sink->op)));
    if (rc != HG_PENDING)
        work_ended(sink, rc);
}

static void reopen(struct sink *sink)
{
    sink->reopen_wanted = false;
    if (!sink->logger->reopen)
        return;
    begin(sink, WORK_REOPEN);
    hg_rc rc =
        OP_CALL(sink->op, "reopen",
                sink->logger->reopen(instance_self(sink->setup.instance), op_handle(sink->op)));
    if (rc != HG_PENDING)
        work_ended(sink, rc);
}

/* ---- what is due ----------------------------------------------------------------------------- */

/* True if the batch is full or has waited long enough. Otherwise the timer knows when. */
static bool is_due(struct sink *sink)
{
    hg_ns due = sink->oldest + sink->logger->linger_ms * NS_PER_MS;

    if (sink->finishing || sink->count >= sink->batch_most || due <= clock_now())
        return true;
    timer_set(sink->setup.loop, &sink->timer, due);
    return false;
}

void sink_go(struct sink *sink)
{
    if (sink->work != WORK_NOTHING || sink->finished)
        return;
    if (sink->reopen_wanted) {
        reopen(sink);
        if (sink->work != WORK_NOTHING)
            return;
    }
    if (sink->retry_wait && sink->timer.due > clock_now())
        return; /* it comes back by the timer */
    if (sink->count && is_due(sink))
        deliver(sink);
    else if (!sink->count && sink->finishing)
        flush(sink);
}

static void go_on(void *arg)
{
    sink_go(arg);
}

static void give_up(struct sink *sink)
{
    if (sink->count) {
        log_error("%s: %zu records were not taken in time and are lost",
                  instance_label(sink->setup.instance), sink->count);
        metric_add(sink->dropped, (int64_t)sink->count);
    }
    op_end(&sink->op, HG_E_CANCELLED);
    sink->work = WORK_NOTHING;
    finished(sink);
}

static void on_timer(void *arg)
{
    struct sink *sink = arg;

    if (sink->finishing && clock_now() >= sink->finish_by) {
        give_up(sink);
        return;
    }
    sink_go(sink);
    if (sink->finishing && !sink->finished && !sink->timer.due)
        timer_set(sink->setup.loop, &sink->timer, sink->finish_by);
}

void sink_finish(struct sink *sink, hg_ns deadline, void (*on_finished)(void *arg), void *arg)
{
    sink->finishing = true;
    sink->finish_by = deadline;
    sink->on_finished = on_finished;
    sink->arg = arg;
    sink->retry_wait = 0;
    timer_set(sink->setup.loop, &sink->timer, deadline);
    task_queue(sink->setup.loop, &sink->next);
}

void sink_reopen(struct sink *sink)
{
    sink->reopen_wanted = true;
    sink_go(sink);
}

/* ---- life ------------------------------------------------------------------------------------ */

static struct metric_cell count_of(const struct sink_setup *setup, enum metric_type type,
                                   const char *name, const char *help)
{
    static const char *const labels[] = {"logger", NULL};
    const struct metric_spec spec = {.type = type, .name = name, .help = help, .labels = labels};
    const hg_str value = text_of(instance_name(setup->instance));

    return metric_find(setup->metrics, setup->slot, metric_declare(setup->metrics, &spec), &value);
}

struct sink *sink_new(const struct sink_setup *setup)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    const hg_logger *logger = instance_iface(setup->instance, HG_LOGGER);

    ensure(logger);
    sink->setup = *setup;
    sink->logger = logger;
    sink->batch_most = logger->max_batch ? logger->max_batch : BATCH_DEFAULT;
    if (sink->batch_most > BATCH_MOST)
        sink->batch_most = BATCH_MOST;
    sink->timer = (struct timer){.fn = on_timer, .arg = sink};
    sink->next = (struct task){.fn = go_on, .arg = sink};
    sink->delivered = count_of(setup, METRIC_COUNTER, "headgate_log_records_delivered_total",
                               "Records that a logger has taken.");
    sink->dropped = count_of(setup, METRIC_COUNTER, "headgate_log_records_dropped_total",
                             "Records that a logger had no room for, or refused.");
    sink->retries = count_of(setup, METRIC_COUNTER, "headgate_log_retries_total",
                             "Deliveries that a logger could not take at first.");
    sink->queued = count_of(setup, METRIC_GAUGE, "headgate_log_queue_records",
                            "Records waiting for a logger.");
    return sink;
}

void sink_free(struct sink **sink)
{
    struct sink *gone = *sink;

    if (!gone)
        return;
    op_end(&gone->op, HG_E_CANCELLED);
    timer_clear(gone->setup.loop, &gone->timer);
    task_clear(gone->setup.loop, &gone->next);
    if (gone->count)
        forget_first(gone, gone->count);
    free(gone->queue);
    free(gone);
    *sink = NULL;
}
