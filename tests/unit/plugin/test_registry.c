/* Instances: how they start, at once, late or not at all, and how they go. */
#include <fcntl.h>
#include <jansson.h>

#include "unit/plugin/stand.h"

#define SETTLED TEST_BUILD_DIR "/tests/plugins/.libs/settled.so"

static struct stand stand;
static struct error error;
static struct plugin *plugin;

static struct {
    unsigned count;
    struct instance *instance;
    char text[1024];
} created;

static char *secret(void *arg, const char *name, struct error *reason)
{
    (void)arg, (void)name, (void)reason;
    return strdup("canary-4711");
}

static void setup(void)
{
    memset(&created, 0, sizeof created);
    error.text[0] = 0;
    stand_open(&stand, NULL, &(struct plugin_host_setup){.secret = secret});
    plugin = plugin_load(stand.host, SETTLED, &error);
    ck_assert_msg(plugin != NULL, "%s", error.text);
}

static void teardown(void)
{
    stand_close(&stand);
}

static void on_created(void *arg, struct instance *instance, const struct error *reason)
{
    ck_assert_ptr_eq(arg, &created);
    created.count++;
    created.instance = instance;
    strcpy(created.text, reason ? reason->text : "");
}

static struct instance *create(const char *settings, hg_ns timeout)
{
    json_t *value = json_loads(settings, 0, NULL);
    struct instance *instance = instance_create(stand.host,
                                                &(struct instance_setup){.kind = "guard",
                                                                         .name = "s",
                                                                         .plugin = plugin,
                                                                         .settings = value,
                                                                         .where = "headgate.lua:12",
                                                                         .create_timeout = timeout},
                                                on_created, &created, &error);

    ck_assert_ptr_nonnull(value);
    json_decref(value);
    return instance;
}

START_TEST(an_instance_that_starts_at_once_is_ready_and_calls_nobody)
{
    struct instance *instance = create("{}", 0);

    ck_assert_msg(instance != NULL, "%s", error.text);
    ck_assert_int_eq(instance_state(instance), INSTANCE_READY);
    ck_assert_str_eq(instance_label(instance), "guard 's'");
    ck_assert_str_eq(instance_name(instance), "s");
    ck_assert_str_eq(instance_kind(instance), "guard");
    stand_turns(&stand, 2);
    ck_assert_uint_eq(created.count, 0);
    instance_destroy(&instance);
    ck_assert_ptr_null(instance);
}
END_TEST

START_TEST(an_instance_may_start_late)
{
    struct instance *instance = create("{\"late\":true}", 0);

    ck_assert_msg(instance != NULL, "%s", error.text);
    ck_assert_int_eq(instance_state(instance), INSTANCE_STARTING);
    ck_assert_ptr_null(instance_iface(instance, HG_GUARD));
    stand_until(&stand, &created.count, 1);
    ck_assert_str_eq(created.text, "");
    ck_assert_ptr_eq(created.instance, instance);
    ck_assert_int_eq(instance_state(instance), INSTANCE_READY);
    ck_assert_ptr_nonnull(instance_iface(instance, HG_GUARD));
    ck_assert_ptr_nonnull(instance_self(instance));
    instance_destroy(&instance);
}
END_TEST

START_TEST(an_instance_that_fails_late_says_why)
{
    struct instance *instance = create("{\"late\":true,\"word\":\"four\"}", 0);

    stand_until(&stand, &created.count, 1);
    ck_assert_str_eq(created.text, "headgate.lua:12: guard 's': four letters are not allowed");
    ck_assert_int_eq(instance_state(instance), INSTANCE_FAILED);
    instance_destroy(&instance);
}
END_TEST

START_TEST(an_instance_that_never_starts_is_given_up)
{
    struct instance *instance = create("{\"never\":true}", 5 * NS_PER_MS);

    stand_until(&stand, &created.count, 1);
    ck_assert_ptr_nonnull(strstr(created.text, "headgate.lua:12: guard 's': no answer before"));
    ck_assert_int_eq(instance_state(instance), INSTANCE_FAILED);
    instance_destroy(&instance);
}
END_TEST

START_TEST(an_instance_can_be_destroyed_while_it_starts)
{
    struct instance *never = create("{\"never\":true}", 0);

    instance_destroy(&never);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(created.count, 0);
}
END_TEST

START_TEST(wrong_settings_name_the_place_the_instance_and_the_member)
{
    ck_assert_ptr_null(create("{\"wrod\":\"x\"}", 0));
    ck_assert_str_eq(error.text,
                     "headgate.lua:12: guard 's': settings.wrod: unknown, did you mean 'word'?");
    ck_assert_ptr_null(create("{\"key\":{\"$secret\":\"K\"},\"late\":3}", 0));
    ck_assert_ptr_null(strstr(error.text, "canary"));
}
END_TEST

static void check(struct instance *instance, hg_verdict *verdict, char *ret_error)
{
    const hg_guard *guard = instance_iface(instance, HG_GUARD);
    hg_guard_in in = {.size = sizeof in};
    struct op *op = op_begin(stand.host, instance, NULL, 0, NULL, NULL);
    hg_rc rc =
        OP_CALL(op, "check", guard->check(instance_self(instance), op_handle(op), &in, verdict));

    ck_assert_int_eq(rc, HG_E_DENIED);
    strcpy(ret_error, op_error(op));
    char text[128];

    snprintf(text, sizeof text, "%.*s", TEXT_ARG(verdict->message));
    ck_assert_str_eq(text, "one \"two\" canary-4711");
    op_end(&op, HG_OK);
}

START_TEST(texts_of_settings_outlive_create_and_secrets_stay_out_of_messages)
{
    struct instance *instance = create("{\"key\":{\"$secret\":\"K\"}}", 0);
    hg_verdict verdict = {.size = sizeof verdict};
    char why[1024];

    ck_assert_msg(instance != NULL, "%s", error.text);
    stand_turns(&stand, 1);
    check(instance, &verdict, why);
    ck_assert_str_eq(why, "the key is ***********");
    instance_destroy(&instance);
}
END_TEST

START_TEST(secrets_and_line_ends_stay_out_of_the_log)
{
    struct instance *instance = create("{\"key\":{\"$secret\":\"K\"}}", 0);
    const hg_host *host = plugin_host_table(stand.host);
    int ends[2], before = dup(STDERR_FILENO);
    char line[4096];

    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    host->log((hg_inst *)instance, HG_ERROR, "%s", "uses canary-4711\nforged line");
    host->log(NULL, HG_ERROR, "%s", "of nobody");
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ssize_t n = read(ends[0], line, sizeof line - 1);

    ck_assert_int_gt(n, 0);
    line[n] = 0;
    ck_assert_ptr_nonnull(strstr(line, "[s] uses *********** forged line\n"));
    ck_assert_ptr_nonnull(strstr(line, "[plugin] of nobody\n"));
    close(ends[0]);
    close(before);
    instance_destroy(&instance);
}
END_TEST

START_TEST(instances_of_one_plugin_are_apart)
{
    struct instance *a = create("{\"word\":\"a\"}", 0), *b = create("{\"word\":\"b\"}", 0);

    ck_assert_ptr_ne(instance_self(a), instance_self(b));
    instance_destroy(&a);
    ck_assert_int_eq(instance_state(b), INSTANCE_READY);
    instance_destroy(&b);
    instance_destroy(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *tcase = tcase_create("registry");
    SRunner *runner = srunner_create(suite);

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_instance_that_starts_at_once_is_ready_and_calls_nobody);
    tcase_add_test(tcase, an_instance_may_start_late);
    tcase_add_test(tcase, an_instance_that_fails_late_says_why);
    tcase_add_test(tcase, an_instance_that_never_starts_is_given_up);
    tcase_add_test(tcase, an_instance_can_be_destroyed_while_it_starts);
    tcase_add_test(tcase, wrong_settings_name_the_place_the_instance_and_the_member);
    tcase_add_test(tcase, texts_of_settings_outlive_create_and_secrets_stay_out_of_messages);
    tcase_add_test(tcase, secrets_and_line_ends_stay_out_of_the_log);
    tcase_add_test(tcase, instances_of_one_plugin_are_apart);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
