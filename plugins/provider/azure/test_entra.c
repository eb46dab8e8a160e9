#include <time.h>
#include <unistd.h>

#include "support/provider_stand.h"

static const char body[] = "{\"model\":\"gpt\", \"messages\":[]}";

#define ANY_CHAT                           \
    &(struct fake_request)                 \
    {                                      \
        CHAT, .model = "gpt", .body = body \
    }

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
    SUITE_LOOP(tcase, without_a_token_the_request_fails_and_says_why, failures);
}

RUN_SUITE_OF("provider/azure/entra", setup, teardown, add_loops, one_exchange_serves_all_who_wait,
             a_token_is_renewed_while_the_old_one_serves, a_token_that_has_ended_is_used_no_more,
             a_refused_token_is_asked_for_anew_once, a_machine_is_asked_who_it_is,
             an_app_service_is_asked_with_its_header_and_says_when_the_token_ends,
             a_workloads_token_is_read_from_its_file_each_time,
             a_workload_without_its_file_fails_and_names_it)
