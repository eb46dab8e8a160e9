#include "support/provider_stand.h"

static void setup_with_key(void)
{
    setup();
    create("{\"api_key\":\"k\"}");
}

static const struct {
    uint32_t kind, wire;
    const char *path, *body, *url, *want;
} requests[] = {
    {HG_R_CHAT, HG_WIRE_OPENAI_CHAT, "/v1/chat/completions",
     "{\"seed\":0,\"user\":\"u\",\"store\":true,\"temperature\":2,\"safe_prompt\":true}",
     "https://api.mistral.ai/v1/chat/completions",
     "{\"temperature\":1.5,\"safe_prompt\":true,\"random_seed\":0}"},
    {HG_R_CHAT, HG_WIRE_GEMINI, "/v1beta/models/m:generateContent",
     "{\"generationConfig\":{\"seed\":4}}", "https://api.mistral.ai/v1/chat/completions",
     "{\"generationConfig\":{\"seed\":4},\"random_seed\":4}"},
    {HG_R_EMBED, HG_WIRE_OPENAI_CHAT, "/v1/embeddings", "{\"input\":\"a\",\"dimensions\":8}",
     "https://api.mistral.ai/v1/embeddings", "{\"input\":\"a\",\"output_dimension\":8}"},
    {HG_R_RAW, HG_WIRE_OPENAI_CHAT, "/v1/ocr", "{\"user\": 1}", "https://api.mistral.ai/v1/ocr",
     "{\"user\": 1}"},
};

START_TEST(requests_are_patched_as_mistral_wants_them)
{
    hg_http_req out;
    hg_op op = prepared(&(struct fake_request){.kind = requests[_i].kind,
                                               .wire = requests[_i].wire,
                                               .path = requests[_i].path,
                                               .body = requests[_i].body},
                        &out, HG_OK);

    assert_text(out.url, requests[_i].url);
    assert_text(fake_text(fake, out.body), requests[_i].want);
    assert_text(fake_header(&out, "authorization"), "Bearer k");
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(what_is_refused_is_told_to_those_who_insist)
{
    static const char *const strict[] = {"x-headgate-strict", "true", NULL};
    hg_http_req out;
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_CHAT,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .path = "/v1/chat/completions",
                                               .headers = strict,
                                               .body = "{\"logprobs\":true}"},
                        &out, HG_E_INPUT);

    ck_assert_str_eq(fake_failure(fake), "Mistral does not take logprobs");
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(there_are_no_completions)
{
    hg_http_req out;
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_COMPLETE,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .path = "/v1/completions",
                                               .body = "{}"},
                        &out, HG_E_UNSUPPORTED);

    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    int32_t status;
    const char *body;
    hg_rc code;
    uint32_t shown;
    const char *message;
} errors[] = {
    {422, "{\"detail\":[{\"loc\":[\"body\",\"x\"],\"msg\":\"no\"}]}", HG_E_INPUT, 422,
     "body.x: no"},
    {422, "{\"object\":\"error\",\"message\":{\"detail\":[{\"loc\":[\"a\"],\"msg\":\"no\"}]}}",
     HG_E_INPUT, 422, "a: no"},
    {429, "{\"message\":\"slow\",\"type\":\"rate_limited\",\"code\":\"1300\"}", HG_E_RATE, 429,
     "slow"},
    {400, "{\"object\":\"error\",\"message\":\"tier\",\"code\":\"3505\"}", HG_E_RATE, 429, "tier"},
    {401, "{\"message\":\"Unauthorized\",\"request_id\":\"r\"}", HG_E_AUTH, 401, "Unauthorized"},
};

START_TEST(errors_mean_what_mistral_means)
{
    hg_error error = {.size = sizeof error};
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(provider->map_error(fake_state(fake), NULL, op,
                                         fake_response(fake, errors[_i].status, HG_OK, NULL,
                                                       text_of(errors[_i].body)),
                                         &error),
                     HG_OK);
    ck_assert_int_eq(error.code, errors[_i].code);
    ck_assert_uint_eq(error.http_status, errors[_i].shown);
    assert_text(error.message, errors[_i].message);
    fake_end(fake, op, HG_OK);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, requests_are_patched_as_mistral_wants_them, requests);
    SUITE_LOOP(tcase, errors_mean_what_mistral_means, errors);
}

RUN_SUITE_OF("provider/mistral", setup_with_key, teardown, add_loops,
             what_is_refused_is_told_to_those_who_insist, there_are_no_completions)
