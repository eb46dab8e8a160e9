#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/fake_host.h"

static struct fake *fake;
static const hg_provider *provider;
static uint64_t call[16];

static void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    provider = fake_iface(fake, HG_PROVIDER);
    ck_assert_int_eq(fake_create(fake, "{\"base_url\":\"http://h:1/v1/\",\"num_ctx\":99}"), HG_OK);
}

static void teardown(void)
{
    fake_free(&fake);
}

static void assert_text(hg_str text, const char *want)
{
    char copy[4096];

    snprintf(copy, sizeof copy, "%.*s", (int)text.n, text.n ? text.p : "");
    ck_assert_str_eq(copy, want);
}

static hg_op prepared(const struct fake_request *in, hg_http_req *out, hg_rc want)
{
    hg_req *req = fake_request(fake, in);
    hg_op op = fake_op(fake, req);
    hg_rc rc;

    *out = (hg_http_req){.size = sizeof *out};
    ck_assert_uint_le(provider->call_size, sizeof call);
    rc = provider->prepare(fake_state(fake), call, op, req, out);
    ck_assert_msg(rc == want, "prepare: %d, %s", rc, fake_failure(fake));
    return op;
}

static const struct {
    const char *body, *want;
} bodies[] = {
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":0,\"stop\":\"x\"}",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"options\":{"
     "\"num_predict\":0,\"stop\":[\"x\"],\"num_ctx\":99},\"stream\":false}"},
    {"{\"messages\":[],\"options\":{\"num_ctx\":5,\"temperature\":1},\"temperature\":0,"
     "\"think\":\"high\",\"keep_alive\":-1,\"format\":\"json\"}",
     "{\"model\":\"m\",\"messages\":[],\"format\":\"json\",\"think\":\"high\",\"keep_alive\":-1,"
     "\"options\":{\"num_ctx\":5,\"temperature\":1},\"stream\":false}"},
    {"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
     "\"arguments\":\"\"}},{\"function\":{\"name\":\"g\",\"arguments\":\"[1]\"}}]}]}",
     /* Pitfalls 89 and 90. */
     "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
     "{\"function\":{\"name\":\"f\",\"arguments\":{}}},{\"function\":{\"name\":\"g\","
     "\"arguments\":{\"input\":\"[1]\"}}}]}],\"options\":{\"num_ctx\":99},\"stream\":false}"},
    {"{\"messages\":[],\"tools\":[1],\"tool_choice\":\"none\",\"reasoning_effort\":\"none\"}",
     "{\"model\":\"m\",\"messages\":[],\"think\":false,\"options\":{\"num_ctx\":99},"
     "\"stream\":false}"},
};

START_TEST(requests_are_written_in_ollamas_form)
{
    hg_http_req out;
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_CHAT,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .model = "m",
                                               .path = "/v1/chat/completions",
                                               .body = bodies[_i].body},
                        &out, HG_OK);

    assert_text(out.url, "http://h:1/api/chat");
    assert_text(fake_text(fake, out.body), bodies[_i].want);
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *body;
    hg_rc rc;
} refused[] = {
    {"{\"messages\":[],\"n\":2}", HG_E_INPUT},
    {"{\"messages\":1}", HG_E_INPUT},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
     "\"url\":\"https://h/a.png\"}}]}]}",
     HG_E_INPUT},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}]}", HG_E_INPUT},
};

START_TEST(what_it_cannot_do_is_refused)
{
    hg_http_req out;
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_CHAT,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .model = "m",
                                               .path = "/v1/chat/completions",
                                               .body = refused[_i].body},
                        &out, refused[_i].rc);

    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(models_cannot_be_changed_from_outside)
{
    static const char *const paths[] = {"/api/pull",    "/api/delete", "/api/create",
                                        "/api/copy",    "/api/push",   "/v1/completions",
                                        "/api/blobs/x", "/api/tags"};
    hg_http_req out;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        hg_op op = prepared(&(struct fake_request){.kind = HG_R_RAW, .path = paths[i]}, &out,
                            HG_E_UNSUPPORTED);

        fake_end(fake, op, HG_OK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ollama");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, requests_are_written_in_ollamas_form, 0,
                        (int)(sizeof bodies / sizeof *bodies));
    tcase_add_loop_test(tc, what_it_cannot_do_is_refused, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tc, models_cannot_be_changed_from_outside);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
