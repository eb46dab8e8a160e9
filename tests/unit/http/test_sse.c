#include "base/text.h"
#include "http/sse.h"
#include "support/suite.h"

START_TEST(only_whole_events_are_counted)
{
    struct sse_scan scan = {0};

    ck_assert_uint_eq(sse_scan_ends(&scan, HG_S("data: a\n")), 0);
    ck_assert_uint_eq(sse_scan_ends(&scan, HG_S("\ndata: b\n\ndata")), 10);
    ck_assert_uint_eq(sse_scan_ends(&scan, HG_S(": c\r\n\r\n")), 7);
    ck_assert_uint_eq(sse_scan_ends(&scan, HG_S("data: d\r\r")), 9);
}
END_TEST

START_TEST(every_cut_of_a_stream_finds_the_same_events)
{
    static const char stream[] = "data: one\n\n: ping\n\ndata: two\r\n\r\ndata: three\n\n";
    size_t n = sizeof stream - 1;

    for (size_t cut = 0; cut <= n; cut++) {
        struct sse_scan scan = {0};
        size_t first = sse_scan_ends(&scan, (hg_str){stream, cut});
        size_t second = sse_scan_ends(&scan, (hg_str){stream + cut, n - cut});

        ck_assert_uint_eq(second ? cut + second : first, n);
    }
}
END_TEST

START_TEST(the_first_event_ends_at_its_blank_line)
{
    ck_assert_uint_eq(sse_first(HG_S("data: a\n\ndata: b\n\n")), 9);
    ck_assert_uint_eq(sse_first(HG_S("data: a\r\n\r\nx")), 11);
    ck_assert_uint_eq(sse_first(HG_S("data: a\n")), 0);
}
END_TEST

/* However it is cut, and each byte is looked at once. */
START_TEST(an_event_that_grows_is_found_without_a_second_look)
{
    static const char stream[] = ": a\r\rdata: b\n\ndata: c\r\ndata: d\r\n\r\n\n\r\n\r\rdata: e\n";
    hg_str all = {stream, sizeof stream - 1};

    for (size_t step = 1; step < 9; step++) {
        for (size_t from = 0; from < all.n; from++) {
            struct sse_look look = {0, false};
            size_t n = step;
            hg_str grown = {all.p + from, n};

            for (; from + n <= all.n; n += step) {
                grown.n = n;
                size_t got = sse_first_from(grown, &look), want = sse_first(grown);

                ck_assert_uint_eq(got, want);
                if (got)
                    break;
                ck_assert(look.at == n || (look.at == n - 1 && grown.p[n - 1] == '\r'));
            }
        }
    }
}
END_TEST

START_TEST(fields_are_read_as_the_standard_says)
{
    struct arena *arena = arena_new();
    struct sse_event event;

    sse_parse(arena, HG_S("event: error\nid: 7\nretry: 15\ndata:one\ndata: two\ndata\n\n"), &event);
    ck_assert(text_is(event.event, HG_S("error")));
    ck_assert(text_is(event.id, HG_S("7")));
    ck_assert_int_eq(event.retry_ms, 15);
    ck_assert(text_is(event.data, HG_S("one\ntwo\n")));
    sse_parse(arena, HG_S(": just a comment\n\n"), &event);
    ck_assert(!event.has_data);
    ck_assert(text_is(event.event, HG_S("message")));
    arena_free(&arena);
}
END_TEST

RUN_SUITE("sse", only_whole_events_are_counted, every_cut_of_a_stream_finds_the_same_events,
          the_first_event_ends_at_its_blank_line,
          an_event_that_grows_is_found_without_a_second_look, fields_are_read_as_the_standard_says)
