/* Where answers come from beside the API itself: scripts and recordings. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asking.h"
#include "simulate/drill.h"
#include "simulate/replay.h"
#include "support/suite.h"

static char folder[] = "/tmp/headgate-simulate-XXXXXX";
static struct asking asking;
static struct error error;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/headgate-simulate-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    asking_begin(&asking, METHOD_POST, "/v1/chat/completions", "{\"model\":\"gpt-4o\",\"n\":1}");
    error = (struct error){0};
}

static const char *file(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void teardown(void)
{
    unlink(file("one.json"));
    unlink(file("two.json"));
    unlink(file("script"));
    rmdir(folder);
    asking_end(&asking);
}

static const char *write_file(const char *name, const char *text)
{
    FILE *out = fopen(file(name), "w");

    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    return file(name);
}

/* The status that the script gives the next request. */
static uint64_t drilled(struct drill *drill)
{
    asking.rule = rule_default;
    ck_assert_msg(drill_apply(drill, &asking.ask, &asking.rule, &error), "%s", error.text);
    return asking.rule.status;
}

START_TEST(rules_are_used_in_order_and_as_often_as_they_say)
{
    struct drill *drill = drill_open(
        write_file("script", "{\"answer\":{\"status\":503},\"count\":2}\n"
                             "{\"match\":{\"model\":\"other*\"},\"answer\":{\"status\":500}}\n"
                             "{\"match\":{\"model\":\"gpt-4*\"},\"answer\":{\"status\":429}}\n"),
        &error);

    ck_assert_msg(drill != NULL, "%s", error.text);
    ck_assert_uint_eq(drilled(drill), 503);
    ck_assert_uint_eq(drilled(drill), 503);
    ck_assert_uint_eq(drilled(drill), 429);
    ck_assert_uint_eq(drilled(drill), 429);
    drill_free(&drill);
}
END_TEST

START_TEST(a_script_may_be_one_array_and_match_headers_and_bodies)
{
    struct drill *drill = drill_open(
        write_file("script", "[{\"match\":{\"headers\":{\"X-User\":\"b*\"}},"
                             "\"answer\":{\"status\":401}},\n"
                             " {\"match\":{\"contains\":\"gpt-4o\"},\"answer\":{\"status\":402}}]"),
        &error);

    ck_assert_msg(drill != NULL, "%s", error.text);
    ck_assert_uint_eq(drilled(drill), 402);
    asking.fields[0] = (struct field){.name = HG_S("x-user"), .value = HG_S("bob")};
    asking.head.field_count = 1;
    ck_assert_uint_eq(drilled(drill), 401);
    drill_free(&drill);
}
END_TEST

START_TEST(a_wrong_script_is_refused_with_the_place)
{
    static const char *const bad[][2] = {
        {"{\"answer\":{\"statsu\":1}}", "did you mean \"status\""},
        {"{\"match\":{\"modle\":\"x\"},\"answer\":{}}", "did you mean model"},
        {"{\"answer\":{},\"count\":0}", "count"},
        {"{\"answers\":{}}", "object \"answer\""},
        {"{\"answer\":{}}\n{", "rule 2"},
        {"[1]", "rule 1"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(drill_open(write_file("script", bad[i][0]), &error));
        ck_assert_msg(strstr(error.text, bad[i][1]) != NULL, "%s", error.text);
    }
    ck_assert_ptr_null(drill_open(file("absent"), &error));
}
END_TEST

static const char one[] =
    "{\"id\":\"p/001-one\",\"request\":{\"method\":\"post\",\"url\":\"https://h/x/v1/chat/"
    "completions?a=b\",\"headers\":{},\"body\":\"{\\\"n\\\": 1, \\\"model\\\": \\\"gpt-4o\\\"}\"},"
    "\"response\":{\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\","
    "\"x-a\":\"b\",\"content-length\":\"9\"},\"is_stream\":true,"
    "\"body\":\"data: 1\\n\\ndata: 2\\n\\ndata: [DO\"}}";

static const char two[] =
    "{\"id\":\"p/002-two\",\"request\":null,"
    "\"response\":{\"status\":418,\"headers\":{},\"is_stream\":false,\"body_base64\":\"AP8Q\"}}";

static struct replay *replay_made(void)
{
    write_file("one.json", one);
    write_file("two.json", two);
    struct replay *replay = replay_open(folder, &error);

    ck_assert_msg(replay != NULL, "%s", error.text);
    ck_assert_uint_eq(replay_count(replay), 2);
    return replay;
}

START_TEST(a_recording_answers_the_request_that_equals_its_own)
{
    struct replay *replay = replay_made();

    replay_answer(replay, &asking.ask, asking.reply);
    ck_assert_uint_eq(asking.reply->status, 200);
    ck_assert(text_is(asking.reply->content_type, HG_S("text/event-stream")));
    ck_assert(text_is(asking.reply->headers, HG_S("x-a: b\r\n")));
    ck_assert_uint_eq(asking.reply->count, 3);
    ck_assert_uint_eq(reply_len(asking.reply), 18 + 9);
    replay_free(&replay);
}
END_TEST

START_TEST(what_a_gateway_adds_for_usage_does_not_matter)
{
    struct replay *replay = replay_made();

    json_object_set_new((json_t *)(uintptr_t)asking.ask.document, "stream_options",
                        json_pack("{s:b}", "include_usage", 1));
    replay_answer(replay, &asking.ask, asking.reply);
    ck_assert_uint_eq(asking.reply->status, 200);
    replay_free(&replay);
}
END_TEST

START_TEST(another_request_is_told_the_nearest_recording)
{
    struct replay *replay = replay_made();

    json_object_set_new((json_t *)(uintptr_t)asking.ask.document, "n", json_integer(2));
    replay_answer(replay, &asking.ask, asking.reply);
    replay_free(&replay);
    hg_str body = asking.reply->pieces[0].bytes;

    ck_assert_uint_eq(asking.reply->status, 404);
    ck_assert_ptr_nonnull(memmem(body.p, body.n, "p/001-one", 9));
}
END_TEST

START_TEST(a_recording_can_be_chosen_by_its_id)
{
    struct replay *replay = replay_made();

    asking.rule.cassette = HG_S("p/002");
    replay_answer(replay, &asking.ask, asking.reply);
    ck_assert_uint_eq(asking.reply->status, 418);
    ck_assert(text_is(asking.reply->pieces[0].bytes, (hg_str){"\0\xff\x10", 3}));
    replay_free(&replay);
}
END_TEST

START_TEST(a_folder_without_recordings_is_refused)
{
    ck_assert_ptr_null(replay_open(folder, &error));
    ck_assert_ptr_null(replay_open(file("absent"), &error));
    write_file("one.json", "{\"id\": 1}");
    ck_assert_ptr_null(replay_open(folder, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "one.json"));
}
END_TEST

RUN_SUITE_WITH("sources", setup, teardown, rules_are_used_in_order_and_as_often_as_they_say,
               a_script_may_be_one_array_and_match_headers_and_bodies,
               a_wrong_script_is_refused_with_the_place,
               a_recording_answers_the_request_that_equals_its_own,
               what_a_gateway_adds_for_usage_does_not_matter,
               another_request_is_told_the_nearest_recording, a_recording_can_be_chosen_by_its_id,
               a_folder_without_recordings_is_refused)
