/* listeners.h - the listening sockets of the supervisor. A reload keeps those whose address stays
 * the same, so that no connection is refused in between. With a unix socket goes its file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct listeners;

struct listeners *listeners_new(void);
void listeners_free(struct listeners **listeners); /* closes all */

/* What a socket is for. `nth` tells apart those with the same address, as several of "127.0.0.1:0"
 * may be. */
struct listeners_key {
    const char *role; /* "listen", "admin" */
    const char *address;
    unsigned nth;
    unsigned mode; /* tells nobody apart: what the file of a unix socket gets */
};

/* The descriptor, opened if need be; -1 and why. Asking again counts another user. */
int listeners_take(struct listeners *listeners, struct listeners_key key, struct error *error);

/* Gives one use back; the last closes the socket. */
void listeners_give(struct listeners *listeners, struct listeners_key key);

/* "127.0.0.1:43127": the address with the port that the system chose, or "unix:/path"; lives as
 * long as the socket. */
const char *listeners_actual(const struct listeners *listeners, struct listeners_key key);

/* Who may connect to the file of a unix socket, if that has changed since it was opened. */
void listeners_set_mode(struct listeners *listeners, struct listeners_key key);

/* True the first time it is asked about a socket: for the line that announces it. */
bool listeners_is_new(struct listeners *listeners, struct listeners_key key);

/* Closes all sockets of a role, whoever uses them; what they were stays known. */
void listeners_close(struct listeners *listeners, const char *role);
