/* Paths, errors, texts and what is told without reading. */
#include <stdio.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "support/suite.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_anthropic;
static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

#define DELTA(index, delta) \
    "{\"type\":\"content_block_delta\",\"index\":" #index ",\"delta\":{\"type\":" delta "}}"
#define START(index, block) \
    "{\"type\":\"content_block_start\",\"index\":" #index ",\"content_block\":{\"type\":" block "}}"
#define STOP(index) "{\"type\":\"content_block_stop\",\"index\":" #index "}"
#define END(reason) "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason "\"}}"

START_TEST(errors_have_the_type_of_their_status)
{ /* pitfall 154 */
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {400, "invalid_request_error"}, {401, "authentication_error"}, {402, "billing_error"},
        {403, "permission_error"},      {404, "not_found_error"},      {413, "request_too_large"},
        {422, "invalid_request_error"}, {429, "rate_limit_error"},     {500, "api_error"},
        {503, "overloaded_error"},      {504, "timeout_error"},        {529, "overloaded_error"}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        hg_str body = dialect->error_body(arena, types[i].status, HG_S("whatever"), HG_S(""),
                                          HG_S("m\"")),
               want = arena_fmt(
                   arena, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"m\\\"\"}}",
                   types[i].type);

        ck_assert_msg(text_is(body, want), "%.*s", TEXT_ARG(body));
    }
    ck_assert(text_is(
        dialect->error_body(arena, 429, HG_S("insufficient_quota"), HG_S(""), HG_S("")),
        HG_S("{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"\"}}")));
}
END_TEST

START_TEST(paths_are_ours_however_they_are_written)
{
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_POST, HG_S("/v1/messages")), HG_R_CHAT);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_POST, HG_S("/v1//x/..//messages/")),
                      HG_R_CHAT);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_POST, HG_S("/v1/%6dessages")), HG_R_CHAT);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_POST, HG_S("/v1/messages/count_tokens")),
                      HG_R_COUNT);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_GET, HG_S("/v1/messages/batches/x")),
                      HG_R_RAW);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_POST, HG_S("/v1/messagesx")), 0);
    ck_assert_uint_eq(dialect_kind_of(dialect, METHOD_GET, HG_S("/v1/models")), 0);
}
END_TEST

struct seen {
    struct text_visitor visitor;
    char text[512];
};

static void see(struct text_visitor *visitor, uint32_t role, hg_json value, hg_str raw)
{
    struct seen *seen = (struct seen *)visitor;
    size_t n = strlen(seen->text);

    (void)value;
    snprintf(seen->text + n, sizeof seen->text - n, "%u:%.*s ", role, TEXT_ARG(raw));
}

static void see_role(struct text_visitor *visitor, uint32_t role)
{
    struct seen *seen = (struct seen *)visitor;
    size_t n = strlen(seen->text);

    snprintf(seen->text + n, sizeof seen->text - n, "(%u) ", role);
}

START_TEST(a_guard_sees_every_text)
{
    struct seen seen = {.visitor = {see, see_role}};
    hg_json doc;

    ck_assert(json_parse(
        arena,
        HG_S("{\"system\":[{\"type\":\"text\",\"text\":\"S\"}],\"messages\":["
             "{\"content\":[{\"type\":\"text\",\"text\":\"U\"},{\"type\":\"tool_result\","
             "\"tool_use_id\":\"i\",\"content\":[{\"type\":\"text\",\"text\":\"R\"},{\"type\":"
             "\"image\",\"source\":{\"type\":\"base64\",\"data\":\"B\"}}]},"
             "{\"type\":\"document\",\"title\":\"T\",\"source\":{\"type\":\"text\",\"data\":"
             "\"D\"}}],\"role\":\"user\"},"
             "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"x\",\"name\":"
             "\"f\",\"input\":{\"type\":\"A\",\"l\":[\"B\",{\"id\":\"C\"}]}},"
             "{\"type\":\"thinking\",\"thinking\":\"H\",\"signature\":\"s\"},"
             "{\"type\":\"unknown\",\"words\":{\"of\":[\"W\"]}}]},"
             "{\"role\":\"user\",\"content\":\"E\"}]}"),
        &doc, NULL));
    dialect->request_visit(HG_R_CHAT, doc, &seen.visitor);
    ck_assert_str_eq(seen.text, "1:S 2:U 4:R 2:T 2:D (2) 3:A 3:B 3:C 2:H 2:W (3) 2:E (2) ");
    seen.text[0] = 0;
    ck_assert(json_parse(arena, HG_S(DELTA(0, "\"text_delta\",\"text\":\"x\"")), &doc, NULL));
    dialect->event_visit(doc, &seen.visitor);
    ck_assert(json_parse(arena, HG_S(DELTA(0, "\"input_json_delta\",\"partial_json\":\"y\"")), &doc,
                         NULL));
    dialect->event_visit(doc, &seen.visitor);
    ck_assert(json_parse(arena, HG_S(END("end_turn")), &doc, NULL));
    dialect->event_visit(doc, &seen.visitor);
    ck_assert_str_eq(seen.text, "3:x 3:y ");
}
END_TEST

START_TEST(only_deltas_of_content_are_plain)
{
#define PLAIN "event: content_block_delta\ndata: " DELTA(0, "\"text_delta\",\"text\":\"x\"") "\n\n"
    ck_assert(dialect->is_plain(HG_S(PLAIN PLAIN)));
    ck_assert(!dialect->is_plain(
        HG_S("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\n:" PLAIN)));
    ck_assert(!dialect->is_plain(HG_S(PLAIN "event: message_stop\ndata: {}\n\n")));
    ck_assert(!dialect->is_plain(HG_S(PLAIN "event: content_block_delta\ndata: {\"type\":")));
    ck_assert(!dialect->is_plain(
        HG_S("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\n"
             "event: message_delta\ndata: {}\n\n")));
    ck_assert(dialect->is_end(HG_S("message_stop"), HG_S("{}")));
    ck_assert(dialect->is_end(HG_S(""), HG_S("{\"type\":\"message_stop\"}")));
    ck_assert(!dialect->is_end(HG_S("content_block_stop"), HG_S("\"message_stop\"")));
}
END_TEST

START_TEST(a_request_is_read_at_a_glance)
{
    struct dialect_request request;
    hg_json doc;

    ck_assert(json_parse(arena,
                         HG_S("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                              "\"content\":\"0123456789abcdef\"}]}"),
                         &doc, NULL));
    dialect->read_request(arena, HG_R_CHAT, HG_S("/v1/messages"), doc, &request);
    ck_assert(request.is_stream && text_is(request.model, HG_S("m")));
    ck_assert_uint_eq(dialect->tokens(HG_R_CHAT, doc), 8);
}
END_TEST

RUN_SUITE_WITH("dialect/anthropic/anthropic", setup, teardown, errors_have_the_type_of_their_status,
               paths_are_ours_however_they_are_written, a_guard_sees_every_text,
               only_deltas_of_content_are_plain, a_request_is_read_at_a_glance)
