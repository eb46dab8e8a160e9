/* How many tokens a request has: asked of the provider in its own format, or estimated if it has no
 * way to tell. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/counting.h"
#include "dialect/translation.h"
#include "gateway/attempt_parts.h"

bool attempt_count_write(struct attempt *attempt, hg_json doc, struct chain *out,
                         struct error *error)
{
    struct request *request = attempt->request;
    const struct dialect *provider = attempt->translation->provider;
    struct chat *chat = arena_alloc(out->arena, sizeof *chat);
    struct chain *written = chain_new(out->arena);

    doc = counting_inside(request->dialect, doc);
    return request->dialect->read_chat(request->arena, request->head->path, doc, chat, error) &&
           provider->write_chat(attempt->translation, chat, written, error) &&
           counting_write(provider, attempt->model, written, out);
}

/* Puts a number in place of what was read. */
static void answer_with(struct attempt *attempt, uint64_t tokens)
{
    struct request *request = attempt->request;
    hg_str body = counting_answer(request->dialect, request->arena, tokens);

    buffer_done(&attempt->whole);
    buffer_add(&attempt->whole, body.p, body.n);
    attempt->content_type = HG_S("application/json");
    attempt->is_over = true;
    attempt_succeeded(attempt);
    attempt_stop(attempt, HG_OK);
}

void attempt_count_judge(struct attempt *attempt)
{
    int64_t tokens = -1;
    hg_json doc;

    if (json_parse(attempt->request->arena, attempt_body(attempt), &doc, NULL))
        tokens = counting_read(attempt->translation->provider, doc);
    if (tokens < 0)
        attempt_fail(attempt, FAULT_PROTOCOL, "%s sent no number of tokens", attempt->target->name);
    else
        answer_with(attempt, (uint64_t)tokens);
}

/* A server without this endpoint, and not one that does not have the model. */
static bool has_no_endpoint(const struct attempt *attempt)
{
    hg_str body = attempt_body(attempt), model = attempt->model;

    if (attempt->status == 405 || attempt->status == 501)
        return true;
    return attempt->status == 404 && !(model.n && memmem(body.p, body.n, model.p, model.n));
}

bool attempt_estimate(struct attempt *attempt)
{
    struct request *request = attempt->request;

    if (request->asked.kind != HG_R_COUNT || request->doc.kind != HG_J_OBJ ||
        (attempt->status && !has_no_endpoint(attempt)))
        return false;
    attempt->is_estimate = true;
    attempt->status = 200;
    attempt->head = NULL;
    attempt->translation = NULL;
    answer_with(attempt, counting_estimate(request->dialect, request->doc));
    return true;
}
