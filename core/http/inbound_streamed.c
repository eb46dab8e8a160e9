#include "base/clock.h"
#include "http/inbound_parts.h"

/* The owner may end the exchange: then inbound->is_streaming is false. */
static void give(struct inbound *inbound, hg_str bytes, bool last)
{
    struct server *server = inbound->server;
    struct exchange *exchange = inbound->exchange;

    inbound->body_len += bytes.n;
    exchange->bytes_in += bytes.n;
    if (last) {
        inbound->is_streaming = false;
        inbound_wait(inbound, server->limits.idle_timeout);
    }
    server->events->on_body(server->arg, exchange, bytes, last);
}

void inbound_body_broken(struct inbound *inbound, int status, const char *reason)
{
    struct server *server = inbound->server;

    inbound->is_streaming = false;
    inbound->close_after = true;
    stream_pause(inbound->stream, true);
    server->events->on_body_broken(server->arg, inbound->exchange, status, reason);
}

static void chunks_give(struct inbound *inbound, hg_str bytes)
{
    hg_str piece;

    while (bytes.n && inbound->is_streaming && !inbound->chunked.done) {
        size_t used = chunked_read(&inbound->chunked, bytes, &piece);

        bytes = (hg_str){bytes.p + used, bytes.n - used};
        if (inbound->chunked.bad) {
            inbound_body_broken(inbound, 400, "the chunked body is malformed");
        } else if (inbound->body_len + piece.n > inbound->server->limits.streamed) {
            inbound_body_broken(inbound, 413, "the body is larger than this gateway takes");
        } else if (inbound->chunked.done) {
            buffer_add(&inbound->in, bytes.p, bytes.n); /* of the next request */
            give(inbound, piece, true);
        } else if (piece.n) {
            give(inbound, piece, false);
        }
    }
}

void inbound_read_streamed(struct inbound *inbound)
{
    const struct head *head = inbound->exchange->head;
    size_t left = head->chunked ? STREAM_SCRATCH : (size_t)head->content_length - inbound->body_len;
    ssize_t n = stream_read(inbound->stream, stream_scratch(),
                            left < STREAM_SCRATCH ? left : STREAM_SCRATCH);

    if (n == STREAM_AGAIN)
        return;
    if (n <= 0) {
        inbound_free(inbound);
        return;
    }
    hg_str bytes = {stream_scratch(), (size_t)n};

    inbound->body_read = clock_now();
    inbound_wait(inbound, inbound->server->limits.body_timeout);
    if (head->chunked)
        chunks_give(inbound, bytes);
    else
        give(inbound, bytes, bytes.n == left);
}

void inbound_body_pause(struct exchange *exchange, bool paused)
{
    struct inbound *inbound = exchange->inbound;

    if (exchange->over || !inbound->is_streaming || inbound->body_paused == paused)
        return;
    inbound->body_paused = paused;
    stream_pause(inbound->stream, paused);
    if (paused)
        return;
    inbound->body_read = clock_now();
    inbound_wait(inbound, inbound->server->limits.body_timeout);
}
