#include "gateway/gateway.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/flight.h"
#include "gateway/handles.h"
#include "gateway/listen.h"
#include "gateway/lua/api.h"
#include "gateway/models/alias.h"
#include "gateway/models/hints.h"
#include "gateway/models/offers.h"
#include "gateway/relay.h"
#include "gateway/route.h"
#include "gateway/target.h"
#include "gateway/tunnel.h"
#include "gateway/upload.h"
#include "gateway/upstreams.h"
#include "net/tls.h"
#include "plugin/registry.h"
#include "script/engine.h"
#include "shm/map.h"
#include "shm/region.h"
#include "shm/slot.h"

/* Lua's collector works in steps this long after the last request, and this far apart. */
#define IDLE_PAUSE (50 * NS_PER_MS)
#define IDLE_STEP  (2 * NS_PER_MS)

/* ---- traffic --------------------------------------------------------------------------------- */

static void on_request(void *arg, struct exchange *exchange)
{
    request_begin(arg, exchange);
}

/* A document has to be read whole, and what is compressed unpacked; forms, sound and files have
 * not.
 */
static bool may_stream(void *arg, const struct head *head)
{
    (void)arg;
    return !request_is_document(head) && !head_field(head, HG_S("content-encoding")).n;
}

static void on_body(void *arg, struct exchange *exchange, hg_str bytes, bool last)
{
    (void)arg;
    upload_data(exchange->user, bytes, last);
}

static void on_body_broken(void *arg, struct exchange *exchange, int status, const char *reason)
{
    (void)arg;
    upload_broken(exchange->user, status, reason);
}

static void on_gone(void *arg, struct exchange *exchange)
{
    (void)arg;
    request_client_gone(exchange->user);
}

static void on_drained(void *arg, struct exchange *exchange)
{
    struct request *request = exchange->user;

    (void)arg;
    if (request->tunnel)
        tunnel_drained(request->tunnel);
    else
        relay_drained(request);
}

static void on_bytes(void *arg, struct exchange *exchange, hg_str bytes)
{
    struct request *request = exchange->user;

    (void)arg;
    tunnel_bytes(request->tunnel, bytes);
}

static void on_end(void *arg, struct exchange *exchange)
{
    (void)arg;
    request_exchange_over(exchange->user);
}

static hg_str error_body(void *arg, struct arena *arena, int status, const char *reason,
                         hg_str *ret_type)
{
    (void)arg;
    *ret_type = HG_S("application/json");
    return dialect_openai_chat.error_body(arena, status, HG_S("invalid_request_error"),
                                          HG_S("bad_request"), text_of(reason));
}

static void on_refused(void *arg, int status)
{
    struct gateway *gateway = arg;

    (void)status;
    metric_add(gateway->metrics.refused, 1);
}

static const struct inbound_events inbound_events = {
    .may_stream = may_stream,
    .on_request = on_request,
    .on_body = on_body,
    .on_body_broken = on_body_broken,
    .on_gone = on_gone,
    .on_drained = on_drained,
    .on_bytes = on_bytes,
    .on_end = on_end,
    .error_body = error_body,
    .on_refused = on_refused,
};

static struct inbound_limits limits_of(const struct config_limits *limits)
{
    struct inbound_limits made = inbound_limits_default;

    made.head.head = limits->max_head;
    made.head.line = limits->max_head < made.head.line ? limits->max_head : made.head.line;
    made.head.fields = limits->max_header_count;
    made.body = limits->max_body;
    made.streamed = limits->max_streamed_body;
    made.connections = limits->max_connections;
    made.head_timeout = limits->header_timeout;
    made.body_timeout = limits->body_timeout;
    made.write_timeout = limits->write_timeout;
    made.idle_timeout = limits->idle_timeout;
    return made;
}

static void on_all_drained(void *arg)
{
    struct gateway *gateway = arg;

    if (gateway->on_drained)
        gateway->on_drained(gateway->drained_arg);
}

/* Lua's garbage is collected while nobody waits. */
static void on_idle(void *arg)
{
    struct gateway *gateway = arg;

    if (gateway->open_requests == 0 && gateway->engine && !engine_idle(gateway->engine))
        timer_set(gateway->loop, &gateway->idle_timer, clock_now() + IDLE_STEP);
}

void gateway_count(struct gateway *gateway, int delta)
{
    gateway->open_requests += (size_t)delta;
    if (gateway->open_requests == 0)
        timer_set(gateway->loop, &gateway->idle_timer, clock_now() + IDLE_PAUSE);
    if (gateway->slot)
        slot_add(&gateway->slot->open_streams, delta);
    if (gateway->draining && gateway->open_requests == 0)
        task_queue(gateway->loop, &gateway->drained);
}

size_t gateway_open_requests(const struct gateway *gateway)
{
    return gateway->open_requests;
}

static void on_accept(void *arg, int fd)
{
    struct gateway_listener *listener = arg;
    struct gateway *gateway = listener->gateway;

    server_accept(gateway->server, fd, listener->tls);
    slot_add(&gateway->slot->accepted, 1);
    atomic_store_explicit(&gateway->slot->open_connections, server_connections(gateway->server),
                          memory_order_relaxed);
}

/* A worker that is much busier than the others leaves connections to them. */
static bool may_accept(void *arg)
{
    enum {
        SLACK = 2
    };
    struct gateway *gateway = ((struct gateway_listener *)arg)->gateway;
    uint64_t sum = 0, mine = server_connections(gateway->server);
    unsigned count = 0;

    for (unsigned i = 0; i < region_slots(gateway->region) && count < gateway->setup.workers; i++) {
        struct slot *slot = region_slot(gateway->region, i);

        if (atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_READY)
            continue;
        sum += i == gateway->setup.slot
                   ? mine
                   : atomic_load_explicit(&slot->open_connections, memory_order_relaxed);
        count++;
    }
    return count < 2 || mine * 4 * count <= sum * 5 + SLACK * 4 * count;
}

static void on_full(void *arg, int fd)
{
    (void)arg;
    log_warn("no file descriptors left: a client was turned away; raise the limit (ulimit -n)");
    inbound_turn_away(fd);
}

static const struct listener_events listener_events = {on_accept, may_accept, on_full};

/* ---- secrets that all workers share --------------------------------------------------------- */

/* Made by the first worker, found by the others. Should one ever be evicted, workers that start
 * later make another: caches are filled anew, and tickets are not taken. */
static void secret_find(struct gateway *gateway, hg_str name, uint8_t *secret, size_t size)
{
    static const hg_str space = {"headgate", 8};
    struct map *map = region_map(gateway->region);
    struct buffer found = {0};

    random_fill(secret, size);
    map_cas(map, space, name, HG_S(""), (hg_str){(const char *)secret, size}, 0);
    if (map_get(map, space, name, &found) == HG_OK && found.len == size)
        memcpy(secret, buffer_at(&found), size);
    buffer_done(&found);
}

static void fingerprint_make(struct gateway *gateway)
{
    uint8_t key[FINGERPRINT_KEY];

    secret_find(gateway, HG_S("cache key"), key, sizeof key);
    gateway->fingerprint = fingerprint_new(key);
    wipe(key, sizeof key);
}

static void ticket_key_set(struct gateway *gateway, struct tls_config *tls)
{
    uint8_t key[TLS_TICKET_KEY_SIZE];

    secret_find(gateway, HG_S("ticket key"), key, sizeof key);
    tls_server_ticket_key(tls, key);
    wipe(key, sizeof key);
}

static bool listener_make(struct gateway *gateway, struct gateway_listener *listener,
                          const struct config_listen *config, int fd, struct error *error)
{
    listener->gateway = gateway;
    if (!listen_tls(config, &listener->tls, error))
        return false;
    if (listener->tls)
        ticket_key_set(gateway, listener->tls);
    if (fd < 0)
        return true;
    listener->listener = listener_new(gateway->loop, fd, &listener_events, listener);
    return listener->listener ||
           error_set(error, "cannot watch the listening socket of %s", config->address);
}

bool gateway_listen(struct gateway *gateway, const int *fds, size_t count, struct error *error)
{
    gateway->listeners = xcalloc(count + 1, sizeof *gateway->listeners);
    for (size_t i = 0; i < count; i++) {
        gateway->listener_count++;
        if (!listener_make(gateway, &gateway->listeners[i], &gateway->config->listen[i], fds[i],
                           error))
            return false;
    }
    return true;
}

static void listeners_stop(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->listener_count; i++)
        listener_free(&gateway->listeners[i].listener);
}

static void on_drain_late(void *arg)
{
    struct gateway *gateway = arg;

    log_warn("%zu requests did not end in time and are cut", gateway->open_requests);
    for (struct request *at = LIST_FIRST(&gateway->open), *next; at; at = next) {
        next = LIST_NEXT(at, entry);
        request_cut(at, "the gateway stops");
    }
    server_free(&gateway->server);
    task_queue(gateway->loop, &gateway->drained);
}

void gateway_drain(struct gateway *gateway, hg_ns deadline, void (*on_drained_fn)(void *arg),
                   void *arg)
{
    gateway->draining = true;
    gateway->on_drained = on_drained_fn;
    gateway->drained_arg = arg;
    listeners_stop(gateway);
    if (gateway->server)
        server_drain(gateway->server);
    timer_set(gateway->loop, &gateway->drain_timer, deadline);
    if (gateway->open_requests == 0)
        task_queue(gateway->loop, &gateway->drained);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool shared_make(struct gateway *gateway, struct error *error)
{
    gateway->region = gateway->setup.region;
    if (!gateway->region) {
        gateway->own_region = region_new(&(struct region_plan){.slots = 1}, error);
        gateway->region = gateway->own_region;
    }
    if (!gateway->region)
        return false;
    gateway->slot = region_slot(gateway->region, gateway->setup.slot);
    gateway->ring = gateway->setup.check ? NULL : region_ring(gateway->region, gateway->setup.slot);
    gateway_metrics_make(gateway);
    fingerprint_make(gateway);
    return true;
}

static struct upstream *give_upstream(void *arg, bool is_tls, const char *host, uint16_t port,
                                      struct error *error)
{
    struct gateway *gateway = arg;

    return upstreams_get(gateway->upstreams, NULL, is_tls, text_of(host), port, error);
}

static void plugins_make(struct gateway *gateway)
{
    const struct gateway_setup *setup = &gateway->setup;

    gateway->plugins =
        plugin_host_new(&(struct plugin_host_setup){.loop = gateway->loop,
                                                    .version = HEADGATE_VERSION,
                                                    .worker = setup->worker,
                                                    .workers = setup->workers,
                                                    .generation = setup->generation,
                                                    .flags = setup->check ? HG_HOST_CHECK : 0,
                                                    .run_dir = setup->run_dir,
                                                    .region = setup->region,
                                                    .slot = setup->slot,
                                                    .req = &view_api,
                                                    .request_id = view_request_id,
                                                    .upstream = give_upstream,
                                                    .secret = config_secret,
                                                    .arg = gateway});
}

static bool gateway_make(struct gateway *gateway, struct error *error)
{
    if (!shared_make(gateway, error))
        return false;
    plugins_make(gateway);
    aliases_make(gateway);
    if (!gateway_instances_make(gateway, error))
        return false;
    gateway->offers = offers_new(gateway);
    return gateway_https_make(gateway, error) && lua_start(gateway, error) &&
           (gateway->routes = routes_load(gateway, error));
}

struct gateway *gateway_new(const struct gateway_setup *setup, struct error *error)
{
    struct gateway *gateway = xcalloc(1, sizeof *gateway);
    struct inbound_limits limits = limits_of(&setup->config->limits);

    gateway->setup = *setup;
    gateway->loop = setup->loop;
    gateway->config = setup->config;
    gateway->arena = arena_new();
    gateway->handles = handles_new();
    gateway->digest = digest_new();
    gateway->upstreams = upstreams_new(setup->loop);
    gateway->drained = (struct task){.fn = on_all_drained, .arg = gateway};
    gateway->drain_timer = (struct timer){.fn = on_drain_late, .arg = gateway};
    gateway->idle_timer = (struct timer){.fn = on_idle, .arg = gateway};
    gateway->server = server_new(setup->loop, &limits, &inbound_events, gateway);
    if (!gateway_make(gateway, error))
        gateway_free(&gateway);
    return gateway;
}

void gateway_free(struct gateway **gateway)
{
    struct gateway *gone = *gateway;

    *gateway = NULL;
    if (!gone)
        return;
    listeners_stop(gone);
    for (size_t i = 0; i < gone->listener_count; i++)
        tls_config_free(&gone->listeners[i].tls);
    free(gone->listeners);
    server_free(&gone->server);
    timer_clear(gone->loop, &gone->drain_timer);
    timer_clear(gone->loop, &gone->idle_timer);
    task_clear(gone->loop, &gone->drained);
    if (gone->engine)
        lua_stop(gone);
    while (!LIST_EMPTY(&gone->detached))
        attempt_cancel(LIST_FIRST(&gone->detached));
    offers_free(&gone->offers);
    routes_free(gone, &gone->routes); /* records name them: after all that may write one */
    if (gone->plugins) {
        plugin_host_stop(gone->plugins);
        for (size_t i = 0; i < gone->instance_count; i++)
            instance_destroy(&gone->instances[i].instance);
        plugin_host_free(&gone->plugins);
    }
    targets_free(gone);
    free(gone->instances);
    free(gone->https);
    upstreams_free(&gone->upstreams);
    flights_free(&gone->flights);
    handles_free(&gone->handles);
    digest_free(&gone->digest);
    fingerprint_free(&gone->fingerprint);
    buffer_done(&gone->record);
    region_free(&gone->own_region);
    arena_free(&gone->arena);
    free(gone);
}

static bool admin_check(const struct config *config, struct error *error)
{
    struct tls_config *tls;
    bool ok = listen_tls(&config->admin, &tls, error);

    tls_config_free(&tls);
    return ok;
}

bool gateway_check(const struct config *config, const char *run_dir, struct error *error)
{
    struct loop *loop = loop_new();
    struct gateway *gateway = gateway_new(
        &(struct gateway_setup){
            .loop = loop, .config = config, .workers = 1, .run_dir = run_dir, .check = true},
        error);
    bool ok = gateway != NULL;
    int nothing[64];

    for (size_t i = 0; i < 64; i++)
        nothing[i] = -1;
    if (ok && config->listen_count <= 64)
        ok = gateway_listen(gateway, nothing, config->listen_count, error) &&
             admin_check(config, error);
    if (ok)
        hints_log(gateway);
    gateway_free(&gateway);
    loop_free(&loop);
    return ok;
}
