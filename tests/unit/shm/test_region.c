/* The region as a whole, its slots and its segments. */
#include "shm/region.h"

#include <stdio.h>
#include <string.h>

#include "shm/map.h"
#include "shm/metrics.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/slot.h"

#include "support/suite.h"
#include "unit/shm/children.h"

static struct region *region;

static void setup(void)
{
    region = new_region(&(struct region_plan){0});
}

static void teardown(void)
{
    region_free(&region);
}

/* Resident kilobytes of shared memory. */
static long shared_kb(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[128];
    long kb = -1;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "RssShmem: %ld", &kb) == 1)
            break;
    fclose(file);
    return kb;
}

static void use_a_little(struct region *shared, unsigned number)
{
    struct metrics *metrics = region_metrics(shared);
    int32_t id = metric_declare(metrics, &(struct metric_spec){.name = "x"});

    for (int i = 0; i < 1000; i++) {
        metric_add(metric_find(metrics, number, id, NULL), 1);
        ring_reserve(region_ring(shared, number), 100);
        ring_commit(region_ring(shared, number), 100);
        ring_release(region_ring(shared, number));
    }
    if (shared_kb() > 512)
        _exit(1);
}

START_TEST(a_worker_that_uses_little_has_little_resident)
{
    child_wait(child_start(use_a_little, region, 0));
    ck_assert_int_lt(shared_kb(), 2048);
}
END_TEST

START_TEST(writing_the_metrics_makes_no_pages_for_idle_slots)
{
    struct metrics *metrics = region_metrics(region);
    struct buffer out = {0};
    char name[16];

    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "m%d", i);
        metric_add(metric_find(metrics, 0,
                               metric_declare(metrics, &(struct metric_spec){.name = name}), NULL),
                   1);
    }
    long before = shared_kb();

    metrics_write(metrics, &out);
    ck_assert_uint_gt(out.len, 400 * 8);
    ck_assert_int_lt(shared_kb(), before + 128);
    buffer_done(&out);
}
END_TEST

START_TEST(a_plan_that_makes_no_sense_is_an_error)
{
    struct error error = {{0}};

    ck_assert_ptr_null(region_new(&(struct region_plan){.slots = 1000}, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "1000 slots"));
    ck_assert_ptr_null(region_new(&(struct region_plan){.ring_size = UINT64_MAX}, &error));
    ck_assert_ptr_null(region_new(&(struct region_plan){.map_size = UINT64_MAX}, &error));
}
END_TEST

START_TEST(every_slot_has_a_ring_of_its_own)
{
    hg_str record;

    ck_assert_uint_eq(region_control_slot(region), REGION_SLOTS_MAX);
    for (unsigned i = 0; i <= region_slots(region); i++) {
        char *room = ring_reserve(region_ring(region, i), 1);

        *room = (char)i;
        ring_commit(region_ring(region, i), 1);
    }
    for (unsigned i = 0; i <= region_slots(region); i++) {
        ck_assert(ring_peek(region_ring(region, i), &record));
        ck_assert_int_eq(record.p[0], (char)i);
    }
}
END_TEST

static void die_in_a_plugin(struct region *shared, unsigned number)
{
    culprit_set(region_slot(shared, number), "pii", "guard.request", HG_S("req-0123"));
    raise(SIGKILL);
}

START_TEST(the_culprit_can_be_read_after_a_kill)
{
    struct slot *slot = region_slot(region, 3);
    struct culprit culprit;

    slot_begin(slot, 0, 7, 1234);
    pid_t pid = child_start(die_in_a_plugin, region, 3);

    waitpid(pid, NULL, 0);
    ck_assert(culprit_read(slot, &culprit));
    ck_assert_str_eq(culprit.instance, "pii");
    ck_assert_str_eq(culprit.operation, "guard.request");
    ck_assert_str_eq(culprit.request, "req-0123");
    ck_assert_uint_eq(slot->generation, 7);
    slot_clear(slot);
    ck_assert(!culprit_read(slot, &culprit));
    ck_assert_uint_eq(slot->state, SLOT_FREE);
}
END_TEST

START_TEST(long_culprits_are_cut_and_core_code_is_no_culprit)
{
    struct slot *slot = region_slot(region, 0);
    struct culprit culprit;
    char name[500];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    culprit_set(slot, name, name, (hg_str){name, sizeof name - 1});
    ck_assert(culprit_read(slot, &culprit));
    ck_assert_uint_eq(strlen(culprit.instance), CULPRIT_INSTANCE - 1);
    ck_assert_uint_eq(strlen(culprit.operation), CULPRIT_OPERATION - 1);
    ck_assert_int_eq(region_slot(region, 1)->pid, 0);
    culprit_clear(slot);
    ck_assert(!culprit_read(slot, &culprit));
    culprit_set(slot, "a", "b", (hg_str){0});
    ck_assert(culprit_read(slot, &culprit));
    ck_assert_str_eq(culprit.request, "");
}
END_TEST

/* ---- segments ------------------------------------------------------------------------------- */

static void write_a_word(struct region *shared, unsigned number)
{
    unsigned *words = segment_map(region_segments(shared), HG_S("cache"), 1 << 20);

    words[number] += number;
}

START_TEST(a_segment_is_shared_and_survives_those_who_write_it)
{
    for (unsigned i = 1; i < 4; i++)
        child_wait(child_start(write_a_word, region, i));
    child_wait(child_start(write_a_word, region, 3));
    const unsigned *words = segment_map(region_segments(region), HG_S("cache"), 1 << 20);

    ck_assert_uint_eq(words[0], 0);
    ck_assert_uint_eq(words[2], 2);
    ck_assert_uint_eq(words[3], 6);
}
END_TEST

START_TEST(another_name_or_size_is_another_segment)
{
    struct segments *segments = region_segments(region);
    char *a = segment_map(segments, HG_S("a"), 5000);
    char *b = segment_map(segments, HG_S("b"), 5000);

    a[4999] = 'a';
    ck_assert_ptr_ne(a, b);
    ck_assert_int_eq(b[4999], 0);
    ck_assert_ptr_eq(segment_map(segments, HG_S("a"), 5000), a);
    char *larger = segment_map(segments, HG_S("a"), 9000);

    ck_assert_ptr_ne(larger, a);
    ck_assert_int_eq(larger[4999], 0);
    ck_assert_int_eq(a[4999], 'a');
}
END_TEST

START_TEST(an_outdated_segment_is_given_back_when_its_last_user_is_gone)
{
    struct segments *segments = region_segments(region);
    char *old = segment_map(segments, HG_S("a"), 64 << 20);
    long before = shared_kb();

    memset(old, 1, 32 << 20);
    ck_assert_int_ge(shared_kb(), before + (32 << 10));
    segments_left(segments, getpid() + 1);
    ck_assert_int_eq(old[0], 1);
    segment_map(segments, HG_S("a"), 1 << 20);
    segments_left(segments, getpid() + 1);
    ck_assert_int_eq(old[0], 1);
    segments_left(segments, getpid());
    ck_assert_int_lt(shared_kb(), before + 1024);
    char *again = segment_map(segments, HG_S("b"), 60 << 20);

    ck_assert_ptr_eq(again, old);
    ck_assert_int_eq(again[0], 0);
}
END_TEST

START_TEST(a_present_segment_is_kept_without_users)
{
    struct segments *segments = region_segments(region);
    char *at = segment_map(segments, HG_S("a"), 4096);

    at[0] = 'x';
    segments_left(segments, getpid());
    ck_assert_int_eq(*(char *)segment_map(segments, HG_S("a"), 4096), 'x');
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused)
{
    struct segments *segments = region_segments(region);
    char name[300];

    memset(name, 'n', sizeof name);
    ck_assert_ptr_null(segment_map(segments, HG_S("a"), 0));
    ck_assert_ptr_null(segment_map(segments, HG_S("a"), UINT64_MAX));
    ck_assert_ptr_null(segment_map(segments, HG_S("a"), UINT64_C(1) << 60));
    ck_assert_ptr_null(segment_map(segments, (hg_str){name, sizeof name}, 4096));
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        hg_str number = {name, (size_t)snprintf(name, sizeof name, "%d", i)};

        ck_assert_ptr_nonnull(segment_map(segments, number, 4096));
    }
    ck_assert_ptr_null(segment_map(segments, HG_S("one too many"), 4096));
}
END_TEST

START_TEST(without_a_region_a_segment_is_private)
{
    char *a = segment_map(NULL, HG_S("a"), 4096), *b = segment_map(NULL, HG_S("a"), 4096);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_ne(a, b);
    a[0] = 'x';
    ck_assert_int_eq(b[0], 0);
}
END_TEST

RUN_SUITE_WITH("region", setup, teardown, a_worker_that_uses_little_has_little_resident,
               writing_the_metrics_makes_no_pages_for_idle_slots,
               a_plan_that_makes_no_sense_is_an_error, every_slot_has_a_ring_of_its_own,
               the_culprit_can_be_read_after_a_kill,
               long_culprits_are_cut_and_core_code_is_no_culprit,
               a_segment_is_shared_and_survives_those_who_write_it,
               another_name_or_size_is_another_segment,
               an_outdated_segment_is_given_back_when_its_last_user_is_gone,
               a_present_segment_is_kept_without_users, what_cannot_be_mapped_is_refused,
               without_a_region_a_segment_is_private)
