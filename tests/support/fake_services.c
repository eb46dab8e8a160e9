/* HTTP, time, metrics and the segment of the fake host. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "support/fake_parts.h"

/* ---- services ----------------------------------------------------------------------------- */

static bool is_alive(hg_op owner)
{
    bool alive = fake_op_find(owner) != NULL;

    fake_current->stale += !alive;
    return alive;
}

static hg_rc exchange_add(const hg_http_req *req, struct exchange exchange)
{
    if (!is_alive(exchange.owner))
        return HG_E_CANCELLED;
    ensure(req->size >= sizeof *req);
    if (req->method.n == 0 ||
        (!text_starts(req->url, HG_S("http://")) && !text_starts(req->url, HG_S("https://"))))
        return fake_fail(exchange.owner, HG_E_INTERNAL, "a request without method or URL");
    snprintf(exchange.what, sizeof exchange.what, "%.*s %.*s", TEXT_ARG(req->method),
             TEXT_ARG(req->url));
    strcpy(fake_current->sent, exchange.what);
    snprintf(fake_current->sent_body, sizeof fake_current->sent_body, "%.*s",
             TEXT_ARG(req->body ? fake_text(fake_current, req->body) : HG_S("")));
    ensure(req->n_headers <= FAKE_HEADERS);
    fake_current->n_sent_headers = req->n_headers;
    for (size_t i = 0; i < req->n_headers; i++) {
        snprintf(fake_current->sent_headers[i][0], 512, "%.*s", TEXT_ARG(req->headers[i].name));
        snprintf(fake_current->sent_headers[i][1], 512, "%.*s", TEXT_ARG(req->headers[i].value));
    }
    for (size_t i = 0; i < EXCHANGES; i++) {
        if (!fake_current->exchanges[i].open) {
            fake_current->exchanges[i] = exchange;
            return HG_PENDING;
        }
    }
    fake_broken("too many exchanges");
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
    return headers ? fake_field(headers->fields, name) : (hg_str){0};
}

static const hg_http_api http_api = {sizeof http_api, 0,          http_fetch,
                                     http_stream,     http_pause, http_header};

static hg_rc timer_after(hg_op owner, hg_ns delay, void (*cb)(void *arg, hg_op), void *arg)
{
    if (!is_alive(owner))
        return HG_E_CANCELLED;
    for (size_t i = 0; i < TIMERS; i++) {
        if (!fake_current->timers[i].open) {
            fake_current->timers[i] =
                (struct timer){true, owner, fake_current->now + delay, cb, arg};
            return HG_PENDING;
        }
    }
    fake_broken("too many timers");
    return HG_E_INTERNAL;
}

static const hg_timer_api timer_api = {sizeof timer_api, 0, timer_after};

static int32_t metric_declare(hg_inst *inst, const char *name, const char *help,
                              const char *const *labels)
{
    (void)inst, (void)labels;
    ensure(name && *name && help && *help && fake_current->n_metrics < FAKE_METRICS);
    fake_current->metrics[fake_current->n_metrics] = (struct metric){name, 0};
    return fake_current->n_metrics++;
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
    ensure(id < fake_current->n_metrics);
    if (id >= 0)
        fake_current->metrics[id].value += by;
}

static void metric_set(hg_inst *inst, int32_t id, const hg_str *values, double to)
{
    (void)inst, (void)values;
    ensure(id < fake_current->n_metrics);
    if (id >= 0)
        fake_current->metrics[id].value = to;
}

static const hg_metrics_api metrics_api = {
    sizeof metrics_api, 0,          metric_declare, metric_declare,
    metric_histogram,   metric_add, metric_set,     metric_add};

static void *segment_map(hg_inst *inst, uint64_t bytes)
{
    (void)inst;
    if (fake_current->segment_broken)
        return NULL;
    if (fake_current->segment && fake_current->segment_size != bytes) {
        munmap(fake_current->segment, fake_current->segment_size);
        fake_current->segment = NULL;
    }
    if (!fake_current->segment) {
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED)
            return NULL;
        fake_current->segment = at;
        fake_current->segment_size = bytes;
    }
    return fake_current->segment;
}

static const hg_segment_api segment_api = {sizeof segment_api, 0, segment_map};

const void *fake_service(const char *id)
{
    static const hg_iface services[] = {{HG_HTTP, &http_api},
                                        {HG_TIMER, &timer_api},
                                        {HG_METRICS, &metrics_api},
                                        {HG_SEGMENT, &segment_api}};

    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].id, id) == 0)
            return fake_current->without && strcmp(fake_current->without, id) == 0 ? NULL
                                                                                   : services[i].vt;
    }
    return NULL;
}

/* ---- for tests ---- */

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
    if (rc == HG_OK && resp->body && fake_op_find(exchange.owner))
        rc = stream->data(exchange.arg, exchange.owner, resp->body);
    if (fake_op_find(exchange.owner))
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
    fake_end_background(fake, false);
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

const char *fake_sent_body(struct fake *fake)
{
    return fake->sent_body;
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
