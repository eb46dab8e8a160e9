/* parse.h - bytes become a head. The only user of http-parser.
 *
 * Stricter than the RFC asks: whatever two implementations might read differently is refused, for
 * that is how requests are smuggled. Bodies are not its business. */
#pragma once

#include "base/arena.h"
#include "http/head.h"

struct head_limits {
    size_t line;   /* of the start line, in bytes */
    size_t head;   /* of the whole head, in bytes */
    size_t fields; /* at most HEAD_FIELDS_MAX */
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
 * zeroed for each head. */
struct head_scan {
    size_t at, line_start, lines;
    bool after_cr, name_done;
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
