/* outbound.h - one exchange with an upstream, over a pooled connection.
 *
 *   outbound_send ─► on_head ─► on_data * n ─► on_end
 *
 * on_end is always the last call and is made once, unless outbound_cancel ends it first.
 *
 * The body of an open request is given by and by: on_ready asks for more, outbound_write gives it.
 * The answer may come before it has ended.
 *
 * After an upgrade (a 101 to a request that asked for one) on_data gives bytes as they come, and
 * outbound_write sends as if the body were open; only the owner's own limits count then. */
#pragma once

#include "base/chain.h"
#include "http/head.h"
#include "loop/loop.h"
#include "net/dial.h"

enum outbound_fault {
    OUTBOUND_OK,
    OUTBOUND_CONNECT, /* DNS, refused, unreachable, TLS: nothing was sent */
    OUTBOUND_CONNECT_TIMEOUT,
    OUTBOUND_NO_DESCRIPTORS,
    OUTBOUND_FIRST_BYTE_TIMEOUT,
    OUTBOUND_IDLE_TIMEOUT,
    OUTBOUND_TOTAL_TIMEOUT,
    OUTBOUND_CLOSED,   /* the connection ended before the answer did */
    OUTBOUND_PROTOCOL, /* what came is not a valid HTTP answer */
    OUTBOUND_TOO_LARGE,
};

struct outbound_events {
    void (*on_head)(void *arg, const struct head *head);
    void (*on_data)(void *arg, hg_str data); /* decoded payload, never empty */
    /* All payload of one read has been given, and more will follow: a good moment to write on. Not
     * called when on_end follows at once. May be NULL. */
    void (*on_data_end)(void *arg);
    void (*on_end)(void *arg, enum outbound_fault fault, const char *reason);

    /* Of an open request, or after an upgrade: the connection is there, or has gone down to the
     * low-water mark again. May be NULL if none is open. */
    void (*on_ready)(void *arg);
};

/* One place to send to, with its idle connections. Names one scheme, host and port. */
struct upstream;

struct upstream_settings {
    struct loop *loop;
    struct dialer *dialer;
    struct tls_config *tls;  /* NULL: plain */
    const char *host;        /* without port; copied, like the next */
    const char *server_name; /* what TLS verifies instead of the host; may be NULL */
    uint16_t port;
    hg_ns idle_timeout; /* of a pooled connection */
    unsigned idle_max;
};

struct upstream *upstream_new(const struct upstream_settings *settings);
void upstream_free(struct upstream **upstream); /* no exchange may be under way */

struct outbound_request {
    hg_str head;              /* request line, fields and blank line, ready to send */
    const struct chain *body; /* NULL: none */
    bool is_open;             /* more of the body will be given; it goes over a new connection */
    bool is_chunked;          /* of an open one: so says the head */
    bool is_head;             /* method HEAD: the answer has no body */
    bool is_upgrade;          /* asks for another protocol */
    bool is_safe;             /* may be sent again on a new connection if a pooled one turns out
                                 to be closed before any byte of an answer */
    hg_ns connect_timeout, first_byte_timeout, idle_timeout; /* durations; 0: none */
    hg_ns deadline;                                          /* moment; 0: none */
    uint64_t max_body;                                       /* 0: none */
};

struct outbound;

/* The arena, and what the request points to, must live until the end or the cancel. */
struct outbound *outbound_send(struct upstream *upstream, struct arena *arena,
                               const struct outbound_request *request,
                               const struct outbound_events *events, void *arg);

void outbound_pause(struct outbound *outbound, bool paused);

/* More of the body of an open request, not before on_ready; `last` ends it. What it meets on a
 * connection that takes no more is dropped: the answer may be there already. */
void outbound_write(struct outbound *outbound, hg_str bytes, bool last);

size_t outbound_queued(const struct outbound *outbound); /* bytes that wait to be sent */

void outbound_cancel(struct outbound **outbound); /* closes the connection; NULL is fine */

struct outbound_times {
    hg_ns sent, connected, first_byte; /* moments; 0: not reached */
    bool reused;
};
const struct outbound_times *outbound_times(const struct outbound *outbound);
