#include <zlib.h>

#include "base/text.h"
#include "http/inflate.h"
#include "support/suite.h"

static char packed[4096];

/* `window` as zlib has it: 31 for gzip, 15 for what HTTP calls deflate. */
static hg_str pack(hg_str text, int window)
{
    z_stream z = {0};

    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (z_const Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)packed;
    z.avail_out = sizeof packed;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return (hg_str){packed, sizeof packed - z.avail_out};
}

/* The text of `bytes` that come `step` at a time; "broken" or "cut" if it is none. */
static hg_str read_all(struct arena *arena, hg_str bytes, size_t step)
{
    struct inflate *inflating = inflate_new(arena);
    struct chain *out = chain_new(arena);
    hg_str piece;

    while (bytes.n) {
        hg_str in = {bytes.p, bytes.n < step ? bytes.n : step};
        enum inflated inflated;

        bytes = (hg_str){bytes.p + in.n, bytes.n - in.n};
        while ((inflated = inflate_next(inflating, &in, &piece)) == INFLATED_PIECE)
            chain_put(out, piece.p, piece.n);
        if (inflated == INFLATED_BROKEN)
            return HG_S("broken");
        ck_assert_uint_eq(in.n, 0);
    }
    return inflate_is_whole(inflating) ? chain_flat(out, arena) : HG_S("cut");
}

START_TEST(a_text_comes_out_however_it_is_cut)
{
    struct arena *arena = arena_new();
    char *text = arena_alloc(arena, 100000);

    for (int i = 0; i < 100000; i++)
        text[i] = (char)('a' + i / 7 % 13);
    for (int window = 15; window <= 31; window += 16) {
        hg_str bytes = pack((hg_str){text, 100000}, window);

        for (size_t step = 1; step < 4096; step = step * 3 + 1)
            ck_assert(text_is(read_all(arena, bytes, step), (hg_str){text, 100000}));
    }
    arena_free(&arena);
}
END_TEST

START_TEST(what_is_broken_or_cut_is_told)
{
    struct arena *arena = arena_new();
    hg_str bytes = pack(HG_S("hello hello hello"), 31);

    for (size_t n = 1; n < bytes.n; n++)
        ck_assert(text_is(read_all(arena, (hg_str){bytes.p, n}, 5), HG_S("cut")));
    for (size_t i = 10; i < bytes.n; i++) {
        packed[i] ^= 0x55;
        ck_assert(!text_is(read_all(arena, bytes, 5), HG_S("hello hello hello")));
        packed[i] ^= 0x55;
    }
    memcpy(packed + bytes.n, "tail", 4);
    ck_assert(text_is(read_all(arena, (hg_str){packed, bytes.n + 4}, 5), HG_S("broken")));
    arena_free(&arena);
}
END_TEST

START_TEST(a_whole_body_has_a_limit)
{
    struct arena *arena = arena_new();
    struct chain *body = chain_new(arena), *out = chain_new(arena);
    hg_str bytes = pack(HG_S("hello hello hello"), 31);

    chain_put_const(body, bytes.p, 3);
    chain_put_const(body, bytes.p + 3, bytes.n - 3);
    ck_assert_int_eq(inflate_body(arena, body, 17, out), INFLATED_ALL);
    ck_assert(text_is(chain_flat(out, arena), HG_S("hello hello hello")));
    ck_assert_int_eq(inflate_body(arena, body, 16, chain_new(arena)), INFLATED_LARGE);
    arena_free(&arena);
}
END_TEST

START_TEST(codings_have_names)
{
    ck_assert_int_eq(coding_of(HG_S("")), CODING_NONE);
    ck_assert_int_eq(coding_of(HG_S(" Identity ")), CODING_NONE);
    ck_assert_int_eq(coding_of(HG_S("GZip")), CODING_COMPRESSED);
    ck_assert_int_eq(coding_of(HG_S("deflate")), CODING_COMPRESSED);
    ck_assert_int_eq(coding_of(HG_S("br")), CODING_UNKNOWN);
    ck_assert_int_eq(coding_of(HG_S("gzip, gzip")), CODING_UNKNOWN);
}
END_TEST

RUN_SUITE("inflate", a_text_comes_out_however_it_is_cut, what_is_broken_or_cut_is_told,
          a_whole_body_has_a_limit, codings_have_names)
