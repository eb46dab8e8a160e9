#include "entra.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/place.h"
#include "common/words.h"

enum {
    FILE_MAX = 16 * 1024
};

#define SCOPE     "https://cognitiveservices.azure.com/.default"
#define ALL_OF_IT "/.default"

static hg_str setting(const struct entra *entra, hg_op op, hg_json settings, const char *place)
{
    const hg_json_api *json = entra->token.host->json;

    return json->str(op, json->get(settings, place));
}

static hg_str environment(hg_str set, const char *name)
{
    return set.n ? set : word_of(getenv(name));
}

bool entra_is_wanted(const hg_host *host, hg_op op, hg_json settings)
{
    static const char *const wishes[] = {"/tenant", "/client_id", "/client_secret"};
    hg_str identity = host->json->str(op, host->json->get(settings, "/identity"));

    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (host->json->get(settings, wishes[i]).kind != HG_J_NONE)
            return true;
    return identity.n && !word_is(identity, "secret");
}

/* ---- asking for one ----------------------------------------------------------------------- */

static bool ask_with_file(struct token *token, hg_op op, hg_http_req *req)
{
    const struct entra *entra = (const struct entra *)token;
    const hg_host *host = token->host;
    char *assertion = file_text(entra->file, FILE_MAX);

    if (!assertion || !*assertion) {
        text_wipe(&assertion);
        host->log(token->self, HG_ERROR, "identity: %s is missing or empty", entra->file);
        return false;
    }
    req->body = host->out(op);
    token_param(host, req->body, "grant_type=client_credentials&client_id=", token->client_id);
    token_param(host, req->body, "&client_assertion_type=",
                HG_S("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    token_param(host, req->body, "&client_assertion=", word_of(assertion));
    token_param(host, req->body, "&scope=", token->scope);
    text_wipe(&assertion);
    return true;
}

/* The place it runs at knows who it is: nothing is shown, and only what is there can ask. */
static bool ask_place(struct token *token, hg_op op, hg_http_req *req)
{
    const struct entra *entra = (const struct entra *)token;
    bool is_machine = !entra->place_key.n;
    hg_header *header = token->host->alloc(op, sizeof *header);

    *header = is_machine ? (hg_header){HG_S("metadata"), HG_S("true")}
                         : (hg_header){HG_S("x-identity-header"), entra->place_key};
    req->method = HG_S("GET");
    req->headers = header;
    req->n_headers = 1;
    return true;
}

/* ---- settings ----------------------------------------------------------------------------- */

static bool is_tenant(hg_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || (c == '.' && i)))
            return false;
    }
    return name.n > 0;
}

/* Its URL, in memory of its own. Texts up to one without a pointer. */
static hg_rc url_set(struct entra *entra, hg_op op, const hg_str *texts)
{
    size_t n = 0;
    char *at;

    for (const hg_str *text = texts; text->p; text++)
        n += text->n;
    at = entra->url = malloc(n + 1);
    if (!at)
        return entra->token.host->fail(op, HG_E_NOMEM, "no memory");
    for (const hg_str *text = texts; text->p; text++)
        at = word_put(at, *text);
    entra->token.url = (hg_str){entra->url, n};
    return HG_OK;
}

static hg_rc application_read(struct entra *entra, hg_op op, hg_json settings, bool has_file)
{
    const hg_host *host = entra->token.host;
    hg_str tenant = setting(entra, op, settings, "/tenant");
    hg_str authority = setting(entra, op, settings, "/authority");
    struct place place;
    hg_rc rc;

    if (has_file) {
        tenant = environment(tenant, "AZURE_TENANT_ID");
        authority = environment(authority, "AZURE_AUTHORITY_HOST");
        entra->token.client_id = environment(entra->token.client_id, "AZURE_CLIENT_ID");
    }
    if (!authority.n)
        authority = HG_S("https://login.microsoftonline.com");
    rc = place_read(host, op, "authority", authority, &place);
    if (rc != HG_OK)
        return rc;
    if (!is_tenant(tenant) || !entra->token.client_id.n)
        return host->fail(op, HG_E_CONFIG, "Entra ID needs tenant, client_id and %s",
                          has_file ? "a token file" : "client_secret");
    return url_set(entra, op,
                   (hg_str[]){place.base, HG_S("/"), tenant, HG_S("/oauth2/v2.0/token"), {0}});
}

static hg_rc secret_read(struct entra *entra, hg_op op, hg_json settings)
{
    entra->token.client_secret = setting(entra, op, settings, "/client_secret");
    if (!entra->token.client_secret.n)
        return entra->token.host->fail(op, HG_E_CONFIG,
                                       "Entra ID needs tenant, client_id and client_secret, or "
                                       "identity = \"workload\" or \"managed\"");
    return application_read(entra, op, settings, false);
}

static hg_rc workload_read(struct entra *entra, hg_op op, hg_json settings)
{
    hg_str file =
        environment(setting(entra, op, settings, "/token_file"), "AZURE_FEDERATED_TOKEN_FILE");

    if (!file.n)
        return entra->token.host->fail(op, HG_E_CONFIG,
                                       "token_file: the file of the workload's token, if "
                                       "AZURE_FEDERATED_TOKEN_FILE is not set");
    entra->file = strndup(file.p, file.n);
    if (!entra->file)
        return entra->token.host->fail(op, HG_E_NOMEM, "no memory");
    entra->token.ask = ask_with_file;
    return application_read(entra, op, settings, true);
}

/* What it is asked for is named without what a scope has at its end. */
static hg_str resource_of(hg_str scope)
{
    size_t n = sizeof ALL_OF_IT - 1;

    if (scope.n > n && memcmp(scope.p + scope.n - n, ALL_OF_IT, n) == 0)
        scope.n -= n;
    return scope;
}

static bool is_plain(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("&#?%+\"", text.p[i]))
            return false;
    return true;
}

static hg_rc managed_read(struct entra *entra, hg_op op, hg_json settings)
{
    const hg_host *host = entra->token.host;
    hg_str base = setting(entra, op, settings, "/metadata_url");
    hg_str who = entra->token.client_id, resource = resource_of(entra->token.scope);
    hg_str service = base.n ? (hg_str){0} : word_of(getenv("IDENTITY_ENDPOINT"));
    struct place place;
    hg_rc rc;

    entra->place_key = service.n ? word_of(getenv("IDENTITY_HEADER")) : (hg_str){0};
    if (!is_plain(who) || !is_plain(resource) || !is_plain(entra->place_key))
        return host->fail(op, HG_E_CONFIG, "client_id, scope: without blanks and marks of a URL");
    if (entra->place_key.n)
        base = service;
    else if (!base.n)
        base = HG_S("http://169.254.169.254");
    rc = place_read(host, op, "metadata_url", base, &place);
    if (rc != HG_OK)
        return rc;
    entra->token.ask = ask_place;
    return url_set(entra, op,
                   (hg_str[]){place.base,
                              entra->place_key.n
                                  ? HG_S("?api-version=2019-08-01&resource=")
                                  : HG_S("/metadata/identity/oauth2/token?api-version=2018-02-01"
                                         "&resource="),
                              resource,
                              who.n ? HG_S("&client_id=") : HG_S(""),
                              who.n ? who : HG_S(""),
                              {0}});
}

hg_rc entra_read(struct entra *entra, const hg_host *host, const hg_http_api *http, hg_op op,
                 hg_json settings, hg_inst *self)
{
    hg_str identity;

    *entra = (struct entra){.token = {.host = host, .http = http, .self = self}};
    if (!http)
        return host->fail(op, HG_E_UNSUPPORTED, "Entra ID needs " HG_HTTP);
    entra->token.client_id = setting(entra, op, settings, "/client_id");
    entra->token.scope = setting(entra, op, settings, "/scope");
    if (!entra->token.scope.n)
        entra->token.scope = HG_S(SCOPE);
    identity = setting(entra, op, settings, "/identity");
    if (word_is(identity, "workload"))
        return workload_read(entra, op, settings);
    if (word_is(identity, "managed"))
        return managed_read(entra, op, settings);
    return secret_read(entra, op, settings);
}

void entra_done(struct entra *entra)
{
    token_done(&entra->token);
    free(entra->file);
    free(entra->url);
    entra->file = NULL;
    entra->url = NULL;
}
