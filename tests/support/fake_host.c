/* See fake_host.h. Bodies, JSON and arenas are the core's own; ops, services and time are made here
 * as simply as a test can bear. Memory of an op comes from malloc piece by piece, so that the
 * sanitizers see every use after its end. */
#include "support/fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/chain.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "json/index.h"
#include "json/splice.h"
#include "json/write.h"

enum {
    OPS = 64,
    EXCHANGES = 32,
    TIMERS = 32,
    REPLIES = 64,
    ALLOC_SURE = 64 * 1024
};

struct hg_headers {
    const char *const *fields; /* name, value, ..., NULL */
};

struct hg_req {
    struct fake_request in;
    struct chain *body;
    hg_json json;
};

struct piece {
    struct piece *next;
    max_align_t bytes[];
};

struct ending {
    struct ending *next;
    void (*fn)(void *);
    void *arg;
};

struct op {
    uint64_t id; /* 0: free */
    bool done;
    hg_rc rc;
    const hg_req *req;
    struct piece *pieces;
    struct ending *endings;
    struct arena *arena;
    void (*end)(void *, hg_rc); /* a background op */
    void *end_arg;
};

struct exchange {
    bool open;
    hg_op owner;
    char what[1024];
    void (*cb)(void *arg, hg_op, const hg_http_resp *);
    const hg_http_stream *stream;
    void *arg;
};

struct timer {
    bool open;
    hg_op owner;
    hg_ns at;
    void (*cb)(void *arg, hg_op);
    void *arg;
};

struct reply {
    char what[1024];
    const hg_http_resp *resp;
};

struct metric {
    const char *name;
    double value;
};

struct fake {
    hg_host host;
    const hg_plugin *plugin;
    hg_json settings;
    void *state;
    bool created;
    struct arena *arena;

    struct op ops[OPS];
    uint64_t generation;
    size_t stale, held, alloc_limit;
    char failure[512];
    hg_rc failure_code;
    char log[8192];

    hg_ns now;
    struct exchange exchanges[EXCHANGES];
    struct timer timers[TIMERS];
    struct reply replies[REPLIES];
    size_t n_replies;
    char sent[1024];
    char sent_headers[FAKE_HEADERS][2][512];
    size_t n_sent_headers;

    struct metric metrics[FAKE_METRICS];
    int32_t n_metrics;
    void *segment;
    uint64_t segment_size;
    bool segment_broken;
    const char *without;
};

static struct fake *current;

static _Noreturn void broken(const char *why)
{
    fprintf(stderr, "fake host: %s\n", why);
    abort();
}

/* ---- ops ---------------------------------------------------------------------------------- */

static struct op *op_find(hg_op handle)
{
    struct op *op = &current->ops[handle.id % OPS];

    return handle.id && op->id == handle.id ? op : NULL;
}

static struct op *op_must(hg_op handle)
{
    struct op *op = op_find(handle);

    ensure(op && "the plugin used an op that has ended");
    return op;
}

static hg_op op_open(const hg_req *req)
{
    for (size_t slot = 0; slot < OPS; slot++) {
        struct op *op = &current->ops[slot];

        if (op->id)
            continue;
        *op = (struct op){.id = ++current->generation * OPS + slot, .req = req};
        op->arena = arena_new();
        return (hg_op){op->id};
    }
    broken("too many ops");
    return (hg_op){0};
}

static void op_drop_work(hg_op handle)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        if (current->exchanges[i].owner.id == handle.id)
            current->exchanges[i].open = false;
    }
    for (size_t i = 0; i < TIMERS; i++) {
        if (current->timers[i].owner.id == handle.id)
            current->timers[i].open = false;
    }
}

static void op_close(hg_op handle, hg_rc how)
{
    struct op *op = op_find(handle);

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
    struct op *op = op_must(handle);

    if (size > ALLOC_SURE && size > current->alloc_limit)
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
    return (hg_out *)chain_new(op_must(handle)->arena);
}

static void host_done(hg_op handle, hg_rc rc)
{
    struct op *op = op_find(handle);

    if (!op || op->done) {
        current->stale++;
        return;
    }
    ensure(rc != HG_PENDING);
    op->done = true;
    op->rc = rc;
}

HG_PRINTF(3, 4) static hg_rc host_fail(hg_op handle, hg_rc code, const char *fmt, ...)
{
    va_list args;

    (void)handle;
    ensure(code < 0);
    va_start(args, fmt);
    vsnprintf(current->failure, sizeof current->failure, fmt, args);
    va_end(args);
    current->failure_code = code;
    return code;
}

static int host_live(hg_op handle)
{
    struct op *op = op_find(handle);

    return op && !op->done;
}

static hg_ns host_deadline(hg_op handle)
{
    op_must(handle);
    return 0;
}

static void host_at_end(hg_op handle, void (*fn)(void *), void *arg)
{
    struct op *op = op_must(handle);
    struct ending *ending = xmalloc(sizeof *ending);

    *ending = (struct ending){op->endings, fn, arg};
    op->endings = ending;
}

static hg_op host_background(hg_inst *inst, hg_ns timeout, void (*end)(void *, hg_rc), void *arg)
{
    hg_op handle = op_open(NULL);
    struct op *op = op_must(handle);

    (void)inst, (void)timeout;
    op->end = end;
    op->end_arg = arg;
    return handle;
}

static const hg_req *host_request(hg_op handle)
{
    return op_must(handle)->req;
}

HG_PRINTF(3, 4) static void host_log(hg_inst *inst, int level, const char *fmt, ...)
{
    size_t used = strlen(current->log);
    va_list args;

    (void)inst, (void)level;
    va_start(args, fmt);
    vsnprintf(current->log + used, sizeof current->log - used, fmt, args);
    va_end(args);
    used = strlen(current->log);
    if (used + 1 < sizeof current->log)
        strcpy(current->log + used, "\n");
}

static hg_ns host_now(void)
{
    return current->now;
}

static hg_rc host_emit(hg_op handle, const hg_event *event)
{
    op_must(handle);
    ensure(event->size == sizeof *event);
    return HG_OK;
}

/* ---- bodies and JSON ---------------------------------------------------------------------- */

static const struct chain *chain_of(const hg_body *body)
{
    return (const struct chain *)body;
}

static size_t body_len(const hg_body *body)
{
    return chain_of(body)->len;
}

static size_t body_peek(const hg_body *body, size_t off, hg_str *views, size_t max)
{
    const struct chain *chain = chain_of(body);
    size_t count = 0;

    for (uint32_t i = 0; i < chain->count && count < max; i++) {
        const struct segment *segment = &chain->segments[i];

        if (off >= segment->n) {
            off -= segment->n;
            continue;
        }
        views[count++] = (hg_str){segment->p + off, segment->n - off};
        off = 0;
    }
    return count;
}

static hg_str body_flat(hg_op handle, const hg_body *body)
{
    return chain_flat(chain_of(body), op_must(handle)->arena);
}

static hg_slice body_hold(const hg_body *body, size_t off, size_t len)
{
    size_t total = chain_of(body)->len;

    if (off > total || len > total - off)
        return (hg_slice){0};
    struct block *block = block_new(len);
    struct arena *arena = arena_new();
    hg_str flat = chain_flat(chain_of(body), arena);

    if (len)
        memcpy(block->bytes, flat.p + off, len);
    arena_free(&arena);
    current->held++;
    return (hg_slice){block->bytes, len, block};
}

static void body_drop(hg_slice *slice)
{
    if (slice->ref) {
        current->held--;
        block_unref(slice->ref);
    }
    *slice = (hg_slice){0};
}

static void out_put(hg_out *out, const void *p, size_t n)
{
    chain_put((struct chain *)out, p, n);
}

static void out_put_const(hg_out *out, const void *p, size_t n)
{
    chain_put_const((struct chain *)out, p, n);
}

static void out_put_slice(hg_out *out, hg_slice *slice)
{
    if (slice->ref)
        chain_put_block((struct chain *)out, slice->ref, slice->p, slice->n);
    body_drop(slice);
}

static void out_put_body(hg_out *out, const hg_body *body, size_t off, size_t len)
{
    chain_put_chain((struct chain *)out, chain_of(body), off, len);
}

static const hg_body_api body_api = {
    sizeof body_api, 0,       body_len,      body_peek,     body_flat,   body_hold,
    body_drop,       out_put, out_put_const, out_put_slice, out_put_body};

static hg_rc j_parse(hg_op handle, hg_str text, hg_json *root)
{
    return json_parse(op_must(handle)->arena, text, root, NULL) ? HG_OK : HG_E_INPUT;
}

/* Texts of settings outlive the op that asks for them. */
static hg_str j_str(hg_op handle, hg_json value)
{
    if (value.doc && value.doc == current->settings.doc)
        return json_str(current->arena, value);
    return json_str(op_must(handle)->arena, value);
}

static void j_obj(hg_out *out)
{
    json_obj((struct chain *)out);
}

static void j_arr(hg_out *out)
{
    json_arr((struct chain *)out);
}

static void j_end(hg_out *out)
{
    json_end((struct chain *)out);
}

static void j_key(hg_out *out, const char *key)
{
    json_key((struct chain *)out, text_of(key));
}

static void j_put_str(hg_out *out, hg_str text)
{
    json_put_str((struct chain *)out, text);
}

static void j_put_i64(hg_out *out, int64_t value)
{
    json_put_i64((struct chain *)out, value);
}

static void j_put_f64(hg_out *out, double value)
{
    json_put_f64((struct chain *)out, value);
}

static void j_put_bool(hg_out *out, int value)
{
    json_put_bool((struct chain *)out, value);
}

static void j_put_raw(hg_out *out, hg_str json)
{
    json_put_raw((struct chain *)out, json);
}

static const hg_json_api json_api = {sizeof json_api, 0,          j_parse,  json_get,  json_next,
                                     j_str,           json_raw,   json_i64, json_f64,  j_obj,
                                     j_arr,           j_end,      j_key,    j_put_str, j_put_i64,
                                     j_put_f64,       j_put_bool, j_put_raw};

/* ---- requests ----------------------------------------------------------------------------- */

/* Only what fits the caller's idea of the struct. */
static void req_info(const hg_req *req, hg_req_info *info)
{
    uint32_t size = info->size;
    hg_req_info full = {.size = size,
                        .kind = req->in.kind,
                        .wire = req->in.wire,
                        .flags = req->in.flags,
                        .id = HG_S("req-1"),
                        .route = text_of(req->in.route),
                        .model = text_of(req->in.model),
                        .tenant = text_of(req->in.tenant),
                        .method = text_of(req->in.method),
                        .path = text_of(req->in.path),
                        .query = text_of(req->in.query)};

    memcpy(info, &full, size < sizeof full ? size : sizeof full);
}

static hg_json req_json(const hg_req *req)
{
    return req->json;
}

static const hg_body *req_body(const hg_req *req)
{
    return (const hg_body *)req->body;
}

static hg_str fields_find(const char *const *fields, const char *name)
{
    for (; fields && fields[0]; fields += 2) {
        if (strcasecmp(fields[0], name) == 0)
            return text_of(fields[1]);
    }
    return (hg_str){0};
}

static hg_str req_header(const hg_req *req, const char *name)
{
    ensure(strcmp(name, "authorization") != 0);
    return fields_find(req->in.headers, name);
}

static hg_str req_meta(const hg_req *req, const char *key)
{
    (void)req, (void)key;
    return (hg_str){0};
}

static size_t req_texts(const hg_req *req, hg_text *texts, size_t max)
{
    (void)req, (void)texts, (void)max;
    return 0;
}

static void req_rewrite(hg_out *out, const hg_req *req, uint32_t wire, hg_json patch)
{
    struct chain *chain = (struct chain *)out;
    hg_json_it it = {0};
    hg_json value;
    hg_str key;

    ensure(wire == HG_WIRE_OPENAI_CHAT);
    if (req->json.kind != HG_J_OBJ) {
        chain_put_chain(chain, req->body, 0, req->body->len);
        return;
    }
    struct splice *splice = splice_new(chain->arena, req->json);

    if (req->in.model)
        splice_set_str(splice, "model", text_of(req->in.model));
    while (json_next(patch, &it, &key, &value))
        splice_set(splice, arena_cstr(chain->arena, key), json_raw(value));
    splice_into(splice, chain);
}

static const hg_req_api req_api = {sizeof req_api, 0,        req_info,  req_json,   req_body,
                                   req_header,     req_meta, req_texts, req_rewrite};

/* ---- services ----------------------------------------------------------------------------- */

static hg_rc exchange_add(const hg_http_req *req, struct exchange exchange)
{
    op_must(exchange.owner);
    ensure(req->size >= sizeof *req);
    if (req->method.n == 0 ||
        (!text_starts(req->url, HG_S("http://")) && !text_starts(req->url, HG_S("https://"))))
        return host_fail(exchange.owner, HG_E_INTERNAL, "a request without method or URL");
    snprintf(exchange.what, sizeof exchange.what, "%.*s %.*s", TEXT_ARG(req->method),
             TEXT_ARG(req->url));
    strcpy(current->sent, exchange.what);
    ensure(req->n_headers <= FAKE_HEADERS);
    current->n_sent_headers = req->n_headers;
    for (size_t i = 0; i < req->n_headers; i++) {
        snprintf(current->sent_headers[i][0], 512, "%.*s", TEXT_ARG(req->headers[i].name));
        snprintf(current->sent_headers[i][1], 512, "%.*s", TEXT_ARG(req->headers[i].value));
    }
    for (size_t i = 0; i < EXCHANGES; i++) {
        if (!current->exchanges[i].open) {
            current->exchanges[i] = exchange;
            return HG_PENDING;
        }
    }
    broken("too many exchanges");
    return HG_E_INTERNAL;
}

static hg_rc http_fetch(hg_op owner, const hg_http_req *req,
                        void (*cb)(void *arg, hg_op, const hg_http_resp *), void *arg)
{
    return exchange_add(req, (struct exchange){.open = true, .owner = owner, .cb = cb, .arg = arg});
}

static hg_rc http_stream(hg_op owner, const hg_http_req *req, const hg_http_stream *stream,
                         void *arg, hg_http **ret_http)
{
    if (ret_http)
        *ret_http = NULL;
    return exchange_add(
        req, (struct exchange){.open = true, .owner = owner, .stream = stream, .arg = arg});
}

static void http_pause(hg_http *http, int on)
{
    (void)http, (void)on;
}

static hg_str http_header(const hg_headers *headers, const char *name)
{
    return headers ? fields_find(headers->fields, name) : (hg_str){0};
}

static const hg_http_api http_api = {sizeof http_api, 0,          http_fetch,
                                     http_stream,     http_pause, http_header};

static hg_rc timer_after(hg_op owner, hg_ns delay, void (*cb)(void *arg, hg_op), void *arg)
{
    op_must(owner);
    for (size_t i = 0; i < TIMERS; i++) {
        if (!current->timers[i].open) {
            current->timers[i] = (struct timer){true, owner, current->now + delay, cb, arg};
            return HG_OK;
        }
    }
    broken("too many timers");
    return HG_E_INTERNAL;
}

static const hg_timer_api timer_api = {sizeof timer_api, 0, timer_after};

static int32_t metric_declare(hg_inst *inst, const char *name, const char *help,
                              const char *const *labels)
{
    (void)inst, (void)labels;
    ensure(name && *name && help && *help && current->n_metrics < FAKE_METRICS);
    current->metrics[current->n_metrics] = (struct metric){name, 0};
    return current->n_metrics++;
}

static int32_t metric_histogram(hg_inst *inst, const char *name, const char *help,
                                const char *const *labels, const double *bounds, size_t n_bounds)
{
    ensure(bounds && n_bounds);
    return metric_declare(inst, name, help, labels);
}

static void metric_add(hg_inst *inst, int32_t id, const hg_str *values, double by)
{
    (void)inst, (void)values;
    ensure(id < current->n_metrics);
    if (id >= 0)
        current->metrics[id].value += by;
}

static void metric_set(hg_inst *inst, int32_t id, const hg_str *values, double to)
{
    (void)inst, (void)values;
    ensure(id < current->n_metrics);
    if (id >= 0)
        current->metrics[id].value = to;
}

static const hg_metrics_api metrics_api = {
    sizeof metrics_api, 0,          metric_declare, metric_declare,
    metric_histogram,   metric_add, metric_set,     metric_add};

static void *segment_map(hg_inst *inst, uint64_t bytes)
{
    (void)inst;
    if (current->segment_broken)
        return NULL;
    if (current->segment && current->segment_size != bytes) {
        munmap(current->segment, current->segment_size);
        current->segment = NULL;
    }
    if (!current->segment) {
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED)
            return NULL;
        current->segment = at;
        current->segment_size = bytes;
    }
    return current->segment;
}

static const hg_segment_api segment_api = {sizeof segment_api, 0, segment_map};

static const void *host_service(const char *id)
{
    static const hg_iface services[] = {{HG_HTTP, &http_api},
                                        {HG_TIMER, &timer_api},
                                        {HG_METRICS, &metrics_api},
                                        {HG_SEGMENT, &segment_api}};

    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].id, id) == 0)
            return current->without && strcmp(current->without, id) == 0 ? NULL : services[i].vt;
    }
    return NULL;
}

/* ---- the fake ----------------------------------------------------------------------------- */

static const hg_host host_template = {.size = sizeof(hg_host),
                                      .abi_major = HG_ABI_MAJOR,
                                      .abi_minor = HG_ABI_MINOR,
                                      .product = "headgate",
                                      .version = "0.0-test",
                                      .workers = 1,
                                      .flags = HG_HOST_TEST,
                                      .body = &body_api,
                                      .json = &json_api,
                                      .req = &req_api,
                                      .service = host_service,
                                      .log = host_log,
                                      .now = host_now,
                                      .done = host_done,
                                      .fail = host_fail,
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

    ensure(!current);
    current = fake;
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
    current = NULL;
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
    broken("the plugin has no such interface");
    return NULL;
}

void fake_destroy(struct fake *fake)
{
    if (fake->created && fake->plugin->destroy)
        fake->plugin->destroy(fake->state);
    fake->created = false;
    fake->state = NULL;
    fake->n_metrics = 0;
}

hg_op fake_op(struct fake *fake, hg_req *req)
{
    ensure(fake == current);
    return op_open(req);
}

void fake_end(struct fake *fake, hg_op op, hg_rc how)
{
    ensure(fake == current);
    op_close(op, how);
}

bool fake_is_done(struct fake *fake, hg_op handle, hg_rc *ret_rc)
{
    struct op *op = op_find(handle);

    ensure(fake == current);
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

hg_req *fake_request(struct fake *fake, const struct fake_request *request)
{
    hg_req *req = arena_zalloc(fake->arena, sizeof *req);
    hg_str body = arena_text(fake->arena, text_of(request->body));

    req->in = *request;
    if (!req->in.method)
        req->in.method = "POST";
    req->body = chain_new(fake->arena);
    chain_put_const(req->body, body.p, body.n);
    if (body.n && !json_parse(fake->arena, body, &req->json, NULL))
        req->json = (hg_json){0};
    return req;
}

const hg_body *fake_body(struct fake *fake, hg_str text, size_t pieces)
{
    struct chain *chain = chain_new(fake->arena);
    hg_str copy = arena_text(fake->arena, text);
    size_t step = text.n / pieces + 1;

    for (size_t at = 0; at < copy.n; at += step)
        chain_put_const(chain, copy.p + at, copy.n - at < step ? copy.n - at : step);
    return (const hg_body *)chain;
}

hg_str fake_text(struct fake *fake, const hg_out *out)
{
    const struct chain *chain = (const struct chain *)out;

    ensure(!chain->broken && chain->depth == 0);
    return chain_flat(chain, fake->arena);
}

hg_json fake_json(struct fake *fake, const char *text)
{
    struct json_fault fault;
    hg_json root;

    if (!json_parse(fake->arena, arena_text(fake->arena, text_of(text)), &root, &fault)) {
        fprintf(stderr, "fake_json: at %zu: %s\n", fault.at, fault.reason);
        abort();
    }
    return root;
}

static void exchange_answer(struct exchange *open, const hg_http_resp *resp)
{
    struct exchange exchange = *open;
    const hg_http_stream *stream = exchange.stream;

    open->open = false;
    if (!stream) {
        exchange.cb(exchange.arg, exchange.owner, resp);
        return;
    }
    hg_rc rc = resp->rc;

    if (rc == HG_OK && stream->head)
        rc = stream->head(exchange.arg, exchange.owner, resp);
    if (rc == HG_OK && resp->body && op_find(exchange.owner))
        rc = stream->data(exchange.arg, exchange.owner, resp->body);
    if (op_find(exchange.owner))
        stream->end(exchange.arg, exchange.owner, rc);
}

size_t fake_run(struct fake *fake)
{
    size_t count = 0;

    for (size_t i = 0; i < EXCHANGES; i++) {
        const hg_http_resp *resp = NULL;

        if (!fake->exchanges[i].open)
            continue;
        for (size_t k = 0; k < fake->n_replies; k++) {
            if (strcmp(fake->replies[k].what, fake->exchanges[i].what) == 0)
                resp = fake->replies[k].resp;
        }
        if (resp) {
            exchange_answer(&fake->exchanges[i], resp);
            count++;
        }
    }
    return count;
}

void fake_advance(struct fake *fake, hg_ns delay)
{
    fake->now += delay;
    for (size_t i = 0; i < TIMERS; i++) {
        struct timer timer = fake->timers[i];

        if (timer.open && timer.at <= fake->now) {
            fake->timers[i].open = false;
            timer.cb(timer.arg, timer.owner);
        }
    }
}

const hg_http_resp *fake_response(struct fake *fake, int32_t status, hg_rc rc,
                                  const char *const *headers, hg_str body)
{
    hg_http_resp *resp = arena_zalloc(fake->arena, sizeof *resp);
    hg_headers *fields = arena_zalloc(fake->arena, sizeof *fields);

    fields->fields = headers;
    *resp = (hg_http_resp){sizeof *resp, status, rc, 0, fields, fake_body(fake, body, 1)};
    return resp;
}

void fake_reply(struct fake *fake, const char *what, const hg_http_resp *resp)
{
    ensure(fake->n_replies < REPLIES);
    struct reply *reply = &fake->replies[fake->n_replies++];

    snprintf(reply->what, sizeof reply->what, "%s", what);
    reply->resp = resp;
}

const char *fake_sent(struct fake *fake)
{
    return fake->sent;
}

const char *fake_sent_header(struct fake *fake, const char *name)
{
    for (size_t i = 0; i < fake->n_sent_headers; i++) {
        if (strcasecmp(fake->sent_headers[i][0], name) == 0)
            return fake->sent_headers[i][1];
    }
    return "";
}

hg_str fake_header(const hg_http_req *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++) {
        if (text_is_nocase(req->headers[i].name, text_of(name)))
            return req->headers[i].value;
    }
    return (hg_str){"", 0};
}

double fake_metric(struct fake *fake, const char *name)
{
    for (int32_t i = 0; i < fake->n_metrics; i++) {
        if (strcmp(fake->metrics[i].name, name) == 0)
            return fake->metrics[i].value;
    }
    return 0;
}

void fake_break_segment(struct fake *fake)
{
    fake->segment_broken = true;
}

void fake_without(struct fake *fake, const char *id)
{
    fake->without = id;
}
