/* patience.h - how many times slower than usual everything is: HEADGATE_TEST_PATIENCE, for tools
 * such as valgrind. Tests multiply their limits of time by it. */
#pragma once

#include <stdlib.h>

static inline int test_patience(void)
{
    const char *text = getenv("HEADGATE_TEST_PATIENCE");

    return text && atoi(text) > 1 ? atoi(text) : 1;
}
