/* Answers in another format than the client's: read by the plugin or by a dialect of the core, as
 * events, and written as the client's own. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "http/frame.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "json/index.h"

/* ---- bytes out ---------------------------------------------------------------------------------
 */

/* A round is what one read brings: its events are written together, into memory that goes with it,
 * because a stream may be long. */
static struct arena *round_begin(struct attempt *attempt)
{
    struct arena *arena;

    if (attempt->written)
        return NULL; /* inside of one */
    arena = arena_new();
    attempt->written = chain_new(arena);
    return arena;
}

/* Hands what the client's writer has made to the client's side. */
static void round_end(struct attempt *attempt, struct arena *arena)
{
    hg_str bytes;

    if (!arena)
        return;
    bytes = chain_flat(attempt->written, arena);
    attempt->written = NULL;
    if (bytes.n)
        attempt->written_last = clock_now();
    if (bytes.n && attempt->request->asked.is_stream) {
        attempt_give(attempt, bytes);
        if (attempt->sink)
            attempt->sink->on_pause(attempt->sink_arg);
    } else {
        buffer_add(&attempt->whole, bytes.p, bytes.n);
    }
    arena_free(&arena);
}

/* ---- events in ---------------------------------------------------------------------------------
 */

static uint64_t bit_of(uint32_t choice)
{
    return 1ull << (choice < 63 ? choice : 63);
}

static void event_keep(struct attempt *attempt, const hg_event *event)
{
    struct arena *arena = attempt->request->arena;

    if (event->type == HG_EV_USAGE && event->usage) {
        attempt->has_usage = true;
        attempt->usage = *event->usage;
    } else if (event->type == HG_EV_FINISH) {
        attempt->finish = event->finish;
        attempt->choices_finished |= bit_of(event->choice);
    } else if (event->type == HG_EV_START) {
        attempt->response_id = arena_text(arena, event->id);
        attempt->model_answered = arena_text(arena, event->name);
    } else if (event->type == HG_EV_ERROR) {
        attempt->seen_error = true;
        attempt->error_type = arena_text(arena, event->name);
        attempt->error_message = arena_text(arena, event->text);
    }
}

static bool is_content(const hg_event *event)
{
    switch (event->type) {
    case HG_EV_TEXT:
    case HG_EV_REASONING:
    case HG_EV_TOOL_START:
    case HG_EV_TOOL_ARGS:
    case HG_EV_MEDIA:
    case HG_EV_REFUSAL:
        return true;
    default:
        return false;
    }
}

/* Until the first content nothing has reached the client, and the route may go elsewhere. */
static bool commits(const struct attempt *attempt, const hg_event *event)
{
    return attempt->state == ATTEMPT_FIRST_EVENT && attempt->request->asked.is_stream &&
           (is_content(event) || event->type == HG_EV_FINISH);
}

static void event_write(struct attempt *attempt, const hg_event *event)
{
    if (attempt->translation)
        translation_event(attempt->translation, attempt->writer, event, attempt->written);
    else
        attempt->request->dialect->write(attempt->writer, event, attempt->written);
}

static hg_rc on_emit(void *arg, const hg_event *event)
{
    struct attempt *attempt = arg;
    struct arena *round;

    if (attempt->state != ATTEMPT_FIRST_EVENT && attempt->state != ATTEMPT_SUCCEEDED)
        return HG_E_CANCELLED;
    if (attempt->seen_done) /* the answer is whole already */
        return HG_OK;
    event_keep(attempt, event);
    if (event->type == HG_EV_ERROR && attempt->state == ATTEMPT_FIRST_EVENT) {
        attempt_fail(attempt, fault_of_error(event->name), "%s: %.*s", attempt->target->name,
                     TEXT_ARG(event->text));
        attempt->fault.code = attempt->error_type;
        return HG_E_CANCELLED;
    }
    round = round_begin(attempt);
    event_write(attempt, event);
    if (is_content(event)) {
        attempt->choices_begun |= bit_of(event->choice);
        attempt_content_seen(attempt, 1);
    }
    if (commits(attempt, event))
        attempt_succeeded(attempt);
    round_end(attempt, round);
    return HG_OK;
}

static void on_event(void *arg, const hg_event *event)
{
    (void)on_emit(arg, event);
}

/* A plugin with a wire of its own may have taken the request in one that the core knows, as raw
 * material: then it reads the answer. */
static bool is_read_by_core(const struct attempt *attempt)
{
    return attempt->translation &&
           attempt->target->provider->wires >> attempt->translation->provider->wire & 1u;
}

/* Reads the answer itself, or asks the plugin how it is framed. */
static void source_open(struct attempt *attempt)
{
    const hg_provider *provider = attempt->target->provider;
    hg_http_resp resp = {.size = sizeof resp, .status = attempt->status};
    uint32_t framing = HG_FRAME_AUTO;

    if (is_read_by_core(attempt)) {
        attempt->reader = attempt->translation->provider->reader_new(
            attempt->request->arena, attempt->request->asked.kind,
            &(struct dialect_sink){on_event, attempt});
        return;
    }
    op_set_emit(attempt->op, on_emit);
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

void attempt_wire_begin(struct attempt *attempt)
{
    struct request *request = attempt->request;

    attempt->writer = request->dialect->writer_new(
        request->arena, request->asked.kind, request->asked.is_stream, request->asked.wants_usage);
    if (request->dialect->writer_asked)
        request->dialect->writer_asked(attempt->writer, request->doc);
    attempt->is_sse = request->asked.is_stream;
    attempt->content_type =
        request->asked.is_stream ? request->dialect->stream_type : HG_S("application/json");
    source_open(attempt);
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static void frame_give(struct attempt *attempt, struct arena *scratch, hg_str event, hg_str data)
{
    const hg_provider *provider = attempt->target->provider;
    hg_frame frame = {.size = sizeof frame, .kind = attempt->framing, .event = event, .data = data};

    if (attempt->state > ATTEMPT_SUCCEEDED)
        return;
    if (attempt->reader) {
        attempt->translation->provider->reader_frame(attempt->reader, scratch, event, data);
        return;
    }
    if (!attempt->op || !provider->frame)
        return;
    hg_rc rc = OP_CALL_NOW(
        attempt->op, "frame",
        provider->frame(attempt->target->self, attempt->call, op_handle(attempt->op), &frame));
    if (rc < 0 && attempt->op)
        attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                     op_error(attempt->op));
}

static size_t line_take(struct attempt *attempt, struct arena *scratch, hg_str bytes)
{
    const char *end = memchr(bytes.p + attempt->look.at, '\n', bytes.n - attempt->look.at);
    size_t n;

    attempt->look.at = bytes.n;
    if (!end)
        return 0;
    n = (size_t)(end - bytes.p);
    frame_give(attempt, scratch, HG_S(""), (hg_str){bytes.p, n && end[-1] == '\r' ? n - 1 : n});
    return n + 1;
}

/* Every choice that has begun has its finish: what may still come is nothing of the answer. */
static bool is_whole(const struct attempt *attempt)
{
    return attempt->choices_finished && !attempt->seen_error &&
           !(attempt->choices_begun & ~attempt->choices_finished);
}

/* The writer's last words. */
static void writer_end(struct attempt *attempt)
{
    if (attempt->seen_done)
        return;
    attempt->request->dialect->write_end(attempt->writer, attempt->written);
    attempt->seen_done = true;
}

/* The end mark of the provider's format behind a whole answer: the client need not wait until the
 * connection ends as well. In AWS event streams usage comes behind the mark. */
static bool ends_here(const struct attempt *attempt, const struct frame *frame)
{
    const struct dialect *provider = attempt->translation->provider;

    return attempt->framing == HG_FRAME_SSE && attempt->state == ATTEMPT_SUCCEEDED &&
           provider->is_end && provider->is_end(frame->event, frame->data) && is_whole(attempt);
}

static size_t event_take(struct attempt *attempt, struct arena *scratch, hg_str bytes)
{
    size_t n = frame_first_from(attempt->framing, bytes, &attempt->look);
    struct frame frame;

    if (!n)
        return 0;
    if (n > bytes.n || !frame_parse(scratch, attempt->framing, (hg_str){bytes.p, n}, &frame)) {
        attempt_broken(attempt, "%s sent a frame with a wrong checksum or length",
                       attempt->target->name);
        return 0;
    }
    if (frame.has_data)
        frame_give(attempt, scratch, frame.event, frame.data);
    if (frame.has_data && attempt->translation && ends_here(attempt, &frame))
        writer_end(attempt);
    return n;
}

/* Takes one frame off the front of what has been read; 0 if none is whole. */
static size_t frame_take(struct attempt *attempt, hg_str bytes)
{
    struct arena *scratch;
    size_t n;

    if (attempt->framing != HG_FRAME_SSE && attempt->framing != HG_FRAME_AWS &&
        attempt->framing != HG_FRAME_LINES) {
        frame_give(attempt, NULL, HG_S(""), bytes);
        return bytes.n;
    }
    scratch = arena_new();
    n = attempt->framing == HG_FRAME_LINES ? line_take(attempt, scratch, bytes)
                                           : event_take(attempt, scratch, bytes);
    arena_free(&scratch);
    return n;
}

/* What comes without a word of the answer says that it goes on, and so the client is told: not each
 * time, and not before it has been given anything. */
static void keep_alive(struct attempt *attempt)
{
    hg_str ping = attempt->request->dialect->keep_alive;

    if (attempt->state != ATTEMPT_SUCCEEDED || !attempt->request->asked.is_stream || !ping.n ||
        attempt->seen_done || attempt->is_over || !attempt->sink ||
        clock_now() - attempt->written_last < NS_PER_S)
        return;
    attempt->written_last = clock_now();
    attempt_give(attempt, ping);
}

static void frames_take(struct attempt *attempt)
{
    struct arena *round = round_begin(attempt);
    size_t n;

    while (attempt->partial.len && attempt->state <= ATTEMPT_SUCCEEDED &&
           (n = frame_take(attempt, buffer_text(&attempt->partial)))) {
        buffer_take(&attempt->partial, n);
        attempt->look = (struct sse_look){0, false};
    }
    round_end(attempt, round);
    keep_alive(attempt);
}

/* Some answer with a whole document though a stream was asked for, and the other way round: what
 * came decides. */
static bool wants_whole(const struct attempt *attempt)
{
    if (attempt->reader)
        return attempt->framing == HG_FRAME_BYTES;
    return !attempt->request->asked.is_stream && attempt->target->provider->body;
}

void attempt_wire_bytes(struct attempt *attempt, hg_str bytes)
{
    if (attempt->state == ATTEMPT_ERROR_BODY || attempt->state > ATTEMPT_SUCCEEDED)
        return;
    if (attempt->framing == HG_FRAME_AUTO)
        attempt->framing = attempt_framing(attempt->head->content_type);
    size_t max = wants_whole(attempt) ? WHOLE_BODY_MAX : PARTIAL_MAX;

    if (attempt->partial.len + bytes.n > max) {
        attempt_broken(attempt, "%s sent a frame larger than %zu bytes", attempt->target->name,
                       max);
        return;
    }
    buffer_add(&attempt->partial, bytes.p, bytes.n);
    if (!wants_whole(attempt))
        frames_take(attempt);
}

/* ---- the end -----------------------------------------------------------------------------------
 */

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

/* What lies there is the whole answer, or the last event without its blank line. */
static void rest_read(struct attempt *attempt)
{
    const struct dialect *dialect = attempt->translation->provider;
    struct arena *scratch = arena_new();
    hg_str text = buffer_text(&attempt->partial);
    struct frame frame;
    hg_json doc;

    if (wants_whole(attempt)) {
        if (json_parse(scratch, text, &doc, NULL))
            dialect->reader_whole(attempt->reader, scratch, doc);
        else
            attempt_fail(attempt, FAULT_PROTOCOL, "%s sent an answer that is not JSON",
                         attempt->target->name);
    } else if (text.n && attempt->framing == HG_FRAME_SSE &&
               frame_parse(scratch, HG_FRAME_SSE, text, &frame) && frame.has_data) {
        dialect->reader_frame(attempt->reader, scratch, frame.event, frame.data);
    }
    if (attempt->state <= ATTEMPT_SUCCEEDED)
        dialect->reader_end(attempt->reader);
    arena_free(&scratch);
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

/* Gives the source what it has not seen yet, and has it flush. */
static void source_end(struct attempt *attempt, enum outbound_fault fault)
{
    const hg_provider *provider = attempt->target->provider;

    if (attempt->reader) {
        if (fault == OUTBOUND_OK)
            rest_read(attempt);
        return;
    }
    if (!attempt->request->asked.is_stream && provider->body && fault == OUTBOUND_OK)
        body_give(attempt);
    if (attempt->op && provider->end)
        OP_CALL_NOW(attempt->op, "end",
                    provider->end(attempt->target->self, attempt->call, op_handle(attempt->op),
                                  rc_of(fault)));
}

void attempt_wire_end(struct attempt *attempt, enum outbound_fault fault, const char *reason)
{
    struct arena *round;

    if (attempt->state > ATTEMPT_SUCCEEDED)
        return;
    round = round_begin(attempt);
    source_end(attempt, fault);
    if (fault != OUTBOUND_OK && attempt->state == ATTEMPT_SUCCEEDED && attempt->translation &&
        is_whole(attempt))
        fault = OUTBOUND_OK; /* what broke behind the end is no loss, but perhaps of counts */
    if (fault == OUTBOUND_OK && attempt->framing == HG_FRAME_AWS && attempt->partial.len) {
        fault = OUTBOUND_CLOSED;
        reason = "the stream ended inside of a frame";
    }
    if (fault == OUTBOUND_OK && !attempt->finish && !attempt->seen_error) {
        fault = OUTBOUND_CLOSED;
        reason = "the answer ended without a finish";
    }
    if (fault == OUTBOUND_OK && attempt->state <= ATTEMPT_SUCCEEDED) {
        writer_end(attempt);
    }
    round_end(attempt, round);
    if (attempt->state == ATTEMPT_SUCCEEDED) {
        attempt_finish(attempt, fault, text_of(reason));
    } else if (attempt->state > ATTEMPT_SUCCEEDED) {
        return;
    } else if (fault == OUTBOUND_OK) {
        attempt->is_over = true;
        attempt_succeeded(attempt);
        attempt_stop(attempt, HG_OK);
    } else {
        attempt_fail(attempt, fault_of_outbound(fault), "%s: %s", attempt->target->name, reason);
    }
}
