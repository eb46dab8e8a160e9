/* headgate.fd/1 over the loop's watches.
 *
 * What is watched is a duplicate of the plugin's descriptor: if the plugin closes its own too
 * early, the number may come back as somebody else's socket, and the loop must not mistake it. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "plugin/parts.h"

_Static_assert(HG_FD_READ == WATCH_READ && HG_FD_WRITE == WATCH_WRITE, "the same bits");

struct fd_watch {
    struct owned owned;
    struct watch watch;
    struct op *op;
    hg_op handle;
    int fd, ours; /* the plugin's number, and the duplicate */
    bool calling, over;
    void (*cb)(void *arg, hg_op op, uint32_t ready);
    void *arg;
};

static void fd_end(struct owned *owned)
{
    struct fd_watch *watch = (struct fd_watch *)owned;

    watch_done(&watch->watch);
    close(watch->ours);
    if (watch->calling)
        watch->over = true;
    else
        free(watch);
}

static void on_ready(void *arg, unsigned ready)
{
    struct fd_watch *watch = arg;
    struct op *op = watch->op;

    watch->calling = true;
    op_callback_enter(op, "fd");
    watch->cb(watch->arg, watch->handle, ready);
    op_callback_leave(op);
    watch->calling = false;
    if (watch->over)
        free(watch);
}

static struct fd_watch *watch_find(struct op *op, int fd)
{
    for (struct owned *owned = op->owned; owned; owned = owned->next)
        if (owned->end == fd_end && ((struct fd_watch *)owned)->fd == fd)
            return (struct fd_watch *)owned;
    return NULL;
}

/* epoll refuses files and folders, which are always ready. */
static bool can_be_watched(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && !S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode);
}

static struct fd_watch *watch_add(struct op *op, hg_op handle, int fd)
{
    int ours = can_be_watched(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;

    if (ours < 0)
        return NULL;
    struct fd_watch *watch = xcalloc(1, sizeof *watch);

    watch->owned.end = fd_end;
    watch->op = op;
    watch->handle = handle;
    watch->fd = fd;
    watch->ours = ours;
    watch_init(&watch->watch, op->host->loop, ours, on_ready, watch);
    op_own(op, &watch->owned);
    return watch;
}

static hg_rc fd_watch_set(hg_op owner, int fd, uint32_t rw,
                          void (*cb)(void *arg, hg_op op, uint32_t ready), void *arg)
{
    struct op *op = op_find(owner, "watch");

    if (!op)
        return HG_E_CANCELLED;
    struct fd_watch *watch = watch_find(op, fd);

    rw &= HG_FD_READ | HG_FD_WRITE;
    if (!rw) {
        if (watch) {
            op_disown(&watch->owned);
            fd_end(&watch->owned);
        }
        return HG_OK;
    }
    if (!watch && !(watch = watch_add(op, owner, fd)))
        return op_fail(owner, HG_E_UNSUPPORTED, "descriptor %d cannot be watched", fd);
    watch->cb = cb;
    watch->arg = arg;
    watch_want(&watch->watch, rw);
    return HG_PENDING;
}

const hg_fd_api service_fd = {.size = sizeof service_fd, .watch = fd_watch_set};
