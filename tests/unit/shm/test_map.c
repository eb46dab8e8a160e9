#include "shm/map.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "shm/slot.h"

#include "support/suite.h"
#include "unit/shm/children.h"

static struct region *region;
static struct map *map;

#define SPACE HG_S("test")

static void setup(void)
{
    region = new_region(&(struct region_plan){.slots = 4});
    map = region_map(region);
    clock_freeze(1000 * NS_PER_S);
}

static void teardown(void)
{
    clock_freeze(0);
    region_free(&region);
}

static hg_str text(const char *s)
{
    return (hg_str){s, strlen(s)};
}

static void expect(const char *key, const char *value)
{
    struct buffer out = {0};

    ck_assert_int_eq(map_get(map, SPACE, text(key), &out), HG_OK);
    ck_assert_uint_eq(out.len, strlen(value));
    ck_assert(out.len == 0 || memcmp(buffer_at(&out), value, out.len) == 0);
    buffer_done(&out);
}

static void expect_miss(const char *key)
{
    struct buffer out = {0};

    ck_assert_int_eq(map_get(map, SPACE, text(key), &out), HG_MISS);
    ck_assert_uint_eq(out.len, 0);
}

START_TEST(what_is_set_can_be_got_replaced_and_removed)
{
    expect_miss("k");
    ck_assert_int_eq(map_set(map, SPACE, HG_S("k"), HG_S("first"), 0), HG_OK);
    expect("k", "first");
    ck_assert_int_eq(map_set(map, SPACE, HG_S("k"), HG_S(""), 0), HG_OK);
    expect("k", "");
    ck_assert_int_eq(map_remove(map, SPACE, HG_S("k")), HG_OK);
    ck_assert_int_eq(map_remove(map, SPACE, HG_S("k")), HG_MISS);
    expect_miss("k");
    ck_assert_uint_eq(map_stats(map).used, 0);
}
END_TEST

START_TEST(spaces_do_not_meet)
{
    struct buffer out = {0};

    map_set(map, HG_S("ab"), HG_S("c"), HG_S("1"), 0);
    ck_assert_int_eq(map_get(map, HG_S("a"), HG_S("bc"), &out), HG_MISS);
    ck_assert_int_eq(map_get(map, HG_S(""), HG_S("abc"), &out), HG_MISS);
}
END_TEST

START_TEST(values_of_every_size_come_back_whole)
{
    static char value[MAP_VALUE_MAX + 1], key[MAP_KEY_MAX + 1];
    struct buffer out = {0};

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(i * 31 >> 3);
    memset(key, 'k', sizeof key);
    for (size_t n = 0; n <= MAP_VALUE_MAX; n += n < 600 ? 1 : 4095) {
        hg_str at = {key, 1 + n % 300};

        ck_assert_int_eq(map_set(map, SPACE, at, (hg_str){value, n}, 0), HG_OK);
        ck_assert_int_eq(map_get(map, SPACE, at, &out), HG_OK);
        ck_assert_uint_eq(out.len, n);
        ck_assert(n == 0 || memcmp(buffer_at(&out), value, n) == 0);
        buffer_done(&out);
    }
    ck_assert_int_eq(map_set(map, SPACE, HG_S("k"), (hg_str){value, MAP_VALUE_MAX + 1}, 0),
                     HG_E_TOOBIG);
    ck_assert_int_eq(map_set(map, SPACE, (hg_str){key, MAP_KEY_MAX - 4}, HG_S("v"), 0), HG_OK);
    ck_assert_int_eq(map_set(map, SPACE, (hg_str){key, MAP_KEY_MAX - 3}, HG_S("v"), 0),
                     HG_E_TOOBIG);
}
END_TEST

START_TEST(a_value_ends_with_its_ttl)
{
    map_set(map, SPACE, HG_S("k"), HG_S("v"), 10 * NS_PER_S);
    clock_freeze(1009 * NS_PER_S);
    expect("k", "v");
    clock_freeze(1010 * NS_PER_S);
    expect_miss("k");
    map_set(map, SPACE, HG_S("k"), HG_S("v"), INT64_MAX);
    expect("k", "v");
}
END_TEST

START_TEST(numbers_add_up_and_keep_their_end)
{
    int64_t n;

    ck_assert_int_eq(map_add(map, SPACE, HG_S("n"), 5, 10 * NS_PER_S, &n), HG_OK);
    ck_assert_int_eq(n, 5);
    clock_freeze(1006 * NS_PER_S);
    ck_assert_int_eq(map_add(map, SPACE, HG_S("n"), -7, 10 * NS_PER_S, &n), HG_OK);
    ck_assert_int_eq(n, -2);
    expect("n", "-2");
    clock_freeze(1010 * NS_PER_S);
    map_add(map, SPACE, HG_S("n"), 1, 0, &n);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(a_text_that_is_a_number_can_be_added_to)
{
    int64_t n;

    map_set(map, SPACE, HG_S("n"), HG_S("-9223372036854775808"), 0);
    ck_assert_int_eq(map_add(map, SPACE, HG_S("n"), -1, 0, &n), HG_OK);
    ck_assert(n == INT64_MIN);
    map_set(map, SPACE, HG_S("n"), HG_S("9223372036854775807"), 0);
    map_add(map, SPACE, HG_S("n"), 3, 0, &n);
    ck_assert(n == INT64_MAX);
    static const char *const bad[] = {
        "", "-", "1.5", "x", "9223372036854775808", "-9223372036854775809", "+1", " 1"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        map_set(map, SPACE, HG_S("n"), text(bad[i]), 0);
        ck_assert_int_eq(map_add(map, SPACE, HG_S("n"), 1, 0, &n), HG_E_INPUT);
        expect("n", bad[i]);
    }
}
END_TEST

START_TEST(cas_sets_only_what_it_expects)
{
    hg_str none = {0};

    ck_assert_int_eq(map_cas(map, SPACE, HG_S("k"), HG_S("x"), HG_S("y"), 0), HG_MISS);
    ck_assert_int_eq(map_cas(map, SPACE, HG_S("k"), none, HG_S("a"), 0), HG_OK);
    ck_assert_int_eq(map_cas(map, SPACE, HG_S("k"), none, HG_S("b"), 0), HG_MISS);
    ck_assert_int_eq(map_cas(map, SPACE, HG_S("k"), HG_S("a"), HG_S("b"), 0), HG_OK);
    expect("k", "b");
    map_add(map, SPACE, HG_S("n"), 7, 0, NULL);
    ck_assert_int_eq(map_cas(map, SPACE, HG_S("n"), HG_S("7"), HG_S("b"), 0), HG_OK);
}
END_TEST

START_TEST(the_coldest_go_when_there_is_no_room)
{
    static char value[1000];
    struct buffer out = {0};
    char key[32];

    map_set(map, SPACE, HG_S("warm"), HG_S("stays"), 0);
    for (int i = 0; i < 40000; i++) {
        hg_str at = {key, (size_t)snprintf(key, sizeof key, "key %d", i)};

        ck_assert(map_set(map, SPACE, at, (hg_str){value, sizeof value}, 0) == HG_OK);
        if (map_get(map, SPACE, HG_S("warm"), &out) != HG_OK)
            ck_abort_msg("what is used all the time was evicted");
        buffer_done(&out);
    }
    struct map_stats stats = map_stats(map);

    ck_assert_uint_gt(stats.evicted, 20000);
    ck_assert_uint_gt(stats.entries, 10000);
    ck_assert_uint_le(stats.used, stats.size);
    expect_miss("key 0");
    ck_assert_int_eq(map_get(map, SPACE, HG_S("key 39999"), &out), HG_OK);
    buffer_done(&out);
}
END_TEST

START_TEST(large_and_small_values_make_room_for_each_other)
{
    static char value[MAP_VALUE_MAX];
    struct buffer out = {0};
    uint32_t random = 7;
    char key[32];

    for (int i = 0; i < 30000; i++) {
        random = random * 1664525 + 1013904223;
        hg_str at = {key, (size_t)snprintf(key, sizeof key, "%u", random >> 20)};
        size_t n = (random & 15) ? random >> 8 & 127 : (random >> 8 & 0xffff);

        memset(value, (char)n, n);
        ck_assert(map_set(map, SPACE, at, (hg_str){value, n}, 0) == HG_OK);
        ck_assert(map_get(map, SPACE, at, &out) == HG_OK && out.len == n &&
                  (n == 0 || memcmp(buffer_at(&out), value, n) == 0));
        buffer_done(&out);
    }
}
END_TEST

START_TEST(a_bucket_gives_its_burst_and_then_its_rate)
{
    hg_ns wait;

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 1, &wait), HG_OK);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 1, &wait), HG_E_RATE);
    ck_assert_int_eq(wait, 100 * NS_PER_MS);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 3, &wait), HG_E_RATE);
    ck_assert_int_eq(wait, 300 * NS_PER_MS);
    clock_freeze(1000 * NS_PER_S + 100 * NS_PER_MS);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 1, &wait), HG_OK);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 1, NULL), HG_E_RATE);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 6, &wait), HG_E_RATE);
    ck_assert(wait == INT64_MAX);
    clock_freeze(2000 * NS_PER_S);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 5, &wait), HG_OK);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 10, 5, 1, &wait), HG_E_RATE);
}
END_TEST

START_TEST(a_bucket_that_makes_no_sense_is_refused)
{
    hg_ns wait;

    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), (double)NAN, 5, 1, &wait), HG_E_INPUT);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), -1, 5, 1, &wait), HG_E_INPUT);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 1, 0, 1, &wait), HG_E_INPUT);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 1, 5, -1, &wait), HG_E_INPUT);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("b"), 1, (double)INFINITY, 1, &wait), HG_E_INPUT);
    map_set(map, SPACE, HG_S("text"), HG_S("x"), 0);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("text"), 1, 1, 1, &wait), HG_E_INPUT);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("never"), 0, 1, 1, &wait), HG_OK);
    ck_assert_int_eq(map_take(map, SPACE, HG_S("never"), 0, 1, 1, &wait), HG_E_RATE);
    ck_assert(wait == INT64_MAX);
}
END_TEST

static void take_all_i_can(struct region *shared, unsigned number)
{
    uint64_t taken = 0;

    for (int i = 0; i < 2000; i++)
        taken += map_take(region_map(shared), SPACE, HG_S("limit"), 0, 1000, 1, NULL) == HG_OK;
    atomic_store(&region_slot(shared, number)->accepted, taken);
}

START_TEST(processes_share_one_bucket)
{
    uint64_t taken = 0;
    pid_t pids[4];

    for (unsigned i = 0; i < 4; i++)
        pids[i] = child_start(take_all_i_can, region, i);
    for (unsigned i = 0; i < 4; i++) {
        child_wait(pids[i]);
        taken += atomic_load(&region_slot(region, i)->accepted);
    }
    ck_assert_uint_eq(taken, 1000);
}
END_TEST

static void add_for_a_while(struct region *shared, unsigned number)
{
    (void)number;
    for (int i = 0; i < 50000; i++)
        map_add(region_map(shared), SPACE, HG_S("n"), 1, 0, NULL);
}

START_TEST(processes_share_one_number)
{
    pid_t pids[4];

    for (unsigned i = 0; i < 4; i++)
        pids[i] = child_start(add_for_a_while, region, i);
    for (unsigned i = 0; i < 4; i++)
        child_wait(pids[i]);
    expect("n", "200000");
}
END_TEST

/* Each value is one repeated byte, so a torn one shows. */
static void write_for_ever(struct region *shared, unsigned number)
{
    static char value[MAP_VALUE_MAX];
    uint32_t random = number + (uint32_t)getpid();
    char key[16];

    for (;;) {
        random = random * 1664525 + 1013904223;
        hg_str at = {key, (size_t)snprintf(key, sizeof key, "%u", random >> 24)};

        memset(value, (char)(random >> 16), sizeof value);
        map_set(region_map(shared), SPACE, at, (hg_str){value, random % sizeof value}, 0);
    }
}

static bool is_one_byte(const struct buffer *value)
{
    for (size_t i = 1; i < value->len; i++)
        if (buffer_at(value)[i] != buffer_at(value)[0])
            return false;
    return true;
}

START_TEST(shards_whose_owner_was_killed_are_emptied_and_used_on)
{
    struct buffer out = {0};
    char key[16];

    for (int round = 0; round < 100; round++) {
        pid_t pid = child_start(write_for_ever, region, (unsigned)round);

        usleep(500 + (unsigned)rand() % 2000);
        child_kill(pid);
        for (int i = 0; i < 256; i++) {
            hg_str at = {key, (size_t)snprintf(key, sizeof key, "%d", i)};

            map_get(map, SPACE, at, &out);
            ck_assert(is_one_byte(&out));
            buffer_done(&out);
        }
    }
    ck_assert_uint_gt(map_stats(map).emptied, 0);
    map_set(map, SPACE, HG_S("k"), HG_S("v"), 0);
    expect("k", "v");
}
END_TEST

RUN_SUITE_WITH("map", setup, teardown, what_is_set_can_be_got_replaced_and_removed,
               spaces_do_not_meet, values_of_every_size_come_back_whole, a_value_ends_with_its_ttl,
               numbers_add_up_and_keep_their_end, a_text_that_is_a_number_can_be_added_to,
               cas_sets_only_what_it_expects, the_coldest_go_when_there_is_no_room,
               large_and_small_values_make_room_for_each_other,
               a_bucket_gives_its_burst_and_then_its_rate, a_bucket_that_makes_no_sense_is_refused,
               processes_share_one_bucket, processes_share_one_number,
               shards_whose_owner_was_killed_are_emptied_and_used_on)
