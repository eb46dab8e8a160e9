/* A ring whose producer writes records, dies in the middle of one, or writes where it must not: the
 * consumer sees only bytes of the ring, and comes to an end.
 *
 *   the input is a list of steps: what, and one or two numbers */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "shm/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SIZE = 4096,
    POSITIONS = 64, /* bytes at the start that hold the ring's size, which nobody writes again */
    RECORDS_MOST = SIZE / 8
};

static unsigned sum;

static void look(const char *memory, hg_str record)
{
    ensure(record.p >= memory && record.n <= ring_bytes(SIZE) &&
           record.p + record.n <= memory + ring_bytes(SIZE));
    for (size_t i = 0; i < record.n; i++)
        sum += (unsigned char)record.p[i];
}

static void produce(struct ring *ring, size_t n, bool dies)
{
    char *room = ring_reserve(ring, n);

    if (!room)
        return;
    memset(room, 'x', n);
    if (!dies)
        ring_commit(ring, n);
}

static void consume(struct ring *ring, unsigned count)
{
    hg_str record;

    while (count-- && ring_peek(ring, &record)) {
        look((const char *)ring, record);
        ring_release(ring);
    }
}

static void consume_all(struct ring *ring)
{
    uint64_t cursor = 0;
    unsigned count = 0;
    hg_str record;

    while (ring_next(ring, &cursor, &record)) {
        ensure(++count <= RECORDS_MOST);
        look((const char *)ring, record);
    }
    ring_release_to(ring, cursor);
}

/* Three bytes: where, and what. */
static void scribble(struct ring *ring, const uint8_t *step)
{
    size_t at = POSITIONS + (step[0] | (size_t)step[1] << 8) % (ring_bytes(SIZE) - POSITIONS);

    ((char *)ring)[at] = (char)step[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ring *ring = aligned_alloc(64, ring_bytes(SIZE));

    memset(ring, 0, ring_bytes(SIZE));
    ring_init(ring, SIZE);
    for (; size >= 4; data += 4, size -= 4) {
        size_t n = data[1] | (size_t)data[2] << 8;

        switch (data[0] % 5) {
        case 0:
        case 1:
            produce(ring, n % (SIZE / 4 + 2), data[0] % 5);
            break;
        case 2:
            consume(ring, data[1]);
            break;
        case 3:
            consume_all(ring);
            break;
        case 4:
            scribble(ring, data + 1);
            break;
        }
    }
    consume_all(ring);
    free(ring);
    return 0;
}
