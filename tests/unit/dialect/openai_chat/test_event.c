/* Events of a stream: the plain ones are told by a search, the others are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

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

RUN_SUITE_WITH("dialect/openai_chat/event", setup, teardown,
               plain_events_are_told_without_reading_them, no_place_of_a_mark_is_overlooked,
               events_are_read)
