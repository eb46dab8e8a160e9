#include "test_key.h"

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
    SUITE_LOOP(tcase, models_are_asked_where_they_are, urls);
    SUITE_LOOP(tcase, what_is_no_model_or_no_inference_is_not_asked_for, nowhere);
    SUITE_LOOP(tcase, beta_flags_pass_if_vertex_knows_them, betas);
    SUITE_LOOP(tcase, errors_of_google_and_of_publishers_are_understood, errors);
}

RUN_SUITE_OF("provider/vertex", setup, teardown, add_loops, claude_gets_a_version_and_no_model)
