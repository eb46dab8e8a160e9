#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "support/provider_stand.h"

#define TOKEN_URL "POST https://oauth2.googleapis.com/token"
#define MACHINE                                                                     \
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/" \
    "default/token"

static EVP_PKEY *key;
static char account[8192]; /* a key file, as JSON */
static char quoted[16384]; /* the same as a JSON string */

static void quote(char *to, const char *from)
{
    for (*to++ = '"'; *from; from++) {
        if (*from == '"' || *from == '\\')
            *to++ = '\\';
        if (*from == '\n') {
            *to++ = '\\';
            *to++ = 'n';
        } else {
            *to++ = *from;
        }
    }
    strcpy(to, "\"");
}

static void setup_once(void)
{
    static const char *const names[] = {"GOOGLE_APPLICATION_CREDENTIALS",
                                        "CLOUDSDK_CONFIG",
                                        "GOOGLE_CLOUD_PROJECT",
                                        "GCLOUD_PROJECT",
                                        "GOOGLE_CLOUD_LOCATION",
                                        "GOOGLE_CLOUD_REGION",
                                        "GCE_METADATA_HOST"};
    char pem[4096] = "", text[6000];
    BIO *out = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("HOME", "/nonexistent", 1);
    key = EVP_RSA_gen(2048);
    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    BIO_read(out, pem, sizeof pem - 1);
    BIO_free(out);
    quote(text, pem);
    snprintf(account, sizeof account,
             "{\"type\":\"service_account\",\"project_id\":\"prj\",\"private_key_id\":\"kid1\","
             "\"private_key\":%s,\"client_email\":\"me@prj.iam.gserviceaccount.com\"}",
             text);
    quote(quoted, account);
}

static void teardown_once(void)
{
    EVP_PKEY_free(key);
}

/* Settings are members, with those of a service account's key before them. */
static void create_with_key(const char *more)
{
    char settings[20000];

    snprintf(settings, sizeof settings, "{\"credentials\":%s%s%s}", quoted, *more ? "," : "", more);
    create(settings);
}

static void token_reply(int32_t status, const char *text)
{
    fake_reply(fake, TOKEN_URL, fake_response(fake, status, HG_OK, NULL, text_of(text)));
}

#define ANY_CHAT                                               \
    &(struct fake_request)                                     \
    {                                                          \
        CHAT, .model = "gemini-x", .body = "{\"messages\":[]}" \
    }

/* Attempts whose token is there already. */
static void ready(const char *more)
{
    struct attempt attempt;
    hg_rc rc;

    create_with_key(more);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3599,\"token_type\":\"Bearer\"}");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    ck_assert(fake_is_done(fake, attempt.op, &rc));
    ck_assert_int_eq(rc, HG_OK);
    fake_end(fake, attempt.op, rc);
}

/* ---- the assertion ------------------------------------------------------------------------- */

static size_t base64_read(const char *from, const char *end, unsigned char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, count = 0;
    size_t n = 0;

    for (; from < end; from++) {
        const char *digit = strchr(digits, *from);

        ck_assert_msg(digit && *digit, "no base64url: %c", *from);
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8)
            to[n++] = (unsigned char)(bits >> (count -= 8));
    }
    return n;
}

static void assert_signed(hg_str text, const char *dot, const unsigned char *made, size_t n)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    ck_assert_int_eq(
        EVP_DigestVerify(context, made, n, (const unsigned char *)text.p, (size_t)(dot - text.p)),
        1);
    EVP_MD_CTX_free(context);
}

START_TEST(a_service_account_signs_for_a_token)
{
    static const char head[] =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    unsigned char header[200] = {0}, claims[1000] = {0}, made[600];
    struct attempt attempt;

    create_with_key("");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), TOKEN_URL);
    ck_assert_str_eq(fake_sent_header(fake, "content-type"), "application/x-www-form-urlencoded");
    hg_str form = text_of(fake_sent_body(fake));

    ck_assert(text_starts(form, HG_S(head)));
    form.p += sizeof head - 1;
    form.n -= sizeof head - 1;
    const char *first = memchr(form.p, '.', form.n), *end = form.p + form.n;
    const char *second = memchr(first + 1, '.', (size_t)(end - first) - 1);

    base64_read(form.p, first, header);
    base64_read(first + 1, second, claims);
    ck_assert_str_eq((char *)header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"kid1\"}");
    hg_json said = fake_json(fake, (char *)claims);
    int64_t now = time(NULL), from = json_i64(json_get(said, "/iat"), 0);

    assert_text(json_raw_str(json_get(said, "/iss")), "me@prj.iam.gserviceaccount.com");
    assert_text(json_raw_str(json_get(said, "/aud")), "https://oauth2.googleapis.com/token");
    assert_text(json_raw_str(json_get(said, "/scope")),
                "https://www.googleapis.com/auth/cloud-platform");
    ck_assert(from < now && from > now - 60);
    ck_assert_int_eq(json_i64(json_get(said, "/exp"), 0), from + 3600);
    assert_signed(form, second, made, base64_read(second + 1, end, made));
    fake_end(fake, attempt.op, HG_E_CANCELLED);
    token_reply(200, "{\"access_token\":\"t1\"}");
    fake_run(fake);
}
END_TEST

START_TEST(one_exchange_serves_all_and_a_refused_token_is_replaced_once)
{
    hg_error error = {.size = sizeof error};
    const hg_http_resp *refusal =
        fake_response(fake, 401, HG_OK, NULL,
                      HG_S("[{\"error\":{\"code\":401,\"message\":\"old\",\"status\":"
                           "\"UNAUTHENTICATED\"}}]"));
    struct attempt all[3];
    hg_rc rc;

    create_with_key("");
    for (int i = 0; i < 3; i++)
        attempt_begin(&all[i], ANY_CHAT, HG_PENDING);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3599}");
    ck_assert_uint_eq(fake_run(fake), 1);
    for (int i = 0; i < 3; i++) {
        ck_assert(fake_is_done(fake, all[i].op, &rc));
        assert_text(fake_header(&all[i].out, "authorization"), "Bearer t1");
    }
    ck_assert_int_eq(provider->map_error(fake_state(fake), all[0].call, all[0].op, refusal, &error),
                     HG_OK);
    ck_assert_int_eq(error.code, HG_E_AUTH);
    ck_assert(error.flags & HG_ERR_RETRY);
    assert_text(error.message, "old");
    for (int i = 0; i < 3; i++)
        fake_end(fake, all[i].op, HG_OK);
    token_reply(200, "{\"access_token\":\"t2\",\"expires_in\":3599}");
    attempt_begin(&all[0], ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_text(fake_header(&all[0].out, "authorization"), "Bearer t2");
    provider->map_error(fake_state(fake), all[0].call, all[0].op, refusal, &error);
    ck_assert(!(error.flags & HG_ERR_RETRY));
    fake_end(fake, all[0].op, HG_OK);
    attempt_begin(&all[0], ANY_CHAT, HG_OK); /* and serves until five minutes before its end */
    fake_end(fake, all[0].op, HG_OK);
    fake_advance(fake, 3400 * SECOND);
    attempt_begin(&all[0], ANY_CHAT, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 1);
    fake_end(fake, all[0].op, HG_OK);
}
END_TEST

START_TEST(a_refusal_of_the_token_tells_no_secret)
{
    struct attempt attempt;
    hg_rc rc;

    create_with_key("");
    token_reply(400, "{\"error\":\"invalid_grant\",\"error_description\":\"canary\"}");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    ck_assert(fake_is_done(fake, attempt.op, &rc));
    ck_assert_int_eq(rc, HG_E_AUTH);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "invalid_grant"));
    ck_assert_ptr_null(strstr(fake_failure(fake), "canary"));
    ck_assert_ptr_null(strstr(fake_log(fake), "canary"));
    ck_assert_ptr_null(strstr(fake_log(fake), "assertion"));
    fake_end(fake, attempt.op, rc);
}
END_TEST

/* ---- other credentials --------------------------------------------------------------------- */

START_TEST(a_users_login_is_refreshed)
{
    struct attempt attempt;

    ck_assert_int_eq(
        fake_create(fake,
                    "{\"project\":\"p\",\"credentials\":\"{\\\"type\\\":\\\"authorized_user\\\","
                    "\\\"client_id\\\":\\\"c\\\",\\\"client_secret\\\":\\\"s&\\\","
                    "\\\"refresh_token\\\":\\\"r\\\",\\\"quota_project_id\\\":\\\"q\\\"}\"}"),
        HG_OK);
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), TOKEN_URL);
    ck_assert_str_eq(fake_sent_body(fake), "grant_type=refresh_token&client_id=c"
                                           "&client_secret=s%26&refresh_token=r");
    token_reply(200, "{\"access_token\":\"t1\"}");
    fake_run(fake);
    assert_text(fake_header(&attempt.out, "x-goog-user-project"), "q");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(a_machine_has_a_metadata_server)
{
    struct attempt attempt;

    ck_assert_int_eq(fake_create(fake, "{\"project\":\"p\"}"), HG_OK);
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), "GET " MACHINE);
    ck_assert_str_eq(fake_sent_header(fake, "metadata-flavor"), "Google");
    fake_reply(fake, "GET " MACHINE,
               fake_response(fake, 200, HG_OK, NULL, HG_S("{\"access_token\":\"m\"}")));
    fake_run(fake);
    assert_text(fake_header(&attempt.out, "authorization"), "Bearer m");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(a_file_that_the_environment_names_is_read)
{
    char path[] = "/tmp/test-vertex-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, account, strlen(account)), (ssize_t)strlen(account));
    close(fd);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
    hg_rc rc = fake_create(fake, "{}");

    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    unlink(path);
    ck_assert_msg(rc == HG_OK, "%s", fake_failure(fake));
}
END_TEST

START_TEST(a_key_alone_needs_no_project)
{
    struct attempt attempt;

    ck_assert_int_eq(fake_create(fake, "{\"api_key\":\"k\"}"), HG_OK);
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    assert_text(attempt.out.url, "https://aiplatform.googleapis.com/v1/publishers/google/models/"
                                 "gemini-x:generateContent");
    assert_text(fake_header(&attempt.out, "x-goog-api-key"), "k");
    assert_text(fake_header(&attempt.out, "authorization"), "");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

static const struct {
    const char *settings, *says;
} bad_settings[] = {
    {"{\"credentials\":\"no json\"}", "not the JSON of a key file"},
    {"{\"credentials\":\"{\\\"type\\\":\\\"external_account\\\"}\"}", "type must be"},
    {"{\"credentials\":\"{\\\"type\\\":\\\"service_account\\\",\\\"client_email\\\":\\\"a@b\\\","
     "\\\"private_key\\\":\\\"canary\\\"}\"}",
     "private_key of a@b is no RSA key"},
    {"{\"credentials\":\"{\\\"type\\\":\\\"authorized_user\\\"}\"}", "has client_id"},
    {"{\"credentials_file\":\"/nonexistent/key.json\"}", "/nonexistent/key.json cannot be read"},
    {"{\"api_key\":\"k\",\"credentials\":\"{}\"}", "one of them"},
    {"{}", "project: whose models"},
    {"{\"project\":\"a/b\"}", "project, location"},
    {"{\"project\":\"p\",\"location\":\"evil.host/\"}", "project, location"},
};

START_TEST(wrong_settings_are_refused_with_a_reason)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i].settings), HG_E_CONFIG);
    ck_assert_msg(strstr(fake_failure(fake), bad_settings[_i].says) != NULL, "%s",
                  fake_failure(fake));
    ck_assert_ptr_null(strstr(fake_failure(fake), "canary"));
}
END_TEST

/* ---- URLs ---------------------------------------------------------------------------------- */

#define AT(host, location) "https://" host "/v1/projects/prj/locations/" location
#define GLOBAL             AT("aiplatform.googleapis.com", "global")

static const struct {
    const char *settings, *model, *url;
    uint32_t kind, flags, wire;
    const char *path;
} urls[] = {
    /* Pitfall 166. */
    {"", "gemini-2.5-flash", GLOBAL "/publishers/google/models/gemini-2.5-flash:generateContent",
     HG_R_CHAT, 0, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
    {"\"location\":\"us-central1\"", "gemini-2.5-flash",
     AT("us-central1-aiplatform.googleapis.com",
        "us-central1") "/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
     HG_R_CHAT, HG_RQ_STREAM, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
    {"\"location\":\"eu\",\"project\":\"other\"", "claude-sonnet-4-5@20250929",
     "https://aiplatform.eu.rep.googleapis.com/v1/projects/other/locations/eu/publishers/"
     "anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
     HG_R_CHAT, 0, HG_WIRE_ANTHROPIC, "/v1/messages"},
    {"", "anthropic/claude-x", GLOBAL "/publishers/anthropic/models/claude-x:streamRawPredict",
     HG_R_CHAT, HG_RQ_STREAM, HG_WIRE_GEMINI, "/v1beta/models/m:streamGenerateContent"},
    {"", "google/gemini-x", GLOBAL "/publishers/google/models/gemini-x:generateContent", HG_R_CHAT,
     0, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
    {"", "mistral-large-2411", GLOBAL "/publishers/mistralai/models/mistral-large-2411:rawPredict",
     HG_R_CHAT, 0, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
    {"", "meta/llama-4-maas", GLOBAL "/endpoints/openapi/chat/completions", HG_R_CHAT, HG_RQ_STREAM,
     HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
    {"", "endpoints/123", GLOBAL "/endpoints/123:generateContent", HG_R_CHAT, 0, HG_WIRE_GEMINI,
     "/v1/projects/x/locations/y/endpoints/123:generateContent"},
    {"", "text-embedding-005", GLOBAL "/publishers/google/models/text-embedding-005:predict",
     HG_R_EMBED, 0, HG_WIRE_OPENAI_CHAT, "/v1/embeddings"},
    {"", "gemini-embedding-2", GLOBAL "/publishers/google/models/gemini-embedding-2:embedContent",
     HG_R_EMBED, 0, HG_WIRE_OPENAI_CHAT, "/v1/embeddings"},
    {"", "gemini-x", GLOBAL "/publishers/google/models/gemini-x:countTokens", HG_R_COUNT, 0,
     HG_WIRE_GEMINI, "/v1beta/models/gemini-x:countTokens"},
    {"", "claude-x", GLOBAL "/publishers/anthropic/models/count-tokens:rawPredict", HG_R_COUNT, 0,
     HG_WIRE_ANTHROPIC, "/v1/messages/count_tokens"},
    {"", "", GLOBAL "/publishers/google/models/imagen-4:predict", HG_R_RAW, 0, HG_WIRE_OPENAI_CHAT,
     "/v1/projects/x/locations/y/publishers/google/models/imagen-4:predict"},
    {"\"base_url\":\"http://10.0.0.1:8080/\"", "gemini-x",
     "http://10.0.0.1:8080/v1/projects/prj/locations/global/publishers/google/models/"
     "gemini-x:generateContent",
     HG_R_CHAT, 0, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions"},
};

START_TEST(models_are_asked_where_they_are)
{
    struct attempt attempt;

    ready(urls[_i].settings);
    attempt_begin(&attempt,
                  &(struct fake_request){.kind = urls[_i].kind,
                                         .wire = urls[_i].wire,
                                         .flags = urls[_i].flags,
                                         .model = urls[_i].model,
                                         .path = urls[_i].path,
                                         .body = "{}"},
                  HG_OK);
    assert_text(attempt.out.url, urls[_i].url);
    assert_text(fake_header(&attempt.out, "authorization"), "Bearer t1");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

static const struct {
    const char *model, *path;
    uint32_t kind, wire;
    hg_rc rc;
} nowhere[] = {
    {"a?b", "/v1/chat/completions", HG_R_CHAT, HG_WIRE_OPENAI_CHAT, HG_E_INPUT},
    {"a:predict", "/v1/chat/completions", HG_R_CHAT, HG_WIRE_OPENAI_CHAT, HG_E_INPUT},
    {"google/../x", "/v1/chat/completions", HG_R_CHAT, HG_WIRE_OPENAI_CHAT, HG_E_INPUT},
    {"", "/v1/chat/completions", HG_R_CHAT, HG_WIRE_OPENAI_CHAT, HG_E_INPUT},
    {"m", "/v1/completions", HG_R_COMPLETE, HG_WIRE_OPENAI_CHAT, HG_E_UNSUPPORTED},
    {"meta/x", "/v1/messages/count_tokens", HG_R_COUNT, HG_WIRE_ANTHROPIC, HG_E_UNSUPPORTED},
    {"claude-x", "/v1/embeddings", HG_R_EMBED, HG_WIRE_OPENAI_CHAT, HG_E_UNSUPPORTED},
    {"", "/v1/messages/batches", HG_R_RAW, HG_WIRE_ANTHROPIC, HG_E_UNSUPPORTED},
    /* what the account may do beside, clients may not */
    {"", "/v1/projects/x/locations/y/customJobs", HG_R_RAW, HG_WIRE_OPENAI_CHAT, HG_E_UNSUPPORTED},
    {"", "/v1/projects/x/locations/y/endpoints/1:undeployModel", HG_R_RAW, HG_WIRE_OPENAI_CHAT,
     HG_E_UNSUPPORTED},
    {"", "/v1/projects/x/locations/y/endpoints/%2e%2e/1:predict", HG_R_RAW, HG_WIRE_OPENAI_CHAT,
     HG_E_UNSUPPORTED},
};

START_TEST(what_is_no_model_or_no_inference_is_not_asked_for)
{
    struct attempt attempt;

    ready("");
    attempt_begin(&attempt,
                  &(struct fake_request){.kind = nowhere[_i].kind,
                                         .wire = nowhere[_i].wire,
                                         .model = nowhere[_i].model,
                                         .path = nowhere[_i].path,
                                         .body = "{}"},
                  nowhere[_i].rc);
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

/* ---- bodies and headers -------------------------------------------------------------------- */

START_TEST(claude_gets_a_version_and_no_model)
{
    struct attempt attempt;

    ready("");
    attempt_begin(&attempt,
                  &(struct fake_request){.kind = HG_R_CHAT,
                                         .wire = HG_WIRE_ANTHROPIC,
                                         .model = "claude-x",
                                         .path = "/v1/messages",
                                         .body = "{\"model\":\"claude-x\",\"output_config\":{}}"},
                  HG_OK);
    /* Pitfall 117: and what the client says beside stays. */
    assert_text(fake_text(fake, attempt.out.body),
                "{\"output_config\":{},\"anthropic_version\":\"vertex-2023-10-16\"}");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

static const struct {
    const char *settings, *sent, *passed;
} betas[] = {
    /* Pitfall 170: flags are kept, and filtered by what the host knows. */
    {"", "context-1m-2025-08-07, files-api-2025-04-14,interleaved-thinking-2025-05-14",
     "context-1m-2025-08-07,interleaved-thinking-2025-05-14"},
    {"", "files-api-2025-04-14", ""},
    {"\"betas\":[\"mine\"]", "mine,context-1m-2025-08-07", "mine"},
};

START_TEST(beta_flags_pass_if_vertex_knows_them)
{
    const char *const headers[] = {"anthropic-beta", betas[_i].sent, NULL};
    struct attempt attempt;

    ready(betas[_i].settings);
    attempt_begin(&attempt,
                  &(struct fake_request){.kind = HG_R_CHAT,
                                         .wire = HG_WIRE_ANTHROPIC,
                                         .model = "claude-x",
                                         .path = "/v1/messages",
                                         .headers = headers,
                                         .body = "{}"},
                  HG_OK);
    assert_text(fake_header(&attempt.out, "anthropic-beta"), betas[_i].passed);
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------- */

static const struct {
    int32_t status;
    const char *body;
    hg_rc code;
    uint32_t shown, flags;
    const char *message;
    hg_ns wait;
} errors[] = {
    /* Pitfall 153. */
    {429,
     "{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":"
     "[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"12s\"}]}}",
     HG_E_RATE, 429, HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "slow", 12 * SECOND},
    /* Pitfall 155. */
    {429,
     "[{\"error\":{\"code\":429,\"message\":\"day\",\"details\":[{\"violations\":[{\"quotaId\":"
     "\"RequestsPerDayPerProject\"}]}]}}]",
     HG_E_RATE, 429, HG_ERR_OTHER_TARGET, "day", 0},
    {403, "{\"error\":{\"code\":403,\"message\":\"no\",\"status\":\"PERMISSION_DENIED\"}}",
     HG_E_DENIED, 403, HG_ERR_OTHER_TARGET, "no", 0},
    {404, "{\"error\":{\"code\":404,\"message\":\"no\",\"status\":\"NOT_FOUND\"}}", HG_E_INPUT, 404,
     HG_ERR_OTHER_TARGET, "no", 0},
    {400, "{\"error\":{\"code\":400,\"message\":\"x\",\"status\":\"INVALID_ARGUMENT\"}}",
     HG_E_INPUT, 400, 0, "x", 0},
    {400,
     "{\"error\":{\"code\":400,\"message\":\"The input token count (9) exceeds the maximum number "
     "of tokens allowed (8).\",\"status\":\"INVALID_ARGUMENT\"}}",
     HG_E_INPUT, 400, HG_ERR_OTHER_TARGET,
     "The input token count (9) exceeds the maximum number of tokens allowed (8).", 0},
    {529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}",
     HG_E_UPSTREAM, 503, HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "busy", 0},
    {503, "<html>no</html>", HG_E_UPSTREAM, 503, HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "no", 0},
};

START_TEST(errors_of_google_and_of_publishers_are_understood)
{
    hg_error error = {.size = sizeof error};
    struct attempt attempt;

    ready("");
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    ck_assert_int_eq(provider->map_error(fake_state(fake), attempt.call, attempt.op,
                                         fake_response(fake, errors[_i].status, HG_OK, NULL,
                                                       text_of(errors[_i].body)),
                                         &error),
                     HG_OK);
    ck_assert_int_eq(error.code, errors[_i].code);
    ck_assert_uint_eq(error.http_status, errors[_i].shown);
    ck_assert_uint_eq(error.flags, errors[_i].flags);
    ck_assert_int_eq(error.retry_after, errors[_i].wait);
    assert_text(error.message, errors[_i].message);
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

static void add_loops(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, setup_once, teardown_once);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
    SUITE_LOOP(tcase, models_are_asked_where_they_are, urls);
    SUITE_LOOP(tcase, what_is_no_model_or_no_inference_is_not_asked_for, nowhere);
    SUITE_LOOP(tcase, beta_flags_pass_if_vertex_knows_them, betas);
    SUITE_LOOP(tcase, errors_of_google_and_of_publishers_are_understood, errors);
}

RUN_SUITE_OF("provider/vertex", setup, teardown, add_loops, a_service_account_signs_for_a_token,
             one_exchange_serves_all_and_a_refused_token_is_replaced_once,
             a_refusal_of_the_token_tells_no_secret, a_users_login_is_refreshed,
             a_machine_has_a_metadata_server, a_file_that_the_environment_names_is_read,
             a_key_alone_needs_no_project, claude_gets_a_version_and_no_model)
