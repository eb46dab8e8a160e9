#include <stdarg.h>

#include "base/clock.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "dialect/watch.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "gateway/upgrade.h"
#include "gateway/upload.h"
#include "http/frame.h"
#include "http/inflate.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "plugin/registry.h"

/* ---- an answer that is judged as a whole ----------------------------------------------------- */

static void keep_what_was_said(struct attempt *attempt, const struct dialect_answer *answer)
{
    attempt->has_usage = answer->has_usage;
    attempt->usage = answer->usage;
    attempt->finish = answer->finish;
    attempt->model_answered = answer->model;
    attempt->response_id = answer->id;
}

static void whole_judge(struct attempt *attempt)
{
    struct request *request = attempt->request;
    struct dialect_answer answer = {0};
    hg_json doc;

    if (request->asked.kind == HG_R_COUNT) {
        attempt_count_judge(attempt);
        return;
    }
    if (!json_parse(request->arena, attempt_body(attempt), &doc, NULL)) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent an answer that is not JSON",
                     attempt->target->name);
        return;
    }
    dialect_read_answer(request->dialect, request->arena, request->asked.kind, doc, &answer);
    if (answer.is_error) {
        attempt_hide_secrets(attempt);
        attempt_map_error(attempt);
        if (answer.error_message.n)
            attempt->fault.message = answer.error_message;
        attempt_failed(attempt);
        return;
    }
    if (!answer.is_valid) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent JSON that is no answer of its kind",
                     attempt->target->name);
        return;
    }
    keep_what_was_said(attempt, &answer);
    attempt->is_over = true;
    attempt_succeeded(attempt);
    attempt_stop(attempt, HG_OK);
}

/* ---- a stream -------------------------------------------------------------------------------- */

void attempt_give(struct attempt *attempt, hg_str events)
{
    if (attempt->sink) {
        attempt->sink->on_events(attempt->sink_arg, events);
        return;
    }
    buffer_add(&attempt->ready, events.p, events.n);
    if (attempt->ready.len > READY_MAX)
        attempt_pause(attempt, true);
}

void attempt_content_seen(struct attempt *attempt, uint32_t count)
{
    struct request *request = attempt->request;
    hg_ns now = clock_now();

    if (attempt->detached) { /* the client does not see these */
        attempt->seen_content = true;
        return;
    }
    request->chunks += count;
    if (!attempt->seen_content) {
        attempt->seen_content = true;
        if (!request->first_token)
            request->first_token = now;
    } else if (request->last_chunk) {
        hg_ns gap = now - request->last_chunk;

        request->gap_sum += gap;
        if (gap > request->gap_max)
            request->gap_max = gap;
    }
    request->last_chunk = now;
}

/* Keeps what an event says beyond its content. Texts of the event lie in memory that goes. */
static void event_note(struct attempt *attempt, const struct dialect_event *event)
{
    struct arena *arena = attempt->request->arena;

    if (event->has_content)
        attempt_content_seen(attempt, 1);
    if (event->finish)
        attempt->finish = event->finish;
    if (event->has_usage) {
        attempt->has_usage = true;
        attempt->usage = event->usage;
    }
    if (event->is_done)
        attempt->seen_done = true;
    if (event->model.n && !attempt->model_answered.n)
        attempt->model_answered = arena_text(arena, event->model);
    if (event->id.n && !attempt->response_id.n)
        attempt->response_id = arena_text(arena, event->id);
    if (event->is_error && !attempt->seen_error) {
        attempt->seen_error = true;
        attempt->error_type = arena_text(arena, event->error_type);
        attempt->error_message = arena_text(arena, event->error_message);
    }
}

/* The first event decides: until it is a valid one the route may still go elsewhere. */
static void first_event(struct attempt *attempt, const struct dialect_event *event)
{
    if (event->is_error) {
        attempt->fault =
            (struct fault){.kind = FAULT_UPSTREAM_5XX,
                           .code = arena_text(attempt->request->arena, event->error_type),
                           .message = arena_text(attempt->request->arena, event->error_message),
                           .target = text_of(attempt->target->name),
                           .other_target = true};
        attempt_failed(attempt);
    } else if (!event->is_valid) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent a stream that is none of its kind",
                     attempt->target->name);
    } else if (event->is_done && !event->finish) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent an empty stream", attempt->target->name);
    } else {
        attempt_succeeded(attempt);
    }
}

static void event_read(struct attempt *attempt, struct arena *arena, const struct frame *frame,
                       struct dialect_event *ret)
{
    struct request *request = attempt->request;

    if (request->dialect->read_event) {
        request->dialect->read_event(arena, frame->data, ret);
        return;
    }
    if (!attempt->watch)
        attempt->watch = watch_new(request->arena, request->dialect, request->asked.kind);
    watch_frame(attempt->watch, arena, frame->event, frame->data, ret);
}

/* One whole event. Returns false if it is not for the client. */
static bool event_take(struct attempt *attempt, hg_str bytes)
{
    struct request *request = attempt->request;
    struct arena *arena = arena_new();
    struct frame frame;
    struct dialect_event event = {0};
    bool shown = true;

    if (frame_parse(arena, attempt->framing, bytes, &frame) && frame.has_data) {
        event_read(attempt, arena, &frame, &event);
        event.is_error |= frame.is_error;
        if (attempt->state == ATTEMPT_FIRST_EVENT)
            first_event(attempt, &event);
        event_note(attempt, &event);
        shown = !(event.is_usage_only && attempt->usage_injected && !request->asked.wants_usage);
    }
    arena_free(&arena);
    return shown;
}

static uint32_t events_count(hg_str events)
{
    uint32_t count = 0;
    const char *at = events.p, *end = events.p + events.n;

    while ((at = memmem(at, (size_t)(end - at), "\n\n", 2))) {
        count++;
        at += 2;
    }
    return count ? count : 1;
}

/* Looks at every event alone, and hands on runs of those the client is to see. */
static void events_walk(struct attempt *attempt, hg_str events)
{
    const char *run = events.p, *at = events.p, *end = events.p + events.n;

    while (at < end && attempt->state <= ATTEMPT_SUCCEEDED) {
        size_t n = frame_first(attempt->framing, (hg_str){at, (size_t)(end - at)});

        if (!n || n > (size_t)(end - at))
            n = (size_t)(end - at);
        if (!event_take(attempt, (hg_str){at, n})) {
            if (at > run)
                attempt_give(attempt, (hg_str){run, (size_t)(at - run)});
            run = at + n;
        }
        at += n;
    }
    if (at > run && attempt->state <= ATTEMPT_SUCCEEDED)
        attempt_give(attempt, (hg_str){run, (size_t)(at - run)});
}

static void events_take(struct attempt *attempt, hg_str events)
{
    bool plain = attempt->seen_content && attempt->state == ATTEMPT_SUCCEEDED &&
                 attempt->request->dialect->is_plain && attempt->request->dialect->is_plain(events);

    if (!plain) {
        events_walk(attempt, events);
        return;
    }
    attempt_content_seen(attempt, events_count(events));
    attempt_give(attempt, events);
}

/* How much of a read completes events. Reads mostly end with one, which costs two compares. */
static size_t whole_events(struct attempt *attempt, hg_str bytes)
{
    if (bytes.n >= 2 && bytes.p[bytes.n - 1] == '\n' && bytes.p[bytes.n - 2] == '\n') {
        attempt->scan = (struct sse_scan){0};
        return bytes.n;
    }
    return sse_scan_ends(&attempt->scan, bytes);
}

/* The sink may look at bytes it was given until the end of the read, so their memory waits. */
static void spent_keep(struct attempt *attempt, struct buffer bytes)
{
    if (attempt->spent.p && attempt->sink)
        attempt->sink->on_pause(attempt->sink_arg);
    buffer_done(&attempt->spent);
    attempt->spent = bytes;
}

/* Whole frames of a framing with lengths, found from the start of the first one. False if there is
 * one that can be none. */
static bool frames_whole(struct attempt *attempt, size_t *ret_whole)
{
    hg_str rest = buffer_text(&attempt->partial);
    size_t n;

    while ((n = frame_first(attempt->framing, rest)) && n <= rest.n) {
        rest.p += n;
        rest.n -= n;
    }
    *ret_whole = attempt->partial.len - rest.n;
    return n == 0;
}

static void framed_bytes(struct attempt *attempt, hg_str bytes)
{
    size_t whole;

    buffer_add(&attempt->partial, bytes.p, bytes.n);
    if (!frames_whole(attempt, &whole) || attempt->partial.len - whole > PARTIAL_MAX) {
        attempt_broken(attempt, "%s sent a frame with a wrong checksum or length",
                       attempt->target->name);
        return;
    }
    if (!whole)
        return;
    struct buffer frames = attempt->partial;

    attempt->partial = (struct buffer){0};
    buffer_add(&attempt->partial, buffer_at(&frames) + whole, frames.len - whole);
    frames.len = whole;
    events_take(attempt, buffer_text(&frames));
    spent_keep(attempt, frames);
}

static void stream_bytes(struct attempt *attempt, hg_str bytes)
{
    if (attempt->framing == HG_FRAME_AWS) {
        framed_bytes(attempt, bytes);
        return;
    }
    size_t whole = whole_events(attempt, bytes);

    if (attempt->partial.len + bytes.n - whole > PARTIAL_MAX) {
        attempt_broken(attempt, "%s sent an event larger than %d bytes", attempt->target->name,
                       PARTIAL_MAX);
        return;
    }
    if (whole && attempt->partial.len) {
        struct buffer joined = attempt->partial;

        attempt->partial = (struct buffer){0};
        buffer_add(&joined, bytes.p, whole);
        events_take(attempt, buffer_text(&joined));
        spent_keep(attempt, joined);
    } else if (whole) {
        events_take(attempt, (hg_str){bytes.p, whole});
    }
    if (bytes.n > whole && attempt->state <= ATTEMPT_SUCCEEDED)
        buffer_add(&attempt->partial, bytes.p + whole, bytes.n - whole);
}

/* ---- the exchange's events ------------------------------------------------------------------- */

static bool is_type(hg_str content_type, hg_str type)
{
    hg_str rest;

    return text_is_nocase(text_trim(text_cut(content_type, ';', &rest)), type);
}

uint32_t attempt_framing(hg_str content_type)
{
    if (is_type(content_type, HG_S("text/event-stream")))
        return HG_FRAME_SSE;
    if (is_type(content_type, HG_S("application/vnd.amazon.eventstream")))
        return HG_FRAME_AWS;
    if (is_type(content_type, HG_S("application/x-ndjson")) ||
        is_type(content_type, HG_S("application/jsonl")))
        return HG_FRAME_LINES;
    return HG_FRAME_BYTES;
}

/* How to read a 2xx. */
static void success_begins(struct attempt *attempt, const struct head *head)
{
    struct request *request = attempt->request;
    bool judged = request->asked.kind == HG_R_CHAT || request->asked.kind == HG_R_COMPLETE ||
                  request->asked.kind == HG_R_EMBED;
    bool speaks = attempt->target->provider->wires >> request->dialect->wire & 1u;

    if (request->asked.kind == HG_R_COUNT && attempt->translation) {
        attempt->state = ATTEMPT_WHOLE_BODY;
        return;
    }
    if (judged && (attempt->translation || !speaks)) {
        attempt->is_translated = true;
        attempt->state = ATTEMPT_FIRST_EVENT;
        attempt_wire_begin(attempt);
    } else if (!judged || head->status == 204) {
        attempt->raw = true;
        attempt->framing = attempt_framing(head->content_type);
        attempt->is_sse = attempt->framing == HG_FRAME_SSE;
        attempt_succeeded(attempt);
    } else if ((attempt->framing = attempt_framing(head->content_type)) ==
               request->dialect->framing) {
        attempt->is_sse = true;
        attempt->state = ATTEMPT_FIRST_EVENT;
    } else {
        attempt->state = ATTEMPT_WHOLE_BODY;
    }
}

/* None was asked for, but some compress all the same. What we do not read passes as it is, and a
 * refusal is one by its status, whatever its body says. */
static void coding_begin(struct attempt *attempt, enum coding coding)
{
    if (coding == CODING_COMPRESSED)
        attempt_unpack_begin(attempt);
    else if (coding == CODING_UNKNOWN && attempt->state != ATTEMPT_ERROR_BODY)
        attempt_broken(attempt, "%s sent an answer in a content-encoding that nobody asked for",
                       attempt->target->name);
}

static void on_head(void *arg, const struct head *head)
{
    struct attempt *attempt = arg;

    attempt->head = head;
    attempt->status = head->status;
    attempt->content_type = head->content_type;
    attempt->first_byte = clock_now();
    if (attempt->sending.is_upgrade && upgrade_judge(attempt, head))
        return;
    if (head->status >= 200 && head->status < 300)
        success_begins(attempt, head);
    else
        attempt->state = ATTEMPT_ERROR_BODY;
    if (!attempt->raw && attempt->state < ATTEMPT_FAILED)
        coding_begin(attempt, coding_of(head_field(head, HG_S("content-encoding"))));
}

void attempt_take(struct attempt *attempt, hg_str data)
{
    size_t room;

    if (attempt->is_translated) {
        attempt_wire_bytes(attempt, data);
        return;
    }
    switch (attempt->state) {
    case ATTEMPT_ERROR_BODY:
        room = ERROR_BODY_MAX - attempt->whole.len;
        buffer_add(&attempt->whole, data.p, data.n < room ? data.n : room);
        return;
    case ATTEMPT_WHOLE_BODY:
        buffer_add(&attempt->whole, data.p, data.n);
        if (attempt->whole.len > WHOLE_BODY_MAX)
            attempt_fail(attempt, FAULT_PROTOCOL, "%s sent an answer larger than %d bytes",
                         attempt->target->name, WHOLE_BODY_MAX);
        return;
    case ATTEMPT_FIRST_EVENT:
    case ATTEMPT_SUCCEEDED:
        if (attempt->raw)
            attempt_give(attempt, data);
        else
            stream_bytes(attempt, data);
        return;
    case ATTEMPT_PREPARING:
    case ATTEMPT_SENT:
    case ATTEMPT_FAILED:
    case ATTEMPT_ENDED:
        return;
    }
}

/* What the data leads to may be the end of the request: its memory waits until we are done. */
static void on_data(void *arg, hg_str data)
{
    struct attempt *attempt = arg;
    struct request *request = request_ref(attempt->request);

    if (attempt->inflating)
        attempt_unpack(attempt, data);
    else
        attempt_take(attempt, data);
    request_unref(&request);
}

static void on_data_end(void *arg)
{
    struct attempt *attempt = arg;

    if (attempt->sink)
        attempt->sink->on_pause(attempt->sink_arg);
    buffer_done(&attempt->spent);
}

void attempt_broken(struct attempt *attempt, const char *fmt, ...)
{
    hg_str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vfmt(attempt->request->arena, fmt, args);
    va_end(args);
    if (attempt->state == ATTEMPT_SUCCEEDED)
        attempt_finish(attempt, OUTBOUND_PROTOCOL, message);
    else
        attempt_fail(attempt, FAULT_PROTOCOL, "%.*s", TEXT_ARG(message));
}

/* The sink's on_end may be the end of the request, and so of this attempt. */
void attempt_finish(struct attempt *attempt, enum outbound_fault fault, hg_str reason)
{
    attempt->is_over = true;
    attempt->end_fault = fault;
    attempt->end_reason = arena_text(attempt->request->arena, reason);
    attempt_stop(attempt, HG_OK);
    if (attempt->sink)
        attempt->sink->on_end(attempt->sink_arg);
}

/* A stream that stops without saying so is a failure, even if the connection ended properly. */
static void stream_ended(struct attempt *attempt, enum outbound_fault fault, const char *reason)
{
    if (attempt->partial.len && attempt->framing == HG_FRAME_AWS && fault == OUTBOUND_OK) {
        fault = OUTBOUND_CLOSED;
        reason = "the stream ended inside of a frame";
    } else if (attempt->partial.len && fault == OUTBOUND_OK) {
        struct buffer last = attempt->partial;

        attempt->partial = (struct buffer){0};
        events_take(attempt, buffer_text(&last));
        spent_keep(attempt, last);
    }
    if (attempt->state == ATTEMPT_FIRST_EVENT) {
        attempt_fail(attempt, fault == OUTBOUND_OK ? FAULT_PROTOCOL : fault_of_outbound(fault),
                     "%s: %s", attempt->target->name,
                     fault == OUTBOUND_OK ? "the stream ended before its first event" : reason);
        return;
    }
    if (attempt->state != ATTEMPT_SUCCEEDED)
        return;
    if (fault == OUTBOUND_OK && !attempt->seen_done && !attempt->finish && !attempt->seen_error)
        attempt_finish(attempt, OUTBOUND_CLOSED, HG_S("the stream ended without its end mark"));
    else
        attempt_finish(attempt, fault, text_of(reason));
}

static void end_take(struct attempt *attempt, enum outbound_fault fault, const char *reason)
{
    if (attempt->is_translated) {
        attempt_wire_end(attempt, fault, reason);
        return;
    }
    switch (attempt->state) {
    case ATTEMPT_ERROR_BODY:
        attempt_refused(attempt);
        return;
    case ATTEMPT_WHOLE_BODY:
        if (fault == OUTBOUND_OK) {
            whole_judge(attempt);
            return;
        }
        break;
    case ATTEMPT_FIRST_EVENT:
        stream_ended(attempt, fault, reason);
        return;
    case ATTEMPT_SUCCEEDED:
        if (attempt->raw)
            attempt_finish(attempt, fault, text_of(reason));
        else
            stream_ended(attempt, fault, reason);
        return;
    case ATTEMPT_PREPARING:
    case ATTEMPT_SENT:
        break;
    case ATTEMPT_FAILED:
    case ATTEMPT_ENDED:
        return;
    }
    attempt_fail(attempt, fault_of_outbound(fault), "%s: %s", attempt->target->name, reason);
}

static void on_end(void *arg, enum outbound_fault fault, const char *reason)
{
    struct attempt *attempt = arg;
    struct request *request = request_ref(attempt->request);

    attempt->outbound = NULL;
    if (attempt->inflating && attempt_unpack_waits(attempt, fault, reason)) {
        request_unref(&request);
        return;
    }
    if (attempt->inflating && fault == OUTBOUND_OK && !inflate_is_whole(attempt->inflating)) {
        fault = OUTBOUND_CLOSED;
        reason = "the compressed answer is cut off";
    }
    end_take(attempt, fault, reason);
    request_unref(&request);
}

static void on_ready(void *arg)
{
    struct attempt *attempt = arg;

    if (!attempt->sending.is_upgrade)
        upload_ready(attempt);
    else if (attempt->sink && attempt->sink->on_drained)
        attempt->sink->on_drained(attempt->sink_arg);
}

const struct outbound_events attempt_events = {on_head, on_data, on_data_end, on_end, on_ready};

void attempt_relay(struct attempt *attempt, const struct attempt_sink *sink, void *arg)
{
    struct request *request = request_ref(attempt->request);

    attempt->sink = sink;
    attempt->sink_arg = arg;
    if (attempt->ready.len) {
        struct buffer ready = attempt->ready;

        attempt->ready = (struct buffer){0};
        sink->on_events(arg, buffer_text(&ready));
        if (!attempt->is_over)
            sink->on_pause(arg);
        spent_keep(attempt, ready);
    }
    if (attempt->paused)
        attempt_pause(attempt, false);
    if (attempt->is_over && attempt->state == ATTEMPT_SUCCEEDED)
        sink->on_end(arg);
    request_unref(&request);
}
