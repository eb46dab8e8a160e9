/* What a request asks for: the path names the model and what is done with it. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_gemini;

START_TEST(the_path_names_model_and_method)
{
    static const struct {
        enum method method;
        const char *path;
        uint32_t kind;
        const char *model;
        bool is_stream;
    } cases[] = {
        {METHOD_POST, "/v1beta/models/gemini-2.5-pro:generateContent", HG_R_CHAT, "gemini-2.5-pro",
         false},
        {METHOD_POST, "/v1/models/m:streamGenerateContent", HG_R_CHAT, "m", true},
        {METHOD_POST, "/v1alpha/models/a/b:c:streamGenerateContent", HG_R_CHAT, "a/b:c", true},
        {METHOD_POST, "/v1beta/tunedModels/x:generateContent", HG_R_CHAT, "tunedModels/x", false},
        {METHOD_POST, "/v1beta/openai/m:generateContent", HG_R_CHAT, "openai/m", false},
        {METHOD_POST, "/v1beta/a/b:streamGenerateContent", HG_R_CHAT, "a/b", true},
        {METHOD_POST, "/v1beta/batches/x:cancel", HG_R_RAW, NULL, false},
        {METHOD_POST, "/v1/a/b:generateContent", 0, NULL, false},
        {METHOD_POST, "/v1beta/models%2Fm%3AgenerateContent", HG_R_CHAT, "m", false},
        {METHOD_POST, "/v1//models/./m:generateContent", HG_R_CHAT, "m", false},
        {METHOD_POST, "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent",
         HG_R_CHAT, "g", true},
        {METHOD_POST, "/v1/projects/p/locations/l/endpoints/7:generateContent", HG_R_CHAT,
         "endpoints/7", false},
        {METHOD_POST, "/v1beta/models/m:countTokens", HG_R_COUNT, "m", false},
        {METHOD_POST, "/v1beta/models/m:embedContent", HG_R_RAW, "m", false},
        {METHOD_POST, "/v1beta/models/m:batchEmbedContents", HG_R_RAW, "m", false},
        {METHOD_GET, "/v1beta/models", HG_R_MODELS, "", false},
        {METHOD_GET, "/v1beta/models/m", HG_R_MODELS, "", false},
        {METHOD_GET, "/v1beta/cachedContents", HG_R_RAW, "", false},
        {METHOD_DELETE, "/v1beta/models/m", HG_R_RAW, "", false},
        {METHOD_GET, "/v1beta/models/m:generateContent", HG_R_RAW, "m", false},
        {METHOD_GET, "/v1/models", 0, "", false},
        {METHOD_DELETE, "/v1/models/ft:m:x", 0, NULL, false},
        {METHOD_POST, "/v1/chat/completions", 0, NULL, false},
        {METHOD_POST, "/v1beta/openai/chat/completions", 0, NULL, false},
        {METHOD_POST, "/v1/models/:generateContent", 0, NULL, false},
        {METHOD_POST, "", 0, NULL, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dialect_request asked;
        hg_str path = text_of(cases[i].path);

        ck_assert_msg(dialect_kind_of(dialect, cases[i].method, path) == cases[i].kind, "%s",
                      cases[i].path);
        dialect->read_request(arena, cases[i].kind, path, parsed(HG_S("{}")), &asked);
        if (!cases[i].model)
            continue;
        same(asked.model, cases[i].model);
        ck_assert(asked.is_stream == cases[i].is_stream);
    }
}
END_TEST

START_TEST(a_stream_is_a_list_unless_events_are_asked_for)
{
    ck_assert(dialect->wants_array(HG_S("")));
    ck_assert(dialect->wants_array(HG_S("key=x")));
    ck_assert(dialect->wants_array(HG_S("alt=json")));
    ck_assert(!dialect->wants_array(HG_S("alt=sse")));
    ck_assert(!dialect->wants_array(HG_S("key=x&alt=sse")));
    ck_assert(!dialect->wants_array(HG_S("$alt=sse")));
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/request", setup, teardown, the_path_names_model_and_method,
               a_stream_is_a_list_unless_events_are_asked_for)
