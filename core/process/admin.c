#include "process/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/config/config.h"
#include "gateway/listen.h"
#include "http/inbound.h"
#include "net/listener.h"
#include "net/tls.h"
#include "process/gauges.h"
#include "process/status.h"
#include "shm/metrics.h"
#include "shm/region.h"

struct admin {
    struct admin_setup setup;
    struct server *server;
    struct listener *listener;
    struct tls_config *tls; /* NULL: plain text */
    char *token;            /* NULL: none is asked for */
};

/* ---- answers --------------------------------------------------------------------------------- */

static const hg_str plain_text = {"text/plain; charset=utf-8", 25};
static const hg_str metrics_text = {"text/plain; version=0.0.4; charset=utf-8", 40};
static const hg_str json_text = {"application/json", 16};

static void answer(struct exchange *exchange, int status, hg_str type, hg_str body,
                   const struct field *more)
{
    struct field fields[3] = {
        {.name = HG_S("content-type"), .value = type, .id = FIELD_CONTENT_TYPE},
        {.name = HG_S("cache-control"), .value = HG_S("no-store")},
    };
    struct chain *chain = chain_new(exchange->arena);
    unsigned count = 2;

    if (more)
        fields[count++] = *more;
    chain_put(chain, body.p, body.n);
    inbound_respond(exchange, status, &(struct answer_fields){fields, count}, chain);
}

/* `message` is one of ours and needs no escaping. */
static hg_str error_text(struct arena *arena, const char *type, const char *message)
{
    return arena_fmt(arena, "{\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}\n", type, message);
}

static void fail(struct exchange *exchange, int status, const char *type, const char *message,
                 const struct field *more)
{
    answer(exchange, status, json_text, error_text(exchange->arena, type, message), more);
}

/* ---- what there is to ask for ---------------------------------------------------------------- */

static void show_metrics(const struct admin *admin, struct exchange *exchange)
{
    struct buffer out = {0};

    metrics_write(region_metrics(admin->setup.region), &out);
    gauges_write(admin->setup.region, admin->setup.status, &out);
    answer(exchange, 200, metrics_text, buffer_text(&out), NULL);
    buffer_done(&out);
}

static void show_health(const struct admin *admin, struct exchange *exchange)
{
    (void)admin;
    answer(exchange, 200, plain_text, HG_S("ok\n"), NULL);
}

static void show_readiness(const struct admin *admin, struct exchange *exchange)
{
    struct status *status = admin->setup.status;
    enum status_phase phase = (enum status_phase)status->phase;
    unsigned ready = status->workers_ready, wanted = status->workers_wanted;
    bool is_ready = phase == STATUS_RUNNING && wanted > 0 && ready == wanted;

    answer(exchange, is_ready ? 200 : 503, plain_text,
           arena_fmt(exchange->arena, "%s: %u of %u workers\n",
                     is_ready ? "ready" : status_phase_name(phase), ready, wanted),
           NULL);
}

static const struct page {
    const char *path;
    bool needs_token;
    void (*show)(const struct admin *admin, struct exchange *exchange);
} pages[] = {
    {"/metrics", true, show_metrics},
    {"/healthz", false, show_health},
    {"/readyz", false, show_readiness},
};

static const struct page *find_page(hg_str path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (text_is(text_of(pages[i].path), path))
            return &pages[i];
    return NULL;
}

/* Takes the same time wherever the first difference is. */
static bool is_token(const char *token, hg_str given)
{
    size_t n = strlen(token);
    unsigned char differs = given.n != n;

    for (size_t i = 0; i < n && i < given.n; i++)
        differs |= (unsigned char)(token[i] ^ given.p[i]);
    return !differs;
}

static bool may_see(const struct admin *admin, const struct head *head)
{
    const hg_str scheme = HG_S("Bearer ");
    hg_str given = head_field(head, HG_S("authorization"));

    if (!admin->token)
        return true;
    if (given.n < scheme.n || !text_is_nocase((hg_str){given.p, scheme.n}, scheme))
        return false;
    return is_token(admin->token, (hg_str){given.p + scheme.n, given.n - scheme.n});
}

static void on_request(void *arg, struct exchange *exchange)
{
    static const struct field allow = {.name = {"allow", 5}, .value = {"GET, HEAD", 9}};
    static const struct field challenge = {.name = {"www-authenticate", 16},
                                           .value = {"Bearer", 6}};
    const struct admin *admin = arg;
    const struct head *head = exchange->head;
    const struct page *page = find_page(head->path);

    if (!page)
        fail(exchange, 404, "not_found", "there are /metrics, /healthz and /readyz", NULL);
    else if (head->method != METHOD_GET && head->method != METHOD_HEAD)
        fail(exchange, 405, "method_not_allowed", "this can only be read: use GET", &allow);
    else if (page->needs_token && !may_see(admin, head))
        fail(exchange, 401, "unauthorized", "send the admin token as a bearer token", &challenge);
    else
        page->show(admin, exchange);
}

static void ignore(void *arg, struct exchange *exchange)
{
    (void)arg;
    (void)exchange;
}

static void on_end(void *arg, struct exchange *exchange)
{
    struct arena *arena = exchange->arena;

    (void)arg;
    arena_free(&arena);
}

static hg_str error_body(void *arg, struct arena *arena, int status, const char *reason,
                         hg_str *ret_type)
{
    (void)arg;
    (void)status;
    *ret_type = json_text;
    return error_text(arena, "bad_request", reason);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_accept(void *arg, int fd)
{
    struct admin *admin = arg;

    server_accept(admin->server, fd, admin->tls);
}

static void on_full(void *arg, int fd)
{
    (void)arg;
    close(fd);
}

static bool find_token(struct admin *admin, struct error *error)
{
    const json_t *setting = admin->setup.config->admin_token;
    json_t *value = setting ? config_resolve_secrets(setting, error) : NULL;

    if (!setting)
        return true;
    if (!value)
        return error_prefix(error, "admin token");
    admin->token = xstrdup(json_string_value(value) ? json_string_value(value) : "");
    json_decref(value);
    return *admin->token ? true : error_set(error, "the admin token is empty");
}

struct admin *admin_new(const struct admin_setup *setup, struct error *error)
{
    static const struct inbound_events events = {
        .on_request = on_request,
        .on_gone = ignore,
        .on_drained = ignore,
        .on_end = on_end,
        .error_body = error_body,
    };
    struct inbound_limits limits = inbound_limits_default;
    struct admin *admin = xcalloc(1, sizeof *admin);

    limits.body = 64 * 1024;
    limits.connections = 256;
    admin->setup = *setup;
    if (!find_token(admin, error) || !listen_tls(&setup->config->admin, &admin->tls, error)) {
        admin_free(&admin);
        return NULL;
    }
    admin->server = server_new(setup->loop, &limits, &events, admin);
    return admin;
}

void admin_start(struct admin *admin)
{
    static const struct listener_events events = {.on_accept = on_accept, .on_full = on_full};

    if (!admin->listener)
        admin->listener = listener_new(admin->setup.loop, admin->setup.fd, &events, admin);
}

void admin_stop(struct admin *admin)
{
    listener_free(&admin->listener);
    server_drain(admin->server);
}

void admin_free(struct admin **admin)
{
    struct admin *gone = *admin;

    if (!gone)
        return;
    listener_free(&gone->listener);
    if (gone->server)
        server_free(&gone->server);
    tls_config_free(&gone->tls);
    if (gone->token)
        wipe(gone->token, strlen(gone->token));
    free(gone->token);
    free(gone);
    *admin = NULL;
}
