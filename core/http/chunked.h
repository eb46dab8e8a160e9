/* chunked.h - the chunked transfer coding, read incrementally and strictly. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

struct chunked {
    uint64_t left; /* payload bytes of the present chunk */
    uint32_t line; /* bytes of the present size line or of the trailers */
    uint8_t state;
    bool digits, done, bad;
};

/* Reads from `in` up to the end of one piece of payload. Returns how many bytes were used up;
 * *ret_piece is the payload among them, or empty. Call it until it has used up everything or `done`
 * or `bad` is set. Trailers are read and dropped. */
size_t chunked_read(struct chunked *chunked, hg_str in, hg_str *ret_piece);

/* Writes the size line of a chunk of `n` bytes; returns its length. */
enum {
    CHUNKED_LINE_MAX = 18
};
size_t chunked_line(char line[CHUNKED_LINE_MAX], size_t n);
