#include "base/error.h"

#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, const char *fmt, ...)
{
    va_list args;

    if (!error)
        return false;
    va_start(args, fmt);
    vsnprintf(error->text, sizeof error->text, fmt, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *error, const char *fmt, ...)
{
    char rest[sizeof error->text];
    va_list args;

    if (!error)
        return false;
    memcpy(rest, error->text, sizeof rest);
    va_start(args, fmt);
    int n = vsnprintf(error->text, sizeof error->text, fmt, args);
    va_end(args);
    if (n < 0)
        n = 0;
    /* Copied by hand: the compiler takes a cut that is meant for one that is not. */
    for (const char *p = ": "; *p && (size_t)n < sizeof error->text - 1; p++)
        error->text[n++] = *p;
    for (const char *p = rest; *p && (size_t)n < sizeof error->text - 1; p++)
        error->text[n++] = *p;
    if ((size_t)n < sizeof error->text)
        error->text[n] = 0;
    return false;
}
