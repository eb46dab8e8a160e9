#include "gateway/tunnel.h"

#include "base/clock.h"
#include "base/text.h"
#include "dialect/realtime.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "net/stream.h"

#define CLOSE_TIME (5 * NS_PER_S) /* for the answer to a close frame */

enum {
    MESSAGE_MAX = 256 * 1024 /* of a message that is looked at */
};

/* ---- the end --------------------------------------------------------------------------------- */

static void client_tell(struct tunnel *tunnel, unsigned code, const char *reason)
{
    struct exchange *exchange = tunnel->request->exchange;
    char room[WEBSOCKET_CLOSE_MAX];

    if (!exchange || tunnel->provider.is_closed || websocket_is_inside(&tunnel->provider))
        return;
    hg_str frame = websocket_close(room, false, code, reason);

    inbound_write(exchange, &frame, 1, false);
}

static void provider_tell(struct tunnel *tunnel, unsigned code, const char *reason)
{
    struct attempt *attempt = tunnel->attempt;
    char room[WEBSOCKET_CLOSE_MAX];

    if (!attempt->outbound || tunnel->client.is_closed || websocket_is_inside(&tunnel->client))
        return;
    hg_str frame = websocket_close(room, true, code, reason);

    outbound_write(attempt->outbound, frame, false);
}

static void ended_by(struct tunnel *tunnel, enum tunnel_side side, unsigned code)
{
    if (tunnel->closed_by != TUNNEL_NOBODY)
        return;
    tunnel->closed_by = side;
    tunnel->close_code = (uint16_t)code;
}

/* Ends both connections, and with the client's the request: nothing of it may be touched after. */
static void end(struct tunnel *tunnel)
{
    struct exchange *exchange = tunnel->request->exchange;

    tunnel->is_over = true;
    timer_clear(tunnel->request->gateway->loop, &tunnel->timer);
    attempt_cancel(tunnel->attempt);
    if (exchange)
        inbound_abort(exchange);
}

static void fail(struct tunnel *tunnel, enum fault_kind kind, const char *reason)
{
    struct request *request = tunnel->request;

    if (request->fault.kind == FAULT_NONE)
        request->fault = (struct fault){.kind = kind,
                                        .message = arena_fmt(request->arena, "%s", reason),
                                        .target = text_of(tunnel->attempt->target->name)};
}

/* One end breaks the rules of the protocol. */
static void end_broken(struct tunnel *tunnel, const struct websocket *from)
{
    if (from == &tunnel->client) {
        ended_by(tunnel, TUNNEL_CLIENT, from->fault);
        fail(tunnel, FAULT_BAD_REQUEST, from->reason);
        client_tell(tunnel, from->fault, from->reason);
        provider_tell(tunnel, CLOSE_GOING_AWAY, "the client broke the protocol");
    } else {
        ended_by(tunnel, TUNNEL_PROVIDER, from->fault);
        fail(tunnel, FAULT_PROTOCOL, from->reason);
        tunnel->request->truncated = true;
        provider_tell(tunnel, from->fault, from->reason);
        client_tell(tunnel, CLOSE_INTERNAL, "the provider broke the protocol");
    }
    end(tunnel);
}

/* A close frame has passed: the other end has so long to answer it. */
static void closing(struct tunnel *tunnel, const struct websocket *from)
{
    ended_by(tunnel, from == &tunnel->client ? TUNNEL_CLIENT : TUNNEL_PROVIDER, from->close_code);
    if (tunnel->client.is_closed && tunnel->provider.is_closed) {
        end(tunnel);
        return;
    }
    if (!tunnel->is_closing)
        timer_set(tunnel->request->gateway->loop, &tunnel->timer, clock_now() + CLOSE_TIME);
    tunnel->is_closing = true;
}

static void on_timer(void *arg)
{
    struct tunnel *tunnel = arg;

    if (tunnel->is_closing) { /* each gets what the other would have answered */
        client_tell(tunnel, tunnel->close_code, "");
        provider_tell(tunnel, tunnel->close_code, "");
        end(tunnel);
        return;
    }
    ended_by(tunnel, TUNNEL_GATEWAY, CLOSE_GOING_AWAY);
    fail(tunnel, FAULT_TIMEOUT, "nothing was said for too long");
    client_tell(tunnel, CLOSE_GOING_AWAY, "nothing was said for too long");
    provider_tell(tunnel, CLOSE_GOING_AWAY, "nothing was said for too long");
    end(tunnel);
}

void tunnel_cut(struct tunnel *tunnel, const struct fault *fault)
{
    struct request *request = tunnel->request;
    const char *why = arena_cstr(request->arena, fault->message);

    ended_by(tunnel, TUNNEL_GATEWAY, CLOSE_GOING_AWAY);
    if (request->fault.kind == FAULT_NONE)
        request->fault = *fault;
    client_tell(tunnel, CLOSE_GOING_AWAY, why);
    provider_tell(tunnel, CLOSE_GOING_AWAY, why);
    end(tunnel);
}

bool tunnel_left(struct tunnel *tunnel)
{
    bool expected = tunnel->is_over || tunnel->client.is_closed || tunnel->provider.is_closed;

    if (!tunnel->is_over)
        provider_tell(tunnel, expected ? tunnel->close_code : CLOSE_GOING_AWAY,
                      expected ? "" : "the client has gone");
    ended_by(tunnel, TUNNEL_CLIENT, CLOSE_ABNORMAL);
    tunnel->is_over = true;
    timer_clear(tunnel->request->gateway->loop, &tunnel->timer);
    return expected;
}

/* ---- what a provider's messages tell -----------------------------------------------------------
 */

static void usage_add(hg_usage *sum, const hg_usage *more)
{
    sum->size = sizeof *sum;
    sum->flags |= more->flags;
    sum->input += more->input;
    sum->output += more->output;
    sum->cached_input += more->cached_input;
    sum->audio_in += more->audio_in;
    sum->audio_out += more->audio_out;
}

static void message_read(struct tunnel *tunnel, hg_str message)
{
    struct attempt *attempt = tunnel->attempt;
    struct arena *arena = arena_new(), *kept = tunnel->request->arena;
    struct realtime_event event;

    realtime_event_read(arena, message, &event);
    if (event.has_usage) {
        attempt->has_usage = true;
        usage_add(&attempt->usage, &event.usage);
    }
    if (event.model.n && !attempt->model_answered.n)
        attempt->model_answered = arena_text(kept, event.model);
    if (event.id.n && !attempt->response_id.n)
        attempt->response_id = arena_text(kept, event.id);
    arena_free(&arena);
}

/* Most messages come in one piece, or say with their first one that they are of no interest. */
static void message_look(struct tunnel *tunnel, const struct websocket_piece *piece)
{
    struct buffer *message = &tunnel->message;
    hg_str payload = piece->payload;

    if (piece->opcode != WEBSOCKET_TEXT)
        return;
    if (piece->starts)
        tunnel->skips = false;
    if (!tunnel->skips && !message->len && payload.n)
        tunnel->skips = !realtime_may_tell(payload);
    if (!tunnel->skips && piece->ends && !message->len) {
        message_read(tunnel, payload);
    } else if (!tunnel->skips && message->len + payload.n <= MESSAGE_MAX) {
        buffer_add(message, payload.p, payload.n);
        if (piece->ends)
            message_read(tunnel, buffer_text(message));
    } else {
        tunnel->skips = true;
    }
    if (piece->ends || tunnel->skips)
        buffer_done(message);
}

/* ---- frames pass -------------------------------------------------------------------------------
 */

static void hand_on(struct tunnel *tunnel, const struct websocket *from, const hg_str *pieces,
                    unsigned count)
{
    struct exchange *exchange = tunnel->request->exchange;
    struct attempt *attempt = tunnel->attempt;

    if (from == &tunnel->client && attempt->outbound) {
        for (unsigned i = 0; i < count; i++)
            outbound_write(attempt->outbound, pieces[i], false);
        if (outbound_queued(attempt->outbound) > STREAM_HIGH_WATER)
            inbound_pause(exchange, true);
    } else if (from == &tunnel->provider && exchange) {
        inbound_write(exchange, pieces, count, false);
        if (inbound_queued(exchange) > STREAM_HIGH_WATER && !attempt->paused)
            attempt_pause(attempt, true);
    }
}

/* What one end has sent, as far as it is whole. The request may be over afterwards. */
static void pass(struct tunnel *tunnel, struct websocket *from, hg_str bytes)
{
    hg_ns idle = tunnel->request->gateway->config->limits.websocket_timeout;
    struct websocket_piece piece;
    enum websocket_found found;
    hg_str run = {bytes.p, 0};

    while ((found = websocket_next(from, &bytes, &piece)) == WEBSOCKET_DATA ||
           found == WEBSOCKET_CONTROL) {
        if (found == WEBSOCKET_DATA && from == &tunnel->provider)
            message_look(tunnel, &piece);
        if (piece.held.n) { /* only the first one, and its memory is used again */
            hand_on(tunnel, from, (const hg_str[]){piece.held, piece.bytes}, 2);
            run.p = piece.bytes.p + piece.bytes.n;
        } else {
            run.n += piece.bytes.n;
        }
    }
    if (run.n)
        hand_on(tunnel, from, &run, 1);
    if (!tunnel->is_closing)
        timer_set(tunnel->request->gateway->loop, &tunnel->timer, clock_now() + idle);
    if (found == WEBSOCKET_BAD)
        end_broken(tunnel, from);
    else if (from->is_closed)
        closing(tunnel, from);
}

void tunnel_bytes(struct tunnel *tunnel, hg_str bytes)
{
    if (!tunnel->is_over)
        pass(tunnel, &tunnel->client, bytes);
}

void tunnel_drained(struct tunnel *tunnel)
{
    if (tunnel->attempt->paused)
        attempt_pause(tunnel->attempt, false);
}

static void on_events(void *arg, hg_str bytes)
{
    struct tunnel *tunnel = arg;

    if (!tunnel->is_over)
        pass(tunnel, &tunnel->provider, bytes);
}

static void on_pause(void *arg)
{
    (void)arg; /* each read is written at once */
}

/* The provider's connection has ended. */
static void on_end(void *arg)
{
    struct tunnel *tunnel = arg;

    if (tunnel->is_over)
        return;
    if (tunnel->client.is_closed || tunnel->provider.is_closed) {
        client_tell(tunnel, tunnel->close_code, "");
    } else {
        ended_by(tunnel, TUNNEL_PROVIDER, CLOSE_ABNORMAL);
        fail(tunnel, FAULT_PROTOCOL, "the provider ended the session without a close frame");
        tunnel->request->truncated = true;
        client_tell(tunnel, CLOSE_INTERNAL, "the provider has gone");
    }
    end(tunnel);
}

static void on_drained(void *arg)
{
    struct tunnel *tunnel = arg;

    if (tunnel->request->exchange)
        inbound_pause(tunnel->request->exchange, false);
}

static const struct attempt_sink sink = {
    .on_events = on_events, .on_pause = on_pause, .on_end = on_end, .on_drained = on_drained};

/* ---- the beginning -----------------------------------------------------------------------------
 */

static void forget(void *arg)
{
    struct tunnel *tunnel = arg;

    timer_clear(tunnel->request->gateway->loop, &tunnel->timer);
    buffer_done(&tunnel->message);
}

/* Browsers end a session whose server picks none of the subprotocols that they have offered, and
 * some providers pick none. */
static hg_str protocol_of(const struct request *request, const struct attempt *attempt)
{
    hg_str chosen = head_field(attempt->head, HG_S("sec-websocket-protocol"));

    if (!chosen.n &&
        websocket_field_has(request->head, HG_S("sec-websocket-protocol"), HG_S("realtime")))
        return HG_S("realtime");
    return chosen;
}

static void handshake_answer(struct request *request, const struct attempt *attempt)
{
    hg_str key = head_field(request->head, HG_S("sec-websocket-key"));
    hg_str protocol = protocol_of(request, attempt);
    unsigned count = 0, own = 4;

    for (const struct pair *pair = request->headers; pair; pair = pair->next)
        own++;
    struct field *fields = arena_zalloc(request->arena, own * sizeof *fields);

    fields[count++] = (struct field){.name = HG_S("upgrade"), .value = HG_S("websocket")};
    fields[count++] = (struct field){.name = HG_S("sec-websocket-accept"),
                                     .value = websocket_accept(request->arena, key)};
    if (protocol.n)
        fields[count++] = (struct field){.name = HG_S("sec-websocket-protocol"), .value = protocol};
    fields[count++] = (struct field){.name = HG_S("x-headgate-request-id"), .value = request->id};
    for (const struct pair *pair = request->headers; pair; pair = pair->next)
        fields[count++] = (struct field){.name = pair->name, .value = pair->value};
    inbound_upgrade(request->exchange, &(struct answer_fields){fields, count});
}

void tunnel_start(struct request *request, struct answer *answer)
{
    struct tunnel *tunnel = arena_zalloc(request->arena, sizeof *tunnel);
    struct gateway *gateway = request->gateway;

    tunnel->request = request;
    tunnel->attempt = answer->attempt;
    tunnel->client.is_masked = true;
    tunnel->client.message_max = gateway->config->limits.max_body;
    tunnel->timer = (struct timer){.fn = on_timer, .arg = tunnel};
    arena_on_end(request->arena, forget, tunnel);
    request->tunnel = tunnel;
    request->status = answer->status;
    timer_set(gateway->loop, &tunnel->timer,
              clock_now() + gateway->config->limits.websocket_timeout);
    handshake_answer(request, answer->attempt);
    attempt_relay(answer->attempt, &sink, tunnel);
}
