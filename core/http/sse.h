/* sse.h - server-sent events: where one ends, and what is in it (WHATWG HTML, section 9.2). */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/* Finds ends of events in a stream that arrives in pieces. Start zeroed. */
struct sse_scan {
    bool in_line;  /* the present line has a byte */
    bool in_event; /* the present event has a line with a byte */
    bool after_cr; /* an LF that comes next belongs to that CR */
};

/* Looks at the next bytes of the stream. Returns how many of them belong to events that are whole
 * now, that is, up to and including the last blank line; 0 if no event ends here. A blank line
 * whose CR is the last byte counts at once: an LF that follows is then an event of its own without
 * content, which no reader dispatches. */
size_t sse_scan_ends(struct sse_scan *scan, hg_str in);

/* Up to and including the end of the first event in `in`; 0 if none ends there. */
size_t sse_first(hg_str in);

/* How far an event has been looked at whose end has not come yet. Start zeroed. */
struct sse_look {
    size_t at;
    bool in_line;
};

/* The same for an event that grows: `in` is all of it so far, and no byte is looked at twice but a
 * CR at the end, whose LF may come. */
size_t sse_first_from(hg_str in, struct sse_look *look);

struct sse_event {
    hg_str event; /* "message" if it was not given */
    hg_str data;
    hg_str id;
    int64_t retry_ms; /* less than 0: not given */
    bool has_data;    /* without it the event is not dispatched: a comment, a ping */
};

/* Reads one whole event, its blank line included. `data` is a view if it stood on one line, else it
 * is joined in the arena. A BOM is for the caller to skip. */
void sse_parse(struct arena *arena, hg_str bytes, struct sse_event *ret);
