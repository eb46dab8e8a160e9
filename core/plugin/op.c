/* Ops live in slots that are never given back, so a handle of any age can be looked up: one load
 * and one compare say whether it is stale. Whatever must not happen with a plugin on the stack
 * waits in the host's list for the loop. */
#include "plugin/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "plugin/parts.h"
#include "plugin/settings.h"

enum {
    ERROR_TEXT_MAX = 1024
};

static hg_op handle_of(const struct op *op)
{
    return (hg_op){(uint64_t)op->generation << 32 | op->slot};
}

static struct op *slot_op(struct plugin_host *host, uint32_t slot)
{
    return &host->blocks[slot / OPS_IN_BLOCK][slot % OPS_IN_BLOCK];
}

/* A generation of 0 never exists, so {0} is no op. */
static void generation_next(struct op *op)
{
    if (++op->generation == 0)
        op->generation = 1;
}

static void on_deadline(void *arg);

static void block_add(struct plugin_host *host)
{
    uint32_t count = host->op_slots / OPS_IN_BLOCK;
    struct op *block = xcalloc(OPS_IN_BLOCK, sizeof *block);

    host->blocks = xrealloc(host->blocks, (count + 1) * sizeof *host->blocks);
    host->blocks[count] = block;
    for (uint32_t i = OPS_IN_BLOCK; i-- > 0;) {
        block[i].slot = host->op_slots + i;
        block[i].generation = 1;
        block[i].host = host;
        block[i].timer.fn = on_deadline;
        block[i].timer.arg = &block[i];
        block[i].next = host->free_op;
        host->free_op = &block[i];
    }
    host->op_slots += OPS_IN_BLOCK;
}

struct op *op_begin(struct plugin_host *host, struct instance *instance, const hg_req *req,
                    hg_ns deadline, op_ended *on_end, void *arg)
{
    if (!host->free_op)
        block_add(host);
    struct op *op = host->free_op;

    host->free_op = op->next;
    op->state = OP_IDLE;
    op->instance = instance;
    op->req = req;
    op->deadline = deadline;
    op->on_end = on_end;
    op->arg = arg;
    instance->ops_open++;
    return op;
}

hg_op op_handle(const struct op *op)
{
    return handle_of(op);
}

/* ---- what an op owns ---------------------------------------------------------------------- */

void op_own(struct op *op, struct owned *owned)
{
    owned->next = op->owned;
    owned->prev = &op->owned;
    if (owned->next)
        owned->next->prev = &owned->next;
    op->owned = owned;
}

void op_disown(struct owned *owned)
{
    if (!owned->prev)
        return;
    *owned->prev = owned->next;
    if (owned->next)
        owned->next->prev = owned->prev;
    owned->prev = NULL;
}

static void owned_end(struct op *op)
{
    while (op->owned) {
        struct owned *owned = op->owned;

        op_disown(owned);
        owned->end(owned);
    }
}

/* From now on the plugin's handle is stale, and nothing of the op calls back. */
static void handle_end(struct op *op)
{
    generation_next(op);
    timer_clear(op->host->loop, &op->timer);
    if (op->owned)
        owned_end(op);
}

static void wait_for_loop(struct op *op)
{
    struct plugin_host *host = op->host;

    if (op->queued)
        return;
    op->queued = true;
    op->next = NULL;
    if (host->waiting)
        host->waiting_last->next = op;
    else
        host->waiting = op;
    host->waiting_last = op;
    task_queue(host->loop, &host->later);
}

static void waiting_remove(struct op *op)
{
    struct plugin_host *host = op->host;
    struct op *before = NULL;

    for (struct op *at = host->waiting; at != op; at = at->next)
        before = at;
    if (before)
        before->next = op->next;
    else
        host->waiting = op->next;
    if (host->waiting_last == op)
        host->waiting_last = before;
    op->queued = false;
}

static void endings_run(struct op *op)
{
    struct call call;

    call_enter(op->host, &call, op->instance, "at_end", op->req);
    while (op->endings) {
        struct ending *ending = op->endings;

        op->endings = ending->next;
        ending->fn(ending->arg);
    }
    call_leave(op->host, &call);
}

static void op_free(struct op *op)
{
    if (op->endings)
        endings_run(op);
    if (op->arena)
        arena_free(&op->arena);
    op->error = NULL;
    op->emit = NULL;
    op->state = OP_FREE;
    op->instance->ops_open--;
    op->next = op->host->free_op;
    op->host->free_op = op;
}

void op_end(struct op **gone, hg_rc rc)
{
    struct op *op = *gone;

    *gone = NULL;
    if (!op)
        return;
    ensure(op->state != OP_FREE && op->state != OP_ENDED);
    handle_end(op);
    op->rc = rc;
    op->state = OP_ENDED;
    if (op->host->call) {
        wait_for_loop(op);
        return;
    }
    if (op->queued)
        waiting_remove(op);
    op_free(op);
}

static struct op *waiting_take(struct plugin_host *host)
{
    struct op *op = host->waiting;

    host->waiting = op->next;
    op->queued = false;
    return op;
}

/* The loop's turn: answers are delivered, and ops that ended under a plugin's feet go. What is
 * added meanwhile waits for the next round, so that plugins cannot keep the loop here. */
static void later(void *arg)
{
    struct plugin_host *host = arg;
    unsigned count = 0;

    ensure(!host->call);
    if (host->limbo)
        arena_free(&host->limbo);
    for (struct op *op = host->waiting; op; op = op->next)
        count++;
    while (host->waiting && count-- > 0) {
        struct op *op = waiting_take(host);

        if (op->state == OP_ENDED) {
            op_free(op);
        } else if (op->state == OP_ANSWERED) {
            op->state = OP_IDLE;
            op->on_end(op->arg, op->rc);
        }
    }
    if (host->waiting)
        task_queue(host->loop, &host->later);
}

void ops_sweep(struct plugin_host *host)
{
    struct op *kept = NULL, **end = &kept;

    ensure(!host->call);
    while (host->waiting) {
        struct op *op = waiting_take(host);

        if (op->state == OP_ENDED) {
            op_free(op);
            continue;
        }
        op->queued = true;
        op->next = NULL;
        *end = op;
        end = &op->next;
        host->waiting_last = op;
    }
    host->waiting = kept;
}

void ops_init(struct plugin_host *host)
{
    host->later.fn = later;
    host->later.arg = host;
}

void ops_free(struct plugin_host *host)
{
    task_clear(host->loop, &host->later);
    ops_sweep(host);
    if (host->limbo)
        arena_free(&host->limbo);
    for (uint32_t i = 0; i < host->op_slots / OPS_IN_BLOCK; i++) {
        for (uint32_t k = 0; k < OPS_IN_BLOCK; k++)
            ensure(host->blocks[i][k].state == OP_FREE);
        free(host->blocks[i]);
    }
    free(host->blocks);
}

/* ---- calls and answers -------------------------------------------------------------------- */

void op_enter(struct op *op, const char *operation)
{
    ensure(op->state == OP_IDLE);
    op->state = OP_CALLING;
    call_enter(op->host, &op->call, op->instance, operation, op->req);
}

static hg_rc known(struct op *op, hg_rc rc)
{
    if (rc >= HG_E_CONNECT && rc <= HG_SKIP && rc != HG_PENDING)
        return rc;
    misuse_note(op->host, op->instance, MISUSE_RESULT, op->call.operation);
    return HG_E_INTERNAL;
}

/* HG_E_CANCELLED from op_leave says that the op is gone; a plugin cannot say that. */
static hg_rc not_cancelled(hg_rc rc)
{
    return rc == HG_E_CANCELLED ? HG_E_INTERNAL : rc;
}

hg_rc op_leave(struct op *op, hg_rc rc)
{
    call_leave(op->host, &op->call);
    switch (op->state) {
    case OP_ENDED:
        return HG_E_CANCELLED;
    case OP_DONE:
        op->state = OP_IDLE;
        return not_cancelled(op->rc);
    case OP_CALLING:
        break;
    case OP_FREE:
    case OP_IDLE:
    case OP_PENDING:
    case OP_ANSWERED:
        ensure(op->state == OP_CALLING); /* left without having been entered */
    }
    if (rc != HG_PENDING) {
        op->state = OP_IDLE;
        return not_cancelled(known(op, rc));
    }
    if (!op->on_end) {
        misuse_note(op->host, op->instance, MISUSE_PENDING, op->call.operation);
        op->state = OP_IDLE;
        return HG_E_INTERNAL;
    }
    op->state = OP_PENDING;
    if (op->deadline)
        timer_set(op->host->loop, &op->timer, op->deadline);
    return HG_PENDING;
}

hg_rc op_leave_now(struct op *op, hg_rc rc)
{
    op_ended *on_end = op->on_end;

    op->on_end = NULL;
    rc = op_leave(op, rc);
    op->on_end = on_end;
    return rc;
}

void op_callback_enter(struct op *op, const char *operation)
{
    call_enter(op->host, &op->callback, op->instance, operation, op->req);
}

void op_callback_leave(struct op *op)
{
    call_leave(op->host, &op->callback);
}

void op_done(hg_op handle, hg_rc rc)
{
    struct op *op = op_look(handle);
    struct plugin_host *host = host_here();

    if (!op) {
        uint32_t slot = (uint32_t)handle.id;
        struct op *then = host && handle.id && slot < host->op_slots ? slot_op(host, slot) : NULL;

        if (then && (then->state == OP_DONE || then->state == OP_ANSWERED) &&
            (uint32_t)(handle.id >> 32) + 1 == then->generation)
            misuse_note(host, then->instance, MISUSE_TWICE, then->call.operation);
        misuse_note(host, NULL, MISUSE_STALE, "done");
        return;
    }
    if (op->state == OP_IDLE) {
        misuse_note(host, op->instance, MISUSE_TWICE, op->call.operation);
        return;
    }
    op->rc = known(op, rc);
    if (op->state == OP_CALLING) {
        handle_end(op);
        op->state = OP_DONE;
    } else if (op->state == OP_PENDING) {
        handle_end(op);
        op->state = OP_ANSWERED;
        wait_for_loop(op);
    }
}

static void on_deadline(void *arg)
{
    struct op *op = arg;

    ensure(op->state == OP_PENDING);
    handle_end(op);
    op->state = OP_IDLE;
    if (!op->error)
        op->error = "no answer before the deadline";
    op->on_end(op->arg, HG_E_TIMEOUT);
}

void op_set_deadline(struct op *op, hg_ns deadline)
{
    op->deadline = deadline;
    if (op->state != OP_PENDING)
        return;
    if (deadline)
        timer_set(op->host->loop, &op->timer, deadline);
    else
        timer_clear(op->host->loop, &op->timer);
}

/* ---- what a handle can be asked ----------------------------------------------------------- */

struct op *op_look(hg_op handle)
{
    struct plugin_host *host = host_here();
    uint32_t slot = (uint32_t)handle.id;

    if (!host || slot >= host->op_slots)
        return NULL;
    struct op *op = slot_op(host, slot);

    return op->generation == handle.id >> 32 && op->state != OP_FREE ? op : NULL;
}

struct op *op_find(hg_op handle, const char *use)
{
    struct op *op = op_look(handle);

    if (!op)
        misuse_note(host_here(), NULL, MISUSE_STALE, use);
    return op;
}

struct arena *op_memory(hg_op handle, const char *use)
{
    struct op *op = op_find(handle, use);
    struct plugin_host *host = host_here();

    if (op)
        return op_arena(op);
    if (!host->limbo) {
        host->limbo = arena_new();
        task_queue(host->loop, &host->later);
    }
    return host->limbo;
}

struct arena *op_arena(struct op *op)
{
    if (!op->arena)
        op->arena = arena_new();
    return op->arena;
}

const char *op_error(const struct op *op)
{
    return op->error ? op->error : "";
}

bool op_is_pending(const struct op *op)
{
    return op->state == OP_PENDING || op->state == OP_ANSWERED;
}

void op_set_emit(struct op *op, op_emit *emit)
{
    op->emit = emit;
}

hg_rc op_fail(hg_op handle, hg_rc code, const char *fmt, ...)
{
    struct op *op = op_find(handle, "fail");
    va_list args;

    if (!op)
        return code;
    char *text = arena_alloc(op_arena(op), ERROR_TEXT_MAX);

    va_start(args, fmt);
    vsnprintf(text, ERROR_TEXT_MAX, fmt, args);
    va_end(args);
    settings_hide(op->instance->settings, text);
    op->error = text;
    return code;
}

void op_at_end(hg_op handle, void (*fn)(void *), void *arg)
{
    struct op *op = op_find(handle, "at_end");

    if (!op)
        return;
    struct ending *ending = arena_alloc(op_arena(op), sizeof *ending);

    *ending = (struct ending){op->endings, fn, arg};
    op->endings = ending;
}

/* ---- ops of no request -------------------------------------------------------------------- */

static void background_end(struct background *background, hg_rc rc)
{
    struct op *op = background->op;
    struct call call;

    *background->prev = background->next;
    if (background->next)
        background->next->prev = background->prev;
    if (background->end) {
        call_enter(op->host, &call, op->instance, "background", NULL);
        background->end(background->arg, rc);
        call_leave(op->host, &call);
    }
    free(background);
    op_end(&op, rc);
}

static void on_background_end(void *arg, hg_rc rc)
{
    background_end(arg, rc);
}

hg_op op_background(struct instance *instance, hg_ns timeout, void (*end)(void *, hg_rc), void *arg)
{
    struct plugin_host *host = instance->host;

    if (host->stopping)
        return (hg_op){0};
    struct background *background = xcalloc(1, sizeof *background);
    hg_ns deadline = timeout > 0 ? clock_now() + timeout : 0;
    struct op *op = op_begin(host, instance, NULL, deadline, on_background_end, background);

    *background = (struct background){.next = instance->backgrounds,
                                      .prev = &instance->backgrounds,
                                      .op = op,
                                      .end = end,
                                      .arg = arg};
    if (background->next)
        background->next->prev = &background->next;
    instance->backgrounds = background;
    op->call.operation = "background";
    op->state = OP_PENDING;
    if (deadline)
        timer_set(host->loop, &op->timer, deadline);
    return handle_of(op);
}

void backgrounds_end(struct instance *instance)
{
    while (instance->backgrounds) {
        struct background *background = instance->backgrounds;

        handle_end(background->op);
        background_end(background, HG_E_CANCELLED);
    }
}
