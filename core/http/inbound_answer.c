#include "base/clock.h"
#include "base/ensure.h"
#include "http/inbound_parts.h"

static void answer_over(struct inbound *inbound)
{
    exchange_over(inbound);
    /* A stream that was begun before the drain has promised to keep the connection. */
    if (inbound->close_after || (inbound->server->draining && !inbound->in.len)) {
        inbound_linger(inbound);
        return;
    }
    inbound->state = STATE_IDLE;
    if (inbound->in.len)
        task_queue(inbound->server->loop, &inbound->next);
    inbound_wait(inbound, inbound->server->limits.idle_timeout);
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
        inbound_wait(inbound, inbound->server->limits.write_timeout);
    }
}

/* Behind an answer that comes before the request has ended nothing can be told from its rest. */
static bool is_last(const struct inbound *inbound)
{
    return inbound->server->draining || inbound->is_streaming;
}

static enum answer_connection connection_of(const struct inbound *inbound)
{
    if (inbound->close_after)
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
    struct iovec iov[SEGMENTS_AT_ONCE + 1];
    size_t length = body ? body->len : 0;
    uint32_t count = body && !has_no_body(exchange, status) ? body->count : 0, done = 0;

    ensure(!exchange->answered && !exchange->over);
    exchange->answered = true;
    inbound->close_after |= is_last(inbound);
    hg_str head =
        answer_head(exchange->arena, status, fields, (int64_t)length, connection_of(inbound));

    iov[0] = (struct iovec){(void *)(uintptr_t)head.p, head.n};
    int used = 1;

    do {
        while (done < count && used <= SEGMENTS_AT_ONCE) {
            const struct segment *segment = &body->segments[done++];

            iov[used++] = (struct iovec){(void *)(uintptr_t)segment->p, segment->n};
        }
        write_out(exchange, iov, used);
        used = 0;
    } while (done < count);
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
    inbound->close_after |= is_last(inbound) || (length < 0 && !exchange->chunked);
    exchange->pending = answer_head(exchange->arena, status, fields,
                                    exchange->chunked ? ANSWER_CHUNKED
                                    : length < 0      ? ANSWER_UNTIL_CLOSE
                                                      : length,
                                    connection_of(inbound));
}

void inbound_upgrade(struct exchange *exchange, const struct answer_fields *fields)
{
    struct inbound *inbound = exchange->inbound;

    ensure(!exchange->answered && !exchange->over);
    exchange->answered = exchange->upgraded = true;
    inbound->close_after = true;
    exchange->pending =
        answer_head(exchange->arena, 101, fields, ANSWER_UNTIL_CLOSE, ANSWER_UPGRADE);
    inbound_write(exchange, NULL, 0, false);
    stream_pause(inbound->stream, false);
    if (inbound->in.len)
        task_queue(inbound->server->loop, &inbound->next);
}

void inbound_pause(struct exchange *exchange, bool paused)
{
    stream_pause(exchange->inbound->stream, paused);
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
    if (exchange->pending.n)
        iov[used++] = (struct iovec){(void *)(uintptr_t)exchange->pending.p, exchange->pending.n};
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
    exchange->pending = (hg_str){0};
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
