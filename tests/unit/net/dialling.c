#include "unit/net/dialling.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit/net/certs.h"

/* ---- names ---------------------------------------------------------------------------------- */

atomic_int lookups;
atomic_bool is_held;

static const struct {
    const char *name, *addresses[4];
} hosts[] = {
    {"localhost", {"127.0.0.1"}},
    {"two.test", {"127.0.0.2", "127.0.0.1"}},
    {"mixed.test", {"::1", "127.0.0.1"}},
    {"families.test", {"127.0.0.1", "127.0.0.2", "::1"}},
    {"unroutable.test", {"224.0.0.1", "127.0.0.1"}},
    {"hang.test", {"127.0.0.1"}},
};

static enum lookup_result fake_lookup(const char *host, struct lookup *ret_lookup)
{
    atomic_fetch_add(&lookups, 1);
    while (atomic_load(&is_held) && strcmp(host, "hang.test") == 0)
        usleep(1000);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        for (int j = 0; strcmp(hosts[i].name, host) == 0 && hosts[i].addresses[j]; j++)
            address_of_host(&ret_lookup->addresses[ret_lookup->count++],
                            text_of(hosts[i].addresses[j]), 0);
    if (ret_lookup->count)
        return LOOKUP_FOUND;
    snprintf(ret_lookup->reason, sizeof ret_lookup->reason, "no such host");
    return LOOKUP_NONE;
}

/* ---- the world ------------------------------------------------------------------------------ */

struct dialer *dialer;
static struct loop *loop;
static struct resolver *resolver;
static int descriptors_before;

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void on_peer(void *arg, unsigned ready)
{
    struct peer *peer = arg;
    unsigned want = 0;

    (void)ready;
    watch_want(&peer->watch, tls_handshake(peer->tls, &want) == TLS_AGAIN ? want : 0);
}

static void on_connection(void *arg, unsigned ready)
{
    struct server *server = arg;

    (void)ready;
    ck_assert_int_lt(server->accepted, PEERS_MAX);
    struct peer *peer = &server->peers[server->accepted++];

    peer->fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(peer->fd, 0);
    watch_init(&peer->watch, loop, peer->fd, on_peer, peer);
    if (!server->config)
        return;
    peer->tls = tls_session_new(server->config, peer->fd, true, NULL);
    watch_want(&peer->watch, WATCH_READ);
}

/* Listens on `host`; `port` 0: any. */
static int listen_on(const char *host, uint16_t port, int backlog, uint16_t *ret_port)
{
    struct address address;
    socklen_t len = sizeof address.storage;
    const int one = 1;

    ck_assert(address_of_host(&address, text_of(host), port));
    int fd = socket(address_family(&address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ck_assert_int_eq(bind(fd, address_sockaddr(&address), address.len), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    getsockname(fd, (struct sockaddr *)&address.storage, &len);
    *ret_port = address_port(&address);
    return fd;
}

uint16_t server_start(struct server *server, const char *host, uint16_t port, const char *identity)
{
    char cert[64], key[64];

    *server = (struct server){0};
    if (identity) {
        snprintf(cert, sizeof cert, "%s.pem", identity);
        snprintf(key, sizeof key, "%s.key", identity);
        server->config = tls_server_config(cert_path(cert), cert_path(key), NULL);
        ck_assert_ptr_nonnull(server->config);
    }
    server->fd = listen_on(host, port, 16, &port);
    watch_init(&server->watch, loop, server->fd, on_connection, server);
    watch_want(&server->watch, WATCH_READ);
    return port;
}

void server_stop(struct server *server)
{
    for (int i = 0; i < server->accepted; i++) {
        watch_done(&server->peers[i].watch);
        tls_session_free(&server->peers[i].tls);
        close(server->peers[i].fd);
    }
    watch_done(&server->watch);
    close(server->fd);
    tls_config_free(&server->config);
}

uint16_t hole_dig(struct hole *hole, const char *host, uint16_t port)
{
    struct address address;

    hole->fd = listen_on(host, port, 0, &port);
    address_of_host(&address, text_of(host), port);
    for (int i = 0; i < 4; i++) {
        hole->fillers[i] =
            socket(address_family(&address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(hole->fillers[i], address_sockaddr(&address), address.len);
    }
    return port;
}

void hole_fill(struct hole *hole)
{
    close(hole->fd);
    for (int i = 0; i < 4; i++)
        close(hole->fillers[i]);
}

uint16_t closed_port(void)
{
    uint16_t port;

    close(listen_on("127.0.0.1", 0, 1, &port));
    return port;
}

/* ---- dialling ------------------------------------------------------------------------------- */

void on_done(void *arg, int fd, struct tls_session *tls, enum dial_fault fault, const char *reason)
{
    struct call *call = arg;

    call->dial = NULL;
    call->calls++;
    call->fd = fd;
    call->tls = tls;
    call->fault = fault;
    snprintf(call->reason, sizeof call->reason, "%s", reason);
}

void call_start(struct call *call, const char *host, uint16_t port, struct tls_config *tls,
                hg_ns wait)
{
    struct dial_target target = {.host = text_of(host), .port = port, .tls = tls};

    clock_update();
    target.deadline = wait ? clock_now() + wait : 0;
    *call = (struct call){.fd = -1};
    call->dial = dial_start(dialer, &target, on_done, call);
    ck_assert_msg(call->calls == 0, "answered on the caller's stack");
}

void call_wait(struct call *call)
{
    for (int i = 0; i < 500 && !call->calls; i++)
        loop_turn(loop, 10 * NS_PER_MS);
    ck_assert_int_eq(call->calls, 1);
    if (call->fault != DIAL_OK) {
        ck_assert_int_eq(call->fd, -1);
        ck_assert_ptr_null(call->tls);
    }
}

void call_close(struct call *call)
{
    tls_session_free(&call->tls);
    if (call->fd >= 0)
        close(call->fd);
    call->fd = -1;
}

void expect(const char *host, uint16_t port, struct tls_config *tls, hg_ns wait,
            enum dial_fault fault, const char *reason)
{
    struct call call;

    call_start(&call, host, port, tls, wait);
    call_wait(&call);
    ck_assert_msg(call.fault == fault, "%s: %s", dial_fault_name(call.fault), call.reason);
    ck_assert_msg(strstr(call.reason, reason), "%s", call.reason);
    call_close(&call);
}

void turns(int count)
{
    while (count--)
        loop_turn(loop, 5 * NS_PER_MS);
}

static struct address peer_of(int fd)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof storage;
    struct address address;

    ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&storage, &len), 0);
    address_set(&address, (struct sockaddr *)&storage, len);
    return address;
}

void expect_peer(const struct call *call, const char *host)
{
    struct address peer = peer_of(call->fd);
    char text[ADDRESS_TEXT_MAX];

    ck_assert_str_eq(address_host_text(&peer, text), host);
}

struct tls_config *trusting(void)
{
    struct tls_config *config = tls_client_config(cert_path("ca.pem"), NULL, NULL, true, NULL);

    ck_assert_ptr_nonnull(config);
    return config;
}

void dialling_setup(void)
{
    struct resolver_setup setup = {.lookup = fake_lookup};

    signal(SIGPIPE, SIG_IGN); /* as the process does: see net/tls.h */
    descriptors_before = open_descriptors();
    atomic_store(&lookups, 0);
    atomic_store(&is_held, false);
    loop = loop_new();
    resolver = resolver_new(loop, &setup);
    dialer = dialer_new(loop, resolver);
}

void dialling_teardown(void)
{
    atomic_store(&is_held, false);
    dialer_free(&dialer);
    resolver_free(&resolver);
    loop_free(&loop);
    usleep(5000); /* a helper thread may still be on its way out */
    ck_assert_int_eq(open_descriptors(), descriptors_before);
}
