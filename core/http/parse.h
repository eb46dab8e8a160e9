/* parse.h - bytes become a head, in one pass.
 *
 * Stricter than the RFC asks: whatever two implementations might read differently is refused, for
 * that is how requests are smuggled. Bodies are not its business. */
#pragma once

#include "base/arena.h"
#include "http/head.h"

struct head_limits {
    size_t line; /* of the start line, in bytes */
    size_t head; /* of the whole head, in bytes; less than 4 GiB */
    size_t fields;
};

enum parse_result {
    PARSE_MORE, /* the head is not whole yet */
    PARSE_OK,
    PARSE_BAD,       /* 400 */
    PARSE_LONG_LINE, /* 414 */
    PARSE_LARGE,     /* 431 */
    PARSE_VERSION,   /* 505 */
    PARSE_CODING,    /* 501: a transfer coding other than chunked */
};

/* How far a head has been looked at, so that one that drips in is not read over and over. Start
 * zeroed for each head, and give the same arena until it is whole. */
struct head_place;

struct head_scan {
    size_t at;                         /* the next byte to look at */
    size_t line_start, colon;          /* of the present line; 0: no colon yet */
    size_t start_line, start_line_end; /* 0: it is not whole yet */
    struct head_place *places;         /* of the fields so far */
    unsigned count, room;
};

/* Looks at the head that begins at `bytes`, which must begin with what was given in the call
 * before. On PARSE_OK fills `ret`, whose views point into a copy in the arena, so `bytes` may go;
 * ret->size says how many of them were the head. On a refusal *ret_reason says why, as a static
 * text. */
enum parse_result parse_request(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                const struct head_limits *limits, struct head *ret,
                                const char **ret_reason);
enum parse_result parse_response(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                 const struct head_limits *limits, struct head *ret,
                                 const char **ret_reason);
