/* ring.h - finished records on their way from a worker to control: one producer, one consumer,
 * no lock, no system call.
 *
 *        tail ▼ released up to here          head ▼ committed up to here
 *   ....free..[n|record][n|record]...[n|record]....reserved, invisible....free....
 *
 * A producer that dies between reserve and commit leaves nothing: its successor in the slot goes
 * on at the head. A consumer that dies loses nothing that it had not released: its successor sees
 * those records again. So control releases a record after it has been handed on, and what it did in
 * its last moments may be done twice (at least once, in order; exactly once as long as it lives).
 *
 * When the consumer has caught up, the producer jumps to the front: a ring touches few pages as
 * long as control keeps up, and an idle one has its whole room for a burst. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <headgate/abi.h>

struct ring;

/* For the producer: room for `n` bytes, aligned to 8, or NULL if the ring is full or `n` is more
 * than a quarter of it; that is counted as dropped. Reserving again gives up the room reserved
 * before. */
char *ring_reserve(struct ring *ring, size_t n);

/* Makes the first `n` bytes of the room a record; `n` is at most what was reserved. */
void ring_commit(struct ring *ring, size_t n);

/* For the consumer: the oldest record, in place; it stays valid until it is released. */
bool ring_peek(struct ring *ring, hg_str *ret_record);

/* Gives back the record that ring_peek showed last. */
void ring_release(struct ring *ring);

/* To look at several records before releasing them: start with *cursor = 0, get the oldest that is
 * not released, then the next ones. */
bool ring_next(struct ring *ring, uint64_t *cursor, hg_str *ret_record);

/* Releases everything that ring_next has shown with this cursor. */
void ring_release_to(struct ring *ring, uint64_t cursor);

struct ring_stats {
    uint64_t size, used; /* bytes */
    uint64_t dropped;    /* records that found no room */
    uint64_t corrupt;    /* times the consumer found nonsense and skipped to the head */
};

struct ring_stats ring_stats(const struct ring *ring);

/* For region.c, while nobody writes: from now on it holds `size` bytes (a power of two; there must
 * be memory for them). False if it is not empty. A consumer need not know. */
bool ring_resize(struct ring *ring, uint64_t size);

/* For region.c: bytes to map for a ring that holds `size` (a power of two), and its first words. */
size_t ring_bytes(uint64_t size);
void ring_init(struct ring *ring, uint64_t size);
