#include <dirent.h>

#include "support/provider_stand.h"

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

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
}

RUN_SUITE_OF("provider/openai/errors", setup, teardown, add_loops,
             errors_are_mapped_as_the_pairs_say, no_error_becomes_a_success,
             a_huge_message_is_cut_between_characters, no_answer_at_all_is_left_to_the_host)
