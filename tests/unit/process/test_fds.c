#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/fds.h"
#include "support/suite.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* The body runs in a child: it closes what the test itself needs. */
static int in_child(int (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int keep_some(void)
{
    int low = fcntl(0, F_DUPFD, 20), middle = fcntl(0, F_DUPFD, 30), high = fcntl(0, F_DUPFD, 40);
    const int keep[] = {high, -1, low, low};

    fds_keep_only(keep, 4);
    return is_open(low) && !is_open(middle) && is_open(high) && is_open(2) && !is_open(3) ? 0 : 1;
}

static int keep_none(void)
{
    int fd = fcntl(0, F_DUPFD, 20);

    fds_keep_only(NULL, 0);
    return !is_open(fd) && is_open(2) ? 0 : 1;
}

static int open_standard(void)
{
    close(0);
    close(1);
    close(2);
    fds_open_standard();
    return is_open(0) && is_open(1) && is_open(2) && open("/dev/null", O_RDONLY) > 2 ? 0 : 1;
}

START_TEST(only_what_is_named_stays_open)
{
    ck_assert_int_eq(in_child(keep_some), 0);
    ck_assert_int_eq(in_child(keep_none), 0);
}
END_TEST

START_TEST(closed_standard_descriptors_never_become_sockets)
{
    ck_assert_int_eq(in_child(open_standard), 0);
}
END_TEST

START_TEST(the_limit_goes_up_as_far_as_it_can)
{
    size_t limit = fds_raise_limit();

    ck_assert_uint_gt(limit, 0);
    ck_assert_uint_eq(fds_raise_limit(), limit);
}
END_TEST

RUN_SUITE("process/fds", only_what_is_named_stays_open,
          closed_standard_descriptors_never_become_sockets, the_limit_goes_up_as_far_as_it_can)
