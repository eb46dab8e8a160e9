/* Servers and dials share one loop. A "full" listener stands for a black hole: its queue has no
 * room, so the kernel drops what comes. */
#include "net/dial.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "unit/net/certs.h"

/* ---- names ---------------------------------------------------------------------------------- */

static atomic_int lookups;
static atomic_bool held;

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
    while (atomic_load(&held) && strcmp(host, "hang.test") == 0)
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

enum {
    PEERS_MAX = 8
};

static struct loop *loop;
static struct resolver *resolver;
static struct dialer *dialer;
static int descriptors_before;

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* An accepting server; with `config` it also does the handshake. */
struct server {
    int fd;
    struct watch watch;
    struct tls_config *config;
    int accepted;
    struct peer {
        int fd;
        struct tls_session *tls;
        struct watch watch;
    } peers[PEERS_MAX];
};

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

static uint16_t server_start(struct server *server, const char *host, uint16_t port,
                             const char *identity)
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

static void server_stop(struct server *server)
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

/* A listener whose queue is full, and what fills it. */
struct hole {
    int fd, fillers[4];
};

static uint16_t hole_dig(struct hole *hole, const char *host, uint16_t port)
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

static void hole_fill(struct hole *hole)
{
    close(hole->fd);
    for (int i = 0; i < 4; i++)
        close(hole->fillers[i]);
}

static uint16_t closed_port(void)
{
    uint16_t port;

    close(listen_on("127.0.0.1", 0, 1, &port));
    return port;
}

/* ---- dialling ------------------------------------------------------------------------------- */

struct call {
    struct dial *dial;
    int calls, fd;
    struct tls_session *tls;
    enum dial_fault fault;
    char reason[256];
};

static void on_done(void *arg, int fd, struct tls_session *tls, enum dial_fault fault,
                    const char *reason)
{
    struct call *call = arg;

    call->dial = NULL;
    call->calls++;
    call->fd = fd;
    call->tls = tls;
    call->fault = fault;
    snprintf(call->reason, sizeof call->reason, "%s", reason);
}

static void call_start(struct call *call, const char *host, uint16_t port, struct tls_config *tls,
                       hg_ns wait)
{
    struct dial_target target = {.host = text_of(host), .port = port, .tls = tls};

    clock_update();
    target.deadline = wait ? clock_now() + wait : 0;
    *call = (struct call){.fd = -1};
    call->dial = dial_start(dialer, &target, on_done, call);
    ck_assert_msg(call->calls == 0, "answered on the caller's stack");
}

static void call_wait(struct call *call)
{
    for (int i = 0; i < 500 && !call->calls; i++)
        loop_turn(loop, 10 * NS_PER_MS);
    ck_assert_int_eq(call->calls, 1);
    if (call->fault != DIAL_OK) {
        ck_assert_int_eq(call->fd, -1);
        ck_assert_ptr_null(call->tls);
    }
}

static void call_close(struct call *call)
{
    tls_session_free(&call->tls);
    if (call->fd >= 0)
        close(call->fd);
    call->fd = -1;
}

static void expect(const char *host, uint16_t port, struct tls_config *tls, hg_ns wait,
                   enum dial_fault fault, const char *reason)
{
    struct call call;

    call_start(&call, host, port, tls, wait);
    call_wait(&call);
    ck_assert_msg(call.fault == fault, "%s: %s", dial_fault_name(call.fault), call.reason);
    ck_assert_msg(strstr(call.reason, reason), "%s", call.reason);
    call_close(&call);
}

static void turns(int count)
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

static void expect_peer(const struct call *call, const char *host)
{
    struct address peer = peer_of(call->fd);
    char text[ADDRESS_TEXT_MAX];

    ck_assert_str_eq(address_host_text(&peer, text), host);
}

static struct tls_config *trusting(void)
{
    struct tls_config *config = tls_client_config(cert_path("ca.pem"), NULL, NULL, true, NULL);

    ck_assert_ptr_nonnull(config);
    return config;
}

static void setup(void)
{
    struct resolver_setup setup = {.lookup = fake_lookup};

    descriptors_before = open_descriptors();
    atomic_store(&lookups, 0);
    atomic_store(&held, false);
    loop = loop_new();
    resolver = resolver_new(loop, &setup);
    dialer = dialer_new(loop, resolver);
}

static void teardown(void)
{
    atomic_store(&held, false);
    dialer_free(&dialer);
    resolver_free(&resolver);
    loop_free(&loop);
    usleep(5000); /* a helper thread may still be on its way out */
    ck_assert_int_eq(open_descriptors(), descriptors_before);
}

/* ---- plain connections ---------------------------------------------------------------------- */

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;

    getsockopt(fd, level, name, &value, &len);
    return value;
}

START_TEST(a_numeric_address_is_connected_to)
{
    static const char *const both[] = {"127.0.0.1", "[::1]"};

    for (int i = 0; i < 2; i++) {
        struct server server;
        struct call call;
        uint16_t port = server_start(&server, both[i], 0, NULL);

        call_start(&call, both[i], port, NULL, NS_PER_S);
        call_wait(&call);
        ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
        ck_assert_ptr_null(call.tls);
        ck_assert(fcntl(call.fd, F_GETFL) & O_NONBLOCK);
        ck_assert(fcntl(call.fd, F_GETFD) & FD_CLOEXEC);
        ck_assert_int_ne(option(call.fd, IPPROTO_TCP, TCP_NODELAY), 0);
        ck_assert_int_ne(option(call.fd, SOL_SOCKET, SO_KEEPALIVE), 0);
        call_close(&call);
        server_stop(&server);
    }
    ck_assert_int_eq(atomic_load(&lookups), 0);
}
END_TEST

START_TEST(a_closed_port_refuses)
{
    expect("127.0.0.1", closed_port(), NULL, NS_PER_S, DIAL_REFUSED, "Connection refused");
    expect("two.test", closed_port(), NULL, NS_PER_S, DIAL_REFUSED, "Connection refused");
}
END_TEST

START_TEST(a_name_without_address_is_a_dns_fault)
{
    expect("no-such.test", 80, NULL, NS_PER_S, DIAL_DNS, "no-such.test: no such host");
    expect("127.1", 80, NULL, NS_PER_S, DIAL_DNS, "not an address");
    expect("", 80, NULL, NS_PER_S, DIAL_DNS, "not a host name");
}
END_TEST

START_TEST(an_unreachable_network_is_told_and_skipped)
{
    struct server server;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);

    expect("224.0.0.1", 80, NULL, 100 * NS_PER_MS, DIAL_UNREACHABLE, "224.0.0.1:80");
    expect("unroutable.test", port, NULL, NS_PER_S, DIAL_OK, "");
    expect("unroutable.test", closed_port(), NULL, NS_PER_S, DIAL_REFUSED, "127.0.0.1");
    server_stop(&server);
}
END_TEST

START_TEST(without_descriptors_it_says_so)
{
    struct rlimit before, none;

    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    expect("127.0.0.1", 80, NULL, NS_PER_S, DIAL_NO_DESCRIPTORS, "Too many open files");
    expect("two.test", 80, NULL, NS_PER_S, DIAL_DNS, "no descriptor");
    setrlimit(RLIMIT_NOFILE, &before);
}
END_TEST

/* ---- several addresses ---------------------------------------------------------------------- */

START_TEST(a_black_hole_costs_a_quarter_second)
{
    struct server server;
    struct hole hole;
    struct call call;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);

    hole_dig(&hole, "127.0.0.2", port);
    hg_ns began = clock_precise();

    call_start(&call, "two.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    hg_ns took = clock_precise() - began;

    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "127.0.0.1");
    ck_assert_msg(took > 240 * NS_PER_MS && took < 900 * NS_PER_MS, "%ld ms",
                  (long)(took / NS_PER_MS));
    call_close(&call);
    hole_fill(&hole);
    server_stop(&server);
}
END_TEST

START_TEST(after_a_refusal_the_next_address_has_its_turn_at_once)
{
    struct server server;
    struct call call;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);
    hg_ns began = clock_precise();

    call_start(&call, "mixed.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "127.0.0.1");
    ck_assert_int_lt(clock_precise() - began, 200 * NS_PER_MS);
    call_close(&call);
    server_stop(&server);
}
END_TEST

START_TEST(families_take_turns)
{
    struct server server, third;
    struct hole hole;
    struct call call;
    uint16_t port = hole_dig(&hole, "127.0.0.1", 0);

    /* The list is v4, v4, v6: the v6 one comes second, before 127.0.0.2. */
    server_start(&server, "::1", port, NULL);
    server_start(&third, "127.0.0.2", port, NULL);
    call_start(&call, "families.test", port, NULL, 5 * NS_PER_S);
    call_wait(&call);
    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    expect_peer(&call, "::1");
    call_close(&call);
    server_stop(&server);
    server_stop(&third);
    hole_fill(&hole);
}
END_TEST

START_TEST(the_deadline_ends_every_stage)
{
    struct tls_config *config = trusting();
    struct server silent;
    struct hole hole;
    uint16_t port = hole_dig(&hole, "127.0.0.1", 0);

    expect("127.0.0.1", port, NULL, 50 * NS_PER_MS, DIAL_TIMEOUT, "no answer from 127.0.0.1");
    expect("localhost", port, NULL, 300 * NS_PER_MS, DIAL_TIMEOUT, "no answer from 127.0.0.1");
    hole_fill(&hole);

    atomic_store(&held, true);
    expect("hang.test", 80, NULL, 50 * NS_PER_MS, DIAL_TIMEOUT, "name servers took too long");
    atomic_store(&held, false);

    port = server_start(&silent, "127.0.0.1", 0, NULL);
    expect("localhost", port, config, 50 * NS_PER_MS, DIAL_TIMEOUT, "TLS handshake");
    server_stop(&silent);
    tls_config_free(&config);
}
END_TEST

/* ---- who may be connected to ---------------------------------------------------------------- */

static bool allow_public(void *arg, const struct address *address)
{
    ++*(int *)arg;
    return address_class(address) == ADDRESS_PUBLIC;
}

static bool allow_one(void *arg, const struct address *address)
{
    char text[ADDRESS_TEXT_MAX];

    return strcmp(address_host_text(address, text), arg) == 0;
}

START_TEST(what_is_not_allowed_is_not_connected_to)
{
    struct server server;
    int asked = 0;
    uint16_t port = server_start(&server, "127.0.0.1", 0, NULL);
    struct dial_target target = {.port = port, .allow = allow_public, .allow_arg = &asked};
    static const char *const ways[] = {"127.0.0.1", "two.test", "::ffff:127.0.0.1"};

    for (int i = 0; i < 3; i++) {
        struct call call = {.fd = -1};

        target.host = text_of(ways[i]);
        dial_start(dialer, &target, on_done, &call);
        call_wait(&call);
        ck_assert_int_eq(call.fault, DIAL_FORBIDDEN);
        ck_assert_msg(strstr(call.reason, "(loopback) are not allowed"), "%s", call.reason);
    }
    turns(3);
    ck_assert_int_eq(asked, 4);
    ck_assert_int_eq(server.accepted, 0);
    server_stop(&server);
}
END_TEST

START_TEST(only_the_allowed_addresses_are_tried)
{
    struct server good, other;
    char only[] = "127.0.0.1";
    uint16_t port = server_start(&good, "127.0.0.1", 0, NULL);
    struct dial_target target = {
        .host = HG_S("two.test"), .port = port, .allow = allow_one, .allow_arg = only};
    struct call call = {.fd = -1};

    server_start(&other, "127.0.0.2", port, NULL);
    dial_start(dialer, &target, on_done, &call);
    call_wait(&call);
    ck_assert_int_eq(call.fault, DIAL_OK);
    expect_peer(&call, "127.0.0.1");
    turns(3);
    ck_assert_int_eq(other.accepted, 0);
    ck_assert_int_eq(atomic_load(&lookups), 1);
    call_close(&call);
    server_stop(&good);
    server_stop(&other);
}
END_TEST

/* ---- TLS ------------------------------------------------------------------------------------ */

START_TEST(tls_is_ready_when_the_dial_is_done)
{
    struct tls_config *config = trusting();
    struct server server;
    struct call call;
    char word[8];
    unsigned want;
    uint16_t port = server_start(&server, "127.0.0.1", 0, "server");

    for (int i = 0; i < 2; i++) {
        call_start(&call, i ? "127.0.0.1" : "localhost", port, config, 5 * NS_PER_S);
        call_wait(&call);
        ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
        ck_assert_ptr_nonnull(call.tls);
        turns(3);
        ck_assert_int_eq(tls_write(call.tls, "hello", 5, &want), 5);
        ck_assert_int_eq(tls_read(server.peers[i].tls, word, sizeof word, &want), 5);
        call_close(&call);
    }
    server_stop(&server);
    tls_config_free(&config);
}
END_TEST

START_TEST(the_second_dial_takes_the_session_up_again)
{
    struct tls_config *config = trusting();
    struct server server;
    struct call call;
    char byte;
    unsigned want;
    uint16_t port = server_start(&server, "127.0.0.1", 0, "server");

    for (int i = 0; i < 2; i++) {
        call_start(&call, "localhost", port, config, 5 * NS_PER_S);
        call_wait(&call);
        ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
        turns(3);
        ck_assert_int_eq(tls_read(call.tls, &byte, 1, &want), TLS_AGAIN); /* takes the ticket */
        ck_assert_int_eq(tls_was_reused(call.tls), i == 1);
        call_close(&call);
    }
    server_stop(&server);
    tls_config_free(&config);
}
END_TEST

START_TEST(a_server_that_is_not_who_we_mean_is_a_tls_fault)
{
    static const char *const reasons[][2] = {
        {"other", "localhost: certificate verify failed: hostname mismatch"},
        {"expired", "certificate has expired"},
        {"selfsigned", "self-signed certificate"},
    };
    struct tls_config *config = trusting();

    for (int i = 0; i < 3; i++) {
        struct server server;
        uint16_t port = server_start(&server, "127.0.0.1", 0, reasons[i][0]);

        expect("localhost", port, config, 5 * NS_PER_S, DIAL_TLS, reasons[i][1]);
        server_stop(&server);
    }
    tls_config_free(&config);
}
END_TEST

START_TEST(another_server_name_may_be_asked_for)
{
    struct tls_config *config = trusting();
    struct server server;
    struct call call = {.fd = -1};
    uint16_t port = server_start(&server, "127.0.0.1", 0, "other");
    struct dial_target target = {
        .host = HG_S("127.0.0.1"), .port = port, .tls = config, .server_name = "other.test"};

    dial_start(dialer, &target, on_done, &call);
    call_wait(&call);
    ck_assert_msg(call.fault == DIAL_OK, "%s", call.reason);
    call_close(&call);
    server_stop(&server);
    tls_config_free(&config);
}
END_TEST

/* ---- cancelling ----------------------------------------------------------------------------- */

static void cancel_after(int rounds, const char *host, uint16_t port, struct tls_config *tls)
{
    struct call call;

    call_start(&call, host, port, tls, 5 * NS_PER_S);
    turns(rounds);
    ck_assert_int_eq(call.calls, 0);
    dial_cancel(&call.dial);
    ck_assert_ptr_null(call.dial);
    turns(2);
    ck_assert_int_eq(call.calls, 0);
}

START_TEST(a_dial_may_be_cancelled_at_every_stage)
{
    struct tls_config *config = trusting();
    struct server silent;
    struct hole hole;
    uint16_t port;

    atomic_store(&held, true);
    cancel_after(3, "hang.test", 80, NULL); /* asking for the name */
    atomic_store(&held, false);

    port = hole_dig(&hole, "127.0.0.1", 0);
    cancel_after(0, "127.0.0.1", port, NULL); /* connecting */
    cancel_after(3, "127.0.0.1", port, NULL);
    cancel_after(3, "localhost", port, NULL);
    hole_fill(&hole);

    port = server_start(&silent, "127.0.0.1", 0, NULL);
    cancel_after(3, "127.0.0.1", port, config); /* in the handshake */
    server_stop(&silent);

    cancel_after(0, "127.0.0.1", closed_port(), NULL); /* failed already, not told yet */
    cancel_after(0, "no-such.test", 80, NULL);
    tls_config_free(&config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/dial");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    signal(SIGPIPE, SIG_IGN);
    if (!certs_make())
        return 77;
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_numeric_address_is_connected_to);
    tcase_add_test(tcase, a_closed_port_refuses);
    tcase_add_test(tcase, a_name_without_address_is_a_dns_fault);
    tcase_add_test(tcase, an_unreachable_network_is_told_and_skipped);
    tcase_add_test(tcase, without_descriptors_it_says_so);
    tcase_add_test(tcase, a_black_hole_costs_a_quarter_second);
    tcase_add_test(tcase, after_a_refusal_the_next_address_has_its_turn_at_once);
    tcase_add_test(tcase, families_take_turns);
    tcase_add_test(tcase, the_deadline_ends_every_stage);
    tcase_add_test(tcase, what_is_not_allowed_is_not_connected_to);
    tcase_add_test(tcase, only_the_allowed_addresses_are_tried);
    tcase_add_test(tcase, tls_is_ready_when_the_dial_is_done);
    tcase_add_test(tcase, the_second_dial_takes_the_session_up_again);
    tcase_add_test(tcase, a_server_that_is_not_who_we_mean_is_a_tls_fault);
    tcase_add_test(tcase, another_server_name_may_be_asked_for);
    tcase_add_test(tcase, a_dial_may_be_cancelled_at_every_stage);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    certs_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
