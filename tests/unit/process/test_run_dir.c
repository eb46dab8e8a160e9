#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/run_dir.h"
#include "support/suite.h"

static char folder[64], dir[96];
static struct error error;

static void setup(void)
{
    strcpy(folder, "/tmp/headgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(dir, sizeof dir, "%s/run", folder);
    error.text[0] = '\0';
}

static void teardown(void)
{
    run_dir_remove(folder);
    ck_assert_int_ne(access(folder, F_OK), 0);
}

START_TEST(a_claim_makes_a_folder_that_nobody_else_can_read)
{
    struct stat st;
    pid_t pid = 0;
    int lock = run_dir_claim(dir, &error);

    ck_assert_msg(lock >= 0, "%s", error.text);
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert(run_dir_holder(dir, &pid, &error));
    ck_assert_int_eq(pid, getpid());
    close(lock);
}
END_TEST

START_TEST(a_second_gateway_is_refused_and_told_who_the_first_is)
{
    char pid[32];
    int lock = run_dir_claim(dir, &error);

    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    ck_assert_int_ge(lock, 0);
    ck_assert_int_lt(run_dir_claim(dir, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, pid));
    ck_assert_ptr_nonnull(strstr(error.text, "headgate stop"));
    close(lock);
    lock = run_dir_claim(dir, &error);
    ck_assert_int_ge(lock, 0);
    close(lock);
}
END_TEST

START_TEST(the_lock_goes_with_its_holder_however_that_ends)
{
    pid_t pid = 0, child = fork();

    if (child == 0) {
        run_dir_claim(dir, NULL);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    ck_assert(!run_dir_holder(dir, &pid, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "headgate run"));
    int lock = run_dir_claim(dir, &error);

    ck_assert_int_ge(lock, 0);
    close(lock);
}
END_TEST

START_TEST(looking_does_not_hold_the_folder)
{
    int lock = run_dir_claim(dir, &error);
    pid_t pid;

    close(lock);
    for (int i = 0; i < 3; i++)
        ck_assert(!run_dir_holder(dir, &pid, &error));
    lock = run_dir_claim(dir, &error);
    ck_assert_int_ge(lock, 0);
    close(lock);
}
END_TEST

START_TEST(a_folder_that_others_can_write_is_refused)
{
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(chmod(dir, 0777), 0);
    ck_assert_int_lt(run_dir_claim(dir, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "--run-dir"));
}
END_TEST

START_TEST(a_link_in_place_of_the_folder_is_refused)
{
    ck_assert_int_eq(symlink("/tmp", dir), 0);
    ck_assert_int_lt(run_dir_claim(dir, &error), 0);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_says_why)
{
    ck_assert_int_lt(run_dir_claim("/proc/nowhere/run", &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "/proc/nowhere/run"));
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole)
{
    char *path, text[64] = "";
    int lock = run_dir_claim(dir, &error);

    ck_assert(run_dir_write(dir, "state.json", "a long first text", 17));
    ck_assert(run_dir_write(dir, "state.json", "short", 5));
    path = run_dir_path(dir, "state.json");
    int fd = open(path, O_RDONLY);

    ck_assert_int_eq(read(fd, text, sizeof text), 5);
    ck_assert_str_eq(text, "short");
    close(fd);
    run_dir_leave(dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(path);
    close(lock);
}
END_TEST

START_TEST(the_default_is_in_the_folder_of_the_session)
{
    setenv("XDG_RUNTIME_DIR", folder, 1);
    char *path = run_dir_default();

    ck_assert_ptr_nonnull(strstr(path, folder));
    ck_assert_ptr_nonnull(strstr(path, "/headgate"));
    free(path);
}
END_TEST

RUN_SUITE_WITH("process/run_dir", setup, teardown, a_claim_makes_a_folder_that_nobody_else_can_read,
               a_second_gateway_is_refused_and_told_who_the_first_is,
               the_lock_goes_with_its_holder_however_that_ends, looking_does_not_hold_the_folder,
               a_folder_that_others_can_write_is_refused, a_link_in_place_of_the_folder_is_refused,
               a_folder_that_cannot_be_made_says_why, a_file_is_replaced_as_a_whole,
               the_default_is_in_the_folder_of_the_session)
