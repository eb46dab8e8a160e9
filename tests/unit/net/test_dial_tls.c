/* Connections with TLS: whom they trust, and how they go on where another has ended. */
#include "support/suite.h"
#include "unit/net/certs.h"
#include "unit/net/dialling.h"

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

int main(void)
{
    const TTest *const tests[] = {
        tls_is_ready_when_the_dial_is_done, the_second_dial_takes_the_session_up_again,
        a_server_that_is_not_who_we_mean_is_a_tls_fault, another_server_name_may_be_asked_for};

    if (!certs_make())
        return 77;
    int status = suite_run(&(struct suite){
        .name = "net/dial_tls",
        .setup = dialling_setup,
        .teardown = dialling_teardown,
        .tests = tests,
        .count = sizeof tests / sizeof *tests,
    });

    certs_remove();
    return status;
}
