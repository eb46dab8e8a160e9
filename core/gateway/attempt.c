#include "gateway/attempt.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/text.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/upload.h"
#include "plugin/op.h"
#include "plugin/registry.h"

static void on_answered(void *arg, hg_rc rc);

static void buffers_free(void *arg)
{
    struct attempt *attempt = arg;

    buffer_done(&attempt->whole);
    buffer_done(&attempt->packed);
    buffer_done(&attempt->partial);
    buffer_done(&attempt->ready);
    buffer_done(&attempt->spent);
}

/* Gives back what only a running attempt needs. */
void attempt_stop(struct attempt *attempt, hg_rc how)
{
    struct loop *loop = attempt->request->gateway->loop;

    outbound_cancel(&attempt->outbound);
    upload_release(attempt);
    op_end(&attempt->op, how);
    timer_clear(loop, &attempt->first_event);
    task_clear(loop, &attempt->unpack);
    if (!attempt->ended)
        attempt->ended = clock_now();
}

static void on_tell(void *arg)
{
    struct attempt *attempt = arg;

    attempt->on_result(attempt->arg, attempt);
}

void attempt_failed(struct attempt *attempt)
{
    attempt->state = ATTEMPT_FAILED;
    attempt->is_over = true;
    attempt->fault.is_final = attempt->request->upload && attempt->request->upload->is_taken;
    attempt_stop(attempt, HG_E_CANCELLED);
    task_queue(attempt->request->gateway->loop, &attempt->tell);
}

void attempt_fail(struct attempt *attempt, enum fault_kind kind, const char *fmt, ...)
{
    va_list args;

    if (attempt->state >= ATTEMPT_SUCCEEDED)
        return;
    va_start(args, fmt);
    attempt->fault = (struct fault){.kind = kind,
                                    .message = arena_vfmt(attempt->request->arena, fmt, args),
                                    .target = text_of(attempt->target->name),
                                    .other_target = true};
    va_end(args);
    attempt_failed(attempt);
}

void attempt_succeeded(struct attempt *attempt)
{
    attempt->state = ATTEMPT_SUCCEEDED;
    if (!attempt->is_translated) /* the plugin has done its part; a stream may stay open for long */
        op_end(&attempt->op, HG_OK);
    timer_clear(attempt->request->gateway->loop, &attempt->first_event);
    task_queue(attempt->request->gateway->loop, &attempt->tell);
}

static void on_first_event_late(void *arg)
{
    struct attempt *attempt = arg;

    attempt_fail(attempt, FAULT_TIMEOUT, "%s sent no token in time", attempt->target->name);
}

/* ---- prepare ----------------------------------------------------------------------------------
 */

/* What the plugin made of the request goes out, or its refusal comes back. */
static void prepared(struct attempt *attempt, hg_rc rc)
{
    if (rc >= 0) {
        attempt_send(attempt);
        return;
    }
    if (rc == HG_E_UNSUPPORTED && attempt_estimate(attempt))
        return;
    attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                 *op_error(attempt->op) ? op_error(attempt->op)
                                        : "the provider refused the request");
}

/* Ends a transport of the plugin's own. */
static void invoked(struct attempt *attempt, hg_rc rc)
{
    if (rc < 0 && attempt->state < ATTEMPT_SUCCEEDED) {
        attempt_fail(attempt, fault_of_rc(rc), "%s: %s", attempt->target->name,
                     op_error(attempt->op));
        return;
    }
    attempt_wire_end(attempt, rc < 0 ? OUTBOUND_CLOSED : OUTBOUND_OK, op_error(attempt->op));
}

static void on_answered(void *arg, hg_rc rc)
{
    struct attempt *attempt = arg;

    if (attempt->target->provider->invoke)
        invoked(attempt, rc);
    else
        prepared(attempt, rc);
}

static void invoke(struct attempt *attempt)
{
    const hg_provider *provider = attempt->target->provider;

    if (attempt->request->upload) {
        attempt_fail(attempt, FAULT_BAD_REQUEST, "%s: it takes no body that is streamed",
                     attempt->target->name);
        return;
    }
    attempt->is_translated = true;
    attempt->is_sse = attempt->request->asked.is_stream;
    attempt->status = 200;
    attempt->state = ATTEMPT_FIRST_EVENT;
    attempt_wire_begin(attempt);
    hg_rc rc = OP_CALL(attempt->op, "invoke",
                       provider->invoke(attempt->target->self, attempt->call,
                                        op_handle(attempt->op), req_of_view(&attempt->view)));

    if (rc != HG_PENDING && rc != HG_E_CANCELLED)
        invoked(attempt, rc);
}

void attempt_prepare(struct attempt *attempt)
{
    struct target *target = attempt->target;
    const hg_provider *provider = target->provider;

    attempt->state = ATTEMPT_PREPARING;
    if (attempt->request->asked.kind == HG_R_REALTIME && !(provider->caps >> HG_R_REALTIME & 1u)) {
        attempt_fail(attempt, FAULT_BAD_REQUEST, "%s has no realtime sessions", target->name);
        return;
    }
    attempt->op =
        op_begin(attempt->request->gateway->plugins, target->instance, req_of_view(&attempt->view),
                 attempt->sending.deadline, on_answered, attempt);
    if (provider->call_size)
        attempt->call = arena_zalloc(op_arena(attempt->op), provider->call_size);
    if (provider->invoke && attempt_estimate(attempt))
        return;
    if (provider->invoke) {
        invoke(attempt);
        return;
    }
    attempt->http = (hg_http_req){.size = sizeof attempt->http};
    hg_rc rc = OP_CALL(attempt->op, "prepare",
                       provider->prepare(target->self, attempt->call, op_handle(attempt->op),
                                         req_of_view(&attempt->view), &attempt->http));

    if (rc != HG_PENDING && rc != HG_E_CANCELLED)
        prepared(attempt, rc);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static hg_ns earliest(hg_ns a, hg_ns b)
{
    return !a ? b : !b ? a : a < b ? a : b;
}

static void limits_set(struct attempt *attempt, const struct attempt_options *options)
{
    const struct config_upstream *limits = &attempt->target->config->upstream;
    hg_ns total = limits->total_timeout;

    if (options->timeout && (!total || options->timeout < total))
        total = options->timeout;
    attempt->sending.deadline =
        earliest(total ? attempt->began + total : 0, attempt->request->deadline);
    attempt->sending.connect_timeout = limits->connect_timeout;
    attempt->sending.first_byte_timeout = limits->first_byte_timeout;
    attempt->sending.idle_timeout = limits->idle_timeout;
    attempt->first_event = (struct timer){.fn = on_first_event_late, .arg = attempt};
    hg_ns first = options->first_token ? options->first_token : limits->first_event_timeout;

    if (attempt->request->asked.is_stream && first)
        timer_set(attempt->request->gateway->loop, &attempt->first_event, attempt->began + first);
}

struct attempt *attempt_start(struct request *request, const struct shape *shape,
                              struct target *target, const struct attempt_options *options,
                              void (*on_result)(void *arg, struct attempt *attempt), void *arg)
{
    struct attempt *attempt = arena_zalloc(request->arena, sizeof *attempt);

    attempt->request = request_ref(request);
    attempt->target = target;
    attempt->number = request->attempt_count++;
    attempt->view = (struct view){request, attempt};
    attempt->shape = shape;
    attempt->model = target_model(target, shape->model);
    attempt->began = clock_now();
    attempt->on_result = on_result;
    attempt->arg = arg;
    attempt->is_shadow = options->is_shadow;
    attempt->tell = (struct task){.fn = on_tell, .arg = attempt};
    attempt->handle = handle_make(request->gateway->handles, attempt);
    if (request->attempts_last)
        request->attempts_last->next = attempt;
    else
        request->attempts = attempt;
    request->attempts_last = attempt;
    arena_on_end(request->arena, buffers_free, attempt);
    limits_set(attempt, options);
    if (!request->upload || upload_claim(attempt))
        attempt_prepare(attempt);
    return attempt;
}

void attempt_detach(struct attempt *attempt)
{
    attempt->detached = true;
    LIST_INSERT_HEAD(&attempt->request->gateway->detached, attempt, entry);
}

void attempt_cancel(struct attempt *attempt)
{
    struct request *request = attempt->request;

    if (attempt->state == ATTEMPT_ENDED)
        return;
    if (attempt->state < ATTEMPT_SUCCEEDED)
        attempt->fault = (struct fault){.kind = FAULT_CANCELLED,
                                        .message = HG_S("cancelled"),
                                        .target = text_of(attempt->target->name)};
    attempt->state = ATTEMPT_ENDED;
    attempt->is_over = true;
    attempt_stop(attempt, HG_E_CANCELLED);
    if (attempt->detached) {
        LIST_REMOVE(attempt, entry);
        if (request->is_recorded)
            gateway_record_shadow(request->gateway, attempt);
    }
    task_clear(request->gateway->loop, &attempt->tell);
    handle_drop(request->gateway->handles, &attempt->handle);
    request_unref(&request);
}

void attempt_pause(struct attempt *attempt, bool paused)
{
    attempt->paused = paused;
    if (attempt->outbound)
        outbound_pause(attempt->outbound, paused);
    if (attempt->inflating && !paused)
        attempt_unpack_go_on(attempt);
}

/* Each piece of content is a token, as most servers send them. */
void attempt_charge(struct attempt *attempt)
{
    const struct request *request = attempt->request;
    hg_usage *usage = &attempt->usage;

    if (!attempt->seen_content || attempt->finish || attempt->detached || attempt->raw ||
        !request->asked.is_stream)
        return;
    if (!(usage->flags & HG_U_INPUT) && request->dialect->tokens)
        usage->input = request->dialect->tokens(request->asked.kind, request->doc);
    if (usage->output < request->chunks)
        usage->output = request->chunks;
    usage->size = sizeof *usage;
    usage->flags |= HG_U_INPUT | HG_U_OUTPUT | HG_U_ESTIMATED;
    attempt->has_usage = true;
}

bool attempt_lacks_mark(const struct attempt *attempt)
{
    return attempt->is_sse && !attempt->raw && !attempt->seen_done && !attempt->seen_error &&
           attempt->request->dialect->end_mark.n;
}

hg_str attempt_body(const struct attempt *attempt)
{
    return buffer_text(&attempt->whole);
}
