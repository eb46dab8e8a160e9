#include "support/provider_stand.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

/* What a body becomes at a provider with these settings. */
static void assert_becomes(const char *settings, const char *body, const char *want)
{
    hg_http_req out;

    create(settings);
    hg_op op = prepared(&(struct fake_request){CHAT, .body = body}, &out, HG_OK);

    assert_text(fake_text(fake, out.body), want);
    fake_end(fake, op, HG_OK);
    fake_destroy(fake);
}

static const struct {
    const char *settings, *body, *want;
} changes[] = {
    /* nothing to change: white space and all */
    {"{\"vendor\":\"groq\"}", "{ \"model\" : \"m\",  " HI ", \"temperature\":1e-8 }",
     "{ \"model\" : \"m\",  " HI ", \"temperature\":1e-8 }"},
    {"{\"vendor\":\"groq\"}", "{\"model\":\"m\",\"logit_bias\":{\"5\":1}," HI "}",
     "{\"model\":\"m\"," HI "}"},
    {"{\"vendor\":\"openrouter\"}", "{\"model\":\"m\",\"store\":true," HI "}",
     "{\"model\":\"m\",\"store\":true," HI "}"},
    /* limits */
    {"{\"vendor\":\"together\"}", "{\"max_completion_tokens\":7," HI "}",
     "{" HI ",\"max_tokens\":7}"},
    {"{\"vendor\":\"together\"}", "{\"max_tokens\":5,\"max_completion_tokens\":7," HI "}",
     "{\"max_tokens\":7," HI "}"},
    {"{\"vendor\":\"together\"}", "{\"max_tokens\":null,\"max_completion_tokens\":7," HI "}",
     "{\"max_tokens\":7," HI "}"},
    {"{\"vendor\":\"together\"}", "{\"max_completion_tokens\":null,\"max_tokens\":5," HI "}",
     "{\"max_tokens\":5," HI "}"},
    {"{\"vendor\":\"snowflake\",\"vars\":{\"account\":\"a\"}}", "{\"max_tokens\":5," HI "}",
     "{" HI ",\"max_completion_tokens\":5}"},
    {"{\"vendor\":\"snowflake\",\"vars\":{\"account\":\"a\"}}",
     "{\"max_tokens\":5,\"max_completion_tokens\":7," HI "}",
     "{\"max_completion_tokens\":7," HI "}"},
    {"{\"vendor\":\"mistral\"}", "{\"seed\":0," HI "}", "{" HI ",\"random_seed\":0}"},
    {"{\"vendor\":\"zai\"}", "{\"temperature\":1.3,\"stop\":[ \"a\" , \"b\"]," HI "}",
     "{\"temperature\":1,\"stop\":[ \"a\"]," HI "}"},
    {"{\"vendor\":\"zai\"}", "{\"temperature\":0,\"stop\":\"a\"," HI "}",
     "{\"temperature\":0,\"stop\":\"a\"," HI "}"},
    /* null says nothing, but 0, false and empty things do */
    {"{\"vendor\":\"together\"}", "{\"seed\":null,\"top_p\":0,\"stop\":[],\"user\":\"\"," HI "}",
     "{\"top_p\":0,\"stop\":[],\"user\":\"\"," HI "}"},
    {"{\"vendor\":\"groq\"}", "{\"n\":1," HI "}", "{" HI "}"},
    {"{\"vendor\":\"fireworks\"}", "{\"reasoning_effort\":\"xhigh\"," HI "}",
     "{\"reasoning_effort\":\"high\"," HI "}"},
    {"{\"vendor\":\"fireworks\"}", "{\"reasoning_effort\":\"low\"," HI "}",
     "{\"reasoning_effort\":\"low\"," HI "}"},
    /* tools */
    {"{\"vendor\":\"deepseek\"}",
     "{\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}," HI "}",
     "{\"tool_choice\":\"auto\"," HI "}"},
    {"{\"vendor\":\"deepseek\"}", "{\"tool_choice\":\"none\"," HI "}",
     "{\"tool_choice\":\"none\"," HI "}"},
    {"{\"vendor\":\"moonshot\"}",
     "{\"tools\":[{\"function\":{\"strict\":true,\"name\":\"f\"}},{\"function\":{\"name\":"
     "\"strict\", \"strict\" : false }},{\"type\":\"builtin_function\"},{\"function\":"
     "{\"strict\":true}}]," HI "}",
     "{\"tools\":[{\"function\":{\"name\":\"f\"}},{\"function\":{\"name\":\"strict\" }},"
     "{\"type\":\"builtin_function\"},{\"function\":{}}]," HI "}"},
    /* a schema that cannot be enforced */
    {"{\"vendor\":\"deepseek\"}",
     "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"a\":\"\\n\","
     "\n\"b\":1}}}," HI "}",
     "{\"response_format\":{\"type\":\"json_object\"},\"messages\":[{\"role\":\"system\","
     "\"content\":\"Answer with one JSON value and nothing else. It follows this JSON Schema: "
     "{\\\"a\\\":\\\"\\\\n\\\", \\\"b\\\":1}\"},{\"role\":\"user\",\"content\":\"hi\"}]}"},
    {"{\"vendor\":\"deepseek\"}", "{\"response_format\":{\"type\":\"json_object\"}," HI "}",
     "{\"response_format\":{\"type\":\"json_object\"}," HI "}"},
    /* messages */
    {"{\"vendor\":\"together\"}",
     "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"},{\"content\":\"developer\","
     "\"role\" : \"user\"}]}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"content\":\"developer\","
     "\"role\" : \"user\"}]}"},
    {"{\"vendor\":\"groq\"}",
     "{\"messages\":[{\"role\":\"user\",\"name\":\"x\",\"content\":\"a\"},{\"name\":\"y\", "
     "\"role\":\"user\"},{\"role\":\"user\" , \"name\":\"z\" "
     "},{\"role\":\"tool\",\"name\":\"t\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{ \"role\":\"user\"},"
     "{\"role\":\"user\"  },{\"role\":\"tool\",\"name\":\"t\"}]}"},
    {"{\"vendor\":\"baichuan\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\\"\"},"
     "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
     "\"text\":\"c\"},{\"type\":\"image_url\"}]}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\\\"\\nb\"},{\"role\":\"user\","
     "\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"image_url\"}]}]}"},
    {"{\"vendor\":\"mistral\"}",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}]}",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[]}]}"},
    {"{\"vendor\":\"perplexity\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"1\"},{\"role\":\"system\",\"content\":"
     "\"s\"},{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]},{\"role\":\"assistant\","
     "\"content\":\"2\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
     "\"3\"}]},{\"role\":\"developer\",\"content\":\"t\"}]}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"s\\n\\nt\"},{\"role\":\"user\","
     "\"content\":[{\"type\":\"text\",\"text\":\"1\"},{\"type\":\"image_url\"}]},"
     "{\"role\":\"assistant\",\"content\":\"2\\n\\n3\"}]}"},
    {"{\"vendor\":\"perplexity\"}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
     "\"1\"},{\"role\":\"assistant\",\"content\":\"2\"}]}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
     "\"1\"},{\"role\":\"assistant\",\"content\":\"2\"}]}"},
    /* what is no message stays what it is */
    {"{\"vendor\":\"perplexity\"}", "{\"messages\":[1,{\"role\":\"developer\"}]}",
     "{\"messages\":[1,{\"role\":\"developer\"}]}"},
    {"{\"vendor\":\"perplexity\"}", "{\"messages\":\"x\"}", "{\"messages\":\"x\"}"},
    {"{\"vendor\":\"perplexity\"}", "{\"messages\":[]}", "{\"messages\":[]}"},
    /* a provider without a row */
    {"{\"base_url\":\"http://h/v1\",\"refuses\":[\"a\"],\"renames\":{\"b\":\"c\"},"
     "\"flags\":[\"no_stream_options\",\"max_completion_tokens\",\"developer\"]}",
     "{\"a\":1,\"b\":2,\"stream_options\":{},\"max_completion_tokens\":3,\"messages\":"
     "[{\"role\":\"developer\"}]}",
     "{\"max_completion_tokens\":3,\"messages\":[{\"role\":\"developer\"}],\"c\":2}"},
};

START_TEST(requests_are_changed_as_vendors_want_it)
{
    assert_becomes(changes[_i].settings, changes[_i].body, changes[_i].want);
}
END_TEST

START_TEST(only_texts_of_models_are_changed)
{
    hg_http_req out;

    create("{\"vendor\":\"together\"}");
    hg_op op = prepared(&(struct fake_request){.kind = HG_R_IMAGE,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .path = "/v1/images/generations",
                                               .body = "{\"n\":2,\"seed\":null,\"store\":1}"},
                        &out, HG_OK);

    assert_text(out.url, "https://api.together.xyz/v1/images/generations");
    assert_text(fake_text(fake, out.body), "{\"n\":2,\"seed\":null,\"store\":1}");
    fake_end(fake, op, HG_OK);
}
END_TEST

/* The core writes such a request later: what it may not have is taken off whether it is there or
 * not. */
START_TEST(a_request_of_another_dialect_is_changed_unseen)
{
    hg_http_req out;

    create("{\"vendor\":\"mistral\",\"flags\":[\"auto_tools\"]}");
    hg_op op = prepared(
        &(struct fake_request){.kind = HG_R_CHAT,
                               .wire = HG_WIRE_ANTHROPIC,
                               .path = "/v1/messages",
                               .body = "{\"max_tokens\":5,\"seed\":7,\"tools\":[],\"tool_choice\":"
                                       "{\"type\":\"any\"},\"logprobs\":true}"},
        &out, HG_OK);

    assert_text(out.url, "https://api.mistral.ai/v1/chat/completions");
    assert_text(fake_text(fake, out.body),
                "{\"max_tokens\":5,\"tools\":[],\"tool_choice\":\"auto\",\"random_seed\":7}");
    fake_end(fake, op, HG_OK);
}
END_TEST

static const struct {
    const char *vendor, *body, *says;
    bool strict;
} refused[] = {
    {"groq", "{\"n\":2," HI "}", "n must be 1", false},
    {"groq", "{\"logit_bias\":{}," HI "}", "groq does not take logit_bias", true},
    {"deepseek", "{\"tool_choice\":\"required\"," HI "}", "tool_choice must be auto", true},
    {"deepseek", "{\"response_format\":{\"type\":\"json_schema\"}," HI "}", "JSON Schema", true},
    {"zai", "{\"stop\":[\"a\",\"b\"]," HI "}", "1 stop sequences at most", true},
    {"zai", "{\"temperature\":1.5," HI "}", "a temperature of 1 at most", true},
};

START_TEST(what_cannot_be_said_is_refused)
{
    static const char *const strict[] = {"x-headgate-strict", "true", NULL};
    char settings[64];
    hg_http_req out;

    snprintf(settings, sizeof settings, "{\"vendor\":\"%s\"}", refused[_i].vendor);
    create(settings);
    hg_op op = prepared(&(struct fake_request){CHAT, .body = refused[_i].body,
                                               .headers = refused[_i].strict ? strict : NULL},
                        &out, HG_E_INPUT);

    ck_assert_ptr_nonnull(strstr(fake_failure(fake), refused[_i].says));
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(a_very_long_conversation_is_changed_in_time)
{
    enum {
        MESSAGES = 40000
    };
    static char body[MESSAGES * 80];
    size_t n = (size_t)sprintf(body, "{\"messages\":[");
    hg_http_req out;

    for (int i = 0; i < MESSAGES; i++)
        n += (size_t)sprintf(body + n, "%s{\"role\":\"%s\",\"content\":\"%d\"}", i ? "," : "",
                             i % 2 ? "system" : "user", i);
    sprintf(body + n, "]}");
    create("{\"vendor\":\"perplexity\"}");
    hg_op op = prepared(&(struct fake_request){CHAT, .body = body}, &out, HG_OK);
    hg_str text = fake_text(fake, out.body);

    ck_assert(
        text_starts(text, HG_S("{\"messages\":[{\"role\":\"system\",\"content\":\"1\\n\\n3")));
    fake_end(fake, op, HG_OK);
}
END_TEST

static void add_loops(TCase *tcase)
{
    SUITE_LOOP(tcase, requests_are_changed_as_vendors_want_it, changes);
    SUITE_LOOP(tcase, what_cannot_be_said_is_refused, refused);
}

RUN_SUITE_OF("provider/compatible/changes", setup, teardown, add_loops,
             only_texts_of_models_are_changed, a_request_of_another_dialect_is_changed_unseen,
             a_very_long_conversation_is_changed_in_time)
