#include <time.h>

#include "support/provider_stand.h"

static const char chat_body[] = "{\"model\":\"gpt-4o\",  \"messages\":[]}";

START_TEST(a_chat_goes_to_openai)
{
    hg_http_req out;

    create("{\"api_key\":\"test-key\"}");
    hg_op op = prepared(&(struct fake_request){CHAT, .body = chat_body}, &out, HG_OK);

    assert_text(out.method, "POST");
    assert_text(out.url, "https://api.openai.com/v1/chat/completions");
    assert_text(fake_header(&out, "authorization"), "Bearer test-key");
    assert_text(fake_header(&out, "user-agent"), "headgate");
    ck_assert_ptr_nonnull(out.body);
    assert_text(fake_text(fake, out.body), chat_body);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(the_model_of_the_attempt_replaces_the_clients)
{
    hg_http_req out;

    create("{}");
    hg_op op =
        prepared(&(struct fake_request){CHAT, .body = chat_body, .model = "mini"}, &out, HG_OK);

    assert_text(fake_text(fake, out.body), "{\"model\":\"mini\",  \"messages\":[]}");
    assert_text(fake_header(&out, "authorization"), "");
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *base, *path, *query, *url;
    uint32_t kind;
} urls[] = {
    {"http://127.0.0.1:8080/v1", "/v1/chat/completions", NULL,
     "http://127.0.0.1:8080/v1/chat/completions", HG_R_CHAT},
    {"http://127.0.0.1:8080/v1/", "/v1/completions", NULL, "http://127.0.0.1:8080/v1/completions",
     HG_R_COMPLETE},
    {"https://api.groq.com/openai/v1//", "/v1/embeddings", NULL,
     "https://api.groq.com/openai/v1/embeddings", HG_R_EMBED},
    {"http://h", "/v1/models/a%2Fb", NULL, "http://h/models/a%2Fb", HG_R_MODELS},
    {"http://h", "/v1/moderations", NULL, "http://h/moderations", HG_R_MODERATE},
    {"http://h", "/v1/images/edits", NULL, "http://h/images/edits", HG_R_IMAGE},
    {"http://h", "/v1/audio/speech", NULL, "http://h/audio/speech", HG_R_AUDIO},
    {"http://h", "/v1/files/f-1/content", "limit=5&after=x%20y",
     "http://h/files/f-1/content?limit=5&after=x%20y", HG_R_RAW},
    {"http://h/p?api-version=1", "/v1/files", NULL, "http://h/p/files?api-version=1", HG_R_RAW},
    {"http://h/p/?api-version=1", "/v1/files", "a=b", "http://h/p/files?api-version=1&a=b",
     HG_R_RAW},
    {"http://h:65535/v1", "/v1/models", NULL, "http://h:65535/v1/models", HG_R_RAW},
    {"http://[::1]", "/v1/models", NULL, "http://[::1]/models", HG_R_RAW},
    {"http://[::1]:80/v1", "/v1/models", NULL, "http://[::1]:80/v1/models", HG_R_RAW},
    {"http://h", "/v1/..foo/a.b/...", NULL, "http://h/..foo/a.b/...", HG_R_RAW},
    {"http://h", "/other/path", NULL, "http://h/other/path", HG_R_RAW},
    /* clients of another dialect come with paths that mean nothing here */
    {"http://h", "/v1/messages", NULL, "http://h/chat/completions", HG_R_CHAT},
    {"http://h", "/v1beta/models/x:generateContent", NULL, "http://h/chat/completions", HG_R_CHAT},
};

static const struct {
    const char *settings, *url;
} responses[] = {
    {"{}", "https://api.openai.com/v1/responses"},
    {"{\"base_url\":\"https://eu.api.openai.com/v1\"}", "https://eu.api.openai.com/v1/responses"},
    {"{\"responses\":false}", "https://api.openai.com/v1/chat/completions"},
    {"{\"base_url\":\"http://h/v1\"}", "http://h/v1/chat/completions"},
    {"{\"base_url\":\"http://h/v1\",\"responses\":true}", "http://h/v1/responses"},
    {"{\"base_url\":\"http://notapi.openai.com/v1\"}",
     "http://notapi.openai.com/v1/chat/completions"},
    {"{\"base_url\":\"http://h/api.openai.com\"}", "http://h/api.openai.com/chat/completions"},
};

START_TEST(responses_go_where_they_are_known)
{
    static const char body[] = "{\"model\":\"m\",  \"input\":\"x\"}";
    hg_http_req out;

    create(responses[_i].settings);
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_CHAT,
                                               .wire = HG_WIRE_OPENAI_RESPONSES,
                                               .path = "/v1/responses",
                                               .body = body},
                        &out, HG_OK);

    assert_text(out.url, responses[_i].url);
    assert_text(fake_text(fake, out.body), body);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(the_url_is_base_url_and_the_rest_of_the_path)
{
    char settings[256];
    hg_http_req out;

    snprintf(settings, sizeof settings, "{\"base_url\":\"%s\"}", urls[_i].base);
    create(settings);
    hg_op op = prepared(&(struct fake_request){.kind = urls[_i].kind,
                                               .path = urls[_i].path,
                                               .query = urls[_i].query},
                        &out, HG_OK);

    assert_text(out.url, urls[_i].url);
    ck_assert_ptr_null(out.body);
    fake_end(fake, op, HG_OK);
}
END_TEST

static const char *const bad_paths[] = {"/v1/../admin",
                                        "/v1/files/..",
                                        "/v1/%2e%2E/x",
                                        "/v1/.%2e/x",
                                        "/v1/./x",
                                        "/v1/a b",
                                        "/v1/a\r\nx: y",
                                        "/v1/a#b",
                                        "/v1/a\\..\\b",
                                        "/v1/files/..?x=/y",
                                        "/v1/\xc3\xa4",
                                        "v1",
                                        ""};

START_TEST(a_path_that_leaves_the_api_is_refused)
{
    hg_http_req out;

    create("{}");
    hg_op op =
        prepared(&(struct fake_request){.kind = HG_R_RAW, .path = bad_paths[_i]}, &out, HG_E_INPUT);

    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(a_query_that_breaks_the_request_line_is_refused)
{
    hg_http_req out;

    create("{}");
    hg_op op =
        prepared(&(struct fake_request){.kind = HG_R_RAW, .path = "/v1/files", .query = "a=b c"},
                 &out, HG_E_INPUT);

    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(an_upload_passes_as_it_is)
{
    static const char *const headers[] = {"content-type", "multipart/form-data; boundary=x", NULL};
    hg_http_req out;

    create("{}");
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_AUDIO,
                                               .path = "/v1/audio/transcriptions",
                                               .model = "whisper",
                                               .headers = headers,
                                               .body = "--x\r\nabc\r\n--x--\r\n"},
                        &out, HG_OK);

    assert_text(fake_text(fake, out.body), "--x\r\nabc\r\n--x--\r\n");
    assert_text(fake_header(&out, "content-type"), "multipart/form-data; boundary=x");
    fake_end(fake, op, HG_OK);
}
END_TEST

static const char *const client_headers[] = {"openai-beta",
                                             "assistants=v2",
                                             "openai-organization",
                                             "theirs",
                                             "openai-project",
                                             "theirs",
                                             "x-client-request-id",
                                             "r1",
                                             "accept",
                                             "text/event-stream",
                                             "user-agent",
                                             "spy/1",
                                             "cookie",
                                             "secret",
                                             "x-forwarded-for",
                                             "10.0.0.1",
                                             "host",
                                             "evil",
                                             NULL};

START_TEST(only_listed_headers_of_the_client_are_passed_on)
{
    hg_http_req out;

    create("{\"organization\":\"ours\",\"headers\":{\"X-Team\":\"a\",\"Accept\":\"mine\"}}");
    hg_op op = prepared(&(struct fake_request){CHAT, .headers = client_headers}, &out, HG_OK);

    assert_text(fake_header(&out, "openai-beta"), "assistants=v2");
    assert_text(fake_header(&out, "openai-organization"), "ours");
    assert_text(fake_header(&out, "openai-project"), "theirs");
    assert_text(fake_header(&out, "x-client-request-id"), "r1");
    assert_text(fake_header(&out, "accept"), "mine");
    assert_text(fake_header(&out, "x-team"), "a");
    assert_text(fake_header(&out, "user-agent"), "headgate");
    assert_text(fake_header(&out, "cookie"), "");
    assert_text(fake_header(&out, "x-forwarded-for"), "");
    assert_text(fake_header(&out, "host"), "");
    for (size_t i = 0; i < out.n_headers; i++) {
        for (size_t k = 0; k < i; k++)
            ck_assert(!text_is_nocase(out.headers[i].name, out.headers[k].name));
    }
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *settings, *says;
} bad_settings[] = {
    {"{\"base_url\":\"api.openai.com\"}", "base_url"},
    {"{\"base_url\":\"ftp://x\"}", "base_url"},
    {"{\"base_url\":\"https://\"}", "base_url"},
    {"{\"base_url\":\"https:///v1\"}", "base_url"},
    {"{\"base_url\":\"https://a b\"}", "base_url"},
    {"{\"base_url\":\"https://u:p@h/v1\"}", "user name"},
    {"{\"base_url\":\"http://h:/v1\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://:80/v1\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://h:0\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://h:65536\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://h:99999999999999999999\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://h:80x/v1\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://[::1\"}", "HOST:PORT"},
    {"{\"base_url\":\"http://[::1]80/v1\"}", "HOST:PORT"},
    {"{\"api_key\":\"a\\r\\nx: y\"}", "api_key"},
    {"{\"organization\":\"a\\nb\"}", "organization"},
    {"{\"project\":\"a\\nb\"}", "project"},
    {"{\"headers\":{\"x\":\"a\\r\\nb\"}}", "headers"},
    {"{\"headers\":{\"x y\":\"a\"}}", "headers"},
    {"{\"headers\":{\"\":\"a\"}}", "headers"},
    {"{\"headers\":{\"Authorization\":\"a\"}}", "authorization is not yours to set; use api_key"},
    {"{\"headers\":{\"HOST\":\"a\"}}", "host is not yours"},
    {"{\"headers\":{\"Content-Length\":\"a\"}}", "content-length is not yours"},
    {"{\"headers\":{\"transfer-encoding\":\"a\"}}", "transfer-encoding is not yours"},
};

START_TEST(wrong_settings_are_refused_with_a_reason)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i].settings), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), bad_settings[_i].says));
}
END_TEST

START_TEST(too_many_headers_are_refused)
{
    char settings[2048] = "{\"headers\":{";

    for (int i = 0; i < 40; i++)
        sprintf(settings + strlen(settings), "%s\"x-%d\":\"v\"", i ? "," : "", i);
    strcat(settings, "}}");
    ck_assert_int_eq(fake_create(fake, settings), HG_E_CONFIG);
}
END_TEST

/* ---- models ------------------------------------------------------------------------------- */

#define MODELS_URL "GET https://api.openai.com/v1/models"

static void models(const hg_http_resp *resp, hg_rc want, const char *json)
{
    hg_op op = fake_op(fake, NULL);
    hg_out *out = fake_host(fake)->out(op);
    hg_rc rc;

    fake_reply(fake, MODELS_URL, resp);
    ck_assert_int_eq(provider->models(fake_state(fake), op, out), HG_PENDING);
    ck_assert_str_eq(fake_sent(fake), MODELS_URL);
    ck_assert_str_eq(fake_sent_header(fake, "authorization"), "Bearer k");
    ck_assert_uint_eq(fake_run(fake), 1);
    ck_assert(fake_is_done(fake, op, &rc));
    ck_assert_int_eq(rc, want);
    if (json)
        assert_text(fake_text(fake, out), json);
    fake_end(fake, op, rc);
}

START_TEST(models_are_asked_for)
{
    create("{\"api_key\":\"k\"}");
    models(fake_response(fake, 200, HG_OK, NULL,
                         HG_S("{\"data\": [{\"id\":\"a\"}], \"object\":\"list\"}")),
           HG_OK, "{\"object\":\"list\",\"data\":[{\"id\":\"a\"}]}");
    models(fake_response(fake, 200, HG_OK, NULL, HG_S("[{\"id\":\"b\"}]")), HG_OK,
           "{\"object\":\"list\",\"data\":[{\"id\":\"b\"}]}");
    models(fake_response(fake, 200, HG_OK, NULL, HG_S("<html>")), HG_E_UPSTREAM, NULL);
    models(fake_response(fake, 200, HG_OK, NULL, HG_S("{}")), HG_E_UPSTREAM, NULL);
    models(fake_response(fake, 401, HG_OK, NULL, HG_S("")), HG_E_AUTH, NULL);
    models(fake_response(fake, 500, HG_OK, NULL, HG_S("")), HG_E_UPSTREAM, NULL);
    models(fake_response(fake, 0, HG_E_TIMEOUT, NULL, HG_S("")), HG_E_TIMEOUT, NULL);
}
END_TEST

START_TEST(a_configured_list_of_models_needs_no_request)
{
    create("{\"models\":[\"a\",\"b/\\\"c\"]}");
    hg_op op = fake_op(fake, NULL);
    hg_out *out = fake_host(fake)->out(op);

    ck_assert_int_eq(provider->models(fake_state(fake), op, out), HG_OK);
    assert_text(fake_text(fake, out),
                "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"object\":\"model\"},"
                "{\"id\":\"b/\\\"c\",\"object\":\"model\"}]}");
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(a_cancelled_list_of_models_is_never_answered)
{
    create("{\"api_key\":\"k\"}");
    fake_reply(fake, MODELS_URL, fake_response(fake, 200, HG_OK, NULL, HG_S("{\"data\":[]}")));
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->models(fake_state(fake), op, fake_host(fake)->out(op)), HG_PENDING);
    fake_end(fake, op, HG_E_CANCELLED);
    ck_assert_uint_eq(fake_run(fake), 0);
    ck_assert_uint_eq(fake_stale(fake), 0);
}
END_TEST

START_TEST(without_http_only_the_list_is_lost)
{
    hg_http_req out;

    fake_without(fake, HG_HTTP);
    create("{}");
    hg_op op = prepared(&(struct fake_request){CHAT, .body = chat_body}, &out, HG_OK);

    ck_assert_int_eq(provider->models(fake_state(fake), op, fake_host(fake)->out(op)),
                     HG_E_UNSUPPORTED);
    fake_end(fake, op, HG_OK);
}
END_TEST

/* Prints what prepare costs here; a slow machine is no failure. */
START_TEST(prepare_is_quick)
{
    enum {
        ROUNDS = 100000
    };
    static const char *const headers[] = {"content-type", "application/json", NULL};
    struct timespec a, b;
    hg_http_req out;
    int good = 0;

    create("{\"api_key\":\"test-key\"}");
    hg_req *req = fake_request(fake, &(struct fake_request){CHAT, .headers = headers});

    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < ROUNDS / 100; i++) {
        hg_op op = fake_op(fake, req);

        for (int k = 0; k < 100; k++) {
            out = (hg_http_req){.size = sizeof out};
            good += provider->prepare(fake_state(fake), NULL, op, req, &out) == HG_OK;
        }
        fake_end(fake, op, HG_OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    ck_assert_int_eq(good, ROUNDS);
    printf("prepare, with the fake's part of it: %.0f ns\n",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / ROUNDS);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, responses_go_where_they_are_known, responses);
    SUITE_LOOP(tcase, the_url_is_base_url_and_the_rest_of_the_path, urls);
    SUITE_LOOP(tcase, a_path_that_leaves_the_api_is_refused, bad_paths);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
}

RUN_SUITE_OF("provider/openai", setup, teardown, add_loops, a_chat_goes_to_openai,
             the_model_of_the_attempt_replaces_the_clients,
             a_query_that_breaks_the_request_line_is_refused, an_upload_passes_as_it_is,
             only_listed_headers_of_the_client_are_passed_on, too_many_headers_are_refused,
             models_are_asked_for, a_configured_list_of_models_needs_no_request,
             a_cancelled_list_of_models_is_never_answered, without_http_only_the_list_is_lost,
             prepare_is_quick)
