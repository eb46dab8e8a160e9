#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "support/fake_host.h"

static struct fake *fake;
static const hg_logger *logger;
static char folder[64], path[128];

static void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    logger = fake_iface(fake, HG_LOGGER);
    strcpy(folder, "/tmp/jsonl-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/access.jsonl", folder);
}

static void teardown(void)
{
    char command[128];

    fake_free(&fake);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static hg_rc create(const char *more)
{
    char settings[512];

    snprintf(settings, sizeof settings, "{\"path\":\"%s\"%s}", path, more);
    return fake_create(fake, settings);
}

static hg_rc deliver(const char *const *lines, size_t n)
{
    hg_record *records = calloc(n + 1, sizeof *records);
    const hg_record **list = calloc(n + 1, sizeof *list);
    hg_op op = fake_op(fake, NULL);

    for (size_t i = 0; i < n; i++) {
        records[i] = (hg_record){.size = sizeof *records, .json = text_of(lines[i])};
        list[i] = &records[i];
    }
    hg_rc rc = logger->deliver(fake_state(fake), op, list, n);

    fake_end(fake, op, rc);
    free(list);
    free(records);
    return rc;
}

static hg_rc one(const char *line)
{
    return deliver(&line, 1);
}

static const char *content(const char *name)
{
    static char text[300000];
    FILE *file = fopen(name, "re");

    if (!file)
        return "(no file)";
    size_t n = fread(text, 1, sizeof text - 1, file);

    text[n] = '\0';
    fclose(file);
    return text;
}

static const char *content_of_old(unsigned number)
{
    char name[160];

    snprintf(name, sizeof name, "%s.%u", path, number);
    return content(name);
}

START_TEST(records_become_lines)
{
    static const char *const lines[] = {"{\"a\":1}", "{\"b\":2}", "{}"};
    struct stat st;

    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(deliver(lines, 3), HG_OK);
    ck_assert_int_eq(one("{\"c\":3}"), HG_OK);
    ck_assert_int_eq(deliver(lines, 0), HG_OK);
    ck_assert_str_eq(content(path), "{\"a\":1}\n{\"b\":2}\n{}\n{\"c\":3}\n");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_large_batch_is_written_whole)
{
    enum {
        N = 3000
    };
    static const char *lines[N];
    size_t count = 0;

    for (size_t i = 0; i < N; i++)
        lines[i] = "{\"line\":\"some text of a record\"}";
    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(deliver(lines, N), HG_OK);
    for (const char *p = content(path); *p; p++)
        count += *p == '\n';
    ck_assert_uint_eq(count, N);
}
END_TEST

START_TEST(a_line_end_inside_a_record_becomes_a_space)
{
    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(one("{\n\"a\":\r\n1}"), HG_OK);
    ck_assert_int_eq(one(""), HG_OK);
    ck_assert_str_eq(content(path), "{ \"a\":  1}\n");
}
END_TEST

START_TEST(an_existing_file_is_continued)
{
    FILE *file = fopen(path, "we");

    fputs("{\"old\":1}\n{\"cut off\":", file);
    fclose(file);
    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(one("{}"), HG_OK);
    ck_assert_str_eq(content(path), "{\"old\":1}\n{\"cut off\":\n{}\n");
}
END_TEST

START_TEST(a_full_file_is_rotated)
{
    char line[1500];

    ck_assert_int_eq(create(",\"rotate_size\":\"4KB\",\"keep\":2"), HG_OK);
    for (char c = 'a'; c <= 'h'; c++) {
        memset(line, c, sizeof line - 1);
        line[sizeof line - 1] = '\0';
        ck_assert_int_eq(one(line), HG_OK);
    }
    ck_assert_int_eq(content(path)[0], 'g');
    ck_assert_uint_eq(strlen(content(path)), 3000);
    ck_assert_int_eq(content_of_old(1)[0], 'e');
    ck_assert_int_eq(content_of_old(2)[0], 'c');
    ck_assert_str_eq(content_of_old(3), "(no file)");
}
END_TEST

START_TEST(keep_0_keeps_nothing)
{
    char line[3000];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    ck_assert_int_eq(create(",\"rotate_size\":\"4KB\",\"keep\":0"), HG_OK);
    ck_assert_int_eq(one(line), HG_OK);
    ck_assert_int_eq(one("{}"), HG_OK);
    ck_assert_int_eq(one(line), HG_OK);
    ck_assert_uint_eq(strlen(content(path)), 3000);
    ck_assert_str_eq(content_of_old(1), "(no file)");
}
END_TEST

START_TEST(a_file_that_another_process_rotated_is_followed_not_rotated_again)
{
    char line[4000], old[160];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    ck_assert_int_eq(create(",\"rotate_size\":\"4KB\""), HG_OK);
    ck_assert_int_eq(one(line), HG_OK);
    snprintf(old, sizeof old, "%s.1", path);
    ck_assert_int_eq(rename(path, old), 0);
    fclose(fopen(path, "we"));
    ck_assert_int_eq(one(line), HG_OK);
    ck_assert_uint_eq(strlen(content(path)), 4000);
    ck_assert_uint_eq(strlen(content(old)), 4000);
    ck_assert_str_eq(content_of_old(2), "(no file)");
}
END_TEST

START_TEST(reopen_follows_the_name)
{
    char moved[160];
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(one("{\"n\":1}"), HG_OK);
    snprintf(moved, sizeof moved, "%s.moved", path);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(one("{\"n\":2}"), HG_OK);
    ck_assert_int_eq(logger->reopen(fake_state(fake), op), HG_OK);
    ck_assert_int_eq(one("{\"n\":3}"), HG_OK);
    ck_assert_int_eq(logger->flush(fake_state(fake), op), HG_OK);
    ck_assert_str_eq(content(moved), "{\"n\":1}\n{\"n\":2}\n");
    ck_assert_str_eq(content(path), "{\"n\":3}\n");
    fake_end(fake, op, HG_OK);
}
END_TEST

START_TEST(a_failed_reopen_keeps_the_old_file)
{
    char moved[160];
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(create(""), HG_OK);
    snprintf(moved, sizeof moved, "%s.moved", folder);
    ck_assert_int_eq(rename(folder, moved), 0);
    ck_assert_int_eq(logger->reopen(fake_state(fake), op), HG_E_AGAIN);
    ck_assert_int_eq(one("{\"n\":1}"), HG_OK);
    ck_assert_int_eq(rename(moved, folder), 0);
    ck_assert_str_eq(content(path), "{\"n\":1}\n");
    fake_end(fake, op, HG_OK);
}
END_TEST

/* The limit of a file's size stands for a full disk: a write is cut short, the next one fails. */
START_TEST(a_full_disk_leaves_no_half_line)
{
    static const char *const lines[] = {"{\"first\":\"0123456789\"}", "{\"second\":\"0123456789\"}",
                                        "{\"third\":\"0123456789\"}"};
    struct rlimit was, small;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_int_eq(one("{\"n\":0}"), HG_OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 40; /* within the second line */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    hg_rc rc = deliver(lines, 3), again = deliver(lines, 3);

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
    ck_assert_int_eq(rc, HG_E_AGAIN);
    ck_assert_int_eq(again, HG_E_AGAIN);
    ck_assert_str_eq(content(path), "{\"n\":0}\n");
    ck_assert_int_eq(deliver(lines, 3), HG_OK);
    ck_assert_uint_eq(strlen(content(path)), 8 + 23 + 24 + 23);
    /* said once, and once that it is over */
    ck_assert_ptr_nonnull(strstr(fake_log(fake), "cannot write to"));
    ck_assert_ptr_null(strstr(strstr(fake_log(fake), "cannot") + 1, "cannot"));
    ck_assert_ptr_nonnull(strstr(fake_log(fake), "again"));
}
END_TEST

START_TEST(a_device_without_room_asks_to_try_again)
{
    ck_assert_int_eq(fake_create(fake, "{\"path\":\"/dev/full\"}"), HG_OK);
    ck_assert_int_eq(one("{}"), HG_E_AGAIN);
    ck_assert_int_eq(one("{}"), HG_E_AGAIN);
}
END_TEST

START_TEST(a_pipe_gets_every_line_once)
{
    char *line = malloc(50001);
    static char got[300000];
    size_t n = 0;
    int sent = 0;

    memset(line, 'x', 50000);
    line[50000] = '\0';
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    ck_assert_int_eq(create(""), HG_OK);
    for (int tries = 0; tries < 1000 && n < 4 * 50001; tries++) {
        ssize_t more;

        if (sent < 4 && one(line) == HG_OK)
            sent++;
        if (sent == 4) {
            hg_op op = fake_op(fake, NULL);

            logger->flush(fake_state(fake), op);
            fake_end(fake, op, HG_OK);
        }
        more = read(fd, got + n, 3000);
        n += more > 0 ? (size_t)more : 0;
    }
    ck_assert_int_eq(sent, 4);
    ck_assert_uint_eq(n, 4 * 50001);
    for (size_t i = 0; i < n; i++)
        ck_assert(got[i] == (i % 50001 == 50000 ? '\n' : 'x'));
    close(fd);
    free(line);
}
END_TEST

START_TEST(standard_output_is_known)
{
    int keep = dup(STDOUT_FILENO), fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    hg_rc rc = fake_create(fake, "{\"path\":\"/dev/stdout\"}");
    hg_rc first = one("{\"n\":1}"), second = one("{\"n\":2}");
    hg_op op = fake_op(fake, NULL);
    hg_rc reopened = logger->reopen(fake_state(fake), op), third = one("{\"n\":3}");

    fake_end(fake, op, HG_OK);
    dup2(keep, STDOUT_FILENO);
    close(keep);
    close(fd);
    ck_assert(rc == HG_OK && first == HG_OK && second == HG_OK && reopened == HG_OK &&
              third == HG_OK);
    ck_assert_str_eq(content(path), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
    ck_assert_int_eq(fake_create(fake, "{\"path\":\"/nonexistent/sub/a.jsonl\"}"), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "there is no folder /nonexistent/sub"));
    fake_set_flags(fake, HG_HOST_CHECK);
    ck_assert_int_eq(fake_create(fake, "{\"path\":\"/nonexistent/sub/a.jsonl\"}"), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "there is no folder /nonexistent/sub"));
    ck_assert_int_eq(fake_create(fake, "{\"path\":\"/tmp\"}"), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "is a folder"));
    fake_set_flags(fake, 0);
    ck_assert_int_eq(fake_create(fake, "{\"path\":\"/tmp\"}"), HG_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fake_failure(fake), "is a folder"));
}
END_TEST

START_TEST(a_checker_makes_no_file)
{
    fake_set_flags(fake, HG_HOST_CHECK);
    ck_assert_int_eq(create(""), HG_OK);
    ck_assert_str_eq(content(path), "(no file)");
}
END_TEST

static const char *const bad_settings[] = {"{}",
                                           "{\"path\":\"\"}",
                                           "{\"path\":\"a\\u0000b\"}",
                                           "{\"path\":\"x\",\"rotate_size\":\"big\"}",
                                           "{\"path\":\"x\",\"rotate_size\":\"1KB\"}",
                                           "{\"path\":\"x\",\"rotate_size\":true}",
                                           "{\"path\":\"x\",\"keep\":-1}",
                                           "{\"path\":\"x\",\"keep\":1001}",
                                           "{\"path\":\"x\",\"fsync\":\"often\"}"};

START_TEST(wrong_settings_are_refused)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i]), HG_E_CONFIG);
    ck_assert_uint_gt(strlen(fake_failure(fake)), 10);
}
END_TEST

START_TEST(batches_can_be_forced_to_the_disk)
{
    ck_assert_int_eq(create(",\"fsync\":\"batch\""), HG_OK);
    ck_assert_int_eq(one("{}"), HG_OK);
    ck_assert_str_eq(content(path), "{}\n");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jsonl");
    TCase *tc = tcase_create("jsonl");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, records_become_lines);
    tcase_add_test(tc, a_large_batch_is_written_whole);
    tcase_add_test(tc, a_line_end_inside_a_record_becomes_a_space);
    tcase_add_test(tc, an_existing_file_is_continued);
    tcase_add_test(tc, a_full_file_is_rotated);
    tcase_add_test(tc, keep_0_keeps_nothing);
    tcase_add_test(tc, a_file_that_another_process_rotated_is_followed_not_rotated_again);
    tcase_add_test(tc, reopen_follows_the_name);
    tcase_add_test(tc, a_failed_reopen_keeps_the_old_file);
    tcase_add_test(tc, a_full_disk_leaves_no_half_line);
    tcase_add_test(tc, a_device_without_room_asks_to_try_again);
    tcase_add_test(tc, a_pipe_gets_every_line_once);
    tcase_add_test(tc, standard_output_is_known);
    tcase_add_test(tc, a_missing_folder_is_named);
    tcase_add_test(tc, a_checker_makes_no_file);
    tcase_add_loop_test(tc, wrong_settings_are_refused, 0,
                        (int)(sizeof bad_settings / sizeof *bad_settings));
    tcase_add_test(tc, batches_can_be_forced_to_the_disk);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
