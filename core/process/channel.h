/* channel.h - what the supervisor and a child say to each other: short words over a socket pair.
 * The other side's end reads as the word CHANNEL_GONE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum channel_word {
    CHANNEL_NOTHING, /* nothing to read now */
    CHANNEL_GONE,    /* the other process has ended */

    /* to the supervisor */
    CHANNEL_READY,    /* serving */
    CHANNEL_FAILED,   /* could not start; the text says why */
    CHANNEL_RELEASED, /* control no longer reads the rings */

    /* to a worker */
    CHANNEL_DRAIN, /* no new requests; the value is how many milliseconds the old ones have */

    /* to control */
    CHANNEL_TAKE,    /* the rings and the admin listener are yours */
    CHANNEL_RELEASE, /* stop reading the rings, deliver what you hold, end */
    CHANNEL_FINISH,  /* all workers have ended: empty the rings, deliver, end */
    CHANNEL_REOPEN,  /* loggers open their files again */
};

struct channel_message {
    uint32_t word; /* enum channel_word */
    uint32_t value;
    char text[1016];
};

/* Both ends are non-blocking and close-on-exec. */
bool channel_open(int ret_ends[2]);

/* False if the other side is gone or does not read. `text` may be NULL and is cut if too long. */
bool channel_say(int fd, enum channel_word word, uint32_t value, const char *text);

/* Reads one word. */
struct channel_message channel_hear(int fd);
