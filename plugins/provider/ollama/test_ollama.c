#include "support/provider_stand.h"

static void setup_at_host(void)
{
    setup();
    create("{\"base_url\":\"http://h:1/v1/\",\"num_ctx\":99}");
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

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, requests_are_written_in_ollamas_form, bodies);
    SUITE_LOOP(tcase, what_it_cannot_do_is_refused, refused);
}

RUN_SUITE_OF("provider/ollama", setup_at_host, teardown, add_loops,
             models_cannot_be_changed_from_outside)
