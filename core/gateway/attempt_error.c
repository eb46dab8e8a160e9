/* What an upstream's refusal means: for the route, and for the client. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "plugin/registry.h"

/* Seconds, or the moment as an HTTP date. */
static hg_ns retry_after_of(const struct head *head)
{
    hg_str value = head_field(head, HG_S("retry-after"));
    hg_ns duration;
    struct tm tm = {0};
    char text[40];

    if (!value.n || value.n >= sizeof text)
        return 0;
    if (text_to_duration(value, &duration))
        return duration;
    *put_text(text, value) = 0;
    if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        return 0;
    int64_t wait = (int64_t)timegm(&tm) - clock_wall_us() / 1000000;

    return wait > 0 ? wait * NS_PER_S : 0;
}

/* The classes that tell what to do next; for the others the status says it better. */
static enum fault_kind kind_of_error(const hg_error *error, int status)
{
    switch (error->code) {
    case HG_E_RATE:
        return FAULT_RATE_LIMITED;
    case HG_E_TIMEOUT:
        return FAULT_TIMEOUT;
    case HG_E_UPSTREAM:
        return FAULT_UPSTREAM_5XX;
    case HG_E_INPUT:
    case HG_E_AUTH:
    case HG_E_DENIED:
    case HG_E_TOOBIG:
    case HG_E_UNSUPPORTED:
        return FAULT_UPSTREAM_4XX;
    default:
        return status >= 400 ? fault_of_status(status) : FAULT_UPSTREAM_5XX;
    }
}

static hg_rc ask_plugin(struct attempt *attempt, hg_error *ret_error)
{
    const hg_provider *provider = attempt->target->provider;
    struct chain *body = chain_new(attempt->request->arena);

    if (!provider->map_error || !attempt->op)
        return HG_SKIP;
    chain_put_const(body, buffer_at(&attempt->whole), attempt->whole.len);
    hg_http_resp resp = {.size = sizeof resp,
                         .status = attempt->status,
                         .headers = headers_of_head(attempt->head),
                         .body = body_of_chain(body)};

    return OP_CALL_NOW(attempt->op, "map_error",
                       provider->map_error(attempt->target->self, attempt->call,
                                           op_handle(attempt->op), &resp, ret_error));
}

/* What the body says, if the plugin has no word for it. */
static void ask_dialect(struct attempt *attempt, struct fault *fault)
{
    const struct dialect *dialect =
        attempt->translation ? attempt->translation->provider : attempt->request->dialect;
    struct arena *arena = attempt->request->arena;
    struct dialect_error error;
    hg_json doc;

    if (!json_parse(arena, attempt_body(attempt), &doc, NULL))
        return;
    dialect->read_error(arena, doc, &error);
    fault->message = error.message;
    fault->code = error.type;
}

void attempt_map_error(struct attempt *attempt)
{
    struct arena *arena = attempt->request->arena;
    hg_error error = {.size = sizeof error};
    struct fault *fault = &attempt->fault;
    bool known = ask_plugin(attempt, &error) == HG_OK;

    *fault = (struct fault){.kind = known ? kind_of_error(&error, attempt->status)
                                          : fault_of_status(attempt->status),
                            .status = attempt->status >= 400 ? attempt->status : 0,
                            .target = text_of(attempt->target->name),
                            .other_target = true,
                            .attempt = attempt};
    attempt->may_renew = known && error.code == HG_E_AUTH && (error.flags & HG_ERR_RETRY) &&
                         !attempt->request->upload; /* that is on its way already */
    if (known) {
        fault->message = arena_text(arena, error.message);
        fault->code = arena_text(arena, error.type);
        fault->retry_after = error.retry_after;
        fault->is_spent = error.code == HG_E_RATE && !(error.flags & HG_ERR_RETRY);
        if (error.http_status)
            fault->status = (int)error.http_status;
    } else
        ask_dialect(attempt, fault);
    if (!fault->retry_after && attempt->head)
        fault->retry_after = retry_after_of(attempt->head);
    if (!fault->message.n)
        fault->message =
            arena_fmt(arena, "%s answered with status %d", attempt->target->name, attempt->status);
}

/* Some servers do not know stream_options, which only we had asked for. */
static bool refuses_usage_option(const struct attempt *attempt)
{
    hg_str body = attempt_body(attempt);

    return attempt->usage_injected && !attempt->usage_refused &&
           (attempt->status == 400 || attempt->status == 422) && body.n &&
           (memmem(body.p, body.n, "stream_options", 14) ||
            memmem(body.p, body.n, "include_usage", 13));
}

/* Some servers say the key back to whoever used it. The client must not learn ours. */
void attempt_hide_secrets(struct attempt *attempt)
{
    *buffer_room(&attempt->whole, 1) = 0;
    instance_hide(attempt->target->instance, buffer_at(&attempt->whole));
}

/* The same request once more. */
static void send_again(struct attempt *attempt)
{
    attempt->fault = (struct fault){0};
    attempt->inflating = NULL;
    op_end(&attempt->op, HG_OK);
    buffer_done(&attempt->whole);
    attempt_prepare(attempt);
}

void attempt_refused(struct attempt *attempt)
{
    attempt_hide_secrets(attempt);
    if (refuses_usage_option(attempt)) {
        attempt->usage_refused = attempt->target->usage_refused = true;
        attempt->usage_injected = false;
        send_again(attempt);
        return;
    }
    if (attempt_estimate(attempt))
        return;
    attempt_map_error(attempt);
    if (attempt->may_renew && !attempt->was_renewed) {
        attempt->was_renewed = true;
        send_again(attempt);
        return;
    }
    attempt_failed(attempt);
}
