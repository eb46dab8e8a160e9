#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/inbound_parts.h"

enum {
    PIPELINE_MAX = 64 * 1024, /* bytes of requests that wait for their turn */
    HEAD_READ = 16 * 1024,    /* asked for at first: what is read of a large body is copied */
    BODY_READS = 256 * 1024,  /* read for one connection before the loop goes on to others */
    SMALL_BODY = 16 * 1024,   /* up to here a body lives in the arena */
    BODY_START = 64 * 1024,   /* first room for a chunked body */
};

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

void inbound_refuse(struct inbound *inbound, int status, const char *reason)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;
    hg_str type = HG_S("text/plain");
    hg_str text =
        server->events->error_body
            ? server->events->error_body(server->arg, exchange->arena, status, reason, &type)
            : arena_fmt(exchange->arena, "%s\n", reason);
    struct field field = {.name = HG_S("content-type"), .value = type};

    if (server->events->on_refused)
        server->events->on_refused(server->arg, status);
    hg_str head = answer_head(exchange->arena, status, &(struct answer_fields){&field, 1},
                              (int64_t)text.n, ANSWER_CLOSE);
    struct iovec iov[] = {{(void *)(uintptr_t)head.p, head.n}, {(void *)(uintptr_t)text.p, text.n}};

    stream_write(inbound->stream, iov, 2);
    exchange_drop(inbound);
    inbound_linger(inbound);
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

static bool body_is_whole(const struct inbound *inbound)
{
    const struct head *head = inbound->exchange->head;

    return head->chunked ? inbound->chunked.done
                         : inbound->body_len == (size_t)head->content_length;
}

/* The owner says when it wants the rest. */
static void stream_begin(struct inbound *inbound)
{
    struct exchange *exchange = inbound->exchange;

    exchange->is_streamed = true;
    exchange->body_length = exchange->head->chunked ? -1 : exchange->head->content_length;
    inbound->is_streaming = inbound->body_paused = true;
    stream_pause(inbound->stream, true);
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
    if (inbound->may_stream && !body_is_whole(inbound))
        stream_begin(inbound);
    if (!exchange->head->keep_alive || server->draining)
        inbound->close_after = true;
    inbound->state = STATE_ANSWER;
    /* Far enough away never to fire for an ordinary answer, and moving it costs nothing. */
    inbound_wait(inbound, server->limits.idle_timeout);
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

static uint64_t body_limit(const struct inbound *inbound)
{
    const struct inbound_limits *limits = &inbound->server->limits;

    return inbound->may_stream ? limits->streamed : limits->body;
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
        if (inbound->body_len + piece.n > body_limit(inbound)) {
            inbound_refuse(inbound, 413, "the body is larger than this gateway takes");
            return false;
        }
        body_room(inbound, piece.n);
        memcpy(inbound->body->bytes + inbound->body_len, piece.p, piece.n);
        inbound->body_len += piece.n;
    }
    if (inbound->chunked.bad) {
        inbound_refuse(inbound, 400, "the chunked body is malformed");
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
        if (inbound->chunked.done || (inbound->may_stream && inbound->body_len >= INBOUND_HELD))
            request_ready(inbound);
        return true;
    }
    size_t left = inbound->body_goal - inbound->body_len;
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

/* What on_request waits for. Of a streamed body it includes what has come with its head. */
static size_t body_goal(const struct inbound *inbound, size_t already)
{
    size_t length = (size_t)inbound->exchange->head->content_length;
    size_t held = already > INBOUND_HELD ? already : INBOUND_HELD;

    return inbound->may_stream && length > held ? held : length;
}

/* The head is here: make room for the body. False if it was refused. */
static bool body_expect(struct inbound *inbound, size_t already)
{
    struct server *server = inbound->server;
    struct head *head = inbound->exchange->head;

    inbound->chunked = (struct chunked){0};
    if (head->content_length < 0 && !head->chunked)
        head->content_length = 0;
    inbound->may_stream = (head->chunked || head->content_length > INBOUND_HELD) &&
                          server->events->may_stream &&
                          server->events->may_stream(server->arg, head);
    if (head->content_length > 0 && (uint64_t)head->content_length > body_limit(inbound)) {
        inbound_refuse(inbound, 413, "the body is larger than this gateway takes");
        return false;
    }
    inbound->body_goal = head->chunked ? 0 : body_goal(inbound, already);
    if (inbound->body_goal > SMALL_BODY)
        inbound->body = block_new(inbound->body_goal);
    else if (inbound->body_goal > 0)
        inbound->small_body = arena_alloc(inbound->exchange->arena, inbound->body_goal);
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
                inbound_refuse(inbound, refusal_status(result), reason);
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
        inbound_wait(inbound, limits->head_timeout);
    else if (inbound->state == STATE_BODY)
        inbound_wait(inbound, limits->body_timeout);
    else if (inbound->state == STATE_IDLE)
        inbound_wait(inbound, limits->idle_timeout);
}

/* Large bodies are read straight to where they stay. */
static bool reads_into_body(const struct inbound *inbound)
{
    return inbound->state == STATE_BODY && !inbound->exchange->head->chunked && !inbound->in.len;
}

void inbound_give(struct inbound *inbound, hg_str fresh)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;
    struct buffer in = inbound->in; /* ours, for the connection may end on the way */

    inbound->in = (struct buffer){0};
    if (in.len) {
        buffer_add(&in, fresh.p, fresh.n);
        fresh = buffer_text(&in);
    }
    exchange->bytes_in += fresh.n;
    if (fresh.n)
        server->events->on_bytes(server->arg, exchange, fresh);
    buffer_done(&in);
}

static bool is_upgraded(const struct inbound *inbound)
{
    return inbound->state == STATE_ANSWER && inbound->exchange->upgraded;
}

/* One read. Returns its size if it brought all it asked for and more of the body is to come; else
 * 0, and the connection may be gone. */
static size_t read_once(struct inbound *inbound)
{
    enum state before = inbound->state;
    bool direct = reads_into_body(inbound);
    char *to = direct ? body_at(inbound) + inbound->body_len : stream_scratch();
    size_t room = direct ? inbound->body_goal - inbound->body_len
                  : before == STATE_BODY || is_upgraded(inbound) ? STREAM_SCRATCH
                                                                 : HEAD_READ;
    ssize_t n = stream_read(inbound->stream, to, room);

    if (n == STREAM_AGAIN)
        return 0;
    if (n <= 0) {
        inbound_free(inbound);
        return 0;
    }
    if (before == STATE_LINGER) {
        inbound_linger_on(inbound);
        return 0;
    }
    if (is_upgraded(inbound)) {
        inbound_give(inbound, (hg_str){to, (size_t)n});
        return 0;
    }
    if (before == STATE_ANSWER) {
        buffer_add(&inbound->in, to, (size_t)n);
        if (inbound->in.len > PIPELINE_MAX)
            stream_pause(inbound->stream, true);
        return 0;
    }
    if (direct) {
        inbound->body_len += (size_t)n;
        if ((size_t)n == room)
            request_ready(inbound);
    } else {
        input_look(inbound, (hg_str){to, (size_t)n});
    }
    timer_renew(inbound, before);
    return (size_t)n == room && inbound->state == STATE_BODY ? room : 0;
}

/* The rest of a body is read at once, while its beginning is in the processor's cache. */
void inbound_read(struct inbound *inbound)
{
    size_t all = 0, n;

    while (all < BODY_READS && (n = read_once(inbound)))
        all += n;
}

void inbound_read_on(struct inbound *inbound)
{
    hg_str none = {0};

    if (inbound->in.len)
        input_look(inbound, none);
    if (!inbound->is_streaming)
        stream_pause(inbound->stream, false);
    timer_renew(inbound, STATE_IDLE);
}
