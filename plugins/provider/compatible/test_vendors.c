#include "vendors.h"

#include "support/provider_stand.h"

#define FOLDER TEST_SOURCE_DIR "/plugins/provider/compatible"

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

RUN_SUITE_WITH("provider/compatible/vendors", setup, teardown, every_vendor_is_as_its_line_says,
               rows_are_well_formed, the_readme_lists_every_vendor)
