/* listener.h - accepts connections on a socket that several processes share. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "loop/loop.h"

enum {
    LISTENER_BACKLOG = 4096
};

/* Opens a listening socket: non-blocking, close-on-exec, backlog 4096. -1 on failure. `address` is
 * "127.0.0.1:8787", "[::1]:8787" or ":8787"; port 0 lets the system choose. */
int listener_open(const char *address, struct error *error);

/* The port a socket listens on. */
unsigned listener_port(int fd);

struct listener;

/* Calls on_accept for each connection; the descriptor is non-blocking and yours. Before each turn
 * of accepting, may_accept (NULL: always) is asked; when it says no, other processes get the
 * connection and we ask again a moment later. `on_full` is called with a connection that was
 * accepted on the last reserve descriptor, because there are no more: say so and close it. */
struct listener_events {
    void (*on_accept)(void *arg, int fd);
    bool (*may_accept)(void *arg);
    void (*on_full)(void *arg, int fd);
};

struct listener *listener_new(struct loop *loop, int fd, const struct listener_events *events,
                              void *arg);
void listener_free(struct listener **listener); /* does not close the shared socket */
