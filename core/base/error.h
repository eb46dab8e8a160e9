/* error.h - the operator's mistakes: a sentence that says what is wrong and what to do, built where
 * it is known and printed once, by the one who asked. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

struct error {
    char text[1024];
};

/* Sets the text (cut if too long) and returns false, so that `return error_set(...)` reads well.
 * `error` may be NULL. */
bool error_set(struct error *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "where: " before the text. */
bool error_prefix(struct error *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
