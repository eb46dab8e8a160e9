/* view.c - what a plugin sees of a request: the functions behind hg_req. */
#include "base/text.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "plugin/host.h"
#include "json/splice.h"

static const struct view *view_of(const hg_req *req)
{
    return (const struct view *)(const void *)req;
}

static void view_info(const hg_req *req, hg_req_info *ret)
{
    const struct view *view = view_of(req);
    const struct request *request = view->request;
    hg_req_info info = {
        .size = ret->size,
        .kind = request->asked.kind,
        .wire = request->dialect->wire,
        .flags =
            (request->asked.is_stream ? HG_RQ_STREAM : 0) | (request->upload ? HG_RQ_PARTIAL : 0),
        .id = request->id,
        .route = route_name(request->route),
        .model = view->attempt ? view->attempt->model : request->shape.model,
        .method = http_method_name(request->head->method),
        .path = request->head->path,
        .query = request->head->query,
        .start = request->exchange ? request->exchange->began : 0,
        .deadline = request->deadline,
        .attempt = view->attempt ? view->attempt->number : 0,
    };

    memcpy(ret, &info, info.size < sizeof info ? info.size : sizeof info);
}

static hg_json view_json(const hg_req *req)
{
    return view_of(req)->request->doc;
}

const struct chain *view_body_shown(struct attempt *attempt)
{
    struct request *request = attempt->request;
    const struct chain *body = request->body;
    hg_str asked = request->asked.model;

    if (!request->model_at || !attempt->model.n || text_is(attempt->model, asked))
        return body;
    if (!attempt->shown) {
        struct chain *shown = chain_new(request->arena);
        size_t end = request->model_at + asked.n;

        chain_put_chain(shown, body, 0, request->model_at);
        chain_put_const(shown, attempt->model.p, attempt->model.n);
        chain_put_chain(shown, body, end, body->len - end);
        attempt->shown = shown;
    }
    return attempt->shown;
}

static const hg_body *view_body(const hg_req *req)
{
    const struct view *view = view_of(req);

    return body_of_chain(view->attempt ? view_body_shown(view->attempt) : view->request->body);
}

static hg_str view_header(const hg_req *req, const char *name)
{
    hg_str wanted = text_of(name);

    if (text_is(wanted, HG_S("authorization")) || text_is(wanted, HG_S("cookie")) ||
        text_is(wanted, HG_S("x-api-key")) || text_is(wanted, HG_S("api-key")) ||
        text_is(wanted, HG_S("proxy-authorization")))
        return HG_S("");
    return head_field(view_of(req)->request->head, wanted);
}

static hg_str view_meta(const hg_req *req, const char *key)
{
    return request_metadata(view_of(req)->request, text_of(key));
}

static size_t view_texts(const hg_req *req, hg_text *texts, size_t max)
{
    struct dialect_texts all = request_texts(view_of(req)->request);

    for (size_t i = 0; i < all.count && i < max; i++)
        texts[i] = all.list[i];
    return all.count;
}

/* Members of a JSON object put over the request's own. */
void view_patch(struct arena *arena, struct splice *splice, hg_json patch)
{
    hg_json_it it = {0};
    hg_str key;
    hg_json value;

    while (patch.kind == HG_J_OBJ && json_next(patch, &it, &key, &value)) {
        hg_str name = json_unescape(arena, key);

        if (value.kind == HG_J_NULL)
            splice_remove(splice, arena_cstr(arena, name));
        else
            splice_set(splice, arena_cstr(arena, name), json_raw(value));
    }
}

/* What the route and the target change in a request. */
void view_shape(struct attempt *attempt, struct arena *arena, struct splice *splice)
{
    hg_json params;

    view_patch(arena, splice, attempt->shape->patch);
    if (attempt->target->params && json_parse(arena, attempt->target->params_text, &params, NULL))
        view_patch(arena, splice, params);
}

/* Asks a server for the usage of a stream, where that is a thing the dialect knows. */
static void usage_ask(struct attempt *attempt, struct splice *splice)
{
    const struct dialect_request *asked = &attempt->request->asked;

    if (!asked->is_stream || asked->wants_usage || attempt->target->usage_refused ||
        !attempt->target->wants_usage || (asked->kind != HG_R_CHAT && asked->kind != HG_R_COMPLETE))
        return;
    attempt->usage_injected = splice_set(splice, "/stream_options/include_usage", HG_S("true"));
}

static void view_rewrite(hg_out *out, const hg_req *req, uint32_t wire, hg_json patch)
{
    const struct view *view = view_of(req);
    struct request *request = view->request;
    struct chain *chain = (struct chain *)(void *)out;
    struct arena *arena = chain->arena; /* the op's: gone when the answer begins */

    if (request->doc.kind != HG_J_OBJ) {
        chain_put_chain(chain, request->body, 0, request->body->len);
        return;
    }
    if ((wire & HG_WIRE_MASK) != request->dialect->wire ||
        (wire & HG_WIRE_MISTRAL && request->asked.kind == HG_R_CHAT)) {
        if (view->attempt)
            attempt_translate(view->attempt, wire, patch, chain);
        else
            chain->broken = true;
        return;
    }
    struct splice *splice = splice_new(arena, request->doc);

    if (view->attempt) {
        struct attempt *attempt = view->attempt;

        view_shape(attempt, arena, splice);
        if (attempt->model.n && !request->dialect->model_in_path &&
            !text_is(attempt->model, request->asked.model))
            splice_set_str(splice, "model", attempt->model);
        if (!(wire & HG_WIRE_NO_STREAM_USAGE))
            usage_ask(attempt, splice);
    }
    view_patch(arena, splice, patch);
    splice_into(splice, chain);
}

hg_str view_request_id(const hg_req *req)
{
    return req ? view_of(req)->request->id : HG_S("");
}

const hg_req_api view_api = {
    .size = sizeof view_api,
    .info = view_info,
    .json = view_json,
    .body = view_body,
    .header = view_header,
    .meta = view_meta,
    .texts = view_texts,
    .rewrite = view_rewrite,
};
