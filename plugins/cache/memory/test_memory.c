#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "support/fake_host.h"

#define SECOND INT64_C(1000000000)

static struct fake *fake;
static const hg_cache *cache;

static void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    cache = fake_iface(fake, HG_CACHE);
}

static void teardown(void)
{
    fake_free(&fake);
}

static void create(const char *settings)
{
    if (fake_create(fake, settings) != HG_OK)
        ck_abort_msg("create: %s", fake_failure(fake));
}

static hg_cache_key key_of(unsigned number, const char *scope)
{
    hg_cache_key key = {.size = sizeof key, .scope = text_of(scope)};

    for (size_t i = 0; i < sizeof key.digest; i++)
        key.digest[i] = (uint8_t)(number >> (i % 4 * 8) ^ i * 37);
    return key;
}

static hg_rc put(unsigned number, const char *scope, hg_str value, size_t pieces, hg_ns ttl)
{
    hg_op op = fake_op(fake, NULL);
    hg_cache_key key = key_of(number, scope);
    hg_rc rc = cache->store(fake_state(fake), op, &key, fake_body(fake, value, pieces),
                            HG_S("{\"m\":1}"), ttl);

    fake_end(fake, op, rc);
    return rc;
}

/* HG_OK only if it is this value, whole. */
static hg_rc get(unsigned number, const char *scope, hg_str want, hg_ns age)
{
    hg_op op = fake_op(fake, NULL);
    hg_cache_key key = key_of(number, scope);
    hg_cache_hit hit = {.size = sizeof hit};
    hg_rc rc = cache->lookup(fake_state(fake), op, &key, &hit);

    if (rc == HG_OK) {
        ck_assert_uint_eq(hit.value.n, want.n);
        ck_assert(want.n == 0 || memcmp(hit.value.p, want.p, want.n) == 0);
        ck_assert_ptr_null(hit.value.ref);
        ck_assert(text_is(hit.meta, HG_S("{\"m\":1}")));
        ck_assert_int_ge(hit.age, age);
        ck_assert_int_lt(hit.age, age + SECOND); /* the clocks of two instances differ a little */
    }
    fake_end(fake, op, rc);
    return rc;
}

static hg_rc purge(const char *scope, const char *selector)
{
    hg_op op = fake_op(fake, NULL);
    hg_rc rc = cache->purge(fake_state(fake), op, text_of(scope), text_of(selector));

    fake_end(fake, op, rc);
    return rc;
}

START_TEST(an_answer_is_kept_for_its_time)
{
    create("{}");
    ck_assert_int_eq(get(1, "t", HG_S(""), 0), HG_MISS);
    ck_assert_int_eq(put(1, "t", HG_S("answer"), 1, 10 * SECOND), HG_OK);
    fake_advance(fake, 4 * SECOND);
    ck_assert_int_eq(get(1, "t", HG_S("answer"), 4 * SECOND), HG_OK);
    ck_assert_int_eq(get(1, "other", HG_S(""), 0), HG_MISS);
    fake_advance(fake, 6 * SECOND);
    ck_assert_int_eq(get(1, "t", HG_S(""), 0), HG_MISS);
}
END_TEST

START_TEST(a_body_of_many_pieces_is_kept_whole)
{
    static char value[200000];

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(i * 7);
    create("{}");
    ck_assert_int_eq(put(1, "t", (hg_str){value, sizeof value}, 3, 0), HG_OK);
    ck_assert_int_eq(put(2, "t", (hg_str){value, sizeof value}, 64, 0), HG_OK);
    ck_assert_int_eq(put(3, "t", (hg_str){value, sizeof value}, 1000, 0), HG_OK);
    ck_assert_int_eq(put(4, "t", HG_S(""), 1, 0), HG_OK);
    for (unsigned i = 1; i <= 3; i++)
        ck_assert_int_eq(get(i, "t", (hg_str){value, sizeof value}, 0), HG_OK);
    ck_assert_int_eq(get(4, "t", HG_S(""), 0), HG_OK);
}
END_TEST

START_TEST(a_request_without_memory_misses)
{
    static char value[100000];

    create("{}");
    ck_assert_int_eq(put(1, "t", (hg_str){value, sizeof value}, 1, 0), HG_OK);
    fake_set_alloc_limit(fake, 64 * 1024);
    ck_assert_int_eq(get(1, "t", HG_S(""), 0), HG_MISS);
    ck_assert_int_eq(put(2, "t", HG_S("small"), 1, 0), HG_OK);
    ck_assert_int_eq(get(2, "t", HG_S("small"), 0), HG_OK);
}
END_TEST

START_TEST(what_is_too_large_is_skipped)
{
    static char value[20000];

    create("{\"max_size\":\"1MB\",\"max_entry\":\"10KB\"}");
    ck_assert_int_eq(put(1, "t", (hg_str){value, 10240 - 8}, 1, 0), HG_OK);
    ck_assert_int_eq(put(2, "t", (hg_str){value, 10240 - 7}, 1, 0), HG_SKIP);
    ck_assert_int_eq(put(3, "t", (hg_str){value, sizeof value}, 1, 0), HG_SKIP);
}
END_TEST

static const struct {
    const char *settings;
    hg_rc want;
} sizes[] = {{"{\"max_size\":\"64KB\"}", HG_OK},
             {"{\"max_size\":\"1m\"}", HG_OK},
             {"{\"max_size\":2097152}", HG_OK},
             {"{\"max_size\":\"2097152\"}", HG_OK},
             {"{\"max_size\":\"8MB\",\"max_entry\":\"3MB\"}", HG_OK},
             {"{\"max_size\":\"63KB\"}", HG_E_CONFIG},
             {"{\"max_size\":\"\"}", HG_E_CONFIG},
             {"{\"max_size\":\"MB\"}", HG_E_CONFIG},
             {"{\"max_size\":\"1XB\"}", HG_E_CONFIG},
             {"{\"max_size\":\"-1MB\"}", HG_E_CONFIG},
             {"{\"max_size\":-1}", HG_E_CONFIG},
             {"{\"max_size\":\"99999999999999999999MB\"}", HG_E_CONFIG},
             {"{\"max_size\":\"18446744073709551615TB\"}", HG_E_CONFIG},
             {"{\"max_size\":\"8MB\",\"max_entry\":\"8MB\"}", HG_E_CONFIG},
             {"{\"max_entry\":\"many\"}", HG_E_CONFIG}};

START_TEST(sizes_are_read)
{
    ck_assert_int_eq(fake_create(fake, sizes[_i].settings), sizes[_i].want);
    ck_assert_int_eq(fake_failure(fake)[0] != '\0', sizes[_i].want != HG_OK);
}
END_TEST

START_TEST(purge_takes_scopes_and_single_entries)
{
    static const char digits[] = "0123456789abcdef";
    hg_cache_key key = key_of(2, "a");
    char hex[65] = {0};

    create("{}");
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_int_eq(put(i, "a", HG_S("x"), 1, 0), HG_OK);
        ck_assert_int_eq(put(i, "b", HG_S("x"), 1, 0), HG_OK);
    }
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[key.digest[i] >> 4];
        hex[2 * i + 1] = digits[key.digest[i] & 15];
    }
    ck_assert_int_eq(purge("a", hex), HG_OK);
    ck_assert_int_eq(get(2, "a", HG_S(""), 0), HG_MISS);
    ck_assert_int_eq(get(2, "b", HG_S("x"), 0), HG_OK);
    ck_assert_int_eq(purge("b", ""), HG_OK);
    ck_assert_int_eq(get(1, "b", HG_S(""), 0), HG_MISS);
    ck_assert_int_eq(get(1, "a", HG_S("x"), 0), HG_OK);
    ck_assert_int_eq(purge("", ""), HG_OK);
    ck_assert_int_eq(get(1, "a", HG_S(""), 0), HG_MISS);
    ck_assert_int_eq(purge("a", "xyz"), HG_E_INPUT);
    hex[0] = 'g';
    ck_assert_int_eq(purge("a", hex), HG_E_INPUT);
}
END_TEST

START_TEST(it_is_counted)
{
    static char value[30000];

    create("{\"max_size\":\"64KB\",\"max_entry\":\"20000\"}");
    get(1, "t", HG_S(""), 0);
    ck_assert_int_eq(put(1, "t", (hg_str){value, 15000}, 1, 0), HG_OK);
    get(1, "t", (hg_str){value, 15000}, 0);
    get(1, "t", (hg_str){value, 15000}, 0);
    ck_assert_double_gt(fake_metric(fake, "cache_memory_bytes"), 15000);
    for (unsigned i = 2; i < 10; i++)
        ck_assert_int_eq(put(i, "t", (hg_str){value, 15000}, 1, 0), HG_OK);
    ck_assert_double_eq(fake_metric(fake, "cache_memory_hits_total"), 2);
    ck_assert_double_eq(fake_metric(fake, "cache_memory_misses_total"), 1);
    ck_assert_double_eq(fake_metric(fake, "cache_memory_stores_total"), 9);
    ck_assert_double_eq(fake_metric(fake, "cache_memory_evictions_total") +
                            fake_metric(fake, "cache_memory_entries"),
                        9);
    ck_assert_double_le(fake_metric(fake, "cache_memory_bytes"), 65536);
}
END_TEST

START_TEST(only_worker_0_reports_the_size)
{
    fake_set_worker(fake, 1, 2);
    create("{}");
    ck_assert_int_eq(put(1, "t", HG_S("x"), 1, 0), HG_OK);
    ck_assert_double_eq(fake_metric(fake, "cache_memory_bytes"), 0);
}
END_TEST

START_TEST(entries_outlive_an_instance)
{
    create("{}");
    ck_assert_int_eq(put(1, "t", HG_S("x"), 1, 0), HG_OK);
    fake_destroy(fake);
    create("{}");
    ck_assert_int_eq(get(1, "t", HG_S("x"), 0), HG_OK);
}
END_TEST

START_TEST(another_process_sees_the_entries)
{
    int status;

    create("{}");
    pid_t pid = fork();

    if (pid == 0)
        _exit(put(1, "t", HG_S("from the child"), 1, 0) == HG_OK ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(get(1, "t", HG_S("from the child"), 0), HG_OK);
}
END_TEST

START_TEST(a_host_without_segments_is_refused)
{
    fake_without(fake, HG_SEGMENT);
    ck_assert_int_eq(fake_create(fake, "{}"), HG_E_UNSUPPORTED);
    fake_without(fake, NULL);
    fake_break_segment(fake);
    ck_assert_int_eq(fake_create(fake, "{}"), HG_E_NOMEM);
}
END_TEST

START_TEST(a_host_without_metrics_is_fine)
{
    fake_without(fake, HG_METRICS);
    create("{}");
    ck_assert_int_eq(put(1, "t", HG_S("x"), 1, 0), HG_OK);
    ck_assert_int_eq(get(1, "t", HG_S("x"), 0), HG_OK);
}
END_TEST

START_TEST(a_checker_maps_nothing)
{
    fake_set_flags(fake, HG_HOST_CHECK);
    fake_break_segment(fake);
    create("{}");
}
END_TEST

/* Prints what a miss costs here; a slow machine is no failure. */
START_TEST(a_miss_is_quick)
{
    enum {
        ROUNDS = 200000
    };
    struct timespec a, b;
    hg_cache_key keys[64];
    int misses = 0;
    hg_cache_hit hit = {.size = sizeof hit};

    create("{}");
    for (unsigned i = 0; i < 64; i++) {
        keys[i] = key_of(i * 2654435761u, "tenant");
        ck_assert_int_eq(put(i, "tenant", HG_S("x"), 1, 0), HG_OK);
    }
    hg_op op = fake_op(fake, NULL);

    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < ROUNDS; i++) {
        keys[i % 64].digest[7] = (uint8_t)i;
        misses += cache->lookup(fake_state(fake), op, &keys[i % 64], &hit) == HG_MISS;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    ck_assert_int_gt(misses, ROUNDS / 2);
    fake_end(fake, op, HG_OK);
    printf("miss: %.0f ns\n",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / ROUNDS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("memory");
    TCase *tc = tcase_create("memory");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_answer_is_kept_for_its_time);
    tcase_add_test(tc, a_body_of_many_pieces_is_kept_whole);
    tcase_add_test(tc, a_request_without_memory_misses);
    tcase_add_test(tc, what_is_too_large_is_skipped);
    tcase_add_loop_test(tc, sizes_are_read, 0, (int)(sizeof sizes / sizeof *sizes));
    tcase_add_test(tc, purge_takes_scopes_and_single_entries);
    tcase_add_test(tc, it_is_counted);
    tcase_add_test(tc, only_worker_0_reports_the_size);
    tcase_add_test(tc, entries_outlive_an_instance);
    tcase_add_test(tc, another_process_sees_the_entries);
    tcase_add_test(tc, a_host_without_segments_is_refused);
    tcase_add_test(tc, a_host_without_metrics_is_fine);
    tcase_add_test(tc, a_checker_maps_nothing);
    tcase_add_test(tc, a_miss_is_quick);
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
