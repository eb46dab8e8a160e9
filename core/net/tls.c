#include "net/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/tls_config.h"

struct tls_session {
    struct tls_config *config;
    SSL *ssl;
    char *host; /* client: without brackets and final dot */
    unsigned port;
    bool recalled; /* a kept session has been looked for */
    bool broken;
    char reason[TLS_REASON_MAX];
};

/* "[::1]" and "example.org." are written so in URLs, but not in certificates. */
static char *bare_host(const char *host)
{
    size_t n = strlen(host);

    if (n > 2 && host[0] == '[' && host[n - 1] == ']')
        return xstrndup(host + 1, n - 2);
    return xstrndup(host, n > 1 && host[n - 1] == '.' ? n - 1 : n);
}

static void name_server(struct tls_session *session)
{
    bool numeric = address_is_numeric((hg_str){session->host, strlen(session->host)});

    /* RFC 6066: an address is not a server name. */
    if (!numeric)
        SSL_set_tlsext_host_name(session->ssl, session->host);
    if (!session->config->verifies)
        return;
    SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), session->host)
                      : SSL_set1_host(session->ssl, session->host);

    /* Without a name to check against, any certificate would do: rather no connection. */
    if (!set) {
        session->broken = true;
        snprintf(session->reason, sizeof session->reason, "not a name for a certificate");
    }
}

struct tls_session *tls_session_new(struct tls_config *config, int fd, bool server,
                                    const char *host)
{
    struct tls_session *session = xcalloc(1, sizeof *session);

    ensure(server || host);
    session->config = config;
    config->refs++;
    session->ssl = SSL_new(config->ctx);
    ensure(session->ssl && SSL_set_fd(session->ssl, fd) == 1);
    SSL_set_app_data(session->ssl, session);
    if (server) {
        SSL_set_accept_state(session->ssl);
        return session;
    }
    SSL_set_connect_state(session->ssl);
    session->host = bare_host(host);
    name_server(session);
    return session;
}

void tls_session_port(struct tls_session *session, unsigned port)
{
    session->port = port;
}

void tls_session_free(struct tls_session **session)
{
    struct tls_session *gone = *session;

    *session = NULL;
    if (!gone)
        return;
    /* Otherwise OpenSSL takes a connection without close_notify for a reason never to take its
     * session up again; since TLS 1.1 it is none. */
    if (!gone->broken)
        SSL_set_shutdown(gone->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(gone->ssl);
    free(gone->host);
    tls_config_free(&gone->config);
    free(gone);
}

/* ---- results -------------------------------------------------------------------------------- */

static void explain(struct tls_session *session, int kind, int saved_errno)
{
    long verified = SSL_get_verify_result(session->ssl);

    if (verified != X509_V_OK && session->config->verifies)
        snprintf(session->reason, sizeof session->reason, "certificate verify failed: %s",
                 X509_verify_cert_error_string(verified));
    else if (kind == SSL_ERROR_SSL)
        tls_explain(session->reason);
    else
        snprintf(session->reason, sizeof session->reason, "%s",
                 saved_errno ? strerror(saved_errno) : "the other side closed the connection");
}

/* What a call that returned `rc` <= 0 means to our caller. */
static int judge(struct tls_session *session, int rc, unsigned *want)
{
    int saved_errno = errno;
    int kind = SSL_get_error(session->ssl, rc);

    switch (kind) {
    case SSL_ERROR_WANT_READ:
        *want = WATCH_READ;
        return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *want = WATCH_WRITE;
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        break;
    }
    session->broken = true;
    explain(session, kind, saved_errno);
    ERR_clear_error();
    if (session->host && !SSL_is_init_finished(session->ssl))
        tls_config_forget(session->config, session->host, session->port);
    return TLS_BROKEN;
}

/* Must stand before each call of OpenSSL that judge looks at. False: no use calling. */
static bool ready(struct tls_session *session)
{
    if (session->broken)
        return false;
    if (session->host && !session->recalled) {
        SSL_SESSION *kept = tls_config_recall(session->config, session->host, session->port);

        session->recalled = true;
        if (kept)
            SSL_set_session(session->ssl, kept);
    }
    ERR_clear_error();
    errno = 0;
    return true;
}

int tls_session_keep(SSL *ssl, SSL_SESSION *kept)
{
    struct tls_session *session = SSL_get_app_data(ssl);

    tls_config_keep(session->config, session->host, session->port, kept);
    return 1; /* the reference is ours now */
}

/* ---- talking -------------------------------------------------------------------------------- */

int tls_handshake(struct tls_session *session, unsigned *want)
{
    if (!ready(session))
        return TLS_BROKEN;
    int rc = SSL_do_handshake(session->ssl);

    if (rc == 1)
        return TLS_DONE;
    int verdict = judge(session, rc, want);

    if (verdict != TLS_END)
        return verdict;
    session->broken = true;
    snprintf(session->reason, sizeof session->reason, "the other side ended the handshake");
    return TLS_BROKEN;
}

ssize_t tls_read(struct tls_session *session, void *p, size_t n, unsigned *want)
{
    size_t got;

    if (!ready(session))
        return TLS_BROKEN;
    int rc = SSL_read_ex(session->ssl, p, n, &got);

    return rc == 1 ? (ssize_t)got : judge(session, rc, want);
}

ssize_t tls_write(struct tls_session *session, const void *p, size_t n, unsigned *want)
{
    size_t put;

    ensure(n);
    if (!ready(session))
        return TLS_BROKEN;
    int rc = SSL_write_ex(session->ssl, p, n, &put);

    if (rc == 1)
        return (ssize_t)put;
    int verdict = judge(session, rc, want);

    return verdict == TLS_END ? TLS_BROKEN : verdict;
}

bool tls_pending(const struct tls_session *session)
{
    return !session->broken && SSL_has_pending(session->ssl);
}

void tls_shutdown(struct tls_session *session)
{
    if (!SSL_is_init_finished(session->ssl) || !ready(session))
        return;
    SSL_shutdown(session->ssl);
    ERR_clear_error();
}

const char *tls_reason(const struct tls_session *session)
{
    return session->reason;
}

const char *tls_version(const struct tls_session *session)
{
    return SSL_get_version(session->ssl);
}

bool tls_was_reused(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl);
}
