/* tls.h - TLS 1.2 and 1.3 over a non-blocking socket; with base/digest.c the only use of OpenSSL.
 *
 * A session reads and writes its socket itself, so that no byte is copied through a buffer between.
 * Whoever waits for the socket (net/stream.c, net/dial.c) learns from `want` what to wait for. The
 * process must ignore SIGPIPE.
 *
 *   >0  so many bytes; for tls_handshake: done
 *    0  TLS_END    the other side has ended properly, with close_notify
 *   -1  TLS_AGAIN  wait for *want (WATCH_READ or WATCH_WRITE), then call the same function again;
 *                  a write may come back with other memory and more bytes
 *   -2  TLS_BROKEN tls_reason says why; only tls_session_free is left */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct tls_config;
struct tls_session;

enum {
    TLS_DONE = 1,
    TLS_END = 0,
    TLS_AGAIN = -1,
    TLS_BROKEN = -2
};

/* ---- what all sessions of one listener or one provider share -------------------------------- */

/* `cert` is a PEM file with the chain, `key` one with the key (NULL: in the same file). */
struct tls_config *tls_server_config(const char *cert, const char *key, struct error *error);

/* Only callers with a certificate signed by `ca` (a PEM file) get in. */
bool tls_server_require_client(struct tls_config *config, const char *ca, struct error *error);

/* Seals session tickets with this key instead of a random one of this process, so that a ticket of
 * one worker is good for all. */
enum {
    TLS_TICKET_KEY_SIZE = 80
};
void tls_server_ticket_key(struct tls_config *config, const unsigned char key[TLS_TICKET_KEY_SIZE]);

/* `ca`: a PEM file, NULL for the system's store. `cert` and `key`: for servers that ask for one,
 * else NULL. `verify` false takes any certificate: for tests and for those who insist. Remembers
 * the last session of each host and port, which saves half of the next handshake. */
struct tls_config *tls_client_config(const char *ca, const char *cert, const char *key, bool verify,
                                     struct error *error);

/* Sessions keep a reference of their own, so a configuration may go before they do. */
void tls_config_free(struct tls_config **config);

/* ---- one connection ------------------------------------------------------------------------- */

/* Does not own `fd`. `host`: whom a client wants to speak to (a name or a numeric address), for
 * the server's choice of certificate and for its verification; NULL on the server's side. */
struct tls_session *tls_session_new(struct tls_config *config, int fd, bool server,
                                    const char *host);

/* Client, before the handshake: tells sessions of several ports of one host apart. */
void tls_session_port(struct tls_session *session, unsigned port);

int tls_handshake(struct tls_session *session, unsigned *want);

/* These also do what is left of the handshake. `n` is not 0. */
ssize_t tls_read(struct tls_session *session, void *p, size_t n, unsigned *want);
ssize_t tls_write(struct tls_session *session, const void *p, size_t n, unsigned *want);

/* Bytes have been read from the socket that tls_read has not given out: its readiness will not
 * tell of them. */
bool tls_pending(const struct tls_session *session);

/* Tries to send close_notify, once, and does not wait for the other side's. All that is to be
 * written has been. */
void tls_shutdown(struct tls_session *session);

void tls_session_free(struct tls_session **session);

/* One line for the log: "certificate verify failed: self-signed certificate". Empty if nothing
 * has gone wrong. */
const char *tls_reason(const struct tls_session *session);

const char *tls_version(const struct tls_session *session); /* "TLSv1.3" */
bool tls_was_reused(const struct tls_session *session);     /* an earlier session was taken up */
