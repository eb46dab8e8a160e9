/* unix_socket.h - listening sockets that are files. */
#pragma once

#include <sys/stat.h>

#include "base/error.h"

enum {
    UNIX_SOCKET_MODE = 0660,    /* if nobody says otherwise */
    UNIX_SOCKET_PATH_MAX = 107, /* bytes that the system takes */
};

/* "/run/gate.sock" of "unix:/run/gate.sock"; NULL for any other address. */
const char *unix_socket_path(const char *address);

/* Like listener_open. Nobody but those whom `mode` lets in can connect at any moment. A file that a
 * dead process has left is replaced; one on which somebody listens, or that is no socket, is not.
 * `ret_file` is what unix_socket_remove wants to know. */
int unix_socket_listen(const char *path, unsigned mode, struct stat *ret_file, struct error *error);

/* Removes the file, unless it has become somebody else's. */
void unix_socket_remove(const char *path, const struct stat *file);
