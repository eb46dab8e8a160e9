/* Google Vertex AI: Gemini, Claude and models of others, for a service account. Requests and
 * answers are the core's; here are URLs, tokens, and what Vertex has otherwise. */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"
#include "names.h"

#define VERSION "vertex-2023-10-16"
#define SCOPE   "https://www.googleapis.com/auth/cloud-platform"

static const hg_host *H;

struct vertex {
    const hg_http_api *http; /* may be NULL */
    struct place place;      /* up to the location, or to /v1 with a key */
    char *base;              /* its memory */
    struct fields fields;
    struct account account;
    bool has_account;
    hg_str key; /* only to take it out of error messages */
    hg_json betas, models;
};

/* An attempt: what it waits with while there is no token, and which token it took. */
struct call {
    struct vertex *vertex;
    const hg_req *req;
    hg_http_req *out;
    uint32_t token;
};

/* ---- where it goes ------------------------------------------------------------------------ */

static bool is_claude(const struct names *names)
{
    return (names->wire & HG_WIRE_MASK) == HG_WIRE_ANTHROPIC;
}

static hg_rc tail_make(hg_op op, const hg_req_info *info, const struct names *names,
                       hg_str *ret_tail, hg_str *ret_query)
{
    hg_str method = names_method(names, info->kind, info->flags & HG_RQ_STREAM);

    if (info->kind == HG_R_RAW) {
        *ret_tail = names_raw_tail(H, op, info);
    } else if (info->kind == HG_R_COUNT && is_claude(names)) {
        *ret_tail = HG_S("/publishers/anthropic/models/count-tokens:rawPredict");
    } else if (names->is_shared && info->kind == HG_R_CHAT) {
        *ret_tail = HG_S("/endpoints/openapi/chat/completions");
    } else if (method.n && names->is_endpoint) {
        *ret_tail =
            H->fmt(op, "/%.*s:%.*s", (int)names->model.n, names->model.p, (int)method.n, method.p);
    } else if (method.n && !names->is_shared) {
        *ret_tail = H->fmt(op, "/publishers/%.*s/models/%.*s:%.*s", (int)names->publisher.n,
                           names->publisher.p, (int)names->model.n, names->model.p, (int)method.n,
                           method.p);
    }
    if (word_is(method, "streamGenerateContent"))
        *ret_query = HG_S("alt=sse");
    if (!ret_tail->n)
        return H->fail(op, HG_E_UNSUPPORTED, "Vertex AI has nothing like %.*s", (int)info->path.n,
                       info->path.p);
    return HG_OK;
}

static hg_rc url_make(const struct vertex *vertex, hg_op op, const hg_req_info *info,
                      struct names *names, hg_str *ret_url)
{
    hg_str tail = {0}, query = {0};
    bool is_known = names_read(info->model, names);
    hg_rc rc;

    if (!is_known && info->kind != HG_R_RAW)
        return H->fail(op, HG_E_INPUT,
                       "a model's name is like \"gemini-2.5-flash\", "
                       "\"claude-sonnet-4-5@20250929\" or \"meta/llama-4-maas\"");
    rc = tail_make(op, info, names, &tail, &query);
    return rc == HG_OK ? place_url(H, op, &vertex->place, tail, query, ret_url) : rc;
}

/* ---- what goes with it -------------------------------------------------------------------- */

/* What the core cannot know: Claude's version, and the model in another publisher's body. */
static hg_json patch_make(hg_op op, const hg_req_info *info, const struct names *names)
{
    bool is_count = info->kind == HG_R_COUNT; /* its path does not name the model */
    hg_json patch = {0};
    hg_str text = {0};

    if (is_claude(names))
        text = H->fmt(op, "{\"anthropic_version\":\"" VERSION "\"%s%s}",
                      is_count ? "" : ",\"model\":null",
                      info->flags & HG_RQ_STREAM ? ",\"stream\":true" : "");
    else if ((names->wire & HG_WIRE_MASK) == HG_WIRE_OPENAI_CHAT)
        text = H->fmt(op, "{\"model\":\"%.*s\"%s}", (int)names->model.n, names->model.p,
                      names->wire & HG_WIRE_NO_STREAM_USAGE ? ",\"stream_options\":null" : "");
    if (text.n)
        H->json->parse(op, text, &patch);
    return patch;
}

/* Google's other API has a whole request inside, where Vertex has its members. */
static void count_unwrap(hg_op op, hg_http_req *out)
{
    hg_str text = H->body->flat(op, H->body->written(out->body)), key;
    hg_json_it it = {0};
    hg_json doc, inner, value;

    if (!text.n || H->json->parse(op, text, &doc) != HG_OK)
        return;
    inner = H->json->get(doc, "/generateContentRequest");
    if (inner.kind != HG_J_OBJ)
        return;
    out->body = H->out(op);
    H->json->obj(out->body);
    while (H->json->next(inner, &it, &key, &value)) {
        if (word_is(key, "model"))
            continue;
        H->json->key(out->body, H->fmt(op, "%.*s", (int)key.n, key.p).p);
        H->json->put_raw(out->body, H->json->raw(value));
    }
    H->json->end(out->body);
}

static void body_make(hg_op op, const hg_req *req, const hg_req_info *info,
                      const struct names *names, hg_http_req *out)
{
    const hg_body *body = H->req->body(req);
    size_t len = H->body->len(body);
    bool is_count = info->kind == HG_R_COUNT;
    bool is_passed =
        info->kind == HG_R_RAW || (is_count && info->wire == HG_WIRE_GEMINI && !is_claude(names));
    uint32_t wire = names->wire;

    if (len == 0)
        return;
    out->body = H->out(op);
    if (is_passed || H->req->json(req).kind != HG_J_OBJ) {
        H->body->put_body(out->body, body, 0, len);
        return;
    }
    if (info->kind == HG_R_EMBED)
        wire |= word_is(names_method(names, HG_R_EMBED, false), "predict") ? HG_WIRE_PREDICT
                                                                           : HG_WIRE_ONE_EMBED;
    if (is_count)
        wire &= ~HG_WIRE_BODY_VERSION;
    H->req->rewrite(out->body, req, wire, patch_make(op, info, names));
    if (is_count && !is_claude(names))
        count_unwrap(op, out);
}

static bool is_allowed(const struct vertex *vertex, hg_op op, hg_str beta)
{
    static const char *const known[] = {"claude-code-20250219",
                                        "computer-use-2025-01-24",
                                        "computer-use-2025-11-24",
                                        "context-1m-2025-08-07",
                                        "context-management-2025-06-27",
                                        "effort-2025-11-24",
                                        "fine-grained-tool-streaming-2025-05-14",
                                        "interleaved-thinking-2025-05-14",
                                        "output-128k-2025-02-19",
                                        "prompt-caching-2024-07-31",
                                        "token-efficient-tools-2025-02-19",
                                        "tool-search-tool-2025-10-19",
                                        "web-search-2025-03-05"};
    hg_json_it it = {0};
    hg_json value;

    for (size_t i = 0; vertex->betas.kind != HG_J_ARR && i < sizeof known / sizeof *known; i++)
        if (word_is(beta, known[i]))
            return true;
    while (vertex->betas.kind == HG_J_ARR && H->json->next(vertex->betas, &it, NULL, &value)) {
        hg_str word = H->json->str(op, value);

        if (word.n == beta.n && memcmp(word.p, beta.p, word.n) == 0)
            return true;
    }
    return false;
}

/* Of a client's flags those that Vertex knows: one that it does not know is a 400. */
static hg_str betas_of(const struct vertex *vertex, hg_op op, hg_str sent)
{
    char *text = sent.n ? H->alloc(op, sent.n + 1) : NULL, *at = text;
    const char *end = sent.p + sent.n;

    for (const char *from = sent.p; text && from < end;) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        hg_str beta = {from, (size_t)((comma ? comma : end) - from)};

        from += beta.n + 1;
        while (beta.n && *beta.p == ' ') {
            beta.p++;
            beta.n--;
        }
        while (beta.n && beta.p[beta.n - 1] == ' ')
            beta.n--;
        if (!beta.n || !is_allowed(vertex, op, beta))
            continue;
        if (at > text)
            *at++ = ',';
        at = word_put(at, beta);
    }
    return (hg_str){text, (size_t)(at - text)};
}

/* The fields, the betas, and last the token. */
static hg_rc headers_make(struct call *call, hg_op op, const struct names *names)
{
    struct vertex *vertex = call->vertex;
    hg_header more = {0};
    hg_str betas = {0};

    if (is_claude(names))
        betas = betas_of(vertex, op, H->req->header(call->req, "anthropic-beta"));
    if (betas.n)
        more = (hg_header){HG_S("anthropic-beta"), betas};
    if (!fields_make(&vertex->fields, H, op, call->req, more, call->out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    if (!vertex->has_account)
        return HG_OK;
    size_t n = call->out->n_headers;
    hg_header *headers = H->alloc(op, (n + 1) * sizeof *headers);

    memcpy(headers, call->out->headers, n * sizeof *headers);
    headers[n] =
        (hg_header){HG_S("authorization"), H->fmt(op, "Bearer %s", vertex->account.token.value)};
    call->out->headers = headers;
    call->out->n_headers = n + 1;
    call->token = vertex->account.token.number;
    return HG_OK;
}

/* Everything of a request once the token is there. */
static hg_rc request_make(struct call *call, hg_op op)
{
    hg_req_info info = {.size = sizeof info};
    struct names names;
    hg_rc rc;

    H->req->info(call->req, &info);
    rc = url_make(call->vertex, op, &info, &names, &call->out->url);
    if (rc == HG_OK)
        rc = headers_make(call, op, &names);
    if (rc != HG_OK)
        return rc;
    call->out->method = HG_S("POST");
    body_make(op, call->req, &info, &names, call->out);
    return HG_OK;
}

static void on_token(void *arg, hg_op op, hg_rc rc)
{
    H->done(op, rc == HG_OK ? request_make(arg, op) : rc);
}

static hg_rc prepare(void *st, void *memory, hg_op op, const hg_req *req, hg_http_req *out)
{
    struct vertex *vertex = st;
    struct call *call = memory;
    hg_rc rc = HG_OK;

    *call = (struct call){vertex, req, out, 0};
    if (vertex->has_account)
        rc = token_get(&vertex->account.token, op, on_token, call);
    return rc == HG_OK ? request_make(call, op) : rc;
}

/* ---- answers ------------------------------------------------------------------------------ */

/* A token may have been withdrawn before its time: then another one is asked for, once. */
static hg_rc map_error(void *st, void *memory, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    struct vertex *vertex = st;
    const struct call *call = memory;
    hg_rc rc = error_map(H, vertex->http, op, resp, vertex->key, NULL, out);

    if (rc == HG_OK && out->code == HG_E_AUTH && vertex->has_account &&
        token_refused(&vertex->account.token, call->token))
        out->flags |= HG_ERR_RETRY;
    return rc;
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct vertex *vertex = st;

    if (vertex->models.kind != HG_J_ARR)
        return H->fail(op, HG_E_UNSUPPORTED,
                       "models: Vertex AI has no list for a project: name them in `models`");
    models_write(H, op, vertex->models, json);
    return HG_OK;
}

/* ---- settings ----------------------------------------------------------------------------- */

static hg_str setting(hg_op op, hg_json settings, const char *place)
{
    return H->json->str(op, H->json->get(settings, place));
}

static bool name_is_sane(hg_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
              (i && (c == ':' || c == '.'))))
            return false;
    }
    return name.n > 0 && name.n < 64;
}

static hg_str environment(const char *first, const char *second)
{
    const char *value = getenv(first);

    if (!value || !*value)
        value = getenv(second);
    return word_of(value);
}

static hg_str host_of(hg_op op, hg_str location)
{
    if (word_is(location, "global"))
        return HG_S("https://aiplatform.googleapis.com");
    if (word_is(location, "us") || word_is(location, "eu"))
        return H->fmt(op, "https://aiplatform.%.*s.rep.googleapis.com", (int)location.n,
                      location.p);
    return H->fmt(op, "https://%.*s-aiplatform.googleapis.com", (int)location.n, location.p);
}

/* https://HOST/v1/projects/P/locations/L, or with a key alone https://HOST/v1 */
static hg_rc place_make(struct vertex *vertex, hg_op op, hg_json settings)
{
    hg_str project = setting(op, settings, "/project"), base = setting(op, settings, "/base_url");
    hg_str location = setting(op, settings, "/location"), url;
    struct place checked;
    hg_rc rc;

    if (!location.n)
        location = environment("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION");
    if (!location.n)
        location = HG_S("global");
    if (!project.n && vertex->has_account)
        project = environment("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT");
    if (!project.n)
        project = vertex->account.project;
    if (!name_is_sane(location) || (project.n && !name_is_sane(project)))
        return H->fail(op, HG_E_CONFIG,
                       "project, location: names like \"my-project-1\" and \"us-central1\"");
    if (!project.n && vertex->has_account)
        return H->fail(op, HG_E_CONFIG, "project: whose models are asked; or GOOGLE_CLOUD_PROJECT");
    if (!base.n)
        base = host_of(op, location);
    rc = place_read(H, op, "base_url", base, &checked);
    if (rc != HG_OK)
        return rc;
    url = project.n ? H->fmt(op, "%.*s/v1/projects/%.*s/locations/%.*s", (int)checked.base.n,
                             checked.base.p, (int)project.n, project.p, (int)location.n, location.p)
                    : H->fmt(op, "%.*s/v1", (int)checked.base.n, checked.base.p);
    vertex->base = strndup(url.p, url.n);
    if (!vertex->base)
        return H->fail(op, HG_E_NOMEM, "no memory");
    return place_read(H, op, "base_url", word_of(vertex->base), &vertex->place);
}

static hg_rc credential_read(struct vertex *vertex, hg_inst *self, hg_op op, hg_json settings)
{
    struct account_settings wanted = {.credentials = setting(op, settings, "/credentials"),
                                      .file = setting(op, settings, "/credentials_file"),
                                      .token_url = setting(op, settings, "/token_url"),
                                      .metadata_url = setting(op, settings, "/metadata_url"),
                                      .scope = HG_S(SCOPE)};
    hg_rc rc;

    vertex->key = setting(op, settings, "/api_key");
    if (vertex->key.n && (wanted.credentials.n || wanted.file.n))
        return H->fail(op, HG_E_CONFIG, "api_key, credentials: one of them");
    if (vertex->key.n)
        return fields_add_key(&vertex->fields, H, op, HG_S("x-goog-api-key"), vertex->key);
    vertex->has_account = true;
    rc = account_open(&vertex->account, H, self, op, &wanted);
    if (rc == HG_OK && vertex->account.quota_project.n)
        fields_add(&vertex->fields, HG_S("x-goog-user-project"), vertex->account.quota_project);
    return rc;
}

static void destroy(void *st)
{
    struct vertex *vertex = st;

    account_done(&vertex->account);
    fields_done(&vertex->fields);
    free(vertex->base);
    free(vertex);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct vertex *vertex = calloc(1, sizeof *vertex);
    hg_rc rc;

    if (!vertex)
        return H->fail(op, HG_E_NOMEM, "no memory");
    vertex->http = H->service(HG_HTTP);
    vertex->betas = H->json->get(settings, "/betas");
    vertex->models = H->json->get(settings, "/models");
    rc = credential_read(vertex, self, op, settings);
    if (rc == HG_OK)
        rc = place_make(vertex, op, settings);
    if (rc == HG_OK)
        rc = fields_complete(&vertex->fields, H, op, settings,
                             "x-vertex-ai-llm-request-type x-vertex-ai-llm-shared-request-type");
    if (rc != HG_OK) {
        destroy(vertex);
        return rc;
    }
    *ret_st = vertex;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"project\":{\"type\":\"string\",\"description\":\"Whose models are asked; default: "
    "GOOGLE_CLOUD_PROJECT, or the service account's.\"},"
    "\"location\":{\"type\":\"string\",\"description\":\"A region, us, eu or global; default: "
    "GOOGLE_CLOUD_LOCATION, or global.\"},"
    "\"credentials\":{\"type\":\"string\",\"format\":\"secret\",\"description\":\"The JSON of a "
    "service account's key, or of a user's login.\"},"
    "\"credentials_file\":{\"type\":\"string\",\"description\":\"The file it is in; default: "
    "GOOGLE_APPLICATION_CREDENTIALS, then what gcloud has left, then the metadata server.\"},"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\",\"description\":\"Express mode: a key "
    "in place of an account.\"},"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"Another host than the "
    "location's, without a path.\"},"
    "\"token_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"Where tokens are "
    "asked "
    "for, if not where the key file says.\"},"
    "\"metadata_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"The metadata "
    "server: no file is looked for.\"},"
    "\"betas\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"Flags of "
    "anthropic-beta that clients may set; by default those that Vertex AI knows.\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
    "\"description\":\"Further headers of every request.\"},"
    "\"include_usage\":{\"type\":\"boolean\",\"default\":true,\"description\":\"Whether streams "
    "may be asked for their token counts when the client did not.\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer.\"}}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED | 1u << HG_R_COUNT |
                                             1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_GEMINI | 1u << HG_WIRE_ANTHROPIC |
                                              1u << HG_WIRE_OPENAI_CHAT,
                                     .call_size = sizeof(struct call),
                                     .prepare = prepare,
                                     .map_error = map_error,
                                     .models = models};

HG_PLUGIN(H, "vertex", "0.1.0", .summary = "Google Vertex AI: Gemini, Claude and models of others",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
