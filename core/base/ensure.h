/* ensure.h - preconditions that stay on in production: a broken one is our own bug, and stopping
 * here beats going on with a wrong idea of the world. */
#pragma once

/* Writes where and what to standard error, and aborts. */
_Noreturn void ensure_failed(const char *file, int line, const char *condition);

#define ensure(condition)                                  \
    do {                                                   \
        if (__builtin_expect(!(condition), 0))             \
            ensure_failed(__FILE__, __LINE__, #condition); \
    } while (0)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
