/* What a request asks for: the path names the model, whose name tells its family. */
#include "dialect/converse/family.h"
#include "support/suite.h"
#include "unit/dialect/converse/requests.h"

/* pitfall 163 */
START_TEST(model_and_streaming_stand_in_the_path)
{
    static const struct {
        const char *path;
        uint32_t kind;
        const char *model;
        bool is_stream;
    } paths[] = {
        {"/model/a.b-v1%3A0/converse", HG_R_CHAT, "a.b-v1:0", false},
        {"/model/a.b-v1:0/converse-stream", HG_R_CHAT, "a.b-v1:0", true},
        {"//model/./a//converse", HG_R_CHAT, "a", false},
        {"/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ainference-profile%2Fus.a/converse", HG_R_CHAT,
         "arn:aws:bedrock:x:1:inference-profile/us.a", false},
        {"/model/a/count-tokens", HG_R_COUNT, "a", false},
        {"/model/a/invoke", HG_R_RAW, "a", false},
        {"/model/a/invoke-with-response-stream", HG_R_RAW, "a", true},
        {"/model//converse", 0, "", false},
        {"/model/a/other", 0, "", false},
        {"/v1/chat/completions", 0, "", false},
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct dialect_request asked;
        hg_str path = text_of(paths[i].path);

        ck_assert_uint_eq(dialect_kind_of(&dialect_converse, METHOD_POST, path), paths[i].kind);
        ck_assert_uint_eq(dialect_kind_of(&dialect_converse, METHOD_GET, path), 0);
        dialect_converse.read_request(arena, paths[i].kind, path, (hg_json){0}, &asked);
        ck_assert_msg(text_is(asked.model, text_of(paths[i].model)), "%s", paths[i].path);
        ck_assert(asked.is_stream == paths[i].is_stream);
    }
}
END_TEST

/* pitfall 164 */
START_TEST(the_family_of_a_model_is_found_behind_what_stands_before_it)
{
    static const char *const models[] = {
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5",
        "bedrock/converse/apac.anthropic.claude-sonnet-4-5-20250929-v1:0"};

    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        ck_assert_msg(converse_family_of(text_of(models[i])) ==
                          converse_family_of(HG_S("anthropic.claude-sonnet-4-5")),
                      "%s", models[i]);
    ck_assert_ptr_eq(converse_family_of(HG_S("eu.amazon.nova-pro-v1:0")),
                     converse_family_of(HG_S("amazon.nova-lite-v1:0")));
    ck_assert_ptr_ne(converse_family_of(HG_S("eu.amazon.nova-pro-v1:0")),
                     converse_family_of(HG_S("us.anthropic.claude-sonnet-4-5")));
}
END_TEST

RUN_SUITE_WITH("dialect/converse/request", setup, teardown, model_and_streaming_stand_in_the_path,
               the_family_of_a_model_is_found_behind_what_stands_before_it)
