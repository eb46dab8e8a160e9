#include <string.h>

#include "base/chain.h"
#include "support/suite.h"

static struct arena *arena;

#define ck_assert_text(text, literal)                  \
    do {                                               \
        ck_assert_uint_eq((text).n, strlen(literal));  \
        ck_assert_mem_eq((text).p, literal, (text).n); \
    } while (0)

START_TEST(small_copies_share_a_segment)
{
    arena = arena_new();
    struct chain *chain = chain_new(arena);

    for (int i = 0; i < 20; i++)
        chain_put(chain, "ab", 2);
    ck_assert_uint_eq(chain->count, 1);
    ck_assert_uint_eq(chain->len, 40);
    arena_free(&arena);
}
END_TEST

START_TEST(one_segment_is_flat_without_a_copy)
{
    static const char text[] = "static";

    arena = arena_new();
    struct chain *chain = chain_new(arena);

    chain_put_const(chain, text, 6);
    ck_assert_ptr_eq(chain_flat(chain, arena).p, text);
    chain_put(chain, "!", 1);
    ck_assert_text(chain_flat(chain, arena), "static!");
    arena_free(&arena);
}
END_TEST

START_TEST(a_range_of_another_chain_is_shared)
{
    arena = arena_new();
    struct chain *from = chain_new(arena), *to = chain_new(arena);

    for (int i = 0; i < 10; i++)
        CHAIN_PUT_LIT(from, "0123456789");
    chain_put_chain(to, from, 5, 12);
    ck_assert_text(chain_flat(to, arena), "567890123456");
    ck_assert_ptr_eq(to->segments[0].p, from->segments[0].p + 5);
    arena_free(&arena);
}
END_TEST

START_TEST(a_block_lives_until_its_last_chain_goes)
{
    struct block *block = block_new(8);
    struct arena *other = arena_new();

    arena = arena_new();
    memcpy(block->bytes, "in block", 8);
    struct chain *chain = chain_new(arena), *copy = chain_new(other);

    chain_put_block(chain, block, block->bytes, 8);
    chain_put_chain(copy, chain, 3, 5);
    block_unref(block);
    arena_free(&arena);
    ck_assert_uint_eq(block->refs, 1);
    ck_assert_text(chain_flat(copy, other), "block");
    arena_free(&other);
}
END_TEST

RUN_SUITE("chain", small_copies_share_a_segment, one_segment_is_flat_without_a_copy,
          a_range_of_another_chain_is_shared, a_block_lives_until_its_last_chain_goes)
