#include "gateway/upstreams.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/dial.h"
#include "net/resolve.h"
#include "net/tls.h"

enum {
    IDLE_MAX = 1024
};

#define IDLE_DEFAULT (60 * NS_PER_S)

struct pool {
    struct pool *next;
    const struct config_upstream *settings;
    bool is_tls;
    char *host;
    uint16_t port;
    struct upstream *upstream;
};

/* TLS settings are read once for each provider: loading certificates takes milliseconds. */
struct credentials {
    struct credentials *next;
    const struct config_upstream *settings;
    struct tls_config *tls;
};

struct upstreams {
    struct loop *loop;
    struct resolver *resolver;
    struct dialer *dialer;
    struct pool *pools;
    struct credentials *credentials;
};

struct upstreams *upstreams_new(struct loop *loop)
{
    struct upstreams *upstreams = xcalloc(1, sizeof *upstreams);

    upstreams->loop = loop;
    upstreams->resolver = resolver_new(loop, NULL);
    upstreams->dialer = dialer_new(loop, upstreams->resolver);
    return upstreams;
}

void upstreams_free(struct upstreams **upstreams)
{
    struct upstreams *gone = *upstreams;

    *upstreams = NULL;
    if (!gone)
        return;
    for (struct pool *pool = gone->pools, *next; pool; pool = next) {
        next = pool->next;
        upstream_free(&pool->upstream);
        free(pool->host);
        free(pool);
    }
    for (struct credentials *at = gone->credentials, *next; at; at = next) {
        next = at->next;
        tls_config_free(&at->tls);
        free(at);
    }
    dialer_free(&gone->dialer);
    resolver_free(&gone->resolver);
    free(gone);
}

static struct tls_config *credentials_get(struct upstreams *upstreams,
                                          const struct config_upstream *settings,
                                          struct error *error)
{
    struct credentials *at = upstreams->credentials;

    while (at && at->settings != settings)
        at = at->next;
    if (at)
        return at->tls;
    struct tls_config *tls = settings ? tls_client_config(settings->ca, settings->cert,
                                                          settings->key, settings->verify, error)
                                      : tls_client_config(NULL, NULL, NULL, true, error);

    if (!tls)
        return NULL;
    at = xcalloc(1, sizeof *at);
    *at = (struct credentials){upstreams->credentials, settings, tls};
    upstreams->credentials = at;
    return tls;
}

static struct pool *pool_new(struct upstreams *upstreams, const struct config_upstream *settings,
                             bool is_tls, hg_str host, uint16_t port, struct error *error)
{
    struct tls_config *tls = NULL;

    if (is_tls && !(tls = credentials_get(upstreams, settings, error)))
        return NULL;
    struct pool *pool = xcalloc(1, sizeof *pool);

    *pool = (struct pool){.next = upstreams->pools,
                          .settings = settings,
                          .is_tls = is_tls,
                          .host = xstrndup(host.p, host.n),
                          .port = port};
    pool->upstream = upstream_new(
        &(struct upstream_settings){.loop = upstreams->loop,
                                    .dialer = upstreams->dialer,
                                    .tls = tls,
                                    .host = pool->host,
                                    .server_name = settings ? settings->server_name : NULL,
                                    .port = port,
                                    .idle_timeout = settings ? settings->keepalive : IDLE_DEFAULT,
                                    .idle_max = IDLE_MAX});
    upstreams->pools = pool;
    return pool;
}

struct upstream *upstreams_get(struct upstreams *upstreams, const struct config_upstream *settings,
                               bool is_tls, hg_str host, uint16_t port, struct error *error)
{
    struct pool *pool = upstreams->pools;

    while (pool && !(pool->settings == settings && pool->is_tls == is_tls && pool->port == port &&
                     text_is_nocase(host, text_of(pool->host))))
        pool = pool->next;
    if (!pool)
        pool = pool_new(upstreams, settings, is_tls, host, port, error);
    return pool ? pool->upstream : NULL;
}
