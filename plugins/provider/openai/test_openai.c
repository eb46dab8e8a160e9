#include <dirent.h>
#include <time.h>

#include "common/delay.h"
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

/* ---- errors ------------------------------------------------------------------------------- */

static const hg_http_resp *response_of(hg_op op, hg_json in)
{
    static char texts[64][512];
    static const char *fields[65];
    hg_json headers = json_get(in, "/headers"), value;
    hg_json_it it = {0};
    hg_str key;
    size_t n = 0;

    while (n < 64 && json_next(headers, &it, &key, &value)) {
        hg_str text = fake_host(fake)->json->str(op, value);

        snprintf(texts[n], sizeof *texts, "%.*s", TEXT_ARG(key));
        snprintf(texts[n + 1], sizeof *texts, "%.*s", TEXT_ARG(text));
        fields[n] = texts[n];
        fields[n + 1] = texts[n + 1];
        n += 2;
    }
    fields[n] = NULL;
    return fake_response(fake, (int32_t)json_i64(json_get(in, "/status"), 0), HG_OK, fields,
                         fake_host(fake)->json->str(op, json_get(in, "/body")));
}

static void assert_error(const char *name, hg_op op, hg_json want, hg_rc rc, const hg_error *error)
{
    hg_str type = fake_host(fake)->json->str(op, json_get(want, "/type"));
    hg_str says = fake_host(fake)->json->str(op, json_get(want, "/message"));
    int64_t retry_ms = json_i64(json_get(want, "/retry_ms"), -1);

    if (json_get(want, "/skip").kind == HG_J_TRUE) {
        ck_assert_msg(rc == HG_SKIP, "%s: %d", name, rc);
        return;
    }
    ck_assert_msg(rc == HG_OK, "%s: %d", name, rc);
    ck_assert_msg(error->code == json_i64(json_get(want, "/code"), 0), "%s: code %d", name,
                  error->code);
    ck_assert_msg(error->http_status == json_i64(json_get(want, "/status"), 0), "%s: status %u",
                  name, error->http_status);
    ck_assert_msg(error->flags == json_i64(json_get(want, "/flags"), 0), "%s: flags %u", name,
                  error->flags);
    ck_assert_msg(text_is(error->type, type), "%s: type %.*s", name, TEXT_ARG(error->type));
    ck_assert_msg(says.n == 0 || memmem(error->message.p, error->message.n, says.p, says.n),
                  "%s: message %.*s", name, TEXT_ARG(error->message));
    ck_assert_msg(error->message.n > 0, "%s: no message", name);
    if (retry_ms >= 0)
        ck_assert_msg(error->retry_after / 1000000 == retry_ms, "%s: retry %lld", name,
                      (long long)error->retry_after);
}

/* Pitfall 150: echoed_429_is_not_a_rate_limit is one of them. */
START_TEST(errors_are_mapped_as_the_pairs_say)
{
    char path[512], folder[256];
    size_t count = 0;
    struct dirent *entry;

    create("{\"api_key\":\"test-key-123456\"}");
    snprintf(folder, sizeof folder, "%s/plugins/provider/openai/testdata", TEST_SOURCE_DIR);
    DIR *dir = opendir(folder);

    ck_assert_msg(dir, "no %s", folder);
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        hg_error error = {.size = sizeof error};

        if (n < 9 || strcmp(entry->d_name + n - 8, ".in.json") != 0)
            continue;
        hg_op op = fake_op(fake, NULL);

        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        const hg_http_resp *resp = response_of(op, document_of(path));

        snprintf(path, sizeof path, "%s/%.*s.out.json", folder, (int)(n - 8), entry->d_name);
        hg_json want = document_of(path);

        ck_assert_int_eq(want.kind, HG_J_OBJ);
        hg_rc rc = provider->map_error(fake_state(fake), NULL, op, resp, &error);

        assert_error(entry->d_name, op, want, rc, &error);
        fake_end(fake, op, HG_OK);
        count++;
    }
    closedir(dir);
    ck_assert_uint_gt(count, 40);
}
END_TEST

static const struct {
    const char *file;
    hg_rc code;
    uint32_t status, flags;
    const char *type;
} cassettes[] = {
    {"openai/041-chat-completions-testlm-test-exception-event-recorded-on-lm-erro-err401.json",
     HG_E_AUTH, 401, 2, "invalid_api_key"},
    {"openai/043-chat-completions-client-async-error-err404.json", HG_E_INPUT, 404, 2,
     "model_not_found"},
    {"openai/045-chat-completions-llm-call-when-stop-is-unsupported-err400.json", HG_E_INPUT, 400,
     2, "unsupported_parameter"},
    {"openai/046-chat-completions-chat-no-messages-err400.json", HG_E_INPUT, 400, 0, "empty_array"},
    {"openai/057-embeddings-embeddings-post-cd7b3e2b-err403.json", HG_E_DENIED, 403, 2,
     "invalid_request_error"},
    {"openai/068-other-vector-store-file-batches-list-err500.json", HG_E_UPSTREAM, 500, 3,
     "server_error"},
    {"openai/103-responses-openai-error-1-err429.json", HG_E_RATE, 429, 2, "insufficient_quota"},
    {"azure-openai/"
     "009-chat-completions-azure-openai-openai-deployments-gpt-4-1-chat-co-err401.json",
     HG_E_AUTH, 401, 2, "authentication_error"},
    {"azure-openai/"
     "010-chat-completions-chat-real-error-scenarios-azure-grok-4-1-fast-n-err429.json",
     HG_E_RATE, 429, 3, "RateLimitReached"},
    {"deepseek/009-chat-completions-chat-error-handling-with-deepseek-deepseek-chat-err401.json",
     HG_E_AUTH, 401, 2, "invalid_request_error"},
    {"deepseek/010-chat-completions-chat-real-error-scenarios-deepseek-deepseek-cha-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"groq/016-chat-completions-tool-regular-error-err404.json", HG_E_INPUT, 404, 2,
     "model_not_found"},
    {"groq/017-chat-completions-tool-use-failed-error-with-text-err400.json", HG_E_INPUT, 400, 0,
     "tool_use_failed"},
    {"mistral/017-chat-completions-chat-error-handling-with-mistral-mistral-small-err401.json",
     HG_E_AUTH, 401, 2, "authentication_error"},
    {"ollama/008-chat-completions-chat-real-error-scenarios-ollama-cloud-gpt-oss-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"openrouter/015-chat-completions-chat-real-error-scenarios-openrouter-claude-hai-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"openrouter/016-chat-completions-openrouter-errors-raised-err429.json", HG_E_RATE, 429, 3,
     "rate_limit_error"},
    {"perplexity/007-chat-completions-chat-error-handling-with-perplexity-sonar-raise-err401.json",
     HG_E_AUTH, 401, 2, "invalid_api_key"},
    {"perplexity/008-chat-completions-chat-real-error-scenarios-perplexity-sonar-hand-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"xai/017-responses-chat-error-handling-with-xai-grok-4-1-fast-non-reasoni-err400.json",
     HG_E_AUTH, 401, 2, "invalid-argument"},
};

START_TEST(recorded_errors_are_mapped)
{
    create("{}");
    hg_json root = cassette_of(cassettes[_i].file);

    if (root.kind == HG_J_NONE) {
        if (_i == 0)
            printf("skipped: no cassettes\n");
        return;
    }
    hg_op op = fake_op(fake, NULL);
    hg_error error = {.size = sizeof error};
    const hg_http_resp *resp = response_of(op, json_get(root, "/response"));

    ck_assert_int_eq(provider->map_error(fake_state(fake), NULL, op, resp, &error), HG_OK);
    ck_assert_int_eq(error.code, cassettes[_i].code);
    ck_assert_uint_eq(error.http_status, cassettes[_i].status);
    ck_assert_uint_eq(error.flags, cassettes[_i].flags);
    assert_text(error.type, cassettes[_i].type);
    ck_assert_uint_gt(error.message.n, 5);
    fake_end(fake, op, HG_OK);
}
END_TEST

/* Every status with every shape: the class of the status is kept, and nothing breaks. */
START_TEST(no_error_becomes_a_success)
{
    static const char *const bodies[] = {"",
                                         "null",
                                         "[]",
                                         "{",
                                         "{}",
                                         "\"x\"",
                                         "{\"error\":{}}",
                                         "{\"error\":\"\"}",
                                         "{\"error\":{\"message\":7,\"code\":{},\"type\":[]}}",
                                         "{\"detail\":[{\"loc\":5}]}",
                                         "{\"errors\":[[]]}",
                                         "{\"error\":{\"code\":\"99999999999999999999\"}}",
                                         "\xff\xfe<html"};

    create("{}");
    for (int status = 100; status < 600; status++) {
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
            hg_op op = fake_op(fake, NULL);
            hg_error error = {.size = sizeof error};
            hg_rc rc = provider->map_error(
                fake_state(fake), NULL, op,
                fake_response(fake, status, HG_OK, NULL, text_of(bodies[i])), &error);

            if (rc == HG_SKIP) {
                ck_assert_int_eq(status / 100, 2);
            } else {
                ck_assert_int_eq(rc, HG_OK);
                ck_assert_int_lt(error.code, 0);
                ck_assert_uint_ge(error.http_status, 400);
                ck_assert_uint_le(error.http_status, 511);
                if (status / 100 == 4 && status != 408 && status != 424 && status != 498 &&
                    status != 499)
                    ck_assert_uint_eq(error.http_status / 100, 4);
                ck_assert_uint_gt(error.type.n, 0);
                ck_assert_uint_gt(error.message.n, 0);
            }
            fake_end(fake, op, HG_OK);
        }
    }
}
END_TEST

START_TEST(a_huge_message_is_cut_between_characters)
{
    static char body[20000];
    hg_error error = {.size = sizeof error};

    create("{}");
    strcpy(body, "{\"error\":{\"message\":\"x");
    for (int i = 0; i < 4000; i++)
        strcat(body + 20, "\xe2\x82\xac");
    strcat(body, "\"}}");
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->map_error(fake_state(fake), NULL, op,
                                         fake_response(fake, 400, HG_OK, NULL, text_of(body)),
                                         &error),
                     HG_OK);
    ck_assert_uint_le(error.message.n, 2000);
    ck_assert_uint_eq(error.message.n % 3, 1);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(no_answer_at_all_is_left_to_the_host)
{
    hg_error error = {.size = sizeof error};

    create("{}");
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->map_error(fake_state(fake), NULL, op,
                                         fake_response(fake, 0, HG_E_CONNECT, NULL, HG_S("")),
                                         &error),
                     HG_SKIP);
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms; /* 0: none */
} delays[] = {{"1", 1000},
              {"2.5", 2500},
              {"0", 0},
              {"-5", 0},
              {"86401", 0},
              {"12ms", 12},
              {"1m2.5s", 62500},
              {"6h", 21600000},
              {"1700000010", 10000},
              {"1700000010500", 10500},
              {"1699999999", 0},
              {"Tue, 14 Nov 2023 22:13:30 GMT", 10000},
              {"2023-11-14T22:13:40Z", 20000},
              {"2023-11-14T22:13:40.123456Z", 20000},
              {"soon", 0},
              {"", 0},
              {"1e9", 0},
              {"nan", 0},
              {"inf", 0},
              {"99999999999999999999999999999999999999999999999", 0},
              {"5x", 0},
              {"5s5", 0}};

START_TEST(delays_are_read_in_every_form)
{
    hg_ns delay = 0;
    bool ok = delay_parse(text_of(delays[_i].text), INT64_C(1700000000000), &delay);

    ck_assert_int_eq(ok, delays[_i].ms != 0);
    if (ok)
        ck_assert_int_eq(delay / 1000000, delays[_i].ms);
}
END_TEST

START_TEST(delays_are_found_in_sentences)
{
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("Please try again in 6ms. Visit"), 0), 6000000);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("Retry after 20 seconds."), 0),
                     INT64_C(20000000000));
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in 1m2s"), 0), INT64_C(62000000000));
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in a moment"), 0), 0);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S("try again in "), 0), 0);
    ck_assert_int_eq(delay_asked(NULL, NULL, HG_S(""), 0), 0);
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
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
    SUITE_LOOP(tcase, delays_are_read_in_every_form, delays);
}

RUN_SUITE_OF("provider/openai", setup, teardown, add_loops, a_chat_goes_to_openai,
             the_model_of_the_attempt_replaces_the_clients,
             a_query_that_breaks_the_request_line_is_refused, an_upload_passes_as_it_is,
             only_listed_headers_of_the_client_are_passed_on, too_many_headers_are_refused,
             errors_are_mapped_as_the_pairs_say, no_error_becomes_a_success,
             a_huge_message_is_cut_between_characters, no_answer_at_all_is_left_to_the_host,
             delays_are_found_in_sentences, models_are_asked_for,
             a_configured_list_of_models_needs_no_request,
             a_cancelled_list_of_models_is_never_answered, without_http_only_the_list_is_lost,
             prepare_is_quick)
