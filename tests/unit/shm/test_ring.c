#include "shm/ring.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/slot.h"

#include "support/suite.h"
#include "unit/shm/children.h"

static struct region *region;
static struct ring *ring;

static void setup(void)
{
    region = new_region(&(struct region_plan){.slots = 2, .ring_size = 64 << 10});
    ring = region_ring(region, 0);
}

static void teardown(void)
{
    region_free(&region);
}

static void put(hg_str text)
{
    char *room = ring_reserve(ring, text.n);

    ck_assert_ptr_nonnull(room);
    memcpy(room, text.p, text.n);
    ring_commit(ring, text.n);
}

static void expect(const char *text)
{
    hg_str record;

    ck_assert(ring_peek(ring, &record));
    ck_assert_uint_eq(record.n, strlen(text));
    ck_assert_mem_eq(record.p, text, record.n);
    ring_release(ring);
}

START_TEST(records_come_out_as_they_went_in)
{
    hg_str record;

    ck_assert(!ring_peek(ring, &record));
    put(HG_S("one"));
    put(HG_S(""));
    put(HG_S("three three three"));
    expect("one");
    expect("");
    expect("three three three");
    ck_assert(!ring_peek(ring, &record));
    ck_assert_uint_eq(ring_stats(ring).used, 0);
}
END_TEST

START_TEST(a_record_is_invisible_until_it_is_committed)
{
    hg_str record;

    ck_assert_ptr_nonnull(ring_reserve(ring, 100));
    ck_assert(!ring_peek(ring, &record));
    put(HG_S("second thoughts"));
    expect("second thoughts");
    ck_assert(!ring_peek(ring, &record));
}
END_TEST

START_TEST(less_than_what_was_reserved_can_be_committed)
{
    memcpy(ring_reserve(ring, 1000), "abc", 3);
    ring_commit(ring, 3);
    put(HG_S("def"));
    expect("abc");
    expect("def");
}
END_TEST

START_TEST(a_full_ring_drops_and_says_so)
{
    unsigned count = 0;

    while (ring_reserve(ring, 1000)) {
        ring_commit(ring, 1000);
        count++;
    }
    ck_assert_uint_eq(count, (64 << 10) / 1008);
    ck_assert_uint_eq(ring_stats(ring).dropped, 1);
    ck_assert_ptr_null(ring_reserve(ring, 1 << 20));
    ck_assert_uint_eq(ring_stats(ring).dropped, 2);
    ring_release(ring);
    ck_assert_ptr_nonnull(ring_reserve(ring, 1000));
}
END_TEST

START_TEST(records_wrap_around_many_times)
{
    char text[5000];
    uint32_t in = 0, out = 0, random = 1;

    for (int i = 0; i < 20000; i++) {
        hg_str record;

        random = random * 1664525 + 1013904223;
        size_t n = 4 + (random >> 8) % (sizeof text - 4);

        memset(text, (char)in, n);
        memcpy(text, &in, 4);
        char *room = random >> 31 ? ring_reserve(ring, n) : NULL;

        if (room) {
            memcpy(room, text, n);
            ring_commit(ring, n);
            in++;
        } else if (ring_peek(ring, &record)) {
            ck_assert_mem_eq(record.p, &out, 4);
            memset(text, (char)out, sizeof text);
            ck_assert(memcmp(record.p + 4, text, record.n - 4) == 0);
            out++;
            ring_release(ring);
        }
    }
    ck_assert_uint_gt(out, 4000);
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
}
END_TEST

START_TEST(a_ring_that_is_read_in_time_touches_few_pages)
{
    struct region *large = new_region(&(struct region_plan){.slots = 1, .ring_size = 4 << 20});
    unsigned char in_core[1100];
    size_t pages = 0;

    ring = region_ring(large, 0);
    for (int i = 0; i < 200000; i++) {
        put(HG_S("a record of the usual kind"));
        ring_release(ring);
    }
    char *start = (char *)((uintptr_t)ring & ~(uintptr_t)4095);

    ck_assert_int_eq(mincore(start, 4 << 20, in_core), 0);
    for (size_t i = 0; i < 1024; i++)
        pages += in_core[i] & 1;
    ck_assert_uint_le(pages, 2);
    region_free(&large);
}
END_TEST

static unsigned fill(size_t n)
{
    unsigned count = 0;

    while (ring_reserve(ring, n)) {
        ring_commit(ring, n);
        count++;
    }
    return count;
}

/* Wherever an idle ring stands, the whole of it is there for records that come all at once. */
START_TEST(an_idle_ring_gives_its_whole_room_to_a_burst)
{
    hg_str record;

    for (int before = 0; before < 200; before++) {
        for (int i = 0; i < before; i++)
            put((hg_str){"0123456789", 1 + (size_t)(before + i) % 10});
        while (ring_peek(ring, &record))
            ring_release(ring);
        ck_assert_uint_eq(fill(1000), (64 << 10) / 1008);
        ck_assert_uint_eq(ring_stats(ring).used, (64 << 10) / 1008 * 1008);
        for (int i = 0; i < (64 << 10) / 1008; i++) {
            ck_assert(ring_peek(ring, &record));
            ck_assert_uint_eq(record.n, 1000);
            ring_release(ring);
        }
        ck_assert_uint_eq(ring_stats(ring).used, 0);
    }
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
}
END_TEST

/* A producer may end between any two steps of a jump; so may its successors. */
START_TEST(a_jump_that_nobody_committed_did_not_happen)
{
    hg_str record;
    uint64_t cursor = 0;

    put(HG_S("one"));
    expect("one");
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(ring_reserve(ring, 10));
        ck_assert(!ring_peek(ring, &record));
        ck_assert(!ring_next(ring, &cursor, &record));
        ck_assert_uint_eq(ring_stats(ring).used, 0);
    }
    put(HG_S("two"));
    put(HG_S("three"));
    cursor = 0;
    ck_assert(ring_next(ring, &cursor, &record) && record.n == 3);
    ck_assert(ring_next(ring, &cursor, &record) && record.n == 5);
    ck_assert(!ring_next(ring, &cursor, &record));
    /* a reader that died here has a successor that sees them again */
    expect("two");
    put(HG_S("four"));
    expect("three");
    expect("four");
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
}
END_TEST

START_TEST(a_jump_is_not_taken_twice)
{
    hg_str record;

    for (int i = 0; i < 1000; i++) {
        put(HG_S("alone"));
        expect("alone"); /* idle: the next one jumps */
        put(HG_S("first"));
        for (int more = 0; more < i % 7; more++)
            put(HG_S("more"));
        expect("first");
        for (int more = 0; more < i % 7; more++)
            expect("more");
        ck_assert(!ring_peek(ring, &record));
    }
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
}
END_TEST

START_TEST(an_empty_ring_can_change_its_size)
{
    struct region *large =
        new_region(&(struct region_plan){.slots = 1, .ring_size = 64 << 10, .ring_most = 1 << 20});
    static const unsigned sizes[] = {256 << 10, 64 << 10, 1 << 20, 128 << 10};
    hg_str record;

    ring = region_ring(large, 0);
    for (unsigned i = 0; i < 4; i++) {
        put(HG_S("kept"));
        ck_assert(!region_ring_resize(large, 0, sizes[i]));
        expect("kept");
        ck_assert(region_ring_resize(large, 0, sizes[i]));
        ck_assert_uint_eq(ring_stats(ring).size, sizes[i]);
        ck_assert_uint_eq(fill(1000), sizes[i] / 1008);
        while (ring_peek(ring, &record)) {
            ck_assert_uint_eq(record.n, 1000);
            ring_release(ring);
        }
        ck_assert_uint_eq(ring_stats(ring).used, 0);
    }
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
    ck_assert(!region_ring_resize(large, 0, 2 << 20));
    region_free(&large);
}
END_TEST

START_TEST(several_records_can_be_seen_before_they_are_released)
{
    uint64_t cursor = 0;
    hg_str record;

    put(HG_S("a"));
    put(HG_S("b"));
    put(HG_S("c"));
    ck_assert(ring_next(ring, &cursor, &record) && record.p[0] == 'a');
    ck_assert(ring_next(ring, &cursor, &record) && record.p[0] == 'b');
    ring_release_to(ring, cursor);
    expect("c");
    ck_assert(!ring_next(ring, &cursor, &record));
}
END_TEST

START_TEST(scribbled_memory_is_skipped_not_followed)
{
    hg_str record;

    put(HG_S("good"));
    ck_assert(ring_peek(ring, &record));
    memset((char *)(uintptr_t)record.p - 8, 0xff, 8);
    ck_assert(!ring_peek(ring, &record));
    ck_assert_uint_eq(ring_stats(ring).corrupt, 1);
    put(HG_S("next"));
    expect("next");
}
END_TEST

/* What a producer writes: its number, a counter, and bytes that follow from both. */
struct mark {
    uint32_t life, serial;
};

static _Atomic uint32_t *committed; /* by life: at least so many */

static char filler(struct mark mark, size_t i)
{
    return (char)(mark.life * 31 + mark.serial * 7 + i);
}

static void produce_for_ever(struct region *shared, unsigned life)
{
    struct ring *mine = region_ring(shared, 0);

    for (struct mark mark = {life, 0};; mark.serial++) {
        size_t n = sizeof mark + mark.serial * 37 % 3000;
        char *room = ring_reserve(mine, n);

        if (!room) {
            mark.serial--;
            usleep(50);
            continue;
        }
        memcpy(room, &mark, sizeof mark);
        for (size_t i = sizeof mark; i < n; i++)
            room[i] = filler(mark, i);
        ring_commit(mine, n);
        atomic_store(&committed[life], mark.serial + 1);
    }
}

struct reader {
    struct mark next;
    uint32_t *arrived;
};

static bool is_filled(hg_str record, struct mark mark)
{
    for (size_t i = sizeof mark; i < record.n; i++)
        if (record.p[i] != filler(mark, i))
            return false;
    return true;
}

static void read_some(struct reader *reader, unsigned limit)
{
    hg_str record;
    struct mark mark;

    while (limit-- && ring_peek(ring, &record)) {
        ck_assert_uint_ge(record.n, sizeof mark);
        memcpy(&mark, record.p, sizeof mark);
        if (mark.life != reader->next.life)
            reader->next = (struct mark){mark.life, 0};
        ck_assert_uint_eq(mark.serial, reader->next.serial);
        ck_assert(is_filled(record, mark));
        reader->next.serial++;
        reader->arrived[mark.life] = reader->next.serial;
        ring_release(ring);
    }
}

/* `rest` lets the reader catch up, so that many are killed about a jump. */
static void kill_producers(void (*produce)(struct region *, unsigned), unsigned rest)
{
    enum {
        LIVES = 150, /* or more, on a machine that lets them do little */
        LIVES_MOST = 1000,
        RECORDS = 1000
    };
    uint32_t arrived[LIVES_MOST] = {0}, total = 0;
    struct reader reader = {.arrived = arrived};

    committed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned life = 0; life < LIVES_MOST && (life < LIVES || total <= RECORDS); life++) {
        pid_t pid = child_start(produce, region, life);

        for (int i = rand() % 20; i >= 0; i--) {
            usleep((unsigned)rand() % 300);
            read_some(&reader, rest);
        }
        child_kill(pid);
        total += arrived[life]; /* at least; the rest is still in the ring */
    }
    read_some(&reader, UINT32_MAX);
    for (unsigned life = 0; life < LIVES_MOST; life++) {
        ck_assert_uint_ge(arrived[life], committed[life]);
        ck_assert_uint_le(arrived[life], committed[life] + 1);
    }
    ck_assert_uint_gt(total, RECORDS);
    ck_assert_uint_eq(ring_stats(ring).corrupt, 0);
    munmap(committed, 4096);
}

START_TEST(nothing_is_lost_or_torn_when_producers_are_killed)
{
    kill_producers(produce_for_ever, 100);
}
END_TEST

/* Waits for the reader after each record, so that each begins with a jump. */
static void produce_one_by_one(struct region *shared, unsigned life)
{
    struct ring *mine = region_ring(shared, 0);

    for (struct mark mark = {life, 0};; mark.serial++) {
        char *room = ring_reserve(mine, sizeof mark);

        memcpy(room, &mark, sizeof mark);
        ring_commit(mine, sizeof mark);
        atomic_store(&committed[life], mark.serial + 1);
        while (ring_stats(mine).used)
            ;
    }
}

START_TEST(nothing_is_lost_or_torn_when_producers_are_killed_as_they_jump)
{
    kill_producers(produce_one_by_one, 5000);
}
END_TEST

static void consume_some_and_wait(struct region *shared, unsigned number)
{
    struct ring *mine = region_ring(shared, 0);
    hg_str record;

    for (int i = 0; i < 5; i++) {
        ring_peek(mine, &record);
        ring_release(mine);
    }
    ring_peek(mine, &record);
    atomic_store(&region_slot(shared, number)->accepted, 1);
    pause();
}

START_TEST(a_killed_consumer_loses_only_what_it_had_released)
{
    char text[2] = "a";

    for (; text[0] <= 'j'; text[0]++)
        put((hg_str){text, 1});
    pid_t pid = child_start(consume_some_and_wait, region, 1);

    while (!atomic_load(&region_slot(region, 1)->accepted))
        usleep(100);
    child_kill(pid);
    for (text[0] = 'f'; text[0] <= 'j'; text[0]++)
        expect(text);
}
END_TEST

RUN_SUITE_WITH("ring", setup, teardown, records_come_out_as_they_went_in,
               a_record_is_invisible_until_it_is_committed,
               less_than_what_was_reserved_can_be_committed, a_full_ring_drops_and_says_so,
               records_wrap_around_many_times, a_ring_that_is_read_in_time_touches_few_pages,
               an_idle_ring_gives_its_whole_room_to_a_burst,
               a_jump_that_nobody_committed_did_not_happen, a_jump_is_not_taken_twice,
               an_empty_ring_can_change_its_size,
               several_records_can_be_seen_before_they_are_released,
               scribbled_memory_is_skipped_not_followed,
               nothing_is_lost_or_torn_when_producers_are_killed,
               nothing_is_lost_or_torn_when_producers_are_killed_as_they_jump,
               a_killed_consumer_loses_only_what_it_had_released)
