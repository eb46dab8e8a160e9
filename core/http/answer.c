#include "http/answer.h"

#include <time.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    DATE_LEN = 29
};

/* "Tue, 24 Nov 2026 15:00:00 GMT", made anew once a second. */
static const char *date_now(void)
{
    static struct {
        int64_t second;
        char text[DATE_LEN + 1];
    } made;
    int64_t second = clock_wall_us() / 1000000;

    if (second != made.second) {
        struct tm tm;
        time_t at = (time_t)second;

        gmtime_r(&at, &tm);
        strftime(made.text, sizeof made.text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        made.second = second;
    }
    return made.text;
}

static char *put_lit(char *at, const char *text)
{
    return put_mem(at, text, strlen(text));
}

hg_str answer_head(struct arena *arena, int status, const struct answer_fields *fields,
                   int64_t length, enum answer_connection connection)
{
    enum {
        FIXED = 256
    };
    size_t room = FIXED;

    for (unsigned i = 0; fields && i < fields->count; i++)
        room += fields->fields[i].name.n + fields->fields[i].value.n + 4;
    char *start = arena_alloc(arena, room), *at = put_lit(start, "HTTP/1.1 ");

    at = put_u64(at, (uint64_t)status);
    *at++ = ' ';
    at = put_lit(at, http_reason(status));
    at = put_lit(at, "\r\ndate: ");
    at = put_mem(at, date_now(), DATE_LEN);
    for (unsigned i = 0; fields && i < fields->count; i++) {
        at = put_mem(at, "\r\n", 2);
        at = put_text(at, fields->fields[i].name);
        at = put_mem(at, ": ", 2);
        at = put_text(at, fields->fields[i].value);
    }
    if (length >= 0 && status != 204) {
        at = put_lit(at, "\r\ncontent-length: ");
        at = put_u64(at, (uint64_t)length);
    } else if (length == ANSWER_CHUNKED) {
        at = put_lit(at, "\r\ntransfer-encoding: chunked");
    }
    if (connection == ANSWER_CLOSE)
        at = put_lit(at, "\r\nconnection: close");
    else if (connection == ANSWER_KEEP_ALIVE_1_0)
        at = put_lit(at, "\r\nconnection: keep-alive");
    else if (connection == ANSWER_UPGRADE)
        at = put_lit(at, "\r\nconnection: upgrade");
    at = put_lit(at, "\r\n\r\n");
    return (hg_str){start, (size_t)(at - start)};
}
