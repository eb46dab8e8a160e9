#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *ptr, size_t size)
{
    if (!ptr && size) {
        fprintf(stderr, "headgate: out of memory (%zu bytes)\n", size);
        abort();
    }
    return ptr;
}

void *xmalloc(size_t size)
{
    return or_die(malloc(size), size);
}

void *xcalloc(size_t count, size_t size)
{
    return or_die(calloc(count, size), count * size);
}

void *xrealloc(void *ptr, size_t size)
{
    return or_die(realloc(ptr, size), size);
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    char *copy = xmalloc(n + 1);

    memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

void wipe(void *ptr, size_t size)
{
    explicit_bzero(ptr, size);
}
