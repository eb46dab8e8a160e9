/* parts.h - the structs behind host.h, loader.h, registry.h and op.h, for the files of this folder
 * only. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include <headgate/plugin.h>

#include "base/arena.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "shm/region.h"

/* One call into a plugin, while it is on the stack. */
struct call {
    struct call *outer; /* NULL nearly always: a plugin whose H->emit led to another one */
    struct instance *instance;
    const char *operation;
    const hg_req *req;
    struct call_timer *timer;
    hg_ns coarse, precise; /* when it began; precise 0: not this one */
};

/* Something started with an owner op: it ends with it, without calling back. Embed it first. */
struct owned {
    struct owned *next, **prev;
    void (*end)(struct owned *owned);
};

struct ending {
    struct ending *next;
    void (*fn)(void *arg);
    void *arg;
};

enum op_state {
    OP_FREE,
    OP_IDLE,     /* between calls */
    OP_CALLING,  /* the plugin is on the stack, and has not answered by H->done yet */
    OP_DONE,     /* the plugin is on the stack, and has answered by H->done */
    OP_PENDING,  /* the answer will come */
    OP_ANSWERED, /* it has come, on_end will be called from the loop */
    OP_ENDED     /* op_end was called with a plugin on the stack: the loop does the rest */
};

struct op {
    uint32_t slot, generation; /* the handle */
    enum op_state state;
    bool queued; /* in the host's list of ops that wait for the loop */
    hg_rc rc;
    struct plugin_host *host;
    struct instance *instance;
    const hg_req *req;
    hg_ns deadline;
    op_ended *on_end;
    op_emit *emit;
    void *arg;
    struct arena *arena;
    struct owned *owned;
    struct ending *endings;
    const char *error;
    struct timer timer;
    struct call call, callback; /* both may be on the stack: a callback's H->emit leads anywhere */
    struct op *next;            /* in the free list, or among those that wait */
};

enum {
    OPS_IN_BLOCK = 64
};

/* An op of H->background. */
struct background {
    struct background *next, **prev;
    struct op *op;
    void (*end)(void *arg, hg_rc rc);
    void *arg;
};

struct plugin;
struct secret_list;
struct work_pool;

struct instance {
    struct plugin_host *host;
    struct instance *next;
    char *kind, *name, *label;
    char *space; /* "guard:pii": its own in shared maps and segments */
    char *where; /* may be empty */
    struct plugin *plugin;
    struct call call; /* of instance_enter */
    void *self;
    int state;           /* enum instance_state */
    struct op *creating; /* while create is pending */
    void (*on_created)(void *arg, struct instance *instance, const struct error *error);
    void *arg;
    struct settings *settings;
    struct arena *arena; /* as long as the instance */
    const void **ifaces; /* copies in our size, in the order of iface_kinds */
    struct background *backgrounds;
    unsigned ops_open;   /* of the gateway and of ours */
    unsigned works_open; /* jobs of headgate.work/1 that have not come back */
    unsigned told;       /* 1u << enum misuse: has been logged */
    struct call_timer *timers;
};

struct plugin_host {
    struct plugin_host_setup setup;
    struct loop *loop;
    bool stopping;

    struct op **blocks; /* op slot n is blocks[n / OPS_IN_BLOCK] + n % OPS_IN_BLOCK */
    uint32_t op_slots;
    struct op *free_op;
    struct op *waiting, *waiting_last;
    struct task later;

    struct call *call; /* the innermost plugin on the stack; NULL: core code */
    hg_ns slow_call;

    struct arena *limbo; /* what a plugin asks of ops that have ended, until it has returned */

    struct region *region, *own_region;
    struct slot *slot;
    uint32_t slot_number;
    int32_t metric_calls, metric_misuse;
    uint8_t *declared; /* by number of the metric; see service_metrics.c */
    size_t declared_room;

    struct plugin *plugins;
    struct instance *instances;
    struct work_pool *work;
};

/* The one of this process; NULL before plugin_host_new. */
struct plugin_host *host_here(void);

/* ---- op.c ----------------------------------------------------------------------------------- */

/* The op of a handle if it is alive, or NULL. */
struct op *op_look(hg_op handle);

/* The same for uses that must not be stale: counts and logs them. */
struct op *op_find(hg_op handle, const char *use);

/* Memory for a handle; that of a stale one lasts until the plugin returns. Never NULL. */
struct arena *op_memory(hg_op handle, const char *use);

void op_own(struct op *op, struct owned *owned);
void op_disown(struct owned *owned);

/* The bracket for callbacks that an op owns. */
void op_callback_enter(struct op *op, const char *operation);
void op_callback_leave(struct op *op);

void op_done(hg_op handle, hg_rc rc);
hg_rc op_fail(hg_op handle, hg_rc code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void op_at_end(hg_op handle, void (*fn)(void *), void *arg);
hg_op op_background(struct instance *instance, hg_ns timeout, void (*end)(void *, hg_rc),
                    void *arg);
void backgrounds_end(struct instance *instance);
void ops_init(struct plugin_host *host);
void ops_free(struct plugin_host *host);

/* Frees what ended under a plugin's feet at once; there must be none on the stack. */
void ops_sweep(struct plugin_host *host);

/* ---- call.c --------------------------------------------------------------------------------- */

void call_enter(struct plugin_host *host, struct call *call, struct instance *instance,
                const char *operation, const hg_req *req);
void call_leave(struct plugin_host *host, struct call *call);

enum misuse {
    MISUSE_STALE,   /* a handle of an op that has ended */
    MISUSE_TWICE,   /* a second answer */
    MISUSE_RESULT,  /* a result code that nobody knows */
    MISUSE_PENDING, /* HG_PENDING where there is no waiting */
    MISUSES
};

/* Counts what a plugin did wrong and logs it, once per instance and kind of mistake. `use` is the
 * operation or function. `instance` NULL: whoever is on the stack. */
void misuse_note(struct plugin_host *host, struct instance *instance, enum misuse misuse,
                 const char *use);

/* Writes a plugin's line, with the instance before and the request behind it. Secrets of the
 * instance's settings are made unreadable. */
void plugin_vlog(struct instance *instance, int level, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
void call_timers_free(struct instance *instance);

/* ---- loader.c ------------------------------------------------------------------------------- */

void plugins_free(struct plugin_host *host);

/* ---- services ------------------------------------------------------------------------------- */

extern const hg_http_api service_http;
extern const hg_timer_api service_timer;
extern const hg_metrics_api service_metrics;
extern const hg_shared_api service_shared;
extern const hg_segment_api service_segment;
extern const hg_work_api service_work;
extern const hg_fd_api service_fd;
extern const hg_body_api host_body;
extern const hg_json_api host_json;
extern const hg_req_api host_no_req; /* where there are no requests */

/* Waits until the helper threads have run everything and ends them. */
void work_pool_free(struct work_pool **pool);

/* Has the results that are there delivered; false if jobs of the instance are still out after
 * `wait`. */
bool work_settle(struct plugin_host *host, struct instance *instance, hg_ns wait);

static inline struct instance *instance_of(hg_inst *inst)
{
    return (struct instance *)inst;
}

static inline hg_inst *inst_of(struct instance *instance)
{
    return (hg_inst *)instance;
}
