/* segment.h - one block of memory per plugin instance, shared by all workers: headgate.segment/1.
 *
 * All segments lie in one large mapping of the region, made before the forks. So they need no
 * files, survive workers and reloads, take memory only where they were written, and vanish with the
 * last process however it ends. */
#pragma once

#include <sys/types.h>

#include <headgate/abi.h>

struct segments;

enum {
    SEGMENTS_MAX = 256
};

/* The instance's segment, zeroed if this is the first call for it since the gateway started. Asked
 * for with another size, the instance gets a new segment; workers that still use the old one keep
 * it. The address is the same in all processes of one gateway, but do not rely on it. NULL if
 * `bytes` is 0 or there is no room.
 *
 * With `segments` NULL (checker, tests) it is a private zeroed mapping. */
void *segment_map(struct segments *segments, hg_str instance, uint64_t bytes);

/* For the supervisor, once it has reaped `pid`: what only that process still used of outdated
 * segments goes back to the system. */
void segments_left(struct segments *segments, pid_t pid);

/* For region.c: `size` is the room for all segments, at `at`. */
size_t segments_bytes(void);
void segments_init(struct segments *segments, char *at, uint64_t size);
