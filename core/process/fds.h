/* fds.h - which descriptors a process has: after a fork a child keeps only what it was meant to. */
#pragma once

#include <stddef.h>

/* Descriptors 0, 1 and 2 that are closed become /dev/null, so that no socket of ours ever gets
 * their number and with it whatever is printed. */
void fds_open_standard(void);

/* Closes everything above 2 except `keep`, whose entries of -1 are ignored. */
void fds_keep_only(const int *keep, size_t count);

/* Raises the limit of open descriptors as far as it goes; returns it. */
size_t fds_raise_limit(void);
