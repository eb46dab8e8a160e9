/* heart.h - what workers and control have in common: a heartbeat in their slot, and an ear for the
 * supervisor. */
#pragma once

#include "loop/loop.h"
#include "process/channel.h"
#include "shm/slot.h"

struct heart {
    struct loop *loop;
    struct slot *slot;
    int channel;
    struct timer beat;
    struct watch ear;
    void (*on_word)(void *arg, const struct channel_message *message);
    void *arg;
};

/* Beats each second from now on, and calls on_word for all the supervisor says; CHANNEL_GONE is the
 * last of it. */
void heart_start(struct heart *heart);
void heart_stop(struct heart *heart);
