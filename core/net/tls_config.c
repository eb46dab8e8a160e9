/* What the sessions of one listener or provider share: certificates, the choice of versions, and
 * on the client's side the sessions that may be taken up again. */
#include "net/tls_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"

/* ---- why something failed ------------------------------------------------------------------- */

/* OpenSSL's own words for these tell an operator little. */
static const char *plain_words(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return NULL;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "the other side does not speak TLS";
    case SSL_R_HTTP_REQUEST:
        return "plain HTTP on a TLS port";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "the other side closed the connection without saying so in TLS";
    default:
        return NULL;
    }
}

void tls_explain(char out[TLS_REASON_MAX])
{
    unsigned long code = ERR_peek_error();
    const char *words = plain_words(code);

    ERR_clear_error();
    if (!words)
        words =
            ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    /* An alert that the other side has sent reads "tlsv13 alert certificate required". */
    const char *alert = words ? strstr(words, " alert ") : NULL;

    snprintf(out, TLS_REASON_MAX, "%s%s", alert ? "refused by the other side: " : "",
             alert   ? alert + strlen(" alert ")
             : words ? words
                     : "unknown TLS error");
}

static bool file_error(struct error *error, const char *what, const char *path)
{
    char reason[TLS_REASON_MAX];

    tls_explain(reason);
    return error_set(error, "%s \"%s\": %s", what, path, reason);
}

/* ---- making them ---------------------------------------------------------------------------- */

/* Never ask on the terminal; there is none. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static struct tls_config *config_new(const SSL_METHOD *method)
{
    struct tls_config *config = xcalloc(1, sizeof *config);

    config->refs = 1;
    config->ctx = SSL_CTX_new(method);
    ensure(config->ctx);
    SSL_CTX_set_min_proto_version(config->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(config->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(config->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
    /* One system call brings a record's head, its body and what follows. */
    SSL_CTX_set_read_ahead(config->ctx, 1);
    SSL_CTX_set_default_passwd_cb(config->ctx, no_passphrase);
    return config;
}

static bool load_identity(struct tls_config *config, const char *cert, const char *key,
                          struct error *error)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(config->ctx, cert) != 1)
        return file_error(error, "certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(config->ctx, key ? key : cert, SSL_FILETYPE_PEM) != 1)
        return file_error(error, "key (it must be PEM, without a passphrase)", key ? key : cert);
    if (SSL_CTX_check_private_key(config->ctx) != 1)
        return file_error(error, "key does not belong to the certificate", cert);
    return true;
}

static const unsigned char alpn_http1[] = "\x08http/1.1";

enum {
    ALPN_HTTP1_LEN = sizeof alpn_http1 - 1
};

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, alpn_http1, ALPN_HTTP1_LEN, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct tls_config *tls_server_config(const char *cert, const char *key, struct error *error)
{
    static const unsigned char id[] = "headgate";
    struct tls_config *config = config_new(TLS_server_method());

    if (!load_identity(config, cert, key, error)) {
        tls_config_free(&config);
        return NULL;
    }
    SSL_CTX_set_cipher_list(config->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_alpn_select_cb(config->ctx, choose_alpn, NULL);
    /* Tickets only: what a server has to remember, an outsider can fill. */
    SSL_CTX_set_session_cache_mode(config->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(config->ctx, id, sizeof id - 1);
    SSL_CTX_set_timeout(config->ctx, TLS_KEPT_SECONDS);
    SSL_CTX_set_num_tickets(config->ctx, 1);
    return config;
}

bool tls_server_require_client(struct tls_config *config, const char *ca, struct error *error)
{
    STACK_OF(X509_NAME) * names;

    ERR_clear_error();
    names = SSL_load_client_CA_file(ca);
    if (!names || SSL_CTX_load_verify_locations(config->ctx, ca, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return file_error(error, "certificates of callers", ca);
    }
    SSL_CTX_set_client_CA_list(config->ctx, names);
    SSL_CTX_set_verify(config->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

void tls_server_ticket_key(struct tls_config *config, const unsigned char key[TLS_TICKET_KEY_SIZE])
{
    unsigned char copy[TLS_TICKET_KEY_SIZE];

    memcpy(copy, key, sizeof copy);
    ensure(SSL_CTX_set_tlsext_ticket_keys(config->ctx, copy, sizeof copy) == 1);
    wipe(copy, sizeof copy);
}

static bool trust(struct tls_config *config, const char *ca, struct error *error)
{
    ERR_clear_error();
    if (ca && SSL_CTX_load_verify_locations(config->ctx, ca, NULL) != 1)
        return file_error(error, "trusted certificates", ca);
    if (!ca && SSL_CTX_set_default_verify_paths(config->ctx) != 1)
        return file_error(error, "trusted certificates", "of the system");
    return true;
}

struct tls_config *tls_client_config(const char *ca, const char *cert, const char *key, bool verify,
                                     struct error *error)
{
    struct tls_config *config = config_new(TLS_client_method());

    config->verifies = verify;
    config->kept = xcalloc(TLS_KEPT_SESSIONS, sizeof *config->kept);
    if ((verify && !trust(config, ca, error)) ||
        (cert && !load_identity(config, cert, key, error))) {
        tls_config_free(&config);
        return NULL;
    }
    SSL_CTX_set_verify(config->ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    ensure(SSL_CTX_set_alpn_protos(config->ctx, alpn_http1, ALPN_HTTP1_LEN) == 0);
    SSL_CTX_set_session_cache_mode(config->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(config->ctx, tls_session_keep);
    return config;
}

void tls_config_free(struct tls_config **config)
{
    struct tls_config *gone = *config;

    *config = NULL;
    if (!gone || --gone->refs)
        return;
    for (int i = 0; gone->kept && i < TLS_KEPT_SESSIONS; i++) {
        SSL_SESSION_free(gone->kept[i].session);
        free(gone->kept[i].host);
    }
    free(gone->kept);
    SSL_CTX_free(gone->ctx);
    free(gone);
}

/* ---- sessions to take up again -------------------------------------------------------------- */

static struct tls_kept *kept_find(struct tls_config *config, const char *host, unsigned port)
{
    for (struct tls_kept *at = config->kept; at < config->kept + TLS_KEPT_SESSIONS; at++)
        if (at->host && at->port == port && strcmp(at->host, host) == 0)
            return at;
    return NULL;
}

static void kept_clear(struct tls_kept *kept)
{
    SSL_SESSION_free(kept->session);
    free(kept->host);
    *kept = (struct tls_kept){0};
}

static struct tls_kept *kept_oldest(struct tls_config *config)
{
    struct tls_kept *oldest = config->kept;

    for (struct tls_kept *at = config->kept; at < config->kept + TLS_KEPT_SESSIONS; at++)
        if (at->used < oldest->used)
            oldest = at;
    return oldest;
}

void tls_config_keep(struct tls_config *config, const char *host, unsigned port,
                     SSL_SESSION *session)
{
    struct tls_kept *kept = kept_find(config, host, port);

    if (!kept)
        kept = kept_oldest(config);
    kept_clear(kept);
    *kept = (struct tls_kept){
        .host = xstrdup(host), .port = port, .session = session, .used = ++config->uses};
}

SSL_SESSION *tls_config_recall(struct tls_config *config, const char *host, unsigned port)
{
    struct tls_kept *kept = kept_find(config, host, port);

    if (!kept)
        return NULL;
    /* A session that is taken up again is not verified again, so it must not last for ever. */
    int64_t age = clock_wall_us() / 1000000 - SSL_SESSION_get_time(kept->session);

    if (age > TLS_KEPT_SECONDS || !SSL_SESSION_is_resumable(kept->session)) {
        kept_clear(kept);
        return NULL;
    }
    kept->used = ++config->uses;
    return kept->session;
}

void tls_config_forget(struct tls_config *config, const char *host, unsigned port)
{
    struct tls_kept *kept = kept_find(config, host, port);

    if (kept)
        kept_clear(kept);
}
