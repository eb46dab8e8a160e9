/* children.h - real processes for the tests of shared memory. */
#pragma once

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/region.h"

static inline struct region *new_region(const struct region_plan *plan)
{
    struct error error = {{0}};
    struct region *region = region_new(plan, &error);

    ck_assert_msg(region != NULL, "%s", error.text);
    return region;
}

/* Runs `fn(region, number)` in a child, which exits with 0 after it. */
static inline pid_t child_start(void (*fn)(struct region *region, unsigned number),
                                struct region *region, unsigned number)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fn(region, number);
        _exit(0);
    }
    return pid;
}

static inline void child_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static inline void child_wait(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with %x", status);
}
