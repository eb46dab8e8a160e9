/* OpenAI, and everything that speaks its dialect at another base URL. The core reads the answers;
 * here are URL, headers, errors and the list of models. What can be done once is done in create:
 * prepare runs for every attempt. */
#include <headgate/plugin.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "errors.h"

enum {
    FIXED_MAX = 32, /* headers that every request gets */
    FORWARDED = 6,  /* headers that clients may set */
    MODELS_MAX = 8 * 1024 * 1024
};

static const hg_host *H;

struct openai {
    const hg_http_api *http; /* may be NULL */
    hg_str base, query;      /* base URL without a slash at its end, and what stood behind "?" */
    hg_str key;              /* only to take it out of error messages */
    hg_header fixed[FIXED_MAX];
    size_t n_fixed;
    const char *forwarded[FORWARDED + 1]; /* ends with NULL */
    hg_json models;
    char *text; /* memory of texts made in create */
};

static bool text_is(hg_str text, const char *word)
{
    return text.n == strlen(word) && strncasecmp(text.p, word, text.n) == 0;
}

static bool text_starts(hg_str text, hg_str word)
{
    return text.n >= word.n && memcmp(text.p, word.p, word.n) == 0;
}

static char *put(char *at, hg_str text)
{
    if (text.n)
        memcpy(at, text.p, text.n);
    return at + text.n;
}

/* ---- preparing a request ------------------------------------------------------------------ */

static bool is_dot(const char *p, size_t n, size_t *ret_n)
{
    if (n && *p == '.') {
        *ret_n = 1;
        return true;
    }
    *ret_n = 3;
    return n >= 3 && strncasecmp(p, "%2e", 3) == 0;
}

/* "." or "..", in any spelling: it would leave the part of the API that base_url opens. */
static bool is_dots(const char *p, size_t n)
{
    size_t dots = 0, taken;

    while (n && is_dot(p, n, &taken)) {
        p += taken;
        n -= taken;
        dots++;
    }
    return n == 0 && (dots == 1 || dots == 2);
}

/* What may stand in a URL behind the host. */
static bool path_is_sane(hg_str path)
{
    size_t start = 0;

    for (size_t i = 0; i <= path.n; i++) {
        unsigned char c = i < path.n ? (unsigned char)path.p[i] : '/';

        if (c <= ' ' || c >= 0x7f || c == '#' || c == '\\')
            return false;
        if (c != '/' && c != '?')
            continue;
        if (is_dots(path.p + start, i - start))
            return false;
        if (c == '?')
            return true;
        start = i + 1;
    }
    return true;
}

static bool query_is_sane(hg_str query)
{
    for (size_t i = 0; i < query.n; i++) {
        unsigned char c = (unsigned char)query.p[i];

        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

/* Where a kind of request lives; what has no single place keeps the path it came with. */
static hg_str path_of_kind(uint32_t kind)
{
    switch (kind) {
    case HG_R_CHAT:
        return HG_S("/chat/completions");
    case HG_R_COMPLETE:
        return HG_S("/completions");
    case HG_R_EMBED:
        return HG_S("/embeddings");
    case HG_R_MODERATE:
        return HG_S("/moderations");
    case HG_R_RERANK:
        return HG_S("/rerank");
    default:
        return (hg_str){0};
    }
}

/* The client's path behind /v1, unless it belongs to another dialect than ours. */
static hg_str tail_of(const hg_req_info *info)
{
    hg_str tail = info->path, known = path_of_kind(info->kind);

    if (text_starts(tail, HG_S("/v1/"))) {
        tail.p += 3;
        tail.n -= 3;
    }
    return known.n && !text_starts(tail, known) ? known : tail;
}

static hg_rc url_make(const struct openai *openai, hg_op op, const hg_req_info *info,
                      hg_str *ret_url)
{
    hg_str tail = tail_of(info), query = info->query;

    if (tail.n == 0 || tail.p[0] != '/' || !path_is_sane(tail) || !query_is_sane(query))
        return H->fail(op, HG_E_INPUT, "the path or query is not one to pass on");
    char *url = H->alloc(op, openai->base.n + tail.n + openai->query.n + query.n + 3), *at = url;

    if (!url)
        return H->fail(op, HG_E_TOOBIG, "the URL is too long");
    at = put(put(at, openai->base), tail);
    if (openai->query.n) {
        *at++ = '?';
        at = put(at, openai->query);
    }
    if (query.n) {
        *at++ = openai->query.n ? '&' : '?';
        at = put(at, query);
    }
    *ret_url = (hg_str){url, (size_t)(at - url)};
    return HG_OK;
}

static bool headers_make(const struct openai *openai, hg_op op, const hg_req *req, hg_http_req *out)
{
    hg_header *headers = H->alloc(op, (openai->n_fixed + FORWARDED) * sizeof *headers);
    size_t n = openai->n_fixed;

    if (!headers)
        return false;
    memcpy(headers, openai->fixed, n * sizeof *headers);
    for (const char *const *name = openai->forwarded; *name; name++) {
        hg_str value = H->req->header(req, *name);

        if (value.n)
            headers[n++] = (hg_header){{*name, strlen(*name)}, value};
    }
    out->headers = headers;
    out->n_headers = n;
    return true;
}

/* Bodies that are not JSON (uploads) pass as they are; so does what names no model. */
static void body_make(hg_op op, const hg_req *req, const hg_req_info *info, hg_http_req *out)
{
    const hg_body *body = H->req->body(req);
    size_t len = H->body->len(body);

    if (len == 0)
        return;
    out->body = H->out(op);
    if (H->req->json(req).kind != HG_J_OBJ || (info->kind == HG_R_RAW && !info->model.n))
        H->body->put_body(out->body, body, 0, len);
    else
        H->req->rewrite(out->body, req, HG_WIRE_OPENAI_CHAT, (hg_json){0});
}

static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    const struct openai *openai = st;
    hg_req_info info = {.size = sizeof info};
    hg_rc rc;

    (void)call;
    H->req->info(req, &info);
    rc = url_make(openai, op, &info, &out->url);
    if (rc != HG_OK)
        return rc;
    out->method = info.method.n ? info.method : HG_S("POST");
    if (!headers_make(openai, op, req, out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    body_make(op, req, &info, out);
    return HG_OK;
}

static hg_rc map_error(void *st, void *call, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    const struct openai *openai = st;

    (void)call;
    return error_map(H, openai->http, op, resp, openai->key, out);
}

/* ---- models ------------------------------------------------------------------------------- */

static void models_write_configured(const struct openai *openai, hg_op op, hg_out *out)
{
    hg_json_it it = {0};
    hg_json name;

    H->json->obj(out);
    H->json->key(out, "object");
    H->json->put_str(out, HG_S("list"));
    H->json->key(out, "data");
    H->json->arr(out);
    while (H->json->next(openai->models, &it, NULL, &name)) {
        H->json->obj(out);
        H->json->key(out, "id");
        H->json->put_str(out, H->json->str(op, name));
        H->json->key(out, "object");
        H->json->put_str(out, HG_S("model"));
        H->json->end(out);
    }
    H->json->end(out);
    H->json->end(out);
}

/* {"data":[...]}, or the bare list that some vendors send. */
static void models_answered(void *arg, hg_op op, const hg_http_resp *resp)
{
    hg_out *out = arg;
    hg_json root, list;

    if (resp->rc != HG_OK || resp->status != 200) {
        hg_rc rc = resp->rc != HG_OK                            ? resp->rc
                   : resp->status == 401 || resp->status == 403 ? HG_E_AUTH
                                                                : HG_E_UPSTREAM;

        H->done(op, H->fail(op, rc, "models: status %d", (int)resp->status));
        return;
    }
    if (H->json->parse(op, H->body->flat(op, resp->body), &root) != HG_OK)
        root = (hg_json){0};
    list = root.kind == HG_J_ARR ? root : H->json->get(root, "/data");
    if (list.kind != HG_J_ARR) {
        H->done(op,
                H->fail(op, HG_E_UPSTREAM, "models: no list in the answer: is base_url right?"));
        return;
    }
    H->json->obj(out);
    H->json->key(out, "object");
    H->json->put_str(out, HG_S("list"));
    H->json->key(out, "data");
    H->json->put_raw(out, H->json->raw(list));
    H->json->end(out);
    H->done(op, HG_OK);
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct openai *openai = st;
    hg_http_req req = {.size = sizeof req,
                       .method = HG_S("GET"),
                       .headers = openai->fixed,
                       .n_headers = openai->n_fixed,
                       .max_body = MODELS_MAX};

    if (openai->models.kind == HG_J_ARR) {
        models_write_configured(openai, op, json);
        return HG_OK;
    }
    if (!openai->http)
        return H->fail(op, HG_E_UNSUPPORTED, "models: needs " HG_HTTP);
    req.url = H->fmt(op, "%.*s/models%s%.*s", (int)openai->base.n, openai->base.p,
                     openai->query.n ? "?" : "", (int)openai->query.n,
                     openai->query.n ? openai->query.p : "");
    return openai->http->fetch(op, &req, models_answered, json);
}

/* ---- settings ----------------------------------------------------------------------------- */

static hg_str setting(hg_op op, hg_json settings, const char *place)
{
    return H->json->str(op, H->json->get(settings, place));
}

static bool value_is_sane(hg_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool name_is_sane(hg_str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
            !(c && strchr(others, c)))
            return false;
    }
    return name.n > 0;
}

static bool fixed_has(const struct openai *openai, const char *name)
{
    for (size_t i = 0; i < openai->n_fixed; i++) {
        if (text_is(openai->fixed[i].name, name))
            return true;
    }
    return false;
}

static void fixed_add(struct openai *openai, hg_str name, hg_str value)
{
    openai->fixed[openai->n_fixed++] = (hg_header){name, value};
}

/* A host, and perhaps a port that exists: what else the gateway could not connect to. */
static bool authority_is_sane(hg_str authority)
{
    const char *end = authority.p + authority.n;
    const char *bracket = *authority.p == '[' ? memchr(authority.p, ']', authority.n) : NULL;
    const char *host_end = bracket ? bracket + 1 : authority.p;
    unsigned port = 0;

    if (*authority.p == '[' && !bracket)
        return false;
    while (!bracket && host_end < end && *host_end != ':')
        host_end++;
    if (host_end == authority.p || host_end == end)
        return host_end != authority.p;
    if (*host_end != ':')
        return false;
    for (const char *p = host_end + 1; p < end; p++) {
        if (*p < '0' || *p > '9' || port > 65535)
            return false;
        port = port * 10 + (unsigned)(*p - '0');
    }
    return port > 0 && port <= 65535;
}

static hg_rc base_read(struct openai *openai, hg_op op, hg_json settings)
{
    hg_str url = setting(op, settings, "/base_url");
    const char *mark;

    if (!url.n)
        url = HG_S("https://api.openai.com/v1");
    size_t scheme = text_starts(url, HG_S("https://"))  ? 8
                    : text_starts(url, HG_S("http://")) ? 7
                                                        : 0;

    if (scheme == 0 || url.n == scheme || url.p[scheme] == '/' || url.p[scheme] == '?' ||
        !query_is_sane(url))
        return H->fail(op, HG_E_CONFIG, "base_url: a URL like \"https://api.example.com/v1\"");
    mark = memchr(url.p, '?', url.n);
    openai->base = (hg_str){url.p, mark ? (size_t)(mark - url.p) : url.n};
    if (mark)
        openai->query = (hg_str){mark + 1, url.n - openai->base.n - 1};
    if (memchr(openai->base.p, '@', openai->base.n))
        return H->fail(op, HG_E_CONFIG, "base_url: no user name or password here; use api_key");
    const char *host = url.p + scheme;
    const char *slash = memchr(host, '/', openai->base.n - scheme);
    size_t host_n = slash ? (size_t)(slash - host) : openai->base.n - scheme;

    if (!authority_is_sane((hg_str){host, host_n}))
        return H->fail(op, HG_E_CONFIG, "base_url: a host, or HOST:PORT with a port up to 65535");
    while (openai->base.n > scheme && openai->base.p[openai->base.n - 1] == '/')
        openai->base.n--;
    return HG_OK;
}

static hg_rc credentials_read(struct openai *openai, hg_op op, hg_json settings)
{
    static const struct {
        const char *place, *header;
    } texts[] = {{"/organization", "openai-organization"}, {"/project", "openai-project"}};
    hg_str key = setting(op, settings, "/api_key");

    if (!value_is_sane(key))
        return H->fail(op, HG_E_CONFIG, "api_key: holds characters that no key has");
    openai->key = key;
    if (key.n) {
        char *value = openai->text = malloc(7 + key.n);

        if (!value)
            return H->fail(op, HG_E_NOMEM, "no memory");
        put(put(value, HG_S("Bearer ")), key);
        fixed_add(openai, HG_S("authorization"), (hg_str){value, 7 + key.n});
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hg_str value = setting(op, settings, texts[i].place);

        if (!value_is_sane(value))
            return H->fail(op, HG_E_CONFIG, "%s: holds a line end", texts[i].place + 1);
        if (value.n)
            fixed_add(openai, (hg_str){texts[i].header, strlen(texts[i].header)}, value);
    }
    return HG_OK;
}

static hg_rc headers_read(struct openai *openai, hg_op op, hg_json settings)
{
    static const char *const ours[] = {"authorization",     "host",       "content-length",
                                       "transfer-encoding", "connection", NULL};
    hg_json all = H->json->get(settings, "/headers"), value;
    hg_json_it it = {0};
    hg_str name;

    while (all.kind == HG_J_OBJ && H->json->next(all, &it, &name, &value)) {
        hg_str text = H->json->str(op, value);

        if (!name_is_sane(name) || value.kind != HG_J_STR || !value_is_sane(text))
            return H->fail(op, HG_E_CONFIG, "headers: \"%.*s\" is not a header with a text",
                           (int)(name.n < 100 ? name.n : 100), name.p);
        for (const char *const *word = ours; *word; word++) {
            if (text_is(name, *word))
                return H->fail(op, HG_E_CONFIG, "headers: %s is not yours to set%s", *word,
                               word == ours ? "; use api_key" : "");
        }
        if (openai->n_fixed >= FIXED_MAX - 1)
            return H->fail(op, HG_E_CONFIG, "headers: at most %d", FIXED_MAX - 5);
        fixed_add(openai, name, text);
    }
    return HG_OK;
}

/* The client's own headers are passed on only where the operator has not set them. */
static void forwarded_choose(struct openai *openai)
{
    static const char *const may[FORWARDED] = {"content-type",        "accept",
                                               "openai-beta",         "x-client-request-id",
                                               "openai-organization", "openai-project"};
    size_t n = 0;

    for (size_t i = 0; i < FORWARDED; i++) {
        if (!fixed_has(openai, may[i]))
            openai->forwarded[n++] = may[i];
    }
}

static hg_rc settings_read(struct openai *openai, hg_op op, hg_json settings)
{
    hg_rc rc = base_read(openai, op, settings);

    if (rc == HG_OK)
        rc = credentials_read(openai, op, settings);
    if (rc == HG_OK)
        rc = headers_read(openai, op, settings);
    if (rc != HG_OK)
        return rc;
    if (!fixed_has(openai, "user-agent"))
        fixed_add(openai, HG_S("user-agent"), (hg_str){H->product, strlen(H->product)});
    forwarded_choose(openai);
    openai->models = H->json->get(settings, "/models");
    return HG_OK;
}

static void destroy(void *st)
{
    struct openai *openai = st;

    if (openai->text)
        explicit_bzero(openai->text, 7 + openai->key.n);
    free(openai->text);
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
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer. Without it the provider is asked.\"}}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps =
                                         1u << HG_R_CHAT | 1u << HG_R_COMPLETE | 1u << HG_R_EMBED |
                                         1u << HG_R_IMAGE | 1u << HG_R_AUDIO | 1u << HG_R_RERANK |
                                         1u << HG_R_MODERATE | 1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_OPENAI_CHAT,
                                     .prepare = prepare,
                                     .map_error = map_error,
                                     .models = models};

HG_PLUGIN(H, "openai", "0.1.0", .summary = "OpenAI, and everything that speaks its dialect",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
