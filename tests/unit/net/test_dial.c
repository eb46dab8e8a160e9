/* Plain connections: how they are made, whom they may reach, and why they fail. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>

#include "support/suite.h"
#include "unit/net/dialling.h"

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

RUN_SUITE_WITH("net/dial", dialling_setup, dialling_teardown, a_numeric_address_is_connected_to,
               a_closed_port_refuses, a_name_without_address_is_a_dns_fault,
               an_unreachable_network_is_told_and_skipped, without_descriptors_it_says_so,
               what_is_not_allowed_is_not_connected_to, only_the_allowed_addresses_are_tried)
