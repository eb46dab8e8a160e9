#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/place.h"
#include "common/words.h"
#include "jwt.h"

enum {
    KIND_SERVICE = 1,
    KIND_USER,
    KIND_MACHINE
};

enum {
    TEXT_FILE,
    TEXT_EMAIL,
    TEXT_KEY_ID,
    TEXT_CLIENT_ID,
    TEXT_CLIENT_SECRET,
    TEXT_REFRESH,
    TEXT_URL,
    TEXT_PROJECTS
};

enum {
    FILE_MAX = 64 * 1024,
    SKEW = 10,      /* seconds that our clock may be ahead */
    LIFETIME = 3600 /* the most that Google takes */
};

#define TOKEN_URL    "https://oauth2.googleapis.com/token"
#define METADATA_URL "http://metadata.google.internal"

/* ---- asking ------------------------------------------------------------------------------- */

static void form_begin(const hg_host *host, hg_op op, hg_http_req *req)
{
    req->body = host->out(op);
    req->headers = token_form;
    req->n_headers = 2;
}

/* The texts are letters, digits and a few marks: checked when they were read. */
static char *assertion_make(struct account *account, hg_op op)
{
    const hg_host *host = account->token.host;
    long long now = (long long)time(NULL);
    hg_str header = host->fmt(op, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}",
                              (int)account->key_id.n, account->key_id.p);
    hg_str claims = host->fmt(
        op, "{\"iss\":\"%.*s\",\"scope\":\"%.*s\",\"aud\":\"%.*s\",\"iat\":%lld,\"exp\":%lld}",
        (int)account->email.n, account->email.p, (int)account->token.scope.n,
        account->token.scope.p, (int)account->token.url.n, account->token.url.p, now - SKEW,
        now - SKEW + LIFETIME);

    return jwt_sign(account->key, header, claims);
}

static bool service_ask(struct token *token, hg_op op, hg_http_req *req)
{
    struct account *account = (struct account *)token;
    const hg_host *host = token->host;
    char *assertion = assertion_make(account, op);

    if (!assertion) {
        host->log(token->self, HG_ERROR, "token: the key of %.*s signs nothing",
                  (int)account->email.n, account->email.p);
        return false;
    }
    form_begin(host, op, req);
    token_param(host, req->body,
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=",
                word_of(assertion));
    text_wipe(&assertion);
    return true;
}

static bool user_ask(struct token *token, hg_op op, hg_http_req *req)
{
    struct account *account = (struct account *)token;
    const hg_host *host = token->host;

    form_begin(host, op, req);
    token_param(host, req->body, "grant_type=refresh_token&client_id=", token->client_id);
    token_param(host, req->body, "&client_secret=", token->client_secret);
    token_param(host, req->body, "&refresh_token=", account->refresh);
    return true;
}

static bool machine_ask(struct token *token, hg_op op, hg_http_req *req)
{
    static const hg_header headers[] = {{{"metadata-flavor", 15}, {"Google", 6}}};

    (void)token;
    (void)op;
    req->method = HG_S("GET");
    req->headers = headers;
    req->n_headers = 1;
    return true;
}

/* ---- the document ------------------------------------------------------------------------- */

/* What goes into a claim or a message as it is. */
static bool is_plain(hg_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static hg_str keep(struct account *account, size_t slot, hg_str text)
{
    if (!text.n)
        return (hg_str){0};
    account->text[slot] = strndup(text.p, text.n);
    return word_of(account->text[slot]);
}

static hg_str member(const struct account *account, hg_op op, hg_json doc, const char *place)
{
    const hg_host *host = account->token.host;

    return host->json->str(op, host->json->get(doc, place));
}

static hg_rc service_read(struct account *account, hg_op op, hg_json doc)
{
    const hg_host *host = account->token.host;

    account->kind = KIND_SERVICE;
    account->token.ask = service_ask;
    account->email = keep(account, TEXT_EMAIL, member(account, op, doc, "/client_email"));
    account->key_id = keep(account, TEXT_KEY_ID, member(account, op, doc, "/private_key_id"));
    account->key = jwt_key_read(member(account, op, doc, "/private_key"));
    if (!account->email.n || !is_plain(account->email) || !is_plain(account->key_id))
        return host->fail(op, HG_E_CONFIG,
                          "credentials: a service account's key has a client_email");
    if (!account->key)
        return host->fail(op, HG_E_CONFIG,
                          "credentials: private_key of %.*s is no RSA key in PEM's form",
                          (int)account->email.n, account->email.p);
    return HG_OK;
}

static hg_rc user_read(struct account *account, hg_op op, hg_json doc)
{
    struct token *token = &account->token;

    account->kind = KIND_USER;
    token->ask = user_ask;
    token->client_id = keep(account, TEXT_CLIENT_ID, member(account, op, doc, "/client_id"));
    token->client_secret =
        keep(account, TEXT_CLIENT_SECRET, member(account, op, doc, "/client_secret"));
    account->refresh = keep(account, TEXT_REFRESH, member(account, op, doc, "/refresh_token"));
    if (!token->client_id.n || !token->client_secret.n || !account->refresh.n)
        return token->host->fail(op, HG_E_CONFIG,
                                 "credentials: an authorized_user has client_id, client_secret and "
                                 "refresh_token");
    return HG_OK;
}

static hg_rc document_read(struct account *account, hg_op op, hg_str text,
                           const struct account_settings *settings)
{
    const hg_host *host = account->token.host;
    struct place place;
    hg_json doc;
    hg_rc rc;

    if (host->json->parse(op, text, &doc) != HG_OK || doc.kind != HG_J_OBJ)
        return host->fail(op, HG_E_CONFIG, "credentials: not the JSON of a key file");
    hg_str type = member(account, op, doc, "/type"), url = settings->token_url;

    if (!url.n)
        url = member(account, op, doc, "/token_uri");
    account->token.url = keep(account, TEXT_URL, url.n ? url : HG_S(TOKEN_URL));
    if (word_is(type, "service_account"))
        rc = service_read(account, op, doc);
    else if (word_is(type, "authorized_user"))
        rc = user_read(account, op, doc);
    else
        return host->fail(op, HG_E_CONFIG,
                          "credentials: type must be service_account or authorized_user");
    if (rc == HG_OK)
        rc = place_read(host, op, "token_url", account->token.url, &place);
    if (rc == HG_OK && !is_plain(account->token.url))
        rc = host->fail(op, HG_E_CONFIG, "token_url: holds what no URL has");
    account->project = member(account, op, doc, "/project_id");
    account->quota_project = member(account, op, doc, "/quota_project_id");
    return rc;
}

/* ---- where it is -------------------------------------------------------------------------- */

static hg_rc key_file_read(struct account *account, hg_op op, const char *path,
                           const struct account_settings *settings)
{
    const hg_host *host = account->token.host;
    char *text = account->text[TEXT_FILE] = file_read(path, FILE_MAX, &account->file_n);
    size_t n = account->file_n;

    if (!text)
        return host->fail(op, HG_E_CONFIG, "credentials: %s cannot be read", path);
    if (n == 0 || n == FILE_MAX)
        return host->fail(op, HG_E_CONFIG, "credentials: %s is no key file", path);
    return document_read(account, op, (hg_str){text, n}, settings);
}

/* What `gcloud auth application-default login` leaves. */
static bool gcloud_path(char *room, size_t size)
{
    const char *folder = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
    const char *tail = "application_default_credentials.json";
    int n = folder && *folder
                ? snprintf(room, size, "%s/%s", folder, tail)
                : snprintf(room, size, "%s/.config/gcloud/%s", home ? home : "", tail);
    FILE *file = n > 0 && (size_t)n < size ? fopen(room, "re") : NULL;

    if (file)
        fclose(file);
    return file != NULL;
}

static hg_rc machine_read(struct account *account, hg_op op,
                          const struct account_settings *settings)
{
    const hg_host *host = account->token.host;
    const char *set = getenv("GCE_METADATA_HOST");
    hg_str base = settings->metadata_url, url;
    struct place place;
    hg_rc rc;

    if (!base.n)
        base = set && *set ? host->fmt(op, "http://%s", set) : HG_S(METADATA_URL);
    rc = place_read(host, op, "metadata_url", base, &place);
    if (rc != HG_OK)
        return rc;
    url = host->fmt(op, "%.*s/computeMetadata/v1/instance/service-accounts/default/token",
                    (int)place.base.n, place.base.p);
    account->kind = KIND_MACHINE;
    account->token.ask = machine_ask;
    account->token.url = keep(account, TEXT_URL, url);
    return HG_OK;
}

static hg_rc source_choose(struct account *account, hg_op op,
                           const struct account_settings *settings)
{
    const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
    char path[1024];

    if (settings->credentials.n)
        return document_read(account, op, settings->credentials, settings);
    if (settings->file.n)
        return key_file_read(
            account, op,
            account->token.host->fmt(op, "%.*s", (int)settings->file.n, settings->file.p).p,
            settings);
    if (settings->metadata_url.n)
        return machine_read(account, op, settings);
    if (named && *named)
        return key_file_read(account, op, named, settings);
    if (gcloud_path(path, sizeof path))
        return key_file_read(account, op, path, settings);
    return machine_read(account, op, settings);
}

hg_rc account_open(struct account *account, const hg_host *host, hg_inst *self, hg_op op,
                   const struct account_settings *settings)
{
    hg_rc rc;

    account->token = (struct token){
        .host = host, .http = host->service(HG_HTTP), .self = self, .scope = settings->scope};
    if (!account->token.http)
        return host->fail(op, HG_E_UNSUPPORTED, "tokens need " HG_HTTP);
    rc = source_choose(account, op, settings);
    if (rc != HG_OK)
        return rc;
    /* Project names have no blank; so both lie in one text. */
    hg_str projects = host->fmt(
        op, "%.*s %.*s", (int)account->project.n, account->project.n ? account->project.p : "",
        (int)account->quota_project.n, account->quota_project.n ? account->quota_project.p : "");
    size_t n = account->project.n;

    projects = keep(account, TEXT_PROJECTS, projects);
    account->project = (hg_str){projects.p, n};
    account->quota_project = (hg_str){projects.p + n + 1, projects.n - n - 1};
    return HG_OK;
}

void account_done(struct account *account)
{
    if (account->token.host)
        token_done(&account->token);
    jwt_key_free(account->key);
    if (account->text[TEXT_FILE])
        explicit_bzero(account->text[TEXT_FILE], account->file_n); /* a NUL in it is no end */
    for (size_t i = 0; i < sizeof account->text / sizeof *account->text; i++)
        text_wipe(&account->text[i]);
}
