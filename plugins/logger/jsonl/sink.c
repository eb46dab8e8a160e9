#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECES_AT_ONCE = IOV_MAX
};

/* ---- opening ------------------------------------------------------------------------------ */

static int standard_of(const char *path)
{
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    return -1;
}

/* /dev/stdout cannot be opened when it is a socket, so our own descriptor is copied. */
static int path_open(const struct sink *sink)
{
    if (sink->is_standard)
        return fcntl(standard_of(sink->path), F_DUPFD_CLOEXEC, 3);
    return open(sink->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
}

/* A fifo is opened for writing only: with a reader of our own it would never tell that all others
 * have gone. */
static int path_open_any(const struct sink *sink)
{
    struct stat st;

    if (!sink->is_standard && stat(sink->path, &st) == 0 && !S_ISREG(st.st_mode))
        return open(sink->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return path_open(sink);
}

static void line_end(int fd, off_t size)
{
    char last;

    if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n' && write(fd, "\n", 1) != 1)
        return; /* the next batch will meet the same trouble, and tell */
}

int sink_open(struct sink *sink)
{
    struct stat st;

    sink->is_standard = standard_of(sink->path) >= 0;
    int fd = path_open_any(sink);

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0) {
        int why = errno;

        close(fd);
        return why;
    }
    sink->fd = fd;
    sink->is_file = S_ISREG(st.st_mode);
    if (sink->is_file && !sink->is_standard)
        line_end(fd, st.st_size);
    return 0;
}

void sink_close(struct sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
    free(sink->rest);
    sink->rest = NULL;
    sink->rest_n = 0;
}

int sink_reopen(struct sink *sink)
{
    int old = sink->fd;

    if (sink->is_standard && old >= 0)
        return 0;
    int rc = sink_open(sink);

    if (rc == 0 && old >= 0)
        close(old);
    return rc;
}

/* ---- rotation ----------------------------------------------------------------------------- */

static char *numbered(const char *path, unsigned number)
{
    char *name;

    if (number == 0)
        return strdup(path);
    return asprintf(&name, "%s.%u", path, number) < 0 ? NULL : name;
}

/* path.1 becomes path.2 and so on; the oldest goes. Gaps are fine. */
static int files_shift(const struct sink *sink)
{
    for (unsigned number = sink->keep; number > 0; number--) {
        char *from = numbered(sink->path, number - 1), *to = numbered(sink->path, number);
        int rc = from && to && (rename(from, to) == 0 || errno == ENOENT) ? 0 : errno;

        free(from);
        free(to);
        if (rc)
            return rc;
    }
    return sink->keep == 0 && unlink(sink->path) != 0 && errno != ENOENT ? errno : 0;
}

/* Another process with the same file may have rotated it already: then only follow. */
static bool is_still_ours(const struct sink *sink)
{
    struct stat ours, named;

    return fstat(sink->fd, &ours) == 0 && stat(sink->path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static void rotate_if_due(struct sink *sink, uint64_t len)
{
    struct stat st;

    if (!sink->rotate_size || !sink->is_file || sink->is_standard || fstat(sink->fd, &st) != 0 ||
        st.st_size == 0 || (uint64_t)st.st_size + len <= sink->rotate_size)
        return;
    if (is_still_ours(sink) && files_shift(sink) != 0)
        return; /* better a file too large than no record */
    sink_reopen(sink);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void pieces_skip(struct iovec **pieces, int *count, size_t n)
{
    while (*count && n >= (*pieces)->iov_len) {
        n -= (*pieces)->iov_len;
        ++*pieces;
        --*count;
    }
    if (*count) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + n;
        (*pieces)->iov_len -= n;
    }
}

/* Writes until done or in trouble; `ret_done` bytes are out. */
static int pieces_write(int fd, struct iovec **pieces, int *count, uint64_t *ret_done)
{
    *ret_done = 0;
    while (*count) {
        ssize_t n = writev(fd, *pieces, *count < PIECES_AT_ONCE ? *count : PIECES_AT_ONCE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        *ret_done += (uint64_t)n;
        pieces_skip(pieces, count, (size_t)n);
    }
    return 0;
}

/* Takes back a batch that was begun, unless others have written behind it meanwhile. */
static void cut_back(const struct sink *sink, uint64_t done)
{
    struct stat st;

    if (done == 0 || fstat(sink->fd, &st) != 0 || (uint64_t)st.st_size < done ||
        lseek(sink->fd, 0, SEEK_CUR) != st.st_size)
        return;
    if (ftruncate(sink->fd, st.st_size - (off_t)done) == 0)
        lseek(sink->fd, st.st_size - (off_t)done, SEEK_SET);
}

/* A pipe that took the first part will get the rest before anything else. */
static int rest_keep(struct sink *sink, const struct iovec *pieces, int count)
{
    size_t n = 0;

    for (int i = 0; i < count; i++)
        n += pieces[i].iov_len;
    char *rest = malloc(n ? n : 1);

    if (!rest)
        return ENOMEM;
    sink->rest = rest;
    sink->rest_n = n;
    for (int i = 0; i < count; i++) {
        memcpy(rest, pieces[i].iov_base, pieces[i].iov_len);
        rest += pieces[i].iov_len;
    }
    return 0;
}

static int rest_write(struct sink *sink)
{
    while (sink->rest_n) {
        ssize_t n = write(sink->fd, sink->rest, sink->rest_n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        sink->rest_n -= (size_t)n;
        memmove(sink->rest, sink->rest + n, sink->rest_n);
    }
    free(sink->rest);
    sink->rest = NULL;
    return 0;
}

int sink_write(struct sink *sink, struct iovec *pieces, int count, uint64_t len)
{
    uint64_t done;
    int rc;

    if (sink->fd < 0) {
        rc = sink_open(sink);
        if (rc)
            return rc;
    }
    rc = rest_write(sink);
    if (rc)
        return rc;
    rotate_if_due(sink, len);
    rc = pieces_write(sink->fd, &pieces, &count, &done);
    if (rc && done && !sink->is_file)
        return rest_keep(sink, pieces, count);
    if (rc)
        cut_back(sink, done);
    return rc;
}

int sink_flush(struct sink *sink)
{
    int rc = sink->fd < 0 ? 0 : rest_write(sink);

    if (rc == 0 && sink->is_file && fdatasync(sink->fd) != 0)
        rc = errno;
    return rc;
}
