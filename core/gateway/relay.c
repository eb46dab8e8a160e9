#include "gateway/relay.h"

#include "base/text.h"
#include "dialect/array.h"
#include "dialect/translation.h"
#include "gateway/attempt.h"
#include "gateway/pipe.h"
#include "net/stream.h"

struct relay {
    struct request *request;
    struct answer *answer;
    struct pipe pipe;
    bool is_stream;      /* goes out event by event */
    struct array *array; /* of the events, if the client wants them so; NULL: it does not */
};

/* What goes out with the next write. It is filled and written within one callback, so one for all
 * streams is enough, and an open stream need not keep room for it. */
static struct {
    hg_str pieces[INBOUND_PIECES_MAX];
    unsigned count;
} outgoing;

/* ---- header fields ------------------------------------------------------------------------------
 */

/* Fields of an upstream's answer that are its own business, or that we write ourselves. */
static bool stays_behind(const struct field *field)
{
    static const hg_str names[] = {
        {"date", 4},
        {"server", 6},
        {"set-cookie", 10},
        {"alt-svc", 7},
        {"via", 3},
        {"strict-transport-security", 25},
        {"content-length", 14},
        {"cf-ray", 6},
        {"cf-cache-status", 15},
    };

    static const uint32_t lengths = 1u << 4 | 1u << 6 | 1u << 10 | 1u << 7 | 1u << 3 | 1u << 25 |
                                    1u << 14 | 1u << 15; /* of these names */

    if (field->id != FIELD_OTHER && field->id != FIELD_CONTENT_TYPE)
        return true;
    if (field->name.n < 32 && lengths >> field->name.n & 1)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (text_is(field->name, names[i]))
                return true;
    return text_starts(field->name, HG_S("x-headgate-")) ||
           text_starts(field->name, HG_S("access-control-"));
}

struct fields {
    struct field *at;
    unsigned count, room;
};

static void field_add(struct fields *fields, hg_str name, hg_str value)
{
    if (fields->count < fields->room)
        fields->at[fields->count++] = (struct field){.name = name, .value = value};
}

/* A head is written as soon as its fields are together, so their list need not outlive that. */
static struct field scratch[64];

static struct fields fields_new(struct request *request, const struct head *head,
                                const struct pair *own)
{
    enum {
        OURS = 9
    };
    struct fields fields = {.room = OURS + (head ? head->field_count : 0)};

    for (const struct pair *pair = own; pair; pair = pair->next)
        fields.room++;
    if (fields.room <= sizeof scratch / sizeof *scratch)
        fields.at = scratch;
    else
        fields.at = arena_alloc(request->arena, fields.room * sizeof *fields.at);
    return fields;
}

static hg_str cache_word(enum cache_state state)
{
    switch (state) {
    case CACHE_HIT:
        return HG_S("hit");
    case CACHE_MISS:
        return HG_S("miss");
    case CACHE_ERROR:
        return HG_S("error");
    case CACHE_UNUSED:
        break;
    }
    return HG_S("");
}

/* Ours, behind the upstream's. */
static void fields_finish(struct request *request, struct fields *fields)
{
    for (const struct pair *pair = request->headers; pair; pair = pair->next)
        field_add(fields, pair->name, pair->value);
    field_add(fields, HG_S("x-headgate-request-id"), request->id);
    if (request->cache != CACHE_UNUSED)
        field_add(fields, HG_S("x-headgate-cache"), cache_word(request->cache));
}

/* Said of bytes that are no longer those which go out. */
static bool is_of_other_bytes(const struct attempt *attempt, const struct field *field)
{
    static const hg_str names[] = {{"etag", 4},
                                   {"digest", 6},
                                   {"content-md5", 11},
                                   {"content-digest", 14},
                                   {"content-language", 16},
                                   {"last-modified", 13},
                                   {"accept-ranges", 13}};

    if (attempt->raw)
        return false;
    if (text_is(field->name, HG_S("content-encoding")))
        return true;
    for (size_t i = 0; attempt->is_translated && i < sizeof names / sizeof *names; i++)
        if (text_is(field->name, names[i]))
            return true;
    return false;
}

static void answer_fields_make(struct relay *relay, struct fields *ret)
{
    struct answer *answer = relay->answer;
    const struct head *head = answer->attempt ? answer->attempt->head : NULL;
    bool own_type = !head || answer->attempt->is_translated || relay->array ||
                    (answer->body && !head->content_type.n);
    hg_str type = relay->array ? HG_S("application/json") : answer->content_type;

    *ret = fields_new(relay->request, head, relay->request->headers);
    for (unsigned i = 0; head && i < head->field_count; i++)
        if (!stays_behind(&head->fields[i]) &&
            !is_of_other_bytes(answer->attempt, &head->fields[i]) &&
            !(own_type && head->fields[i].id == FIELD_CONTENT_TYPE))
            field_add(ret, head->fields[i].name, head->fields[i].value);
    if (own_type && type.n)
        field_add(ret, HG_S("content-type"), type);
    if (answer->attempt && answer->attempt->translation && answer->attempt->translation->lost)
        field_add(ret, HG_S("x-headgate-lost"), translation_losses(answer->attempt->translation));
    if (answer->attempt && answer->attempt->is_estimate)
        field_add(ret, HG_S("x-headgate-estimate"), HG_S("1"));
    fields_finish(relay->request, ret);
}

/* ---- a stream -------------------------------------------------------------------------------- */

/* The pieces that are to be written: those of an array are in one. */
static unsigned outgoing_take(struct relay *relay, bool last)
{
    unsigned count = outgoing.count;

    outgoing.count = 0;
    if (!relay->array)
        return count;
    if (last)
        array_end(relay->array);
    outgoing.pieces[0] = array_text(relay->array);
    return outgoing.pieces[0].n > 0;
}

static void flush(struct relay *relay, bool last)
{
    struct exchange *exchange = relay->request->exchange;
    unsigned count = outgoing_take(relay, last);

    if (!exchange || (!count && !last))
        return;
    inbound_write(exchange, outgoing.pieces, count, last);
    if (last)
        return; /* it may have been the request's end, and so the relay's */
    if (relay->array)
        array_sent(relay->array);
    struct attempt *attempt = relay->pipe.attempt;

    if (attempt && inbound_queued(exchange) > STREAM_HIGH_WATER && !attempt->paused)
        attempt_pause(attempt, true);
}

static void piece_add(struct relay *relay, hg_str bytes)
{
    if (relay->array) {
        array_add(relay->array, bytes);
        return;
    }
    if (outgoing.count == INBOUND_PIECES_MAX)
        flush(relay, false);
    outgoing.pieces[outgoing.count++] = bytes;
}

static void on_events(void *arg, hg_str events)
{
    piece_add(arg, events);
}

static void on_pause(void *arg)
{
    flush(arg, false);
}

/* The stream cannot go on. The client has a part of the answer already, so it is told inside of
 * it. */
static void stream_broken(struct relay *relay, const struct fault *fault)
{
    struct request *request = relay->request;
    struct attempt *attempt = relay->pipe.attempt;

    request->truncated = true;
    if (request->fault.kind == FAULT_NONE)
        request->fault = *fault;
    answer_drop(relay->answer);
    if (attempt && attempt->raw && !attempt->is_sse) {
        flush(relay, false);
        if (request->exchange)
            inbound_abort(request->exchange);
        return;
    }
    piece_add(relay, request->dialect->error_event(request->arena, fault_type(fault),
                                                   fault_name(fault->kind), fault->message));
    flush(relay, true);
}

void relay_cut(struct request *request, const struct fault *fault)
{
    if (!request->relay->is_stream)
        return; /* whole answers are out at once */
    pipe_stop(&request->relay->pipe);
    stream_broken(request->relay, fault);
}

static void on_end(void *arg, const struct fault *fault)
{
    struct relay *relay = arg;
    struct attempt *attempt = relay->pipe.attempt;
    struct request *request = relay->request;

    if (fault) {
        stream_broken(relay, fault);
        return;
    }
    if (attempt && attempt->seen_error && request->fault.kind == FAULT_NONE) {
        /* The provider has said so itself, in a stream that ended properly. */
        request->truncated = true;
        request->fault = (struct fault){.kind = FAULT_UPSTREAM_5XX,
                                        .code = attempt->error_type,
                                        .message = attempt->error_message,
                                        .target = text_of(attempt->target->name)};
    }
    flush(relay, true);
}

static const struct pipe_sink sink = {on_events, on_pause, on_end};

bool relay_settle(struct request *request)
{
    struct relay *relay = request->relay;
    struct attempt *attempt = relay ? relay->pipe.attempt : NULL;

    if (!attempt || !attempt->seen_done || attempt->seen_error)
        return false;
    for (struct stage *stage = relay->answer->stages; stage; stage = stage->next)
        if (!stage->kind->settle)
            return false;
    for (struct stage *stage = relay->answer->stages; stage; stage = stage->next)
        stage->kind->settle(stage->self);
    return true;
}

/* ---- starting -------------------------------------------------------------------------------- */

static int64_t stream_length(const struct attempt *attempt)
{
    /* A raw body keeps its length; a stream of events may lose some on the way. */
    return attempt && attempt->raw && attempt->head ? attempt->head->content_length : -1;
}

static void stream_start(struct relay *relay)
{
    struct request *request = relay->request;
    struct answer *answer = relay->answer;
    struct attempt *attempt = answer->body ? NULL : answer->attempt;
    struct fields fields;

    answer_fields_make(relay, &fields);
    if (attempt && attempt->is_translated)
        field_add(&fields, HG_S("cache-control"), HG_S("no-cache"));
    inbound_begin(request->exchange, answer->status,
                  &(struct answer_fields){fields.at, fields.count}, stream_length(attempt));
    relay->is_stream = true;
    pipe_start(&relay->pipe, answer, &sink, relay);
}

static void whole_send(struct relay *relay)
{
    struct request *request = relay->request;
    struct answer *answer = relay->answer;
    struct fields fields;

    answer_fields_make(relay, &fields);
    inbound_respond(request->exchange, answer->status,
                    &(struct answer_fields){fields.at, fields.count}, answer->body);
}

/* Only events become one: an upstream may have answered with a document. */
static bool is_array(const struct request *request, const struct answer *answer)
{
    bool is_events = answer->body ? answer->is_stream : answer->attempt && answer->attempt->is_sse;

    return request->asked.is_array && is_events;
}

void relay_start(struct request *request, struct answer *answer)
{
    struct relay *relay = arena_zalloc(request->arena, sizeof *relay);

    relay->request = request;
    relay->answer = answer;
    request->relay = relay;
    request->status = answer->status;
    if (is_array(request, answer))
        relay->array = array_new(request->arena, request->dialect->framing);
    if (answer->body && !answer->stages && !relay->array)
        whole_send(relay);
    else
        stream_start(relay);
}

void relay_drained(struct request *request)
{
    struct relay *relay = request->relay;

    if (relay && relay->pipe.attempt && relay->pipe.attempt->paused)
        attempt_pause(relay->pipe.attempt, false);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* An upstream's own error body passes, if it has the form the client's SDK can read. */
static bool is_error_body(struct request *request, hg_str body)
{
    struct dialect_answer answer = {0};
    struct dialect_error error;
    hg_json doc;

    if (!json_parse(request->arena, body, &doc, NULL))
        return false;
    if (request->dialect != &dialect_openai_chat) {
        request->dialect->read_error(request->arena, doc, &error);
        return error.message.n > 0;
    }
    dialect_read_answer(request->dialect, request->arena, request->asked.kind, doc, &answer);
    return answer.is_error && json_member(doc, HG_S("error")).kind == HG_J_OBJ;
}

static void retry_after_add(struct request *request, struct fields *fields, hg_ns wait)
{
    if (wait > 0)
        field_add(fields, HG_S("retry-after"),
                  arena_fmt(request->arena, "%lld", (long long)((wait + 999999999) / 1000000000)));
}

/* The upstream's own, if the client knows it, else what the dialect says. */
static void error_field_add(struct request *request, const struct fault *fault,
                            struct fields *fields)
{
    const struct attempt *attempt = fault->attempt;
    hg_str name, value, theirs = {0};

    if (!request->dialect->error_field)
        return;
    request->dialect->error_field(fault_status(fault), fault_type(fault), &name, &value);
    if (attempt && attempt->head && !attempt->translation)
        theirs = head_field(attempt->head, name);
    field_add(fields, name, theirs.n ? theirs : value);
}

void relay_fault(struct request *request, const struct fault *fault)
{
    struct attempt *attempt = fault->attempt;
    struct chain *body = chain_new(request->arena);
    struct fields fields = fields_new(request, attempt ? attempt->head : NULL, request->headers);
    int status = fault_status(fault);

    for (unsigned i = 0; attempt && attempt->head && i < attempt->head->field_count; i++) {
        const struct field *field = &attempt->head->fields[i];

        if (text_starts(field->name, HG_S("x-ratelimit-")) ||
            text_is(field->name, HG_S("x-request-id")) ||
            (text_is(field->name, HG_S("x-should-retry")) && !fault->is_spent))
            field_add(&fields, field->name, field->value);
    }
    if (fault->is_spent) /* clients' own retries would find it spent as well */
        field_add(&fields, HG_S("x-should-retry"), HG_S("false"));
    retry_after_add(request, &fields, fault->retry_after);
    field_add(&fields, HG_S("content-type"), HG_S("application/json"));
    error_field_add(request, fault, &fields);
    fields_finish(request, &fields);
    if (attempt && !attempt->translation && is_error_body(request, attempt_body(attempt))) {
        hg_str text = attempt_body(attempt);

        chain_put_const(body, text.p, text.n);
    } else {
        hg_str text = request->dialect->error_body(
            request->arena, status, fault_type(fault),
            fault->code.n ? fault->code : fault_name(fault->kind), fault->message);

        chain_put_const(body, text.p, text.n);
    }
    request->status = status;
    inbound_respond(request->exchange, status, &(struct answer_fields){fields.at, fields.count},
                    body);
}
