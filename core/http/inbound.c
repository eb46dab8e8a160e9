#include "http/inbound.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/chunked.h"
#include "net/tls.h"

#define LINGER_TIME (2 * NS_PER_S)
#define DRAIN_GRACE NS_PER_S /* for a new connection whose first request is on its way */

enum {
    PIPELINE_MAX = 64 * 1024, /* bytes of requests that wait for their turn */
    SMALL_BODY = 16 * 1024,   /* up to here a body lives in the arena */
    BODY_START = 64 * 1024,   /* first room for a chunked body */
};

const struct inbound_limits inbound_limits_default = {
    .head = {.line = 8 * 1024, .head = 64 * 1024, .fields = 128},
    .body = 64 << 20,
    .connections = 100000,
    .idle_timeout = 75 * NS_PER_S,
    .head_timeout = 30 * NS_PER_S,
    .body_timeout = 30 * NS_PER_S,
    .write_timeout = 60 * NS_PER_S,
};

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
    size_t body_len;
    struct chunked chunked;

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

static void inbound_read(struct inbound *inbound);

/* ---- life and death ------------------------------------------------------------------------- */

static void wait_until(struct inbound *inbound, hg_ns timeout)
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
}

/* Drops one that its owner has never heard of. */
static void exchange_drop(struct inbound *inbound)
{
    if (!inbound->exchange)
        return;
    struct arena *arena = inbound->exchange->arena;

    exchange_forget(inbound);
    arena_free(&arena);
}

static void exchange_over(struct inbound *inbound)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;

    exchange->over = true;
    buffer_done(&exchange->pending);
    exchange_forget(inbound);
    server->events->on_end(server->arg, exchange);
}

static void inbound_free(struct inbound *inbound)
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

/* No more from us. The client may still be sending, and closing now would make its kernel throw our
 * answer away, so we listen for a while longer. */
static void linger(struct inbound *inbound)
{
    inbound->state = STATE_LINGER;
    buffer_done(&inbound->in);
    stream_pause(inbound->stream, false);
    stream_tell_drained(inbound->stream);
    stream_shutdown(inbound->stream);
    wait_until(inbound, stream_queued(inbound->stream) ? inbound->server->limits.write_timeout
                                                       : LINGER_TIME);
}

/* ---- requests come in -------------------------------------------------------------------------
 */

static void exchange_new(struct inbound *inbound)
{
    struct arena *arena = arena_new();
    struct exchange *exchange = arena_zalloc(arena, sizeof *exchange);

    exchange->arena = arena;
    exchange->inbound = inbound;
    exchange->began = clock_now();
    exchange->began_us = clock_wall_us();
    exchange->tls = inbound->tls;
    exchange->head = arena_zalloc(arena, sizeof *exchange->head);
    inbound->exchange = exchange;
    inbound->scan = (struct head_scan){0};
    inbound->state = STATE_HEAD;
}

/* The protocol itself says no. The connection cannot go on: where the next request begins is no
 * longer sure. */
static void refuse(struct inbound *inbound, int status, const char *reason)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;
    hg_str type = HG_S("text/plain");
    hg_str text =
        server->events->error_body
            ? server->events->error_body(server->arg, exchange->arena, status, reason, &type)
            : arena_fmt(exchange->arena, "%s\n", reason);
    struct field field = {.name = HG_S("content-type"), .value = type};
    struct buffer out = {0};

    if (server->events->on_refused)
        server->events->on_refused(server->arg, status);
    answer_head(&out, status, &(struct answer_fields){&field, 1}, (int64_t)text.n, ANSWER_CLOSE);
    buffer_add(&out, text.p, text.n);
    struct iovec iov = {buffer_at(&out), out.len};

    stream_write(inbound->stream, &iov, 1);
    buffer_done(&out);
    exchange_drop(inbound);
    linger(inbound);
}

static int refusal_status(enum parse_result result)
{
    switch (result) {
    case PARSE_LONG_LINE:
        return 414;
    case PARSE_LARGE:
        return 431;
    case PARSE_VERSION:
        return 505;
    case PARSE_CODING:
        return 501;
    case PARSE_MORE:
    case PARSE_OK:
    case PARSE_BAD:
        break;
    }
    return 400;
}

static void request_ready(struct inbound *inbound)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;

    exchange->body = chain_new(exchange->arena);
    if (inbound->body)
        chain_put_block(exchange->body, inbound->body, inbound->body->bytes, inbound->body_len);
    else
        chain_put_const(exchange->body, inbound->small_body, inbound->body_len);
    exchange->bytes_in = exchange->head->size + inbound->body_len;
    if (!exchange->head->keep_alive || server->draining)
        inbound->close_after = true;
    inbound->state = STATE_ANSWER;
    /* Far enough away never to fire for an ordinary answer, and moving it costs nothing. */
    wait_until(inbound, server->limits.idle_timeout);
    server->events->on_request(server->arg, exchange);
}

static void body_room(struct inbound *inbound, size_t more)
{
    size_t size = inbound->body ? inbound->body->size : 0;

    if (size - inbound->body_len >= more && inbound->body)
        return;
    size = size * 2 > BODY_START ? size * 2 : BODY_START;
    if (size < inbound->body_len + more)
        size = inbound->body_len + more;
    struct block *larger = block_new(size);

    if (inbound->body)
        memcpy(larger->bytes, inbound->body->bytes, inbound->body_len);
    block_unref(inbound->body);
    inbound->body = larger;
}

/* Uses up bytes of a chunked body. False if it was refused. */
static bool body_chunked(struct inbound *inbound, hg_str bytes, size_t *ret_used)
{
    size_t used = 0;
    hg_str piece;

    while (used < bytes.n && !inbound->chunked.done && !inbound->chunked.bad) {
        used += chunked_read(&inbound->chunked, (hg_str){bytes.p + used, bytes.n - used}, &piece);
        if (!piece.n)
            continue;
        if (inbound->body_len + piece.n > inbound->server->limits.body) {
            refuse(inbound, 413, "the body is larger than this gateway takes");
            return false;
        }
        body_room(inbound, piece.n);
        memcpy(inbound->body->bytes + inbound->body_len, piece.p, piece.n);
        inbound->body_len += piece.n;
    }
    if (inbound->chunked.bad) {
        refuse(inbound, 400, "the chunked body is malformed");
        return false;
    }
    *ret_used = used;
    return true;
}

static char *body_at(struct inbound *inbound)
{
    return inbound->body ? inbound->body->bytes : inbound->small_body;
}

/* Uses up body bytes that are in memory already; *ret_used says how many. */
static bool body_take(struct inbound *inbound, hg_str bytes, size_t *ret_used)
{
    struct head *head = inbound->exchange->head;

    if (head->chunked) {
        if (!body_chunked(inbound, bytes, ret_used))
            return false;
        if (inbound->chunked.done)
            request_ready(inbound);
        return true;
    }
    size_t left = (size_t)head->content_length - inbound->body_len;
    size_t n = bytes.n < left ? bytes.n : left;

    if (n)
        memcpy(body_at(inbound) + inbound->body_len, bytes.p, n);
    inbound->body_len += n;
    *ret_used = n;
    if (n == left)
        request_ready(inbound);
    return true;
}

static void say_continue(struct inbound *inbound)
{
    static char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {go_on, sizeof go_on - 1};

    stream_write(inbound->stream, &iov, 1);
}

/* The head is here: make room for the body. False if it was refused. */
static bool body_expect(struct inbound *inbound, size_t already)
{
    struct head *head = inbound->exchange->head;

    inbound->chunked = (struct chunked){0};
    if (head->content_length < 0 && !head->chunked)
        head->content_length = 0;
    if (head->content_length > 0 && (uint64_t)head->content_length > inbound->server->limits.body) {
        refuse(inbound, 413, "the body is larger than this gateway takes");
        return false;
    }
    if (head->content_length > SMALL_BODY)
        inbound->body = block_new((size_t)head->content_length);
    else if (head->content_length > 0)
        inbound->small_body = arena_alloc(inbound->exchange->arena, (size_t)head->content_length);
    inbound->state = STATE_BODY;
    if (head->expect_continue && already == 0 && (head->chunked || head->content_length > 0))
        say_continue(inbound);
    return true;
}

/* Goes through bytes at the front of the connection's input; returns how many were used up. Stops
 * when they run out, when an exchange is with the owner, or when the connection has been refused.
 */
static size_t bytes_take(struct inbound *inbound, hg_str bytes)
{
    size_t at = 0, used = 0;

    while (at < bytes.n && inbound->state < STATE_ANSWER) {
        hg_str rest = {bytes.p + at, bytes.n - at};
        const char *reason = NULL;

        if (inbound->state == STATE_IDLE)
            exchange_new(inbound);
        if (inbound->state == STATE_HEAD) {
            struct exchange *exchange = inbound->exchange;
            enum parse_result result =
                parse_request(exchange->arena, &inbound->scan, rest, &inbound->server->limits.head,
                              exchange->head, &reason);

            if (result == PARSE_MORE)
                return at;
            if (result != PARSE_OK) {
                refuse(inbound, refusal_status(result), reason);
                return bytes.n;
            }
            at += exchange->head->size;
            rest = (hg_str){bytes.p + at, bytes.n - at};
            if (!body_expect(inbound, rest.n))
                return bytes.n;
        }
        if (!body_take(inbound, rest, &used))
            return bytes.n;
        at += used;
    }
    return at;
}

static void input_look(struct inbound *inbound, hg_str fresh)
{
    bool buffered = inbound->in.len > 0;

    if (buffered)
        buffer_add(&inbound->in, fresh.p, fresh.n);
    hg_str bytes = buffered ? buffer_text(&inbound->in) : fresh;
    size_t used = bytes_take(inbound, bytes);

    if (inbound->state == STATE_LINGER)
        return;
    if (buffered)
        buffer_take(&inbound->in, used);
    else if (used < bytes.n)
        buffer_add(&inbound->in, bytes.p + used, bytes.n - used);
    if (inbound->state == STATE_ANSWER && inbound->in.len > PIPELINE_MAX)
        stream_pause(inbound->stream, true);
}

/* How long the client may take for what it has to do next. */
static void timer_renew(struct inbound *inbound, enum state before)
{
    const struct inbound_limits *limits = &inbound->server->limits;

    if (inbound->state == STATE_HEAD && before != STATE_HEAD)
        wait_until(inbound, limits->head_timeout);
    else if (inbound->state == STATE_BODY)
        wait_until(inbound, limits->body_timeout);
    else if (inbound->state == STATE_IDLE)
        wait_until(inbound, limits->idle_timeout);
}

/* Large bodies are read straight to where they stay. */
static bool reads_into_body(const struct inbound *inbound)
{
    return inbound->state == STATE_BODY && !inbound->exchange->head->chunked && !inbound->in.len;
}

static void inbound_read(struct inbound *inbound)
{
    enum state before = inbound->state;
    bool direct = reads_into_body(inbound);
    char *to = direct ? body_at(inbound) + inbound->body_len : stream_scratch();
    size_t room = direct ? (size_t)inbound->exchange->head->content_length - inbound->body_len
                         : STREAM_SCRATCH;
    ssize_t n = stream_read(inbound->stream, to, room);

    if (n == STREAM_AGAIN)
        return;
    if (n <= 0) {
        inbound_free(inbound);
        return;
    }
    if (before == STATE_LINGER)
        return;
    if (before == STATE_ANSWER) {
        buffer_add(&inbound->in, to, (size_t)n);
        if (inbound->in.len > PIPELINE_MAX)
            stream_pause(inbound->stream, true);
        return;
    }
    if (direct) {
        inbound->body_len += (size_t)n;
        if ((size_t)n == room)
            request_ready(inbound);
    } else {
        input_look(inbound, (hg_str){to, (size_t)n});
    }
    timer_renew(inbound, before);
}

static void on_readable(void *arg)
{
    inbound_read(arg);
}

/* ---- the connection's other events -------------------------------------------------------------
 */

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
        wait_until(inbound, LINGER_TIME);
}

static const struct stream_events stream_events = {on_readable, on_drained, on_broken};

static void on_timer(void *arg)
{
    struct inbound *inbound = arg;
    size_t queued = stream_queued(inbound->stream);

    switch (inbound->state) {
    case STATE_HEAD:
        refuse(inbound, 408, "the request's head did not arrive in time");
        return;
    case STATE_BODY:
        refuse(inbound, 408, "the request's body did not arrive in time");
        return;
    case STATE_IDLE:
    case STATE_ANSWER:
    case STATE_LINGER:
        break;
    }
    uint64_t taken = inbound->written - queued;
    bool stuck = queued && taken == inbound->taken_before;

    if (stuck || (!queued && inbound->state != STATE_ANSWER)) {
        inbound_free(inbound);
        return;
    }
    inbound->taken_before = taken;
    wait_until(inbound, inbound->server->limits.write_timeout);
}

/* A request that was pipelined behind the one that has just been answered; or, after a write that
 * failed, the end, which must not come on the writer's stack. */
static void on_next(void *arg)
{
    struct inbound *inbound = arg;
    hg_str none = {0};

    if (inbound->broken) {
        inbound_free(inbound);
        return;
    }
    if (inbound->state != STATE_IDLE)
        return;

    if (inbound->in.len)
        input_look(inbound, none);
    stream_pause(inbound->stream, false);
    timer_renew(inbound, STATE_IDLE);
}

/* ---- answers go out ---------------------------------------------------------------------------
 */

static void answer_over(struct inbound *inbound)
{
    exchange_over(inbound);
    /* A stream that was begun before the drain has promised to keep the connection. */
    if (inbound->close_after || (inbound->server->draining && !inbound->in.len)) {
        linger(inbound);
        return;
    }
    inbound->state = STATE_IDLE;
    if (inbound->in.len)
        task_queue(inbound->server->loop, &inbound->next);
    wait_until(inbound, inbound->server->limits.idle_timeout);
}

static void write_out(struct exchange *exchange, struct iovec *iov, int count)
{
    struct inbound *inbound = exchange->inbound;

    size_t before = stream_queued(inbound->stream), length = 0;

    for (int i = 0; i < count; i++)
        length += iov[i].iov_len;
    exchange->bytes_out += length;
    inbound->written += length;
    if (!stream_write(inbound->stream, iov, count)) {
        inbound->broken = true;
        task_queue(inbound->server->loop, &inbound->next);
        return;
    }
    size_t queued = stream_queued(inbound->stream);

    if (queued && !before) { /* the queue was empty: from now on the client is timed */
        inbound->taken_before = inbound->written - queued;
        wait_until(inbound, inbound->server->limits.write_timeout);
    }
}

static enum answer_connection connection_of(const struct inbound *inbound)
{
    if (inbound->close_after || inbound->server->draining)
        return ANSWER_CLOSE;
    return inbound->exchange->head->minor == 0 ? ANSWER_KEEP_ALIVE_1_0 : ANSWER_KEEP_ALIVE;
}

static bool has_no_body(const struct exchange *exchange, int status)
{
    return exchange->head->method == METHOD_HEAD || status == 204 || status == 304;
}

void inbound_respond(struct exchange *exchange, int status, const struct answer_fields *fields,
                     const struct chain *body)
{
    enum {
        SEGMENTS_AT_ONCE = 63
    };
    struct inbound *inbound = exchange->inbound;
    struct buffer head = {0};
    struct iovec iov[SEGMENTS_AT_ONCE + 1];
    size_t length = body ? body->len : 0;
    uint32_t count = body && !has_no_body(exchange, status) ? body->count : 0, done = 0;

    ensure(!exchange->answered && !exchange->over);
    exchange->answered = true;
    inbound->close_after |= inbound->server->draining;
    answer_head(&head, status, fields, (int64_t)length, connection_of(inbound));
    iov[0] = (struct iovec){buffer_at(&head), head.len};
    int used = 1;

    do {
        while (done < count && used <= SEGMENTS_AT_ONCE) {
            const struct segment *segment = &body->segments[done++];

            iov[used++] = (struct iovec){(void *)(uintptr_t)segment->p, segment->n};
        }
        write_out(exchange, iov, used);
        used = 0;
    } while (done < count);
    buffer_done(&head);
    answer_over(inbound);
}

void inbound_begin(struct exchange *exchange, int status, const struct answer_fields *fields,
                   int64_t length)
{
    struct inbound *inbound = exchange->inbound;

    ensure(!exchange->answered && !exchange->over);
    exchange->answered = true;
    exchange->bodiless = has_no_body(exchange, status);
    exchange->chunked = length < 0 && exchange->head->minor >= 1;
    inbound->close_after |= inbound->server->draining || (length < 0 && !exchange->chunked);
    answer_head(&exchange->pending, status, fields,
                exchange->chunked ? ANSWER_CHUNKED
                : length < 0      ? ANSWER_UNTIL_CLOSE
                                  : length,
                connection_of(inbound));
}

void inbound_write(struct exchange *exchange, const hg_str *pieces, unsigned count, bool last)
{
    static char line_end[] = "\r\n", line_end_and_last[] = "\r\n0\r\n\r\n";
    struct iovec iov[INBOUND_PIECES_MAX + 3];
    char line[CHUNKED_LINE_MAX];
    int used = 0;
    size_t length = 0;

    ensure(exchange->answered && !exchange->over && count <= INBOUND_PIECES_MAX);
    for (unsigned i = 0; i < count; i++)
        length += pieces[i].n;
    if (exchange->pending.len)
        iov[used++] = (struct iovec){buffer_at(&exchange->pending), exchange->pending.len};
    if (length && !exchange->bodiless) {
        if (exchange->chunked)
            iov[used++] = (struct iovec){line, chunked_line(line, length)};
        for (unsigned i = 0; i < count; i++)
            if (pieces[i].n)
                iov[used++] = (struct iovec){(void *)(uintptr_t)pieces[i].p, pieces[i].n};
    }
    if (exchange->chunked && !exchange->bodiless) {
        if (length)
            iov[used++] = (struct iovec){last ? line_end_and_last : line_end,
                                         last ? sizeof line_end_and_last - 1 : 2};
        else if (last)
            iov[used++] = (struct iovec){line_end_and_last + 2, sizeof line_end_and_last - 3};
    }
    if (used)
        write_out(exchange, iov, used);
    buffer_done(&exchange->pending);
    if (last)
        answer_over(exchange->inbound);
}

void inbound_abort(struct exchange *exchange)
{
    struct inbound *inbound = exchange->inbound;

    inbound->close_after = true;
    answer_over(inbound);
}

size_t inbound_queued(const struct exchange *exchange)
{
    return stream_queued(exchange->inbound->stream);
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
    wait_until(inbound, server->limits.head_timeout);
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
            wait_until(inbound, DRAIN_GRACE);
    }
}

unsigned server_connections(const struct server *server)
{
    return server->count;
}
