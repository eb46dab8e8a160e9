#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/channel.h"
#include "support/suite.h"

static int ends[2];

static void setup(void)
{
    ck_assert(channel_open(ends));
}

static void teardown(void)
{
    close(ends[0]);
    close(ends[1]);
}

START_TEST(words_arrive_whole_and_in_order)
{
    ck_assert(channel_say(ends[0], CHANNEL_DRAIN, 2500, NULL));
    ck_assert(channel_say(ends[0], CHANNEL_FAILED, 0, "no such plugin"));
    struct channel_message first = channel_hear(ends[1]);
    struct channel_message second = channel_hear(ends[1]);

    ck_assert_uint_eq(first.word, CHANNEL_DRAIN);
    ck_assert_uint_eq(first.value, 2500);
    ck_assert_str_eq(first.text, "");
    ck_assert_uint_eq(second.word, CHANNEL_FAILED);
    ck_assert_str_eq(second.text, "no such plugin");
}
END_TEST

START_TEST(nothing_is_a_word_too)
{
    ck_assert_uint_eq(channel_hear(ends[1]).word, CHANNEL_NOTHING);
}
END_TEST

START_TEST(last_words_are_heard_before_the_end)
{
    channel_say(ends[0], CHANNEL_READY, 0, NULL);
    close(ends[0]);
    ck_assert_uint_eq(channel_hear(ends[1]).word, CHANNEL_READY);
    ck_assert_uint_eq(channel_hear(ends[1]).word, CHANNEL_GONE);
    ck_assert(!channel_say(ends[1], CHANNEL_DRAIN, 0, NULL));
    ends[0] = dup(ends[1]);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
    char text[4096];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert(channel_say(ends[0], CHANNEL_FAILED, 0, text));
    struct channel_message message = channel_hear(ends[1]);

    ck_assert_uint_eq(strlen(message.text), sizeof message.text - 1);
}
END_TEST

START_TEST(what_is_too_short_for_a_word_ends_the_talk)
{
    send(ends[0], "hey", 3, 0);
    ck_assert_uint_eq(channel_hear(ends[1]).word, CHANNEL_GONE);
}
END_TEST

RUN_SUITE_WITH("process/channel", setup, teardown, words_arrive_whole_and_in_order,
               nothing_is_a_word_too, last_words_are_heard_before_the_end, a_long_text_is_cut,
               what_is_too_short_for_a_word_ends_the_talk)
