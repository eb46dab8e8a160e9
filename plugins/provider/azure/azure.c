/* Azure OpenAI and Microsoft Foundry: OpenAI's dialect at a resource of one's own, by key or by a
 * token of Entra ID, in two forms.
 *
 *   v1           {endpoint}/openai/v1/chat/completions              the deployment is the model
 *   deployment   {endpoint}/openai/deployments/{name}/chat/completions?api-version=...
 *   models       {endpoint}/models/chat/completions?api-version=... what Foundry has of others */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"
#include "entra.h"

enum form {
    FORM_V1,
    FORM_DEPLOYMENT,
    FORM_MODELS
};

enum {
    TEXT_ENDPOINT,
    TEXT_PLACE,
    TEXT_ABOVE,
    TEXTS
};

static const hg_host *H;

struct azure {
    const hg_http_api *http; /* may be NULL */
    hg_str endpoint;
    struct place place; /* of the form: what stands before an operation */
    struct place above; /* of what has no deployment, in FORM_DEPLOYMENT */
    enum form form;
    uint32_t wire;
    bool has_entra, has_responses;
    struct entra entra;
    struct fields fields;
    hg_str secret; /* only to take it out of error messages */
    hg_json deployments, models;
    char *texts[TEXTS]; /* memory of URLs made in create */
};

/* An attempt: what it waits with while there is no token, and which token it took. */
struct call {
    struct azure *azure;
    const hg_req *req;
    hg_http_req *out;
    uint32_t token;
};

/* What Azure's own codes mean. Its quota is one of a minute. */
static const char error_words[] = "insufficient_quota=rate NoCapacity=rate RateLimitReached=rate "
                                  "DeploymentNotFound=missing OperationNotSupported=input";

/* ---- requests ----------------------------------------------------------------------------- */

/* The deployment of a model: as the settings say, or the model's own name. */
static hg_str deployment_of(const struct azure *azure, hg_op op, hg_str model)
{
    hg_json_it it = {0};
    hg_json value;
    hg_str key;

    while (azure->deployments.kind == HG_J_OBJ &&
           H->json->next(azure->deployments, &it, &key, &value)) {
        if (key.n == model.n && model.n && memcmp(key.p, model.p, key.n) == 0)
            return H->json->str(op, value);
    }
    return model;
}

static bool is_responses(const struct azure *azure, const hg_req_info *info)
{
    return azure->has_responses && info->kind == HG_R_CHAT &&
           info->wire == HG_WIRE_OPENAI_RESPONSES;
}

static bool kind_has_deployment(uint32_t kind)
{
    return kind == HG_R_CHAT || kind == HG_R_COMPLETE || kind == HG_R_EMBED || kind == HG_R_IMAGE ||
           kind == HG_R_AUDIO;
}

/* "/my-gpt/chat/completions": the name is a part of a path, whatever it holds. */
static hg_rc tail_make(hg_op op, hg_str deployment, hg_str tail, hg_str *ret_tail)
{
    char *text = deployment.n ? H->alloc(op, deployment.n * 3 + tail.n + 1) : NULL, *at = text;

    if (!text)
        return H->fail(op, HG_E_INPUT, "the model's name is that of a deployment, and is missing");
    *at++ = '/';
    at = word_put(place_put(at, deployment), tail);
    *ret_tail = (hg_str){text, (size_t)(at - text)};
    return HG_OK;
}

/* Never under a deployment. */
static hg_rc session_make(const struct azure *azure, hg_op op, const hg_req_info *info,
                          hg_str deployment, hg_str *ret_url)
{
    hg_req_info named = *info;

    named.model = deployment;
    switch (azure->form) {
    case FORM_V1:
        return place_session(H, op, &azure->place, "model", &named, ret_url);
    case FORM_DEPLOYMENT:
        return place_session(H, op, &azure->above, "deployment", &named, ret_url);
    case FORM_MODELS:
        break;
    }
    return H->fail(op, HG_E_UNSUPPORTED, "the models of others have no realtime sessions");
}

static hg_rc url_make(const struct azure *azure, hg_op op, const hg_req_info *info,
                      hg_str deployment, hg_str *ret_url)
{
    bool responses = is_responses(azure, info);
    hg_str tail = responses ? HG_S("/responses") : place_tail(info);
    const struct place *place = &azure->place;

    if (azure->form == FORM_DEPLOYMENT && (responses || !kind_has_deployment(info->kind))) {
        place = &azure->above;
    } else if (azure->form == FORM_DEPLOYMENT) {
        hg_rc rc = tail_make(op, deployment, tail, &tail);

        if (rc != HG_OK)
            return rc;
    }
    return place_url(H, op, place, tail, info->query, ret_url);
}

/* {"model":"my-gpt"} if the deployment goes by another name, and without stream_options where they
 * are not known; absent if nothing is to be changed. */
static hg_json patch_make(const struct azure *azure, hg_op op, hg_str model, hg_str deployment)
{
    bool renames = deployment.p != model.p && deployment.n;
    bool drops = azure->wire & HG_WIRE_NO_STREAM_USAGE;
    hg_json patch = {0};

    if (!renames && !drops)
        return patch;
    hg_str text =
        H->fmt(op, "{%s%.*s%s%s%s}", renames ? "\"model\":\"" : "", renames ? (int)deployment.n : 0,
               renames ? deployment.p : "", renames ? "\"" : "", renames && drops ? "," : "",
               drops ? "\"stream_options\":null" : "");

    return H->json->parse(op, text, &patch) == HG_OK ? patch : (hg_json){0};
}

static void body_make(const struct azure *azure, hg_op op, const hg_req *req,
                      const hg_req_info *info, hg_str deployment, hg_http_req *out)
{
    const hg_body *body = H->req->body(req);
    size_t len = H->body->len(body);
    uint32_t wire =
        is_responses(azure, info) ? HG_WIRE_OPENAI_RESPONSES : HG_WIRE_OPENAI_CHAT | azure->wire;

    if (len == 0)
        return;
    out->body = H->out(op);
    if (H->req->json(req).kind != HG_J_OBJ || (info->kind == HG_R_RAW && !info->model.n))
        H->body->put_body(out->body, body, 0, len);
    else
        H->req->rewrite(out->body, req, wire, patch_make(azure, op, info->model, deployment));
}

/* Everything of a request once the credential is there. */
static hg_rc request_make(struct call *call, hg_op op)
{
    const struct azure *azure = call->azure;
    hg_http_req *out = call->out;
    hg_req_info info = {.size = sizeof info};
    hg_header more = {0};

    H->req->info(call->req, &info);
    if (info.kind == HG_R_COUNT)
        return H->fail(op, HG_E_UNSUPPORTED, "it does not count tokens");
    hg_str deployment = deployment_of(azure, op, info.model);
    hg_rc rc = info.kind == HG_R_REALTIME ? session_make(azure, op, &info, deployment, &out->url)
                                          : url_make(azure, op, &info, deployment, &out->url);

    if (rc != HG_OK)
        return rc;
    if (azure->has_entra) {
        more =
            (hg_header){HG_S("authorization"), H->fmt(op, "Bearer %s", azure->entra.token.value)};
        call->token = azure->entra.token.number;
    }
    out->method = info.method.n ? info.method : HG_S("POST");
    if (!fields_make(&azure->fields, H, op, call->req, more, out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    body_make(azure, op, call->req, &info, deployment, out);
    return HG_OK;
}

static void on_token(void *arg, hg_op op, hg_rc rc)
{
    struct call *call = arg;

    if (rc == HG_OK)
        rc = request_make(call, op);
    H->done(op, rc);
}

static hg_rc prepare(void *st, void *call_memory, hg_op op, const hg_req *req, hg_http_req *out)
{
    struct azure *azure = st;
    struct call *call = call_memory;
    hg_rc rc = HG_OK;

    *call = (struct call){azure, req, out, 0};
    if (azure->has_entra)
        rc = token_get(&azure->entra.token, op, on_token, call);
    return rc == HG_OK ? request_make(call, op) : rc;
}

/* A token may have been withdrawn before its time: then another one is asked for, once. */
static hg_rc map_error(void *st, void *call_memory, hg_op op, const hg_http_resp *resp,
                       hg_error *out)
{
    struct azure *azure = st;
    const struct call *call = call_memory;
    hg_rc rc = error_map(H, azure->http, op, resp, azure->secret, error_words, out);

    if (rc == HG_OK && out->code == HG_E_AUTH && azure->has_entra &&
        token_refused(&azure->entra.token, call->token))
        out->flags |= HG_ERR_RETRY;
    return rc;
}

/* Azure lists the models that could be deployed, and not what is. */
static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct azure *azure = st;

    if (azure->models.kind != HG_J_ARR)
        return H->fail(op, HG_E_UNSUPPORTED,
                       "models: Azure does not list deployments: name them in `models`");
    models_write(H, op, azure->models, json);
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

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || (c == '.' && i)))
            return false;
    }
    return name.n > 0;
}

/* Text made of up to four others, in memory of the instance's. */
static hg_str text_make(struct azure *azure, size_t slot, hg_str a, hg_str b, hg_str c, hg_str d)
{
    char *text = azure->texts[slot] = malloc(a.n + b.n + c.n + d.n + 1), *at = text;

    if (!text)
        return (hg_str){0};
    at = word_put(word_put(word_put(word_put(at, a), b), c), d);
    return (hg_str){text, (size_t)(at - text)};
}

/* Without what the forms put behind it, in case it was copied from the portal with it. */
static hg_str endpoint_of(hg_str url)
{
    static const char *const tails[] = {"/", "/v1", "/openai", "/models"};

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t n = strlen(tails[i]);

        while (url.n > n && memcmp(url.p + url.n - n, tails[i], n) == 0)
            url.n -= n;
    }
    return url;
}

static hg_rc endpoint_read(struct azure *azure, hg_op op, hg_json settings)
{
    hg_str resource = setting(op, settings, "/resource"), url = setting(op, settings, "/base_url");
    struct place checked;
    hg_rc rc;

    if (url.n && resource.n)
        return H->fail(op, HG_E_CONFIG, "resource, base_url: one of them");
    if (!url.n && !name_is_sane(resource))
        return H->fail(op, HG_E_CONFIG,
                       "resource: the name of your resource, or base_url: its endpoint");
    if (!url.n)
        url = text_make(azure, TEXT_ENDPOINT, HG_S("https://"), resource, HG_S(".openai.azure.com"),
                        (hg_str){0});
    rc = place_read(H, op, "base_url", url, &checked);
    if (rc != HG_OK)
        return rc;
    if (checked.query.n)
        return H->fail(op, HG_E_CONFIG, "base_url: without a query; see api_version");
    azure->endpoint = endpoint_of(checked.base);
    return HG_OK;
}

static hg_rc form_read(struct azure *azure, hg_op op, hg_json settings)
{
    hg_str form = setting(op, settings, "/form"), version = setting(op, settings, "/api_version");
    bool is_dated = version.n && version.p[0] >= '0' && version.p[0] <= '9';
    hg_str mark = version.n ? HG_S("?api-version=") : (hg_str){0};
    static const char *const heads[] = {"/openai/v1", "/openai/deployments", "/models"};

    if (version.n && !name_is_sane(version))
        return H->fail(op, HG_E_CONFIG, "api_version: like \"2024-10-21\", or \"preview\"");
    azure->form = word_is(form, "models")                                ? FORM_MODELS
                  : word_is(form, "deployment") || (!form.n && is_dated) ? FORM_DEPLOYMENT
                                                                         : FORM_V1;
    if (azure->form != FORM_V1 && !is_dated)
        return H->fail(op, HG_E_CONFIG, "api_version: this form needs one, like \"2024-10-21\"");
    /* Before September 2024 nothing was known of stream_options. */
    if (is_dated && (version.n < 10 || memcmp(version.p, "2024-09-01", 10) < 0) &&
        azure->form == FORM_DEPLOYMENT)
        azure->wire |= HG_WIRE_NO_STREAM_USAGE;
    hg_rc rc = place_read(
        H, op, "base_url",
        text_make(azure, TEXT_PLACE, azure->endpoint, word_of(heads[azure->form]), mark, version),
        &azure->place);

    if (rc != HG_OK || azure->form != FORM_DEPLOYMENT)
        return rc;
    return place_read(H, op, "base_url",
                      text_make(azure, TEXT_ABOVE, azure->endpoint, HG_S("/openai"), mark, version),
                      &azure->above);
}

static hg_rc credential_read(struct azure *azure, hg_op op, hg_json settings, hg_inst *self)
{
    hg_str key = setting(op, settings, "/api_key");

    azure->has_entra = entra_is_wanted(H, op, settings);
    if (key.n && azure->has_entra)
        return H->fail(op, HG_E_CONFIG, "api_key, tenant: a key or Entra ID, not both");
    if (azure->has_entra) {
        hg_rc rc = entra_read(&azure->entra, H, azure->http, op, settings, self);

        azure->secret = azure->entra.token.client_secret;
        return rc;
    }
    azure->secret = key;
    return fields_add_key(&azure->fields, H, op, HG_S("api-key"), key);
}

/* A name of a deployment goes into JSON as it is. */
static hg_rc deployments_read(struct azure *azure, hg_op op, hg_json settings)
{
    hg_json_it it = {0};
    hg_json value;

    azure->deployments = H->json->get(settings, "/deployments");
    while (azure->deployments.kind == HG_J_OBJ &&
           H->json->next(azure->deployments, &it, NULL, &value)) {
        hg_str name = H->json->str(op, value);

        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] == '"' || name.p[i] == '\\' || (unsigned char)name.p[i] < ' ')
                return H->fail(op, HG_E_CONFIG, "deployments: \"%.*s\" is no name of one",
                               (int)name.n, name.p);
        }
        if (!name.n)
            return H->fail(op, HG_E_CONFIG, "deployments: each model needs a name");
    }
    return HG_OK;
}

static hg_rc settings_read(struct azure *azure, hg_op op, hg_json settings, hg_inst *self)
{
    hg_rc rc = endpoint_read(azure, op, settings);

    if (rc == HG_OK)
        rc = form_read(azure, op, settings);
    if (rc == HG_OK)
        rc = credential_read(azure, op, settings, self);
    if (rc == HG_OK)
        rc = deployments_read(azure, op, settings);
    if (rc == HG_OK)
        rc = fields_complete(&azure->fields, H, op, settings,
                             "x-ms-client-request-id extra-parameters");
    if (rc != HG_OK)
        return rc;
    azure->has_responses =
        azure->form != FORM_MODELS && H->json->get(settings, "/responses").kind != HG_J_FALSE;
    azure->models = H->json->get(settings, "/models");
    return HG_OK;
}

static void destroy(void *st)
{
    struct azure *azure = st;

    if (azure->has_entra)
        entra_done(&azure->entra);
    fields_done(&azure->fields);
    for (size_t i = 0; i < TEXTS; i++)
        free(azure->texts[i]);
    free(azure);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct azure *azure = calloc(1, sizeof *azure);
    hg_rc rc;

    if (!azure)
        return H->fail(op, HG_E_NOMEM, "no memory");
    azure->http = H->service(HG_HTTP);
    rc = settings_read(azure, op, settings, self);
    if (rc != HG_OK) {
        destroy(azure);
        return rc;
    }
    *ret_st = azure;
    return HG_OK;
}

#define WORDS "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"

/* include_usage is for the host, which adds the option and takes its answer out again. */
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"resource\":{\"type\":\"string\","
    "\"description\":\"The resource's name: https://NAME.openai.azure.com.\"},"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\","
    "\"description\":\"The endpoint, if it is another: a resource of Foundry, a sovereign cloud, "
    "a front of your own.\"},"
    "\"api_version\":{\"type\":\"string\","
    "\"description\":\"A date takes the form with deployments in the URL; without it, or with "
    "preview, it is v1.\"},"
    "\"form\":{\"enum\":[\"v1\",\"deployment\",\"models\"],"
    "\"description\":\"Which form of URL, if api_version does not say it; models is Foundry's "
    "for models of others.\"},"
    "\"deployments\":" WORDS "\"description\":\"The deployment of a model, where it goes by "
    "another name.\"},"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\","
    "\"description\":\"Sent as api-key.\"},"
    "\"tenant\":{\"type\":\"string\","
    "\"description\":\"Entra ID, in place of a key: the directory.\"},"
    "\"client_id\":{\"type\":\"string\",\"description\":\"Entra ID: the application.\"},"
    "\"client_secret\":{\"type\":\"string\",\"format\":\"secret\","
    "\"description\":\"Entra ID: its secret.\"},"
    "\"identity\":{\"enum\":[\"secret\",\"workload\",\"managed\"],"
    "\"default\":\"secret\","
    "\"description\":\"Entra ID: how the gateway shows who it is: the application's secret, a "
    "token that the cluster keeps in a file, or the machine it runs on.\"},"
    "\"token_file\":{\"type\":\"string\","
    "\"description\":\"identity workload: the file, if AZURE_FEDERATED_TOKEN_FILE does not say "
    "it.\"},"
    "\"metadata_url\":{\"type\":\"string\",\"format\":\"uri\","
    "\"description\":\"identity managed: who gives tokens, if it is neither the machine nor what "
    "IDENTITY_ENDPOINT says.\"},"
    "\"authority\":{\"type\":\"string\",\"format\":\"uri\","
    "\"default\":\"https://login.microsoftonline.com\","
    "\"description\":\"Entra ID: who gives tokens.\"},"
    "\"scope\":{\"type\":\"string\","
    "\"default\":\"https://cognitiveservices.azure.com/.default\","
    "\"description\":\"Entra ID: what tokens are for.\"},"
    "\"headers\":" WORDS "\"description\":\"Further headers of every request.\"},"
    "\"responses\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"Whether /v1/responses goes to it as it is; otherwise it is translated to "
    "chat.\"},"
    "\"include_usage\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"Whether streams may be asked for their token counts when the client did "
    "not.\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer: Azure does not list deployments.\"}}}";

static const hg_provider provider = {
    .size = sizeof provider,
    .caps = 1u << HG_R_CHAT | 1u << HG_R_COMPLETE | 1u << HG_R_EMBED | 1u << HG_R_IMAGE |
            1u << HG_R_AUDIO | 1u << HG_R_MODELS | 1u << HG_R_RAW | 1u << HG_R_REALTIME,
    .wires = 1u << HG_WIRE_OPENAI_CHAT | 1u << HG_WIRE_OPENAI_RESPONSES,
    .call_size = sizeof(struct call),
    .prepare = prepare,
    .map_error = map_error,
    .models = models};

HG_PLUGIN(H, "azure", "0.1.0", .summary = "Azure OpenAI and Microsoft Foundry, by key or Entra ID",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
