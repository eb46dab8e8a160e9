#include <time.h>
#include <unistd.h>

#include "support/provider_stand.h"

static const char body[] = "{\"model\":\"gpt\", \"messages\":[]}";

#define ANY_CHAT                           \
    &(struct fake_request)                 \
    {                                      \
        CHAT, .model = "gpt", .body = body \
    }

/* ---- URLs ---------------------------------------------------------------------------------- */

static const struct {
    const char *settings, *path, *model, *url;
    uint32_t kind;
} urls[] = {
    {"\"resource\":\"res\"", "/v1/chat/completions", "gpt",
     "https://res.openai.azure.com/openai/v1/chat/completions", HG_R_CHAT},
    {"\"resource\":\"res\",\"api_version\":\"preview\"", "/v1/chat/completions", "gpt",
     "https://res.openai.azure.com/openai/v1/chat/completions?api-version=preview", HG_R_CHAT},
    {"\"resource\":\"res\",\"api_version\":\"2024-10-21\"", "/v1/chat/completions", "gpt",
     "https://res.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
     HG_R_CHAT},
    {"\"resource\":\"res\",\"api_version\":\"2024-10-21\",\"deployments\":{\"gpt\":\"eu 1\"}",
     "/v1/embeddings", "gpt",
     "https://res.openai.azure.com/openai/deployments/eu%201/embeddings?api-version=2024-10-21",
     HG_R_EMBED},
    {"\"resource\":\"res\",\"api_version\":\"2024-10-21\"", "/v1/audio/transcriptions", "a/../b",
     "https://res.openai.azure.com/openai/deployments/a%2F..%2Fb/audio/transcriptions"
     "?api-version=2024-10-21",
     HG_R_AUDIO},
    {"\"resource\":\"res\",\"api_version\":\"2024-10-21\"", "/v1/files", NULL,
     "https://res.openai.azure.com/openai/files?api-version=2024-10-21", HG_R_RAW},
    {"\"resource\":\"res\",\"api_version\":\"2024-10-21\"", "/v1/batches", NULL,
     "https://res.openai.azure.com/openai/batches?api-version=2024-10-21", HG_R_RAW},
    {"\"base_url\":\"https://res.services.ai.azure.com\"", "/v1/chat/completions", "grok",
     "https://res.services.ai.azure.com/openai/v1/chat/completions", HG_R_CHAT},
    {"\"base_url\":\"https://res.services.ai.azure.com/\",\"form\":\"models\",\"api_version\":"
     "\"2024-05-01-preview\"",
     "/v1/chat/completions", "grok",
     "https://res.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
     HG_R_CHAT},
    {"\"base_url\":\"https://res.openai.azure.us/openai/v1/\"", "/v1/responses", NULL,
     "https://res.openai.azure.us/openai/v1/responses", HG_R_RAW},
};

/* Pitfalls 167 and 168: files and batches of the dated form, and the hosts of Foundry. */
START_TEST(the_form_says_where_a_deployment_is)
{
    char settings[512];
    struct attempt attempt;

    snprintf(settings, sizeof settings, "{%s,\"api_key\":\"k\"}", urls[_i].settings);
    create(settings);
    attempt_begin(&attempt,
                  &(struct fake_request){
                      .kind = urls[_i].kind, .path = urls[_i].path, .model = urls[_i].model},
                  HG_OK);
    assert_text(attempt.out.url, urls[_i].url);
    assert_text(fake_header(&attempt.out, "api-key"), "k");
    assert_text(fake_header(&attempt.out, "authorization"), "");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(a_deployment_is_the_model_of_the_body)
{
    struct attempt attempt;

    create("{\"resource\":\"r\",\"deployments\":{\"gpt\":\"mine\"}}");
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    assert_text(fake_text(fake, attempt.out.body), "{\"model\":\"mine\", \"messages\":[]}");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(responses_go_to_where_they_live)
{
    struct attempt attempt;
    const struct fake_request in = {.kind = HG_R_CHAT,
                                    .wire = HG_WIRE_OPENAI_RESPONSES,
                                    .model = "gpt",
                                    .path = "/v1/responses",
                                    .body = "{\"model\":\"gpt\",\"input\":\"x\"}"};

    create("{\"resource\":\"r\",\"api_version\":\"2025-04-01-preview\"}");
    attempt_begin(&attempt, &in, HG_OK);
    assert_text(attempt.out.url,
                "https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview");
    fake_end(fake, attempt.op, HG_OK);
    fake_destroy(fake);
    create("{\"resource\":\"r\",\"responses\":false}");
    attempt_begin(&attempt, &in, HG_OK);
    assert_text(attempt.out.url, "https://r.openai.azure.com/openai/v1/chat/completions");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(an_old_version_is_not_told_of_stream_options)
{
    static const struct {
        const char *version, *want;
    } cases[] = {{"2024-02-01", "{\"stream\":true}"},
                 {"2024-09-01-preview", "{\"stream\":true,\"stream_options\":{}}"}};

    for (size_t i = 0; i < 2; i++) {
        char settings[128];
        struct attempt attempt;

        snprintf(settings, sizeof settings, "{\"resource\":\"r\",\"api_version\":\"%s\"}",
                 cases[i].version);
        create(settings);
        attempt_begin(&attempt,
                      &(struct fake_request){.kind = HG_R_CHAT,
                                             .wire = HG_WIRE_OPENAI_CHAT,
                                             .path = "/v1/chat/completions",
                                             .body = "{\"model\":\"gpt\",\"stream\":true,"
                                                     "\"stream_options\":{}}",
                                             .model = "gpt"},
                      HG_OK);
        hg_str text = fake_text(fake, attempt.out.body);

        ck_assert_int_eq(memmem(text.p, text.n, "stream_options", 14) != NULL, i == 1);
        fake_end(fake, attempt.op, HG_OK);
        fake_destroy(fake);
    }
}
END_TEST

static const struct {
    const char *settings, *says;
} bad_settings[] = {
    {"{}", "resource: the name"},
    {"{\"resource\":\"a.b/c\"}", "resource"},
    {"{\"resource\":\"r\",\"base_url\":\"https://h\"}", "one of them"},
    {"{\"base_url\":\"h\"}", "base_url"},
    {"{\"base_url\":\"https://h?api-version=1\"}", "see api_version"},
    {"{\"resource\":\"r\",\"api_version\":\"1&x\"}", "api_version"},
    {"{\"resource\":\"r\",\"form\":\"deployment\"}", "this form needs one"},
    {"{\"resource\":\"r\",\"api_key\":\"k\",\"tenant\":\"t\"}", "not both"},
    {"{\"resource\":\"r\",\"tenant\":\"t\",\"client_id\":\"c\"}", "client_secret"},
    {"{\"resource\":\"r\",\"tenant\":\"a/b\",\"client_id\":\"c\",\"client_secret\":\"s\"}",
     "tenant"},
    {"{\"resource\":\"r\",\"identity\":\"workload\",\"tenant\":\"t\"}", "token_file"},
    {"{\"resource\":\"r\",\"identity\":\"managed\",\"client_id\":\"a&b\"}", "client_id"},
    {"{\"resource\":\"r\",\"deployments\":{\"a\":\"b\\\"c\"}}", "no name of one"},
    {"{\"resource\":\"r\",\"headers\":{\"Api-Key\":\"x\"},\"api_key\":\"k\"}", "not yours to set"},
};

START_TEST(wrong_settings_are_refused_with_a_reason)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i].settings), HG_E_CONFIG);
    ck_assert_msg(strstr(fake_failure(fake), bad_settings[_i].says) != NULL, "%s",
                  fake_failure(fake));
}
END_TEST

START_TEST(a_deployment_needs_a_name)
{
    struct attempt attempt;

    create("{\"resource\":\"r\",\"api_version\":\"2024-10-21\"}");
    attempt_begin(&attempt, &(struct fake_request){.kind = HG_R_AUDIO, .path = "/v1/audio/speech"},
                  HG_E_INPUT);
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

/* ---- tokens -------------------------------------------------------------------------------- */

#define TOKEN_URL "POST https://login.microsoftonline.com/ten/oauth2/v2.0/token"
#define ENTRA \
    "{\"resource\":\"r\",\"tenant\":\"ten\",\"client_id\":\"id\",\"client_secret\":\"s&cret\"}"

static void token_reply(int32_t status, const char *text)
{
    fake_reply(fake, TOKEN_URL, fake_response(fake, status, HG_OK, NULL, text_of(text)));
}

static void assert_ended(struct attempt *attempt, hg_rc want, const char *token)
{
    hg_rc rc;

    ck_assert(fake_is_done(fake, attempt->op, &rc));
    ck_assert_int_eq(rc, want);
    if (token)
        assert_text(fake_header(&attempt->out, "authorization"), token);
    fake_end(fake, attempt->op, rc);
}

START_TEST(one_exchange_serves_all_who_wait)
{
    struct attempt all[3], late;

    create(ENTRA);
    for (int i = 0; i < 3; i++)
        attempt_begin(&all[i], ANY_CHAT, HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), TOKEN_URL);
    ck_assert_str_eq(fake_sent_header(fake, "content-type"), "application/x-www-form-urlencoded");
    fake_end(fake, all[1].op, HG_E_CANCELLED); /* a client that has left */
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3600,\"token_type\":\"Bearer\"}");
    ck_assert_uint_eq(fake_run(fake), 1);
    assert_ended(&all[0], HG_OK, "Bearer t1");
    assert_ended(&all[2], HG_OK, "Bearer t1");
    attempt_begin(&late, ANY_CHAT, HG_OK);
    assert_text(fake_header(&late.out, "authorization"), "Bearer t1");
    assert_text(fake_header(&late.out, "api-key"), "");
    fake_end(fake, late.op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 0);
    ck_assert_uint_eq(fake_stale(fake), 0);
}
END_TEST

START_TEST(a_token_is_renewed_while_the_old_one_serves)
{
    struct attempt attempt;

    create(ENTRA);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":\"3600\"}");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_ended(&attempt, HG_OK, "Bearer t1");

    fake_advance(fake, 3200 * SECOND);
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    fake_end(fake, attempt.op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 0);
    fake_advance(fake, 150 * SECOND); /* less than five minutes are left */
    token_reply(503, "");
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    assert_text(fake_header(&attempt.out, "authorization"), "Bearer t1");
    fake_end(fake, attempt.op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 1);
    attempt_begin(&attempt, ANY_CHAT, HG_OK); /* it failed, and is left alone for a while */
    fake_end(fake, attempt.op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 0);
    fake_advance(fake, 20 * SECOND);
    token_reply(200, "{\"access_token\":\"t2\",\"expires_in\":3600}");
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    fake_end(fake, attempt.op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 1);
    attempt_begin(&attempt, ANY_CHAT, HG_OK);
    assert_text(fake_header(&attempt.out, "authorization"), "Bearer t2");
    fake_end(fake, attempt.op, HG_OK);
}
END_TEST

START_TEST(a_token_that_has_ended_is_used_no_more)
{
    struct attempt attempt;

    create(ENTRA);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3600}");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_ended(&attempt, HG_OK, "Bearer t1");
    fake_advance(fake, 3599 * SECOND);
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_end(fake, attempt.op, HG_E_CANCELLED);
    fake_run(fake);
}
END_TEST

static const struct {
    int32_t status;
    const char *body;
    hg_rc rc;
} failures[] = {
    {401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: s&cret\"}",
     HG_E_AUTH},
    {400, "{\"error\":\"invalid_scope\"}", HG_E_AUTH},
    {429, "", HG_E_RATE},
    {503, "<html>", HG_E_UPSTREAM},
    {200, "{}", HG_E_UPSTREAM},
    {200, "{\"access_token\":\"a\\r\\nb: c\"}", HG_E_UPSTREAM},
    {200, "not json", HG_E_UPSTREAM},
};

START_TEST(without_a_token_the_request_fails_and_says_why)
{
    struct attempt attempt;

    create(ENTRA);
    token_reply(failures[_i].status, failures[_i].body);
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_ended(&attempt, failures[_i].rc, NULL);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "oauth2/v2.0/token"));
    ck_assert_ptr_null(strstr(fake_failure(fake), "cret"));
    ck_assert_ptr_null(strstr(fake_log(fake), "cret"));
}
END_TEST

static bool refused(struct attempt *attempt)
{
    hg_error error = {.size = sizeof error};
    const hg_http_resp *refusal =
        fake_response(fake, 401, HG_OK, NULL, HG_S("{\"error\":{\"code\":\"401\"}}"));

    ck_assert_int_eq(
        provider->map_error(fake_state(fake), attempt->call, attempt->op, refusal, &error), HG_OK);
    fake_end(fake, attempt->op, HG_OK);
    return error.flags & HG_ERR_RETRY;
}

START_TEST(a_refused_token_is_asked_for_anew_once)
{
    struct attempt first, late;

    create(ENTRA);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3600}");
    attempt_begin(&first, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_ended(&first, HG_OK, "Bearer t1");
    attempt_begin(&first, ANY_CHAT, HG_OK);
    attempt_begin(&late, ANY_CHAT, HG_OK);
    ck_assert(refused(&first));
    token_reply(200, "{\"access_token\":\"t2\",\"expires_in\":3600}");
    attempt_begin(&first, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    assert_ended(&first, HG_OK, "Bearer t2");
    ck_assert(refused(&late)); /* it went out with the first one */
    attempt_begin(&first, ANY_CHAT, HG_OK);
    ck_assert(!refused(&first)); /* age is not why */
    attempt_begin(&first, ANY_CHAT, HG_OK);
    assert_text(fake_header(&first.out, "authorization"), "Bearer t2");
    fake_advance(fake, 60 * SECOND);
    ck_assert(refused(&first));
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------- */

static const struct {
    int32_t status;
    const char *body;
    hg_rc code;
    uint32_t shown, flags;
    const char *type;
} errors[] = {
    {400,
     "{\"error\":{\"message\":\"The response was filtered\",\"type\":null,\"param\":\"prompt\","
     "\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":"
     "\"ResponsibleAIPolicyViolation\"}}}",
     HG_E_INPUT, 400, 0, "content_policy_violation"},
    {404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"x\"}}", HG_E_INPUT, 404,
     HG_ERR_OTHER_TARGET, "DeploymentNotFound"},
    {400, "{\"error\":{\"code\":\"OperationNotSupported\",\"message\":\"x\"}}", HG_E_INPUT, 400, 0,
     "OperationNotSupported"},
    {401, "{\"statusCode\":401,\"message\":\"Access denied\"}", HG_E_AUTH, 401, HG_ERR_OTHER_TARGET,
     "authentication_error"},
    {429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"retry after 7 seconds\"}}",
     HG_E_RATE, 429, HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "insufficient_quota"},
    {429, "{\"error\":{\"code\":\"NoCapacity\",\"message\":\"x\"}}", HG_E_RATE, 429,
     HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "NoCapacity"},
    {408, "{\"error\":{\"code\":\"Timeout\",\"message\":\"x\"}}", HG_E_TIMEOUT, 504,
     HG_ERR_RETRY | HG_ERR_OTHER_TARGET, "Timeout"},
    {403, "<html>blocked</html>", HG_E_DENIED, 403, HG_ERR_OTHER_TARGET, "permission_error"},
};

START_TEST(errors_mean_what_azure_means)
{
    uint64_t call[32] = {0};
    hg_error error = {.size = sizeof error};

    create("{\"resource\":\"r\",\"api_key\":\"k\"}");
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->map_error(fake_state(fake), call, op,
                                         fake_response(fake, errors[_i].status, HG_OK, NULL,
                                                       text_of(errors[_i].body)),
                                         &error),
                     HG_OK);
    ck_assert_int_eq(error.code, errors[_i].code);
    ck_assert_uint_eq(error.http_status, errors[_i].shown);
    ck_assert_uint_eq(error.flags, errors[_i].flags);
    assert_text(error.type, errors[_i].type);
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *file;
    hg_rc code;
    uint32_t status, flags;
} cassettes[] = {
    {"008-chat-completions-azure-openai-chat-completions-post-782ff5d3-err404.json", HG_E_INPUT,
     404, 2},
    {"009-chat-completions-azure-openai-openai-deployments-gpt-4-1-chat-co-err401.json", HG_E_AUTH,
     401, 2},
    {"010-chat-completions-chat-real-error-scenarios-azure-grok-4-1-fast-n-err429.json", HG_E_RATE,
     429, 3},
    {"013-embeddings-azure-openai-embeddings-err401.json", HG_E_AUTH, 401, 2},
};

START_TEST(recorded_errors_are_mapped)
{
    uint64_t call[32] = {0};
    hg_error error = {.size = sizeof error};
    char name[256];

    snprintf(name, sizeof name, "azure-openai/%s", cassettes[_i].file);
    hg_json root = cassette_of(name);

    if (root.kind == HG_J_NONE) {
        if (_i == 0)
            printf("skipped: no cassettes\n");
        return;
    }
    create("{\"resource\":\"r\"}");
    hg_op op = fake_op(fake, NULL);
    hg_str answer = fake_host(fake)->json->str(op, json_get(root, "/response/body"));
    int32_t status = (int32_t)json_i64(json_get(root, "/response/status"), 0);

    ck_assert_int_eq(provider->map_error(fake_state(fake), call, op,
                                         fake_response(fake, status, HG_OK, NULL, answer), &error),
                     HG_OK);
    ck_assert_int_eq(error.code, cassettes[_i].code);
    ck_assert_uint_eq(error.http_status, cassettes[_i].status);
    ck_assert_uint_eq(error.flags, cassettes[_i].flags);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(models_are_those_of_the_settings)
{
    create("{\"resource\":\"r\",\"models\":[\"gpt\"]}");
    hg_op op = fake_op(fake, NULL);
    hg_out *out = fake_host(fake)->out(op);

    ck_assert_int_eq(provider->models(fake_state(fake), op, out), HG_OK);
    assert_text(fake_text(fake, out),
                "{\"object\":\"list\",\"data\":[{\"id\":\"gpt\",\"object\":\"model\"}]}");
    fake_end(fake, op, HG_OK);
    fake_destroy(fake);
    create("{\"resource\":\"r\"}");
    op = fake_op(fake, NULL);
    ck_assert_int_eq(provider->models(fake_state(fake), op, fake_host(fake)->out(op)),
                     HG_E_UNSUPPORTED);
    fake_end(fake, op, HG_OK);
}
END_TEST

/* ---- who the gateway is --------------------------------------------------------------------- */

static const char *const variables[] = {"AZURE_TENANT_ID",      "AZURE_CLIENT_ID",
                                        "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE",
                                        "IDENTITY_ENDPOINT",    "IDENTITY_HEADER"};

static void environment_clear(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
}

static void answered(const char *what, const char *text, const char *token)
{
    struct attempt attempt;

    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), what);
    fake_reply(fake, what, fake_response(fake, 200, HG_OK, NULL, text_of(text)));
    ck_assert_uint_eq(fake_run(fake), 1);
    assert_ended(&attempt, HG_OK, token);
}

START_TEST(a_machine_is_asked_who_it_is)
{
    environment_clear();
    create("{\"resource\":\"r\",\"identity\":\"managed\",\"client_id\":\"me\"}");
    answered("GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
             "&resource=https://cognitiveservices.azure.com&client_id=me",
             "{\"access_token\":\"vm\",\"expires_in\":\"3600\"}", "Bearer vm");
    ck_assert_str_eq(fake_sent_header(fake, "metadata"), "true");
}
END_TEST

START_TEST(an_app_service_is_asked_with_its_header_and_says_when_the_token_ends)
{
    char answer[128];
    struct attempt attempt;

    environment_clear();
    setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token", 1);
    setenv("IDENTITY_HEADER", "proof", 1);
    create("{\"resource\":\"r\",\"identity\":\"managed\"}");
    snprintf(answer, sizeof answer, "{\"access_token\":\"app\",\"expires_on\":\"%lld\"}",
             (long long)time(NULL) + 100);
    answered("GET http://127.0.0.1:41/msi/token?api-version=2019-08-01"
             "&resource=https://cognitiveservices.azure.com",
             answer, "Bearer app");
    ck_assert_str_eq(fake_sent_header(fake, "x-identity-header"), "proof");
    fake_advance(fake, 101 * SECOND);
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_end(fake, attempt.op, HG_E_CANCELLED);
    environment_clear();
}
END_TEST

START_TEST(a_workloads_token_is_read_from_its_file_each_time)
{
    char path[] = "/tmp/headgate-azure-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "first.jwt\n", 10), 10);
    environment_clear();
    setenv("AZURE_TENANT_ID", "ten", 1);
    setenv("AZURE_CLIENT_ID", "app", 1);
    setenv("AZURE_FEDERATED_TOKEN_FILE", path, 1);
    create("{\"resource\":\"r\",\"identity\":\"workload\"}");
    answered(TOKEN_URL, "{\"access_token\":\"w1\",\"expires_in\":60}", "Bearer w1");
    ck_assert_ptr_nonnull(strstr(fake_sent_body(fake), "client_assertion=first.jwt&"));
    ck_assert_ptr_nonnull(strstr(fake_sent_body(fake), "client_id=app&"));
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, "second.jwt", 10, 0), 10);
    fake_advance(fake, 61 * SECOND);
    answered(TOKEN_URL, "{\"access_token\":\"w2\",\"expires_in\":60}", "Bearer w2");
    ck_assert_ptr_nonnull(strstr(fake_sent_body(fake), "client_assertion=second.jwt&"));
    close(fd);
    unlink(path);
    environment_clear();
}
END_TEST

START_TEST(a_workload_without_its_file_fails_and_names_it)
{
    struct attempt attempt;

    environment_clear();
    create("{\"resource\":\"r\",\"identity\":\"workload\",\"tenant\":\"ten\","
           "\"client_id\":\"app\",\"token_file\":\"/nowhere/token\"}");
    attempt_begin(&attempt, ANY_CHAT, HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_log(fake), "/nowhere/token is missing or empty"));
    fake_end(fake, attempt.op, HG_E_CONFIG);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, the_form_says_where_a_deployment_is, urls);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
    SUITE_LOOP(tcase, without_a_token_the_request_fails_and_says_why, failures);
    SUITE_LOOP(tcase, errors_mean_what_azure_means, errors);
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
}

RUN_SUITE_OF("provider/azure", setup, teardown, add_loops, a_deployment_is_the_model_of_the_body,
             responses_go_to_where_they_live, an_old_version_is_not_told_of_stream_options,
             a_deployment_needs_a_name, one_exchange_serves_all_who_wait,
             a_token_is_renewed_while_the_old_one_serves, a_token_that_has_ended_is_used_no_more,
             a_refused_token_is_asked_for_anew_once, a_machine_is_asked_who_it_is,
             an_app_service_is_asked_with_its_header_and_says_when_the_token_ends,
             a_workloads_token_is_read_from_its_file_each_time,
             a_workload_without_its_file_fails_and_names_it, models_are_those_of_the_settings)
