/* tls_config.h - what tls.c and tls_config.c share and nobody else sees. */
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"

enum {
    TLS_KEPT_SESSIONS = 64, /* of one configuration */
    TLS_KEPT_SECONDS = 3600,
    TLS_REASON_MAX = 160,
};

struct tls_kept {
    char *host; /* NULL: free */
    unsigned port;
    SSL_SESSION *session;
    uint64_t used;
};

struct tls_config {
    SSL_CTX *ctx;
    uint32_t refs;
    bool verifies; /* the certificate of the server */
    uint64_t uses;
    struct tls_kept *kept; /* client: TLS_KEPT_SESSIONS of them */
};

/* The session's part of SSL_CTX_sess_set_new_cb: keeps `session` for the next one. */
int tls_session_keep(SSL *ssl, SSL_SESSION *session);

/* Takes the reference on `session` over. */
void tls_config_keep(struct tls_config *config, const char *host, unsigned port,
                     SSL_SESSION *session);

/* Borrowed until the next call; NULL if there is none that is young enough. */
SSL_SESSION *tls_config_recall(struct tls_config *config, const char *host, unsigned port);
void tls_config_forget(struct tls_config *config, const char *host, unsigned port);

/* What OpenSSL's error queue says, in one line; empties the queue. */
void tls_explain(char out[TLS_REASON_MAX]);
