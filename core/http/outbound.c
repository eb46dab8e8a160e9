#include "http/outbound.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "http/chunked.h"
#include "http/parse.h"
#include "net/stream.h"
#include "net/tls.h"

/* One connection of an upstream: idle in the pool, or busy with an exchange. */
struct connection {
    TAILQ_ENTRY(connection) entry;
    struct upstream *upstream;
    struct stream *stream;
    struct timer timer;
    struct outbound *outbound; /* NULL: idle */
};

struct upstream {
    struct upstream_settings settings;
    char *host, *server_name;
    TAILQ_HEAD(connections, connection) idle; /* the warmest first */
    unsigned idle_count;
};

enum framing {
    FRAMING_NONE,
    FRAMING_LENGTH,
    FRAMING_CHUNKED,
    FRAMING_UNTIL_CLOSE
};

struct outbound {
    struct upstream *upstream;
    struct arena *arena;
    struct outbound_request request;
    const struct outbound_events *events;
    void *arg;
    struct dial *dial;
    struct connection *connection;
    struct outbound_times times;
    struct task fail;

    struct buffer in; /* a head that has not arrived whole */
    struct head_scan scan;
    struct head head;
    bool got_head, paused, again;
    enum framing framing;
    uint64_t left, body_len;
    struct chunked chunked;
    bool *gone; /* set while our own functions are on the stack: tells them of a cancel */
};

static const struct head_limits limits = {.line = 16 * 1024, .head = 128 * 1024, .fields = 200};

static void start(struct outbound *outbound);

/* ---- connections ---------------------------------------------------------------------------- */

static void connection_close(struct connection *connection)
{
    if (!connection->outbound) {
        TAILQ_REMOVE(&connection->upstream->idle, connection, entry);
        connection->upstream->idle_count--;
    }
    timer_clear(connection->upstream->settings.loop, &connection->timer);
    stream_close(&connection->stream);
    free(connection);
}

/* An idle connection that becomes readable was closed by the other side, or says something nobody
 * asked for: either way it is of no use. */
static void on_idle_readable(void *arg)
{
    connection_close(arg);
}

static const struct stream_events idle_events = {.on_readable = on_idle_readable,
                                                 .on_broken = on_idle_readable};

static void connection_keep(struct connection *connection)
{
    struct upstream *upstream = connection->upstream;

    connection->outbound = NULL;
    TAILQ_INSERT_HEAD(&upstream->idle, connection, entry);
    upstream->idle_count++;
    stream_hand_over(connection->stream, &idle_events, connection);
    timer_set(upstream->settings.loop, &connection->timer,
              clock_now() + upstream->settings.idle_timeout);
    if (upstream->idle_count > upstream->settings.idle_max)
        connection_close(TAILQ_LAST(&upstream->idle, connections));
}

struct upstream *upstream_new(const struct upstream_settings *settings)
{
    struct upstream *upstream = xcalloc(1, sizeof *upstream);

    upstream->settings = *settings;
    upstream->host = xstrdup(settings->host);
    upstream->server_name = settings->server_name ? xstrdup(settings->server_name) : NULL;
    TAILQ_INIT(&upstream->idle);
    return upstream;
}

void upstream_free(struct upstream **upstream)
{
    struct upstream *gone = *upstream;

    *upstream = NULL;
    if (!gone)
        return;
    while (!TAILQ_EMPTY(&gone->idle))
        connection_close(TAILQ_FIRST(&gone->idle));
    free(gone->host);
    free(gone->server_name);
    free(gone);
}

/* ---- the end of an exchange --------------------------------------------------------------------
 */

static void let_go(struct outbound *outbound, bool keep)
{
    struct connection *connection = outbound->connection;

    task_clear(outbound->upstream->settings.loop, &outbound->fail);
    dial_cancel(&outbound->dial);
    buffer_done(&outbound->in);
    outbound->connection = NULL;
    if (outbound->gone)
        *outbound->gone = true;
    outbound->gone = NULL;
    if (!connection)
        return;
    if (keep)
        connection_keep(connection);
    else
        connection_close(connection);
}

static void finish(struct outbound *outbound, bool keep, enum outbound_fault fault,
                   const char *reason)
{
    let_go(outbound, keep);
    outbound->events->on_end(outbound->arg, fault, reason);
}

void outbound_cancel(struct outbound **outbound)
{
    struct outbound *gone = *outbound;

    *outbound = NULL;
    if (gone)
        let_go(gone, false);
}

/* The connection ended, or broke, before the answer was whole. A pooled one may have been closed by
 * the other side just when we took it; then the request was never looked at, and goes out again. */
static void connection_lost(struct outbound *outbound, const char *reason)
{
    bool fresh_start = outbound->times.reused && !outbound->times.first_byte &&
                       outbound->request.is_safe && !outbound->again;

    if (!fresh_start) {
        finish(outbound, false, OUTBOUND_CLOSED, reason);
        return;
    }
    let_go(outbound, false);
    outbound->again = true;
    start(outbound);
}

/* ---- the answer comes -------------------------------------------------------------------------
 */

static void body_frame(struct outbound *outbound)
{
    const struct head *head = &outbound->head;

    outbound->chunked = (struct chunked){0};
    outbound->left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    if (outbound->request.is_head || head->status == 204 || head->status == 304)
        outbound->framing = FRAMING_NONE;
    else if (head->chunked)
        outbound->framing = FRAMING_CHUNKED;
    else if (head->content_length >= 0)
        outbound->framing = outbound->left ? FRAMING_LENGTH : FRAMING_NONE;
    else
        outbound->framing = FRAMING_UNTIL_CLOSE;
}

/* The whole answer is here. `rest` says that more bytes came behind it, which nobody asked for. */
static void answer_whole(struct outbound *outbound, bool rest)
{
    bool keep = !rest && outbound->head.keep_alive && outbound->framing != FRAMING_UNTIL_CLOSE &&
                !stream_queued(outbound->connection->stream);

    finish(outbound, keep, OUTBOUND_OK, "");
}

/* Gives payload to the owner. False if the exchange is gone now. */
static bool give(struct outbound *outbound, hg_str data)
{
    bool gone = false;

    outbound->body_len += data.n;
    if (outbound->request.max_body && outbound->body_len > outbound->request.max_body) {
        finish(outbound, false, OUTBOUND_TOO_LARGE, "the answer is larger than the limit");
        return false;
    }
    outbound->gone = &gone;
    outbound->events->on_data(outbound->arg, data);
    if (!gone)
        outbound->gone = NULL;
    return !gone;
}

static void all_given(struct outbound *outbound)
{
    if (outbound->events->on_data_end)
        outbound->events->on_data_end(outbound->arg);
}

static void body_chunked(struct outbound *outbound, hg_str bytes)
{
    hg_str piece;

    while (bytes.n && !outbound->chunked.done) {
        size_t used = chunked_read(&outbound->chunked, bytes, &piece);

        bytes = (hg_str){bytes.p + used, bytes.n - used};
        if (outbound->chunked.bad) {
            finish(outbound, false, OUTBOUND_PROTOCOL, "malformed chunked coding");
            return;
        }
        if (piece.n && !give(outbound, piece))
            return;
    }
    if (outbound->chunked.done)
        answer_whole(outbound, bytes.n > 0);
    else
        all_given(outbound);
}

static void body_bytes(struct outbound *outbound, hg_str bytes)
{
    size_t n = bytes.n;

    switch (outbound->framing) {
    case FRAMING_CHUNKED:
        body_chunked(outbound, bytes);
        return;
    case FRAMING_NONE:
        answer_whole(outbound, bytes.n > 0);
        return;
    case FRAMING_LENGTH:
        if (n > outbound->left)
            n = (size_t)outbound->left;
        outbound->left -= n;
        if (n && !give(outbound, (hg_str){bytes.p, n}))
            return;
        if (outbound->left == 0)
            answer_whole(outbound, n < bytes.n);
        else
            all_given(outbound);
        return;
    case FRAMING_UNTIL_CLOSE:
        if (!n || give(outbound, bytes))
            all_given(outbound);
        return;
    }
}

enum heads {
    HEADS_MORE,
    HEADS_DONE,
    HEADS_GONE
};

/* Reads heads at the front of *bytes, up to the final one: 1xx ones are passed over. *bytes becomes
 * what follows. */
static enum heads heads_read(struct outbound *outbound, hg_str *bytes)
{
    const char *reason = "";
    bool gone = false;

    while (!outbound->got_head) {
        enum parse_result result = parse_response(outbound->arena, &outbound->scan, *bytes, &limits,
                                                  &outbound->head, &reason);

        if (result == PARSE_MORE)
            return HEADS_MORE;
        if (result == PARSE_OK && outbound->head.status == 101) {
            result = PARSE_BAD;
            reason = "an upgrade that nobody asked for";
        }
        if (result != PARSE_OK) {
            finish(outbound, false, OUTBOUND_PROTOCOL, reason);
            return HEADS_GONE;
        }
        *bytes = (hg_str){bytes->p + outbound->head.size, bytes->n - outbound->head.size};
        outbound->scan = (struct head_scan){0};
        outbound->got_head = outbound->head.status >= 200;
    }
    body_frame(outbound);
    outbound->gone = &gone;
    outbound->events->on_head(outbound->arg, &outbound->head);
    if (gone)
        return HEADS_GONE;
    outbound->gone = NULL;
    return HEADS_DONE;
}

static void answer_bytes(struct outbound *outbound, hg_str bytes)
{
    struct buffer in = outbound->in; /* ours, for the exchange may end on the way */

    if (outbound->got_head) {
        body_bytes(outbound, bytes);
        return;
    }
    outbound->in = (struct buffer){0};
    if (in.len) {
        buffer_add(&in, bytes.p, bytes.n);
        bytes = buffer_text(&in);
    }
    switch (heads_read(outbound, &bytes)) {
    case HEADS_MORE:
        buffer_add(&outbound->in, bytes.p, bytes.n);
        break;
    case HEADS_DONE:
        body_bytes(outbound, bytes);
        break;
    case HEADS_GONE:
        break;
    }
    buffer_done(&in);
}

/* ---- the connection's events ----------------------------------------------------------------- */

/* When the other side has to have said something. */
static hg_ns answer_due(const struct outbound *outbound)
{
    const struct outbound_request *request = &outbound->request;
    hg_ns limit = outbound->times.first_byte ? request->idle_timeout : request->first_byte_timeout;
    hg_ns due = limit ? clock_now() + limit : INT64_MAX;

    return request->deadline && request->deadline < due ? request->deadline : due;
}

static void timer_renew(struct outbound *outbound)
{
    timer_set(outbound->upstream->settings.loop, &outbound->connection->timer,
              answer_due(outbound));
}

static void on_readable(void *arg)
{
    struct connection *connection = arg;
    struct outbound *outbound = connection->outbound;
    ssize_t n = stream_read(connection->stream, stream_scratch(), STREAM_SCRATCH);

    if (n == STREAM_AGAIN)
        return;
    if (n > 0) {
        if (!outbound->times.first_byte)
            outbound->times.first_byte = clock_now();
        timer_renew(outbound);
        answer_bytes(outbound, (hg_str){stream_scratch(), (size_t)n});
        return;
    }
    if (n == STREAM_END && outbound->got_head && outbound->framing == FRAMING_UNTIL_CLOSE)
        finish(outbound, false, OUTBOUND_OK, "");
    else
        connection_lost(outbound, n == STREAM_END
                                      ? "the connection was closed before the answer ended"
                                      : "the connection broke");
}

static void on_broken(void *arg)
{
    struct connection *connection = arg;

    connection_lost(connection->outbound, "the connection broke");
}

static const struct stream_events busy_events = {.on_readable = on_readable,
                                                 .on_broken = on_broken};

static void on_timer(void *arg)
{
    struct connection *connection = arg;
    struct outbound *outbound = connection->outbound;

    if (!outbound) {
        connection_close(connection);
        return;
    }
    if (outbound->request.deadline && clock_now() >= outbound->request.deadline)
        finish(outbound, false, OUTBOUND_TOTAL_TIMEOUT, "the time for the whole attempt is over");
    else if (outbound->paused) /* it is we who do not listen */
        timer_renew(outbound);
    else if (outbound->times.first_byte)
        finish(outbound, false, OUTBOUND_IDLE_TIMEOUT, "the answer stopped coming");
    else
        finish(outbound, false, OUTBOUND_FIRST_BYTE_TIMEOUT, "no answer in time");
}

/* ---- the request goes out -------------------------------------------------------------------- */

/* A failure on the caller's stack is told from the loop. */
static void on_fail(void *arg)
{
    struct outbound *outbound = arg;

    connection_lost(outbound, "the connection broke");
}

static void send_request(struct outbound *outbound)
{
    enum {
        SEGMENTS_AT_ONCE = 63
    };
    const struct chain *body = outbound->request.body;
    struct stream *stream = outbound->connection->stream;
    struct iovec iov[SEGMENTS_AT_ONCE + 1];
    uint32_t count = body ? body->count : 0, done = 0;
    int used = 1;
    bool sent = true;

    iov[0] = (struct iovec){(void *)(uintptr_t)outbound->request.head.p, outbound->request.head.n};
    do {
        while (done < count && used <= SEGMENTS_AT_ONCE) {
            const struct segment *segment = &body->segments[done++];

            iov[used++] = (struct iovec){(void *)(uintptr_t)segment->p, segment->n};
        }
        sent = stream_write(stream, iov, used);
        used = 0;
    } while (sent && done < count);
    outbound->times.sent = clock_now();
    timer_renew(outbound);
    if (!sent)
        task_queue(outbound->upstream->settings.loop, &outbound->fail);
}

static void take_connection(struct outbound *outbound, struct connection *connection)
{
    outbound->connection = connection;
    connection->outbound = outbound;
    outbound->times.connected = clock_now();
    stream_hand_over(connection->stream, &busy_events, connection);
    send_request(outbound);
}

static void on_dialled(void *arg, int fd, struct tls_session *tls, enum dial_fault fault,
                       const char *reason)
{
    struct outbound *outbound = arg;
    struct upstream *upstream = outbound->upstream;

    outbound->dial = NULL;
    if (fault != DIAL_OK) {
        enum outbound_fault mine = fault == DIAL_TIMEOUT          ? OUTBOUND_CONNECT_TIMEOUT
                                   : fault == DIAL_NO_DESCRIPTORS ? OUTBOUND_NO_DESCRIPTORS
                                                                  : OUTBOUND_CONNECT;
        finish(outbound, false, mine, reason);
        return;
    }
    struct connection *connection = xcalloc(1, sizeof *connection);

    connection->upstream = upstream;
    connection->timer = (struct timer){.fn = on_timer, .arg = connection};
    connection->stream = stream_new(upstream->settings.loop, fd, &busy_events, connection);
    if (tls)
        stream_use_tls(connection->stream, tls);
    take_connection(outbound, connection);
}

static void start(struct outbound *outbound)
{
    struct upstream *upstream = outbound->upstream;
    struct connection *warm = outbound->again ? NULL : TAILQ_FIRST(&upstream->idle);
    const struct outbound_request *request = &outbound->request;

    outbound->times.reused = warm != NULL;
    if (warm) {
        TAILQ_REMOVE(&upstream->idle, warm, entry);
        upstream->idle_count--;
        take_connection(outbound, warm);
        return;
    }
    hg_ns due = request->connect_timeout ? clock_now() + request->connect_timeout : 0;

    if (request->deadline && (!due || request->deadline < due))
        due = request->deadline;
    struct dial_target target = {.host = {upstream->host, strlen(upstream->host)},
                                 .port = upstream->settings.port,
                                 .tls = upstream->settings.tls,
                                 .server_name = upstream->server_name,
                                 .deadline = due};

    outbound->dial = dial_start(upstream->settings.dialer, &target, on_dialled, outbound);
}

struct outbound *outbound_send(struct upstream *upstream, struct arena *arena,
                               const struct outbound_request *request,
                               const struct outbound_events *events, void *arg)
{
    struct outbound *outbound = arena_zalloc(arena, sizeof *outbound);

    outbound->upstream = upstream;
    outbound->arena = arena;
    outbound->request = *request;
    outbound->events = events;
    outbound->arg = arg;
    outbound->fail = (struct task){.fn = on_fail, .arg = outbound};
    start(outbound);
    return outbound;
}

void outbound_pause(struct outbound *outbound, bool paused)
{
    outbound->paused = paused;
    if (outbound->connection)
        stream_pause(outbound->connection->stream, paused);
}

const struct outbound_times *outbound_times(const struct outbound *outbound)
{
    return &outbound->times;
}
