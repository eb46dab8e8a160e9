/* library.h - the files of lua/headgate, inside the program. library.c is made at build time by
 * lua/embed.sh, so the text a developer edits is the text that runs. */
#pragma once

#include <stddef.h>

struct library_file {
    const char *name; /* "headgate.retry" */
    const char *file; /* "headgate/retry.lua" */
    const char *text;
    size_t len;
};

/* Sorted by nothing; ends with a name of NULL. */
extern const struct library_file library_files[];
