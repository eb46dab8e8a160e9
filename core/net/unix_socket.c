#include "net/unix_socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"

const char *unix_socket_path(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    memcpy(name.sun_path, path, strnlen(path, UNIX_SOCKET_PATH_MAX));
    return name;
}

/* A socket that nobody listens on any more. */
static bool is_stale(const char *path)
{
    const struct sockaddr_un name = name_of(path);
    struct stat file;

    if (lstat(path, &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) < 0 &&
                   errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return refused;
}

/* The mode is that of the file from the first moment on: we have one thread, so its mask is ours
 * to change. */
static bool bind_as(int fd, const char *path, unsigned mode)
{
    const struct sockaddr_un name = name_of(path);
    mode_t before = umask(0777 & ~mode);
    int rc = bind(fd, (const struct sockaddr *)&name, sizeof name);
    int why = errno;

    umask(before);
    errno = why;
    return rc == 0;
}

static bool bind_and_listen(int fd, const char *path, unsigned mode, struct stat *ret_file)
{
    bool bound = bind_as(fd, path, mode);

    if (!bound && errno == EADDRINUSE && is_stale(path))
        bound = unlink(path) == 0 && bind_as(fd, path, mode);
    if (!bound)
        return false;
    return listen(fd, LISTENER_BACKLOG) == 0 && lstat(path, ret_file) == 0;
}

int unix_socket_listen(const char *path, unsigned mode, struct stat *ret_file, struct error *error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind_and_listen(fd, path, mode, ret_file))
        return fd;
    error_set(error, "cannot listen on unix:%s: %s%s", path, strerror(errno),
              errno == EADDRINUSE ? "; stop what uses it, or choose another path" : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

void unix_socket_remove(const char *path, const struct stat *file)
{
    struct stat now;

    if (lstat(path, &now) == 0 && now.st_dev == file->st_dev && now.st_ino == file->st_ino)
        unlink(path);
}
