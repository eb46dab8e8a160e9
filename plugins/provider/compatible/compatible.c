/* Everybody who speaks OpenAI's dialect, or nearly does. Where they differ is data: a row of
 * vendors_*.c, and settings of the same kind for whoever has no row. Answers are read by the core,
 * which knows the oddities of all of them. */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"
#include "vendors.h"

enum {
    VAR_MAX = 128
};

static const hg_host *H;

struct compatible {
    const hg_http_api *http; /* may be NULL */
    const struct vendor *vendor;
    struct place place;
    struct fields fields;
    struct changes changes;
    uint32_t endpoints;
    hg_str key; /* only to take it out of error messages */
    hg_json models;
    hg_str models_path;
    char *url; /* memory of the base URL */
};

/* Of a provider that is described by its settings alone. */
static const struct vendor nobody = {.name = "the provider", .endpoints = ON_ALL};

static const struct {
    const char *word;
    uint32_t kind;
} kinds[] = {{"chat", HG_R_CHAT},
             {"completions", HG_R_COMPLETE},
             {"embeddings", HG_R_EMBED},
             {"images", HG_R_IMAGE},
             {"audio", HG_R_AUDIO},
             {"rerank", HG_R_RERANK},
             {"moderations", HG_R_MODERATE},
             {"realtime", HG_R_REALTIME}};

#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- requests ----------------------------------------------------------------------------- */

static hg_rc endpoint_check(const struct compatible *compatible, hg_op op, uint32_t kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].kind == kind && !(compatible->endpoints & 1u << kind))
            return H->fail(op, HG_E_INPUT, "%s has no %s", compatible->changes.name, kinds[i].word);
    }
    return HG_OK;
}

static bool kind_is_fitted(uint32_t kind)
{
    return kind == HG_R_CHAT || kind == HG_R_COMPLETE || kind == HG_R_EMBED;
}

/* Bodies that are not JSON (uploads) pass as they are; so does what names no model. */
static hg_rc body_make(const struct compatible *compatible, hg_op op, const hg_req *req,
                       const hg_req_info *info, hg_http_req *out)
{
    const hg_body *body = H->req->body(req);
    size_t len = H->body->len(body);
    hg_json patch = {0};
    hg_rc rc = HG_OK;

    if (len == 0)
        return HG_OK;
    out->body = H->out(op);
    if (H->req->json(req).kind != HG_J_OBJ || (info->kind == HG_R_RAW && !info->model.n)) {
        H->body->put_body(out->body, body, 0, len);
        return HG_OK;
    }
    if (kind_is_fitted(info->kind))
        rc = changes_patch(&compatible->changes, H, op, req, info, &patch);
    if (rc == HG_OK)
        H->req->rewrite(out->body, req, HG_WIRE_OPENAI_CHAT | compatible->changes.wire, patch);
    return rc;
}

static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    const struct compatible *compatible = st;
    hg_req_info info = {.size = sizeof info};
    hg_rc rc;

    (void)call;
    H->req->info(req, &info);
    if (info.kind == HG_R_COUNT)
        return H->fail(op, HG_E_UNSUPPORTED, "it does not count tokens");
    rc = endpoint_check(compatible, op, info.kind);
    if (rc == HG_OK && info.kind == HG_R_REALTIME)
        rc = place_session(H, op, &compatible->place, "model", &info, &out->url);
    else if (rc == HG_OK)
        rc = place_url(H, op, &compatible->place, place_tail(&info), info.query, &out->url);
    if (rc != HG_OK)
        return rc;
    out->method = info.method.n ? info.method : HG_S("POST");
    if (!fields_make(&compatible->fields, H, op, req, (hg_header){0}, out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    return body_make(compatible, op, req, &info, out);
}

static hg_rc map_error(void *st, void *call, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    const struct compatible *compatible = st;

    (void)call;
    return error_map(H, compatible->http, op, resp, compatible->key, compatible->vendor->errors,
                     out);
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct compatible *compatible = st;
    hg_http_req req = {.size = sizeof req,
                       .headers = compatible->fields.fixed,
                       .n_headers = compatible->fields.count};
    hg_rc rc;

    if (compatible->models.kind == HG_J_ARR) {
        models_write(H, op, compatible->models, json);
        return HG_OK;
    }
    if (!compatible->models_path.n)
        return H->fail(op, HG_E_UNSUPPORTED, "%s has no list of models: name them in `models`",
                       compatible->changes.name);
    if (!compatible->http)
        return H->fail(op, HG_E_UNSUPPORTED, "models: needs " HG_HTTP);
    rc = place_url(H, op, &compatible->place, compatible->models_path, (hg_str){0}, &req.url);
    return rc == HG_OK ? models_ask(H, compatible->http, op, &req, json) : rc;
}

/* ---- settings ----------------------------------------------------------------------------- */

static hg_str setting(hg_op op, hg_json settings, const char *place)
{
    return H->json->str(op, H->json->get(settings, place));
}

static hg_rc vendor_read(struct compatible *compatible, hg_op op, hg_json settings)
{
    hg_str name = setting(op, settings, "/vendor");

    compatible->vendor = name.n ? vendor_find(name) : &nobody;
    if (!compatible->vendor)
        return H->fail(op, HG_E_CONFIG,
                       "vendor: no \"%.*s\" is known here; say base_url and flags instead",
                       (int)(name.n < 100 ? name.n : 100), name.p);
    return HG_OK;
}

/* What may stand for a {name}: nothing that would lead to another host or path. */
static bool var_is_sane(hg_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_' || c == '.' || (c == ':' && i)))
            return false;
    }
    return value.n > 0 && value.n <= VAR_MAX && value.p[0] != '.';
}

/* Puts the values of `vars` in the place of their {names}. */
static hg_rc url_fill(hg_op op, hg_json settings, hg_str url, char *room, size_t *ret_n)
{
    const char *end = url.p + url.n, *at = url.p;
    char *to = room;

    while (at < end) {
        const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;

        if (*at == '{' && !close)
            return H->fail(op, HG_E_CONFIG, "base_url: a { without its }");
        if (!close) {
            *to++ = *at++;
            continue;
        }
        int n = (int)(close - at - 1);
        hg_str value = setting(op, settings, H->fmt(op, "/vars/%.*s", n, at + 1).p);

        if (!var_is_sane(value))
            return H->fail(op, HG_E_CONFIG, "vars.%.*s: needed for %.*s; letters, digits and . - _",
                           n, at + 1, (int)url.n, url.p);
        to = word_put(to, value);
        at = close + 1;
    }
    *ret_n = (size_t)(to - room);
    return HG_OK;
}

static hg_rc base_read(struct compatible *compatible, hg_op op, hg_json settings)
{
    hg_str url = setting(op, settings, "/base_url");
    size_t holes = 0;
    hg_rc rc;

    if (!url.n)
        url = word_of(compatible->vendor->base_url);
    if (!url.n)
        return H->fail(op, HG_E_CONFIG, "say who it is: vendor = \"groq\", or a base_url");
    for (size_t i = 0; i < url.n; i++)
        holes += url.p[i] == '{';
    compatible->url = malloc(url.n + holes * VAR_MAX);
    if (!compatible->url)
        return H->fail(op, HG_E_NOMEM, "no memory");
    hg_str filled = {compatible->url, 0};

    rc = url_fill(op, settings, url, compatible->url, &filled.n);
    return rc == HG_OK ? place_read(H, op, "base_url", filled, &compatible->place) : rc;
}

static hg_rc fields_read_all(struct compatible *compatible, hg_op op, hg_json settings)
{
    const struct vendor *vendor = compatible->vendor;
    hg_str auth = setting(op, settings, "/auth"), name = word_of(vendor->header);
    const char *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
    hg_rc rc;

    if (!auth.n)
        auth = vendor->auth ? word_of(vendor->auth) : HG_S("authorization: Bearer");
    compatible->key = setting(op, settings, "/api_key");
    rc = fields_add_key(&compatible->fields, H, op, auth, compatible->key);
    if (rc != HG_OK)
        return rc;
    if (colon)
        fields_add(&compatible->fields, (hg_str){name.p, (size_t)(colon - name.p)},
                   word_of(colon + 2));
    return fields_complete(&compatible->fields, H, op, settings, vendor->passes);
}

static void endpoints_read(struct compatible *compatible, hg_op op, hg_json settings)
{
    hg_json list = H->json->get(settings, "/endpoints"), value;
    hg_json_it it = {0};

    compatible->endpoints = list.kind == HG_J_ARR ? 0 : compatible->vendor->endpoints;
    while (list.kind == HG_J_ARR && H->json->next(list, &it, NULL, &value)) {
        hg_str word = H->json->str(op, value);

        for (size_t i = 0; i < KINDS; i++)
            compatible->endpoints |= word_is(word, kinds[i].word) ? 1u << kinds[i].kind : 0;
    }
}

static hg_rc settings_read(struct compatible *compatible, hg_op op, hg_json settings)
{
    hg_rc rc = vendor_read(compatible, op, settings);

    if (rc == HG_OK)
        rc = base_read(compatible, op, settings);
    if (rc == HG_OK)
        rc = fields_read_all(compatible, op, settings);
    if (rc == HG_OK)
        rc = changes_read(&compatible->changes, H, op, compatible->vendor, settings);
    if (rc != HG_OK)
        return rc;
    endpoints_read(compatible, op, settings);
    compatible->models = H->json->get(settings, "/models");
    compatible->models_path =
        compatible->vendor->models ? word_of(compatible->vendor->models) : HG_S("/models");
    return HG_OK;
}

static void destroy(void *st)
{
    struct compatible *compatible = st;

    fields_done(&compatible->fields);
    free(compatible->url);
    free(compatible);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct compatible *compatible = calloc(1, sizeof *compatible);
    hg_rc rc;

    (void)self;
    if (!compatible)
        return H->fail(op, HG_E_NOMEM, "no memory");
    compatible->http = H->service(HG_HTTP);
    rc = settings_read(compatible, op, settings);
    if (rc != HG_OK) {
        destroy(compatible);
        return rc;
    }
    *ret_st = compatible;
    return HG_OK;
}

#define TEXTS "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"

/* include_usage is for the host, which adds the option and takes its answer out again. */
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"vendor\":{\"type\":\"string\","
    "\"description\":\"Who it is: groq, deepseek, ...; its README has the list.\"},"
    "\"base_url\":{\"type\":\"string\","
    "\"description\":\"What stands before /chat/completions, if not the vendor's own; {names} are "
    "filled in from vars, a query string is kept.\"},"
    "\"vars\":" TEXTS "\"description\":\"What stands for {names} in the base URL.\"},"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\","
    "\"description\":\"Local servers need none.\"},"
    "\"auth\":{\"type\":\"string\","
    "\"description\":\"How the key is sent: a header, and what stands before the key. By default "
    "the vendor's way, or authorization: Bearer.\"},"
    "\"headers\":" TEXTS "\"description\":\"Further headers of every request.\"},"
    "\"refuses\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"Members of a request that are left out.\"},"
    "\"renames\":" TEXTS "\"description\":\"Members that go by another name.\"},"
    "\"flags\":{\"type\":\"array\",\"items\":{\"enum\":[\"string_content\",\"empty_content\","
    "\"reasoning_content\",\"no_schema\",\"top_k\",\"no_stream_options\",\"no_urls\","
    "\"one_choice\",\"auto_tools\",\"no_strict\",\"no_names\",\"system_first\",\"turns\","
    "\"max_completion_tokens\",\"developer\"]},"
    "\"description\":\"Where it differs from OpenAI.\"},"
    "\"endpoints\":{\"type\":\"array\",\"items\":{\"enum\":[\"chat\",\"completions\","
    "\"embeddings\",\"images\",\"audio\",\"rerank\",\"moderations\",\"realtime\"]},"
    "\"description\":\"What it can be asked for, if not what the vendor's row says.\"},"
    "\"include_usage\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"Whether streams may be asked for their token counts when the client did "
    "not.\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer. Without it the provider is asked.\"}}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps =
                                         ON_ALL | ON_REALTIME | 1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_OPENAI_CHAT,
                                     .prepare = prepare,
                                     .map_error = map_error,
                                     .models = models};

HG_PLUGIN(H, "compatible", "0.1.0",
          .summary = "More than a hundred vendors that speak OpenAI's dialect",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
