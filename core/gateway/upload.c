#include "gateway/upload.h"

#include "base/text.h"
#include "gateway/attempt_parts.h"
#include "net/stream.h"

void upload_begin(struct request *request)
{
    request->upload = arena_zalloc(request->arena, sizeof *request->upload);
    request->upload->length = request->exchange->body_length;
}

static void client_pause(const struct request *request, bool paused)
{
    if (request->exchange)
        inbound_body_pause(request->exchange, paused);
}

/* ---- who gets it ----------------------------------------------------------------------------- */

/* The reason is the first attempt's; this one only adds that nothing can be done about it. */
static void refuse_again(struct attempt *attempt, const struct fault *fault)
{
    attempt->fault = *fault;
    attempt->fault.message =
        arena_fmt(attempt->request->arena,
                  "%.*s (the body was streamed to it and is not held, so that no other target can "
                  "be asked)",
                  TEXT_ARG(fault->message));
    attempt_failed(attempt);
}

bool upload_claim(struct attempt *attempt)
{
    struct upload *upload = attempt->request->upload;

    if (upload->is_taken && upload->fault.kind != FAULT_NONE) {
        refuse_again(attempt, &upload->fault);
        return false;
    }
    if (upload->is_taken || upload->attempt || attempt->is_shadow) {
        attempt_fail(attempt, FAULT_BAD_REQUEST,
                     "%s: a body that is streamed goes to one target only", attempt->target->name);
        return false;
    }
    upload->attempt = attempt;
    return true;
}

/* Once the answer is there what still comes from the client is of no use, but it may not read
 * before it has said it. */
void upload_release(struct attempt *attempt)
{
    struct upload *upload = attempt->request->upload;

    if (!upload || upload->attempt != attempt)
        return;
    upload->attempt = NULL;
    if (attempt->state == ATTEMPT_FAILED)
        upload->fault = attempt->fault;
    upload->fault.attempt = NULL; /* what it says is no answer to another one's */
    client_pause(attempt->request, attempt->state != ATTEMPT_SUCCEEDED);
}

bool upload_follows(struct attempt *attempt, const struct chain *body)
{
    const struct chain *shown = view_body_shown(attempt);

    if (!body || body->len != shown->len || body->count != shown->count)
        return false;
    for (uint32_t i = 0; i < body->count; i++)
        if (body->segments[i].p != shown->segments[i].p ||
            body->segments[i].n != shown->segments[i].n)
            return false;
    return true;
}

/* ---- the rest of it -------------------------------------------------------------------------- */

void upload_ready(struct attempt *attempt)
{
    if (attempt->request->upload->attempt == attempt)
        client_pause(attempt->request, false);
}

void upload_data(struct request *request, hg_str bytes, bool last)
{
    struct upload *upload = request->upload;
    struct attempt *attempt = upload->attempt;

    upload->is_taken = true;
    if (!attempt || !attempt->outbound)
        return;
    outbound_write(attempt->outbound, bytes, last);
    if (outbound_queued(attempt->outbound) > STREAM_HIGH_WATER)
        client_pause(request, true);
}

void upload_broken(struct request *request, int status, const char *reason)
{
    request->upload->is_taken = true;
    request_refuse(request, status, reason);
}
