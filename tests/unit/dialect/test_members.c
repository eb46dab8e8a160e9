/* Members of a request by a table: where each goes, and what says nothing. */
#include "dialect/members.h"

#include "base/text.h"
#include "dialect/dialect.h"
#include "support/suite.h"
#include "json/index.h"

struct reading {
    struct chat chat;
    bool refuses;
    hg_json seen;
};

static struct arena *arena;
static struct reading reading;

static bool other_read(struct reading *at, hg_json value)
{
    at->seen = value;
    return !at->refuses;
}

static const struct member table[] = {
    MEMBER("a", NUMBER, max_tokens),
    MEMBER("b", NUMBER, max_tokens),
    MEMBER("word", WORD, model),
    MEMBER("raw", RAW, metadata),
    MEMBER("text", TEXT, user),
    MEMBER("flag", FLAG, logprobs),
    MEMBER("yes", YES, is_stream),
    MEMBER_READ("other", other_read),
    MEMBER_SKIPPED("skipped"),
    MEMBER_OF_ITS_OWN("own"),
    MEMBERS_END,
};

static void setup(void)
{
    arena = arena_new();
    reading = (struct reading){.refuses = false};
    chat_begin(&reading.chat, &dialect_openai_chat);
}

static void teardown(void)
{
    arena_free(&arena);
}

static bool reads(const char *json)
{
    hg_json doc;

    ck_assert(json_parse(arena, text_of(json), &doc, NULL));
    return members_read(table, arena, &reading.chat, &reading, doc);
}

START_TEST(each_kind_goes_to_its_place)
{
    ck_assert(reads("{\"a\":1.50,\"word\":\"m\",\"raw\":{\"x\":1},\"text\":\"t\",\"flag\":false,"
                    "\"yes\":true,\"other\":[2],\"skipped\":3}"));
    ck_assert(text_is(reading.chat.max_tokens, HG_S("1.50")));
    ck_assert(text_is(reading.chat.model, HG_S("m")));
    ck_assert(text_is(reading.chat.metadata, HG_S("{\"x\":1}")));
    ck_assert(text_is(reading.chat.user.s, HG_S("t")));
    ck_assert_int_eq(reading.chat.logprobs, CHAT_NO);
    ck_assert(reading.chat.is_stream);
    ck_assert_int_eq(reading.seen.kind, HG_J_ARR);
    ck_assert_ptr_null(reading.chat.extra);
}
END_TEST

/* A client may send both names of one thing, the one that it does not use as null. */
START_TEST(null_says_nothing)
{
    ck_assert(reads("{\"a\":1,\"b\":null,\"word\":null,\"text\":null,\"flag\":null,\"yes\":null,"
                    "\"own\":null}"));
    ck_assert(text_is(reading.chat.max_tokens, HG_S("1")));
    ck_assert_int_eq(reading.chat.logprobs, CHAT_UNSET);
    ck_assert_ptr_null(reading.chat.user.s.p);
    ck_assert_ptr_null(reading.chat.extra);
}
END_TEST

START_TEST(what_has_no_place_is_an_extra_known_or_not)
{
    ck_assert(reads("{\"own\":1,\"n\\u0065w\":2}"));
    ck_assert(text_is(reading.chat.extra->key, HG_S("own")));
    ck_assert(reading.chat.extra->is_known);
    ck_assert(text_is(reading.chat.extra->next->key, HG_S("new")));
    ck_assert(!reading.chat.extra->next->is_known);
}
END_TEST

START_TEST(who_reads_a_member_may_refuse_it)
{
    reading.refuses = true;
    ck_assert(!reads("{\"other\":1,\"own\":2}"));
    ck_assert_ptr_null(reading.chat.extra);
}
END_TEST

RUN_SUITE_WITH("dialect/members", setup, teardown, each_kind_goes_to_its_place, null_says_nothing,
               what_has_no_place_is_an_extra_known_or_not, who_reads_a_member_may_refuse_it)
