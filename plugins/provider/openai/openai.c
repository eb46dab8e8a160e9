/* OpenAI, and everything that speaks its dialect at another base URL. The core reads the answers;
 * here are URL, headers, errors and the list of models. What can be done once is done in create:
 * prepare runs for every attempt. */
#include <headgate/plugin.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"

static const hg_host *H;

struct openai {
    const hg_http_api *http; /* may be NULL */
    struct place place;
    struct fields fields;
    hg_str key; /* only to take it out of error messages */
    hg_json models;
    bool has_responses; /* speaks OpenAI's Responses format as well */
};

/* ---- preparing a request ------------------------------------------------------------------ */

static bool is_responses(const struct openai *openai, const hg_req_info *info)
{
    return openai->has_responses &&
           (info->kind == HG_R_COUNT ||
            (info->kind == HG_R_CHAT && info->wire == HG_WIRE_OPENAI_RESPONSES));
}

/* Bodies that are not JSON (uploads) pass as they are; so does what names no model. */
static void body_make(const struct openai *openai, hg_op op, const hg_req *req,
                      const hg_req_info *info, hg_http_req *out)
{
    const hg_body *body = H->req->body(req);
    size_t len = H->body->len(body);

    if (len == 0)
        return;
    out->body = H->out(op);
    if (H->req->json(req).kind != HG_J_OBJ || (info->kind == HG_R_RAW && !info->model.n))
        H->body->put_body(out->body, body, 0, len);
    else
        H->req->rewrite(out->body, req,
                        is_responses(openai, info) ? HG_WIRE_OPENAI_RESPONSES : HG_WIRE_OPENAI_CHAT,
                        (hg_json){0});
}

static hg_str tail_of(const struct openai *openai, const hg_req_info *info)
{
    if (info->kind == HG_R_COUNT)
        return HG_S("/responses/input_tokens");
    return is_responses(openai, info) ? HG_S("/responses") : place_tail(info);
}

static hg_rc url_make(const struct openai *openai, hg_op op, const hg_req_info *info,
                      hg_str *ret_url)
{
    if (info->kind == HG_R_REALTIME)
        return place_session(H, op, &openai->place, "model", info, ret_url);
    return place_url(H, op, &openai->place, tail_of(openai, info), info->query, ret_url);
}

static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    const struct openai *openai = st;
    hg_req_info info = {.size = sizeof info};
    hg_rc rc;

    (void)call;
    H->req->info(req, &info);
    if (info.kind == HG_R_COUNT && !openai->has_responses)
        return H->fail(op, HG_E_UNSUPPORTED, "it does not count tokens");
    rc = url_make(openai, op, &info, &out->url);
    if (rc != HG_OK)
        return rc;
    out->method = info.method.n ? info.method : HG_S("POST");
    if (!fields_make(&openai->fields, H, op, req, (hg_header){0}, out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    body_make(openai, op, req, &info, out);
    return HG_OK;
}

static hg_rc map_error(void *st, void *call, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    const struct openai *openai = st;

    (void)call;
    return error_map(H, openai->http, op, resp, openai->key, NULL, out);
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct openai *openai = st;
    hg_http_req req = {
        .size = sizeof req, .headers = openai->fields.fixed, .n_headers = openai->fields.count};
    hg_rc rc;

    if (openai->models.kind == HG_J_ARR) {
        models_write(H, op, openai->models, json);
        return HG_OK;
    }
    if (!openai->http)
        return H->fail(op, HG_E_UNSUPPORTED, "models: needs " HG_HTTP);
    rc = place_url(H, op, &openai->place, HG_S("/models"), (hg_str){0}, &req.url);
    return rc == HG_OK ? models_ask(H, openai->http, op, &req, json) : rc;
}

/* ---- settings ----------------------------------------------------------------------------- */

static hg_str setting(hg_op op, hg_json settings, const char *place)
{
    return H->json->str(op, H->json->get(settings, place));
}

static hg_rc credentials_read(struct openai *openai, hg_op op, hg_json settings)
{
    static const struct {
        const char *place, *header;
    } texts[] = {{"/organization", "openai-organization"}, {"/project", "openai-project"}};
    hg_rc rc;

    openai->key = setting(op, settings, "/api_key");
    rc = fields_add_key(&openai->fields, H, op, HG_S("authorization: Bearer"), openai->key);
    if (rc != HG_OK)
        return rc;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hg_str value = setting(op, settings, texts[i].place);

        if (!fields_value_is_sane(value))
            return H->fail(op, HG_E_CONFIG, "%s: holds a line end", texts[i].place + 1);
        if (value.n)
            fields_add(&openai->fields, word_of(texts[i].header), value);
    }
    return HG_OK;
}

/* OpenAI's own servers: the host itself, or one of a region below it. */
static bool is_openai(hg_str base)
{
    static const hg_str own = {"api.openai.com", 14};
    const char *host = memchr(base.p, ':', base.n);
    const char *end = base.p + base.n, *slash;

    if (!host || end - host < 3)
        return false;
    host += 3; /* "://" */
    slash = memchr(host, '/', (size_t)(end - host));
    end = slash ? slash : end;
    return (size_t)(end - host) >= own.n && memcmp(end - own.n, own.p, own.n) == 0 &&
           (end - own.n == host || end[-(ptrdiff_t)own.n - 1] == '.');
}

static hg_rc settings_read(struct openai *openai, hg_op op, hg_json settings)
{
    hg_json responses = H->json->get(settings, "/responses");
    hg_str url = setting(op, settings, "/base_url");
    hg_rc rc = place_read(H, op, "base_url", url.n ? url : HG_S("https://api.openai.com/v1"),
                          &openai->place);

    if (rc == HG_OK)
        rc = credentials_read(openai, op, settings);
    if (rc == HG_OK)
        rc = fields_complete(&openai->fields, H, op, settings,
                             "openai-beta openai-organization openai-project");
    openai->models = H->json->get(settings, "/models");
    openai->has_responses =
        responses.kind == HG_J_TRUE ||
        (responses.kind != HG_J_FALSE && rc == HG_OK && is_openai(openai->place.base));
    return rc;
}

static void destroy(void *st)
{
    struct openai *openai = st;

    fields_done(&openai->fields);
    free(openai);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct openai *openai = calloc(1, sizeof *openai);
    hg_rc rc;

    (void)self;
    if (!openai)
        return H->fail(op, HG_E_NOMEM, "no memory");
    openai->http = H->service(HG_HTTP);
    rc = settings_read(openai, op, settings);
    if (rc != HG_OK) {
        destroy(openai);
        return rc;
    }
    *ret_st = openai;
    return HG_OK;
}

/* include_usage is for the host, which adds the option and takes its answer out again. */
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\","
    "\"description\":\"Sent as a bearer token. Local servers need none.\"},"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\","
    "\"default\":\"https://api.openai.com/v1\","
    "\"description\":\"What stands before /chat/completions; a query string is kept.\"},"
    "\"organization\":{\"type\":\"string\","
    "\"description\":\"Sent as openai-organization, whatever the client says.\"},"
    "\"project\":{\"type\":\"string\","
    "\"description\":\"Sent as openai-project, whatever the client says.\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
    "\"description\":\"Further headers of every request.\"},"
    "\"include_usage\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"Whether streams may be asked for their token counts when the client did "
    "not.\"},"
    "\"responses\":{\"type\":\"boolean\","
    "\"description\":\"Whether the server has /responses. Requests for it are translated to chat "
    "completions otherwise. Default: only OpenAI's own.\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer. Without it the provider is asked.\"}}}";

static const hg_provider provider = {
    .size = sizeof provider,
    .caps = 1u << HG_R_CHAT | 1u << HG_R_COMPLETE | 1u << HG_R_EMBED | 1u << HG_R_IMAGE |
            1u << HG_R_AUDIO | 1u << HG_R_RERANK | 1u << HG_R_MODERATE | 1u << HG_R_MODELS |
            1u << HG_R_RAW | 1u << HG_R_REALTIME,
    .wires = 1u << HG_WIRE_OPENAI_CHAT | 1u << HG_WIRE_OPENAI_RESPONSES,
    .prepare = prepare,
    .map_error = map_error,
    .models = models};

HG_PLUGIN(H, "openai", "0.1.0", .summary = "OpenAI, and everything that speaks its dialect",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
