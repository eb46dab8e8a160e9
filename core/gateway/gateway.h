/* gateway.h - what one worker serves with: configuration, plugins, pools, routes, listeners. */
#pragma once

#include <stdbool.h>

#include "gateway/config/config.h"
#include "gateway/request.h"
#include "http/inbound.h"
#include "net/listener.h"
#include "plugin/host.h"
#include "shm/metrics.h"

struct engine;
struct handles;
struct offers;
struct instance;
struct digest;
struct fingerprint;
struct alias;
struct flights;
struct region;
struct ring;
struct slot;
struct target;
struct upstreams;

struct gateway_setup {
    struct loop *loop;
    const struct config *config; /* must outlive the gateway */
    struct region *region;       /* NULL: what is shared is private, for the checker */
    uint32_t slot;               /* number of our slot in the region */
    uint32_t worker, workers, generation;
    const char *run_dir;
    bool check; /* no traffic will come: report what is wrong and go */
};

/* Loads plugins, creates instances, compiles routes. NULL and why. Plugins whose create is pending
 * are waited for, in turns of the loop. */
struct gateway *gateway_new(const struct gateway_setup *setup, struct error *error);

/* Starts accepting on inherited listening sockets, one for each `listen` of the configuration, in
 * its order. */
bool gateway_listen(struct gateway *gateway, const int *fds, size_t count, struct error *error);

/* Stops accepting, lets open requests end, and calls back when none is left. At `deadline` (a
 * moment) those that are left are cut. */
void gateway_drain(struct gateway *gateway, hg_ns deadline, void (*on_drained)(void *arg),
                   void *arg);

size_t gateway_open_requests(const struct gateway *gateway);
void gateway_free(struct gateway **gateway);

/* What the checker does: everything above, on a loop of its own, and away with it. */
bool gateway_check(const struct config *config, const char *run_dir, struct error *error);

/* ---- for the files of this folder -------------------------------------------------------------
 */

struct gateway_instance {
    const struct config_instance *config;
    struct instance *instance;
};

/* A server that routes may call by name. */
struct gateway_http {
    const struct config_http *config;
    hg_str base_url;
    struct pair *headers; /* secrets are resolved in here: never shown to Lua */
};

struct gateway_metrics {
    struct metric_cell requests[6]; /* by hundreds of the status */
    struct metric_cell attempts, attempt_failures;
    struct metric_cell tokens_in, tokens_out;
    struct metric_cell duration, first_token, own_time;
    struct metric_cell refused, cache_hits, cache_misses, guard_denied, log_dropped;
};

struct gateway {
    struct loop *loop;
    const struct config *config;
    struct gateway_setup setup;
    struct plugin_host *plugins;
    struct upstreams *upstreams;
    struct gateway_instance *instances;
    size_t instance_count, instances_pending;
    struct error create_error; /* of a create that was pending */
    struct gateway_http *https;
    size_t http_count;
    struct arena *arena; /* as long as the gateway */
    struct target *targets;
    struct engine *engine;
    struct timer engine_timer;
    struct task engine_task;
    int map_function; /* a reference, see lua/texts.h */
    struct handles *handles;
    struct alias *aliases; /* sorted by name */
    size_t alias_count;
    struct offers *offers;
    struct flights *flights; /* NULL until there is one */
    struct route *routes;
    struct digest *digest;
    struct fingerprint *fingerprint; /* under a secret that all workers share */

    struct server *server;
    struct gateway_listener {
        struct gateway *gateway;
        struct listener *listener;
        struct tls_config *tls;
    } * listeners;
    size_t listener_count;

    struct region *region, *own_region;
    struct slot *slot;
    struct ring *ring;
    struct buffer record; /* where a record is put together */
    struct gateway_metrics metrics;
    uint64_t id_last, chance; /* state of host.random; 0: not begun */
    LIST_HEAD(, request) open;
    LIST_HEAD(, attempt) detached; /* attempts that outlast their requests */
    size_t open_requests;

    struct timer drain_timer, idle_timer;
    struct task drained;
    bool draining;
    void (*on_drained)(void *arg);
    void *drained_arg;
};

/* instances.c: all that the configuration declares and that belongs to this process. */
bool gateway_instances_make(struct gateway *gateway, struct error *error);
bool gateway_https_make(struct gateway *gateway, struct error *error);
struct gateway_instance *gateway_instance(struct gateway *gateway, const char *kind, hg_str name);

/* metrics.c: the cells, and a finished request added to them. */
void gateway_metrics_make(struct gateway *gateway);
void gateway_measure(struct gateway *gateway, const struct request *request);

/* Remembers a shadow call whose request has its record already. */
void gateway_record_shadow(struct gateway *gateway, const struct attempt *attempt);

/* A request has begun (+1) or its exchange has ended (-1). */
void gateway_count(struct gateway *gateway, int delta);
