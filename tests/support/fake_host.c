/* See fake_host.h. Bodies, JSON and arenas are the core's own; ops, services and time are made here
 * as simply as a test can bear. Memory of an op comes from malloc piece by piece, so that the
 * sanitizers see every use after its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/fake_parts.h"

struct fake *fake_current;

_Noreturn void fake_broken(const char *why)
{
    fprintf(stderr, "fake host: %s\n", why);
    abort();
}

/* ---- ops ---------------------------------------------------------------------------------- */

struct op *fake_op_find(hg_op handle)
{
    struct op *op = &fake_current->ops[handle.id % OPS];

    return handle.id && op->id == handle.id ? op : NULL;
}

struct op *fake_op_must(hg_op handle)
{
    struct op *op = fake_op_find(handle);

    ensure(op && "the plugin used an op that has ended");
    return op;
}

static hg_op op_open(const hg_req *req)
{
    for (size_t slot = 0; slot < OPS; slot++) {
        struct op *op = &fake_current->ops[slot];

        if (op->id)
            continue;
        *op = (struct op){.id = ++fake_current->generation * OPS + slot, .req = req};
        op->arena = arena_new();
        return (hg_op){op->id};
    }
    fake_broken("too many ops");
    return (hg_op){0};
}

static void op_drop_work(hg_op handle)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        if (fake_current->exchanges[i].owner.id == handle.id)
            fake_current->exchanges[i].open = false;
    }
    for (size_t i = 0; i < TIMERS; i++) {
        if (fake_current->timers[i].owner.id == handle.id)
            fake_current->timers[i].open = false;
    }
}

static void op_close(hg_op handle, hg_rc how)
{
    struct op *op = fake_op_find(handle);

    if (!op)
        return;
    struct op ended = *op;

    op_drop_work(handle);
    for (struct ending *ending = ended.endings, *next; ending; ending = next) {
        next = ending->next;
        ending->fn(ending->arg);
        free(ending);
    }
    op->id = 0;
    if (ended.end)
        ended.end(ended.end_arg, how);
    for (struct piece *piece = ended.pieces, *next; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    arena_free(&ended.arena);
}

static void *host_alloc(hg_op handle, size_t size)
{
    struct op *op = fake_op_must(handle);

    if (size > ALLOC_SURE && size > fake_current->alloc_limit)
        return NULL;
    struct piece *piece = xcalloc(1, sizeof *piece + size);

    piece->next = op->pieces;
    op->pieces = piece;
    return piece->bytes;
}

HG_PRINTF(2, 3) static hg_str host_fmt(hg_op handle, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    size_t n = (size_t)vsnprintf(NULL, 0, fmt, args);
    char *text = host_alloc(handle, n + 1);

    ensure(text);
    vsnprintf(text, n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return (hg_str){text, n};
}

static hg_out *host_out(hg_op handle)
{
    return (hg_out *)chain_new(fake_op_must(handle)->arena);
}

static void host_done(hg_op handle, hg_rc rc)
{
    struct op *op = fake_op_find(handle);

    if (!op || op->done) {
        fake_current->stale++;
        return;
    }
    ensure(rc != HG_PENDING);
    op->done = true;
    op->rc = rc;
}

hg_rc fake_fail(hg_op handle, hg_rc code, const char *fmt, ...)
{
    va_list args;

    (void)handle;
    ensure(code < 0);
    va_start(args, fmt);
    vsnprintf(fake_current->failure, sizeof fake_current->failure, fmt, args);
    va_end(args);
    fake_current->failure_code = code;
    return code;
}

static int host_live(hg_op handle)
{
    struct op *op = fake_op_find(handle);

    return op && !op->done;
}

static hg_ns host_deadline(hg_op handle)
{
    fake_op_must(handle);
    return 0;
}

static void host_at_end(hg_op handle, void (*fn)(void *), void *arg)
{
    struct op *op = fake_op_must(handle);
    struct ending *ending = xmalloc(sizeof *ending);

    *ending = (struct ending){op->endings, fn, arg};
    op->endings = ending;
}

static hg_op host_background(hg_inst *inst, hg_ns timeout, void (*end)(void *, hg_rc), void *arg)
{
    hg_op handle = op_open(NULL);
    struct op *op = fake_op_must(handle);

    (void)inst, (void)timeout;
    op->is_background = true;
    op->end = end;
    op->end_arg = arg;
    return handle;
}

static const hg_req *host_request(hg_op handle)
{
    return fake_op_must(handle)->req;
}

HG_PRINTF(3, 4) static void host_log(hg_inst *inst, int level, const char *fmt, ...)
{
    size_t used = strlen(fake_current->log);
    va_list args;

    (void)inst, (void)level;
    va_start(args, fmt);
    vsnprintf(fake_current->log + used, sizeof fake_current->log - used, fmt, args);
    va_end(args);
    used = strlen(fake_current->log);
    if (used + 1 < sizeof fake_current->log)
        strcpy(fake_current->log + used, "\n");
}

static hg_ns host_now(void)
{
    return fake_current->now;
}

static hg_rc host_emit(hg_op handle, const hg_event *event)
{
    fake_op_must(handle);
    ensure(event->size == sizeof *event);
    return HG_OK;
}

/* ---- the fake ----------------------------------------------------------------------------- */

static const hg_host host_template = {.size = sizeof(hg_host),
                                      .abi_major = HG_ABI_MAJOR,
                                      .abi_minor = HG_ABI_MINOR,
                                      .product = "headgate",
                                      .version = "0.0-test",
                                      .workers = 1,
                                      .flags = HG_HOST_TEST,
                                      .body = &fake_body_api,
                                      .json = &fake_json_api,
                                      .req = &fake_req_api,
                                      .service = fake_service,
                                      .log = host_log,
                                      .now = host_now,
                                      .done = host_done,
                                      .fail = fake_fail,
                                      .live = host_live,
                                      .deadline = host_deadline,
                                      .at_end = host_at_end,
                                      .background = host_background,
                                      .request = host_request,
                                      .alloc = host_alloc,
                                      .fmt = host_fmt,
                                      .out = host_out,
                                      .emit = host_emit};

struct fake *fake_new(fake_entry *entry)
{
    struct fake *fake = xcalloc(1, sizeof *fake);

    ensure(!fake_current);
    fake_current = fake;
    fake->host = host_template;
    fake->alloc_limit = SIZE_MAX;
    fake->now = INT64_C(1000000000000);
    fake->arena = arena_new();
    fake->plugin = entry(&fake->host);
    ensure(fake->plugin && fake->plugin->size == sizeof(hg_plugin));
    ensure(fake->plugin->magic == HG_MAGIC && fake->plugin->name && fake->plugin->version);
    if (fake->plugin->schema)
        fake_json(fake, fake->plugin->schema);
    return fake;
}

void fake_free(struct fake **fake)
{
    if (!*fake)
        return;
    fake_destroy(*fake);
    for (size_t i = 0; i < OPS; i++)
        ensure((*fake)->ops[i].id == 0 && "an op was left open");
    ensure((*fake)->held == 0 && "a slice was left held");
    if ((*fake)->segment)
        munmap((*fake)->segment, (*fake)->segment_size);
    arena_free(&(*fake)->arena);
    free(*fake);
    *fake = NULL;
    fake_current = NULL;
}

const hg_host *fake_host(struct fake *fake)
{
    return &fake->host;
}

const hg_plugin *fake_plugin(struct fake *fake)
{
    return fake->plugin;
}

void fake_set_flags(struct fake *fake, uint32_t flags)
{
    fake->host.flags = flags;
}

void fake_set_worker(struct fake *fake, uint32_t worker, uint32_t workers)
{
    fake->host.worker = worker;
    fake->host.workers = workers;
}

hg_rc fake_create(struct fake *fake, const char *settings)
{
    hg_op op = op_open(NULL);

    ensure(!fake->created);
    fake->failure[0] = '\0';
    fake->settings = fake_json(fake, settings);
    hg_rc rc = fake->plugin->create((hg_inst *)fake, op, fake->settings, &fake->state);

    ensure(rc != HG_PENDING);
    op_close(op, rc);
    fake->created = rc == HG_OK;
    return rc;
}

void *fake_state(struct fake *fake)
{
    return fake->state;
}

const void *fake_iface(struct fake *fake, const char *id)
{
    for (const hg_iface *iface = fake->plugin->ifaces; iface->id; iface++) {
        if (strcmp(iface->id, id) == 0)
            return iface->vt;
    }
    fake_broken("the plugin has no such interface");
    return NULL;
}

/* Nobody but the host ends these: those that are done, or all of them at the end. */
void fake_end_background(struct fake *fake, bool all)
{
    for (size_t i = 0; i < OPS; i++) {
        struct op *op = &fake->ops[i];

        if (op->id && op->is_background && (op->done || all))
            op_close((hg_op){op->id}, op->done ? op->rc : HG_E_CANCELLED);
    }
}

void fake_destroy(struct fake *fake)
{
    fake_end_background(fake, true);
    if (fake->created && fake->plugin->destroy)
        fake->plugin->destroy(fake->state);
    fake->created = false;
    fake->state = NULL;
    fake->n_metrics = 0;
}

hg_op fake_op(struct fake *fake, hg_req *req)
{
    ensure(fake == fake_current);
    return op_open(req);
}

void fake_end(struct fake *fake, hg_op op, hg_rc how)
{
    ensure(fake == fake_current);
    op_close(op, how);
}

bool fake_is_done(struct fake *fake, hg_op handle, hg_rc *ret_rc)
{
    struct op *op = fake_op_find(handle);

    ensure(fake == fake_current);
    if (op && op->done && ret_rc)
        *ret_rc = op->rc;
    return op && op->done;
}

const char *fake_failure(struct fake *fake)
{
    return fake->failure;
}

hg_rc fake_failure_code(struct fake *fake)
{
    return fake->failure_code;
}

const char *fake_log(struct fake *fake)
{
    return fake->log;
}

size_t fake_stale(struct fake *fake)
{
    return fake->stale;
}

void fake_set_alloc_limit(struct fake *fake, size_t bytes)
{
    fake->alloc_limit = bytes;
}
