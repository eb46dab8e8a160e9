#include "shm/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"
#include "unit/shm/children.h"

static struct region *region;
static struct metrics *metrics;

static void setup(void)
{
    region = new_region(&(struct region_plan){.slots = 8, .metric_cells = 4096});
    metrics = region_metrics(region);
}

static void teardown(void)
{
    region_free(&region);
}

static const char *const by_model[] = {"model", "status", NULL};

static int32_t requests(void)
{
    return metric_declare(metrics, &(struct metric_spec){.type = METRIC_COUNTER,
                                                         .name = "headgate_requests_total",
                                                         .help = "Requests.",
                                                         .labels = by_model,
                                                         .max_series = 10});
}

static hg_str *values(const char *a, const char *b)
{
    static hg_str pair[2];

    pair[0] = (hg_str){a, strlen(a)};
    pair[1] = (hg_str){b, strlen(b)};
    return pair;
}

static char *text(void)
{
    static char copy[1 << 16];
    struct buffer out = {0};

    metrics_write(metrics, &out);
    snprintf(copy, sizeof copy, "%.*s", (int)out.len, out.len ? buffer_at(&out) : "");
    buffer_done(&out);
    return copy;
}

static void expect_line(const char *line)
{
    char *all = text();
    char wanted[512];

    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    ck_assert_msg(strstr(all, wanted) != NULL, "no line\n%s\nin\n%s", line, all);
}

START_TEST(a_counter_is_written_with_help_type_and_labels)
{
    int32_t id = requests();

    metric_add(metric_find(metrics, 0, id, values("gpt-4o", "200")), 2);
    metric_add(metric_find(metrics, 1, id, values("gpt-4o", "200")), 3);
    metric_add(metric_find(metrics, 1, id, values("", "429")), 1);
    ck_assert_str_eq(text(), "# HELP headgate_requests_total Requests.\n"
                             "# TYPE headgate_requests_total counter\n"
                             "headgate_requests_total{model=\"gpt-4o\",status=\"200\"} 5\n"
                             "headgate_requests_total{model=\"\",status=\"429\"} 1\n");
}
END_TEST

START_TEST(declaring_again_gives_the_same_metric_and_a_different_one_is_refused)
{
    static const char *const other[] = {"model", "code", NULL};
    int32_t id = requests();

    ck_assert_int_ge(id, 0);
    ck_assert_int_eq(requests(), id);
    struct metric_spec spec = {
        .type = METRIC_GAUGE, .name = "headgate_requests_total", .labels = by_model};

    ck_assert_int_eq(metric_declare(metrics, &spec), -1);
    spec.type = METRIC_COUNTER;
    spec.labels = other;
    ck_assert_int_eq(metric_declare(metrics, &spec), -1);
    spec.labels = by_model;
    ck_assert_int_eq(metric_declare(metrics, &spec), id);
}
END_TEST

START_TEST(names_that_prometheus_would_refuse_are_refused)
{
    static const char *const bad_names[] = {"", "9lives", "with space", "with-dash", "nl\n"};
    static const char *const bad_labels[] = {"le", "__name__", "a-b", "", "1st"};

    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(metric_declare(metrics, &(struct metric_spec){.name = bad_names[i]}), -1);
    for (size_t i = 0; i < 5; i++) {
        const char *labels[] = {bad_labels[i], NULL};

        ck_assert_int_eq(
            metric_declare(metrics, &(struct metric_spec){.name = "x", .labels = labels}), -1);
    }
    const char *twice[] = {"a", "a", NULL};

    ck_assert_int_eq(metric_declare(metrics, &(struct metric_spec){.name = "x", .labels = twice}),
                     -1);
}
END_TEST

START_TEST(a_hostile_label_value_stays_one_line_of_utf8)
{
    int32_t id = requests();

    metric_add(metric_find(metrics, 0, id, values("a\"b\\c\nd", "\xff\xc3\xa4\xed\xa0\x80")), 1);
    expect_line("headgate_requests_total{model=\"a\\\"b\\\\c\\nd\",status=\"?\xc3\xa4???\"} 1");
}
END_TEST

START_TEST(long_values_are_cut_at_a_character)
{
    char longer[200], cut[256];
    int32_t id = requests();

    memset(longer, 'x', sizeof longer);
    memcpy(longer + 127, "\xc3\xa4", 2);
    longer[199] = '\0';
    metric_add(metric_find(metrics, 0, id, values(longer, "")), 1);
    metric_add(metric_find(metrics, 3, id, values(longer, "")), 1);
    snprintf(cut, sizeof cut, "headgate_requests_total{model=\"%.127s\",status=\"\"} 2", longer);
    expect_line(cut);
}
END_TEST

START_TEST(too_many_series_are_counted_as_other)
{
    int32_t id = requests();
    char model[16];

    for (int i = 0; i < 500; i++) {
        snprintf(model, sizeof model, "m%d", i);
        metric_add(metric_find(metrics, 0, id, values(model, "200")), 1);
    }
    metric_add(metric_find(metrics, 0, id, values("m3", "200")), 10);
    expect_line("headgate_requests_total{model=\"other\",status=\"other\"} 490");
    expect_line("headgate_requests_total{model=\"m3\",status=\"200\"} 11");
    ck_assert_ptr_null(strstr(text(), "\"m10\""));
}
END_TEST

START_TEST(without_room_the_rest_goes_to_other_and_nothing_breaks)
{
    int32_t id = metric_declare(
        metrics, &(struct metric_spec){.name = "big", .labels = by_model, .max_series = 1 << 20});
    char model[16];

    for (int i = 0; i < 10000; i++) {
        snprintf(model, sizeof model, "m%d", i);
        metric_add(metric_find(metrics, 0, id, values(model, "200")), 1);
    }
    ck_assert_ptr_nonnull(strstr(text(), "big{model=\"other\",status=\"other\"} 5"));
    ck_assert_int_eq(metric_declare(metrics, &(struct metric_spec){.name = "late"}), -1);
    metric_add(metric_find(metrics, 0, -1, NULL), 1);
    metric_observe(metric_find(metrics, 0, 4711, NULL), 1);
}
END_TEST

START_TEST(a_value_called_other_is_no_series_of_its_own)
{
    int32_t id = requests();

    metric_add(metric_find(metrics, 0, id, values("other", "other")), 100);
    for (int i = 0; i < 20; i++) {
        char model[2] = {(char)('a' + i), 0};

        metric_add(metric_find(metrics, 0, id, values(model, "1")), 1);
    }
    expect_line("headgate_requests_total{model=\"other\",status=\"other\"} 110");
}
END_TEST

START_TEST(histograms_have_cumulative_buckets)
{
    static const double bounds[] = {0.1, 1, 2.5};
    struct metric_spec spec = {.type = METRIC_HISTOGRAM,
                               .name = "headgate_seconds",
                               .help = "a\\b\nc",
                               .bounds = bounds,
                               .n_bounds = 3};
    int32_t id = metric_declare(metrics, &spec);

    metric_observe(metric_find(metrics, 0, id, NULL), 0.1);
    metric_observe(metric_find(metrics, 1, id, NULL), 0.5);
    metric_observe(metric_find(metrics, 2, id, NULL), 99);
    metric_observe(metric_find(metrics, 2, id, NULL), (double)NAN);
    ck_assert_str_eq(text(), "# HELP headgate_seconds a\\\\b\\nc\n"
                             "# TYPE headgate_seconds histogram\n"
                             "headgate_seconds_bucket{le=\"0.1\"} 1\n"
                             "headgate_seconds_bucket{le=\"1\"} 2\n"
                             "headgate_seconds_bucket{le=\"2.5\"} 2\n"
                             "headgate_seconds_bucket{le=\"+Inf\"} 3\n"
                             "headgate_seconds_sum 99.6\n"
                             "headgate_seconds_count 3\n");
    ck_assert_double_eq(metric_total(metrics, id, NULL), 3);
}
END_TEST

START_TEST(gauges_go_down_and_die_with_their_process)
{
    struct metric_spec spec = {.type = METRIC_GAUGE, .name = "open", .help = "Open."};
    int32_t id = metric_declare(metrics, &spec);

    metric_add(metric_find(metrics, 0, id, NULL), 5);
    metric_add(metric_find(metrics, 0, id, NULL), -7);
    expect_line("open -2");
    metric_set(metric_find(metrics, 1, id, NULL), 10);
    expect_line("open 8");
    metrics_forget(metrics, 1);
    expect_line("open -2");
}
END_TEST

START_TEST(counters_of_plugins_are_real_and_never_go_down)
{
    struct metric_spec spec = {.name = "cost", .real = true};
    struct metric_cell cell = metric_find(metrics, 0, metric_declare(metrics, &spec), NULL);

    metric_add_real(cell, 0.25);
    metric_add_real(cell, -1);
    metric_add_real(cell, (double)INFINITY);
    metric_add_real(cell, 0.5);
    expect_line("cost 0.75");
}
END_TEST

static void count_a_lot(struct region *shared, unsigned number)
{
    struct metrics *mine = region_metrics(shared);
    static const char *const labels[] = {"n", NULL};
    struct metric_spec spec = {.name = "shared_total", .labels = labels};
    int32_t id = metric_declare(mine, &spec);
    char n[8];

    for (int i = 0; i < 100000; i++) {
        hg_str value = {n, (size_t)snprintf(n, sizeof n, "%d", i % 100)};

        metric_add(metric_find(mine, number, id, &value), 1);
    }
}

START_TEST(four_processes_sum_up)
{
    static const char *const labels[] = {"n", NULL};
    struct metric_spec spec = {.name = "shared_total", .labels = labels};
    double total = 0;
    pid_t pids[4];
    char n[8];

    for (unsigned i = 0; i < 4; i++)
        pids[i] = child_start(count_a_lot, region, i);
    for (unsigned i = 0; i < 4; i++)
        child_wait(pids[i]);
    int32_t id = metric_declare(metrics, &spec);

    for (int i = 0; i < 100; i++) {
        hg_str value = {n, (size_t)snprintf(n, sizeof n, "%d", i)};

        total += metric_total(metrics, id, &value);
    }
    ck_assert_double_eq(total, 400000);
}
END_TEST

static void declare_for_ever(struct region *shared, unsigned number)
{
    struct metrics *mine = region_metrics(shared);
    static const char *const labels[] = {"n", NULL};
    char name[16];

    for (unsigned i = 0;; i++) {
        hg_str value = {name, (size_t)snprintf(name, sizeof name, "m%u", i * 7919 % 400)};
        int32_t id = metric_declare(mine, &(struct metric_spec){.name = name, .labels = labels});

        metric_add(metric_find(mine, number, id, &value), 1);
    }
}

START_TEST(processes_killed_while_they_declare_leave_a_sane_table)
{
    struct region *many = new_region(&(struct region_plan){.slots = 8, .metric_cells = 4096});

    for (int round = 0; round < 40; round++) {
        pid_t pids[2] = {child_start(declare_for_ever, many, 0),
                         child_start(declare_for_ever, many, 1)};

        usleep((unsigned)rand() % 1500);
        child_kill(pids[0]);
        child_kill(pids[1]);
    }
    metrics = region_metrics(many);
    char *all = text();
    unsigned lines = 0;

    for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
        char name[32], value[32];

        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%31[^{]{n=\"%31[^\"]\"}", name, value), 2);
        ck_assert_str_eq(name, value);
        lines++;
    }
    ck_assert_uint_gt(lines, 0);
    ck_assert_uint_le(lines, 400);
    region_free(&many);
}
END_TEST

RUN_SUITE_WITH("metrics", setup, teardown, a_counter_is_written_with_help_type_and_labels,
               declaring_again_gives_the_same_metric_and_a_different_one_is_refused,
               names_that_prometheus_would_refuse_are_refused,
               a_hostile_label_value_stays_one_line_of_utf8, long_values_are_cut_at_a_character,
               too_many_series_are_counted_as_other,
               without_room_the_rest_goes_to_other_and_nothing_breaks,
               a_value_called_other_is_no_series_of_its_own, histograms_have_cumulative_buckets,
               gauges_go_down_and_die_with_their_process,
               counters_of_plugins_are_real_and_never_go_down, four_processes_sum_up,
               processes_killed_while_they_declare_leave_a_sane_table)
