#include "process/heart.h"

#include "base/clock.h"

#define BEAT NS_PER_S

static void on_beat(void *arg)
{
    struct heart *heart = arg;

    slot_beat(heart->slot, clock_now());
    timer_set(heart->loop, &heart->beat, clock_now() + BEAT);
}

static void on_readable(void *arg, unsigned ready)
{
    struct heart *heart = arg;
    struct channel_message message;

    (void)ready;
    do {
        message = channel_hear(heart->channel);
        if (message.word == CHANNEL_GONE)
            watch_want(&heart->ear, 0);
        if (message.word != CHANNEL_NOTHING)
            heart->on_word(heart->arg, &message);
    } while (message.word != CHANNEL_NOTHING && message.word != CHANNEL_GONE);
}

void heart_start(struct heart *heart)
{
    heart->beat = (struct timer){.fn = on_beat, .arg = heart};
    on_beat(heart);
    watch_init(&heart->ear, heart->loop, heart->channel, on_readable, heart);
    watch_want(&heart->ear, WATCH_READ);
}

void heart_stop(struct heart *heart)
{
    timer_clear(heart->loop, &heart->beat);
    watch_done(&heart->ear);
}
