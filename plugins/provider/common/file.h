/* file.h - a credential that something else puts into a file and replaces now and then. */
#pragma once

#include <stddef.h>

/* What is in it, NUL-terminated, without white space at the end; at most `max` bytes. NULL if it
 * cannot be read. It blocks: for small files on a local disk. */
char *file_text(const char *path, size_t max);

/* Overwrites and frees it; NULL is fine. */
void text_wipe(char **text);
