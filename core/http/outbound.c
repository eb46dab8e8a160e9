#include "http/outbound.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "http/outbound_parts.h"
#include "net/tls.h"

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
    task_clear(outbound->upstream->settings.loop, &outbound->ready);
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

void outbound_finish(struct outbound *outbound, bool keep, enum outbound_fault fault,
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
        outbound_finish(outbound, false, OUTBOUND_CLOSED, reason);
        return;
    }
    let_go(outbound, false);
    outbound->again = true;
    start(outbound);
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
        outbound_answer_bytes(outbound, (hg_str){stream_scratch(), (size_t)n});
        return;
    }
    if (n == STREAM_END && outbound->got_head &&
        (outbound->framing == FRAMING_UNTIL_CLOSE || outbound->framing == FRAMING_UPGRADED))
        outbound_finish(outbound, false, OUTBOUND_OK, "");
    else
        connection_lost(outbound, n == STREAM_END
                                      ? "the connection was closed before the answer ended"
                                      : "the connection broke");
}

/* Who refuses a body before it has ended may close at once; then writing fails, and what they said
 * still lies here. */
static void listen_only(struct outbound *outbound)
{
    outbound->is_deaf = true;
    stream_read_on(outbound->connection->stream);
}

static void on_broken(void *arg)
{
    struct connection *connection = arg;
    struct outbound *outbound = connection->outbound;

    if (outbound->request.is_open && !outbound->is_deaf)
        listen_only(outbound);
    else
        connection_lost(outbound, "the connection broke");
}

static void on_drained(void *arg)
{
    struct connection *connection = arg;
    struct outbound *outbound = connection->outbound;

    timer_renew(outbound);
    if (outbound->is_open && !outbound->is_deaf)
        outbound->events->on_ready(outbound->arg);
}

static const struct stream_events busy_events = {on_readable, on_drained, on_broken};

/* Whether it is our turn to say something. */
static bool is_waited_for(const struct outbound *outbound)
{
    return outbound->paused ||
           (outbound->is_open && !outbound->is_deaf && !outbound_queued(outbound));
}

static void on_timer(void *arg)
{
    struct connection *connection = arg;
    struct outbound *outbound = connection->outbound;

    if (!outbound) {
        connection_close(connection);
        return;
    }
    if (outbound->request.deadline && clock_now() >= outbound->request.deadline)
        outbound_finish(outbound, false, OUTBOUND_TOTAL_TIMEOUT,
                        "the time for the whole attempt is over");
    else if (is_waited_for(outbound))
        timer_renew(outbound);
    else if (outbound->times.first_byte)
        outbound_finish(outbound, false, OUTBOUND_IDLE_TIMEOUT, "the answer stopped coming");
    else
        outbound_finish(outbound, false, OUTBOUND_FIRST_BYTE_TIMEOUT, "no answer in time");
}

/* ---- the request goes out -------------------------------------------------------------------- */

/* A failure on the caller's stack is told from the loop. */
static void on_fail(void *arg)
{
    struct outbound *outbound = arg;

    connection_lost(outbound, "the connection broke");
}

static bool send_piece(struct outbound *outbound, hg_str bytes)
{
    static char line_end[] = "\r\n";
    char line[CHUNKED_LINE_MAX];
    struct iovec iov[3];
    int used = 0;

    if (!bytes.n)
        return true;
    if (outbound->request.is_chunked)
        iov[used++] = (struct iovec){line, chunked_line(line, bytes.n)};
    iov[used++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
    if (outbound->request.is_chunked)
        iov[used++] = (struct iovec){line_end, 2};
    return stream_write(outbound->connection->stream, iov, used);
}

/* What there is of an open one; more is asked for from the loop. */
static void send_beginning(struct outbound *outbound)
{
    const struct outbound_request *request = &outbound->request;
    struct iovec head = {(void *)(uintptr_t)request->head.p, request->head.n};
    bool sent = stream_write(outbound->connection->stream, &head, 1);

    for (uint32_t i = 0; sent && request->body && i < request->body->count; i++)
        sent = send_piece(outbound,
                          (hg_str){request->body->segments[i].p, request->body->segments[i].n});
    outbound->times.sent = clock_now();
    timer_renew(outbound);
    if (sent)
        task_queue(outbound->upstream->settings.loop, &outbound->ready);
    else
        listen_only(outbound);
}

static void on_ready(void *arg)
{
    struct outbound *outbound = arg;

    outbound->events->on_ready(outbound->arg);
}

void outbound_write(struct outbound *outbound, hg_str bytes, bool last)
{
    static char last_chunk[] = "0\r\n\r\n";
    struct iovec iov = {last_chunk, sizeof last_chunk - 1};

    ensure(outbound->connection && outbound->is_open);
    outbound->is_open = !last;
    if (outbound->is_deaf)
        return;
    bool sent =
        send_piece(outbound, bytes) && (!last || !outbound->request.is_chunked ||
                                        stream_write(outbound->connection->stream, &iov, 1));

    timer_renew(outbound);
    if (!sent)
        listen_only(outbound);
}

size_t outbound_queued(const struct outbound *outbound)
{
    return outbound->connection ? stream_queued(outbound->connection->stream) : 0;
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
    if (outbound->request.is_open)
        send_beginning(outbound);
    else
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
        outbound_finish(outbound, false, mine, reason);
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
    const struct outbound_request *request = &outbound->request;
    bool fresh = outbound->again || request->is_open; /* such a body cannot be sent again */
    struct connection *warm = fresh ? NULL : TAILQ_FIRST(&upstream->idle);

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
    outbound->ready = (struct task){.fn = on_ready, .arg = outbound};
    outbound->is_open = request->is_open;
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
