#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/realtime.h"
#include "support/suite.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

START_TEST(paths_of_sessions_are_known_in_any_spelling)
{
    ck_assert(realtime_is_path(HG_S("/v1/realtime")));
    ck_assert(realtime_is_path(HG_S("/openai/v1/realtime")));
    ck_assert(realtime_is_path(HG_S("/openai/realtime")));
    ck_assert_uint_eq(dialect_kind_of(&dialect_openai_chat, METHOD_GET, HG_S("/v1//%72ealtime/")),
                      HG_R_REALTIME);
    ck_assert(!realtime_is_path(HG_S("/v1/realtime/client_secrets")));
    ck_assert(!realtime_is_path(HG_S("/v1/realtimes")));
}
END_TEST

START_TEST(the_model_is_read_from_the_query)
{
    ck_assert(text_is(realtime_model(arena, HG_S("a=b&model=up%2Fgpt+x")), HG_S("up/gpt x")));
    ck_assert(text_is(realtime_model(arena, HG_S("deployment=mine")), HG_S("mine")));
    ck_assert(text_is(realtime_model(arena, HG_S("deployment=mine&model=m")), HG_S("m")));
    ck_assert(text_is(realtime_model(arena, HG_S("model=100%&x")), HG_S("100%")));
    ck_assert(text_is(realtime_model(arena, HG_S("model=%zz%4")), HG_S("%zz%4")));
    ck_assert(text_is(realtime_model(arena, HG_S("models=x&model")), HG_S("")));
}
END_TEST

static struct head head_with(struct field *field, hg_str query)
{
    return (struct head){.path = HG_S("/v1/realtime"),
                         .target = HG_S("/v1/realtime?api-key=K"),
                         .query = query,
                         .fields = field,
                         .field_count = 1};
}

START_TEST(a_key_of_a_browser_becomes_the_usual_field)
{
    struct field field = {.name = HG_S("sec-websocket-protocol"),
                          .value = HG_S("realtime , openai-insecure-api-key.K1,other")};
    struct head head = head_with(&field, HG_S(""));

    realtime_credential(arena, &head);
    ck_assert(text_is(head_field(&head, HG_S("authorization")), HG_S("Bearer K1")));
    ck_assert(text_is(head_field(&head, HG_S("sec-websocket-protocol")), HG_S("realtime, other")));
}
END_TEST

START_TEST(a_key_in_the_query_goes_no_further)
{
    struct field field = {.name = HG_S("accept"), .value = HG_S("x")};
    struct head head = head_with(&field, HG_S("model=m&api-key=K2&x=y"));

    realtime_credential(arena, &head);
    ck_assert(text_is(head_field(&head, HG_S("authorization")), HG_S("Bearer K2")));
    ck_assert(text_is(head.query, HG_S("model=m&x=y")));
    ck_assert(text_is(head.target, HG_S("/v1/realtime")));
}
END_TEST

START_TEST(a_key_with_a_line_end_is_none)
{
    struct field field = {.name = HG_S("accept"), .value = HG_S("x")};
    struct head head = head_with(&field, HG_S("api-key=K%0d%0ax-evil:1"));

    realtime_credential(arena, &head);
    ck_assert_uint_eq(head.field_count, 1);
    ck_assert_uint_eq(head.query.n, 0);
}
END_TEST

START_TEST(the_usual_field_stays_what_it_is)
{
    struct field field = {.name = HG_S("authorization"), .value = HG_S("Bearer mine")};
    struct head head = head_with(&field, HG_S("api-key=K"));

    realtime_credential(arena, &head);
    ck_assert_uint_eq(head.field_count, 1);
    ck_assert(text_is(head_field(&head, HG_S("authorization")), HG_S("Bearer mine")));
}
END_TEST

START_TEST(only_messages_that_tell_something_are_looked_at)
{
    ck_assert(!realtime_may_tell(HG_S("{\"type\":\"response.audio.delta\",\"x\":1")));
    ck_assert(realtime_may_tell(HG_S(" { \"type\" : \"response.done\"")));
    ck_assert(realtime_may_tell(HG_S("{\"type\":\"session.created\"")));
    ck_assert(realtime_may_tell(HG_S("{\"type\":\"resp"))); /* not all of it is here */
    ck_assert(realtime_may_tell(HG_S("{\"event_id\":1")));  /* it may come later */
    ck_assert(realtime_may_tell(HG_S("")));
}
END_TEST

START_TEST(usage_is_read_with_its_details)
{
    struct realtime_event event;

    realtime_event_read(arena,
                        HG_S("{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"usage\":{"
                             "\"input_tokens\":7,\"output_tokens\":3,\"input_token_details\":{"
                             "\"cached_tokens\":2,\"audio_tokens\":-1},"
                             "\"output_token_details\":{\"audio_tokens\":1}}}}"),
                        &event);
    ck_assert(event.has_usage);
    ck_assert_uint_eq(event.usage.input, 7);
    ck_assert_uint_eq(event.usage.cached_input, 2);
    ck_assert_uint_eq(event.usage.audio_out, 1);
    ck_assert_uint_eq(event.usage.flags, HG_U_INPUT | HG_U_OUTPUT | HG_U_CACHED | HG_U_AUDIO_OUT);
    ck_assert(text_is(event.id, HG_S("r")));
    realtime_event_read(arena, HG_S("{\"type\":\"other\",\"response\":{\"usage\":{}}}"), &event);
    ck_assert(!event.has_usage);
    realtime_event_read(arena, HG_S("not json"), &event);
    ck_assert(!event.has_usage);
    realtime_event_read(arena, HG_S("{\"type\":\"response.done\",\"response\":[1]}"), &event);
    ck_assert(!event.has_usage);
}
END_TEST

RUN_SUITE_WITH("realtime", setup, teardown, paths_of_sessions_are_known_in_any_spelling,
               the_model_is_read_from_the_query, a_key_of_a_browser_becomes_the_usual_field,
               a_key_in_the_query_goes_no_further, a_key_with_a_line_end_is_none,
               the_usual_field_stays_what_it_is, only_messages_that_tell_something_are_looked_at,
               usage_is_read_with_its_details)
