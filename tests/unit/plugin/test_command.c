/* headgate plugin ls and info, as somebody at a terminal sees them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/suite.h"

#define PLUGINS TEST_BUILD_DIR "/tests/plugins/.libs"

static char said[16384]; /* on both outputs */

static int run(const char *a, const char *b)
{
    int ends[2], status;
    size_t n = 0;
    ssize_t more;

    fflush(stdout);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();

    if (!pid) {
        char *argv[] = {strdup("plugin"), a ? strdup(a) : NULL, b ? strdup(b) : NULL, NULL};

        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        status = cli_plugin(1 + (a != NULL) + (b != NULL), argv);
        fflush(stdout);
        _exit(status);
    }
    close(ends[1]);
    while ((more = read(ends[0], said + n, sizeof said - 1 - n)) > 0)
        n += (size_t)more;
    said[n] = 0;
    close(ends[0]);
    waitpid(pid, &status, 0);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says(const char *text)
{
    ck_assert_msg(strstr(said, text) != NULL, "no \"%s\" in\n%s", text, said);
}

START_TEST(ls_lists_good_and_bad_ones_with_reasons)
{
    ck_assert_int_eq(run("ls", PLUGINS), CLI_OK);
    says("plain                1.0          0.0    " PLUGINS "/plain.so\n");
    says("/newer.so: needs ABI 0.3");
    says("/no_note.so: is no headgate plugin");
    ck_assert_int_eq(run("ls", "/no/such/folder"), CLI_FAILED);
    says("cannot be read");
}
END_TEST

START_TEST(ls_without_a_folder_walks_the_plugin_path)
{
    setenv("HEADGATE_PLUGIN_PATH", "/no/such/folder:" PLUGINS, 1);
    ck_assert_int_eq(run("ls", NULL), CLI_OK);
    says("/plain.so\n");
    unsetenv("HEADGATE_PLUGIN_PATH");
}
END_TEST

START_TEST(info_shows_a_file)
{
    ck_assert_int_eq(run("info", PLUGINS "/plain.so"), CLI_OK);
    says("plugin     plain\n");
    says("ABI        0.0, this program has 0.0\n");
    says("needs      ");
    says(" exported, ");
    ck_assert_ptr_null(strstr(said, "trouble"));
}
END_TEST

START_TEST(info_finds_a_name_in_the_plugin_path)
{
    setenv("HEADGATE_PLUGIN_PATH", PLUGINS, 1);
    ck_assert_int_eq(run("info", "plain"), CLI_OK);
    says("plugin     plain\n");
    ck_assert_int_eq(run("info", "plain.so"), CLI_OK);
    ck_assert_int_eq(run("info", "guard"), CLI_OK); /* short_guard.so, as kind "short" */
    ck_assert_int_eq(run("info", "plian"), CLI_FAILED);
    says("no plugin 'plian' in the plugin path");
    unsetenv("HEADGATE_PLUGIN_PATH");
}
END_TEST

START_TEST(info_tells_what_is_wrong)
{
    ck_assert_int_eq(run("info", PLUGINS "/newer.so"), CLI_FAILED);
    says("trouble    needs ABI 0.3");
    ck_assert_int_eq(run("info", PLUGINS "/no_entry.so"), CLI_FAILED);
    says("trouble    does not export headgate_plugin_v0");
    says("advice     exports headgate_plugin_v7");
    ck_assert_int_eq(run("info", PLUGINS "/no_note.so"), CLI_FAILED);
    says("it has no note");
    ck_assert_int_eq(run("info", "/etc/passwd"), CLI_FAILED);
    says("no ELF file");
    ck_assert_int_eq(run("info", "/no/such/file"), CLI_FAILED);
    says("cannot be opened");
}
END_TEST

START_TEST(nothing_of_a_plugin_is_run)
{
    ck_assert_int_eq(run("info", PLUGINS "/crash.so"), CLI_OK);
    says("plugin     bad\n");
}
END_TEST

START_TEST(what_is_not_understood_gets_the_usage)
{
    ck_assert_int_eq(run(NULL, NULL), CLI_USAGE);
    says("usage: headgate plugin");
    ck_assert_int_eq(run("list", NULL), CLI_USAGE);
    says("there is no 'list'");
    ck_assert_int_eq(run("info", NULL), CLI_USAGE);
    says("info needs a FILE or a NAME");
    ck_assert_int_eq(run("--help", NULL), CLI_OK);
    says("lists the plugins");
}
END_TEST

RUN_SUITE("command", ls_lists_good_and_bad_ones_with_reasons,
          ls_without_a_folder_walks_the_plugin_path, info_shows_a_file,
          info_finds_a_name_in_the_plugin_path, info_tells_what_is_wrong,
          nothing_of_a_plugin_is_run, what_is_not_understood_gets_the_usage)
