/* dial.h - a new connection to another server: resolve, connect, TLS.
 *
 *   resolve ─► allow? ─► connect ┐ 250 ms later, or when one has failed: the next address as well
 *                      ─► connect ┴ first connected wins ─► TLS handshake ─► on_done
 *
 * Addresses of both families take turns (RFC 8305), so that a broken IPv6 costs a quarter second
 * and not a minute. A name is resolved once, every address is put to `allow`, and exactly those
 * addresses are connected to: no second answer of a name server can get in between. */
#pragma once

#include "loop/loop.h"
#include "net/address.h"

struct resolver;
struct tls_config;
struct tls_session;

enum dial_fault {
    DIAL_OK,
    DIAL_DNS,            /* no such name, or no answer */
    DIAL_REFUSED,        /* nobody listens there */
    DIAL_TIMEOUT,        /* the deadline came first */
    DIAL_TLS,            /* see the reason: certificate, version, not TLS at all */
    DIAL_UNREACHABLE,    /* no route, reset, or another network error */
    DIAL_NO_DESCRIPTORS, /* out of files or buffers on this side */
    DIAL_FORBIDDEN,      /* `allow` took none of the addresses */
};

/* "dns", "refused", ...: static, for the record and for metrics. */
const char *dial_fault_name(enum dial_fault fault);

struct dial_target {
    hg_str host; /* a name or a numeric address, v6 with or without brackets; copied */
    uint16_t port;
    struct tls_config *tls;  /* NULL: plain TCP; borrowed until the dial is gone */
    const char *server_name; /* for TLS if it is not `host`; copied */
    hg_ns deadline;          /* a moment for all of it; 0: none */

    /* Asked before an address is connected to. NULL: all may be. Called until dial_cancel or
     * on_done. */
    bool (*allow)(void *arg, const struct address *address);
    void *allow_arg;
};

struct dialer;
struct dial;

/* One a worker. Borrows both. */
struct dialer *dialer_new(struct loop *loop, struct resolver *resolver);
void dialer_free(struct dialer **dialer); /* all dials are done or cancelled; NULL is fine */

/* on_done is called once, from the loop and never before this returns; the dial is gone then. With
 * DIAL_OK `fd` (connected, non-blocking, without delay) and `tls` (handshake done; NULL if plain)
 * belong to the callee: free the session before the descriptor is closed. Otherwise `fd` is -1 and
 * `reason` is one line for the log, borrowed. */
struct dial *dial_start(struct dialer *dialer, const struct dial_target *target,
                        void (*on_done)(void *arg, int fd, struct tls_session *tls,
                                        enum dial_fault fault, const char *reason),
                        void *arg);

void dial_cancel(struct dial **dial); /* on_done is not called any more; NULL is fine */
