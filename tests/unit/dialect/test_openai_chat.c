#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "support/suite.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_openai_chat;
static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(hg_str text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text, &root, &fault), "%.*s: %s", TEXT_ARG(text), fault.reason);
    return root;
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(text),
                  expected);
}

static hg_str flat(const struct chain *chain)
{
    return chain_flat(chain, arena);
}

/* ---- requests -------------------------------------------------------------------------------- */

START_TEST(the_path_says_what_is_asked_for)
{
    static const struct {
        enum method method;
        const char *path;
        uint32_t kind;
    } cases[] = {
        {METHOD_POST, "/v1/chat/completions", HG_R_CHAT},
        {METHOD_POST, "/v1/completions", HG_R_COMPLETE},
        {METHOD_POST, "/v1/embeddings", HG_R_EMBED},
        {METHOD_POST, "/v1/moderations", HG_R_MODERATE},
        {METHOD_POST, "/v1/images/edits", HG_R_IMAGE},
        {METHOD_POST, "/v1/audio/speech", HG_R_AUDIO},
        {METHOD_POST, "/v1/rerank", HG_R_RERANK},
        {METHOD_GET, "/v1/models", HG_R_MODELS},
        {METHOD_GET, "/v1/models/gpt-4o", HG_R_MODELS},
        {METHOD_DELETE, "/v1/models/gpt-4o", HG_R_RAW},
        {METHOD_GET, "/v1/chat/completions", HG_R_RAW},
        {METHOD_POST, "/v1/responses", HG_R_RAW},
        {METHOD_POST, "/v1/files/a-very-long-name-that-no-path-which-is-known-can-have-in-it/x",
         HG_R_RAW},
        {METHOD_GET, "/v1", 0},
        {METHOD_GET, "/healthz", 0},
        {METHOD_POST, "/v2/chat/completions", 0},
        {METHOD_POST, "/v1/chat/completions/..", HG_R_RAW},
        {METHOD_POST, "", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(dialect_kind_of(dialect, cases[i].method, text_of(cases[i].path)) ==
                          cases[i].kind,
                      "%s", cases[i].path);
}
END_TEST

START_TEST(another_spelling_of_a_guarded_path_is_that_path)
{
    static const char *const paths[] = {
        "/v1/chat/completions/",     "/v1//chat/completions",     "/v1/chat/%63ompletions",
        "/v1/./chat/completions",    "/v1/x/../chat/completions", "/v1/chat%2fcompletions",
        "//v1/chat/completions//",   "/v1/chat\\completions",     "/v1/%2e%2e/v1/chat/completions",
        "/v1/chat/completions/x/..", "/v1/chat/completions/.",
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_msg(dialect_kind_of(dialect, METHOD_POST, text_of(paths[i])) == HG_R_CHAT, "%s",
                      paths[i]);
}
END_TEST

START_TEST(a_request_is_read)
{
    struct dialect_request request;

    hg_json doc = parsed(HG_S("{\"model\":\"gp\\u0074-4\",\"stream\":true,"
                              "\"stream_options\":{\"include_usage\":true},\"messages\":["
                              "{\"role\":\"user\",\"content\":\"12345678\"},"
                              "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}"));

    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &request);
    same(request.model, "gpt-4");
    ck_assert(request.is_stream && request.wants_usage);
    ck_assert_uint_eq(dialect->tokens(HG_R_CHAT, doc), 2 + 4 + 4 + 800);
    dialect->read_request(arena, HG_R_EMBED, HG_S(""),
                          parsed(HG_S("{\"model\":\"e\",\"input\":[1,2],\"stream\":\"yes\"}")),
                          &request);
    ck_assert(!request.is_stream && !request.wants_usage);
    same(request.model, "e");
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), (hg_json){0}, &request);
    ck_assert_uint_eq(request.model.n, 0);
    dialect->read_request(arena, HG_R_CHAT, HG_S(""), parsed(HG_S("{\"model\":3,\"messages\":{}}")),
                          &request);
    ck_assert_uint_eq(request.model.n, 0);
}
END_TEST

START_TEST(tokens_are_estimated)
{
    ck_assert_uint_eq(
        dialect->tokens(HG_R_CHAT,
                        parsed(HG_S("{\"messages\":[{\"content\":\"12345678901234\"},"
                                    "{\"content\":[{\"type\":\"image_url\",\"image_url\":"
                                    "{\"url\":\"data:;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}},"
                                    "{\"type\":\"text\",\"text\":\"123456\"}]}]}"))),
        4 + 4 + 4 + 800 + 2);
    ck_assert_uint_eq(dialect->tokens(HG_R_EMBED, parsed(HG_S("{\"input\":\"123456\"}"))), 2);
    ck_assert_uint_eq(dialect->tokens(HG_R_CHAT, parsed(HG_S("{\"messages\":{}}"))), 0);
    ck_assert_uint_eq(dialect->tokens(HG_R_CHAT, (hg_json){0}), 0);
}
END_TEST

static const char talk[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"be\\nkind\"},"
    "{\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image_url\"},"
    "{\"type\":\"input_text\",\"text\":\"two\"},\"three\"],\"role\":\"user\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"function\":"
    "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
    "{\"role\":\"tool\",\"content\":\"result\"},"
    "{\"role\":\"user\",\"content\":\"shown\",\"content\":\"hidden\"}]}";

static hg_str talk_text(void)
{
    return text_of(talk);
}

START_TEST(all_texts_of_a_request_are_found)
{
    static const struct {
        uint32_t role;
        const char *text;
    } want[] = {{HG_ROLE_SYSTEM, "be\nkind"},
                {HG_ROLE_USER, "one"},
                {HG_ROLE_USER, "two"},
                {HG_ROLE_USER, "three"},
                {HG_ROLE_ASSISTANT, "{\"a\":1}"},
                {HG_ROLE_TOOL, "result"},
                {HG_ROLE_USER, "shown"},
                {HG_ROLE_USER, "hidden"}};
    struct dialect_texts texts = texts_of_request(dialect, arena, HG_R_CHAT, parsed(talk_text()));

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++) {
        same(texts.list[i].text, want[i].text);
        ck_assert_uint_eq(texts.list[i].role, want[i].role);
        ck_assert_uint_eq(texts.list[i].part, i);
    }
}
END_TEST

/* More than the list has room for at first, and the role behind the text. */
START_TEST(many_texts_are_found)
{
    enum {
        COUNT = 500
    };
    struct chain *body = chain_new(arena);

    CHAIN_PUT_LIT(body, "{\"messages\":[");
    for (int i = 0; i < COUNT; i++) {
        hg_str message = arena_fmt(arena, "%s{\"content\":\"text %d\",\"role\":\"%s\"}",
                                   i ? "," : "", i, i % 2 ? "assistant" : "user");

        chain_put(body, message.p, message.n);
    }
    CHAIN_PUT_LIT(body, "]}");
    struct dialect_texts texts = texts_of_request(dialect, arena, HG_R_CHAT, parsed(flat(body)));

    ck_assert_uint_eq(texts.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        same(texts.list[i].text, arena_fmt(arena, "text %u", i).p);
        ck_assert_uint_eq(texts.list[i].role, i % 2 ? HG_ROLE_ASSISTANT : HG_ROLE_USER);
        ck_assert_uint_eq(texts.list[i].part, i);
    }
}
END_TEST

static size_t texts_count(uint32_t kind, hg_str document)
{
    return texts_of_request(dialect, arena, kind, parsed(document)).count;
}

START_TEST(texts_of_other_requests_are_found)
{
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[\"a\",\"b\"]}")), 2);
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[[1,2],[3]]}")), 0);
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[1,\"a\"]}")), 1);
    ck_assert_uint_eq(texts_count(HG_R_COMPLETE, HG_S("{\"prompt\":\"a\",\"suffix\":\"b\"}")), 2);
    ck_assert_uint_eq(
        texts_count(HG_R_MODERATE, HG_S("{\"input\":[{\"type\":\"text\",\"text\":\"a\"}]}")), 1);
}
END_TEST

START_TEST(edits_change_their_text_and_nothing_else)
{
    const hg_edit edits[] = {
        {.text = 6, .at = 0, .n = 5, .with = HG_S("\"x\"\n")},
        {.text = 0, .at = 3, .n = 4, .with = HG_S("KIND")},
        {.text = 0, .at = 0, .n = 2, .with = HG_S("BE")},
        {.text = 3, .at = 2, .n = 999, .with = HG_S("")},
        {.text = 7, .at = 6, .n = 0, .with = HG_S("!")},
    };
    struct chain *out = chain_new(arena);
    hg_str before = talk_text();

    texts_edit_request(dialect, arena, HG_R_CHAT, parsed(before),
                       &(struct dialect_edits){edits, sizeof edits / sizeof *edits}, out);
    hg_json doc = parsed(flat(out));

    same(json_str(arena, json_get(doc, "/messages/0/content")), "BE\nKIND");
    same(json_raw(json_get(doc, "/messages/1/content/3")), "\"th\"");
    same(json_raw(json_get(doc, "/messages/2")),
         "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"function\":"
         "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]}");
    same(json_raw(json_get(doc, "/messages/4")),
         "{\"role\":\"user\",\"content\":\"\\\"x\\\"\\n\",\"content\":\"hidden!\"}");
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

START_TEST(texts_of_an_answer_are_found_and_edited)
{
    hg_json doc = parsed(HG_S("{\"choices\":[{\"message\":{\"content\":\"a\",\"refusal\":null,"
                              "\"reasoning\":\"b\",\"tool_calls\":[{\"function\":{\"arguments\":"
                              "\"c\"}}]}},{\"message\":{\"content\":\"d\"}}]}"));
    hg_edit edit = {.text = 3, .at = 0, .n = 1, .with = HG_S("[x]")};
    struct chain *out = chain_new(arena);
    struct dialect_texts texts = texts_of_answer(dialect, arena, HG_R_CHAT, doc);

    ck_assert_uint_eq(texts.count, 4);
    same(texts.list[0].text, "a");
    same(texts.list[1].text, "b");
    same(texts.list[2].text, "c");
    same(texts.list[3].text, "d");
    texts_edit_answer(dialect, arena, HG_R_CHAT, doc, &(struct dialect_edits){&edit, 1}, out);
    same(json_raw(json_get(parsed(flat(out)), "/choices/1/message/content")), "\"[x]\"");
}
END_TEST

START_TEST(errors_are_known_in_all_their_shapes)
{
    static const struct {
        const char *body, *type, *message;
    } cases[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}", "t", "m"},
        {"{\"error\":{\"message\":\"m\",\"code\":429}}", "429", "m"},
        {"{\"error\":\"m\",\"code\":\"c\"}", "c", "m"},
        {"[{\"error\":{\"message\":\"m\",\"status\":\"S\"}}]", "S", "m"},
        {"{\"detail\":\"m\"}", "", "m"},
        {"{\"detail\":[{\"msg\":\"m\",\"type\":\"t\"}]}", "", "m"},
        {"{\"errors\":[{\"code\":1,\"message\":\"m\"}]}", "", "m"},
        {"{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}", "t", "m"},
        {"{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\"}", "t", "m"},
        {"{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"m\"},\"choices\":null}", "1008",
         "m"},
        {"{\"choices\":[{\"error\":{\"message\":\"m\",\"code\":502}}]}", "502", "m"},
        {"{\"error_code\":18,\"error_msg\":\"m\"}", "18", "m"},
        {"{\"fault\":{\"faultstring\":\"m\"}}", "", "m"},
        {"{\"code\":11202,\"message\":\"m\",\"sid\":\"s\"}", "11202", "m"},
        {"{\"Response\":{\"Error\":{\"Code\":\"c\",\"Message\":\"m\"}}}", "c", "m"},
        {"{\"success\":false,\"errors\":[{\"code\":5007,\"message\":\"m\"}],\"result\":null}", "",
         "m"},
        {"{\"choices\":[{\"message\":{},\"finish_reason\":\"abort\"}]}", "abort",
         "the provider ended the answer with an error"},
        {"{\"choices\":[{\"message\":{},\"finish_reason\":\"load\"}]}", "load",
         "the provider ended the answer with an error"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dialect_answer answer;

        dialect->read_answer(arena, HG_R_CHAT, parsed(text_of(cases[i].body)), &answer);
        ck_assert_msg(answer.is_error && !answer.is_valid, "%s", cases[i].body);
        same(answer.error_message, cases[i].message);
        same(answer.error_type, cases[i].type);
    }
}
END_TEST

START_TEST(an_answer_with_an_empty_error_is_an_answer)
{
    static const char *const bodies[] = {
        "{\"error\":null,\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
        "{\"error\":{},\"message\":\"\",\"choices\":[{\"message\":{}}]}",
        "{\"base_resp\":{\"status_code\":0},\"choices\":[{\"message\":{}}]}"};
    struct dialect_answer answer;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        dialect->read_answer(arena, HG_R_CHAT, parsed(text_of(bodies[i])), &answer);
        ck_assert_msg(answer.is_valid && !answer.is_error, "%s", bodies[i]);
    }
    dialect->read_answer(arena, HG_R_CHAT, parsed(HG_S("{\"choices\":[]}")), &answer);
    ck_assert(!answer.is_valid && !answer.is_error);
    dialect->read_answer(arena, HG_R_CHAT, parsed(HG_S("[1]")), &answer);
    ck_assert(!answer.is_valid);
    dialect->read_answer(arena, HG_R_EMBED, parsed(HG_S("{\"data\":[]}")), &answer);
    ck_assert(answer.is_valid);
    dialect->read_answer(arena, HG_R_EMBED, parsed(HG_S("{\"ok\":1}")), &answer);
    ck_assert(!answer.is_valid);
}
END_TEST

START_TEST(finishes_are_known_under_all_their_names)
{
    static const struct {
        const char *word;
        uint32_t finish;
    } cases[] = {{"stop", HG_FIN_STOP},
                 {"eos", HG_FIN_STOP},
                 {"eos_token", HG_FIN_STOP},
                 {"end_turn", HG_FIN_STOP},
                 {"stop_sequence", HG_FIN_STOP},
                 {"COMPLETE", HG_FIN_STOP},
                 {"done", HG_FIN_STOP},
                 {"", HG_FIN_STOP},
                 {"length", HG_FIN_LENGTH},
                 {"max_tokens", HG_FIN_LENGTH},
                 {"MAX_TOKENS", HG_FIN_LENGTH},
                 {"model_length", HG_FIN_LENGTH},
                 {"model_context_window_exceeded", HG_FIN_LENGTH},
                 {"context_length_exceeded", HG_FIN_LENGTH},
                 {"tool_calls", HG_FIN_TOOLS},
                 {"tool_use", HG_FIN_TOOLS},
                 {"function_call", HG_FIN_TOOLS},
                 {"TOOL_CALL", HG_FIN_TOOLS},
                 {"content_filter", HG_FIN_FILTER},
                 {"sensitive", HG_FIN_FILTER},
                 {"SAFETY", HG_FIN_FILTER},
                 {"content_filtered", HG_FIN_FILTER},
                 {"guardrail", HG_FIN_FILTER},
                 {"something new", HG_FIN_OTHER}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dialect_answer answer;
        char text[256];

        snprintf(text, sizeof text,
                 "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"%s\"}]}",
                 cases[i].word);
        dialect->read_answer(arena, HG_R_CHAT, parsed(arena_text(arena, text_of(text))), &answer);
        ck_assert_msg(answer.finish == cases[i].finish && answer.is_valid, "%s: %u", cases[i].word,
                      answer.finish);
    }
}
END_TEST

static hg_usage usage_of(const char *text)
{
    struct dialect_answer answer;

    dialect->read_answer(arena, HG_R_CHAT, parsed(text_of(text)), &answer);
    return answer.has_usage ? answer.usage : (hg_usage){0};
}

START_TEST(usage_counts_everything_once)
{
    hg_usage usage =
        usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":2,"
                 "\"audio_tokens\":1},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":3,\"audio_tokens\":2}}}");

    ck_assert_uint_eq(usage.input, 10);
    ck_assert_uint_eq(usage.output, 5);
    ck_assert_uint_eq(usage.cached_input, 4);
    ck_assert_uint_eq(usage.cache_write, 2);
    ck_assert_uint_eq(usage.reasoning, 3);
    ck_assert_uint_eq(usage.audio_in, 1);
    ck_assert_uint_eq(usage.audio_out, 2);
    ck_assert_uint_eq(usage.flags, HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED | HG_U_CACHE_WRITE |
                                       HG_U_REASONING | HG_U_AUDIO_IN | HG_U_AUDIO_OUT);
}
END_TEST

START_TEST(reasoning_beside_the_completion_is_added)
{
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
                               "\"total_tokens\":22,\"completion_tokens_details\":"
                               "{\"reasoning_tokens\":7}}}")
                          .output,
                      12);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":9,"
                               "\"total_tokens\":19,\"completion_tokens_details\":"
                               "{\"reasoning_tokens\":7}}}")
                          .output,
                      9);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":5,"
                               "\"total_tokens\":6,\"citation_tokens\":20,\"reasoning_tokens\":2}}")
                          .output,
                      27);
}
END_TEST

START_TEST(usage_is_found_where_servers_put_it)
{
    hg_usage usage = usage_of("{\"usage\":{\"prompt_cache_hit_tokens\":3,"
                              "\"prompt_cache_miss_tokens\":4,\"completion_tokens\":1}}");

    ck_assert_uint_eq(usage.input, 7);
    ck_assert_uint_eq(usage.cached_input, 3);
    ck_assert_uint_eq(
        usage_of("{\"usage\":null,\"x_groq\":{\"usage\":{\"prompt_tokens\":6}}}").input, 6);
    ck_assert_uint_eq(usage_of("{\"choices\":[{\"usage\":{\"prompt_tokens\":8}}]}").input, 8);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"total_tokens\":9}}").input, 9);
    ck_assert_uint_eq(usage_of("{\"usage\":{}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":-1}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":9e18}}").flags, 0);
    ck_assert_uint_eq(usage_of("{\"usage\":{\"prompt_tokens\":9000000000000000000}}").flags, 0);
}
END_TEST

/* ---- events ---------------------------------------------------------------------------------- */

#define PLAIN \
    "data: {\"choices\":[{\"delta\":{\"content\":\"hi \\\"usage\\\":{\"},\"finish_reason\":"

START_TEST(plain_events_are_told_without_reading_them)
{
    static const char *const yes[] = {
        PLAIN "null}]}\n\n",
        PLAIN " null}], \"usage\": null}\n\n" PLAIN "null}],\"error\":null}\n\n",
        ": ping\n\n" PLAIN "null}]}\r\n\r\n", "data:{\"choices\":[{\"index\":0}]}\n\n"};
    static const char *const no[] = {"",
                                     "\n",
                                     "data: [DONE]\n\n",
                                     "data:[DONE]\n\n",
                                     PLAIN "null}]}\n\ndata: [DONE]\n\n",
                                     PLAIN "\"stop\"}]}\n\n",
                                     PLAIN " \"stop\"}]}\n\n",
                                     PLAIN "null}]}\n\n" PLAIN "\"length\"}]}\n\n",
                                     PLAIN "null}],\"usage\":{\"prompt_tokens\":1}}\n\n",
                                     PLAIN "null}],\"usage\" : {}}\n\n",
                                     PLAIN "null}],\"error\":{}}\n\n",
                                     PLAIN "null}],\"object\":\"error\"}\n\n",
                                     PLAIN "null}]}\n\nevent: error\ndata: {}\n\n",
                                     PLAIN "null}]}\n\ndata: {\"code\":1,\"message\":\"m\"}\n\n",
                                     PLAIN "null}]}\rdata: [DONE]\r\r",
                                     PLAIN "null}]}\n\nretry: 1\n\n",
                                     "event: x\n" PLAIN "null}]}\n\n"};

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(dialect->is_plain(text_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!dialect->is_plain(text_of(no[i])), "%s", no[i]);
}
END_TEST

/* The search looks at 16 bytes and one at a time: what matters is moved through them. */
START_TEST(no_place_of_a_mark_is_overlooked)
{
    for (int n = 0; n < 80; n++) {
        char *text = malloc(256);
        int len = snprintf(
            text, 256, "data: {\"a\":\"%.*s\",\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n", n,
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxx");
        char *exact = malloc((size_t)len);

        memcpy(exact, text, (size_t)len);
        ck_assert(!dialect->is_plain((hg_str){exact, (size_t)len}));
        free(exact);
        free(text);
    }
}
END_TEST

static struct dialect_event event_of(const char *data)
{
    struct dialect_event event;

    dialect->read_event(arena, text_of(data), &event);
    return event;
}

START_TEST(events_are_read)
{
    struct dialect_event event =
        event_of("{\"id\":\"i\",\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\","
                 "\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}");

    ck_assert(event.is_valid && !event.has_content && !event.finish && !event.has_usage);
    same(event.id, "i");
    same(event.model, "m");
    event = event_of("{\"choices\":[{\"delta\":{\"content\":\"a\\n\"}}]}");
    ck_assert(event.has_content && !event.is_usage_only);
    same(event.text, "a\n");
    ck_assert(event_of("{\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}").has_content);
    ck_assert(event_of("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}").has_content);
    ck_assert(!event_of("{\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}").has_content);
    ck_assert(event_of("{\"choices\":[{\"text\":\"a\"}]}").has_content);
    event = event_of("{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}");
    ck_assert(event.is_usage_only && event.has_usage && event.is_valid);
    event = event_of("{\"choices\":[],\"prompt_filter_results\":[]}");
    ck_assert(event.is_valid && !event.is_usage_only && !event.has_content);
    event = event_of("{\"choices\":[{\"delta\":{},\"finish_reason\":\"eos\"}]}");
    ck_assert_uint_eq(event.finish, HG_FIN_STOP);
    event = event_of("{\"error\":{\"message\":\"m\",\"type\":\"t\"}}");
    ck_assert(event.is_error && !event.is_valid);
    same(event.error_message, "m");
    ck_assert(event_of("{\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}").is_error);
    ck_assert(event_of(" [DONE]").is_done);
    ck_assert(event_of("{}").is_valid && event_of("").is_valid);
    ck_assert(!event_of("<html>").is_valid && !event_of("{\"x\":1}").is_valid);
}
END_TEST

START_TEST(an_event_gets_another_text)
{
    struct chain *out = chain_new(arena);

    texts_swap_event(dialect, arena, HG_S(""),
                     HG_S("{\"choices\":[{\"delta\":{\"content\":\"secret\",\"x\": 1},"
                          "\"message\":{\"content\":\"a secret\"},\"text\":\"secret\"}]}"),
                     HG_S("[\"]"), out);
    same(flat(out), "data: {\"choices\":[{\"delta\":{\"content\":\"[\\\"]\",\"x\": 1}}]}\n\n");
    out = chain_new(arena);
    texts_swap_event(dialect, arena, HG_S(""),
                     HG_S("{\"choices\":[{\"delta\":{\"reasoning\":\"ab\",\"content\":\"cd\"}}]}"),
                     HG_S("x"), out);
    same(flat(out), "data: {\"choices\":[{\"delta\":{\"reasoning\":\"x\",\"content\":\"\"}}]}\n\n");
    out = chain_new(arena);
    texts_swap_event(dialect, arena, HG_S(""), HG_S("no\njson"), HG_S("x"), out);
    same(flat(out), "data: no\ndata: json\n\n");
}
END_TEST

START_TEST(errors_of_ours_have_four_members)
{
    same(dialect->error_body(arena, 429, HG_S("t"), HG_S("c"), HG_S("a \"b\"")),
         "{\"error\":{\"message\":\"a \\\"b\\\"\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}");
    same(dialect->error_body(arena, 429, HG_S(""), HG_S(""), HG_S("m")),
         "{\"error\":{\"message\":\"m\",\"type\":\"rate_limit_error\",\"param\":null,"
         "\"code\":null}}");
    same(dialect->error_event(arena, HG_S("t"), HG_S(""), HG_S("m\n")),
         "data: "
         "{\"error\":{\"message\":\"m\\n\",\"type\":\"t\",\"param\":null,\"code\":null}}\n\ndata: "
         "[DONE]\n\n");
}
END_TEST

/* ---- replay ---------------------------------------------------------------------------------- */

START_TEST(a_whole_answer_becomes_a_stream)
{
    hg_str body = HG_S("{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":5,\"model\":\"m\","
                       "\"citations\":[1],\"choices\":[{\"index\":0,\"message\":{\"role\":"
                       "\"assistant\",\"content\":\"a\",\"refusal\":null,\"tool_calls\":[{\"id\":"
                       "\"c\"}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}");
    struct chain *out = chain_new(arena), *without = chain_new(arena);

    ck_assert(dialect->to_events(arena, HG_R_CHAT, body, true, out));
    same(flat(out),
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"citations\":[1],\"object\":"
         "\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
         "\"content\":\"a\",\"tool_calls\":[{\"index\":0,\"id\":\"c\"}]},\"finish_reason\":null}]}"
         "\n\n"
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"object\":\"chat.completion.chunk\","
         "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
         "data: {\"id\":\"i\",\"created\":5,\"model\":\"m\",\"object\":\"chat.completion.chunk\","
         "\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"
         "data: [DONE]\n\n");
    ck_assert(dialect->to_events(arena, HG_R_CHAT, body, false, without));
    ck_assert(!memmem(flat(without).p, flat(without).n, "usage", 5));
    ck_assert(!dialect->to_events(arena, HG_R_CHAT, HG_S("{\"error\":{\"a\":1}}"), true, out));
    ck_assert(!dialect->to_events(arena, HG_R_EMBED, body, true, out));
}
END_TEST

static hg_str folded(const char *events)
{
    struct chain *out = chain_new(arena);

    return dialect->to_whole(arena, HG_R_CHAT, text_of(events), out) ? flat(out) : (hg_str){0};
}

#define EVENT(json) "data: " json "\n\n"
#define FINISH      EVENT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}")

START_TEST(events_are_folded_into_a_whole)
{
    same(folded(EVENT("{\"id\":\"\",\"choices\":[null]}") EVENT(
             "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
             "\"content\":\"\\ud83d\"}}],\"usage\":null}")
                    EVENT("{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ude00"
                          "\\n\"}}]}") FINISH EVENT("{\"choices\":[],\"usage\":{\"a\":1}}")
                        EVENT("[DONE]")),
         "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
         "\"assistant\",\"content\":\"\\ud83d\\ude00\\n\"},\"finish_reason\":\"stop\"}],\"id\":"
         "\"i\","
         "\"usage\":{\"a\":1}}");
    ck_assert_uint_eq(
        folded(EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}")).n, 0);
    ck_assert_uint_eq(folded(FINISH EVENT("{\"error\":{\"message\":\"m\"}}")).n, 0);
    ck_assert_uint_eq(folded(FINISH EVENT("<html>")).n, 0);
    ck_assert_uint_eq(folded("").n, 0);
}
END_TEST

#define CALL(json) EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[" json "]}}]}")

START_TEST(tool_calls_are_told_apart_however_they_are_numbered)
{
    static const char *const streams[] = {
        CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
            CALL("{\"index\":0,\"function\":{\"arguments\":\"1\"}}")
                CALL("{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}")
                    FINISH,
        CALL("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}")
            CALL("{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}")
                CALL("{\"id\":\"null\",\"function\":{\"arguments\":\"2\"}}") FINISH,
        CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}")
            CALL("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}")
                FINISH};

    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        same(json_raw(json_get(parsed(folded(streams[i])), "/choices/0/message/tool_calls")),
             "[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}},"
             "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}]");
}
END_TEST

/* ---- writing --------------------------------------------------------------------------------- */

static hg_str written(bool is_stream, bool with_usage, const hg_event *events, size_t count)
{
    struct dialect_writer *writer = dialect->writer_new(arena, HG_R_CHAT, is_stream, with_usage);
    struct chain *out = chain_new(arena);

    for (size_t i = 0; i < count; i++)
        dialect->write(writer, &events[i], out);
    dialect->write_end(writer, out);
    ck_assert(!out->broken);
    return flat(out);
}

static const hg_usage some_usage = {.size = sizeof some_usage,
                                    .flags = HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED,
                                    .input = 5,
                                    .output = 7,
                                    .cached_input = 2};

static const hg_event some_events[] = {
    {.type = HG_EV_START, .id = {"i", 1}, .name = {"m", 1}},
    {.type = HG_EV_REASONING, .text = {"think\n", 6}},
    {.type = HG_EV_TEXT, .text = {"a\"", 2}},
    {.type = HG_EV_TEXT, .text = {"b", 1}},
    {.type = HG_EV_TOOL_START, .index = 0, .id = {"c1", 2}, .name = {"f", 1}},
    {.type = HG_EV_TOOL_ARGS, .index = 0, .text = {"{\"x\":", 5}},
    {.type = HG_EV_TOOL_ARGS, .index = 0, .text = {"1}", 2}},
    {.type = HG_EV_TOOL_START, .index = 1, .id = {"c2", 2}, .name = {"g", 1}},
    {.type = HG_EV_EXTRA, .name = {"x", 1}, .text = {"[1]", 3}},
    {.type = HG_EV_EXTRA, .name = {"model", 5}, .text = {"1", 1}},
    {.type = HG_EV_EXTRA, .name = {"y", 1}, .text = {"no json", 7}},
    {.type = HG_EV_USAGE, .usage = &some_usage},
    {.type = HG_EV_FINISH, .finish = HG_FIN_TOOLS},
    {.type = HG_EV_FINISH, .finish = HG_FIN_STOP},
};

enum {
    SOME_EVENTS = sizeof some_events / sizeof *some_events
};

START_TEST(normalised_events_become_a_whole_answer)
{
    hg_json doc = parsed(written(false, false, some_events, SOME_EVENTS));

    same(json_raw(json_get(doc, "/choices")),
         "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\\"b\","
         "\"reasoning_content\":\"think\\n\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"c2\",\"type\":"
         "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},"
         "\"finish_reason\":\"tool_calls\"}]");
    same(json_raw(json_get(doc, "/usage")),
         "{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12,"
         "\"prompt_tokens_details\":{\"cached_tokens\":2}}");
    same(json_raw(json_get(doc, "/model")), "\"m\"");
    same(json_raw(json_get(doc, "/x")), "[1]");
    ck_assert_uint_eq(json_get(doc, "/y").kind, HG_J_NONE);
}
END_TEST

START_TEST(normalised_events_become_a_stream_that_means_the_same)
{
    hg_str stream = written(true, true, some_events, SOME_EVENTS);
    struct chain *out = chain_new(arena);

    ck_assert(text_ends(stream, HG_S("data: [DONE]\n\n")));
    ck_assert(dialect->to_whole(arena, HG_R_CHAT, stream, out));
    hg_json a = parsed(flat(out)), b = parsed(written(false, false, some_events, SOME_EVENTS));

    same(json_str(arena, json_get(a, "/choices/0/message/content")), "a\"b");
    same(json_str(arena, json_get(a, "/choices/0/message/reasoning_content")), "think\n");
    for (int i = 0; i < 2; i++) {
        const char *place =
            i ? "/choices/0/message/tool_calls/1" : "/choices/0/message/tool_calls/0";

        ck_assert(text_is(json_raw(json_get(a, place)), json_raw(json_get(b, place))));
    }
    ck_assert(text_is(json_raw(json_get(a, "/usage")), json_raw(json_get(b, "/usage"))));
    same(json_str(arena, json_get(a, "/choices/0/finish_reason")), "tool_calls");
    same(json_raw(json_get(a, "/x")), "[1]");
    stream = written(true, false, some_events, SOME_EVENTS);
    ck_assert(!memmem(stream.p, stream.n, "usage", 5));
}
END_TEST

/* Pitfall 40. */
START_TEST(an_error_comes_before_the_end_mark_of_a_failed_answer)
{
    const hg_event events[] = {{.type = HG_EV_TEXT, .text = HG_S("a")},
                               {.type = HG_EV_ERROR, .name = HG_S("t"), .text = HG_S("m")},
                               {.type = HG_EV_TEXT, .text = HG_S("b")}};
    hg_str stream = written(true, true, events, 3);

    ck_assert(text_ends(stream, HG_S("data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":"
                                     "null,\"code\":null}}\n\ndata: [DONE]\n\n")));
    same(written(false, true, events, 3),
         "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":null}}");
}
END_TEST

RUN_SUITE_WITH("dialect/openai_chat", setup, teardown, the_path_says_what_is_asked_for,
               another_spelling_of_a_guarded_path_is_that_path, a_request_is_read,
               tokens_are_estimated, all_texts_of_a_request_are_found, many_texts_are_found,
               texts_of_other_requests_are_found, edits_change_their_text_and_nothing_else,
               texts_of_an_answer_are_found_and_edited, errors_are_known_in_all_their_shapes,
               an_answer_with_an_empty_error_is_an_answer, finishes_are_known_under_all_their_names,
               usage_counts_everything_once, reasoning_beside_the_completion_is_added,
               usage_is_found_where_servers_put_it, plain_events_are_told_without_reading_them,
               no_place_of_a_mark_is_overlooked, events_are_read, an_event_gets_another_text,
               errors_of_ours_have_four_members, a_whole_answer_becomes_a_stream,
               events_are_folded_into_a_whole, tool_calls_are_told_apart_however_they_are_numbered,
               normalised_events_become_a_whole_answer,
               normalised_events_become_a_stream_that_means_the_same,
               an_error_comes_before_the_end_mark_of_a_failed_answer)
