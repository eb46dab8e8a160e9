/* What a request asks for: by its path, and by a few members of its body. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

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

RUN_SUITE_WITH("dialect/openai_chat/request", setup, teardown, the_path_says_what_is_asked_for,
               another_spelling_of_a_guarded_path_is_that_path, a_request_is_read,
               tokens_are_estimated)
