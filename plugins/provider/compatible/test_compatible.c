#include "support/provider_stand.h"
#include "vendors.h"

#define FOLDER TEST_SOURCE_DIR "/plugins/provider/compatible"

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

/* ---- all vendors --------------------------------------------------------------------------- */

/* Everything that OpenAI's API knows, so that whatever a vendor refuses is there. */
static const char everything[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be brief\"},"
    "{\"role\":\"user\",\"name\":\"ann\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
    "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"user\",\"content\":\"c\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":"
    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
    "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"x\"},"
    "{\"role\":\"system\",\"content\":\"at last\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}],"
    "\"tool_choice\":\"required\",\"parallel_tool_calls\":false,\"temperature\":1.5,\"top_p\":0,"
    "\"n\":1,\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"],\"max_completion_tokens\":9,\"seed\":0,"
    "\"user\":\"u\",\"logit_bias\":{},\"logprobs\":false,\"top_logprobs\":2,"
    "\"frequency_penalty\":0,\"presence_penalty\":0,\"response_format\":{\"type\":"
    "\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"object\"}}},"
    "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
    "\"reasoning_effort\":\"minimal\",\"service_tier\":\"flex\",\"store\":false,"
    "\"metadata\":{},\"verbosity\":\"low\",\"prediction\":{},\"modalities\":[\"text\"],"
    "\"audio\":{},\"web_search_options\":{},\"safety_identifier\":\"s\","
    "\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\",\"top_k\":40,"
    "\"dimensions\":8,\"unknown\":[1, 2]}";

static const struct {
    uint32_t kind;
    const char *word, *path;
} kinds[] = {{HG_R_CHAT, "chat", "/v1/chat/completions"},
             {HG_R_COMPLETE, "completions", "/v1/completions"},
             {HG_R_EMBED, "embeddings", "/v1/embeddings"},
             {HG_R_IMAGE, "images", "/v1/images/generations"},
             {HG_R_AUDIO, "audio", "/v1/audio/speech"},
             {HG_R_RERANK, "rerank", "/v1/rerank"},
             {HG_R_MODERATE, "moderations", "/v1/moderations"},
             {HG_R_REALTIME, "realtime", "/v1/realtime"}};

#define KINDS (sizeof kinds / sizeof *kinds)

static const struct {
    uint32_t flag;
    const char *word;
} wire_flags[] = {{HG_WIRE_STRING_CONTENT, "string_content"},
                  {HG_WIRE_EMPTY_CONTENT, "empty_content"},
                  {HG_WIRE_REASONING, "reasoning_content"},
                  {HG_WIRE_NO_SCHEMA, "no_schema"},
                  {HG_WIRE_TOP_K, "top_k"},
                  {HG_WIRE_NO_STREAM_USAGE, "no_stream_options"},
                  {HG_WIRE_NO_URLS, "no_urls"}};

struct line {
    char text[4096];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void say(struct line *line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line->text + line->n, sizeof line->text - line->n, fmt, ap);
    va_end(ap);
    ck_assert_int_ge(n, 0);
    line->n += (size_t)n;
    ck_assert_uint_lt(line->n, sizeof line->text);
}

/* What has become of the members: "-a" is gone, "b=1" is new or another, "~c" is changed within. */
static void say_changes(struct line *line, hg_str text)
{
    hg_json before = fake_json(fake, everything), value;
    char copy[8192];
    hg_json_it it = {0};
    hg_str key;

    snprintf(copy, sizeof copy, "%.*s", TEXT_ARG(text));
    hg_json after = fake_json(fake, copy);

    while (json_next(before, &it, &key, &value)) {
        hg_json now = json_member(after, key);

        if (now.kind == HG_J_NONE)
            say(line, " -%.*s", TEXT_ARG(key));
        else if (text_is(json_raw(now), json_raw(value)))
            continue;
        else if (text_is(key, HG_S("messages")) || text_is(key, HG_S("tools")))
            say(line, " ~%.*s", TEXT_ARG(key));
        else
            say(line, " %.*s=%.*s", TEXT_ARG(key), TEXT_ARG(json_raw(now)));
    }
    it = (hg_json_it){0};
    while (json_next(after, &it, &key, &value)) {
        if (json_member(before, key).kind == HG_J_NONE)
            say(line, " %.*s=%.*s", TEXT_ARG(key), TEXT_ARG(json_raw(value)));
    }
}

static void say_row(struct line *line, const struct vendor *vendor)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (vendor->endpoints & 1u << kinds[i].kind)
            say(line, " %s", kinds[i].word);
    }
    if (vendor->models)
        say(line, *vendor->models ? " models=%s" : " no-models", vendor->models);
    for (size_t i = 0; i < sizeof wire_flags / sizeof *wire_flags; i++) {
        if (vendor->wire & wire_flags[i].flag)
            say(line, " %s", wire_flags[i].word);
    }
    if (vendor->passes)
        say(line, " passes: %s", vendor->passes);
    say(line, " |");
}

/* The vendor as a line of testdata/vendors.txt. */
static void say_vendor(struct line *line, const struct vendor *vendor)
{
    char settings[512];
    hg_http_req out;
    size_t k = 0;

    snprintf(settings, sizeof settings,
             "{\"vendor\":\"%s\",\"api_key\":\"KEY\",\"vars\":{\"account\":\"ACCOUNT\","
             "\"gateway\":\"GATEWAY\",\"host\":\"host.example\",\"model\":\"MODEL\","
             "\"workspace\":\"workspace.example\",\"tenant\":\"TENANT\",\"base\":\"BASE\","
             "\"project\":\"PROJECT\"}}",
             vendor->name);
    create(settings);
    while (k < KINDS && !(vendor->endpoints & 1u << kinds[k].kind))
        k++;
    ck_assert_msg(k < KINDS, "%s: no endpoints", vendor->name);
    hg_op op = prepared(&(struct fake_request){.kind = kinds[k].kind,
                                               .wire = HG_WIRE_OPENAI_CHAT,
                                               .path = kinds[k].path,
                                               .body = everything},
                        &out, HG_OK);

    say(line, "%s %.*s", vendor->name, TEXT_ARG(out.url));
    for (size_t i = 0; i < out.n_headers; i++) {
        if (!text_is(out.headers[i].name, HG_S("user-agent")))
            say(line, " %.*s: %.*s;", TEXT_ARG(out.headers[i].name),
                TEXT_ARG(out.headers[i].value));
    }
    say_row(line, vendor);
    say_changes(line, fake_text(fake, out.body));
    fake_end(fake, op, HG_OK);
    fake_destroy(fake);
}

/* One line of the file for each vendor, in their order. A line that is wrong is printed as it
 * would have to be: look at it before you take it over. */
START_TEST(every_vendor_is_as_its_line_says)
{
    char *text = content_of(FOLDER "/testdata/vendors.txt");
    hg_str rest = text_of(text ? text : "");
    const struct vendor *vendor;
    size_t wrong = 0, i;

    for (i = 0; (vendor = vendor_at(i)); i++) {
        hg_str want = text_cut(rest, '\n', &rest);
        struct line line = {.n = 0};

        say_vendor(&line, vendor);
        if (!text_is(want, text_of(line.text))) {
            printf("%s\n", line.text);
            fflush(stdout); /* a test that fails does not */
            wrong++;
        }
    }
    ck_assert_uint_ge(i, 100);
    ck_assert_msg(!wrong && !rest.n, "%zu lines of testdata/vendors.txt are wrong", wrong);
    free(text);
}
END_TEST

static bool words_are_pairs(const char *words)
{
    while (words && *words) {
        size_t n = strcspn(words, " ");
        const char *mark = memchr(words, '=', n);

        if (!mark || mark == words || mark == words + n - 1)
            return false;
        words += n + (words[n] == ' ');
    }
    return true;
}

START_TEST(rows_are_well_formed)
{
    const struct vendor *vendor, *other;

    for (size_t i = 0; (vendor = vendor_at(i)); i++) {
        ck_assert_msg(vendor_find(text_of(vendor->name)) == vendor, "%s twice", vendor->name);
        ck_assert_msg(strspn(vendor->name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
                          strlen(vendor->name),
                      "%s", vendor->name);
        ck_assert_msg(words_are_pairs(vendor->renames) && words_are_pairs(vendor->efforts) &&
                          words_are_pairs(vendor->errors),
                      "%s: pairs", vendor->name);
        ck_assert_msg(!vendor->header || strstr(vendor->header, ": "), "%s: header", vendor->name);
        ck_assert_msg(!strncmp(vendor->base_url, "https://", 8) ||
                          !strncmp(vendor->base_url, "http://localhost", 16),
                      "%s: keys go over TLS", vendor->name);
        ck_assert_msg(vendor->base_url[strlen(vendor->base_url) - 1] != '/', "%s", vendor->name);
        for (size_t k = 0; (other = vendor_at(k)) && k < i; k++)
            ck_assert_msg(strcmp(vendor->name, other->name) != 0, "%s twice", vendor->name);
    }
}
END_TEST

START_TEST(the_readme_lists_every_vendor)
{
    char *text = content_of(FOLDER "/README.md"), row[256];
    const struct vendor *vendor;
    size_t rows = 0, vendors = 0;

    ck_assert_ptr_nonnull(text);
    for (const char *at = text; (at = strstr(at, "\n| `")); at++)
        rows += strstr(at, "` | `http") && strstr(at, "` | `http") < strchr(at + 1, '\n');
    for (; (vendor = vendor_at(vendors)); vendors++) {
        snprintf(row, sizeof row, "\n| `%s` | `%s` |", vendor->name, vendor->base_url);
        if (!strstr(text, row))
            printf("%s\n", row + 1);
        ck_assert_msg(getenv("ALL_ROWS") || strstr(text, row), "README.md has no row for %s",
                      vendor->name);
    }
    ck_assert_uint_eq(rows, vendors);
    free(text);
}
END_TEST

/* ---- what is changed ----------------------------------------------------------------------- */

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

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
    SUITE_LOOP(tcase, requests_are_changed_as_vendors_want_it, changes);
    SUITE_LOOP(tcase, what_cannot_be_said_is_refused, refused);
    SUITE_LOOP(tcase, headers_are_the_vendors_and_the_operators, headers);
    SUITE_LOOP(tcase, wrong_settings_are_refused_with_a_reason, bad_settings);
    SUITE_LOOP(tcase, urls_are_the_vendors_or_the_operators, urls);
    SUITE_LOOP(tcase, errors_mean_what_the_vendor_means, errors);
    SUITE_LOOP(tcase, recorded_errors_are_mapped, cassettes);
}

RUN_SUITE_OF("provider/compatible", setup, teardown, add_loops, every_vendor_is_as_its_line_says,
             rows_are_well_formed, the_readme_lists_every_vendor, only_texts_of_models_are_changed,
             a_request_of_another_dialect_is_changed_unseen,
             what_a_vendor_does_not_have_is_not_asked_for,
             a_very_long_conversation_is_changed_in_time, good_answers_are_no_errors,
             a_model_that_loads_says_for_how_long, models_are_asked_for_where_there_is_a_list)
