/* Client and server talk over a socket pair, in one thread, each when the other cannot go on. */
#include "net/tls.h"

#include <check.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "loop/loop.h"
#include "unit/net/certs.h"

struct pair {
    int fds[2]; /* client, server */
    struct tls_session *client, *server;
    int client_rc, server_rc; /* of the handshake */
};

static struct tls_config *server_config(const char *name)
{
    char cert[64], key[64];
    struct error error = {0};

    snprintf(cert, sizeof cert, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    struct tls_config *config = tls_server_config(cert_path(cert), cert_path(key), &error);

    ck_assert_msg(config != NULL, "%s", error.text);
    return config;
}

static struct tls_config *client_config(void)
{
    struct error error = {0};
    struct tls_config *config = tls_client_config(cert_path("ca.pem"), NULL, NULL, true, &error);

    ck_assert_msg(config != NULL, "%s", error.text);
    return config;
}

static void sockets(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void pair_handshake(struct pair *pair)
{
    unsigned want;

    pair->client_rc = pair->server_rc = TLS_AGAIN;
    for (int i = 0; i < 20; i++) {
        if (pair->client_rc == TLS_AGAIN)
            pair->client_rc = tls_handshake(pair->client, &want);
        if (pair->server_rc == TLS_AGAIN)
            pair->server_rc = tls_handshake(pair->server, &want);
    }
}

static struct pair pair_connect(struct tls_config *client, struct tls_config *server,
                                const char *host, unsigned port)
{
    struct pair pair;

    sockets(pair.fds);
    pair.client = tls_session_new(client, pair.fds[0], false, host);
    pair.server = tls_session_new(server, pair.fds[1], true, NULL);
    tls_session_port(pair.client, port);
    pair_handshake(&pair);
    return pair;
}

static void pair_close(struct pair *pair)
{
    tls_session_free(&pair->client);
    tls_session_free(&pair->server);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

/* Also lets the client see what comes after the handshake, like session tickets. */
static void say(struct tls_session *from, struct tls_session *to, const char *word)
{
    char got[64];
    unsigned want;

    ck_assert_int_eq(tls_write(from, word, strlen(word), &want), (ssize_t)strlen(word));
    ssize_t n = tls_read(to, got, sizeof got, &want);

    ck_assert_msg(n == (ssize_t)strlen(word), "read %zd: %s", n, tls_reason(to));
    ck_assert_mem_eq(got, word, (size_t)n);
}

static void expect_refusal(const char *identity, const char *host, const char *reason)
{
    struct tls_config *client = client_config(), *server = server_config(identity);
    struct pair pair = pair_connect(client, server, host, 443);

    ck_assert_int_eq(pair.client_rc, TLS_BROKEN);
    ck_assert_msg(strstr(tls_reason(pair.client), reason), "reason: %s", tls_reason(pair.client));
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}

static void expect_welcome(const char *host)
{
    struct tls_config *client = client_config(), *server = server_config("server");
    struct pair pair = pair_connect(client, server, host, 443);

    ck_assert_msg(pair.client_rc == TLS_DONE, "%s: %s", host, tls_reason(pair.client));
    ck_assert_int_eq(pair.server_rc, TLS_DONE);
    ck_assert_str_eq(tls_reason(pair.client), "");
    ck_assert_str_eq(tls_version(pair.client), "TLSv1.3");
    say(pair.client, pair.server, "hello");
    say(pair.server, pair.client, "welcome");
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}

START_TEST(the_name_on_the_certificate_is_welcome)
{
    expect_welcome("localhost");
    expect_welcome("localhost.");
    expect_welcome("api.example.test");
    expect_welcome("127.0.0.1");
    expect_welcome("::1");
    expect_welcome("[::1]");
}
END_TEST

START_TEST(another_name_is_refused)
{
    expect_refusal("other", "localhost", "certificate verify failed: hostname mismatch");
    expect_refusal("server", "a.b.example.test", "hostname mismatch");
    expect_refusal("server", "127.0.0.2", "IP address mismatch");
}
END_TEST

START_TEST(a_bad_certificate_is_refused)
{
    expect_refusal("expired", "localhost", "certificate has expired");
    expect_refusal("selfsigned", "localhost", "self-signed certificate");
    expect_refusal("foreign", "localhost", "unable to get local issuer certificate");
}
END_TEST

START_TEST(without_verification_any_certificate_will_do)
{
    struct tls_config *client = tls_client_config(NULL, NULL, NULL, false, NULL);
    struct tls_config *server = server_config("selfsigned");
    struct pair pair = pair_connect(client, server, "whatever", 443);

    ck_assert_int_eq(pair.client_rc, TLS_DONE);
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

START_TEST(the_system_store_does_not_know_our_authority)
{
    struct error error = {0};
    struct tls_config *client = tls_client_config(NULL, NULL, NULL, true, &error);
    struct tls_config *server = server_config("server");

    ck_assert_msg(client != NULL, "%s", error.text);
    struct pair pair = pair_connect(client, server, "localhost", 443);

    ck_assert_int_eq(pair.client_rc, TLS_BROKEN);
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

/* ---- callers with certificates -------------------------------------------------------------- */

static struct pair caller(const char *cert, const char *key)
{
    struct error error = {0};
    struct tls_config *client =
        tls_client_config(cert_path("ca.pem"), cert ? cert_path(cert) : NULL,
                          key ? cert_path(key) : NULL, true, &error);
    struct tls_config *server = server_config("server");

    ck_assert(client && tls_server_require_client(server, cert_path("ca.pem"), &error));
    struct pair pair = pair_connect(client, server, "localhost", 443);

    tls_config_free(&client); /* the sessions hold on to them */
    tls_config_free(&server);
    return pair;
}

START_TEST(a_caller_without_certificate_does_not_get_in)
{
    struct pair pair = caller(NULL, NULL);
    char byte;
    unsigned want;

    ck_assert_int_eq(pair.server_rc, TLS_BROKEN);
    ck_assert_str_eq(tls_reason(pair.server), "peer did not return a certificate");
    /* TLS 1.3: the client is through before the server has looked. */
    ck_assert_int_eq(tls_read(pair.client, &byte, 1, &want), TLS_BROKEN);
    ck_assert_str_eq(tls_reason(pair.client), "refused by the other side: certificate required");
    pair_close(&pair);
}
END_TEST

START_TEST(a_caller_with_a_foreign_certificate_does_not_get_in)
{
    struct pair pair = caller("foreign.pem", "foreign.key");

    ck_assert_int_eq(pair.server_rc, TLS_BROKEN);
    pair_close(&pair);
}
END_TEST

START_TEST(a_caller_with_certificate_gets_in)
{
    struct pair pair = caller("client.pem", "client.key");

    ck_assert_int_eq(pair.server_rc, TLS_DONE);
    say(pair.server, pair.client, "welcome");
    pair_close(&pair);
}
END_TEST

/* ---- sessions taken up again ---------------------------------------------------------------- */

static bool reused(struct tls_config *client, struct tls_config *server, unsigned port)
{
    struct pair pair = pair_connect(client, server, "localhost", port);

    ck_assert_int_eq(pair.client_rc, TLS_DONE);
    say(pair.server, pair.client, "ticket before this");
    bool was = tls_was_reused(pair.client);

    ck_assert_int_eq(was, tls_was_reused(pair.server));
    pair_close(&pair);
    return was;
}

START_TEST(the_second_connection_takes_the_session_up_again)
{
    struct tls_config *client = client_config(), *server = server_config("server");

    ck_assert(!reused(client, server, 443));
    ck_assert(reused(client, server, 443));
    ck_assert(reused(client, server, 443));
    ck_assert_msg(!reused(client, server, 444), "another port is another server");
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

START_TEST(workers_with_one_ticket_key_take_each_others_sessions_up)
{
    unsigned char key[TLS_TICKET_KEY_SIZE];
    struct tls_config *client = client_config();
    struct tls_config *one = server_config("server"), *two = server_config("server");

    ck_assert(!reused(client, one, 443));
    ck_assert_msg(!reused(client, two, 443), "a key of its own");
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i * 7);
    tls_server_ticket_key(one, key);
    tls_server_ticket_key(two, key);
    ck_assert(!reused(client, one, 443));
    ck_assert(reused(client, two, 443));
    tls_config_free(&client);
    tls_config_free(&one);
    tls_config_free(&two);
}
END_TEST

START_TEST(very_many_hosts_do_not_fill_memory)
{
    struct tls_config *client = client_config(), *server = server_config("server");

    for (unsigned port = 1; port <= 70; port++)
        ck_assert(!reused(client, server, port));
    ck_assert_msg(!reused(client, server, 1), "the oldest has been forgotten");
    ck_assert_msg(reused(client, server, 70), "the newest has not");
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

/* ---- the other side is somebody else's ------------------------------------------------------ */

struct foreign {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct foreign foreign_new(bool server, int fd, int version, const char *alpn)
{
    struct foreign it = {.fd = fd};

    it.ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_min_proto_version(it.ctx, TLS1_VERSION);
    if (version)
        SSL_CTX_set_max_proto_version(it.ctx, version);
    SSL_CTX_set_cipher_list(it.ctx, "DEFAULT:@SECLEVEL=0");
    if (server) {
        SSL_CTX_use_certificate_chain_file(it.ctx, cert_path("server.pem"));
        SSL_CTX_use_PrivateKey_file(it.ctx, cert_path("server.key"), SSL_FILETYPE_PEM);
    }
    it.ssl = SSL_new(it.ctx);
    SSL_set_fd(it.ssl, fd);
    if (alpn)
        SSL_set_alpn_protos(it.ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    if (server)
        SSL_set_accept_state(it.ssl);
    else
        SSL_set_connect_state(it.ssl);
    return it;
}

static void foreign_close(struct foreign *it)
{
    SSL_free(it->ssl);
    SSL_CTX_free(it->ctx);
    close(it->fd);
}

/* How the handshake of our side went. */
static int meet(struct tls_session *ours, struct foreign *theirs)
{
    int rc = TLS_AGAIN, done = 0;
    unsigned want;

    for (int i = 0; i < 20; i++) {
        if (done != 1)
            done = SSL_do_handshake(theirs->ssl);
        if (rc == TLS_AGAIN)
            rc = tls_handshake(ours, &want);
    }
    return rc;
}

static int meet_client(int version, const char *alpn, char reason[160], char chosen[32])
{
    struct tls_config *config = server_config("server");
    const unsigned char *name;
    unsigned name_len;
    int fds[2];

    sockets(fds);
    struct tls_session *ours = tls_session_new(config, fds[0], true, NULL);
    struct foreign theirs = foreign_new(false, fds[1], version, alpn);
    int rc = meet(ours, &theirs);

    snprintf(reason, 160, "%s", tls_reason(ours));
    SSL_get0_alpn_selected(theirs.ssl, &name, &name_len);
    snprintf(chosen, 32, "%.*s", (int)name_len, (const char *)name);
    tls_session_free(&ours);
    tls_config_free(&config);
    close(fds[0]);
    foreign_close(&theirs);
    return rc;
}

START_TEST(old_versions_are_refused_on_both_sides)
{
    struct tls_config *config = client_config();
    char reason[160], chosen[32];
    int fds[2];

    ck_assert_int_eq(meet_client(TLS1_1_VERSION, NULL, reason, chosen), TLS_BROKEN);
    ck_assert_str_eq(reason, "unsupported protocol");

    sockets(fds);
    struct tls_session *ours = tls_session_new(config, fds[0], false, "localhost");
    struct foreign theirs = foreign_new(true, fds[1], TLS1_1_VERSION, NULL);

    ck_assert_int_eq(meet(ours, &theirs), TLS_BROKEN);
    ck_assert_msg(strstr(tls_reason(ours), "protocol version"), "reason: %s", tls_reason(ours));
    tls_session_free(&ours);
    tls_config_free(&config);
    close(fds[0]);
    foreign_close(&theirs);
}
END_TEST

START_TEST(tls_1_2_is_still_spoken)
{
    char reason[160], chosen[32];

    ck_assert_int_eq(meet_client(TLS1_2_VERSION, NULL, reason, chosen), TLS_DONE);
    ck_assert_str_eq(chosen, "");
}
END_TEST

START_TEST(http_1_1_is_what_we_agree_on)
{
    char reason[160], chosen[32];

    ck_assert_int_eq(meet_client(0, "\x02h2\x08http/1.1", reason, chosen), TLS_DONE);
    ck_assert_str_eq(chosen, "http/1.1");
    ck_assert_int_eq(meet_client(0, "\x02h2", reason, chosen), TLS_BROKEN);
    ck_assert_str_eq(reason, "no application protocol");
}
END_TEST

static const char *seen_name(SSL *ssl)
{
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

START_TEST(the_server_is_told_which_name_is_meant)
{
    static const char *const hosts[][2] = {
        {"localhost", "localhost"}, {"localhost.", "localhost"}, {"127.0.0.1", NULL}};
    struct tls_config *config = client_config();

    for (size_t i = 0; i < 3; i++) {
        int fds[2];

        sockets(fds);
        struct tls_session *ours = tls_session_new(config, fds[0], false, hosts[i][0]);
        struct foreign theirs = foreign_new(true, fds[1], 0, NULL);

        ck_assert_int_eq(meet(ours, &theirs), TLS_DONE);
        ck_assert_pstr_eq(seen_name(theirs.ssl), hosts[i][1]);
        tls_session_free(&ours);
        close(fds[0]);
        foreign_close(&theirs);
    }
    tls_config_free(&config);
}
END_TEST

static void meet_bytes(bool server, const char *bytes, const char *reason)
{
    struct tls_config *config = server ? server_config("server") : client_config();
    unsigned want;
    int fds[2], rc = TLS_AGAIN;

    sockets(fds);
    struct tls_session *ours = tls_session_new(config, fds[0], server, server ? NULL : "localhost");

    ck_assert_int_eq(write(fds[1], bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    for (int i = 0; i < 3 && rc == TLS_AGAIN; i++)
        rc = tls_handshake(ours, &want);
    ck_assert_int_eq(rc, TLS_BROKEN);
    ck_assert_str_eq(tls_reason(ours), reason);
    ck_assert_int_eq(tls_handshake(ours, &want), TLS_BROKEN); /* and stays so */
    tls_session_free(&ours);
    tls_config_free(&config);
    close(fds[0]);
    close(fds[1]);
}

START_TEST(who_does_not_speak_tls_is_told_apart)
{
    meet_bytes(false, "HTTP/1.1 400 Bad Request\r\n\r\n", "the other side does not speak TLS");
    meet_bytes(true, "GET / HTTP/1.1\r\n\r\n", "plain HTTP on a TLS port");
    meet_bytes(true, "SSH-2.0-x\r\n", "the other side does not speak TLS");
}
END_TEST

START_TEST(a_connection_that_closes_during_the_handshake_is_broken)
{
    struct tls_config *config = client_config();
    unsigned want;
    int fds[2];

    sockets(fds);
    struct tls_session *ours = tls_session_new(config, fds[0], false, "localhost");

    ck_assert_int_eq(tls_handshake(ours, &want), TLS_AGAIN);
    ck_assert_uint_eq(want, WATCH_READ);
    shutdown(fds[1], SHUT_WR);
    ck_assert_int_eq(tls_handshake(ours, &want), TLS_BROKEN);
    ck_assert_str_eq(tls_reason(ours),
                     "the other side closed the connection without saying so in TLS");
    tls_session_free(&ours);
    tls_config_free(&config);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* ---- bytes ---------------------------------------------------------------------------------- */

START_TEST(a_proper_end_is_told_from_a_cut)
{
    struct tls_config *client = client_config(), *server = server_config("server");
    struct pair pair = pair_connect(client, server, "localhost", 443);
    char byte;
    unsigned want = 0;

    ck_assert_int_eq(tls_read(pair.client, &byte, 1, &want), TLS_AGAIN);
    ck_assert_uint_eq(want, WATCH_READ);
    tls_shutdown(pair.server);
    ck_assert_int_eq(tls_read(pair.client, &byte, 1, &want), TLS_END);
    pair_close(&pair);

    pair = pair_connect(client, server, "localhost", 443);
    shutdown(pair.fds[1], SHUT_WR);
    ck_assert_int_eq(tls_read(pair.client, &byte, 1, &want), TLS_BROKEN);
    ck_assert_str_ne(tls_reason(pair.client), "");
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

START_TEST(a_large_body_passes_with_back_pressure_and_moving_memory)
{
    enum {
        SIZE = 1 << 20
    };
    struct tls_config *client = client_config(), *server = server_config("server");
    struct pair pair = pair_connect(client, server, "localhost", 443);
    char *body = malloc(SIZE), *got = malloc(SIZE);
    size_t sent = 0, seen = 0;
    bool was_full = false;
    unsigned want;

    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)(i * 31 >> 3);
    while (seen < SIZE) {
        while (sent < SIZE) {
            /* A copy, so that the memory is another one each time. */
            size_t n = SIZE - sent < 50000 ? SIZE - sent : 50000;
            char *copy = malloc(n);

            memcpy(copy, body + sent, n);
            ssize_t put = tls_write(pair.server, copy, n, &want);

            free(copy);
            if (put == TLS_AGAIN) {
                ck_assert_uint_eq(want, WATCH_WRITE);
                was_full = true;
                break;
            }
            ck_assert_int_gt(put, 0);
            sent += (size_t)put;
        }
        ssize_t n;

        while ((n = tls_read(pair.client, got + seen, SIZE - seen, &want)) > 0)
            seen += (size_t)n;
        ck_assert_int_eq(n, seen < SIZE ? TLS_AGAIN : n);
        if (seen == SIZE)
            break;
    }
    ck_assert(was_full);
    ck_assert_mem_eq(body, got, SIZE);
    free(body);
    free(got);
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

START_TEST(bytes_left_in_a_record_are_pending)
{
    struct tls_config *client = client_config(), *server = server_config("server");
    struct pair pair = pair_connect(client, server, "localhost", 443);
    char got[4];
    unsigned want;

    ck_assert_int_eq(tls_write(pair.server, "12345678", 8, &want), 8);
    ck_assert(!tls_pending(pair.client));
    ck_assert_int_eq(tls_read(pair.client, got, 4, &want), 4);
    ck_assert(tls_pending(pair.client));
    ck_assert_int_eq(tls_read(pair.client, got, 4, &want), 4);
    ck_assert(!tls_pending(pair.client));
    pair_close(&pair);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

START_TEST(an_open_stream_takes_little_memory)
{
    enum {
        STREAMS = 50,
        LIMIT = 40 * 1024
    };
    struct tls_config *client = client_config(), *server = server_config("server");
    struct pair first = pair_connect(client, server, "localhost", 443), pairs[STREAMS];

    say(first.server, first.client, "warm");
    size_t before = mallinfo2().uordblks;

    for (int i = 0; i < STREAMS; i++) {
        pairs[i] = pair_connect(client, server, "localhost", 443);
        say(pairs[i].server, pairs[i].client, "hello");
    }
    size_t each = (mallinfo2().uordblks - before) / STREAMS / 2;

    ck_assert_msg(each < LIMIT, "%zu bytes for one side of a stream", each);
    for (int i = 0; i < STREAMS; i++)
        pair_close(&pairs[i]);
    pair_close(&first);
    tls_config_free(&client);
    tls_config_free(&server);
}
END_TEST

/* ---- the operator's mistakes ---------------------------------------------------------------- */

START_TEST(files_that_do_not_fit_are_explained)
{
    struct error error = {0};

    ck_assert_ptr_null(tls_server_config("/no/such.pem", NULL, &error));
    ck_assert_str_eq(error.text, "certificate \"/no/such.pem\": No such file or directory");
    ck_assert_ptr_null(tls_server_config(cert_path("server.pem"), cert_path("other.key"), &error));
    ck_assert_msg(strstr(error.text, "mismatch"), "%s", error.text);
    ck_assert_ptr_null(tls_server_config(cert_path("server.pem"), cert_path("locked.key"), &error));
    ck_assert_msg(strstr(error.text, "without a passphrase"), "%s", error.text);
    ck_assert_ptr_null(tls_client_config("/no/such.pem", NULL, NULL, true, &error));
    ck_assert_msg(strstr(error.text, "trusted certificates"), "%s", error.text);
    ck_assert_ptr_null(tls_client_config(cert_path("server.key"), NULL, NULL, true, &error));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/tls");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    signal(SIGPIPE, SIG_IGN);
    if (!certs_make())
        return 77;
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, the_name_on_the_certificate_is_welcome);
    tcase_add_test(tcase, another_name_is_refused);
    tcase_add_test(tcase, a_bad_certificate_is_refused);
    tcase_add_test(tcase, without_verification_any_certificate_will_do);
    tcase_add_test(tcase, the_system_store_does_not_know_our_authority);
    tcase_add_test(tcase, a_caller_without_certificate_does_not_get_in);
    tcase_add_test(tcase, a_caller_with_a_foreign_certificate_does_not_get_in);
    tcase_add_test(tcase, a_caller_with_certificate_gets_in);
    tcase_add_test(tcase, the_second_connection_takes_the_session_up_again);
    tcase_add_test(tcase, workers_with_one_ticket_key_take_each_others_sessions_up);
    tcase_add_test(tcase, very_many_hosts_do_not_fill_memory);
    tcase_add_test(tcase, old_versions_are_refused_on_both_sides);
    tcase_add_test(tcase, tls_1_2_is_still_spoken);
    tcase_add_test(tcase, http_1_1_is_what_we_agree_on);
    tcase_add_test(tcase, the_server_is_told_which_name_is_meant);
    tcase_add_test(tcase, who_does_not_speak_tls_is_told_apart);
    tcase_add_test(tcase, a_connection_that_closes_during_the_handshake_is_broken);
    tcase_add_test(tcase, a_proper_end_is_told_from_a_cut);
    tcase_add_test(tcase, a_large_body_passes_with_back_pressure_and_moving_memory);
    tcase_add_test(tcase, bytes_left_in_a_record_are_pending);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tcase, an_open_stream_takes_little_memory);
#else
    (void)an_open_stream_takes_little_memory;
#endif
    tcase_add_test(tcase, files_that_do_not_fit_are_explained);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    certs_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
