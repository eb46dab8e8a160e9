#include "shm/segment.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"

#include "shm/mutex.h"

enum {
    NAME = 128,
    USERS = 192,
    PAGE = 4096
};

enum state {
    UNUSED,
    CURRENT,
    OUTDATED
};

struct segment {
    enum state state;
    uint64_t at, room; /* in the mapping; an unused one keeps its place */
    uint64_t bytes;    /* as asked for */
    size_t name_n;
    char name[NAME];
    pid_t users[USERS]; /* 0: free. Beyond that many an outdated one is never given back */
    bool crowded;
};

struct segments {
    pthread_mutex_t mutex;
    char *at;
    uint64_t size, used;
    uint32_t count;
    struct segment list[SEGMENTS_MAX];
};

size_t segments_bytes(void)
{
    return sizeof(struct segments);
}

void segments_init(struct segments *segments, char *at, uint64_t size)
{
    segments->at = at;
    segments->size = size;
    mutex_init(&segments->mutex);
}

static void *map_private(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* Writes the entry before it counts, so that dying in between leaves at most unused room. */
static struct segment *use_place(struct segment *segment, hg_str instance, uint64_t bytes)
{
    memcpy(segment->name, instance.p, instance.n);
    segment->name_n = instance.n;
    segment->bytes = bytes;
    segment->crowded = false;
    memset(segment->users, 0, sizeof segment->users);
    __atomic_store_n(&segment->state, CURRENT, __ATOMIC_RELEASE);
    return segment;
}

static struct segment *add_segment(struct segments *segments, hg_str instance, uint64_t bytes)
{
    uint64_t room = (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);

    for (uint32_t i = 0; i < segments->count; i++)
        if (segments->list[i].state == UNUSED && segments->list[i].room >= room)
            return use_place(&segments->list[i], instance, bytes);
    if (segments->count == SEGMENTS_MAX || room > segments->size - segments->used)
        return NULL;
    struct segment *segment = &segments->list[segments->count];

    segment->state = UNUSED;
    segment->at = segments->used;
    segment->room = room;
    segments->used += room;
    __atomic_store_n(&segments->count, segments->count + 1, __ATOMIC_RELEASE);
    return use_place(segment, instance, bytes);
}

/* The instance's present segment if it has this size; one of another size is outdated from now. */
static struct segment *find_segment(struct segments *segments, hg_str instance, uint64_t bytes)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        struct segment *segment = &segments->list[i];

        if (segment->state != CURRENT ||
            !text_is((hg_str){segment->name, segment->name_n}, instance))
            continue;
        if (segment->bytes == bytes)
            return segment;
        segment->state = OUTDATED;
    }
    return NULL;
}

static void add_user(struct segment *segment, pid_t pid)
{
    size_t unused = USERS;

    for (size_t i = 0; i < USERS; i++) {
        if (segment->users[i] == pid)
            return;
        if (!segment->users[i] && unused == USERS)
            unused = i;
    }
    if (unused < USERS)
        segment->users[unused] = pid;
    else
        segment->crowded = true;
}

void *segment_map(struct segments *segments, hg_str instance, uint64_t bytes)
{
    if (!bytes || bytes > INT64_MAX || instance.n > NAME)
        return NULL;
    if (!segments)
        return map_private(bytes);
    mutex_lock(&segments->mutex);
    struct segment *segment = find_segment(segments, instance, bytes);

    if (!segment)
        segment = add_segment(segments, instance, bytes);
    if (segment)
        add_user(segment, getpid());
    mutex_unlock(&segments->mutex);
    return segment ? segments->at + segment->at : NULL;
}

static bool lose_user(struct segment *segment, pid_t pid)
{
    bool used = segment->crowded;

    for (size_t i = 0; i < USERS; i++) {
        if (segment->users[i] == pid)
            segment->users[i] = 0;
        used = used || segment->users[i];
    }
    return used;
}

/* The supervisor must never wait for a worker: if the mutex is taken, the memory stays until
 * somebody else has gone. */
void segments_left(struct segments *segments, pid_t pid)
{
    bool owner_died;

    if (!mutex_try(&segments->mutex, &owner_died))
        return;
    for (uint32_t i = 0; i < segments->count; i++) {
        struct segment *segment = &segments->list[i];

        if (segment->state == UNUSED || lose_user(segment, pid) || segment->state == CURRENT)
            continue;
        if (madvise(segments->at + segment->at, segment->room, MADV_REMOVE) == 0)
            segment->state = UNUSED;
    }
    mutex_unlock(&segments->mutex);
}
