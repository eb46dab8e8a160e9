#include "common/native.h"

#include <stdlib.h>

#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"

struct native {
    const hg_host *host;
    const struct native_api *api;
    const hg_http_api *http; /* may be NULL */
    struct place place;
    struct fields fields;
    hg_str key; /* only to take it out of error messages */
    hg_json models;
};

/* ---- requests ----------------------------------------------------------------------------------
 */

static bool is_translated(const struct native *native, const hg_req_info *info)
{
    return info->wire != (native->api->wire & HG_WIRE_MASK);
}

/* What the core does not know passes as it is, but for the model that it names. */
static hg_rc body_make(const struct native *native, hg_op op, const hg_req *req,
                       const hg_req_info *info, hg_http_req *out)
{
    const hg_host *host = native->host;
    bool is_changed = native->api->patch || is_translated(native, info);
    const hg_body *body = host->req->body(req);
    size_t len = host->body->len(body);
    hg_json patch = {0};
    hg_rc rc = HG_OK;

    if (len == 0)
        return HG_OK;
    out->body = host->out(op);
    bool is_json = host->req->json(req).kind == HG_J_OBJ;
    bool is_known = info->kind == HG_R_CHAT || info->kind == HG_R_COUNT ||
                    (info->kind == HG_R_EMBED && is_changed);

    if (is_json && is_known && native->api->patch)
        rc = native->api->patch(host, op, req, info, &patch);
    if (is_json && is_known && rc == HG_OK)
        host->req->rewrite(out->body, req, native->api->wire, patch);
    else if (is_json && !is_known && info->model.n && info->kind != HG_R_EMBED)
        host->req->rewrite(out->body, req, info->wire, patch);
    else if (rc == HG_OK)
        host->body->put_body(out->body, body, 0, len);
    return rc;
}

hg_rc native_prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    const struct native *native = st;
    const hg_host *host = native->host;
    hg_req_info info = {.size = sizeof info};
    hg_str query = {NULL, 0};
    hg_rc rc;

    (void)call;
    host->req->info(req, &info);
    hg_str tail = native->api->tail(host, op, &info, &query);

    if (!tail.n)
        return host->fail(op, HG_E_UNSUPPORTED, "it has nothing like %.*s", (int)info.path.n,
                          info.path.p);
    rc = place_url(host, op, &native->place, tail, query, &out->url);
    if (rc != HG_OK)
        return rc;
    out->method = info.method.n ? info.method : HG_S("POST");
    if (!fields_make(&native->fields, host, op, req, (hg_header){0}, out))
        return host->fail(op, HG_E_NOMEM, "no memory");
    return body_make(native, op, req, &info, out);
}

hg_rc native_map_error(void *st, void *call, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    const struct native *native = st;

    (void)call;
    return error_map(native->host, native->http, op, resp, native->key, native->api->errors, out);
}

hg_rc native_models(void *st, hg_op op, hg_out *json)
{
    const struct native *native = st;
    const hg_host *host = native->host;
    hg_http_req req = {
        .size = sizeof req, .headers = native->fields.fixed, .n_headers = native->fields.count};
    hg_rc rc;

    if (native->models.kind == HG_J_ARR) {
        models_write(host, op, native->models, json);
        return HG_OK;
    }
    if (!native->http || !native->api->models.n)
        return host->fail(op, HG_E_UNSUPPORTED, "models: name them in the settings");
    rc = place_url(host, op, &native->place, native->api->models, native->api->page, &req.url);
    return rc == HG_OK ? models_ask(host, native->http, op, &req, json) : rc;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static hg_rc settings_read(struct native *native, hg_op op, hg_json settings)
{
    const hg_host *host = native->host;
    const struct native_api *api = native->api;
    hg_str url = host->json->str(op, host->json->get(settings, "/base_url"));
    hg_rc rc = place_read(host, op, "base_url", url.n ? url : word_of(api->base), &native->place);

    native->key = host->json->str(op, host->json->get(settings, "/api_key"));
    native->models = host->json->get(settings, "/models");
    if (rc == HG_OK)
        rc = fields_add_key(&native->fields, host, op, word_of(api->key), native->key);
    if (rc == HG_OK && api->version)
        fields_add(&native->fields, word_of(api->version), word_of(api->value));
    return rc == HG_OK ? fields_complete(&native->fields, host, op, settings, api->passes) : rc;
}

hg_rc native_create(const hg_host *host, const struct native_api *api, hg_op op, hg_json settings,
                    void **ret_st)
{
    struct native *native = calloc(1, sizeof *native);
    hg_rc rc;

    if (!native)
        return host->fail(op, HG_E_NOMEM, "no memory");
    native->host = host;
    native->api = api;
    native->http = host->service(HG_HTTP);
    rc = settings_read(native, op, settings);
    if (rc != HG_OK) {
        native_destroy(native);
        return rc;
    }
    *ret_st = native;
    return HG_OK;
}

void native_destroy(void *st)
{
    struct native *native = st;

    fields_done(&native->fields);
    free(native);
}
