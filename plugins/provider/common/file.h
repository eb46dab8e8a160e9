/* file.h - a credential that something else puts into a file and replaces now and then. */
#pragma once

#include <stddef.h>

/* What is in it as it is, NUL-terminated; at most `max` bytes: where *ret_n is `max` there may be
 * more. NULL if it cannot be read. It blocks: for small files on a local disk. */
char *file_read(const char *path, size_t max, size_t *ret_n);

/* The same without white space at the end. */
char *file_text(const char *path, size_t max);

/* Overwrites and frees it; NULL is fine. */
void text_wipe(char **text);
