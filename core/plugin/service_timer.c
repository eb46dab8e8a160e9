/* headgate.timer/1 over the loop's timers. They are not in the op's memory: a background op may
 * live for weeks and set one each second. */
#include <stdlib.h>

#include "base/memory.h"
#include "plugin/parts.h"

struct delay {
    struct owned owned;
    struct timer timer;
    struct op *op;
    hg_op handle;
    void (*cb)(void *arg, hg_op op);
    void *arg;
};

static void delay_end(struct owned *owned)
{
    struct delay *delay = (struct delay *)owned;

    timer_clear(delay->op->host->loop, &delay->timer);
    free(delay);
}

static void on_delay(void *arg)
{
    struct delay *delay = arg;
    struct op *op = delay->op;

    op_disown(&delay->owned);
    op_callback_enter(op, "timer");
    delay->cb(delay->arg, delay->handle);
    op_callback_leave(op);
    free(delay);
}

static hg_rc timer_after(hg_op owner, hg_ns after, void (*cb)(void *arg, hg_op op), void *arg)
{
    struct op *op = op_find(owner, "after");

    if (!op)
        return HG_E_CANCELLED;
    struct delay *delay = xcalloc(1, sizeof *delay);

    delay->owned.end = delay_end;
    delay->timer = (struct timer){.fn = on_delay, .arg = delay};
    delay->op = op;
    delay->handle = owner;
    delay->cb = cb;
    delay->arg = arg;
    op_own(op, &delay->owned);
    timer_set(op->host->loop, &delay->timer, clock_now() + (after > 0 ? after : 0));
    return HG_PENDING;
}

const hg_timer_api service_timer = {.size = sizeof service_timer, .after = timer_after};
