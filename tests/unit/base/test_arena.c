#include <string.h>

#include "base/arena.h"
#include "support/suite.h"

static int order[3], ended;

static void note(void *arg)
{
    order[ended++] = *(int *)arg;
}

START_TEST(memory_is_aligned_and_stays_apart)
{
    struct arena *arena = arena_new();
    char *a = arena_alloc(arena, 1), *b = arena_alloc(arena, 17);

    ck_assert_uint_eq((uintptr_t)a % 16, 0);
    ck_assert_uint_eq((uintptr_t)b % 16, 0);
    ck_assert_ptr_ne(a, b);
    arena_free(&arena);
    ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(a_large_piece_leaves_room_in_the_block_before)
{
    struct arena *arena = arena_new();
    char *small = arena_alloc(arena, 16), *large = arena_alloc(arena, 100000);
    char *next = arena_alloc(arena, 16);

    memset(large, 1, 100000);
    ck_assert_ptr_eq(next, small + 16);
    arena_free(&arena);
}
END_TEST

START_TEST(endings_run_newest_first)
{
    static int one = 1, two = 2, three = 3;
    struct arena *arena = arena_new();

    ended = 0;
    arena_on_end(arena, note, &one);
    arena_on_end(arena, note, &two);
    arena_on_end(arena, note, &three);
    arena_free(&arena);
    ck_assert_int_eq(ended, 3);
    ck_assert_int_eq(order[0], 3);
    ck_assert_int_eq(order[2], 1);
}
END_TEST

START_TEST(recycled_blocks_do_not_leak_old_bytes_through_zalloc)
{
    struct arena *arena = arena_new();

    memset(arena_alloc(arena, 512), 0xff, 512);
    arena_free(&arena);
    arena = arena_new();
    const char *fresh = arena_zalloc(arena, 512);

    for (int i = 0; i < 512; i++)
        ck_assert_int_eq(fresh[i], 0);
    arena_free(&arena);
}
END_TEST

START_TEST(formatted_text_knows_its_length)
{
    struct arena *arena = arena_new();
    hg_str text = arena_fmt(arena, "%s-%d", "a", 42);

    ck_assert_uint_eq(text.n, 4);
    ck_assert_str_eq(text.p, "a-42");
    arena_free(&arena);
    arena_free(&arena); /* NULL is fine */
}
END_TEST

RUN_SUITE("arena", memory_is_aligned_and_stays_apart, a_large_piece_leaves_room_in_the_block_before,
          endings_run_newest_first, recycled_blocks_do_not_leak_old_bytes_through_zalloc,
          formatted_text_knows_its_length)
