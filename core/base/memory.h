/* memory.h - allocation that does not fail: out of memory ends the process with a message. What an
 * outsider can make large is limited before it is allocated. */
#pragma once

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n); /* NUL-terminated */

/* Overwrites memory that held a secret; the compiler does not optimise it away. */
void wipe(void *ptr, size_t size);
