#include "dialect/vectors.h"

#include <check.h>
#include <stdlib.h>

#include "base/text.h"
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

static void becomes(const char *data, const char *expected)
{
    hg_str got = vectors_base64(arena, text_of(data));

    ck_assert_msg(text_is(got, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(got),
                  expected);
}

/* pitfall 115: 1.0 is 00 00 80 3f, -2.5 is 00 00 20 c0 */
START_TEST(numbers_become_little_endian_floats)
{
    becomes("[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1,-2.5]},{\"index\":1,"
            "\"embedding\":[]}]",
            "[{\"object\":\"embedding\",\"index\":0,\"embedding\":\"AACAPwAAIMA=\"},{\"index\":1,"
            "\"embedding\":\"\"}]");
}
END_TEST

START_TEST(what_is_no_list_of_numbers_stays)
{
    becomes("[{\"embedding\":\"AAAA\"}]", "[{\"embedding\":\"AAAA\"}]");
    becomes("{}", "{}");
    becomes("broken", "broken");
}
END_TEST

RUN_SUITE_WITH("vectors", setup, teardown, numbers_become_little_endian_floats,
               what_is_no_list_of_numbers_stays)
