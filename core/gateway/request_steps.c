/* request_steps.c - the journey of a request, top to bottom.
 *
 *   receive ─► route ─► run ─► deliver ─► record
 *
 * Each step does its part and names the next one. A failure is no exit but another road to deliver,
 * so that the client is always answered and the record always written, once. */
#include "gateway/request_steps.h"

#include "base/log.h"
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/lua/api.h"
#include "gateway/models/alias.h"
#include "gateway/record.h"
#include "gateway/relay.h"
#include "gateway/route.h"
#include "gateway/stage.h"
#include "gateway/tunnel.h"
#include "gateway/upgrade.h"
#include "http/inflate.h"
#include "http/multipart.h"

enum step_next {
    STEP_GO_ON, /* request->step is the next one */
    STEP_WAIT,  /* somebody will call request_go_on */
    STEP_END    /* there is nothing left to do */
};

struct step {
    const char *name;
    enum step_next (*run)(struct request *request);
};

static enum step_next step_receive(struct request *request);
static enum step_next step_route(struct request *request);
static enum step_next step_run(struct request *request);
static enum step_next step_deliver(struct request *request);
static enum step_next step_record(struct request *request);

static const struct step receive = {"receive", step_receive}; /* what is it asking for? */
static const struct step route = {"route", step_route};       /* which script is it for? */
static const struct step run = {"run", step_run};             /* that script decides */
static const struct step deliver = {"deliver", step_deliver}; /* the answer goes out */
static const struct step record = {"record", step_record};    /* and is remembered */

const struct step *request_first_step(void)
{
    return &receive;
}

void request_go_on(struct request *request)
{
    enum step_next next;

    if (request->driving)
        return;
    request->driving = true;
    do {
        if (request->over && request->step != &record)
            request->step = &record; /* the client has gone, or has been answered */
        log_debug("request %.*s: %s", TEXT_ARG(request->id), request->step->name);
        next = request->step->run(request);
    } while (next == STEP_GO_ON || (next == STEP_WAIT && request->over && !request->exchange));
    request->driving = false;
    if (next == STEP_END)
        request_unref(&request);
}

static enum step_next go_to(struct request *request, const struct step *step)
{
    request->step = step;
    return STEP_GO_ON;
}

/* ---- receive ------------------------------------------------------------------------------------
 */

bool request_is_document(const struct head *head)
{
    hg_str rest, type = text_trim(text_cut(head->content_type, ';', &rest));

    return type.n == 0 || text_is_nocase(type, HG_S("application/json")) ||
           text_ends(type, HG_S("+json"));
}

static void document_read(struct request *request)
{
    struct json_fault fault = {0};
    hg_str text = chain_flat(request->body, request->arena);

    if (json_parse(request->arena, text, &request->doc, &fault)) {
        if (request->doc.kind != HG_J_OBJ)
            request_fail(request, FAULT_BAD_REQUEST, "the body must be a JSON object");
        return;
    }
    request_fail(request, FAULT_BAD_REQUEST, "the body is not valid JSON: %s at byte %zu",
                 fault.reason, fault.at);
}

/* A body may come compressed, and is read and passed on as what it was before. */
static void body_inflate(struct request *request)
{
    size_t max = (size_t)request->gateway->config->limits.max_body;
    enum coding coding = CODING_NONE;
    struct chain *body;

    if (request->body->len)
        coding = coding_of(head_field(request->head, HG_S("content-encoding")));
    if (coding == CODING_NONE)
        return;
    body = chain_new(request->arena);
    switch (coding == CODING_UNKNOWN ? INFLATED_BROKEN
                                     : inflate_body(request->arena, request->body, max, body)) {
    case INFLATED_ALL:
    case INFLATED_PIECE:
        request->body = body;
        return;
    case INFLATED_LARGE:
        request_fail(request, FAULT_BAD_REQUEST, "the body is larger than %zu bytes", max);
        request->fault.status = 413;
        return;
    case INFLATED_BROKEN:
        request_fail(request, FAULT_BAD_REQUEST,
                     coding == CODING_UNKNOWN
                         ? "content-encoding: must be gzip, deflate or identity"
                         : "the body is not what its content-encoding says");
        request->fault.status = coding == CODING_UNKNOWN ? 415 : 400;
    }
}

/* The model of what is no document: a field of the form, or what the client says beside it. */
static void model_read(struct request *request)
{
    enum {
        MODEL_MAX = 256
    };
    hg_str boundary = multipart_boundary(request->head->content_type);
    struct multipart_field model = {0};

    if (boundary.n && multipart_find(boundary, chain_flat(request->body, request->arena),
                                     HG_S("model"), &model)) {
        if (model.is_twice || model.value.n > MODEL_MAX)
            request_fail(request, FAULT_BAD_REQUEST,
                         "the form needs one field `model`, of at "
                         "most %d bytes",
                         MODEL_MAX);
        request->asked.model = model.value;
        request->model_at = model.at;
    }
    if (!request->asked.model.n)
        request->asked.model = head_field(request->head, HG_S("x-headgate-model"));
}

static bool needs_document(uint32_t kind)
{
    return kind == HG_R_CHAT || kind == HG_R_COMPLETE || kind == HG_R_EMBED || kind == HG_R_COUNT;
}

static enum step_next step_receive(struct request *request)
{
    struct head *head = request->head;

    request->dialect = dialect_of_path(head->method, head->path, &request->asked.kind);
    if (!request->dialect) {
        request->dialect = &dialect_openai_chat;
        request_fail(request, FAULT_NO_ROUTE, "there is nothing at %.*s %.*s",
                     TEXT_ARG(http_method_name(head->method)), TEXT_ARG(head->path));
        return go_to(request, &deliver);
    }
    if (request->asked.kind == HG_R_MODELS)
        request->dialect = dialect_of_models(request->dialect, head);
    body_inflate(request);
    if (request->fault.kind != FAULT_NONE)
        return go_to(request, &deliver);
    if (request->body->len && request_is_document(head))
        document_read(request);
    else if (needs_document(request->asked.kind))
        request_fail(request, FAULT_BAD_REQUEST,
                     "this endpoint needs a JSON body (content-type: application/json)");
    if (request->fault.kind != FAULT_NONE)
        return go_to(request, &deliver);
    request->dialect->read_request(request->arena, request->asked.kind, head->path, request->doc,
                                   &request->asked);
    if (request->asked.kind == HG_R_REALTIME)
        upgrade_receive(request);
    if (request->doc.kind == 0 && request->body->len)
        model_read(request);
    if (request->fault.kind != FAULT_NONE)
        return go_to(request, &deliver);
    request->asked.is_array = request->asked.is_stream && request->dialect->wants_array &&
                              request->dialect->wants_array(head->query);
    request->shape.model = alias_resolve(request->gateway, request->asked.model);
    return go_to(request, &route);
}

/* ---- route --------------------------------------------------------------------------------------
 */

static enum step_next step_route(struct request *request)
{
    request->route = route_find(request->gateway, request);
    if (!request->route && request->fault.kind == FAULT_NONE)
        request_fail(request, FAULT_NO_ROUTE, "no route is for %.*s %.*s",
                     TEXT_ARG(http_method_name(request->head->method)),
                     TEXT_ARG(request->head->path));
    if (request->fault.kind != FAULT_NONE)
        return go_to(request, &deliver);
    if (request->route->deadline)
        request->deadline = request->began + request->route->deadline;
    return go_to(request, &run);
}

/* ---- run ----------------------------------------------------------------------------------------
 */

static enum step_next step_run(struct request *request)
{
    if (!request->run_started) {
        request->run_started = true;
        lua_run_route(request);
    }
    if (request->routine)
        return STEP_WAIT;
    if (!request->answer && request->fault.kind == FAULT_NONE)
        request_fail(request, FAULT_INTERNAL, "the route gave neither an answer nor an error");
    return go_to(request, &deliver);
}

void request_routine_ended(struct request *request)
{
    request_go_on(request);
}

/* ---- deliver ------------------------------------------------------------------------------------
 */

/* What the route asked for and then did not return. */
static void leftovers_drop(struct request *request)
{
    const struct attempt *kept = request->answer ? request->answer->attempt : NULL;

    for (struct attempt *at = request->attempts; at; at = at->next)
        if (at != kept && !at->detached && at != request->fault.attempt)
            attempt_cancel(at);
    for (struct answer *answer = request->answers; answer; answer = answer->next)
        if (answer != request->answer || request->fault.kind != FAULT_NONE)
            answer_drop(answer);
}

static enum step_next step_deliver(struct request *request)
{
    if (request->delivering)
        return STEP_WAIT;
    request->delivering = true;
    leftovers_drop(request);
    if (!request->answer || request->fault.kind != FAULT_NONE)
        relay_fault(request, &request->fault);
    else if (request->answer->attempt && request->answer->attempt->sending.is_upgrade)
        tunnel_start(request, request->answer);
    else
        relay_start(request, request->answer);
    return STEP_WAIT;
}

/* ---- record -------------------------------------------------------------------------------------
 */

static enum step_next step_record(struct request *request)
{
    struct gateway *gateway = request->gateway;

    if (request->exchange)
        return STEP_WAIT; /* the client is gone, and its connection is just being taken down */
    request_stop(request);
    request->is_recorded = true;
    for (struct attempt *at = request->attempts; at; at = at->next)
        attempt_charge(at);
    if (gateway->ring && !record_write(gateway->ring, request))
        metric_add(gateway->metrics.log_dropped, 1);
    gateway_measure(gateway, request);
    lua_run_finally(request);
    gateway_count(gateway, -1);
    return STEP_END;
}
