/* listeners.h - the listening sockets of the supervisor. A reload keeps those whose address stays
 * the same, so that no connection is refused in between. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct listeners;

struct listeners *listeners_new(void);
void listeners_free(struct listeners **listeners); /* closes all */

/* The descriptor for a configured address ("127.0.0.1:0"), opened if need be; -1 and why. Asking
 * for the same address again counts a second user. */
int listeners_take(struct listeners *listeners, const char *address, struct error *error);

/* Gives one use back; the last closes the socket. */
void listeners_give(struct listeners *listeners, const char *address);

/* "127.0.0.1:43127": the address with the port that the system chose; into a buffer of ours that
 * lives as long as the socket. */
const char *listeners_actual(const struct listeners *listeners, const char *address);
