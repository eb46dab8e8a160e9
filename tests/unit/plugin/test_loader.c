/* Finding, checking, copying and mapping, with real shared objects from tests/plugins. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugin/note.h"
#include "shm/slot.h"
#include "unit/plugin/stand.h"

#define PLUGINS TEST_BUILD_DIR "/tests/plugins/.libs"

static struct stand stand;
static struct error error;
static char run_dir[64];

static void setup(void)
{
    error.text[0] = 0;
    strcpy(run_dir, "/tmp/headgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(run_dir));
    stand_open(&stand, NULL,
               &(struct plugin_host_setup){.run_dir = run_dir, .worker = 2, .workers = 4});
}

static void teardown(void)
{
    char command[128];

    stand_close(&stand);
    snprintf(command, sizeof command, "rm -rf %s", run_dir);
    ck_assert_int_eq(system(command), 0);
}

static struct plugin *load(const char *name)
{
    char file[512];

    snprintf(file, sizeof file, "%s/%s.so", PLUGINS, name);
    return plugin_load(stand.host, file, &error);
}

static void refused(const char *name, const char *why)
{
    ck_assert_msg(load(name) == NULL, "%s was loaded", name);
    ck_assert_msg(strstr(error.text, why) != NULL, "%s: \"%s\" does not say \"%s\"", name,
                  error.text, why);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

static struct instance *create(struct plugin *plugin)
{
    return instance_create(stand.host,
                           &(struct instance_setup){.kind = "guard", .name = "g", .plugin = plugin},
                           NULL, NULL, &error);
}

START_TEST(a_plugin_with_everything_optional_left_out_works)
{
    struct plugin *plugin = load("plain");
    hg_verdict verdict = {.size = sizeof verdict};
    hg_guard_in in = {.size = sizeof in};

    ck_assert_msg(plugin != NULL, "%s", error.text);
    ck_assert_str_eq(plugin_name(plugin), "plain");
    ck_assert_str_eq(plugin_version(plugin), "1.0");
    struct instance *instance = create(plugin);

    ck_assert_msg(instance != NULL, "%s", error.text);
    ck_assert_int_eq(instance_state(instance), INSTANCE_READY);
    const hg_guard *guard = instance_iface(instance, HG_GUARD);

    ck_assert_ptr_nonnull(guard);
    ck_assert_ptr_null(guard->window);
    ck_assert_ptr_null(instance_iface(instance, HG_CACHE));
    ck_assert_ptr_null(instance_iface(instance, "headgate.guard/2"));
    struct op *op = op_begin(stand.host, instance, NULL, 0, NULL, NULL);
    hg_rc rc =
        OP_CALL(op, "check", guard->check(instance_self(instance), op_handle(op), &in, &verdict));

    ck_assert_int_eq(rc, HG_OK);
    ck_assert(text_is(verdict.message, HG_S("worker 2 of 4")));
    op_end(&op, HG_OK);
    instance_destroy(&instance);
}
END_TEST

START_TEST(the_same_bytes_are_loaded_once)
{
    struct plugin *plugin = load("plain");

    ck_assert_ptr_nonnull(plugin);
    ck_assert_ptr_eq(load("plain"), plugin);
}
END_TEST

START_TEST(each_way_to_be_wrong_has_a_reason_in_one_line)
{
    refused("magic", "plugin 'bad' (magic.so): its descriptor does not begin like one");
    refused("size", "its descriptor says it has 24 bytes");
    refused("note_size", "was built with other headers");
    refused("newer", "plugin 'bad' (newer.so): needs ABI 0.3, this gateway has 0.0: upgrade "
                     "headgate or rebuild the plugin with -DHG_ABI_MINOR=0");
    refused("other_major", "needs ABI 9.0, this gateway has 0.0: upgrade headgate");
    refused("no_entry", "does not export headgate_plugin_v0");
    refused("no_note", "plugin no_note.so: is no headgate plugin: it has no note");
    refused("nothing", "its entry returned nothing");
    refused("differs", "its note and its descriptor disagree");
    refused("short_guard", "its headgate.guard/1 has 8 bytes");
    refused("no_check", "its headgate.guard/1 lacks check or window");
    refused("nowhere", "cannot be opened: No such file");
}
END_TEST

START_TEST(a_schema_that_is_wrong_is_refused_when_it_is_used)
{
    struct plugin *plugin = load("bad_schema");

    ck_assert_msg(plugin != NULL, "%s", error.text);
    ck_assert_ptr_null(create(plugin));
    ck_assert_str_eq(error.text, "guard 'g': schema: 'propertys' is not supported, did "
                                 "you mean 'properties'?");
}
END_TEST

START_TEST(a_plugin_that_is_no_guard_cannot_be_used_as_one)
{
    struct plugin *plugin = load("plain");
    struct instance_setup setup = {.kind = "cache", .name = "c", .plugin = plugin};

    ck_assert_ptr_null(instance_create(stand.host, &setup, NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is no cache"));
    setup.kind = "gard";
    ck_assert_ptr_null(instance_create(stand.host, &setup, NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no such kind"));
}
END_TEST

static void crash_in_child(void)
{
    int null = open("/dev/null", O_WRONLY);

    dup2(null, STDERR_FILENO); /* a sanitizer's report */
    create(load("crash"));
    _exit(0);
}

START_TEST(a_crash_in_create_leaves_its_name_in_shared_memory)
{
    struct culprit culprit;
    int status;
    pid_t pid = fork();

    if (!pid)
        crash_in_child();
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    ck_assert(culprit_read(region_slot(stand.region, 0), &culprit));
    ck_assert_str_eq(culprit.instance, "guard 'g'");
    ck_assert_str_eq(culprit.operation, "create");
}
END_TEST

/* ---- copies ---------------------------------------------------------------------------------- */

static void copy_file(const char *to, const char *name)
{
    char command[1024];

    snprintf(command, sizeof command, "cp %s/%s.so %s", PLUGINS, name, to);
    ck_assert_int_eq(system(command), 0);
}

static unsigned copies(char *ret_file, size_t room)
{
    char command[256];

    snprintf(command, sizeof command, "ls -d %s/plugins/*", run_dir);
    FILE *list = popen(command, "r");
    unsigned count = 0;
    char line[256];

    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(ret_file, room, "%s", line);
        count++;
    }
    pclose(list);
    return count;
}

START_TEST(what_is_mapped_is_a_private_copy_that_bears_its_digest)
{
    char copy[256];
    struct stat stat_;

    ck_assert_ptr_nonnull(load("plain"));
    ck_assert_uint_eq(copies(copy, sizeof copy), 1);
    ck_assert_uint_eq(strlen(strrchr(copy, '/')), 1 + 64 + 3);
    ck_assert_int_eq(stat(copy, &stat_), 0);
    ck_assert_uint_eq(stat_.st_mode & 07777, 0500);
}
END_TEST

START_TEST(a_copy_that_is_there_is_used_again_unless_it_was_changed)
{
    char copy[256];
    struct stat before, after;
    struct image image;

    ck_assert_ptr_nonnull(load("plain"));
    copies(copy, sizeof copy);
    ck_assert_int_eq(stat(copy, &before), 0);
    stand_close(&stand);

    stand_open(&stand, NULL, &(struct plugin_host_setup){.run_dir = run_dir});
    ck_assert_ptr_nonnull(load("plain"));
    ck_assert_int_eq(stat(copy, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    stand_close(&stand);

    /* Somebody put another file in its place. */
    ck_assert_int_eq(unlink(copy), 0);
    copy_file(copy, "magic");
    stand_open(&stand, NULL, &(struct plugin_host_setup){.run_dir = run_dir});
    ck_assert_ptr_nonnull(load("plain"));
    ck_assert(image_read(&image, copy, &error));
    ck_assert_uint_eq(copies(copy, sizeof copy), 1);
    struct note note;

    ck_assert(note_read(&image, &note, &error));
    ck_assert_str_eq(note.name, "plain");
    image_done(&image);
}
END_TEST

START_TEST(overwriting_the_file_does_not_touch_what_is_loaded)
{
    char file[128];
    hg_verdict verdict = {.size = sizeof verdict};
    hg_guard_in in = {.size = sizeof in};

    snprintf(file, sizeof file, "%s/guard_mine.so", run_dir);
    copy_file(file, "plain");
    struct plugin *plugin = plugin_load(stand.host, file, &error);

    ck_assert_msg(plugin != NULL, "%s", error.text);
    int fd = open(file, O_WRONLY | O_TRUNC);

    ck_assert_int_ge(fd, 0);
    close(fd);
    const hg_guard *guard = plugin_iface(plugin, HG_GUARD);
    struct instance *instance = create(plugin);
    struct op *op = op_begin(stand.host, instance, NULL, 0, NULL, NULL);

    ck_assert_int_eq(OP_CALL(op, "check", guard->check(NULL, op_handle(op), &in, &verdict)), HG_OK);
    op_end(&op, HG_OK);
    instance_destroy(&instance);
}
END_TEST

START_TEST(a_file_that_everybody_may_write_to_is_refused)
{
    char file[128];

    snprintf(file, sizeof file, "%s/open.so", run_dir);
    copy_file(file, "plain");
    ck_assert_int_eq(chmod(file, 0646), 0);
    ck_assert_ptr_null(plugin_load(stand.host, file, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "everybody may write to it"));
}
END_TEST

START_TEST(a_run_folder_that_others_may_write_to_is_refused)
{
    char folder[128];

    snprintf(folder, sizeof folder, "%s/plugins", run_dir);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    refused("plain", "is not ours alone");
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(symlink("/tmp", folder), 0);
    refused("plain", "is not ours alone");
}
END_TEST

/* ---- finding --------------------------------------------------------------------------------- */

static void found(const char *kind, const char *name, const char *end)
{
    char path[256];

    snprintf(path, sizeof path, "/nowhere::%s", run_dir);
    char *file = plugin_find(path, kind, name, &error);

    ck_assert_msg(file != NULL, "%s", error.text);
    ck_assert_msg(text_ends(text_of(file), text_of(end)), "%s", file);
    free(file);
}

START_TEST(plugins_are_found_by_kind_and_name_along_the_path)
{
    char file[128];

    snprintf(file, sizeof file, "%s/guard_regex.so", run_dir);
    copy_file(file, "plain");
    snprintf(file, sizeof file, "%s/acme-hook.so", run_dir);
    copy_file(file, "plain");
    found("guard", "regex", "/guard_regex.so");
    found("guard", "acme-hook", "/acme-hook.so");
    found("guard", "./some/where.so", "./some/where.so");
    ck_assert_ptr_null(plugin_find(run_dir, "guard", "rejex", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'regex'?"));
    ck_assert_ptr_null(plugin_find(run_dir, "cache", "regex", &error));
    ck_assert_ptr_null(strstr(error.text, "did you mean"));
}
END_TEST

START_TEST(the_path_puts_the_environment_first)
{
    setenv("HEADGATE_PLUGIN_PATH", "/here", 1);
    char *path = plugin_path("/there:/elsewhere");

    ck_assert(text_starts(text_of(path), HG_S("/here:/there:/elsewhere:/")));
    free(path);
    unsetenv("HEADGATE_PLUGIN_PATH");
    path = plugin_path(NULL);
    ck_assert_int_eq(path[0], '/');
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tcase = tcase_create("loader");
    SRunner *runner = srunner_create(suite);

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_plugin_with_everything_optional_left_out_works);
    tcase_add_test(tcase, the_same_bytes_are_loaded_once);
    tcase_add_test(tcase, each_way_to_be_wrong_has_a_reason_in_one_line);
    tcase_add_test(tcase, a_schema_that_is_wrong_is_refused_when_it_is_used);
    tcase_add_test(tcase, a_plugin_that_is_no_guard_cannot_be_used_as_one);
    tcase_add_test(tcase, a_crash_in_create_leaves_its_name_in_shared_memory);
    tcase_add_test(tcase, what_is_mapped_is_a_private_copy_that_bears_its_digest);
    tcase_add_test(tcase, a_copy_that_is_there_is_used_again_unless_it_was_changed);
    tcase_add_test(tcase, overwriting_the_file_does_not_touch_what_is_loaded);
    tcase_add_test(tcase, a_file_that_everybody_may_write_to_is_refused);
    tcase_add_test(tcase, a_run_folder_that_others_may_write_to_is_refused);
    tcase_add_test(tcase, plugins_are_found_by_kind_and_name_along_the_path);
    tcase_add_test(tcase, the_path_puts_the_environment_first);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
