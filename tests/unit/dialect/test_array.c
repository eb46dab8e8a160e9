#include "dialect/array.h"

#include <check.h>
#include <headgate/provider.h>
#include <stdlib.h>

#include "base/chain.h"
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

/* What is sent when the stream comes in pieces of `most`. */
static hg_str sent(const char *stream, size_t most)
{
    struct array *array = array_new(arena, HG_FRAME_SSE);
    struct chain *all = chain_new(arena);
    hg_str rest = text_of(stream);

    while (rest.n) {
        size_t n = rest.n < most ? rest.n : most;

        array_add(array, (hg_str){rest.p, n});
        rest = (hg_str){rest.p + n, rest.n - n};
        chain_put(all, array_text(array).p, array_text(array).n);
        array_sent(array);
    }
    array_end(array);
    array_add(array, HG_S("data: late\n\n"));
    array_end(array);
    chain_put(all, array_text(array).p, array_text(array).n);
    return chain_flat(all, arena);
}

static void becomes(const char *stream, const char *expected)
{
    for (size_t most = 1; most < 20; most++) {
        hg_str got = sent(stream, most);

        ck_assert_msg(text_is(got, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(got),
                      expected);
    }
}

START_TEST(events_become_elements_however_they_are_cut)
{
    becomes("data: {\"a\":1}\r\n\r\n: ping\r\n\r\ndata: {\"b\":2}\r\n\r\n",
            "[{\"a\":1},\r\n{\"b\":2}]\n");
}
END_TEST

START_TEST(the_last_event_may_lack_its_blank_line)
{
    becomes("data: {\"a\":1}\n\ndata: {\"b\":2}", "[{\"a\":1},\r\n{\"b\":2}]\n");
}
END_TEST

START_TEST(a_stream_of_nothing_is_an_empty_array)
{
    becomes("", "[]\n");
    becomes(": ping\n\n", "[]\n");
}
END_TEST

START_TEST(an_event_goes_out_as_soon_as_it_is_whole)
{
    struct array *array = array_new(arena, HG_FRAME_SSE);

    array_add(array, HG_S("data: {}\n"));
    ck_assert_uint_eq(array_text(array).n, 0);
    array_add(array, HG_S("\nda"));
    ck_assert(text_is(array_text(array), HG_S("[{}")));
}
END_TEST

RUN_SUITE_WITH("array", setup, teardown, events_become_elements_however_they_are_cut,
               the_last_event_may_lack_its_blank_line, a_stream_of_nothing_is_an_empty_array,
               an_event_goes_out_as_soon_as_it_is_whole)
