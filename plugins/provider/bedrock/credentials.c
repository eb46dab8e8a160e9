#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/token.h"
#include "common/words.h"
#include "keys.h"

enum {
    EARLY = 300, /* seconds before their end */
    TOKEN_MAX = 64 * 1024,
    ANSWER_MAX = 256 * 1024
};

#define PATIENCE (20 * (hg_ns)1000000000)

enum source {
    SOURCE_STATIC,
    SOURCE_WEB,
    SOURCE_CONTAINER,
    SOURCE_INSTANCE
};

struct waiter {
    struct waiter *next;
    struct credentials *owner;
    hg_op op;
    void (*cb)(void *arg, hg_op op, hg_rc rc);
    void *arg;
};

struct credentials {
    const hg_host *host;
    const hg_http_api *http;
    hg_inst *inst;
    enum source source;
    struct credentials_settings settings;
    struct keys base, keys; /* keys: what is signed with; base: what the role is asked for with */
    bool has_role, is_busy;
    hg_op op; /* of the refresh that is under way */
    struct waiter *waiters;
    char *texts[8]; /* what settings point into, if it came from files */
    size_t n_texts;
    char instance_token[256];
};

static const struct keys *used(const struct credentials *credentials)
{
    return credentials->has_role ? &credentials->keys : &credentials->base;
}

struct sign_key credentials_key(const struct credentials *credentials)
{
    return keys_key(used(credentials));
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void waiter_gone(void *arg)
{
    struct waiter *waiter = arg, **at = &waiter->owner->waiters;

    while (*at && *at != waiter)
        at = &(*at)->next;
    if (*at)
        *at = waiter->next;
}

static void refresh_end(struct credentials *credentials, hg_rc rc)
{
    struct waiter *waiter;

    credentials->is_busy = false;
    while ((waiter = credentials->waiters)) {
        credentials->waiters = waiter->next;
        waiter->cb(waiter->arg, waiter->op, rc);
    }
}

/* Ends the refresh's op, which tells those who wait. */
static void finish(struct credentials *credentials, hg_rc rc)
{
    credentials->host->done(credentials->op, rc);
}

static void on_end(void *arg, hg_rc rc)
{
    refresh_end(arg, rc < 0 ? HG_E_AUTH : HG_OK);
}

static void complain(struct credentials *credentials, const char *who, const hg_http_resp *resp)
{
    credentials->host->log(credentials->inst, HG_WARN, "no credentials from %s: status %d", who,
                           resp ? (int)resp->status : 0);
    finish(credentials, HG_E_AUTH);
}

/* ---- asking ------------------------------------------------------------------------------- */

typedef void answered(void *arg, hg_op op, const hg_http_resp *resp);

static void ask(struct credentials *credentials, hg_str method, hg_str url,
                const hg_header *headers, size_t n, hg_out *body, answered *cb)
{
    hg_http_req req = {.size = sizeof req,
                       .method = method,
                       .url = url,
                       .headers = headers,
                       .n_headers = n,
                       .body = body,
                       .connect_timeout = PATIENCE / 4,
                       .max_body = ANSWER_MAX};

    if (credentials->http->fetch(credentials->op, &req, cb, credentials) != HG_PENDING)
        complain(credentials, "a URL that cannot be asked", NULL);
}

static hg_str host_of(hg_str url)
{
    const char *start = memmem(url.p, url.n, "://", 3);
    hg_str host;

    if (!start)
        return url;
    host.p = start + 3;
    host.n = (size_t)(url.p + url.n - host.p);
    const char *slash = memchr(host.p, '/', host.n);

    if (slash)
        host.n = (size_t)(slash - host.p);
    return host;
}

static hg_str sts_url(struct credentials *credentials)
{
    const struct credentials_settings *settings = &credentials->settings;

    return settings->sts_url.n
               ? settings->sts_url
               : credentials->host->fmt(credentials->op, "https://sts.%.*s.amazonaws.com/",
                                        (int)settings->region.n, settings->region.p);
}

/* ---- the role ----------------------------------------------------------------------------- */

static void on_role(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;

    if (keys_from_xml(&credentials->keys, credentials->host, op, resp))
        finish(credentials, HG_OK);
    else
        complain(credentials, "AssumeRole", resp);
}

static void session_put(struct credentials *credentials, hg_out *out)
{
    const struct credentials_settings *settings = &credentials->settings;

    token_param(credentials->host, out, "&RoleArn=", settings->role);
    token_param(credentials->host, out, "&RoleSessionName=",
                settings->role_session.n ? settings->role_session : HG_S("headgate"));
}

static void role_ask(struct credentials *credentials)
{
    const hg_host *host = credentials->host;
    hg_out *out = host->out(credentials->op);
    hg_str url = sts_url(credentials);
    struct sign_key key = keys_key(&credentials->base);
    struct sign_digest *digest = sign_digest_new();
    char payload[SIGN_HASH], date[SIGN_DATE + 1], *made;
    hg_header headers[4] = {{HG_S("content-type"), HG_S("application/x-www-form-urlencoded")},
                            {HG_S("x-amz-date"), {date, SIGN_DATE}}};
    size_t n = 2, made_n;

    host->body->put_const(out, "Action=AssumeRole&Version=2011-06-15", 36);
    session_put(credentials, out);
    if (credentials->settings.external_id.n)
        token_param(credentials->host, out, "&ExternalId=", credentials->settings.external_id);
    if (key.token.n)
        headers[n++] = (hg_header){HG_S("x-amz-security-token"), key.token};
    if (digest) {
        sign_digest_add(digest, host->body->flat(credentials->op, host->body->written(out)));
        sign_digest_end(digest, payload);
    }
    sign_date((int64_t)time(NULL), date);
    made = digest ? sign_make(&(struct sign_request){.method = HG_S("POST"),
                                                     .host = host_of(url),
                                                     .path = HG_S("/"),
                                                     .headers = headers,
                                                     .n_headers = n,
                                                     .payload = payload,
                                                     .date = date,
                                                     .region = credentials->settings.region,
                                                     .service = HG_S("sts")},
                              &key, &made_n)
                  : NULL;
    if (!made) {
        complain(credentials, "a signature that could not be made", NULL);
        return;
    }
    headers[n++] = (hg_header){HG_S("authorization"), {made, made_n}};
    ask(credentials, HG_S("POST"), url, headers, n, out, on_role);
    free(made);
}

/* The source has given its keys. */
static void base_done(struct credentials *credentials)
{
    if (credentials->has_role)
        role_ask(credentials);
    else
        finish(credentials, HG_OK);
}

/* ---- sources ------------------------------------------------------------------------------ */

static void on_web(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;

    if (keys_from_xml(&credentials->base, credentials->host, op, resp))
        base_done(credentials);
    else
        complain(credentials, "AssumeRoleWithWebIdentity", resp);
}

static void web_ask(struct credentials *credentials)
{
    static const hg_header headers[] = {
        {{"content-type", 12}, {"application/x-www-form-urlencoded", 33}}};
    char *token = file_text(getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), TOKEN_MAX);
    const char *session = getenv("AWS_ROLE_SESSION_NAME");
    hg_out *out = credentials->host->out(credentials->op);

    if (!token) {
        complain(credentials, "the file of AWS_WEB_IDENTITY_TOKEN_FILE", NULL);
        return;
    }
    credentials->host->body->put_const(out, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
                                       51);
    token_param(credentials->host, out, "&RoleArn=", word_of(getenv("AWS_ROLE_ARN")));
    token_param(credentials->host, out,
                "&RoleSessionName=", session && *session ? word_of(session) : HG_S("headgate"));
    token_param(credentials->host, out, "&WebIdentityToken=", word_of(token));
    text_wipe(&token);
    ask(credentials, HG_S("POST"), sts_url(credentials), headers, 1, out, on_web);
}

static void on_container(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;

    if (keys_from_json(&credentials->base, credentials->host, op, resp))
        base_done(credentials);
    else
        complain(credentials, "the container's endpoint", resp);
}

static void container_ask(struct credentials *credentials)
{
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    char *token = file_text(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), TOKEN_MAX);
    hg_str value = word_of(token ? token : getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    hg_header header = {HG_S("authorization"), value};
    hg_str url = full && *full ? word_of(full)
                               : credentials->host->fmt(credentials->op, "http://169.254.170.2%s",
                                                        relative ? relative : "/");

    ask(credentials, HG_S("GET"), url, &header, value.n && field_is_sane(value), NULL,
        on_container);
    text_wipe(&token);
}

static void on_instance(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;

    if (keys_from_json(&credentials->base, credentials->host, op, resp))
        base_done(credentials);
    else
        complain(credentials, "the instance's metadata", resp);
}

static void metadata_ask(struct credentials *credentials, hg_str tail, hg_header header,
                         hg_str method, answered *cb)
{
    hg_str base = credentials->settings.metadata_url;
    hg_str url = credentials->host->fmt(credentials->op, "%.*s/latest/%.*s", (int)base.n, base.p,
                                        (int)tail.n, tail.p);

    ask(credentials, method, url, &header, 1, NULL, cb);
}

static void on_instance_role(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;
    hg_str name = credentials->host->body->flat(op, resp->body);
    const char *end = name.n ? memchr(name.p, '\n', name.n) : NULL;
    hg_str tail;

    name.n = end ? (size_t)(end - name.p) : name.n;
    if (!answer_is_good(resp) || !name.n || !field_is_sane(name)) {
        complain(credentials, "the instance's metadata (it has no role?)", resp);
        return;
    }
    tail =
        credentials->host->fmt(op, "meta-data/iam/security-credentials/%.*s", (int)name.n, name.p);
    metadata_ask(
        credentials, tail,
        (hg_header){HG_S("x-aws-ec2-metadata-token"), word_of(credentials->instance_token)},
        HG_S("GET"), on_instance);
}

static void on_instance_token(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct credentials *credentials = arg;
    hg_str token = credentials->host->body->flat(op, resp->body);

    if (!answer_is_good(resp) || !token.n || token.n >= sizeof credentials->instance_token ||
        !field_is_sane(token)) {
        complain(credentials, "the instance's metadata", resp);
        return;
    }
    memcpy(credentials->instance_token, token.p, token.n);
    credentials->instance_token[token.n] = 0;
    metadata_ask(
        credentials, HG_S("meta-data/iam/security-credentials/"),
        (hg_header){HG_S("x-aws-ec2-metadata-token"), word_of(credentials->instance_token)},
        HG_S("GET"), on_instance_role);
}

static void instance_ask(struct credentials *credentials)
{
    metadata_ask(credentials, HG_S("api/token"),
                 (hg_header){HG_S("x-aws-ec2-metadata-token-ttl-seconds"), HG_S("300")},
                 HG_S("PUT"), on_instance_token);
}

/* ---- wanting ------------------------------------------------------------------------------ */

static void refresh(struct credentials *credentials)
{
    static void (*const asks[])(struct credentials *) = {[SOURCE_STATIC] = base_done,
                                                         [SOURCE_WEB] = web_ask,
                                                         [SOURCE_CONTAINER] = container_ask,
                                                         [SOURCE_INSTANCE] = instance_ask};

    if (credentials->is_busy)
        return;
    credentials->is_busy = true;
    credentials->op =
        credentials->host->background(credentials->inst, PATIENCE, on_end, credentials);
    asks[credentials->source](credentials);
}

hg_rc credentials_want(struct credentials *credentials, hg_op op,
                       void (*cb)(void *arg, hg_op op, hg_rc rc), void *arg)
{
    const struct keys *keys = used(credentials);
    int64_t now = (int64_t)time(NULL);
    struct waiter *waiter;

    if (keys->id && (!keys->ends || now < keys->ends - EARLY))
        return HG_OK;
    if (keys->id && now < keys->ends) {
        refresh(credentials); /* the old ones will do until then */
        return HG_OK;
    }
    waiter = credentials->host->alloc(op, sizeof *waiter);
    if (!waiter)
        return HG_E_NOMEM;
    *waiter = (struct waiter){credentials->waiters, credentials, op, cb, arg};
    credentials->waiters = waiter;
    credentials->host->at_end(op, waiter_gone, waiter);
    refresh(credentials);
    return HG_PENDING;
}

void credentials_refused(struct credentials *credentials)
{
    if (credentials->source != SOURCE_STATIC)
        keys_wipe(&credentials->base);
    if (credentials->has_role)
        keys_wipe(&credentials->keys);
}

/* ---- the source --------------------------------------------------------------------------- */

static hg_str profile_text(struct credentials *credentials, const char *file, const char *key)
{
    char *text = credentials_profile(credentials->settings.profile, file, key);

    if (!text)
        return (hg_str){NULL, 0};
    credentials->texts[credentials->n_texts++] = text;
    return word_of(text);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

static bool profile_choose(struct credentials *credentials)
{
    struct credentials_settings *settings = &credentials->settings;
    bool asked = settings->profile.n > 0;

    if (!asked)
        settings->profile =
            is_set("AWS_PROFILE") ? word_of(getenv("AWS_PROFILE")) : HG_S("default");
    if (!settings->role.n)
        settings->role = profile_text(credentials, "config", "role_arn");
    return keys_set(&credentials->base,
                    profile_text(credentials, "credentials", "aws_access_key_id"),
                    profile_text(credentials, "credentials", "aws_secret_access_key"),
                    profile_text(credentials, "credentials", "aws_session_token"), 0);
}

/* The first that there is. */
static bool source_choose(struct credentials *credentials)
{
    const struct credentials_settings *settings = &credentials->settings;

    credentials->source = SOURCE_STATIC;
    if (settings->id.n)
        return keys_set(&credentials->base, settings->id, settings->secret, settings->token, 0);
    if (!settings->profile.n && is_set("AWS_ACCESS_KEY_ID"))
        return keys_set(&credentials->base, word_of(getenv("AWS_ACCESS_KEY_ID")),
                        word_of(getenv("AWS_SECRET_ACCESS_KEY")),
                        word_of(getenv("AWS_SESSION_TOKEN")), 0);
    if (!settings->profile.n && is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN")) {
        credentials->source = SOURCE_WEB;
        return true;
    }
    bool asked = settings->profile.n > 0;

    if (profile_choose(credentials))
        return true;
    credentials->source = is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI") ||
                                  is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                              ? SOURCE_CONTAINER
                              : SOURCE_INSTANCE;
    return !asked;
}

struct credentials *credentials_new(const hg_host *host, hg_inst *inst, hg_op op,
                                    const struct credentials_settings *settings)
{
    struct credentials *credentials = calloc(1, sizeof *credentials);
    const char *endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");

    if (!credentials) {
        host->fail(op, HG_E_NOMEM, "no memory");
        return NULL;
    }
    credentials->host = host;
    credentials->http = host->service(HG_HTTP);
    credentials->inst = inst;
    credentials->settings = *settings;
    if (!settings->metadata_url.n)
        credentials->settings.metadata_url =
            endpoint && *endpoint ? word_of(endpoint) : HG_S("http://169.254.169.254");
    if (!source_choose(credentials)) {
        host->fail(op, HG_E_CONFIG,
                   "credentials: access_key_id and secret_access_key must both be there, in the "
                   "settings, the environment or the profile");
        credentials_free(credentials);
        return NULL;
    }
    credentials->has_role = credentials->settings.role.n > 0;
    if (!credentials->http && (credentials->source != SOURCE_STATIC || credentials->has_role)) {
        host->fail(op, HG_E_UNSUPPORTED, "credentials: needs " HG_HTTP);
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    keys_wipe(&credentials->base);
    keys_wipe(&credentials->keys);
    for (size_t i = 0; i < credentials->n_texts; i++)
        text_wipe(&credentials->texts[i]);
    explicit_bzero(credentials->instance_token, sizeof credentials->instance_token);
    free(credentials);
}
