/* Errors of all providers, read back by the gateway's own readers. */
#include "simulate/fault.h"

#include <headgate/provider.h>

#include "asking.h"
#include "http/frame.h"
#include "simulate/fault_words.h"
#include "support/suite.h"
#include "json/index.h"

static const struct dialect *const dialects[] = {
    &dialect_openai_chat, &dialect_openai_responses, &dialect_anthropic,
    &dialect_gemini,      &dialect_converse,         &dialect_cohere,
};

enum {
    DIALECTS = sizeof dialects / sizeof *dialects
};

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

START_TEST(every_provider_has_words_for_every_error)
{
    for (size_t i = 0; i < DIALECTS; i++)
        for (size_t k = 0; fault_names[k]; k++) {
            unsigned found = 0;

            for (const struct fault_words *words = fault_words_of(dialects[i]); words->name;
                 words++)
                found += text_is(text_of(words->name), text_of(fault_names[k]));
            ck_assert_msg(found == 1, "%s: %u times %s", dialects[i]->name, found, fault_names[k]);
        }
}
END_TEST

START_TEST(an_error_is_read_as_it_was_told)
{
    for (size_t i = 0; i < DIALECTS; i++)
        for (size_t k = 0; fault_names[k]; k++) {
            struct rule rule = rule_default;
            struct reply *reply = reply_new(arena);
            struct dialect_error error;
            hg_json doc;

            rule.error = text_of(fault_names[k]);
            struct fault fault = fault_of(arena, dialects[i], &rule, 500);

            fault_answer(reply, dialects[i], &fault);
            ck_assert(json_parse(arena, reply->pieces[0].bytes, &doc, NULL));
            ck_assert_uint_eq(reply->status, fault.status);
            if (fault.status < 400)
                continue;
            dialects[i]->read_error(arena, doc, &error);
            ck_assert(text_is(error.message, fault.message));
        }
}
END_TEST

struct seen {
    unsigned errors;
    hg_str message;
};

static void on_event(void *arg, const hg_event *event)
{
    struct seen *seen = arg;

    seen->errors += event->type == HG_EV_ERROR;
    if (event->type == HG_EV_ERROR)
        seen->message = arena_text(arena, event->text);
}

START_TEST(an_error_in_a_stream_is_one_and_the_last_event)
{
    for (size_t i = 0; i < DIALECTS; i++) {
        struct seen seen = {0};
        struct dialect_sink sink = {on_event, &seen};
        struct dialect_reader *reader = dialects[i]->reader_new(arena, HG_R_CHAT, &sink);
        struct reply *reply = reply_new(arena);
        struct fault fault = fault_of(arena, dialects[i], &rule_default, 429);
        struct frame frame;

        fault_event(reply, dialects[i], &fault);
        ck_assert_uint_eq(reply->count, 1);
        ck_assert(frame_parse(arena, dialects[i]->framing, reply->pieces[0].bytes, &frame));
        ck_assert(frame.is_error || dialects[i]->framing != HG_FRAME_AWS);
        dialects[i]->reader_frame(reader, arena, frame.event, frame.data);
        dialects[i]->reader_end(reader);
        ck_assert_msg(seen.errors == 1, "%s", dialects[i]->name);
        ck_assert(text_is(seen.message, fault.message));
    }
}
END_TEST

START_TEST(words_of_a_rule_stand_in_the_place_of_the_providers)
{
    struct rule rule = rule_default;

    rule.status = 400;
    rule.error_message = HG_S("oops");
    struct fault fault = fault_of(arena, &dialect_anthropic, &rule, 500);

    ck_assert_uint_eq(fault.status, 400);
    ck_assert(text_is(fault.type, HG_S("invalid_request_error")));
    ck_assert(text_is(fault.message, HG_S("oops")));
}
END_TEST

START_TEST(google_tells_in_the_body_how_long_to_wait)
{
    struct rule rule = rule_default;
    struct reply *reply = reply_new(arena);

    rule.status = 429;
    rule.retry_after = HG_S("7");
    struct fault fault = fault_of(arena, &dialect_gemini, &rule, 500);

    fault_answer(reply, &dialect_gemini, &fault);
    ck_assert_ptr_nonnull(strstr(arena_cstr(arena, reply->pieces[0].bytes), "\"7s\""));
}
END_TEST

RUN_SUITE_WITH("fault", setup, teardown, every_provider_has_words_for_every_error,
               an_error_is_read_as_it_was_told, an_error_in_a_stream_is_one_and_the_last_event,
               words_of_a_rule_stand_in_the_place_of_the_providers,
               google_tells_in_the_body_how_long_to_wait)
