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
    if (n >= 0 && (size_t)n < sizeof error->text)
        snprintf(error->text + n, sizeof error->text - (size_t)n, ": %s", rest);
    return false;
}
