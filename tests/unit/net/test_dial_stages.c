/* What ends a dial at each of its stages: asking for the name, connecting, the handshake. */
#include "support/suite.h"
#include "unit/net/certs.h"
#include "unit/net/dialling.h"

START_TEST(the_deadline_ends_every_stage)
{
    struct tls_config *config = trusting();
    struct server silent;
    struct hole hole;
    uint16_t port = hole_dig(&hole, "127.0.0.1", 0);

    expect("127.0.0.1", port, NULL, 50 * NS_PER_MS, DIAL_TIMEOUT, "no answer from 127.0.0.1");
    expect("localhost", port, NULL, 300 * NS_PER_MS, DIAL_TIMEOUT, "no answer from 127.0.0.1");
    hole_fill(&hole);

    atomic_store(&is_held, true);
    expect("hang.test", 80, NULL, 50 * NS_PER_MS, DIAL_TIMEOUT, "name servers took too long");
    atomic_store(&is_held, false);

    port = server_start(&silent, "127.0.0.1", 0, NULL);
    expect("localhost", port, config, 50 * NS_PER_MS, DIAL_TIMEOUT, "TLS handshake");
    server_stop(&silent);
    tls_config_free(&config);
}
END_TEST

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

    atomic_store(&is_held, true);
    cancel_after(3, "hang.test", 80, NULL); /* asking for the name */
    atomic_store(&is_held, false);

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
    const TTest *const tests[] = {the_deadline_ends_every_stage,
                                  a_dial_may_be_cancelled_at_every_stage};

    if (!certs_make())
        return 77;
    int status = suite_run(&(struct suite){
        .name = "net/dial_stages",
        .setup = dialling_setup,
        .teardown = dialling_teardown,
        .tests = tests,
        .count = sizeof tests / sizeof *tests,
    });

    certs_remove();
    return status;
}
