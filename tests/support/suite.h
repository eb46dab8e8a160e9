/* suite.h - the main of a unit test: its cases in one list. */
#pragma once

#include <check.h>
#include <stdlib.h>

#define RUN_SUITE(name, ...)                                      \
    int main(void)                                                \
    {                                                             \
        const TTest *const tests[] = {__VA_ARGS__};               \
        Suite *suite = suite_create(name);                        \
        TCase *tcase = tcase_create(name);                        \
        SRunner *runner = srunner_create(suite);                  \
        int failed;                                               \
                                                                  \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) \
            tcase_add_test(tcase, tests[i]);                      \
        suite_add_tcase(suite, tcase);                            \
        srunner_run_all(runner, CK_ENV);                          \
        failed = srunner_ntests_failed(runner);                   \
        srunner_free(runner);                                     \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;              \
    }
