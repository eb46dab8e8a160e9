#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "net/tls.h"

struct stream {
    struct loop *loop;
    int fd;
    const struct stream_events *events;
    void *arg;
    struct tls_session *tls;
    struct buffer queue;
    struct watch watch;
    struct task again; /* TLS holds decrypted bytes that no socket event will announce */
    bool paused, broken, deaf, shut, tell, was_high; /* deaf: the other side takes no more */
    bool read_wants_write;                           /* TLS */
};

static char scratch[STREAM_SCRATCH];

char *stream_scratch(void)
{
    return scratch;
}

static void watch_update(struct stream *stream)
{
    unsigned want = 0;

    if (!stream->paused && !stream->broken)
        want |= WATCH_READ;
    if ((stream->queue.len || stream->read_wants_write) && !stream->broken)
        want |= WATCH_WRITE;
    watch_want(&stream->watch, want);
}

static void break_stream(struct stream *stream)
{
    stream->broken = true;
    buffer_done(&stream->queue);
    watch_update(stream);
}

/* How much the socket took; 0: nothing now; less: broken. */
static ssize_t send_some(struct stream *stream, const struct iovec *iov, int count)
{
    if (stream->tls) {
        unsigned want;
        ssize_t n = tls_write(stream->tls, iov->iov_base, iov->iov_len, &want);

        return n > 0 ? n : n == STREAM_AGAIN ? 0 : -1;
    }
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                             .msg_iovlen = (size_t)count};
    ssize_t n = sendmsg(stream->fd, &message, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -1;
    return n;
}

static void shut_if_asked(struct stream *stream)
{
    if (!stream->shut || stream->queue.len)
        return;
    if (stream->tls)
        tls_shutdown(stream->tls);
    shutdown(stream->fd, SHUT_WR);
}

static void queue_send(struct stream *stream)
{
    while (stream->queue.len) {
        struct iovec iov = {buffer_at(&stream->queue), stream->queue.len};
        ssize_t n = send_some(stream, &iov, 1);

        if (n < 0) {
            break_stream(stream);
            stream->events->on_broken(stream->arg);
            return;
        }
        if (n == 0)
            break;
        buffer_take(&stream->queue, (size_t)n);
    }
    watch_update(stream);
    shut_if_asked(stream);
    if (stream->queue.len > (stream->tell ? 0 : STREAM_LOW_WATER) ||
        !(stream->tell || stream->was_high))
        return;
    stream->tell = stream->was_high = false;
    if (stream->events->on_drained)
        stream->events->on_drained(stream->arg);
}

static void on_again(void *arg)
{
    struct stream *stream = arg;

    if (!stream->paused && !stream->broken)
        stream->events->on_readable(stream->arg);
}

static void on_ready(void *arg, unsigned ready)
{
    struct stream *stream = arg;

    /* A callback may close the stream, so only one is made for each event: level-triggered
     * readiness brings the other one back. */
    if (ready & WATCH_WRITE) {
        if (stream->read_wants_write) {
            stream->read_wants_write = false;
            task_queue(stream->loop, &stream->again);
        }
        queue_send(stream);
        return;
    }
    if (ready & WATCH_READ)
        stream->events->on_readable(stream->arg);
}

struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events, void *arg)
{
    struct stream *stream = xcalloc(1, sizeof *stream);

    stream->loop = loop;
    stream->fd = fd;
    stream->events = events;
    stream->arg = arg;
    stream->again = (struct task){.fn = on_again, .arg = stream};
    watch_init(&stream->watch, loop, fd, on_ready, stream);
    watch_update(stream);
    return stream;
}

void stream_hand_over(struct stream *stream, const struct stream_events *events, void *arg)
{
    stream->events = events;
    stream->arg = arg;
    stream->tell = stream->was_high = false;
    stream_pause(stream, false);
}

void stream_use_tls(struct stream *stream, struct tls_session *session)
{
    stream->tls = session;
    if (tls_pending(session)) /* read ahead during the handshake */
        task_queue(stream->loop, &stream->again);
}

static ssize_t read_tls(struct stream *stream, void *p, size_t n)
{
    unsigned want = 0;
    ssize_t got = tls_read(stream->tls, p, n, &want);

    if (got > 0 && tls_pending(stream->tls))
        task_queue(stream->loop, &stream->again);
    if (got == STREAM_AGAIN && (want & WATCH_WRITE)) {
        stream->read_wants_write = true;
        watch_update(stream);
    }
    return got;
}

ssize_t stream_read(struct stream *stream, void *p, size_t n)
{
    if (stream->broken)
        return STREAM_BROKEN;
    if (stream->tls)
        return read_tls(stream, p, n);
    ssize_t got = recv(stream->fd, p, n, 0);

    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EINTR ? STREAM_AGAIN : STREAM_BROKEN;
}

/* Small pieces in one record: each SSL_write makes one. */
static bool write_tls(struct stream *stream, struct iovec *iov, int count)
{
    bool idle = stream->queue.len == 0;

    for (int i = 0; i < count; i++)
        buffer_add(&stream->queue, iov[i].iov_base, iov[i].iov_len);
    if (!idle)
        return true;
    while (stream->queue.len) {
        struct iovec whole = {buffer_at(&stream->queue), stream->queue.len};
        ssize_t n = send_some(stream, &whole, 1);

        if (n < 0) {
            break_stream(stream);
            return false;
        }
        if (n == 0)
            break;
        buffer_take(&stream->queue, (size_t)n);
    }
    return true;
}

static bool write_plain(struct stream *stream, struct iovec *iov, int count)
{
    if (stream->queue.len == 0) {
        ssize_t n = send_some(stream, iov, count);

        if (n < 0) {
            break_stream(stream);
            return false;
        }
        for (; count && (size_t)n >= iov->iov_len; iov++, count--)
            n -= (ssize_t)iov->iov_len;
        if (count) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    for (int i = 0; i < count; i++)
        buffer_add(&stream->queue, iov[i].iov_base, iov[i].iov_len);
    return true;
}

bool stream_write(struct stream *stream, struct iovec *iov, int count)
{
    if (stream->broken || stream->deaf)
        return false;
    if (!(stream->tls ? write_tls(stream, iov, count) : write_plain(stream, iov, count)))
        return false;
    if (stream->queue.len > STREAM_HIGH_WATER)
        stream->was_high = true;
    if (stream->queue.len)
        watch_update(stream);
    return true;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->queue.len;
}

void stream_tell_drained(struct stream *stream)
{
    stream->tell = true;
}

void stream_pause(struct stream *stream, bool paused)
{
    if (stream->paused == paused)
        return;
    stream->paused = paused;
    watch_update(stream);
    if (!paused && stream->tls && tls_pending(stream->tls))
        task_queue(stream->loop, &stream->again);
}

void stream_read_on(struct stream *stream)
{
    stream->broken = false;
    stream->deaf = true;
    watch_update(stream);
}

void stream_shutdown(struct stream *stream)
{
    stream->shut = true;
    if (!stream->broken)
        shut_if_asked(stream);
}

void stream_close(struct stream **stream)
{
    struct stream *gone = *stream;

    *stream = NULL;
    if (!gone)
        return;
    watch_done(&gone->watch);
    task_clear(gone->loop, &gone->again);
    tls_session_free(&gone->tls);
    close(gone->fd);
    buffer_done(&gone->queue);
    free(gone);
}

void stream_reset(struct stream **stream)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    if (*stream)
        setsockopt((*stream)->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    stream_close(stream);
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}
