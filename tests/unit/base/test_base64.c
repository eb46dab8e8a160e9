#include "base/base64.h"

#include "base/text.h"
#include "support/suite.h"

START_TEST(bytes_go_both_ways)
{
    struct arena *arena = arena_new();

    for (size_t n = 0; n < 20; n++) {
        hg_str bytes = {"\x00\xff"
                        "any bytes \x80 at all!",
                        n};
        hg_str text = base64_encode(arena, bytes.p, bytes.n);

        ck_assert_uint_eq(text.n, (n + 2) / 3 * 4);
        ck_assert(text_is(base64_decode(arena, text), bytes));
    }
    arena_free(&arena);
}
END_TEST

START_TEST(breaks_and_the_alphabet_of_urls_are_taken)
{
    struct arena *arena = arena_new();

    ck_assert(text_is(base64_decode(arena, HG_S("+/+/")), base64_decode(arena, HG_S("-_\r\n-_"))));
    arena_free(&arena);
}
END_TEST

RUN_SUITE("base64", bytes_go_both_ways, breaks_and_the_alphabet_of_urls_are_taken)
