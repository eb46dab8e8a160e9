/* A body that comes compressed, at the pace of whoever takes what it holds: a few bytes of it may
 * be very many, so that those wait which come while nobody does. So does the end behind them. */
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "http/inflate.h"

static void on_unpack(void *arg);

void attempt_unpack_begin(struct attempt *attempt)
{
    attempt->inflating = inflate_new(attempt->request->arena);
    attempt->unpack = (struct task){.fn = on_unpack, .arg = attempt};
}

/* Each piece lies where the next one will: the sink has to be done with it. */
static void pieces_take(struct attempt *attempt, hg_str *packed)
{
    enum inflated inflated = INFLATED_PIECE;
    hg_str piece;

    while (!attempt->paused && attempt->state <= ATTEMPT_SUCCEEDED &&
           (inflated = inflate_next(attempt->inflating, packed, &piece)) == INFLATED_PIECE) {
        attempt_take(attempt, piece);
        if (attempt->sink && attempt->state <= ATTEMPT_SUCCEEDED)
            attempt->sink->on_pause(attempt->sink_arg);
    }
    if (inflated == INFLATED_BROKEN && attempt->state != ATTEMPT_ERROR_BODY)
        attempt_broken(attempt, "%s sent a compressed answer that is broken",
                       attempt->target->name);
}

void attempt_unpack(struct attempt *attempt, hg_str packed)
{
    bool is_behind = attempt->packed.len > 0;

    if (is_behind) {
        buffer_add(&attempt->packed, packed.p, packed.n);
        packed = buffer_text(&attempt->packed);
    }
    size_t n = packed.n;

    pieces_take(attempt, &packed);
    if (is_behind)
        buffer_take(&attempt->packed, n - packed.n);
    else if (packed.n && attempt->paused)
        buffer_add(&attempt->packed, packed.p, packed.n);
}

void attempt_unpack_go_on(struct attempt *attempt)
{
    task_queue(attempt->request->gateway->loop, &attempt->unpack);
}

bool attempt_unpack_waits(struct attempt *attempt, enum outbound_fault fault, const char *reason)
{
    if (!attempt->paused)
        return false;
    attempt->end_waits = true;
    attempt->end_fault = fault;
    attempt->end_reason = arena_fmt(attempt->request->arena, "%s", reason ? reason : "");
    return true;
}

/* Whoever takes it goes on. */
static void on_unpack(void *arg)
{
    struct attempt *attempt = arg;
    struct request *request = request_ref(attempt->request);

    attempt_unpack(attempt, (hg_str){0});
    attempt_events.on_data_end(attempt);
    if (attempt->end_waits && !attempt->paused) {
        attempt->end_waits = false;
        attempt_events.on_end(attempt, attempt->end_fault, attempt->end_reason.p);
    }
    request_unref(&request);
}
