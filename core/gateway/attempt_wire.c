#include "base/text.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "plugin/host.h"
#include "plugin/op.h"

/* Hands what the dialect's writer has made to the client's side. */
static void written_give(struct attempt *attempt)
{
    struct arena *arena = arena_new();
    hg_str bytes = chain_flat(attempt->written, arena);

    if (bytes.n && attempt->request->asked.is_stream)
        attempt_give(attempt, bytes);
    else
        buffer_add(&attempt->whole, bytes.p, bytes.n);
    chain_clear(attempt->written);
    arena_free(&arena);
}

static void event_keep(struct attempt *attempt, const hg_event *event)
{
    struct arena *arena = attempt->request->arena;

    if (event->type == HG_EV_USAGE && event->usage) {
        attempt->has_usage = true;
        attempt->usage = *event->usage;
    } else if (event->type == HG_EV_FINISH) {
        attempt->finish = event->finish;
    } else if (event->type == HG_EV_START) {
        attempt->response_id = arena_text(arena, event->id);
        attempt->model_answered = arena_text(arena, event->name);
    } else if (event->type == HG_EV_ERROR) {
        attempt->seen_error = true;
        attempt->error_type = arena_text(arena, event->name);
        attempt->error_message = arena_text(arena, event->text);
    }
}

static hg_rc on_emit(void *arg, const hg_event *event)
{
    struct attempt *attempt = arg;

    if (attempt->state != ATTEMPT_FIRST_EVENT && attempt->state != ATTEMPT_SUCCEEDED)
        return HG_E_CANCELLED;
    event_keep(attempt, event);
    if (event->type == HG_EV_ERROR && attempt->state == ATTEMPT_FIRST_EVENT) {
        attempt_fail(attempt, FAULT_UPSTREAM_5XX, "%s: %.*s", attempt->target->name,
                     TEXT_ARG(event->text));
        return HG_E_CANCELLED;
    }
    attempt->request->dialect->write(attempt->writer, event, attempt->written);
    if (event->type == HG_EV_TEXT || event->type == HG_EV_REASONING ||
        event->type == HG_EV_TOOL_START)
        attempt->request->chunks++;
    written_give(attempt);
    if (attempt->state == ATTEMPT_FIRST_EVENT && attempt->request->asked.is_stream)
        attempt_succeeded(attempt);
    return HG_OK;
}

void attempt_wire_begin(struct attempt *attempt)
{
    struct request *request = attempt->request;
    const hg_provider *provider = attempt->target->provider;
    hg_http_resp resp = {.size = sizeof resp, .status = attempt->status};
    uint32_t framing = HG_FRAME_AUTO;

    attempt->written = chain_new(request->arena);
    attempt->writer = request->dialect->writer_new(
        request->arena, request->asked.kind, request->asked.is_stream, request->asked.wants_usage);
    op_set_emit(attempt->op, on_emit);
    attempt->is_sse = request->asked.is_stream;
    attempt->content_type =
        request->asked.is_stream ? HG_S("text/event-stream") : HG_S("application/json");
    if (!provider->head || provider->invoke)
        return;
    resp.headers = headers_of_head(attempt->head);
    hg_rc rc = OP_CALL_NOW(attempt->op, "head",
                           provider->head(attempt->target->self, attempt->call,
                                          op_handle(attempt->op), &resp, &framing));
    if (rc < 0)
        attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                     op_error(attempt->op));
    attempt->framing = framing;
}

static void frame_give(struct attempt *attempt, hg_str event, hg_str data)
{
    const hg_provider *provider = attempt->target->provider;
    hg_frame frame = {.size = sizeof frame, .kind = attempt->framing, .event = event, .data = data};

    if (!attempt->op || !provider->frame || attempt->state > ATTEMPT_SUCCEEDED)
        return;
    hg_rc rc = OP_CALL_NOW(
        attempt->op, "frame",
        provider->frame(attempt->target->self, attempt->call, op_handle(attempt->op), &frame));
    if (rc < 0 && attempt->op)
        attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                     op_error(attempt->op));
}

/* Takes one frame off the front of what has been read; 0 if none is whole. */
static size_t frame_take(struct attempt *attempt, hg_str bytes)
{
    struct sse_event event;
    const char *end;

    if (attempt->framing == HG_FRAME_SSE) {
        size_t n = sse_first(bytes);

        if (!n)
            return 0;
        struct arena *arena = arena_new();

        sse_parse(arena, (hg_str){bytes.p, n}, &event);
        if (event.has_data)
            frame_give(attempt, event.event, event.data);
        arena_free(&arena);
        return n;
    }
    if (attempt->framing == HG_FRAME_LINES) {
        if (!(end = memchr(bytes.p, '\n', bytes.n)))
            return 0;
        size_t n = (size_t)(end - bytes.p);

        frame_give(attempt, HG_S(""), (hg_str){bytes.p, n && end[-1] == '\r' ? n - 1 : n});
        return n + 1;
    }
    frame_give(attempt, HG_S(""), bytes);
    return bytes.n;
}

static void frames_take(struct attempt *attempt)
{
    size_t n;

    while (attempt->partial.len && attempt->state <= ATTEMPT_SUCCEEDED &&
           (n = frame_take(attempt, buffer_text(&attempt->partial))))
        buffer_take(&attempt->partial, n);
}

static uint32_t framing_of(hg_str content_type)
{
    if (text_starts(content_type, HG_S("text/event-stream")))
        return HG_FRAME_SSE;
    if (text_starts(content_type, HG_S("application/x-ndjson")) ||
        text_starts(content_type, HG_S("application/jsonl")))
        return HG_FRAME_LINES;
    return HG_FRAME_BYTES;
}

void attempt_wire_bytes(struct attempt *attempt, hg_str bytes)
{
    if (attempt->state == ATTEMPT_ERROR_BODY || attempt->state > ATTEMPT_SUCCEEDED)
        return;
    if (attempt->partial.len + bytes.n > PARTIAL_MAX) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent a frame larger than %d bytes",
                     attempt->target->name, PARTIAL_MAX);
        return;
    }
    buffer_add(&attempt->partial, bytes.p, bytes.n);
    if (!attempt->request->asked.is_stream && attempt->target->provider->body)
        return; /* it wants the whole */
    if (attempt->framing == HG_FRAME_AUTO)
        attempt->framing = framing_of(attempt->head->content_type);
    frames_take(attempt);
}

static void body_give(struct attempt *attempt)
{
    const hg_provider *provider = attempt->target->provider;
    struct chain *body = chain_new(op_arena(attempt->op));

    chain_put_const(body, buffer_at(&attempt->partial), attempt->partial.len);
    hg_rc rc = OP_CALL_NOW(attempt->op, "body",
                           provider->body(attempt->target->self, attempt->call,
                                          op_handle(attempt->op), body_of_chain(body)));
    if (rc < 0)
        attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                     op_error(attempt->op));
}

static hg_rc rc_of(enum outbound_fault fault)
{
    switch (fault_of_outbound(fault)) {
    case FAULT_NONE:
        return HG_OK;
    case FAULT_TIMEOUT:
        return HG_E_TIMEOUT;
    case FAULT_CONNECT:
        return HG_E_CONNECT;
    default:
        return HG_E_UPSTREAM;
    }
}

void attempt_wire_end(struct attempt *attempt, enum outbound_fault fault, const char *reason)
{
    const hg_provider *provider = attempt->target->provider;
    struct request *request = attempt->request;

    if (attempt->state > ATTEMPT_SUCCEEDED)
        return;
    if (!request->asked.is_stream && provider->body && fault == OUTBOUND_OK)
        body_give(attempt);
    if (attempt->op && provider->end)
        OP_CALL_NOW(attempt->op, "end",
                    provider->end(attempt->target->self, attempt->call, op_handle(attempt->op),
                                  rc_of(fault)));
    if (attempt->state > ATTEMPT_SUCCEEDED)
        return;
    if (fault == OUTBOUND_OK && !attempt->finish && !attempt->seen_error) {
        fault = OUTBOUND_CLOSED;
        reason = "the answer ended without a finish";
    }
    if (fault == OUTBOUND_OK) {
        request->dialect->write_end(attempt->writer, attempt->written);
        written_give(attempt);
    }
    if (attempt->state == ATTEMPT_SUCCEEDED) {
        attempt_finish(attempt, fault, text_of(reason));
    } else if (fault == OUTBOUND_OK) {
        attempt->is_over = true;
        attempt_succeeded(attempt);
        attempt_stop(attempt, HG_OK);
    } else {
        attempt_fail(attempt, fault_of_outbound(fault), "%s: %s", attempt->target->name, reason);
    }
}
