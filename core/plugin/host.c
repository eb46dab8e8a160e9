#include "plugin/host.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/loader.h"
#include "plugin/parts.h"
#include "shm/metrics.h"
#include "shm/slot.h"

enum {
    OP_MEMORY = 16 << 20,
    ALLOC_SURE = 64 << 10
};

/* hg_host functions carry no context, so the process has one host; its table stays where it is for
 * plugins that were loaded under an earlier one. */
static struct plugin_host *here;
static hg_host table;

struct plugin_host *host_here(void)
{
    return here;
}

/* ---- the functions of the table ------------------------------------------------------------- */

static const struct {
    const char *id;
    const void *api;
} services[] = {
    {HG_HTTP, &service_http},     {HG_TIMER, &service_timer},     {HG_METRICS, &service_metrics},
    {HG_SHARED, &service_shared}, {HG_SEGMENT, &service_segment}, {HG_WORK, &service_work},
    {HG_FD, &service_fd},
};

static const void *host_service(const char *id)
{
    for (unsigned i = 0; id && i < sizeof services / sizeof *services; i++)
        if (!strcmp(services[i].id, id))
            return services[i].api;
    return NULL;
}

static void host_log(hg_inst *inst, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void host_log(hg_inst *inst, int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    plugin_vlog(instance_of(inst), level, fmt, args);
    va_end(args);
}

static hg_ns host_now(void)
{
    return clock_now();
}

static int host_live(hg_op handle)
{
    return op_look(handle) != NULL;
}

static hg_ns host_deadline(hg_op handle)
{
    struct op *op = op_find(handle, "deadline");

    return op ? op->deadline : 0;
}

static hg_op host_background(hg_inst *inst, hg_ns timeout, void (*end)(void *, hg_rc), void *arg)
{
    return op_background(instance_of(inst), timeout, end, arg);
}

static const hg_req *host_request(hg_op handle)
{
    struct op *op = op_find(handle, "request");

    return op ? op->req : NULL;
}

static void *host_alloc(hg_op handle, size_t size)
{
    struct arena *arena = op_memory(handle, "alloc");
    size_t limit = here->setup.op_memory, used = arena_used(arena);

    if (size > ALLOC_SURE && (used >= limit || size > limit - used))
        return NULL;
    return arena_zalloc(arena, size);
}

static hg_str host_fmt(hg_op handle, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static hg_str host_fmt(hg_op handle, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    hg_str text = arena_vfmt(op_memory(handle, "fmt"), fmt, args);
    va_end(args);
    return text;
}

static hg_out *host_out(hg_op handle)
{
    return out_of_chain(chain_new(op_memory(handle, "out")));
}

static hg_rc host_emit(hg_op handle, const hg_event *event)
{
    struct op *op = op_find(handle, "emit");

    if (!op)
        return HG_E_CANCELLED;
    return op->emit ? op->emit(op->arg, event) : HG_E_UNSUPPORTED;
}

/* ---- the host -------------------------------------------------------------------------------- */

static void table_fill(const struct plugin_host_setup *setup)
{
    table = (hg_host){
        .size = sizeof table,
        .abi_major = HG_ABI_MAJOR,
        .abi_minor = HG_ABI_MINOR,
        .product = "headgate",
        .version = setup->version ? setup->version : "",
        .worker = setup->worker,
        .workers = setup->workers ? setup->workers : 1,
        .generation = setup->generation,
        .flags = setup->flags,
        .body = &host_body,
        .json = &host_json,
        .req = setup->req ? setup->req : &host_no_req,
        .service = host_service,
        .log = host_log,
        .now = host_now,
        .done = op_done,
        .fail = op_fail,
        .live = host_live,
        .deadline = host_deadline,
        .at_end = op_at_end,
        .background = host_background,
        .request = host_request,
        .alloc = host_alloc,
        .fmt = host_fmt,
        .out = host_out,
        .emit = host_emit,
    };
}

/* Without a region of the gateway (checker, tests) plugins get a small one that nobody shares. */
static void region_take(struct plugin_host *host)
{
    struct error error;

    host->region = host->setup.region;
    host->slot_number = host->setup.slot;
    if (!host->region) {
        host->own_region = region_new(
            &(struct region_plan){.slots = 1, .ring_size = 4096, .metric_cells = 8192}, &error);
        ensure(host->own_region);
        host->region = host->own_region;
        host->slot_number = 0;
    }
    host->slot = region_slot(host->region, host->slot_number);
}

static void metrics_declare(struct plugin_host *host)
{
    static const double bounds[] = {0.000001, 0.000005, 0.00001, 0.00005, 0.0001, 0.0005,
                                    0.001,    0.005,    0.01,    0.05,    0.1,    1};
    struct metrics *metrics = region_metrics(host->region);

    host->metric_calls = metric_declare(
        metrics, &(struct metric_spec){
                     .type = METRIC_HISTOGRAM,
                     .name = "headgate_plugin_call_seconds",
                     .help = "Time that plugins held the loop; one call of 32 is measured",
                     .labels = (const char *const[]){"instance", "op", NULL},
                     .bounds = bounds,
                     .n_bounds = sizeof bounds / sizeof *bounds,
                 });
    host->metric_misuse =
        metric_declare(metrics, &(struct metric_spec){
                                    .type = METRIC_COUNTER,
                                    .name = "headgate_plugin_misuse_total",
                                    .help = "Mistakes of plugins that were contained",
                                    .labels = (const char *const[]){"instance", "what", NULL},
                                });
}

struct plugin_host *plugin_host_new(const struct plugin_host_setup *setup)
{
    struct plugin_host *host = xcalloc(1, sizeof *host);

    ensure(!here);
    host->setup = *setup;
    host->loop = setup->loop;
    if (!host->setup.op_memory)
        host->setup.op_memory = OP_MEMORY;
    host->slow_call = setup->slow_call ? setup->slow_call : 5 * NS_PER_MS;
    ops_init(host);
    region_take(host);
    metrics_declare(host);
    table_fill(setup);
    here = host;
    return host;
}

void plugin_host_stop(struct plugin_host *host)
{
    host->stopping = true;
    for (struct instance *instance = host->instances; instance; instance = instance->next)
        backgrounds_end(instance);
}

void plugin_host_free(struct plugin_host **gone)
{
    struct plugin_host *host = *gone;

    *gone = NULL;
    if (!host)
        return;
    ensure(!host->instances && !host->call);
    work_pool_free(&host->work);
    ops_free(host);
    plugins_free(host);
    free(host->declared);
    region_free(&host->own_region);
    here = NULL;
    free(host);
}

const hg_host *plugin_host_table(const struct plugin_host *host)
{
    (void)host;
    return &table;
}
