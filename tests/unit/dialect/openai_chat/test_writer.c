/* Normalised events as answers of this format, in a stream and whole. */
#include <string.h>

#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

static hg_str flat(const struct chain *chain)
{
    return chain_flat(chain, arena);
}

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

RUN_SUITE_WITH("dialect/openai_chat/writer", setup, teardown,
               normalised_events_become_a_whole_answer,
               normalised_events_become_a_stream_that_means_the_same,
               an_error_comes_before_the_end_mark_of_a_failed_answer)
