#include "http/inflate.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    PIECE = 16 * 1024,
    WINDOW = MAX_WBITS + 32 /* gzip or zlib, whichever it is: some mistake one for the other */
};

struct inflate {
    z_stream z;
    bool is_over;
    unsigned char piece[PIECE];
};

enum coding coding_of(hg_str content_encoding)
{
    hg_str word = text_trim(content_encoding);

    if (!word.n || text_is_nocase(word, HG_S("identity")))
        return CODING_NONE;
    if (text_is_nocase(word, HG_S("gzip")) || text_is_nocase(word, HG_S("x-gzip")) ||
        text_is_nocase(word, HG_S("deflate")))
        return CODING_COMPRESSED;
    return CODING_UNKNOWN;
}

static void inflate_done(void *arg)
{
    struct inflate *inflate = arg;

    inflateEnd(&inflate->z);
    free(inflate);
}

struct inflate *inflate_new(struct arena *arena)
{
    struct inflate *inflate = xcalloc(1, sizeof *inflate);

    ensure(inflateInit2(&inflate->z, WINDOW) == Z_OK);
    arena_on_end(arena, inflate_done, inflate);
    return inflate;
}

enum inflated inflate_next(struct inflate *inflating, hg_str *in, hg_str *ret)
{
    z_stream *z = &inflating->z;
    uInt n = in->n < UINT_MAX ? (uInt)in->n : UINT_MAX;
    int rc = Z_OK;

    if (inflating->is_over && in->n) /* gzip may have several members, one behind the other */
        inflating->is_over = inflateReset(z) != Z_OK;
    if (inflating->is_over)
        return in->n ? INFLATED_BROKEN : INFLATED_ALL;
    z->next_in = (z_const Bytef *)(uintptr_t)in->p;
    z->avail_in = n;
    z->next_out = inflating->piece;
    z->avail_out = PIECE;
    rc = inflate(z, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return INFLATED_BROKEN;
    inflating->is_over = rc == Z_STREAM_END;
    in->p += n - z->avail_in;
    in->n -= n - z->avail_in;
    *ret = (hg_str){(const char *)inflating->piece, PIECE - z->avail_out};
    return ret->n || in->n ? INFLATED_PIECE : INFLATED_ALL;
}

bool inflate_is_whole(const struct inflate *inflate)
{
    return inflate->is_over;
}

enum inflated inflate_body(struct arena *arena, const struct chain *body, size_t max,
                           struct chain *out)
{
    struct inflate *inflate = inflate_new(arena);
    enum inflated inflated = INFLATED_ALL;
    hg_str piece;

    for (uint32_t i = 0; i < body->count; i++) {
        hg_str in = {body->segments[i].p, body->segments[i].n};

        while ((inflated = inflate_next(inflate, &in, &piece)) == INFLATED_PIECE) {
            if (out->len + piece.n > max)
                return INFLATED_LARGE;
            chain_put(out, piece.p, piece.n);
        }
        if (inflated == INFLATED_BROKEN)
            return inflated;
    }
    return inflate->is_over ? INFLATED_ALL : INFLATED_BROKEN;
}
