/* A connection reads one request at a time and answers it before it looks at the next. The bytes of
 * an answer are the sender's business; here requests are read, and it is decided what is said. */
#include "simulate/simulator.h"

#include <headgate/provider.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/chunked.h"
#include "http/parse.h"
#include "net/listener.h"
#include "net/stream.h"
#include "simulate/damage.h"
#include "simulate/endpoint.h"
#include "simulate/fault.h"
#include "simulate/key.h"
#include "simulate/sender.h"

enum {
    HEAD_MOST = 256 * 1024,
    BODY_MOST = 64 * 1024 * 1024,
    AHEAD_MOST = 1024 * 1024, /* of further requests while one is answered */
    LINGER_S = 2,
};

struct simulator {
    struct simulator_setup setup;
    struct listener *listener;
    struct connection *connections;
    uint64_t connection_count;
};

struct connection {
    struct simulator *simulator;
    struct connection *next, **from;
    struct stream *stream;
    struct timer linger;
    struct buffer in, body;
    uint64_t id, number; /* of the request, from 1 */
    bool has_ended;      /* the other side sends no more */
    bool is_lingering;   /* we send no more */

    /* The request in hand. */
    struct arena *arena;
    struct head_scan scan;
    struct head head;
    bool has_head, continued;
    struct chunked chunked;
    struct ask ask;
    struct rule rule;
    struct reply *reply;
    struct sender *sender;
};

static void connection_go_on(struct connection *connection);

/* ---- the end of a connection ----------------------------------------------------------------- */

static void request_done(struct connection *connection)
{
    sender_stop(&connection->sender);
    buffer_done(&connection->body);
    arena_free(&connection->arena);
    connection->reply = NULL;
    connection->has_head = connection->continued = false;
    connection->scan = (struct head_scan){0};
}

static void request_log_end(struct connection *connection, const char *how)
{
    if (connection->sender)
        diary_end(connection->simulator->setup.diary, connection->id, connection->number,
                  connection->reply->status, sender_bytes(connection->sender), how);
}

static void connection_free(struct connection *connection)
{
    timer_clear(connection->simulator->setup.loop, &connection->linger);
    request_done(connection);
    stream_close(&connection->stream);
    buffer_done(&connection->in);
    *connection->from = connection->next;
    if (connection->next)
        connection->next->from = connection->from;
    free(connection);
}

static void on_lingered(void *arg)
{
    connection_free(arg);
}

/* Says that no more comes, and waits a little for the other side to see it: closing at once could
 * turn into a reset that overtakes the last bytes. */
static void connection_close(struct connection *connection)
{
    if (connection->has_ended) {
        connection_free(connection);
        return;
    }
    stream_shutdown(connection->stream);
    stream_pause(connection->stream, false);
    connection->is_lingering = true;
    timer_set(connection->simulator->setup.loop, &connection->linger,
              clock_now() + LINGER_S * NS_PER_S);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static bool rule_set_headers(struct rule *rule, struct arena *arena, const struct head *head,
                             struct error *error)
{
    static const hg_str prefix = {"x-simulate-", 11};

    for (unsigned i = 0; i < head->field_count; i++) {
        hg_str name = head->fields[i].name;

        if (!text_starts(name, prefix))
            continue;
        name.p += prefix.n, name.n -= prefix.n;
        if (!rule_set(rule, arena, name, head->fields[i].value, error))
            return false;
    }
    return true;
}

static bool rule_make(struct connection *connection, struct error *error)
{
    const struct ask *ask = &connection->ask;
    struct drill *drill = connection->simulator->setup.drill;
    struct rule *rule = &connection->rule;

    return (!drill || drill_apply(drill, ask, rule, error)) &&
           rule_set_model(rule, ask->arena, ask->model, error) &&
           rule_set_headers(rule, ask->arena, ask->head, error);
}

/* A model that says what it wants speaks for itself, also where recordings are replayed. */
static bool is_replayed(const struct connection *connection)
{
    const struct ask *ask = &connection->ask;

    return connection->simulator->setup.replay &&
           (connection->rule.cassette.n || !text_starts(ask->model, HG_S("sim:")));
}

/* A recording answers whatever it was asked with. */
static bool as_described(struct connection *connection)
{
    const struct ask *ask = &connection->ask;
    const struct spec *spec = connection->simulator->setup.spec;
    hg_str place, reason;

    if (!spec || is_replayed(connection) || spec_check(spec, ask, &place, &reason))
        return true;
    if (place.n)
        reason = arena_fmt(ask->arena, "%.*s: %.*s", TEXT_ARG(place), TEXT_ARG(reason));
    fault_refuse(connection->reply, ask->dialect, 400, place, reason);
    return false;
}

/* What stands before an answer: the key, the rule, the public description of the API. */
static bool is_welcome(struct connection *connection)
{
    const struct ask *ask = &connection->ask;
    struct error error;

    if (!key_fits(connection->simulator->setup.key, &connection->head)) {
        struct rule rule = rule_default;

        rule.error = HG_S("auth");
        struct fault fault = fault_of(ask->arena, ask->dialect, &rule, 401);

        fault_answer(connection->reply, ask->dialect, &fault);
        return false;
    }
    if (!rule_make(connection, &error)) {
        connection->rule = connection->simulator->setup.rule;
        fault_refuse(connection->reply, ask->dialect, 400, (hg_str){0},
                     arena_text(ask->arena, text_of(error.text)));
        return false;
    }
    return as_described(connection);
}

static void reply_finish(struct connection *connection)
{
    struct reply *reply = connection->reply;

    if (connection->ask.is_array && !damage_is_foreign(&connection->rule))
        reply_as_array(reply);
    else if (connection->rule.crlf && reply->is_stream && reply->framing == HG_FRAME_SSE)
        reply_as_crlf(reply);
}

static void reply_make(struct connection *connection)
{
    const struct ask *ask = &connection->ask;
    struct reply *reply = connection->reply;

    if (!is_welcome(connection)) {
        reply_finish(connection);
        return;
    }
    if (is_replayed(connection) && !damage_is_whole(&connection->rule)) {
        replay_answer(connection->simulator->setup.replay, ask, reply);
        damage_apply(ask, reply);
        return;
    }
    if (!damage_is_whole(&connection->rule))
        endpoint_answer(ask, reply);
    damage_apply(ask, reply);
    reply_finish(connection);
}

static void on_sent(void *arg, enum sender_end end)
{
    static const char *const how[] = {[SENDER_DONE] = "done",
                                      [SENDER_DONE_CLOSE] = "closed",
                                      [SENDER_RESET] = "reset",
                                      [SENDER_GONE] = "gone"};
    struct connection *connection = arg;

    request_log_end(connection, how[end]);
    request_done(connection);
    switch (end) {
    case SENDER_DONE:
        stream_pause(connection->stream, false);
        connection_go_on(connection);
        break;
    case SENDER_DONE_CLOSE:
        connection_close(connection);
        break;
    case SENDER_RESET:
        stream_reset(&connection->stream);
        connection_free(connection);
        break;
    case SENDER_GONE:
        connection_free(connection);
        break;
    }
}

static void request_answer(struct connection *connection, bool is_whole)
{
    const struct simulator_setup *setup = &connection->simulator->setup;
    hg_str body = buffer_text(&connection->body);

    connection->number++;
    connection->rule = setup->rule;
    connection->reply = reply_new(connection->arena);
    ask_read(&connection->ask, connection->arena, &connection->head, body, &connection->rule);
    diary_request(setup->diary, connection->id, connection->number, &connection->head, body);
    reply_make(connection);
    connection->sender =
        sender_start(&(struct sender_setup){.loop = setup->loop,
                                            .stream = connection->stream,
                                            .rule = &connection->rule,
                                            .reply = connection->reply,
                                            .is_head = connection->head.method == METHOD_HEAD,
                                            .keep_alive = connection->head.keep_alive && is_whole,
                                            .is_old = connection->head.minor == 0,
                                            .on_end = on_sent,
                                            .arg = connection});
}

/* ---- what is read ---------------------------------------------------------------------------- */

/* What is no request gets this and no more. */
static void refuse(struct connection *connection, int status, const char *reason)
{
    struct arena *arena = arena_new();
    hg_str body =
        dialect_openai_chat.error_body(arena, status, (hg_str){0}, (hg_str){0}, text_of(reason));
    hg_str head = arena_fmt(arena,
                            "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n"
                            "content-length: %zu\r\nconnection: close\r\n\r\n",
                            status, http_reason(status), body.n);
    struct iovec iov[] = {{(void *)(uintptr_t)head.p, head.n}, {(void *)(uintptr_t)body.p, body.n}};

    stream_write(connection->stream, iov, 2);
    arena_free(&arena);
    connection_close(connection);
}

static enum parse_result read_head(struct connection *connection, const char **ret_reason)
{
    static const struct head_limits limits = {HEAD_MOST, HEAD_MOST, HEAD_FIELDS_MAX};

    if (!connection->in.len)
        return PARSE_MORE;
    if (!connection->arena)
        connection->arena = arena_new();
    enum parse_result result =
        parse_request(connection->arena, &connection->scan, buffer_text(&connection->in), &limits,
                      &connection->head, ret_reason);

    if (result == PARSE_OK) {
        buffer_take(&connection->in, connection->head.size);
        connection->has_head = true;
        connection->chunked = (struct chunked){0};
    }
    return result;
}

/* True if the body is whole. */
static bool read_body(struct connection *connection)
{
    struct buffer *in = &connection->in, *body = &connection->body;

    if (!connection->head.chunked) {
        int64_t length = connection->head.content_length;
        size_t left = (length > 0 ? (size_t)length : 0) - body->len;
        size_t n = in->len < left ? in->len : left;

        buffer_add(body, buffer_at(in), n);
        buffer_take(in, n);
        return n == left;
    }
    while (in->len && !connection->chunked.done && !connection->chunked.bad) {
        hg_str piece;
        size_t n = chunked_read(&connection->chunked, buffer_text(in), &piece);

        buffer_add(body, piece.p, piece.n);
        buffer_take(in, n);
        if (n == 0)
            break;
    }
    return connection->chunked.done;
}

static bool wants_early(const struct connection *connection)
{
    return head_field(&connection->head, HG_S("x-simulate-early")).n > 0 ||
           connection->simulator->setup.rule.early;
}

static void say_continue(struct connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(void *)(uintptr_t)line, sizeof line - 1};

    if (connection->head.expect_continue && !connection->continued)
        stream_write(connection->stream, &iov, 1);
    connection->continued = true;
}

static void connection_go_on(struct connection *connection)
{
    if (connection->sender || connection->is_lingering)
        return;
    const char *reason = "";
    enum parse_result head = connection->has_head ? PARSE_OK : read_head(connection, &reason);

    if (head == PARSE_MORE) {
        if (connection->has_ended)
            connection_free(connection);
        return;
    }
    if (head != PARSE_OK) {
        refuse(connection, head == PARSE_CODING ? 501 : 400, reason);
        return;
    }
    if (wants_early(connection)) {
        request_answer(connection, false);
    } else if (connection->head.content_length > BODY_MOST || connection->body.len > BODY_MOST) {
        refuse(connection, 413, "the body is too large");
    } else if (read_body(connection)) {
        request_answer(connection, true);
    } else if (connection->chunked.bad) {
        refuse(connection, 400, "the chunked coding is broken");
    } else if (connection->has_ended) {
        connection_free(connection);
    } else {
        say_continue(connection);
    }
}

static void on_end_of_input(struct connection *connection, bool broken)
{
    connection->has_ended = true;
    if (!broken && connection->sender && !sender_is_stalled(connection->sender)) {
        stream_pause(connection->stream, true);
        return;
    }
    if (connection->sender || connection->is_lingering || broken) {
        request_log_end(connection, "gone");
        connection_free(connection);
        return;
    }
    connection_go_on(connection);
}

static void on_readable(void *arg)
{
    struct connection *connection = arg;
    ssize_t n;

    while ((n = stream_read(connection->stream, stream_scratch(), STREAM_SCRATCH)) > 0) {
        if (connection->is_lingering)
            continue;
        buffer_add(&connection->in, stream_scratch(), (size_t)n);
        if (connection->sender && connection->in.len > AHEAD_MOST) {
            stream_pause(connection->stream, true);
            return;
        }
    }
    if (n == STREAM_AGAIN)
        connection_go_on(connection);
    else
        on_end_of_input(connection, n == STREAM_BROKEN);
}

static void on_drained(void *arg)
{
    struct connection *connection = arg;

    if (connection->sender)
        sender_drained(connection->sender);
}

static void on_broken(void *arg)
{
    struct connection *connection = arg;

    request_log_end(connection, "gone");
    connection_free(connection);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void on_accept(void *arg, int fd)
{
    static const struct stream_events events = {on_readable, on_drained, on_broken};
    struct simulator *simulator = arg;
    struct connection *connection = xcalloc(1, sizeof *connection);

    connection->simulator = simulator;
    connection->id = ++simulator->connection_count;
    connection->linger = (struct timer){.fn = on_lingered, .arg = connection};
    connection->from = &simulator->connections;
    connection->next = simulator->connections;
    if (connection->next)
        connection->next->from = &connection->next;
    simulator->connections = connection;
    connection->stream = stream_new(simulator->setup.loop, fd, &events, connection);
}

struct simulator *simulator_new(const struct simulator_setup *setup)
{
    static const struct listener_events events = {.on_accept = on_accept};
    struct simulator *simulator = xcalloc(1, sizeof *simulator);

    simulator->setup = *setup;
    simulator->listener = listener_new(setup->loop, setup->fd, &events, simulator);
    return simulator;
}

void simulator_free(struct simulator **simulator)
{
    if (!*simulator)
        return;
    while ((*simulator)->connections)
        connection_free((*simulator)->connections);
    listener_free(&(*simulator)->listener);
    free(*simulator);
    *simulator = NULL;
}
