/* A lookup of our own stands for the name servers: it knows names by what they say, and can be made
 * to wait. */
#include "net/resolve.h"

#include <check.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static atomic_int lookups;        /* how often it was asked */
static atomic_bool held, failing; /* does not answer; answers with a failure */

/* In a helper thread: check's assertions are for the main thread only. */
static void add(struct lookup *lookup, const char *host)
{
    lookup->count += address_of_host(&lookup->addresses[lookup->count], text_of(host), 0);
}

static enum lookup_result fake_lookup(const char *host, struct lookup *ret_lookup)
{
    atomic_fetch_add(&lookups, 1);
    while (atomic_load(&held) && strncmp(host, "slow", 4) == 0)
        usleep(1000);
    if (strstr(host, "none")) {
        snprintf(ret_lookup->reason, sizeof ret_lookup->reason, "no such host");
        return LOOKUP_NONE;
    }
    if (atomic_load(&failing)) {
        snprintf(ret_lookup->reason, sizeof ret_lookup->reason, "try again");
        return LOOKUP_FAILED;
    }
    add(ret_lookup, "10.0.0.1");
    add(ret_lookup, "2001:db8::1");
    return LOOKUP_FOUND;
}

static struct loop *loop;
static struct resolver *resolver;

struct answer {
    struct resolve *resolve;
    int calls;
    size_t count;
    struct address first;
    char reason[96];
};

static void on_done(void *arg, const struct address *addresses, size_t count, const char *reason)
{
    struct answer *answer = arg;

    answer->resolve = NULL;
    answer->calls++;
    answer->count = count;
    if (count)
        answer->first = addresses[0];
    snprintf(answer->reason, sizeof answer->reason, "%s", reason);
}

static void ask(struct answer *answer, const char *host)
{
    *answer = (struct answer){0};
    answer->resolve = resolve_start(resolver, text_of(host), 443, on_done, answer);
    ck_assert_msg(answer->calls == 0, "answered on the caller's stack");
}

static void wait_for(struct answer *answer)
{
    for (int i = 0; i < 500 && !answer->calls; i++)
        loop_turn(loop, 10 * NS_PER_MS);
    ck_assert_int_eq(answer->calls, 1);
}

static void expect(const char *host, const char *result)
{
    struct answer answer;
    char text[ADDRESS_TEXT_MAX];

    ask(&answer, host);
    wait_for(&answer);
    ck_assert_str_eq(answer.count ? address_text(&answer.first, text) : answer.reason, result);
}

static void wait_lookups(int count)
{
    for (int i = 0; i < 2000 && atomic_load(&lookups) < count; i++)
        usleep(1000);
    ck_assert_int_eq(atomic_load(&lookups), count);
}

static void start(enum lookup_result (*fn)(const char *, struct lookup *))
{
    struct resolver_setup setup = {.timeout = 5 * NS_PER_S, .lookup = fn};

    atomic_store(&lookups, 0);
    atomic_store(&held, false);
    atomic_store(&failing, false);
    loop = loop_new();
    resolver = resolver_new(loop, &setup);
}

static void setup_fake(void)
{
    start(fake_lookup);
}

static void setup_system(void)
{
    start(NULL);
}

static void teardown(void)
{
    clock_freeze(0);
    atomic_store(&held, false);
    resolver_free(&resolver);
    loop_free(&loop);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 200; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* ---- ------------------------------------------------------------------------------------- */

START_TEST(numeric_hosts_take_no_thread_and_no_descriptor)
{
    struct address addresses[RESOLVE_MAX];
    int before = open_descriptors();

    expect("127.0.0.1", "127.0.0.1:443");
    expect("[::1]", "[::1]:443");
    ck_assert_uint_eq(resolve_at_once(resolver, HG_S("::1"), 80, addresses), 1);
    ck_assert_uint_eq(address_port(&addresses[0]), 80);
    ck_assert_int_eq(atomic_load(&lookups), 0);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_name_is_asked_for_once_and_then_known)
{
    struct address addresses[RESOLVE_MAX];

    ck_assert_uint_eq(resolve_at_once(resolver, HG_S("a.test"), 80, addresses), 0);
    expect("a.test", "10.0.0.1:443");
    expect("A.Test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 1);
    ck_assert_uint_eq(resolve_at_once(resolver, HG_S("a.test"), 80, addresses), 2);
    ck_assert_uint_eq(address_port(&addresses[1]), 80);
}
END_TEST

START_TEST(many_who_ask_at_once_share_one_lookup)
{
    struct answer answers[50];

    atomic_store(&held, true);
    for (int i = 0; i < 50; i++)
        ask(&answers[i], "slow.test");
    wait_lookups(1);
    atomic_store(&held, false);
    for (int i = 0; i < 50; i++)
        wait_for(&answers[i]);
    ck_assert_int_eq(atomic_load(&lookups), 1);
}
END_TEST

START_TEST(an_answer_is_good_for_half_a_minute)
{
    hg_ns now = clock_now();

    clock_freeze(now);
    expect("a.test", "10.0.0.1:443");
    clock_freeze(now + 29 * NS_PER_S);
    expect("a.test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 1);
    clock_freeze(now + 31 * NS_PER_S);
    expect("a.test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 2);
}
END_TEST

START_TEST(a_failure_is_not_asked_again_at_once)
{
    hg_ns now = clock_now();

    clock_freeze(now);
    expect("none.test", "no such host");
    expect("none.test", "no such host");
    ck_assert_int_eq(atomic_load(&lookups), 1);
    clock_freeze(now + 3 * NS_PER_S);
    expect("none.test", "no such host");
    ck_assert_int_eq(atomic_load(&lookups), 2);
}
END_TEST

START_TEST(without_name_servers_the_last_good_answer_goes_on)
{
    hg_ns now = clock_now();

    clock_freeze(now);
    expect("a.test", "10.0.0.1:443");
    atomic_store(&failing, true);
    clock_freeze(now + 60 * NS_PER_S);
    expect("a.test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 2);
    expect("b.test", "try again");
    clock_freeze(now + 3700 * NS_PER_S);
    expect("a.test", "try again");
}
END_TEST

START_TEST(who_has_an_old_answer_waits_only_a_moment)
{
    struct answer answer;
    hg_ns now = clock_now();

    clock_freeze(now);
    expect("slow.test", "10.0.0.1:443");
    atomic_store(&held, true);
    clock_freeze(now + 60 * NS_PER_S);
    ask(&answer, "slow.test");
    loop_turn(loop, NS_PER_MS);
    ck_assert_int_eq(answer.calls, 0);
    clock_freeze(now + 61 * NS_PER_S + 1);
    wait_for(&answer);
    ck_assert_uint_eq(answer.count, 2);
}
END_TEST

START_TEST(a_lookup_that_hangs_times_out_and_may_answer_later)
{
    struct answer answer;
    hg_ns now = clock_now();

    clock_freeze(now);
    atomic_store(&held, true);
    ask(&answer, "slow.test");
    wait_lookups(1);
    clock_freeze(now + 6 * NS_PER_S);
    wait_for(&answer);
    ck_assert_uint_eq(answer.count, 0);
    ck_assert_str_eq(answer.reason, "no answer of a name server in time");
    ask(&answer, "slow.test"); /* joins the same lookup */
    atomic_store(&held, false);
    wait_for(&answer);
    ck_assert_uint_eq(answer.count, 2);
    ck_assert_int_eq(atomic_load(&lookups), 1);
}
END_TEST

START_TEST(what_is_cancelled_is_never_answered)
{
    struct answer known, waiting, other;

    expect("a.test", "10.0.0.1:443");
    ask(&known, "a.test");
    resolve_cancel(&known.resolve);
    ck_assert_ptr_null(known.resolve);
    atomic_store(&held, true);
    ask(&waiting, "slow.test");
    ask(&other, "slow.test");
    resolve_cancel(&waiting.resolve);
    resolve_cancel(&waiting.resolve);
    atomic_store(&held, false);
    wait_for(&other);
    ck_assert_int_eq(known.calls, 0);
    ck_assert_int_eq(waiting.calls, 0);
}
END_TEST

START_TEST(a_resolver_may_go_while_a_thread_is_still_asking)
{
    struct answer answer;

    atomic_store(&held, true);
    ask(&answer, "slow.test");
    wait_lookups(1);
    resolve_cancel(&answer.resolve);
    resolver_free(&resolver);
    atomic_store(&held, false);
    usleep(20000); /* lets the thread end, for the leak check */
}
END_TEST

START_TEST(slow_names_do_not_hold_up_others)
{
    struct answer slow[3];
    static const char *const names[] = {"slow1.test", "slow2.test", "slow3.test"};

    atomic_store(&held, true);
    for (int i = 0; i < 3; i++)
        ask(&slow[i], names[i]);
    wait_lookups(3);
    expect("quick.test", "10.0.0.1:443");
    atomic_store(&held, false);
    for (int i = 0; i < 3; i++)
        wait_for(&slow[i]);
}
END_TEST

START_TEST(what_is_no_name_is_not_asked_for)
{
    static const char *const bad[] = {"",       ".",        "a..b",       ".a",       "a b",
                                      "a/b",    "a\nb",     "a%lo",       "\xc3\xa9", "127.1",
                                      "0x7f.1", "1.2.3.4.", "2130706433", "a:b"};
    char longest[300];
    struct answer answer;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ask(&answer, bad[i]);
        wait_for(&answer);
        ck_assert_msg(answer.count == 0 && strncmp(answer.reason, "not a", 5) == 0, "%s: %s",
                      bad[i], answer.reason);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ask(&answer, longest);
    wait_for(&answer);
    ck_assert_uint_eq(answer.count, 0);
    ck_assert_int_eq(atomic_load(&lookups), 0);
}
END_TEST

START_TEST(very_many_names_are_forgotten_again)
{
    char name[32];

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        expect(name, "10.0.0.1:443");
    }
    expect("n299.test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 300);
    expect("n0.test", "10.0.0.1:443");
    ck_assert_int_eq(atomic_load(&lookups), 301);
}
END_TEST

static struct answer again[2];

static void on_done_ask_again(void *arg, const struct address *addresses, size_t count,
                              const char *reason)
{
    on_done(arg, addresses, count, reason);
    for (int i = 0; i < 2; i++)
        ask(&again[i], "a.test");
}

START_TEST(a_callback_may_ask_again)
{
    struct answer answer = {0};

    resolve_start(resolver, HG_S("a.test"), 443, on_done_ask_again, &answer);
    wait_for(&answer);
    wait_for(&again[0]);
    wait_for(&again[1]);
    loop_turn(loop, NS_PER_MS);
    ck_assert_int_eq(atomic_load(&lookups), 1);
}
END_TEST

START_TEST(the_system_knows_localhost_and_not_invalid)
{
    struct answer answer;

    ask(&answer, "localhost");
    wait_for(&answer);
    ck_assert_uint_ge(answer.count, 1);
    ck_assert_int_eq(address_class(&answer.first), ADDRESS_LOOPBACK);
    ask(&answer, "no-such-host.invalid");
    wait_for(&answer);
    ck_assert_uint_eq(answer.count, 0);
    ck_assert_str_ne(answer.reason, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/resolve");
    TCase *fake = tcase_create("fake"), *system_case = tcase_create("system");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(fake, setup_fake, teardown);
    tcase_set_timeout(fake, 20);
    tcase_add_test(fake, numeric_hosts_take_no_thread_and_no_descriptor);
    tcase_add_test(fake, a_name_is_asked_for_once_and_then_known);
    tcase_add_test(fake, many_who_ask_at_once_share_one_lookup);
    tcase_add_test(fake, an_answer_is_good_for_half_a_minute);
    tcase_add_test(fake, a_failure_is_not_asked_again_at_once);
    tcase_add_test(fake, without_name_servers_the_last_good_answer_goes_on);
    tcase_add_test(fake, who_has_an_old_answer_waits_only_a_moment);
    tcase_add_test(fake, a_lookup_that_hangs_times_out_and_may_answer_later);
    tcase_add_test(fake, what_is_cancelled_is_never_answered);
    tcase_add_test(fake, a_resolver_may_go_while_a_thread_is_still_asking);
    tcase_add_test(fake, slow_names_do_not_hold_up_others);
    tcase_add_test(fake, what_is_no_name_is_not_asked_for);
    tcase_add_test(fake, very_many_names_are_forgotten_again);
    tcase_add_test(fake, a_callback_may_ask_again);
    suite_add_tcase(suite, fake);

    tcase_add_checked_fixture(system_case, setup_system, teardown);
    tcase_set_timeout(system_case, 20);
    tcase_add_test(system_case, the_system_knows_localhost_and_not_invalid);
    suite_add_tcase(suite, system_case);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
