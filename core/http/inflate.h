/* inflate.h - bodies that were compressed on their way (content-encoding: gzip, deflate), piece by
 * piece as they come. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/chain.h"

enum coding {
    CODING_NONE, /* nothing is to be done */
    CODING_COMPRESSED,
    CODING_UNKNOWN /* one that we cannot read, or several */
};

/* By the value of a content-encoding field. */
enum coding coding_of(hg_str content_encoding);

enum inflated {
    INFLATED_PIECE,  /* there may be more */
    INFLATED_ALL,    /* of what has come */
    INFLATED_BROKEN, /* it is not what it said, or goes on behind its end */
    INFLATED_LARGE   /* only of inflate_body */
};

struct inflate;

/* Its memory, about 60 KB, goes with the arena. */
struct inflate *inflate_new(struct arena *arena);

/* Takes what it needs off the front of `in`. A piece is good until the next call. */
enum inflated inflate_next(struct inflate *inflating, hg_str *in, hg_str *ret);

/* Whether what has come ends where it says that it ends. */
bool inflate_is_whole(const struct inflate *inflate);

/* All of a body of at most `max` bytes, appended to `out`. */
enum inflated inflate_body(struct arena *arena, const struct chain *body, size_t max,
                           struct chain *out);
