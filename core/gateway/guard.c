#include "gateway/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/guard_run.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "plugin/registry.h"

#define GUARD_PATIENCE (30 * NS_PER_S)

/* ---- one guard after the other --------------------------------------------------------------- */

static void verdict_note(struct guard_run *run)
{
    struct request *request = run->request;

    /* HG_DENY is the strictest but not the largest number. */
    static const unsigned strictness[] = {
        [HG_PASS] = 0, [HG_FLAG] = 1, [HG_REDACT] = 2, [HG_DENY] = 3};

    if (run->verdict.action <= HG_FLAG &&
        strictness[run->verdict.action] > strictness[request->guard_action]) {
        request->guard_action = run->verdict.action;
        request->guard_code = arena_text(request->arena, run->verdict.code);
    }
}

static void guard_denied(struct guard_run *run, const char *guard)
{
    struct request *request = run->request;
    const hg_verdict *verdict = &run->verdict;

    metric_add(request->gateway->metrics.guard_denied, 1);
    run->fault = (struct fault){
        .kind = FAULT_DENIED,
        .status = (int)verdict->http_status,
        .code = verdict->code.n ? arena_text(request->arena, verdict->code) : HG_S("guard_denied"),
        .message = verdict->message.n
                       ? arena_text(request->arena, verdict->message)
                       : arena_fmt(request->arena, "the guard '%s' refused this %s", guard,
                                   run->in.stage == HG_STAGE_REQUEST ? "request" : "answer")};
}

static void guard_failed(struct guard_run *run, const char *guard)
{
    log_warn("guard '%s' failed (request %.*s): %s", guard, TEXT_ARG(run->request->id),
             op_error(run->op));
    if (run->on_error == GUARD_ERROR_ALLOWS)
        return;
    run->fault = (struct fault){
        .kind = FAULT_DENIED,
        .status = 503,
        .code = HG_S("guard_unavailable"),
        .message = arena_fmt(run->request->arena, "the guard '%s' could not judge this", guard)};
}

/* Whether the verdict's edits lie inside the texts it was asked about and do not overlap. */
static bool edits_fit(const struct guard_run *run)
{
    const hg_verdict *verdict = &run->verdict;

    for (size_t i = 0; i < verdict->n_edits; i++) {
        const hg_edit *edit = &verdict->edits[i];

        if (edit->text >= run->in.n_texts || edit->at > run->in.texts[edit->text].text.n ||
            edit->n > run->in.texts[edit->text].text.n - edit->at)
            return false;
        for (size_t j = 0; j < i; j++)
            if (verdict->edits[j].text == edit->text && verdict->edits[j].at < edit->at + edit->n &&
                edit->at < verdict->edits[j].at + verdict->edits[j].n)
                return false;
    }
    return true;
}

static void verdict_take(struct guard_run *run, hg_rc rc)
{
    struct instance *instance = run->guards[run->at]->instance;
    const char *guard = instance_name(instance);

    if (rc >= 0)
        verdict_note(run);
    if (rc < 0 || run->verdict.action > HG_FLAG ||
        (run->verdict.action == HG_REDACT && !edits_fit(run)))
        guard_failed(run, guard);
    else if (run->verdict.action == HG_DENY)
        guard_denied(run, guard);
    else if (run->verdict.action == HG_REDACT && run->verdict.n_edits)
        run->edit(run, &(struct dialect_edits){run->verdict.edits, run->verdict.n_edits});
    op_end(&run->op, HG_OK);
    run->at++;
}

static bool run_on(struct guard_run *run);

static void on_checked(void *arg, hg_rc rc)
{
    struct guard_run *run = arg;

    verdict_take(run, rc);
    if (run_on(run))
        run->on_done(run);
}

static hg_rc guard_call(struct guard_run *run, const hg_guard *functions)
{
    void *self = instance_self(run->guards[run->at]->instance);
    bool windows = run->in.stage == HG_STAGE_WINDOW && functions->window;

    if (windows)
        return OP_CALL(run->op, "window",
                       functions->window(self, run->streams ? run->streams[run->at] : NULL,
                                         op_handle(run->op), &run->in, &run->verdict));
    return OP_CALL(run->op, "check",
                   functions->check(self, op_handle(run->op), &run->in, &run->verdict));
}

/* Asks until one has to be waited for. True if there is nobody left to ask. */
static bool run_on(struct guard_run *run)
{
    while (run->at < run->count && run->fault.kind == FAULT_NONE) {
        struct instance *instance = run->guards[run->at]->instance;
        const hg_guard *functions = instance_iface(instance, HG_GUARD);
        uint32_t stage = run->in.stage;

        run->prepare(run);
        if (!functions || !(functions->stages & stage ||
                            (stage == HG_STAGE_WINDOW && functions->stages & HG_STAGE_RESPONSE))) {
            run->at++;
            continue;
        }
        run->verdict = (hg_verdict){.size = sizeof run->verdict};
        run->op =
            op_begin(run->request->gateway->plugins, instance, req_of_view(&run->request->view),
                     clock_now() + GUARD_PATIENCE, on_checked, run);
        hg_rc rc = guard_call(run, functions);

        if (rc == HG_PENDING)
            return false;
        verdict_take(run, rc);
    }
    return true;
}

bool guard_run_start(struct guard_run *run)
{
    run->at = 0;
    run->fault = (struct fault){0};
    return run_on(run);
}

void guard_run_cancel(struct guard_run *run)
{
    op_end(&run->op, HG_E_CANCELLED);
}

/* ---- requests and whole answers -------------------------------------------------------------- */

struct guard_check {
    struct guard_run run;
    struct answer *answer; /* NULL: a request is judged */
    hg_json doc;           /* of the answer */
    struct dialect_texts texts;
    bool texts_read;
    void (*on_done)(void *arg, const struct fault *fault);
    void *arg;
};

static void check_prepare(struct guard_run *run)
{
    struct guard_check *check = (struct guard_check *)(void *)run;
    struct request *request = run->request;

    if (check->answer && !check->texts_read)
        check->texts =
            texts_of_answer(request->dialect, request->arena, request->asked.kind, check->doc);
    else if (!check->answer)
        check->texts = request_texts(request);
    check->texts_read = true;
    run->in.texts = check->texts.list;
    run->in.n_texts = check->texts.count;
}

static void check_edit(struct guard_run *run, const struct dialect_edits *edits)
{
    struct guard_check *check = (struct guard_check *)(void *)run;
    struct request *request = run->request;
    struct chain *out = chain_new(request->arena);

    if (!check->answer) {
        texts_edit_request(request->dialect, request->arena, request->asked.kind, request->doc,
                           edits, out);
        request_set_body(request, out);
        return;
    }
    texts_edit_answer(request->dialect, request->arena, request->asked.kind, check->doc, edits,
                      out);
    answer_set_body(check->answer, out);
    check->texts_read = false;
    json_parse(request->arena, chain_flat(check->answer->body, request->arena), &check->doc, NULL);
}

static void check_done(struct guard_run *run)
{
    struct guard_check *check = (struct guard_check *)(void *)run;

    check->on_done(check->arg, &run->fault);
}

static bool check_start(struct guard_check *check, struct request *request, uint32_t stage,
                        struct gateway_instance *const *guards, unsigned count,
                        const struct guard_options *options, struct fault *ret_fault,
                        struct guard_check **ret_check)
{
    check->run = (struct guard_run){
        .request = request,
        .guards = guards,
        .count = count,
        .on_error = options->on_error,
        .in = {.size = sizeof check->run.in, .stage = stage, .req = req_of_view(&request->view)},
        .prepare = check_prepare,
        .edit = check_edit,
        .on_done = check_done};
    if (!guard_run_start(&check->run)) {
        *ret_check = check;
        return false;
    }
    *ret_fault = check->run.fault;
    return true;
}

static struct guard_check *
check_new(struct request *request, void (*on_done)(void *arg, const struct fault *fault), void *arg)
{
    struct guard_check *check = arena_zalloc(request->arena, sizeof *check);

    check->on_done = on_done;
    check->arg = arg;
    return check;
}

bool guard_request(struct request *request, struct gateway_instance *const *guards, unsigned count,
                   const struct guard_options *options,
                   void (*on_done)(void *arg, const struct fault *fault), void *arg,
                   struct fault *ret_fault, struct guard_check **ret_check)
{
    return check_start(check_new(request, on_done, arg), request, HG_STAGE_REQUEST, guards, count,
                       options, ret_fault, ret_check);
}

bool guard_answer(struct answer *answer, struct gateway_instance *const *guards, unsigned count,
                  const struct guard_options *options,
                  void (*on_done)(void *arg, const struct fault *fault), void *arg,
                  struct fault *ret_fault, struct guard_check **ret_check)
{
    struct request *request = answer->request;
    struct guard_check *check = check_new(request, on_done, arg);

    check->answer = answer;
    json_parse(request->arena, chain_flat(answer->body, request->arena), &check->doc, NULL);
    return check_start(check, request, HG_STAGE_RESPONSE, guards, count, options, ret_fault,
                       ret_check);
}

bool guard_can_read(const struct answer *answer)
{
    const struct attempt *attempt = answer->attempt;

    if (attempt && attempt->raw)
        return attempt->status == 204; /* there is nothing to read */
    return answer->body || answer->is_stream;
}

bool guard_can_read_request(const struct request *request)
{
    return request->asked.kind != HG_R_REALTIME &&
           (request->body->len == 0 || request->doc.kind == HG_J_OBJ);
}

struct fault guard_unread(struct request *request, const struct guard_options *options,
                          const char *what)
{
    if (options->on_error == GUARD_ERROR_ALLOWS)
        return (struct fault){0};
    metric_add(request->gateway->metrics.guard_denied, 1);
    return (struct fault){.kind = FAULT_DENIED,
                          .code = HG_S("guard_cannot_read"),
                          .message = arena_fmt(request->arena,
                                               "the guards of this route cannot read this kind of "
                                               "%s",
                                               what)};
}

void guard_check_cancel(struct guard_check *check)
{
    guard_run_cancel(&check->run);
}
