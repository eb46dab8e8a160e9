/* inbound.h - one client connection: requests come in, answers go out, in order.
 *
 * An exchange is one request and its answer. It exists from the moment the whole request has
 * arrived until its answer is out and on_end was called. Pipelined requests wait their turn.
 *
 * A body that may_stream lets through is not waited for: the owner gets its beginning, and the rest
 * as it comes, from when it asks for it.
 *
 *   on_request ─► inbound_respond                     a whole answer, one write
 *              ─► inbound_upgrade, inbound_write...   another protocol, both ways: on_bytes
 *              ─► inbound_begin, inbound_write...     a stream
 *              ─► inbound_abort                       the connection is cut: the client must not
 *                                                     take a truncated answer for a whole one */
#pragma once

#include "base/chain.h"
#include "http/answer.h"
#include "http/parse.h"
#include "net/stream.h"

struct inbound_limits {
    struct head_limits head;
    uint64_t body;        /* of one that is held */
    uint64_t streamed;    /* of one that is not */
    unsigned connections; /* of one server; beyond: 503 and close */
    hg_ns idle_timeout;   /* between requests */
    hg_ns head_timeout;   /* from a request's first byte to the end of its head */
    hg_ns body_timeout;   /* between two reads of a body */
    hg_ns write_timeout;  /* without any byte taken by the client */
};

extern const struct inbound_limits inbound_limits_default;

struct exchange;

enum {
    INBOUND_HELD = 64 * 1024 /* of a streamed body: what on_request gives, or a little more */
};

struct inbound_events {
    /* Whether a body of more than INBOUND_HELD bytes is streamed. NULL: none is. */
    bool (*may_stream)(void *arg, const struct head *head);

    /* The request is here, whole but for the rest of a streamed body. Sooner or later answer it. */
    void (*on_request)(void *arg, struct exchange *exchange);

    /* The next bytes of a streamed body; `last` ends it. Only while it is not paused. */
    void (*on_body)(void *arg, struct exchange *exchange, hg_str bytes, bool last);

    /* The rest of it will not come, and why: it is malformed, too large, or late. */
    void (*on_body_broken)(void *arg, struct exchange *exchange, int status, const char *reason);

    /* The client has gone before the answer was out. Nothing can be answered any more; on_end
     * follows at once. */
    void (*on_gone)(void *arg, struct exchange *exchange);

    /* The client has taken enough: go on writing. */
    void (*on_drained)(void *arg, struct exchange *exchange);

    /* What has come after an upgrade, as it is. */
    void (*on_bytes)(void *arg, struct exchange *exchange, hg_str bytes);

    /* The exchange is over: the last bytes were handed to the socket, or it was cut. Always called,
     * once. From here on its arena is yours: free it now or later. */
    void (*on_end)(void *arg, struct exchange *exchange);

    /* A body for a refusal that the protocol itself makes (400, 413, 431, ...), so that it speaks
     * the API's own error format. `*ret_type` is the content type. NULL: plain text. */
    hg_str (*error_body)(void *arg, struct arena *arena, int status, const char *reason,
                         hg_str *ret_type);

    /* Such a refusal was made; for counters. May be NULL. */
    void (*on_refused)(void *arg, int status);
};

struct exchange {
    struct arena *arena; /* the request's memory, this struct included; see on_end */
    struct head *head;
    struct chain *body; /* whole, or the beginning of a streamed one; never NULL */
    bool is_streamed;
    int64_t body_length; /* of a streamed body; less than 0: nobody has said it */
    hg_ns began;         /* moment of the first byte */
    int64_t began_us;    /* the same since 1970 */
    uint64_t bytes_in, bytes_out;
    bool tls;
    void *user; /* yours */
    /* the rest is inbound.c's */
    struct inbound *inbound;
    hg_str pending; /* the head of a stream, until its first bytes */
    bool answered, chunked, bodiless, upgraded, over;
};

/* What all connections of one listener share. */
struct server;

struct server *server_new(struct loop *loop, const struct inbound_limits *limits,
                          const struct inbound_events *events, void *arg);
void server_free(struct server **server); /* cuts what is still open */

/* Takes an accepted socket. `tls` may be NULL. */
struct tls_config;
void server_accept(struct server *server, int fd, struct tls_config *tls);

/* No new requests: idle connections close, busy ones after their answer. */
void server_drain(struct server *server);
unsigned server_connections(const struct server *server);

void inbound_respond(struct exchange *exchange, int status, const struct answer_fields *fields,
                     const struct chain *body);

/* `length` less than 0: chunked. The head waits for the first bytes. */
void inbound_begin(struct exchange *exchange, int status, const struct answer_fields *fields,
                   int64_t length);

/* One write for all pieces; `last` ends the answer in that same write. */
enum {
    INBOUND_PIECES_MAX = 60
};
void inbound_write(struct exchange *exchange, const hg_str *pieces, unsigned count, bool last);

/* Switches to another protocol with a 101: what is written from now on goes out as it is, and
 * inbound_abort ends it. What the client has sent already comes with on_bytes from the loop. */
void inbound_upgrade(struct exchange *exchange, const struct answer_fields *fields);

/* Stops reading what comes after an upgrade, or goes on. */
void inbound_pause(struct exchange *exchange, bool paused);

/* Cuts the connection once what is queued is out: without its proper end, the client knows that
 * the answer is not whole. */
void inbound_abort(struct exchange *exchange);

/* Whether the client may send the rest of a streamed body. It is paused at first. */
void inbound_body_pause(struct exchange *exchange, bool paused);

/* Bytes the client has not taken yet. */
size_t inbound_queued(const struct exchange *exchange);

/* Answers a connection that there is no room for with 503, and closes it. */
void inbound_turn_away(int fd);
