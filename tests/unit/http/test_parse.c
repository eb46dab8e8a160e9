#include <stdio.h>

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

/* Lenient readers take most of these. */
static const char *const no_start_lines[] = {
    "GET / HTTQ/1.1",
    "GET / HTTP]1.1",
    "GET / HTTP/1_1",
    "GET / http/1.1",
    "GET / HTTP/1.1 ",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / HTTP/11.1",
    "GET / HTTP/1.01",
    "get / HTTP/1.1",
    "GETS / HTTP/1.1",
    "G / HTTP/1.1",
    "GET",
    "GET ",
    "GET\t/ HTTP/1.1",
    "GET /\ta HTTP/1.1",
    "GET http://a@h/ HTTP/1.1",
    "GET http:/// HTTP/1.1",
    "GET h:1 HTTP/1.1",
    "GET *a HTTP/1.1",
};

START_TEST(a_request_line_has_three_parts_and_single_spaces)
{
    char bytes[200];

    for (size_t i = 0; i < sizeof no_start_lines / sizeof *no_start_lines; i++) {
        snprintf(bytes, sizeof bytes, "%s\r\n" HOST "\r\n", no_start_lines[i]);
        ck_assert_msg(request(bytes) == PARSE_BAD, "taken: %s", no_start_lines[i]);
    }
    ck_assert_int_eq(request("GET /\r\n" HOST "\r\n"), PARSE_VERSION);
    ck_assert_int_eq(request("TRACE / HTTP/1.1\r\n" HOST "\r\n"), PARSE_OK);
    ck_assert_int_eq(head.method, METHOD_OTHER);
    ck_assert_int_eq(request("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), PARSE_OK);
}
END_TEST

static enum parse_result response(const char *bytes)
{
    struct head_scan scan = {0};

    arena_renew();
    reason = "";
    return parse_response(arena, &scan, text_of(bytes), &limits, &head, &reason);
}

START_TEST(a_status_line_has_a_version_and_three_digits)
{
    static const char *const bad[] = {
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.1 20x",
        "HTTP/1.1  200",
        "HTTP/1.1 099 x",
        "HTTP/1.1 2x0",
        "HTTP/1.1,200",
        "HTTQ/1.1 200",
        "HTTP/1.1 200OK",
        "ICY 200 OK",
        "H",
    };
    char bytes[200];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(bytes, sizeof bytes, "%s\r\n\r\n", bad[i]);
        ck_assert_msg(response(bytes) == PARSE_BAD, "taken: %s", bad[i]);
    }
    ck_assert_int_eq(response("HTTP/1.1 200\r\n\r\n"), PARSE_OK);
    ck_assert_int_eq(response("HTTP/1.0 503 \r\n\r\n"), PARSE_OK);
    ck_assert_int_eq(head.status, 503);
    ck_assert_int_eq(head.minor, 0);
    ck_assert_int_eq(response("HTTP/2.0 200\r\n\r\n"), PARSE_VERSION);
}
END_TEST

/* ---- against a plain reader ---- */

static uint32_t dice = 7;

static unsigned roll(unsigned sides)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % sides;
}

/* Lines of names and values of all lengths around the sixteen bytes that are looked at together. */
static size_t head_roll(char *out)
{
    static const char names[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~!#";
    char *at = out + sprintf(out, "HTTP/1.1 200 OK\r\n");

    for (unsigned fields = roll(6); fields; fields--) {
        for (unsigned n = 1 + roll(40); n; n--)
            *at++ = names[roll(sizeof names - 1)];
        *at++ = ':';
        for (unsigned n = roll(50); n; n--)
            *at++ = roll(8) ? (char)(' ' + roll(95)) : "\t \x80\xff"[roll(4)];
        *at++ = '\r';
        *at++ = '\n';
    }
    *at++ = '\r';
    *at++ = '\n';
    if (roll(2)) /* mostly this makes it a bad one */
        out[17 + roll((unsigned)(at - out) - 17)] = (char)roll(256);
    return (size_t)(at - out);
}

static bool plain_is_token(unsigned char c)
{
    return c > ' ' && c < 127 && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* How many fields the lines have; -1: they are wrong somewhere, or do not end. */
static int plain_read(const char *p, size_t n, size_t *ret_size)
{
    size_t at = 17;
    int fields = 0;

    for (;; fields++) {
        size_t start = at;

        if (at + 2 <= n && p[at] == '\r' && p[at + 1] == '\n') {
            *ret_size = at + 2;
            return fields;
        }
        while (at < n && plain_is_token((unsigned char)p[at]))
            at++;
        if (at == start || at == n || p[at] != ':')
            return -1;
        while (at < n && (p[at] == '\t' || ((unsigned char)p[at] >= ' ' && p[at] != 127)))
            at++;
        if (at + 2 > n || p[at] != '\r' || p[at + 1] != '\n')
            return -1;
        at += 2;
    }
}

static bool field_is(const struct field *field, const char *line)
{
    size_t n = strcspn(line, ":"), end = strcspn(line, "\r");
    bool same = field->name.n == n;

    for (size_t i = 0; same && i < n; i++)
        same = field->name.p[i] == (line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 32 : line[i]);
    return same && text_is(field->value, text_trim((hg_str){line + n + 1, end - n - 1}));
}

START_TEST(many_bytes_at_once_are_read_as_one_by_one)
{
    static const struct head_limits wide = {.line = 100, .head = 2000, .fields = 8};

    for (int round = 0; round < 20000; round++) {
        char bytes[1000];
        struct head_scan scan = {0};
        size_t n = head_roll(bytes), size = 0;
        int fields = plain_read(bytes, n, &size);
        hg_str own = {memcpy(malloc(n), bytes, n), n}; /* so that a look beyond the end is seen */

        arena_renew();
        enum parse_result result = parse_response(arena, &scan, own, &wide, &head, &reason);

        free((void *)(uintptr_t)own.p);
        if (result == PARSE_BAD && fields >= 0) /* a field's meaning, not its form */
            ck_assert(strstr(reason, "Content-Length") || strstr(reason, "Transfer-Encoding"));
        else
            ck_assert_msg((result == PARSE_OK) == (fields >= 0), "%d %s", round, reason);
        if (result != PARSE_OK)
            continue;
        ck_assert_uint_eq(head.size, size);
        ck_assert_int_eq((int)head.field_count, fields);
        const char *line = bytes + 17;

        for (int i = 0; i < fields; i++, line = strchr(line, '\n') + 1)
            ck_assert_msg(field_is(&head.fields[i], line), "%d: %s", round, line);
    }
}
END_TEST

START_TEST(known_names_are_recognised_and_their_neighbours_are_not)
{
    static const struct {
        const char *name;
        enum field_id id;
    } rows[] = {
        {"TE", FIELD_HOP_BY_HOP},
        {"hosT", FIELD_HOST},
        {"hose", FIELD_OTHER},
        {"Expect", FIELD_EXPECT},
        {"upgrade", FIELD_HOP_BY_HOP},
        {"Trailer", FIELD_HOP_BY_HOP},
        {"trailes", FIELD_OTHER},
        {"Connection", FIELD_CONNECTION},
        {"connectiox", FIELD_OTHER},
        {"Keep-Alive", FIELD_HOP_BY_HOP},
        {"Content-Type", FIELD_CONTENT_TYPE},
        {"content_type", FIELD_OTHER},
        {"Authorization", FIELD_AUTHORIZATION},
        {"Proxy-Connection", FIELD_HOP_BY_HOP},
        {"Proxy-Authenticate", FIELD_HOP_BY_HOP},
        {"Proxy-Authorization", FIELD_HOP_BY_HOP},
        {"content-lengthy", FIELD_OTHER},
    };
    char bytes[200];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\n%s: x\r\n\r\n", rows[i].name);
        ck_assert_int_eq(response(bytes), PARSE_OK);
        ck_assert_msg(head.fields[0].id == rows[i].id, "%s", rows[i].name);
    }
}
END_TEST

RUN_SUITE("parse", a_request_line_has_three_parts_and_single_spaces,
          a_status_line_has_a_version_and_three_digits, many_bytes_at_once_are_read_as_one_by_one,
          known_names_are_recognised_and_their_neighbours_are_not, a_plain_request_is_read,
          a_head_that_drips_in_is_read_like_one_that_comes_at_once,
          whatever_could_be_read_in_two_ways_is_refused, limits_have_answers_of_their_own,
          a_path_has_one_spelling, a_response_is_read)
