#include "http/sse.h"

#include "base/text.h"

static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

size_t sse_scan_ends(struct sse_scan *scan, hg_str in)
{
    const char *at = in.p, *end = in.p + in.n, *last = in.p;

    while (at < end) {
        if (scan->after_cr && *at == '\n') {
            scan->after_cr = false;
            /* The LF of a CRLF that already ended the event goes with it. */
            if (!scan->in_event && last == at)
                last = at + 1;
            at++;
            continue;
        }
        scan->after_cr = false;
        const char *stop = line_end(at, end);

        if (stop > at)
            scan->in_line = scan->in_event = true;
        if (stop == end)
            break;
        scan->after_cr = *stop == '\r';
        at = stop + 1;
        if (!scan->in_line) {
            scan->in_event = false;
            last = at;
        }
        scan->in_line = false;
    }
    return (size_t)(last - in.p);
}

size_t sse_first_from(hg_str in, struct sse_look *look)
{
    const char *at = in.p + look->at, *end = in.p + in.n;

    while (at < end) {
        const char *stop = line_end(at, end);

        look->in_line |= stop > at;
        at = stop;
        if (stop == end || (look->in_line && *stop == '\r' && stop + 1 == end))
            break;
        at += *stop == '\r' && stop + 1 < end && stop[1] == '\n' ? 2 : 1;
        if (!look->in_line)
            return (size_t)(at - in.p);
        look->in_line = false;
    }
    look->at = (size_t)(at - in.p);
    return 0;
}

size_t sse_first(hg_str in)
{
    struct sse_look look = {0, false};

    return in.n ? sse_first_from(in, &look) : 0;
}

/* Adds a line of data behind those before it. The first one stays a view. */
static void data_add(struct arena *arena, struct sse_event *event, hg_str value)
{
    if (event->has_data) {
        char *joined = arena_alloc(arena, event->data.n + 1 + value.n), *at = joined;

        at = put_text(at, event->data);
        *at++ = '\n';
        put_text(at, value);
        value = (hg_str){joined, event->data.n + 1 + value.n};
    }
    event->data = value;
    event->has_data = true;
}

static void line_read(struct arena *arena, hg_str line, struct sse_event *event)
{
    hg_str value;
    uint64_t retry;
    hg_str name = text_cut(line, ':', &value);

    if (value.n && *value.p == ' ')
        value.p++, value.n--;
    if (text_is(name, HG_S("data")))
        data_add(arena, event, value);
    else if (text_is(name, HG_S("event")))
        event->event = value;
    else if (text_is(name, HG_S("id")) && !(value.n && memchr(value.p, 0, value.n)))
        event->id = value;
    else if (text_is(name, HG_S("retry")) && text_to_u64(value, &retry) && retry <= INT64_MAX)
        event->retry_ms = (int64_t)retry;
}

void sse_parse(struct arena *arena, hg_str bytes, struct sse_event *ret)
{
    const char *at = bytes.p, *end = bytes.p + bytes.n;

    *ret = (struct sse_event){.retry_ms = -1};
    while (at < end) {
        const char *stop = line_end(at, end);

        if (stop > at)
            line_read(arena, (hg_str){at, (size_t)(stop - at)}, ret);
        if (stop < end && *stop == '\r' && stop + 1 < end && stop[1] == '\n')
            stop++;
        at = stop + 1;
    }
    if (ret->event.n == 0)
        ret->event = HG_S("message");
}
