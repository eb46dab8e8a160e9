/* inbound_parts.h - what the files of inbound share: inbound.c has the life of a connection and its
 * timer, inbound_read.c the requests, inbound_streamed.c the rest of bodies that are not held,
 * inbound_answer.c the answers. */
#pragma once

#include <sys/queue.h>

#include "base/buffer.h"
#include "http/chunked.h"
#include "http/inbound.h"

enum state {
    STATE_IDLE,   /* between requests */
    STATE_HEAD,   /* some bytes of a head are here */
    STATE_BODY,   /* the head is, the body is not */
    STATE_ANSWER, /* the exchange is with the owner */
    STATE_LINGER, /* our last word is said; what still comes is thrown away */
};

struct inbound {
    TAILQ_ENTRY(inbound) entry;
    struct server *server;
    struct stream *stream;
    struct timer timer;
    struct task next; /* looks at what has been pipelined */
    enum state state;
    struct buffer in; /* bytes that no request has used up yet */
    struct exchange *exchange;
    struct head_scan scan;
    bool tls, close_after, broken;

    struct block *body; /* where the body goes; NULL: into small_body */
    char *small_body;
    size_t body_len, body_goal; /* so far; what on_request waits for, if a length is known */
    bool may_stream;            /* it is not waited for */
    struct chunked chunked;

    /* A streamed body whose exchange is with the owner. */
    bool is_streaming; /* there is more of it to come */
    bool body_paused;
    hg_ns body_read; /* moment of the last read */

    hg_ns linger_end; /* moment */

    uint64_t written;      /* bytes given to the stream so far */
    uint64_t taken_before; /* of which the client had taken when the write timeout was set */
};

struct server {
    struct loop *loop;
    struct inbound_limits limits;
    const struct inbound_events *events;
    void *arg;
    TAILQ_HEAD(, inbound) open;
    unsigned count;
    bool draining;
};

/* From now on the client has so long for what it has to do next. */
void inbound_wait(struct inbound *inbound, hg_ns timeout);

void inbound_free(struct inbound *inbound); /* at once; its exchange's owner hears of it */

/* No more from us. The client may still be sending, and closing now would make its kernel throw our
 * answer away, so we listen for a while longer. */
void inbound_linger(struct inbound *inbound);

void inbound_linger_on(struct inbound *inbound); /* the client is still sending */

void exchange_drop(struct inbound *inbound); /* one that its owner has never heard of */
void exchange_over(struct inbound *inbound); /* tells the owner that it is */

/* The socket has bytes, or has ended. The connection may be gone afterwards. */
void inbound_read(struct inbound *inbound);

/* The socket has bytes of a streamed body, or has ended. The connection may be gone afterwards. */
void inbound_read_streamed(struct inbound *inbound);

/* The rest of a streamed body will not come. */
void inbound_body_broken(struct inbound *inbound, int status, const char *reason);

/* The same for bytes that were pipelined behind the request which has just been answered. */
void inbound_read_on(struct inbound *inbound);

/* What has come after an upgrade goes to the exchange's owner. */
void inbound_give(struct inbound *inbound, hg_str fresh);

/* The protocol itself says no. The connection cannot go on: where the next request begins is no
 * longer sure. */
void inbound_refuse(struct inbound *inbound, int status, const char *reason);
