#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "json/splice.h"

static struct arena *arena;
static struct splice *splice;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json opened(const char *text)
{
    hg_json root = {0};

    ck_assert(json_parse(arena, text_of(text), &root, NULL));
    splice = splice_new(arena, root);
    return root;
}

static void gives(const char *expected)
{
    struct chain *out = chain_new(arena);
    hg_json root;

    splice_into(splice, out);
    hg_str text = chain_flat(out, arena);

    ck_assert_msg(text_is(text, text_of(expected)), "'%.*s' is not '%s'", TEXT_ARG(text), expected);
    ck_assert(json_parse(arena, text, &root, NULL));
}

static void set(const char *place, const char *raw)
{
    ck_assert(splice_set(splice, place, text_of(raw)));
}

START_TEST(untouched_bytes_stay_as_they_are)
{
    opened(" {\"model\" : \"a\",\n\t\"x\":[1 , 2],\"stream\": true } ");
    gives(" {\"model\" : \"a\",\n\t\"x\":[1 , 2],\"stream\": true } ");
    ck_assert(!splice_changes(splice));
    ck_assert(splice_set_str(splice, "model", HG_S("b\"c")));
    set("/x/1", "{}");
    ck_assert(splice_changes(splice));
    gives(" {\"model\" : \"b\\\"c\",\n\t\"x\":[1 , {}],\"stream\": true } ");
}
END_TEST

START_TEST(a_missing_member_is_appended)
{
    opened("{\"a\": 1 }");
    set("b", "2");
    set("/c/d", "3");
    set("/c/e", "4");
    set("b", "5");
    gives("{\"a\": 1,\"b\":5,\"c\":{\"d\":3,\"e\":4} }");
    opened("{ }");
    set("b", "2");
    set("c", "3");
    gives("{\"b\":2,\"c\":3 }");
    opened("{\"o\":{}}");
    set("/o/p/q", "1");
    set("z", "2");
    gives("{\"o\":{\"p\":{\"q\":1}},\"z\":2}");
}
END_TEST

START_TEST(usage_is_asked_for_whether_options_are_there_or_not)
{
    opened("{\"stream\":true}");
    set("/stream_options/include_usage", "true");
    gives("{\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    opened("{\"stream_options\":{\"x\": 1},\"stream\":true}");
    set("/stream_options/include_usage", "true");
    gives("{\"stream_options\":{\"x\": 1,\"include_usage\":true},\"stream\":true}");
    opened("{\"stream_options\":{\"include_usage\":false}}");
    set("/stream_options/include_usage", "true");
    gives("{\"stream_options\":{\"include_usage\":true}}");
    opened("{\"stream_options\": null,\"a\":1}");
    set("/stream_options/include_usage", "true");
    gives("{\"stream_options\": {\"include_usage\":true},\"a\":1}");
}
END_TEST

START_TEST(a_way_through_something_else_is_refused)
{
    opened("{\"a\":\"text\",\"b\":[1]}");
    ck_assert(!splice_set(splice, "/a/b", HG_S("1")));
    ck_assert(!splice_set(splice, "/b/1", HG_S("1")));
    ck_assert(!splice_set(splice, "/b/x", HG_S("1")));
    ck_assert(!splice_set(splice, "/c~9", HG_S("1")));
    ck_assert(!splice_remove(splice, "/b/0"));
    ck_assert(!splice_remove(splice, ""));
    ck_assert(splice_remove(splice, "/c/d"));
    gives("{\"a\":\"text\",\"b\":[1]}");
    ck_assert(!splice_changes(splice));
}
END_TEST

START_TEST(members_go_with_their_comma)
{
    static const struct {
        const char *keys, *left;
    } cases[] = {{"a", "{ \"b\" :2 , \"c\":3 }"},
                 {"b", "{ \"a\":1 , \"c\":3 }"},
                 {"c", "{ \"a\":1 , \"b\" :2 }"},
                 {"ab", "{ \"c\":3 }"},
                 {"ba", "{ \"c\":3 }"},
                 {"bc", "{ \"a\":1 }"},
                 {"ac", "{ \"b\" :2 }"},
                 {"abc", "{  }"},
                 {"cba", "{  }"},
                 {"aab", "{ \"c\":3 }"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opened("{ \"a\":1 , \"b\" :2 , \"c\":3 }");
        for (const char *key = cases[i].keys; *key; key++)
            ck_assert(splice_remove(splice, (char[]){*key, 0}));
        gives(cases[i].left);
    }
}
END_TEST

START_TEST(removing_and_setting_go_together)
{
    opened("{\"a\":1,\"b\":{\"x\":1,\"y\":2}}");
    ck_assert(splice_remove(splice, "a"));
    ck_assert(splice_remove(splice, "/b/y"));
    set("c", "3");
    gives("{\"b\":{\"x\":1},\"c\":3}");
    ck_assert(splice_remove(splice, "b"));
    gives("{\"c\":3}");
    set("/b/x", "9");
    gives("{\"b\":{\"x\":9},\"c\":3}");
    set("a", "true");
    ck_assert(splice_remove(splice, "c"));
    gives("{\"a\":true,\"b\":{\"x\":9}}");
    set("/b/x", "8");
    ck_assert(splice_remove(splice, "/b/q"));
    gives("{\"a\":true,\"b\":{\"x\":8}}");
    ck_assert(splice_remove(splice, "/b/x"));
    gives("{\"a\":true,\"b\":{}}");
}
END_TEST

START_TEST(a_larger_change_takes_the_place_of_smaller_ones)
{
    hg_json root = opened("{\"m\":[{\"c\":\"a\"},{\"c\":\"b\"}],\"n\":1}");

    splice_replace_str(splice, json_get(root, "/m/1/c"), HG_S("\xFF\n"));
    splice_replace(splice, json_get(root, "/m/0/c"), HG_S("null"));
    gives("{\"m\":[{\"c\":null},{\"c\":\"\xEF\xBF\xBD\\n\"}],\"n\":1}");
    set("/m", "[{\"c\":1}]");
    splice_replace(splice, json_get(root, "/m/0/c"), HG_S("\"lost\""));
    gives("{\"m\":[{\"c\":1}],\"n\":1}");
    set("/m/0/c", "2");
    set("/m/0/d", "3");
    gives("{\"m\":[{\"c\":2,\"d\":3}],\"n\":1}");
    set("", "{\"whole\":1}");
    gives("{\"whole\":1}");
    splice_replace(splice, (hg_json){0}, HG_S("1"));
    gives("{\"whole\":1}");
}
END_TEST

START_TEST(equal_keys_below_the_top_all_go)
{
    opened("{\"o\":{\"a\":1,\"b\":2,\"\\u0061\":3}}");
    ck_assert(splice_remove(splice, "/o/a"));
    gives("{\"o\":{\"b\":2}}");
}
END_TEST

START_TEST(a_member_of_an_object_at_hand_goes)
{
    hg_json root = opened("{\"l\":[{\"a\":1,\"b\":2},{\"a\":3}]}");

    splice_remove_member(splice, json_get(root, "/l/0"), HG_S("a"));
    splice_remove_member(splice, json_get(root, "/l/1"), HG_S("a"));
    splice_remove_member(splice, json_get(root, "/l/1"), HG_S("x"));
    splice_remove_member(splice, json_get(root, "/l"), HG_S("a"));
    gives("{\"l\":[{\"b\":2},{}]}");
    set("/l", "[]");
    splice_remove_member(splice, json_get(root, "/l/0"), HG_S("b"));
    gives("{\"l\":[]}");
}
END_TEST

START_TEST(a_key_with_slashes_is_a_key)
{
    opened("{\"a/b~c\":1}");
    set("a/b~c", "2");
    set("d\"/e", "3");
    gives("{\"a/b~c\":2,\"d\\\"/e\":3}");
}
END_TEST

START_TEST(a_place_too_deep_is_refused)
{
    char place[2 * CHAIN_DEPTH + 6];

    for (int i = 0; i < CHAIN_DEPTH + 1; i++)
        memcpy(place + 2 * i, "/x", 3);
    opened("{\"x\":null}");
    ck_assert(!splice_set(splice, strcat(place, "/x"), HG_S("1")));
    gives("{\"x\":null}");
}
END_TEST

RUN_SUITE_WITH("json/splice", setup, teardown, untouched_bytes_stay_as_they_are,
               a_missing_member_is_appended, usage_is_asked_for_whether_options_are_there_or_not,
               a_way_through_something_else_is_refused, members_go_with_their_comma,
               removing_and_setting_go_together, a_larger_change_takes_the_place_of_smaller_ones,
               equal_keys_below_the_top_all_go, a_member_of_an_object_at_hand_goes,
               a_key_with_slashes_is_a_key, a_place_too_deep_is_refused)
