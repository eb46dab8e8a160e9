/* Whole answers and errors: theirs in all their shapes, and ours. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

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

RUN_SUITE_WITH("dialect/openai_chat/answer", setup, teardown, errors_are_known_in_all_their_shapes,
               an_answer_with_an_empty_error_is_an_answer, errors_of_ours_have_four_members)
