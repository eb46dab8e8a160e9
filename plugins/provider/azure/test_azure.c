#include "support/provider_stand.h"

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
    attempt_begin(&attempt,
                  &(struct fake_request){CHAT, .model = "gpt",
                                         .body = "{\"model\":\"gpt\", \"messages\":[]}"},
                  HG_OK);
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

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, the_form_says_where_a_deployment_is, urls);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
    SUITE_LOOP(tcase, errors_mean_what_azure_means, errors);
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
}

RUN_SUITE_OF("provider/azure", setup, teardown, add_loops, a_deployment_is_the_model_of_the_body,
             responses_go_to_where_they_live, an_old_version_is_not_told_of_stream_options,
             a_deployment_needs_a_name, models_are_those_of_the_settings)
