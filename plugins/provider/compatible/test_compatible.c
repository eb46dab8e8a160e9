#include "support/provider_stand.h"

/* ---- keys, headers, URLs ------------------------------------------------------------------- */

static const struct {
    const char *settings, *name, *value;
} headers[] = {
    {"{\"vendor\":\"groq\",\"api_key\":\"k\"}", "authorization", "Bearer k"},
    {"{\"vendor\":\"groq\",\"api_key\":\"k\",\"auth\":\"x-api-key\"}", "x-api-key", "k"},
    {"{\"vendor\":\"groq\",\"api_key\":\"k\",\"auth\":\"x-api-key\"}", "authorization", ""},
    {"{\"vendor\":\"groq\",\"api_key\":\"k\",\"auth\":\"none\"}", "authorization", ""},
    {"{\"vendor\":\"groq\"}", "authorization", ""},
    {"{\"vendor\":\"groq\"}", "user-agent", "headgate"},
    {"{\"vendor\":\"groq\"}", "x-title", ""},
    {"{\"vendor\":\"groq\"}", "openai-organization", ""},
    {"{\"vendor\":\"groq\"}", "x-client-request-id", "r1"},
    {"{\"vendor\":\"baseten\",\"api_key\":\"k\"}", "authorization", "Api-Key k"},
    {"{\"vendor\":\"sarvam\",\"api_key\":\"k\"}", "api-subscription-key", "k"},
    {"{\"vendor\":\"openrouter\"}", "x-title", "theirs"},
    {"{\"vendor\":\"openrouter\",\"headers\":{\"X-Title\":\"ours\"}}", "x-title", "ours"},
    {"{\"vendor\":\"cerebras\",\"headers\":{\"user-agent\":\"mine/1\"}}", "user-agent", "mine/1"},
};

START_TEST(headers_are_the_vendors_and_the_operators)
{
    static const char *const client[] = {
        "x-title", "theirs", "openai-organization", "o", "x-client-request-id", "r1", NULL};
    hg_http_req out;

    create(headers[_i].settings);
    hg_op op = prepared(&(struct fake_request){CHAT, .headers = client, .body = "{}"}, &out, HG_OK);

    assert_text(fake_header(&out, headers[_i].name), headers[_i].value);
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *settings, *says;
} bad_settings[] = {
    {"{}", "vendor = \"groq\", or a base_url"},
    {"{\"vendor\":\"grok\"}", "no \"grok\" is known"},
    {"{\"vendor\":\"cloudflare\"}", "vars.account: needed for https://api.cloudflare.com/"},
    {"{\"vendor\":\"cloudflare\",\"vars\":{\"account\":\"a/../b\"}}", "vars.account"},
    {"{\"vendor\":\"cloudflare\",\"vars\":{\"account\":\"..\"}}", "vars.account"},
    {"{\"vendor\":\"databricks\",\"vars\":{\"workspace\":\"evil@h\"}}", "vars.workspace"},
    {"{\"base_url\":\"h\"}", "base_url"},
    {"{\"base_url\":\"http://{a}/v1\",\"vars\":{\"b\":\"x\"}}", "vars.a"},
    {"{\"base_url\":\"http://{a/v1\"}", "base_url"},
    {"{\"vendor\":\"groq\",\"auth\":\"a b: c\",\"api_key\":\"k\"}", "auth"},
    {"{\"vendor\":\"groq\",\"auth\":\"host\",\"api_key\":\"k\"}", "host carries no key"},
    {"{\"vendor\":\"groq\",\"api_key\":\"a\\nb\"}", "api_key"},
    {"{\"vendor\":\"groq\",\"headers\":{\"authorization\":\"a\"}}", "not yours to set"},
    {"{\"vendor\":\"sarvam\",\"api_key\":\"k\",\"headers\":{\"Api-Subscription-Key\":\"a\"}}",
     "not yours to set"},
};

START_TEST(wrong_settings_are_refused_with_a_reason)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i].settings), HG_E_CONFIG);
    ck_assert_msg(strstr(fake_failure(fake), bad_settings[_i].says) != NULL, "%s",
                  fake_failure(fake));
}
END_TEST

static const struct {
    const char *settings, *url;
} urls[] = {
    {"{\"vendor\":\"groq\"}", "https://api.groq.com/openai/v1/chat/completions"},
    {"{\"vendor\":\"groq\",\"base_url\":\"http://127.0.0.1:9/v1/\"}",
     "http://127.0.0.1:9/v1/chat/completions"},
    {"{\"vendor\":\"deepseek\"}", "https://api.deepseek.com/chat/completions"},
    {"{\"vendor\":\"perplexity\"}", "https://api.perplexity.ai/chat/completions"},
    {"{\"vendor\":\"zai\"}", "https://api.z.ai/api/paas/v4/chat/completions"},
    {"{\"base_url\":\"http://{a}.h:8080/{b}?x=1\",\"vars\":{\"a\":\"w-1\",\"b\":\"c_2\"}}",
     "http://w-1.h:8080/c_2/chat/completions?x=1"},
};

START_TEST(urls_are_the_vendors_or_the_operators)
{
    hg_http_req out;

    create(urls[_i].settings);
    hg_op op = prepared(&(struct fake_request){CHAT, .body = "{}"}, &out, HG_OK);

    assert_text(out.url, urls[_i].url);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(what_a_vendor_does_not_have_is_not_asked_for)
{
    hg_http_req out;

    create("{\"vendor\":\"cerebras\"}");
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_EMBED, .path = "/v1/embeddings"}, &out,
                        HG_E_INPUT);

    ck_assert_str_eq(fake_failure(fake), "cerebras has no embeddings");
    fake_end(fake, op, HG_OK);
    fake_destroy(fake);
    create("{\"vendor\":\"cerebras\",\"endpoints\":[\"embeddings\"]}");
    op =
        prepared(&(struct fake_request){.kind = HG_R_EMBED, .path = "/v1/embeddings"}, &out, HG_OK);
    assert_text(out.url, "https://api.cerebras.ai/v1/embeddings");
    fake_end(fake, op, HG_OK);
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------- */

static const struct {
    const char *vendor;
    int32_t status;
    const char *body;
    hg_rc code;
    uint32_t shown, flags;
} errors[] = {
    {"siliconflow", 403, "{\"code\":30001,\"message\":\"no balance\",\"data\":null}", HG_E_RATE,
     429, HG_ERR_OTHER_TARGET},
    {"siliconflow", 400, "{\"code\":20015,\"message\":\"too long\",\"data\":null}", HG_E_INPUT, 400,
     HG_ERR_OTHER_TARGET},
    {"together", 403, "{\"code\":30001,\"message\":\"no\"}", HG_E_DENIED, 403, HG_ERR_OTHER_TARGET},
    {"novita", 403, "{\"code\":403,\"reason\":\"NOT_ENOUGH_BALANCE\",\"message\":\"x\"}", HG_E_RATE,
     429, HG_ERR_OTHER_TARGET},
    {"novita", 404, "{\"code\":404,\"reason\":\"MODEL_NOT_FOUND\",\"message\":\"x\"}", HG_E_INPUT,
     404, HG_ERR_OTHER_TARGET},
    {"cerebras", 429,
     "{\"message\":\"m\",\"type\":\"too_many_requests_error\",\"param\":\"quota\",\"code\":"
     "\"request_quota_exceeded\"}",
     HG_E_RATE, 429, HG_ERR_OTHER_TARGET},
    {"cerebras", 429,
     "{\"message\":\"m\",\"type\":\"too_many_requests_error\",\"code\":\"queue_exceeded\"}",
     HG_E_RATE, 429, HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"stepfun", 451, "{\"error\":{\"message\":\"no\",\"type\":\"censorship_blocked\"}}", HG_E_INPUT,
     400, 0},
    {"cloudflare", 429, "{\"success\":false,\"errors\":[{\"code\":3036,\"message\":\"x\"}]}",
     HG_E_RATE, 429, HG_ERR_OTHER_TARGET},
    {"cloudflare", 200, "{\"success\":false,\"errors\":[{\"code\":5007,\"message\":\"x\"}]}",
     HG_E_INPUT, 502, HG_ERR_OTHER_TARGET},
    {"spark", 200, "{\"code\":11202,\"message\":\"too fast\",\"sid\":\"s\"}", HG_E_RATE, 429,
     HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"zai", 429, "{\"error\":{\"code\":\"1113\",\"message\":\"x\"}}", HG_E_RATE, 429,
     HG_ERR_OTHER_TARGET},
    {"zai", 429, "{\"error\":{\"code\":\"1302\",\"message\":\"x\"}}", HG_E_RATE, 429,
     HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"dashscope", 429,
     "{\"code\":\"Throttling.AllocationQuota\",\"message\":\"x\",\"request_id\":\"r\"}", HG_E_RATE,
     429, HG_ERR_OTHER_TARGET},
    {"databricks", 429, "{\"error_code\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"x\"}", HG_E_RATE,
     429, HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"minimax", 200, "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"x\"}}", HG_E_RATE, 402,
     HG_ERR_OTHER_TARGET},
    {"hunyuan", 200, "{\"Response\":{\"Error\":{\"Code\":\"AuthFailure\",\"Message\":\"x\"}}}",
     HG_E_UPSTREAM, 502, HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"tgi", 429, "{\"error\":\"Model is overloaded\",\"error_type\":\"overloaded\"}", HG_E_RATE,
     429, HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
    {"tgi", 422, "{\"error\":\"bad\",\"error_type\":\"validation\"}", HG_E_INPUT, 422, 0},
    {"featherless", 503, "{\"error\":{\"message\":\"loading\"}}", HG_E_UPSTREAM, 503,
     HG_ERR_RETRY | HG_ERR_OTHER_TARGET},
};

START_TEST(errors_mean_what_the_vendor_means)
{
    char settings[256];
    hg_error error = {.size = sizeof error};

    snprintf(settings, sizeof settings,
             "{\"vendor\":\"%s\",\"vars\":{\"account\":\"a\",\"workspace\":\"w\"}}",
             errors[_i].vendor);
    create(settings);
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->map_error(fake_state(fake), NULL, op,
                                         fake_response(fake, errors[_i].status, HG_OK, NULL,
                                                       text_of(errors[_i].body)),
                                         &error),
                     HG_OK);
    ck_assert_int_eq(error.code, errors[_i].code);
    ck_assert_uint_eq(error.http_status, errors[_i].shown);
    ck_assert_uint_eq(error.flags, errors[_i].flags);
    ck_assert_uint_gt(error.message.n, 0);
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(good_answers_are_no_errors)
{
    static const char *const bodies[] = {
        "{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"code\":0,\"message\":\"Success\"}",
        "{\"code\":10,\"choices\":[],\"message\":\"x\"}", "{\"data\":[],\"code\":200}",
        "{\"success\":true,\"errors\":[],\"result\":{}}",
        "{\"base_resp\":{\"status_code\":0,\"status_msg\":\"\"},\"choices\":[]}"};

    create("{\"vendor\":\"spark\"}");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        hg_error error = {.size = sizeof error};
        hg_op op = fake_op(fake, NULL);

        ck_assert_int_eq(
            provider->map_error(fake_state(fake), NULL, op,
                                fake_response(fake, 200, HG_OK, NULL, text_of(bodies[i])), &error),
            HG_SKIP);
        fake_end(fake, op, HG_OK);
    }
}
END_TEST

START_TEST(a_model_that_loads_says_for_how_long)
{
    hg_error error = {.size = sizeof error};

    create("{\"vendor\":\"huggingface\"}");
    hg_op op = fake_op(fake, NULL);

    provider->map_error(fake_state(fake), NULL, op,
                        fake_response(fake, 503, HG_OK, NULL,
                                      HG_S("{\"error\":\"loading\",\"estimated_time\":20.5}")),
                        &error);
    ck_assert_int_eq(error.retry_after, INT64_C(20500000000));
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *vendor, *file;
    hg_rc code;
    uint32_t status, flags;
    const char *type;
} cassettes[] = {
    {"groq", "groq/016-chat-completions-tool-regular-error-err404.json", HG_E_INPUT, 404, 2,
     "model_not_found"},
    {"groq", "groq/017-chat-completions-tool-use-failed-error-with-text-err400.json", HG_E_INPUT,
     400, 0, "tool_use_failed"},
    {"deepseek",
     "deepseek/009-chat-completions-chat-error-handling-with-deepseek-deepseek-chat-err401.json",
     HG_E_AUTH, 401, 2, "invalid_request_error"},
    {"deepseek",
     "deepseek/010-chat-completions-chat-real-error-scenarios-deepseek-deepseek-cha-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"mistral",
     "mistral/017-chat-completions-chat-error-handling-with-mistral-mistral-small-err401.json",
     HG_E_AUTH, 401, 2, "authentication_error"},
    {"ollama-cloud",
     "ollama/008-chat-completions-chat-real-error-scenarios-ollama-cloud-gpt-oss-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"openrouter",
     "openrouter/015-chat-completions-chat-real-error-scenarios-openrouter-claude-hai-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"openrouter", "openrouter/016-chat-completions-openrouter-errors-raised-err429.json",
     HG_E_RATE, 429, 3, "rate_limit_error"},
    {"perplexity",
     "perplexity/007-chat-completions-chat-error-handling-with-perplexity-sonar-raise-err401.json",
     HG_E_AUTH, 401, 2, "invalid_api_key"},
    {"perplexity",
     "perplexity/008-chat-completions-chat-real-error-scenarios-perplexity-sonar-hand-err400.json",
     HG_E_INPUT, 400, 2, "context_length_exceeded"},
    {"xai", "xai/017-responses-chat-error-handling-with-xai-grok-4-1-fast-non-reasoni-err400.json",
     HG_E_AUTH, 401, 2, "invalid-argument"},
};

START_TEST(recorded_errors_are_mapped)
{
    char settings[64];
    hg_json root = cassette_of(cassettes[_i].file);

    if (root.kind == HG_J_NONE) {
        if (_i == 0)
            printf("skipped: no cassettes\n");
        return;
    }
    snprintf(settings, sizeof settings, "{\"vendor\":\"%s\"}", cassettes[_i].vendor);
    create(settings);
    hg_op op = fake_op(fake, NULL);
    hg_error error = {.size = sizeof error};
    hg_str body = fake_host(fake)->json->str(op, json_get(root, "/response/body"));

    ck_assert_int_eq(
        provider->map_error(fake_state(fake), NULL, op,
                            fake_response(fake,
                                          (int32_t)json_i64(json_get(root, "/response/status"), 0),
                                          HG_OK, NULL, body),
                            &error),
        HG_OK);
    ck_assert_int_eq(error.code, cassettes[_i].code);
    ck_assert_uint_eq(error.http_status, cassettes[_i].status);
    ck_assert_uint_eq(error.flags, cassettes[_i].flags);
    assert_text(error.type, cassettes[_i].type);
    fake_end(fake, op, HG_OK);
}
END_TEST

/* ---- models -------------------------------------------------------------------------------- */

START_TEST(models_are_asked_for_where_there_is_a_list)
{
    hg_rc rc;

    create("{\"vendor\":\"groq\",\"api_key\":\"k\"}");
    hg_op op = fake_op(fake, NULL);
    hg_out *out = fake_host(fake)->out(op);

    fake_reply(fake, "GET https://api.groq.com/openai/v1/models",
               fake_response(fake, 200, HG_OK, NULL, HG_S("{\"data\":[{\"id\":\"a\"}]}")));
    ck_assert_int_eq(provider->models(fake_state(fake), op, out), HG_PENDING);
    ck_assert_str_eq(fake_sent_header(fake, "authorization"), "Bearer k");
    ck_assert_uint_eq(fake_run(fake), 1);
    ck_assert(fake_is_done(fake, op, &rc));
    ck_assert_int_eq(rc, HG_OK);
    assert_text(fake_text(fake, out), "{\"object\":\"list\",\"data\":[{\"id\":\"a\"}]}");
    fake_end(fake, op, rc);
    fake_destroy(fake);

    create("{\"vendor\":\"perplexity\"}");
    op = fake_op(fake, NULL);
    ck_assert_int_eq(provider->models(fake_state(fake), op, fake_host(fake)->out(op)),
                     HG_E_UNSUPPORTED);
    fake_end(fake, op, HG_OK);
    fake_destroy(fake);

    create("{\"vendor\":\"perplexity\",\"models\":[\"sonar\"]}");
    op = fake_op(fake, NULL);
    out = fake_host(fake)->out(op);
    ck_assert_int_eq(provider->models(fake_state(fake), op, out), HG_OK);
    assert_text(fake_text(fake, out),
                "{\"object\":\"list\",\"data\":[{\"id\":\"sonar\",\"object\":\"model\"}]}");
    fake_end(fake, op, HG_OK);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, headers_are_the_vendors_and_the_operators, headers);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
    SUITE_LOOP(tcase, urls_are_the_vendors_or_the_operators, urls);
    SUITE_LOOP(tcase, errors_mean_what_the_vendor_means, errors);
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
}

RUN_SUITE_OF("provider/compatible", setup, teardown, add_loops,
             what_a_vendor_does_not_have_is_not_asked_for, good_answers_are_no_errors,
             a_model_that_loads_says_for_how_long, models_are_asked_for_where_there_is_a_list)
