#include "base/text.h"
#include "http/parse.h"
#include "support/suite.h"

static struct arena *arena;
static struct head head;
static const char *reason;
static const struct head_limits limits = {.line = 100, .head = 500, .fields = 8};

/* The last one stays within reach, which is no leak. */
static void arena_renew(void)
{
    arena_free(&arena);
    arena = arena_new();
}

static enum parse_result request(const char *bytes)
{
    struct head_scan scan = {0};

    arena_renew();
    reason = "";
    return parse_request(arena, &scan, text_of(bytes), &limits, &head, &reason);
}

#define HOST "Host: h\r\n"

START_TEST(a_plain_request_is_read)
{
    ck_assert_int_eq(request("POST /v1/x?a=b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n"
                             "X-Thing:  some value \r\n\r\nhello"),
                     PARSE_OK);
    ck_assert_int_eq(head.method, METHOD_POST);
    ck_assert(text_is(head.path, HG_S("/v1/x")));
    ck_assert(text_is(head.query, HG_S("a=b")));
    ck_assert_int_eq(head.content_length, 5);
    ck_assert(head.keep_alive);
    ck_assert(text_is(head_field(&head, HG_S("x-thing")), HG_S("some value")));
}
END_TEST

START_TEST(a_head_that_drips_in_is_read_like_one_that_comes_at_once)
{
    const char *bytes = "GET / HTTP/1.1\r\n" HOST "A: b\r\n\r\n";
    struct head_scan scan = {0};
    size_t n = strlen(bytes);

    arena_renew();
    for (size_t i = 1; i < n; i++)
        ck_assert_int_eq(parse_request(arena, &scan, (hg_str){bytes, i}, &limits, &head, &reason),
                         PARSE_MORE);
    ck_assert_int_eq(parse_request(arena, &scan, (hg_str){bytes, n}, &limits, &head, &reason),
                     PARSE_OK);
    ck_assert_uint_eq(head.size, n);
    ck_assert_uint_eq(head.field_count, 2);
}
END_TEST

/* Each of these is read differently by some server or proxy. */
static const char *const doubtful[] = {
    "GET / HTTP/1.1\n" HOST "\r\n",
    "GET / HTTP/1.1\r\n" HOST "\n",
    "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST HOST "\r\n",
    "GET http://other/ HTTP/1.1\r\n" HOST "\r\n",
    "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n",
    "GET /a/../b HTTP/1.1\r\n" HOST "\r\n",
    "GET /a/%2e%2E/b HTTP/1.1\r\n" HOST "\r\n",
    "GET /a\\b HTTP/1.1\r\n" HOST "\r\n",
    "GET /#x HTTP/1.1\r\n" HOST "\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
};

START_TEST(whatever_could_be_read_in_two_ways_is_refused)
{
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
        enum parse_result result = request(doubtful[i]);

        ck_assert_msg(result == PARSE_BAD || result == PARSE_CODING, "taken: %s", doubtful[i]);
        ck_assert_str_ne(reason, "");
    }
}
END_TEST

START_TEST(limits_have_answers_of_their_own)
{
    char bytes[1200] = "GET /";

    memset(bytes + 5, 'a', 200);
    ck_assert_int_eq(request(bytes), PARSE_LONG_LINE);
    ck_assert_int_eq(
        request("GET / HTTP/1.1\r\n" HOST
                "A: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"),
        PARSE_LARGE);
    ck_assert_int_eq(request("GET / HTTP/2.0\r\n" HOST "\r\n"), PARSE_VERSION);
}
END_TEST

START_TEST(a_path_has_one_spelling)
{
    ck_assert_int_eq(request("GET //v1///models/ HTTP/1.1\r\n" HOST "\r\n"), PARSE_OK);
    ck_assert(text_is(head.path, HG_S("/v1/models/")));
    ck_assert_int_eq(request("GET http://H/v1/x HTTP/1.1\r\n" HOST "\r\n"), PARSE_OK);
    ck_assert(text_is(head.path, HG_S("/v1/x")));
}
END_TEST

START_TEST(a_response_is_read)
{
    struct head_scan scan = {0};

    arena_renew();
    ck_assert_int_eq(parse_response(arena, &scan,
                                    HG_S("HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n"
                                         "Connection: close\r\n\r\n"),
                                    &limits, &head, &reason),
                     PARSE_OK);
    ck_assert_int_eq(head.status, 429);
    ck_assert(head.chunked);
    ck_assert(!head.keep_alive);
}
END_TEST

RUN_SUITE("parse", a_plain_request_is_read,
          a_head_that_drips_in_is_read_like_one_that_comes_at_once,
          whatever_could_be_read_in_two_ways_is_refused, limits_have_answers_of_their_own,
          a_path_has_one_spelling, a_response_is_read)
