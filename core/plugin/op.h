/* op.h - one piece of work of a plugin, from the host's side: begun, called, answered once, ended.
 *
 *   op_begin ─► op_enter, call, op_leave ─► anything but HG_PENDING: look at the results ─► op_end
 *                                       └─► HG_PENDING: on_end(arg, rc) comes from the loop ─►
 * op_end
 *
 * The plugin knows an op by its handle (slot and generation), which goes stale with its answer; the
 * host by this pointer, which is valid until op_end. What the plugin allocated, and the results
 * that point there, live until op_end too. So: whoever began an op ends it, exactly once.
 *
 * An op may carry several calls, one after the other, as an attempt of a provider does (prepare,
 * head, frame...). Take op_handle anew for each of them: after a pending answer it is another one.
 *
 * While an op is pending the host may end it at any time; on_end is then not called. op_end is
 * allowed everywhere, also inside a call on the op itself (H->emit): then what the plugin on the
 * stack may still touch stays until its call has returned. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>
#include <headgate/request.h>

#include "base/arena.h"

struct instance;
struct op;
struct plugin_host;

/* How a pending call was answered: by the plugin, or HG_E_TIMEOUT by the deadline. Comes from the
 * loop with no plugin on the stack. The op is not ended by it: call op_end, now or when the results
 * are no longer needed. */
typedef void op_ended(void *arg, hg_rc rc);

/* `req` may be NULL (work for no request) and must outlive the op. `deadline` is a moment, 0: none.
 * Without `on_end` no call on this op may be pending: HG_PENDING becomes HG_E_INTERNAL. */
struct op *op_begin(struct plugin_host *host, struct instance *instance, const hg_req *req,
                    hg_ns deadline, op_ended *on_end, void *arg);

/* What the plugin gets. */
hg_op op_handle(const struct op *op);

/* The bracket around each call into the plugin: says in shared memory who is running, in case it
 * crashes, and takes the time. `operation` is a static string ("check"). op_leave takes what the
 * call returned and gives what it comes to: the code of an H->done inside the call if there was
 * one, HG_E_INTERNAL for codes nobody knows, HG_E_CANCELLED if and only if op_end was called
 * meanwhile (then the op is gone; a plugin that returns that code itself has failed:
 * HG_E_INTERNAL). After op_leave the op is pending if and only if that is HG_PENDING. */
void op_enter(struct op *op, const char *operation);
hg_rc op_leave(struct op *op, hg_rc rc);

/* The same for calls that may not wait (frame, map_error): HG_PENDING becomes HG_E_INTERNAL. */
hg_rc op_leave_now(struct op *op, hg_rc rc);

/* hg_rc rc = OP_CALL(op, "check", guard->check(state, op_handle(op), &in, &verdict));
 * The op is looked at once, before the call, because op_end may be called under it. */
#define OP_CALL(op, operation, call)     OP_CALL_WITH(op_leave, op, operation, call)
#define OP_CALL_NOW(op, operation, call) OP_CALL_WITH(op_leave_now, op, operation, call)
#define OP_CALL_WITH(leave, the_op, operation, call) \
    __extension__({                                  \
        struct op *op_called_ = (the_op);            \
        op_enter(op_called_, (operation));           \
        leave(op_called_, (call));                   \
    })

/* Ends it: the handle goes stale, what the op owns ends without calling back, at_end functions run,
 * newest first, the memory goes. `rc` is why, for an op that was still pending (HG_E_CANCELLED).
 * NULL is fine; *op becomes NULL. If a plugin is on the stack the last two steps wait for the loop.
 */
void op_end(struct op **op, hg_rc rc);

/* Another deadline, for the calls still to come and for the pending one. 0: none. */
void op_set_deadline(struct op *op, hg_ns deadline);

/* Where H->emit on this op goes: fn(arg of op_begin, event). Without it H->emit is refused. */
typedef hg_rc op_emit(void *arg, const hg_event *event);
void op_set_emit(struct op *op, op_emit *emit);

/* The op's memory, made when first asked for; valid until op_end. */
struct arena *op_arena(struct op *op);

/* The text of the last H->fail, NUL-terminated, empty if there was none; valid until op_end. */
const char *op_error(const struct op *op);

bool op_is_pending(const struct op *op);
