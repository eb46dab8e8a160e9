/* Errors: Google's words for ours, and ours for Google's. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_gemini;

START_TEST(errors_have_googles_words)
{
    same(dialect->error_body(arena, 404, HG_S("not_found_error"), HG_S(""), HG_S("m")),
         "{\"error\":{\"code\":404,\"message\":\"m\",\"status\":\"NOT_FOUND\",\"details\":[]}}");
    same(dialect->error_event(arena, HG_S("overloaded_error"), HG_S(""), HG_S("m")),
         "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\",\"details\":"
         "[]}}\r\n\r\n");
    has(dialect->error_body(arena, 418, HG_S("x"), HG_S(""), HG_S("m")), "INVALID_ARGUMENT");
}
END_TEST

START_TEST(details_of_errors_tell_keys_and_quotas)
{
    struct dialect_error error;

    dialect->read_error(arena,
                        parsed(HG_S("{\"error\":{\"code\":400,\"message\":\"m\",\"status\":"
                                    "\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
                                    "\"API_KEY_INVALID\"}]}}")),
                        &error);
    same(error.type, "authentication_error");
    ck_assert_int_eq(error.status, 401);
    dialect->read_error(arena,
                        parsed(HG_S("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":"
                                    "\"RESOURCE_EXHAUSTED\",\"details\":[{\"violations\":[{"
                                    "\"quotaId\":\"RequestsPerDay\"}]}]}}]")),
                        &error);
    same(error.type, "insufficient_quota");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/error", setup, teardown, errors_have_googles_words,
               details_of_errors_tell_keys_and_quotas)
