#include "process/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

static char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return n < 0 ? xstrdup("") : text;
}

char *run_dir_path(const char *dir, const char *name)
{
    return format("%s/%s", dir, name);
}

char *run_dir_default(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *tmp = getenv("TMPDIR");

    if (runtime && *runtime == '/' && access(runtime, W_OK) == 0)
        return format("%s/headgate", runtime);
    if (geteuid() == 0 && access("/run", W_OK) == 0)
        return xstrdup("/run/headgate");
    return format("%s/headgate-%u", tmp && *tmp == '/' ? tmp : "/tmp", (unsigned)geteuid());
}

/* In a folder like /tmp somebody else may have made ours first. */
static bool is_ours(const char *dir, struct error *error)
{
    struct stat st;

    if (lstat(dir, &st) < 0)
        return error_set(error, "cannot use the run folder %s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(error, "the run folder %s is not a folder: choose another with --run-dir",
                         dir);
    if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(error,
                         "the run folder %s can be written by others: choose another with "
                         "--run-dir, or chown and chmod 700 it",
                         dir);
    return true;
}

static bool make_folder(const char *dir, struct error *error)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_set(error, "cannot make the run folder %s: %s; choose another with --run-dir",
                         dir, strerror(errno));
    return is_ours(dir, error);
}

static bool read_pid(const char *dir, pid_t *ret_pid)
{
    char *path = run_dir_path(dir, "pid");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char text[32];
    uint64_t pid = 0;

    free(path);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    if (n <= 0 || !text_to_u64((hg_str){text, (size_t)n}, &pid) || pid < 2 || pid > INT32_MAX)
        return false;
    *ret_pid = (pid_t)pid;
    return true;
}

static int open_lock(const char *dir, int flags)
{
    char *path = run_dir_path(dir, "lock");
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

    free(path);
    return fd;
}

/* Locks of this kind belong to the open file: they go with the process that opened it, and others
 * can ask for them without taking them. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static bool is_locked(int fd)
{
    struct flock lock = whole_file();

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool write_pid(const char *dir)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

    return run_dir_write(dir, "pid", text, (size_t)n);
}

int run_dir_claim(const char *dir, struct error *error)
{
    struct flock lock = whole_file();
    pid_t holder;

    if (!make_folder(dir, error))
        return -1;
    int fd = open_lock(dir, O_CREAT);
    if (fd < 0) {
        error_set(error, "cannot open %s/lock: %s", dir, strerror(errno));
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (read_pid(dir, &holder))
            error_set(error,
                      "another gateway (pid %d) runs with the run folder %s: stop it with "
                      "`headgate stop --run-dir %s`, or give this one its own --run-dir",
                      (int)holder, dir, dir);
        else
            error_set(error, "another gateway runs with the run folder %s: use another --run-dir",
                      dir);
    } else if (!write_pid(dir)) {
        error_set(error, "cannot write %s/pid: %s", dir, strerror(errno));
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

void run_dir_leave(const char *dir)
{
    static const char *const names[] = {"state.json", "pid"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = run_dir_path(dir, names[i]);

        unlink(path);
        free(path);
    }
}

bool run_dir_holder(const char *dir, pid_t *ret_pid, struct error *error)
{
    int fd = open_lock(dir, 0);
    bool held = fd >= 0 && is_locked(fd);

    if (fd >= 0)
        close(fd);
    else if (errno != ENOENT)
        return error_set(error, "cannot look into the run folder %s: %s", dir, strerror(errno));
    if (!held || !read_pid(dir, ret_pid))
        return error_set(error,
                         "no gateway runs with the run folder %s: start one with `headgate run`, "
                         "or say --run-dir",
                         dir);
    return true;
}

static bool write_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t wrote = write(fd, text, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        text += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

bool run_dir_write(const char *dir, const char *name, const char *text, size_t n)
{
    char *path = run_dir_path(dir, name);
    char *draft = format("%s.new", path);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && write_all(fd, text, n);

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    ok = ok && rename(draft, path) == 0;
    free(draft);
    free(path);
    return ok;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    remove(path);
    return 0;
}

void run_dir_remove(const char *dir)
{
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
