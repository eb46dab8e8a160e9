#include "area.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SIZE = 256 * 1024
};

static int file;
static void *segment;
static struct area area;

static void setup(void)
{
    file = memfd_create("area", MFD_CLOEXEC);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, SIZE), 0);
    segment = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ck_assert_ptr_ne(segment, MAP_FAILED);
    ck_assert_int_eq(area_open(&area, segment, SIZE), AREA_READY);
}

static void teardown(void)
{
    munmap(segment, SIZE);
    close(file);
}

/* A digest made of a number, spread like a real one. */
static const uint8_t *digest_of(uint64_t number)
{
    static uint8_t digest[AREA_DIGEST];

    for (size_t i = 0; i < AREA_DIGEST; i++) {
        number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
        digest[i] = (uint8_t)(number >> 33);
    }
    return digest;
}

static bool put(uint64_t number, const char *scope, hg_str value, hg_ns expires)
{
    struct area_key key = {digest_of(number), {scope, strlen(scope)}};

    return area_store(&area, &key, &value, 1, HG_S("meta"), 1, expires) >= 0;
}

static bool get(uint64_t number, const char *scope, hg_ns now, char *to, size_t *ret_n)
{
    struct area_key key = {digest_of(number), {scope, strlen(scope)}};
    struct area_found found;

    if (!area_find(&area, &key, now, &found))
        return false;
    if (ret_n)
        *ret_n = found.value_n;
    return !to || area_copy(&area, &key, &found, to);
}

START_TEST(what_is_stored_is_found)
{
    char copy[64];
    size_t n;

    ck_assert(!get(1, "a", 5, copy, &n));
    ck_assert(put(1, "a", HG_S("hello"), 100));
    ck_assert(get(1, "a", 5, copy, &n));
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(copy, "hellometa", 9);
    ck_assert_uint_eq(area_entries(&area), 1);
}
END_TEST

START_TEST(the_same_digest_in_another_scope_is_another_entry)
{
    ck_assert(put(1, "a", HG_S("for a"), 100));
    ck_assert(!get(1, "b", 5, NULL, NULL));
    ck_assert(!get(1, "", 5, NULL, NULL));
    ck_assert(!get(1, "ab", 5, NULL, NULL));
}
END_TEST

START_TEST(a_second_store_replaces_the_first)
{
    char copy[64];
    size_t n;

    ck_assert(put(1, "a", HG_S("one"), 100));
    ck_assert(put(1, "a", HG_S("two!"), 100));
    ck_assert(get(1, "a", 5, copy, &n));
    ck_assert_mem_eq(copy, "two!", 4);
    ck_assert_uint_eq(area_entries(&area), 1);
}
END_TEST

START_TEST(an_expired_entry_is_gone)
{
    ck_assert(put(1, "a", HG_S("x"), 100));
    ck_assert(get(1, "a", 99, NULL, NULL));
    ck_assert(!get(1, "a", 100, NULL, NULL));
    ck_assert_uint_eq(area_entries(&area), 0);
    ck_assert_uint_eq(area_bytes(&area), 0);
}
END_TEST

START_TEST(the_oldest_go_when_it_is_full)
{
    static char value[4096];
    size_t found = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        memset(value, (int)i, sizeof value);
        ck_assert(put(i, "a", (hg_str){value, 1 + i * 7 % 3000}, 100));
        ck_assert_uint_le(area_bytes(&area), area.ring_bytes);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        size_t n;

        if (get(i, "a", 5, value, &n)) {
            ck_assert_uint_eq(n, 1 + i * 7 % 3000);
            ck_assert_int_eq((unsigned char)value[n - 1], (unsigned char)i);
            found++;
        } else {
            ck_assert_uint_eq(found, 0); /* only the oldest are missing */
        }
    }
    ck_assert_uint_gt(found, 50);
    ck_assert_uint_eq(area_entries(&area), found);
}
END_TEST

START_TEST(an_entry_larger_than_half_a_shard_is_refused)
{
    static char value[SIZE];
    uint64_t most = area_entry_max(SIZE);

    ck_assert(put(1, "", (hg_str){value, most - 4}, 100));
    ck_assert(!put(2, "", (hg_str){value, most + 64}, 100));
    ck_assert(get(1, "", 5, value, NULL));
}
END_TEST

START_TEST(purge_takes_a_scope_an_entry_or_all)
{
    for (uint64_t i = 0; i < 20; i++)
        ck_assert(put(i, i % 2 ? "odd" : "even", HG_S("x"), 100));
    ck_assert_uint_eq(area_purge(&area, HG_S("odd"), digest_of(2)), 0);
    ck_assert_uint_eq(area_purge(&area, HG_S("odd"), digest_of(3)), 1);
    ck_assert_uint_eq(area_purge(&area, HG_S("odd"), NULL), 9);
    ck_assert(!get(1, "odd", 5, NULL, NULL));
    ck_assert(get(2, "even", 5, NULL, NULL));
    ck_assert_uint_eq(area_purge(&area, HG_S(""), NULL), 10);
    ck_assert_uint_eq(area_bytes(&area), 0);
    ck_assert(put(1, "odd", HG_S("again"), 100));
    ck_assert(get(1, "odd", 5, NULL, NULL));
}
END_TEST

START_TEST(a_second_process_finds_it_at_another_address)
{
    struct area other;
    char *again;
    char copy[16];

    ck_assert(put(7, "a", HG_S("shared"), 100));
    again = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ck_assert_ptr_ne(again, MAP_FAILED);
    ck_assert_ptr_ne(again, segment);
    ck_assert_int_eq(area_open(&other, again, SIZE), AREA_READY);
    area = other;
    ck_assert(get(7, "a", 5, copy, NULL));
    ck_assert_mem_eq(copy, "shared", 6);
    munmap(again, SIZE);
}
END_TEST

START_TEST(another_layout_is_refused)
{
    struct area other;

    ck_assert_int_eq(area_open(&other, segment, SIZE / 2), AREA_OTHER_LAYOUT);
}
END_TEST

START_TEST(a_preparer_that_died_is_replaced)
{
    void *fresh = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct area other;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    ck_assert_int_gt(pid, 0);
    *(uint64_t *)fresh = (uint64_t)pid << 8;
    ck_assert_int_eq(area_open(&other, fresh, SIZE), AREA_READY); /* a zombie by now, or gone */
    waitpid(pid, NULL, 0);
    munmap(fresh, SIZE);
}
END_TEST

START_TEST(a_living_preparer_is_waited_for_but_not_for_ever)
{
    void *fresh = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct area other;

    *(uint64_t *)fresh = (uint64_t)getpid() << 8;
    ck_assert_int_eq(area_open(&other, fresh, SIZE), AREA_BUSY);
    munmap(fresh, SIZE);
}
END_TEST

/* The lock is the first member of a shard. */
static pthread_mutex_t *lock_of_first_shard(void)
{
    return (pthread_mutex_t *)(void *)(area.base + 64);
}

/* A child that takes the first shard's lock and is killed, having done `harm`. */
static void die_in_shard(void (*harm)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_mutex_lock(lock_of_first_shard());
        harm();
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
}

static void harm_nothing(void)
{
}

static void harm_table(void)
{
    memset(area.base + area.table_offset + 64, 0x5a, 4096);
}

static void harm_head(void)
{
    *(uint64_t *)(void *)(area.base + 64 + sizeof(pthread_mutex_t)) += 40;
}

START_TEST(a_shard_whose_holder_died_is_emptied)
{
    static void (*const harms[])(void) = {harm_nothing, harm_table, harm_head};

    for (size_t i = 0; i < 3; i++) {
        ck_assert(put(1, "a", HG_S("x"), 100));
        die_in_shard(harms[i]);
        ck_assert(!get(1, "a", 5, NULL, NULL));
        ck_assert_uint_eq(area_entries(&area), 0);
        ck_assert_uint_eq(area_recovered(&area), i + 1);
        ck_assert(put(1, "a", HG_S("x"), 100));
        ck_assert(get(1, "a", 5, NULL, NULL));
        ck_assert_uint_eq(area_recovered(&area), i + 1);
    }
}
END_TEST

START_TEST(garbage_in_the_memory_is_survived)
{
    unsigned seed = 1;

    for (int round = 0; round < 300; round++) {
        for (uint64_t i = 0; i < 30; i++)
            ck_assert(put(i + (uint64_t)round, "a", HG_S("some value of some length"), 100));
        for (int k = 0; k < 40; k++) {
            size_t span = SIZE - 64 - area.table_offset;

            area.base[64 + area.table_offset + (size_t)rand_r(&seed) % span] = (char)rand_r(&seed);
            area.base[64 + area.ring_offset + (size_t)rand_r(&seed) % 4096] = (char)rand_r(&seed);
        }
        for (uint64_t i = 0; i < 30; i++) {
            char copy[4096];
            size_t n;

            if (get(i + (uint64_t)round, "a", 5, NULL, &n) && n < sizeof copy - 100)
                get(i + (uint64_t)round, "a", 5, copy, &n);
        }
        if (round % 10 == 0)
            area_purge(&area, HG_S("a"), NULL);
    }
}
END_TEST

/* ---- several processes, killed at any moment ---------------------------------------------- */

/* A value tells its own number, length and check sum. */
static size_t value_make(char *value, uint64_t number, unsigned *seed)
{
    size_t n = 16 + (size_t)rand_r(seed) % 2000;
    unsigned char sum = 0;

    memcpy(value, &number, sizeof number);
    for (size_t i = sizeof number; i < n - 1; i++) {
        value[i] = (char)rand_r(seed);
        sum = (unsigned char)(sum + (unsigned char)value[i]);
    }
    value[n - 1] = (char)sum;
    return n;
}

static bool value_is_whole(const char *value, size_t n, uint64_t number)
{
    unsigned char sum = 0;
    uint64_t said;

    memcpy(&said, value, sizeof said);
    for (size_t i = sizeof number; i < n - 1; i++)
        sum = (unsigned char)(sum + (unsigned char)value[i]);
    return said == number && sum == (unsigned char)value[n - 1];
}

/* Stores and looks up until it is killed. */
static _Noreturn void worker(unsigned seed, volatile uint64_t *broken, volatile uint64_t *done)
{
    char value[4096];

    for (;;) {
        uint64_t number = (uint64_t)rand_r(&seed) % 200;
        size_t n;

        if (rand_r(&seed) % 2) {
            n = value_make(value, number, &seed);
            put(number, "a", (hg_str){value, n}, 100);
        } else if (get(number, "a", 5, NULL, &n) && get(number, "a", 5, value, &n) &&
                   !value_is_whole(value, n, number)) {
            ++*broken;
        }
        ++*done;
    }
}

START_TEST(workers_may_be_killed_at_any_time)
{
    enum {
        WORKERS = 3,
        KILLS = 300
    };
    uint64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[WORKERS] = {0};
    unsigned seed = 7;

    for (int i = 0; i < KILLS; i++) {
        int slot = i % WORKERS;

        if (pids[slot]) {
            kill(pids[slot], SIGKILL);
            waitpid(pids[slot], NULL, 0);
        }
        pids[slot] = fork();
        if (pids[slot] == 0)
            worker((unsigned)i, &shared[0], &shared[1 + slot]);
        nanosleep(&(struct timespec){.tv_nsec = 200000 + rand_r(&seed) % 3000000}, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    printf("%llu operations, %llu shards emptied\n",
           (unsigned long long)(shared[1] + shared[2] + shared[3]),
           (unsigned long long)area_recovered(&area));
    ck_assert_uint_eq(shared[0], 0);
    ck_assert_uint_gt(area_recovered(&area), 0); /* the defence was needed */
    ck_assert(put(1, "a", HG_S("still alive"), 100));
    ck_assert(get(1, "a", 5, NULL, NULL));
    munmap(shared, 4096);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("area");
    TCase *tc = tcase_create("area");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_is_stored_is_found);
    tcase_add_test(tc, the_same_digest_in_another_scope_is_another_entry);
    tcase_add_test(tc, a_second_store_replaces_the_first);
    tcase_add_test(tc, an_expired_entry_is_gone);
    tcase_add_test(tc, the_oldest_go_when_it_is_full);
    tcase_add_test(tc, an_entry_larger_than_half_a_shard_is_refused);
    tcase_add_test(tc, purge_takes_a_scope_an_entry_or_all);
    tcase_add_test(tc, a_second_process_finds_it_at_another_address);
    tcase_add_test(tc, another_layout_is_refused);
    tcase_add_test(tc, a_preparer_that_died_is_replaced);
    tcase_add_test(tc, a_living_preparer_is_waited_for_but_not_for_ever);
    tcase_add_test(tc, a_shard_whose_holder_died_is_emptied);
    tcase_add_test(tc, garbage_in_the_memory_is_survived);
    tcase_add_test(tc, workers_may_be_killed_at_any_time);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
