#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>

void ensure_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "headgate: bug at %s:%d: %s\n", file, line, condition);
    abort();
}
