#include "http/inbound.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/inbound_parts.h"
#include "net/tls.h"

#define LINGER_TIME (2 * NS_PER_S)  /* without any byte */
#define LINGER_MAX  (30 * NS_PER_S) /* for a client that sends on */
#define DRAIN_GRACE NS_PER_S        /* for a new connection whose first request is on its way */

const struct inbound_limits inbound_limits_default = {
    .head = {.line = 8 * 1024, .head = 64 * 1024, .fields = 128},
    .body = 64 << 20,
    .streamed = 1 << 30,
    .connections = 100000,
    .idle_timeout = 75 * NS_PER_S,
    .head_timeout = 30 * NS_PER_S,
    .body_timeout = 30 * NS_PER_S,
    .write_timeout = 60 * NS_PER_S,
};

/* ---- life and death ------------------------------------------------------------------------- */

void inbound_wait(struct inbound *inbound, hg_ns timeout)
{
    timer_set(inbound->server->loop, &inbound->timer, clock_now() + timeout);
}

/* Forgets the exchange. Its memory is the owner's once on_request was called. */
static void exchange_forget(struct inbound *inbound)
{
    inbound->exchange = NULL;
    block_unref(inbound->body);
    inbound->body = NULL;
    inbound->small_body = NULL;
    inbound->body_len = 0;
    inbound->is_streaming = false;
}

void exchange_drop(struct inbound *inbound)
{
    if (!inbound->exchange)
        return;
    struct arena *arena = inbound->exchange->arena;

    exchange_forget(inbound);
    arena_free(&arena);
}

void exchange_over(struct inbound *inbound)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;

    exchange->over = true;
    exchange_forget(inbound);
    server->events->on_end(server->arg, exchange);
}

void inbound_free(struct inbound *inbound)
{
    struct server *server = inbound->server;

    if (inbound->state == STATE_ANSWER && inbound->exchange) {
        server->events->on_gone(server->arg, inbound->exchange);
        exchange_over(inbound);
    }
    exchange_drop(inbound);
    timer_clear(server->loop, &inbound->timer);
    task_clear(server->loop, &inbound->next);
    stream_close(&inbound->stream);
    buffer_done(&inbound->in);
    TAILQ_REMOVE(&server->open, inbound, entry);
    server->count--;
    free(inbound);
}

void inbound_linger(struct inbound *inbound)
{
    inbound->state = STATE_LINGER;
    inbound->linger_end = clock_now() + LINGER_MAX;
    buffer_done(&inbound->in);
    stream_pause(inbound->stream, false);
    stream_tell_drained(inbound->stream);
    stream_shutdown(inbound->stream);
    inbound_wait(inbound, stream_queued(inbound->stream) ? inbound->server->limits.write_timeout
                                                         : LINGER_TIME);
}

/* ---- the connection's other events -------------------------------------------------------------
 */

void inbound_linger_on(struct inbound *inbound)
{
    if (!stream_queued(inbound->stream) && clock_now() < inbound->linger_end)
        inbound_wait(inbound, LINGER_TIME);
}

static void on_readable(void *arg)
{
    struct inbound *inbound = arg;

    if (inbound->is_streaming)
        inbound_read_streamed(inbound);
    else
        inbound_read(inbound);
}

static void on_broken(void *arg)
{
    inbound_free(arg);
}

static void on_drained(void *arg)
{
    struct inbound *inbound = arg;
    struct server *server = inbound->server;

    if (inbound->state == STATE_ANSWER && inbound->exchange->answered)
        server->events->on_drained(server->arg, inbound->exchange);
    else if (inbound->state == STATE_LINGER)
        inbound_wait(inbound, LINGER_TIME);
}

static const struct stream_events stream_events = {on_readable, on_drained, on_broken};

static void on_timer(void *arg)
{
    struct inbound *inbound = arg;
    size_t queued = stream_queued(inbound->stream);

    switch (inbound->state) {
    case STATE_HEAD:
        inbound_refuse(inbound, 408, "the request's head did not arrive in time");
        return;
    case STATE_BODY:
        inbound_refuse(inbound, 408, "the request's body did not arrive in time");
        return;
    case STATE_IDLE:
    case STATE_ANSWER:
    case STATE_LINGER:
        break;
    }
    if (inbound->is_streaming && !inbound->body_paused &&
        clock_now() - inbound->body_read >= inbound->server->limits.body_timeout) {
        inbound_body_broken(inbound, 408, "the request's body did not arrive in time");
        return;
    }
    uint64_t taken = inbound->written - queued;
    bool stuck = queued && taken == inbound->taken_before;

    if (stuck || (!queued && inbound->state != STATE_ANSWER)) {
        inbound_free(inbound);
        return;
    }
    inbound->taken_before = taken;
    inbound_wait(inbound, inbound->server->limits.write_timeout);
}

/* A request that was pipelined behind the one that has just been answered, or what has come in
 * front of an upgrade; or, after a write that failed, the end, which must not come on the writer's
 * stack. */
static void on_next(void *arg)
{
    struct inbound *inbound = arg;

    if (inbound->broken)
        inbound_free(inbound);
    else if (inbound->state == STATE_IDLE)
        inbound_read_on(inbound);
    else if (inbound->state == STATE_ANSWER && inbound->exchange->upgraded)
        inbound_give(inbound, (hg_str){NULL, 0});
}

/* ---- the server --------------------------------------------------------------------------------
 */

struct server *server_new(struct loop *loop, const struct inbound_limits *limits,
                          const struct inbound_events *events, void *arg)
{
    struct server *server = xcalloc(1, sizeof *server);

    server->loop = loop;
    server->limits = *limits;
    server->events = events;
    server->arg = arg;
    TAILQ_INIT(&server->open);
    return server;
}

void server_free(struct server **server)
{
    if (!*server)
        return;
    while (!TAILQ_EMPTY(&(*server)->open))
        inbound_free(TAILQ_FIRST(&(*server)->open));
    free(*server);
    *server = NULL;
}

void inbound_turn_away(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n"
                               "content-length: 38\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
                               "too many connections; try again later\n";

    /* One try: a fresh socket's buffer takes it. Reading what the client has sent keeps its kernel
     * from throwing the answer away. */
    if (send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        shutdown(fd, SHUT_WR);
        while (recv(fd, stream_scratch(), STREAM_SCRATCH, MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
}

void server_accept(struct server *server, int fd, struct tls_config *tls)
{
    if (server->count >= server->limits.connections) {
        inbound_turn_away(fd);
        return;
    }
    struct inbound *inbound = xcalloc(1, sizeof *inbound);

    inbound->server = server;
    inbound->stream = stream_new(server->loop, fd, &stream_events, inbound);
    inbound->timer = (struct timer){.fn = on_timer, .arg = inbound};
    inbound->next = (struct task){.fn = on_next, .arg = inbound};
    if (tls) {
        inbound->tls = true;
        stream_use_tls(inbound->stream, tls_session_new(tls, fd, true, NULL));
    }
    TAILQ_INSERT_TAIL(&server->open, inbound, entry);
    server->count++;
    inbound_wait(inbound, server->limits.head_timeout);
}

void server_drain(struct server *server)
{
    struct inbound *inbound, *next;

    server->draining = true;
    for (inbound = TAILQ_FIRST(&server->open); inbound; inbound = next) {
        next = TAILQ_NEXT(inbound, entry);
        if (inbound->state != STATE_IDLE || inbound->in.len || stream_queued(inbound->stream))
            continue;
        if (inbound->written)
            inbound_free(inbound);
        else
            inbound_wait(inbound, DRAIN_GRACE);
    }
}

unsigned server_connections(const struct server *server)
{
    return server->count;
}
