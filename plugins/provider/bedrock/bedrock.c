/* Amazon Bedrock: Converse and ConverseStream, which the core reads and writes, and embeddings
 * through InvokeModel. Here are URLs, signatures and credentials. */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/models.h"
#include "common/place.h"
#include "common/words.h"
#include "credentials.h"
#include "embed.h"
#include "errors.h"
#include "sign.h"

enum {
    HEADERS_MAX = 16,
    VIEWS = 16
};

static const hg_host *H;

struct bedrock {
    const hg_http_api *http; /* may be NULL */
    struct place place;
    char *base_url; /* memory of a URL made from the region */
    hg_str region;
    char *region_text;
    char *bearer; /* value of `authorization`; NULL: requests are signed */
    struct credentials *credentials;
    hg_json models;
};

/* An attempt. */
struct call {
    struct bedrock *bedrock;
    hg_http_req *out;
    hg_header *headers; /* the same as in `out` */
    hg_str model, path; /* path: from the slash behind the host */
    int64_t tokens;     /* of an embedding, as a header told; -1: none did */
};

/* ---- where it goes ------------------------------------------------------------------------ */

/* The last segment of a client's path is the operation, if it is one that passes as it came. */
static hg_str raw_operation(hg_str path)
{
    static const char *const operations[] = {"/invoke", "/invoke-with-response-stream",
                                             "/count-tokens"};

    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        hg_str tail = word_of(operations[i]);

        if (path.n > tail.n && memcmp(path.p + path.n - tail.n, tail.p, tail.n) == 0)
            return tail;
    }
    return (hg_str){NULL, 0};
}

static hg_str operation_of(const hg_req_info *info)
{
    if (info->kind == HG_R_CHAT)
        return info->flags & HG_RQ_STREAM ? HG_S("/converse-stream") : HG_S("/converse");
    if (info->kind == HG_R_COUNT)
        return HG_S("/count-tokens");
    return info->kind == HG_R_EMBED ? HG_S("/invoke") : raw_operation(info->path);
}

/* Tokens are counted for the model itself, not for a profile of a region. */
static hg_str without_region(hg_str model)
{
    static const char *const regions[] = {"us.", "eu.", "apac.",   "au.",
                                          "ca.", "jp.", "global.", "us-gov."};

    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        hg_str region = word_of(regions[i]);

        if (word_starts(model, region))
            return (hg_str){model.p + region.n, model.n - region.n};
    }
    return model;
}

static hg_rc url_make(struct call *call, hg_op op, const hg_req_info *info)
{
    struct bedrock *bedrock = call->bedrock;
    hg_str operation = operation_of(info), model = info->model, url;
    char *tail, *at;
    hg_rc rc;

    if (!operation.n)
        return H->fail(op, HG_E_UNSUPPORTED, "Bedrock has nothing like %.*s", (int)info->path.n,
                       info->path.p);
    if (!model.n)
        return H->fail(op, HG_E_INPUT, "Bedrock needs a model");
    if (word_is(operation, "/count-tokens"))
        model = without_region(model);
    tail = at = H->alloc(op, 7 + 3 * model.n + operation.n);
    if (!tail)
        return H->fail(op, HG_E_TOOBIG, "the name of the model is too long");
    at = sign_encode(word_put(at, HG_S("/model/")), model, false);
    at = word_put(at, operation);
    rc = place_url(H, op, &bedrock->place, (hg_str){tail, (size_t)(at - tail)}, (hg_str){NULL, 0},
                   &url);
    if (rc != HG_OK)
        return rc;
    const char *host = (const char *)memmem(url.p, url.n, "://", 3) + 3;
    const char *slash = memchr(host, '/', (size_t)(url.p + url.n - host));

    call->out->url = url;
    call->path = (hg_str){slash, (size_t)(url.p + url.n - slash)};
    call->model = model;
    return HG_OK;
}

/* ---- what goes with it -------------------------------------------------------------------- */

static hg_rc body_make(struct call *call, hg_op op, const hg_req *req, const hg_req_info *info)
{
    hg_out *out = call->out->body = H->out(op);
    const hg_body *body = H->req->body(req);

    if (info->kind == HG_R_EMBED)
        return embed_write(H, op, info->model, H->req->json(req), out);
    if (info->kind == HG_R_CHAT || (info->kind == HG_R_COUNT && info->wire != HG_WIRE_CONVERSE))
        H->req->rewrite(out, req, HG_WIRE_CONVERSE, (hg_json){0});
    else
        H->body->put_body(out, body, 0, H->body->len(body));
    return HG_OK;
}

static size_t headers_make(struct call *call, const hg_req *req, hg_header *headers)
{
    static const char *const forwarded[] = {
        "accept",
        "x-amzn-bedrock-accept",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-trace",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-service-tier",
    };
    hg_req_info info = {.size = sizeof info};
    size_t n = 0;

    H->req->info(req, &info);
    headers[n++] = (hg_header){HG_S("content-type"), HG_S("application/json")};
    for (size_t i = 0; info.kind == HG_R_RAW && i < sizeof forwarded / sizeof *forwarded; i++) {
        hg_str value = H->req->header(req, forwarded[i]);

        if (value.n)
            headers[n++] = (hg_header){word_of(forwarded[i]), value};
    }
    call->headers = headers;
    call->out->headers = headers;
    return n;
}

static hg_str copied(hg_op op, hg_str text)
{
    return H->fmt(op, "%.*s", (int)text.n, text.p);
}

/* ---- the signature ------------------------------------------------------------------------ */

static bool payload_hash(const struct call *call, char hex[SIGN_HASH])
{
    const hg_body *body = H->body->written(call->out->body);
    struct sign_digest *digest = sign_digest_new();
    size_t off = 0, n;
    hg_str views[VIEWS];

    if (!digest)
        return false;
    while ((n = H->body->peek(body, off, views, VIEWS)))
        for (size_t i = 0; i < (n < VIEWS ? n : VIEWS); i++) {
            sign_digest_add(digest, views[i]);
            off += views[i].n;
        }
    sign_digest_end(digest, hex);
    return true;
}

static hg_rc sign(struct call *call, hg_op op)
{
    struct bedrock *bedrock = call->bedrock;
    struct sign_key key = credentials_key(bedrock->credentials);
    hg_header *headers = call->headers;
    size_t n = call->out->n_headers, made_n;
    hg_str url = call->out->url;
    char date[SIGN_DATE + 1], *payload = H->alloc(op, SIGN_HASH), *made;

    if (!payload || !payload_hash(call, payload))
        return H->fail(op, HG_E_NOMEM, "no memory");
    sign_date((int64_t)time(NULL), date);
    headers[n++] = (hg_header){HG_S("x-amz-date"), copied(op, (hg_str){date, SIGN_DATE})};
    headers[n++] = (hg_header){HG_S("x-amz-content-sha256"), {payload, SIGN_HASH}};
    if (key.token.n)
        headers[n++] = (hg_header){HG_S("x-amz-security-token"), copied(op, key.token)};
    const char *host = (const char *)memmem(url.p, url.n, "://", 3) + 3;
    hg_str path = call->path, query = {NULL, 0};
    const char *mark = memchr(path.p, '?', path.n);

    if (mark) {
        query = (hg_str){mark + 1, (size_t)(path.p + path.n - mark - 1)};
        path.n = (size_t)(mark - path.p);
    }
    made = sign_make(&(struct sign_request){.method = call->out->method,
                                            .host = {host, (size_t)(path.p - host)},
                                            .path = path,
                                            .query = query,
                                            .headers = headers,
                                            .n_headers = n,
                                            .payload = payload,
                                            .date = date,
                                            .region = bedrock->region,
                                            .service = HG_S("bedrock")},
                     &key, &made_n);
    if (!made)
        return H->fail(op, HG_E_NOMEM, "no memory");
    headers[n++] = (hg_header){HG_S("authorization"), copied(op, (hg_str){made, made_n})};
    free(made);
    call->out->n_headers = n;
    return HG_OK;
}

static void on_credentials(void *arg, hg_op op, hg_rc rc)
{
    if (rc >= 0)
        rc = sign(arg, op);
    else
        H->fail(op, rc, "there are no credentials for AWS; the log says why");
    H->done(op, rc);
}

static hg_rc prepare(void *st, void *memory, hg_op op, const hg_req *req, hg_http_req *out)
{
    struct bedrock *bedrock = st;
    struct call *call = memory;
    hg_req_info info = {.size = sizeof info};
    hg_header *headers = H->alloc(op, HEADERS_MAX * sizeof *headers);
    hg_rc rc;

    H->req->info(req, &info);
    *call = (struct call){.bedrock = bedrock, .out = out, .tokens = -1};
    if (!headers)
        return H->fail(op, HG_E_NOMEM, "no memory");
    if (info.flags & HG_RQ_PARTIAL && !bedrock->bearer)
        return H->fail(op, HG_E_UNSUPPORTED, "its requests are signed: no body is streamed to it");
    out->method = HG_S("POST");
    rc = url_make(call, op, &info);
    if (rc == HG_OK)
        rc = body_make(call, op, req, &info);
    if (rc != HG_OK)
        return rc;
    out->n_headers = headers_make(call, req, headers);
    if (bedrock->bearer) {
        headers[out->n_headers++] = (hg_header){HG_S("authorization"), word_of(bedrock->bearer)};
        return HG_OK;
    }
    rc = credentials_want(bedrock->credentials, op, on_credentials, call);
    return rc == HG_OK ? sign(call, op) : rc;
}

/* ---- answers ------------------------------------------------------------------------------ */

static hg_rc head(void *st, void *memory, hg_op op, const hg_http_resp *resp, uint32_t *framing)
{
    const struct bedrock *bedrock = st;
    struct call *call = memory;
    hg_str count = bedrock->http
                       ? bedrock->http->header(resp->headers, "x-amzn-bedrock-input-token-count")
                       : (hg_str){NULL, 0};

    (void)op;
    (void)framing;
    if (count.n && count.n < 10)
        call->tokens = strtoll(H->fmt(op, "%.*s", (int)count.n, count.p).p, NULL, 10);
    return HG_OK;
}

/* Of embeddings; the core reads everything else. */
static hg_rc body(void *st, void *memory, hg_op op, const hg_body *bytes)
{
    const struct call *call = memory;
    hg_json doc;

    (void)st;
    if (H->json->parse(op, H->body->flat(op, bytes), &doc) != HG_OK)
        return H->fail(op, HG_E_UPSTREAM, "an answer that is not JSON");
    return embed_read(H, op, call->model, doc, call->tokens);
}

static hg_rc map_error(void *st, void *memory, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    struct bedrock *bedrock = st;
    int refused = 0;
    hg_rc rc = bedrock_error(H, bedrock->http, op, resp, out, &refused);

    (void)memory;
    if (refused && bedrock->credentials)
        credentials_refused(bedrock->credentials);
    return rc;
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct bedrock *bedrock = st;

    if (bedrock->models.kind != HG_J_ARR)
        return H->fail(op, HG_E_UNSUPPORTED, "models: name them in the settings");
    models_write(H, op, bedrock->models, json);
    return HG_OK;
}

/* ---- settings ----------------------------------------------------------------------------- */

static hg_str setting(hg_op op, hg_json settings, const char *place)
{
    return H->json->str(op, H->json->get(settings, place));
}

static hg_str region_of(hg_op op, hg_json settings, hg_str profile)
{
    hg_str region = setting(op, settings, "/region");
    char *text;

    if (!region.n)
        region = word_of(getenv("AWS_REGION"));
    if (!region.n)
        region = word_of(getenv("AWS_DEFAULT_REGION"));
    if (!region.n &&
        (text = credentials_profile(profile.n ? profile : HG_S("default"), "config", "region"))) {
        region = copied(op, word_of(text));
        free(text);
    }
    return region;
}

static bool is_region(hg_str region)
{
    for (size_t i = 0; i < region.n; i++) {
        char c = region.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return region.n > 0 && region.n < 40;
}

static hg_rc place_find(struct bedrock *bedrock, hg_op op, hg_json settings)
{
    hg_str url = setting(op, settings, "/base_url");

    if (!url.n) {
        bool is_china = word_starts(bedrock->region, HG_S("cn-"));

        url = H->fmt(op, "https://bedrock-runtime.%.*s.amazonaws.com%s", (int)bedrock->region.n,
                     bedrock->region.p, is_china ? ".cn" : "");
        bedrock->base_url = strndup(url.p, url.n);
        url = word_of(bedrock->base_url);
    }
    return place_read(H, op, "base_url", url, &bedrock->place);
}

static hg_rc bearer_set(struct bedrock *bedrock, hg_op op, hg_str key)
{
    for (size_t i = 0; i < key.n; i++)
        if ((unsigned char)key.p[i] <= ' ' || (unsigned char)key.p[i] >= 0x7f)
            return H->fail(op, HG_E_CONFIG, "api_key: holds characters that no key has");
    bedrock->bearer = malloc(8 + key.n);
    if (!bedrock->bearer)
        return H->fail(op, HG_E_NOMEM, "no memory");
    *word_put(word_put(bedrock->bearer, HG_S("Bearer ")), key) = 0;
    return HG_OK;
}

static hg_rc settings_read(struct bedrock *bedrock, hg_inst *self, hg_op op, hg_json settings)
{
    struct credentials_settings wanted = {.id = setting(op, settings, "/access_key_id"),
                                          .secret = setting(op, settings, "/secret_access_key"),
                                          .token = setting(op, settings, "/session_token"),
                                          .profile = setting(op, settings, "/profile"),
                                          .role = setting(op, settings, "/role_arn"),
                                          .role_session =
                                              setting(op, settings, "/role_session_name"),
                                          .external_id = setting(op, settings, "/external_id"),
                                          .sts_url = setting(op, settings, "/sts_url"),
                                          .metadata_url = setting(op, settings, "/metadata_url")};
    hg_str key = setting(op, settings, "/api_key"),
           region = region_of(op, settings, wanted.profile);
    hg_rc rc;

    if (!is_region(region))
        return H->fail(op, HG_E_CONFIG,
                       "region: must be one like \"us-east-1\", in the settings, AWS_REGION or the "
                       "profile");
    bedrock->region_text = strndup(region.p, region.n);
    bedrock->region = word_of(bedrock->region_text);
    wanted.region = bedrock->region;
    bedrock->models = H->json->get(settings, "/models");
    rc = place_find(bedrock, op, settings);
    if (rc != HG_OK)
        return rc;
    if (!key.n && !wanted.id.n && !wanted.profile.n)
        key = word_of(getenv("AWS_BEARER_TOKEN_BEDROCK"));
    if (key.n)
        return bearer_set(bedrock, op, key);
    bedrock->credentials = credentials_new(H, self, op, &wanted);
    return bedrock->credentials ? HG_OK : HG_E_CONFIG;
}

static void destroy(void *st)
{
    struct bedrock *bedrock = st;

    if (bedrock->bearer)
        explicit_bzero(bedrock->bearer, strlen(bedrock->bearer));
    credentials_free(bedrock->credentials);
    free(bedrock->bearer);
    free(bedrock->base_url);
    free(bedrock->region_text);
    free(bedrock);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct bedrock *bedrock = calloc(1, sizeof *bedrock);
    hg_rc rc;

    if (!bedrock)
        return H->fail(op, HG_E_NOMEM, "no memory");
    bedrock->http = H->service(HG_HTTP);
    rc = settings_read(bedrock, self, op, settings);
    if (rc != HG_OK) {
        destroy(bedrock);
        return rc;
    }
    *ret_st = bedrock;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"region\":{\"type\":\"string\",\"description\":\"Like us-east-1; default: AWS_REGION, or the "
    "profile's.\"},"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\",\"description\":\"A Bedrock API key, "
    "sent as a bearer token: nothing is signed.\"},"
    "\"access_key_id\":{\"type\":\"string\",\"description\":\"Credentials, if not those of the "
    "environment.\"},"
    "\"secret_access_key\":{\"type\":\"string\",\"format\":\"secret\"},"
    "\"session_token\":{\"type\":\"string\",\"format\":\"secret\"},"
    "\"profile\":{\"type\":\"string\",\"description\":\"A section of ~/.aws/credentials and "
    "config.\"},"
    "\"role_arn\":{\"type\":\"string\",\"description\":\"A role to assume with these "
    "credentials.\"},"
    "\"role_session_name\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_+=,.@-]{2,64}$\"},"
    "\"external_id\":{\"type\":\"string\"},"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"Another endpoint than "
    "the region's.\"},"
    "\"sts_url\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"metadata_url\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer.\"}}}";

static const hg_provider provider = {
    .size = sizeof provider,
    .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED | 1u << HG_R_RAW | 1u << HG_R_MODELS,
    .wires = 1u << HG_WIRE_CONVERSE,
    .call_size = sizeof(struct call),
    .prepare = prepare,
    .head = head,
    .body = body,
    .map_error = map_error,
    .models = models,
};

static const hg_iface ifaces[] = {{HG_PROVIDER, &provider}, {0}};

HG_PLUGIN(H, "bedrock", "0.1.0", .summary = "Amazon Bedrock: Converse, InvokeModel, embeddings",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = ifaces);
