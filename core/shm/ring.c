/* Positions only grow; the offset in the ring is a position modulo its size. A record never wraps:
 * what is left at the end is filled with one record of kind PAD, made visible together with the
 * record behind it. Everything is aligned to 8, so there is always room for a header.
 *
 * From an empty ring the producer jumps to the front: what lies between is not filled but void, and
 * takes no room from the records that follow. The jump is one word, which means nothing until the
 * head has moved: a producer that dies before leaves the ring empty, and its successor jumps from
 * the same place. */
#include "shm/ring.h"

#include <stdatomic.h>

#include "base/ensure.h"

enum kind {
    PAD = 0x70616421,
    RECORD = 0x72656321
};

struct header {
    uint32_t n; /* bytes behind the header, as committed */
    uint32_t kind;
};

#define NO_JUMP UINT64_MAX

struct ring {
    _Atomic uint64_t size; /* changes only between two records of different producers */

    /* The producer's. */
    _Alignas(64) _Atomic uint64_t head;
    _Atomic uint64_t jump; /* from here to the front; stale if the consumer is beyond it */
    uint64_t reserved_at;
    size_t reserved;
    _Atomic uint64_t dropped;

    /* The consumer's. */
    _Alignas(64) _Atomic uint64_t tail;
    _Atomic uint64_t corrupt;

    _Alignas(64) char bytes[];
};

size_t ring_bytes(uint64_t size)
{
    return sizeof(struct ring) + size;
}

static bool is_size(uint64_t size)
{
    return size >= 4096 && size <= UINT32_MAX && (size & (size - 1)) == 0;
}

void ring_init(struct ring *ring, uint64_t size)
{
    ensure(is_size(size));
    ring->size = size;
    ring->jump = NO_JUMP;
}

/* Positions go on: the next record jumps to the front, wherever that is now. */
bool ring_resize(struct ring *ring, uint64_t size)
{
    ensure(is_size(size));
    if (ring->head != ring->tail)
        return false;
    ring->size = size;
    return true;
}

static uint64_t size_of(const struct ring *ring)
{
    return atomic_load_explicit(&ring->size, memory_order_relaxed);
}

static uint64_t whole(uint64_t n)
{
    return (n + 7) & ~UINT64_C(7);
}

static struct header *header_at(struct ring *ring, uint64_t position)
{
    return (struct header *)(void *)(ring->bytes + (position & (size_of(ring) - 1)));
}

static uint64_t front_behind(const struct ring *ring, uint64_t position)
{
    return (position | (size_of(ring) - 1)) + 1;
}

/* Where the oldest record is, if there is one: where the consumer stands or has to jump to. */
static uint64_t oldest(const struct ring *ring, uint64_t head, uint64_t tail)
{
    if (tail != head && tail == atomic_load_explicit(&ring->jump, memory_order_relaxed))
        return front_behind(ring, tail);
    return tail;
}

/* Where a record of `need` bytes goes; false if there is no room. What is skipped before it is
 * marked, invisibly, as a jump or as a pad. */
static bool find_room(struct ring *ring, uint64_t need, uint64_t *ret_at)
{
    /* What a producer has left that had written over it need not be a place for a header. */
    uint64_t head = whole(atomic_load_explicit(&ring->head, memory_order_relaxed));
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t front = front_behind(ring, head);

    *ret_at = head;
    if (head == tail && (head & (size_of(ring) - 1))) {
        atomic_store_explicit(&ring->jump, head, memory_order_relaxed);
        *ret_at = front;
        return true;
    }
    if (front - head < need)
        *ret_at = front;
    if (*ret_at + need - oldest(ring, head, tail) > size_of(ring))
        return false;
    if (*ret_at != head)
        *header_at(ring, head) =
            (struct header){(uint32_t)(front - head - sizeof(struct header)), PAD};
    return true;
}

static void count(_Atomic uint64_t *number)
{
    uint64_t value = atomic_load_explicit(number, memory_order_relaxed);

    atomic_store_explicit(number, value + 1, memory_order_relaxed);
}

char *ring_reserve(struct ring *ring, size_t n)
{
    uint64_t need = sizeof(struct header) + whole(n), at;

    ring->reserved = 0;
    if (n > size_of(ring) / 4 || !find_room(ring, need, &at)) {
        count(&ring->dropped);
        return NULL;
    }
    ring->reserved_at = at;
    ring->reserved = whole(n) + 1;
    return (char *)(header_at(ring, at) + 1);
}

void ring_commit(struct ring *ring, size_t n)
{
    ensure(n < ring->reserved);
    *header_at(ring, ring->reserved_at) = (struct header){(uint32_t)n, RECORD};
    ring->reserved = 0;
    atomic_store_explicit(&ring->head, ring->reserved_at + sizeof(struct header) + whole(n),
                          memory_order_release);
}

/* The header at `at`, read once; false if what it says makes no sense. */
static bool header_read(struct ring *ring, uint64_t at, uint64_t head, struct header *ret)
{
    uint64_t left = size_of(ring) - (at & (size_of(ring) - 1));

    if (head - at > size_of(ring) || at % 8)
        return false;
    *ret = *header_at(ring, at);
    uint64_t length = sizeof *ret + whole(ret->n);

    return (ret->kind == RECORD || ret->kind == PAD) && length <= left && length <= head - at;
}

/* The record at *at, or behind a jump or a pad there; *at moves behind it. The head is trusted only
 * as far as it makes sense: a plugin may have written anywhere before its worker died. */
static bool step(struct ring *ring, uint64_t *at, hg_str *ret_record)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    *at = oldest(ring, head, *at);
    while (*at != head) {
        uint64_t began = *at;
        struct header header;

        if (!header_read(ring, began, head, &header)) {
            count(&ring->corrupt);
            atomic_store_explicit(&ring->tail, head, memory_order_release);
            *at = head;
            return false;
        }
        *at += sizeof header + whole(header.n);
        if (header.kind == RECORD) {
            *ret_record = (hg_str){(const char *)(header_at(ring, began) + 1), header.n};
            return true;
        }
    }
    return false;
}

bool ring_peek(struct ring *ring, hg_str *ret_record)
{
    uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    return step(ring, &at, ret_record);
}

void ring_release(struct ring *ring)
{
    uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    hg_str record;

    if (step(ring, &at, &record))
        atomic_store_explicit(&ring->tail, at, memory_order_release);
}

bool ring_next(struct ring *ring, uint64_t *cursor, hg_str *ret_record)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (*cursor < tail)
        *cursor = tail;
    return step(ring, cursor, ret_record);
}

void ring_release_to(struct ring *ring, uint64_t cursor)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    if (cursor > tail && cursor <= head)
        atomic_store_explicit(&ring->tail, cursor, memory_order_release);
}

struct ring_stats ring_stats(const struct ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    return (struct ring_stats){
        .size = size_of(ring),
        .used = head - oldest(ring, head, tail),
        .dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed),
        .corrupt = atomic_load_explicit(&ring->corrupt, memory_order_relaxed),
    };
}
