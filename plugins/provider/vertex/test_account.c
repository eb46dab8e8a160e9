#include "test_key.h"

#include <time.h>
#include <unistd.h>

#define MACHINE                                                                     \
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/" \
    "default/token"

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

/* With the account in a file, and so many blanks behind it. */
static hg_rc created_from_file(size_t blanks)
{
    char path[] = "/tmp/test-vertex-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_eq(dprintf(fd, "%s%*s", account, (int)blanks, ""),
                     (int)(strlen(account) + blanks));
    close(fd);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
    hg_rc rc = fake_create(fake, "{}");

    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    unlink(path);
    return rc;
}

START_TEST(a_file_that_the_environment_names_is_read)
{
    hg_rc rc = created_from_file(0);

    ck_assert_msg(rc == HG_OK, "%s", fake_failure(fake));
}
END_TEST

START_TEST(a_file_that_is_too_large_to_be_a_key_is_refused)
{
    ck_assert_int_eq(created_from_file(64 * 1024 - strlen(account)), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "is no key file"));
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

static void add_loops(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, setup_once, teardown_once);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
}

RUN_SUITE_OF("provider/vertex/account", setup, teardown, add_loops,
             a_service_account_signs_for_a_token,
             one_exchange_serves_all_and_a_refused_token_is_replaced_once,
             a_refusal_of_the_token_tells_no_secret, a_users_login_is_refreshed,
             a_machine_has_a_metadata_server, a_file_that_the_environment_names_is_read,
             a_file_that_is_too_large_to_be_a_key_is_refused, a_key_alone_needs_no_project)
