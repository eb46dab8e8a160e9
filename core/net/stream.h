/* stream.h - one connection as bytes, plain or TLS, with its own output queue.
 *
 *   socket ─► on_readable: you call stream_read into memory of your choice
 *   stream_write ─► as much as the socket takes at once, one writev; the rest waits in the queue
 *                   and on_drained tells when it has gone down
 *
 * An idle stream holds no buffers. Reading goes into memory of the caller: usually the loop's one
 * scratch buffer, so that thousands of open streams cost nothing. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop/loop.h"

struct tls_session; /* net/tls.h */

enum {
    STREAM_SCRATCH = 64 * 1024,
    STREAM_HIGH_WATER = 256 * 1024, /* above: stop what feeds it */
    STREAM_LOW_WATER = 64 * 1024,   /* at or below: on_drained */
};

struct stream_events {
    /* Bytes or the end are there: call stream_read until it is content. Never called inside another
     * function of this file. */
    void (*on_readable)(void *arg);

    /* The queue was above the high-water mark, or stream_tell_drained asked, and it has gone down
     * to the low-water mark. May be NULL. */
    void (*on_drained)(void *arg);

    /* Writing failed, or the TLS handshake. The stream is dead but not freed: close it. */
    void (*on_broken)(void *arg);
};

struct stream;

/* Takes the connected, non-blocking `fd` over. Reading is on. */
struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events, void *arg);

/* A new owner for an idle stream: a pooled connection finds its next request. */
void stream_hand_over(struct stream *stream, const struct stream_events *events, void *arg);

/* All bytes pass through the session from now on; the stream owns it. */
void stream_use_tls(struct stream *stream, struct tls_session *session);

enum {
    STREAM_END = 0,
    STREAM_AGAIN = -1,
    STREAM_BROKEN = -2
};

/* More than 0: so many bytes. STREAM_END: the other side has ended properly (for TLS: with
 * close_notify). STREAM_AGAIN: nothing now. STREAM_BROKEN: reset, or a TLS failure. */
ssize_t stream_read(struct stream *stream, void *p, size_t n);

/* The scratch buffer for reads whose bytes are used up before the loop goes on. One a process. */
char *stream_scratch(void);

/* Writes or queues all of it; `iov` is used up. False if the stream is dead. */
bool stream_write(struct stream *stream, struct iovec *iov, int count);
size_t stream_queued(const struct stream *stream);

/* Calls on_drained once when the queue has become empty. */
void stream_tell_drained(struct stream *stream);

void stream_pause(struct stream *stream, bool paused); /* of reading */

/* After a write has failed: what had come before can still be read, up to the end. */
void stream_read_on(struct stream *stream);
void stream_shutdown(struct stream *stream); /* no more bytes from us, once the queue is out */

void stream_close(struct stream **stream); /* what is queued is lost */
void stream_reset(struct stream **stream); /* the same, with a TCP reset */

int stream_fd(const struct stream *stream);
