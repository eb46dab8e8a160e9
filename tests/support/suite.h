/* suite.h - the main of a unit test: its cases in one list, and what goes around each of them. */
#pragma once

#include <check.h>
#include <stdlib.h>

/* For the machine that has other things to do: what hangs ends, what is slow does not. */
#define SUITE_TIMEOUT 60

struct suite {
    const char *name;
    void (*setup)(void), (*teardown)(void);
    void (*more)(TCase *tcase); /* adds tests that run in a loop */
    unsigned timeout;           /* in seconds; 0: SUITE_TIMEOUT */
    const TTest *const *tests;
    size_t count;
};

static inline int suite_run(const struct suite *suite)
{
    TCase *tcase = tcase_create(suite->name);
    Suite *cases = suite_create(suite->name);
    SRunner *runner = srunner_create(cases);

    tcase_set_timeout(tcase, suite->timeout ? suite->timeout : SUITE_TIMEOUT);
    tcase_add_checked_fixture(tcase, suite->setup, suite->teardown);
    for (size_t i = 0; i < suite->count; i++)
        tcase_add_test(tcase, suite->tests[i]);
    if (suite->more)
        suite->more(tcase);
    suite_add_tcase(cases, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* For `more`: a test that runs once for each element of an array. */
#define SUITE_LOOP(tcase, test, rows) \
    tcase_add_loop_test(tcase, test, 0, (int)(sizeof(rows) / sizeof *(rows)))

#define RUN_SUITE_OF(suite_name, setup_fn, teardown_fn, more_fn, ...) \
    int main(void)                                                    \
    {                                                                 \
        const TTest *const all[] = {__VA_ARGS__};                     \
                                                                      \
        return suite_run(&(struct suite){                             \
            .name = suite_name,                                       \
            .setup = setup_fn,                                        \
            .teardown = teardown_fn,                                  \
            .more = more_fn,                                          \
            .tests = all,                                             \
            .count = sizeof all / sizeof *all,                        \
        });                                                           \
    }

#define RUN_SUITE(name, ...) RUN_SUITE_OF(name, NULL, NULL, NULL, __VA_ARGS__)

/* With a setup before and a teardown after each test; either may be NULL. */
#define RUN_SUITE_WITH(name, setup, teardown, ...) \
    RUN_SUITE_OF(name, setup, teardown, NULL, __VA_ARGS__)
