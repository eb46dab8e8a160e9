/* The gateway does everything; this file brings it up and listens to the supervisor. */
#include "process/worker.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "gateway/gateway.h"
#include "loop/loop.h"
#include "process/heart.h"
#include "shm/region.h"
#include "shm/slot.h"

#define LEAVE_AGAIN (10 * NS_PER_MS)

struct worker {
    const struct worker_setup *setup;
    struct loop *loop;
    struct slot *slot;
    struct gateway *gateway; /* NULL while it is being made */
    struct heart heart;
    hg_ns drain_by; /* 0: not told to */
    struct timer leave;
    bool deaf; /* has closed its listening sockets */
};

/* The requests are over. A connection may still be new, with its first request on its way, or have
 * its last bytes to read: the server ends it within moments. */
static void on_drained(void *arg)
{
    struct worker *worker = arg;
    struct gateway *gateway = worker->gateway;
    bool is_connected = gateway->server && server_connections(gateway->server) > 0;
    bool over = !gateway_open_requests(gateway) && !is_connected;

    if (over || clock_now() >= worker->drain_by)
        loop_stop(worker->loop);
    else
        timer_set(worker->loop, &worker->leave, clock_now() + LEAVE_AGAIN);
}

/* The supervisor has the sockets too. When the gateway stops it has closed them already, and those
 * who still try to connect are to hear that at once. */
static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->setup->listener_count && !worker->deaf; i++)
        close(worker->setup->listeners[i]);
    worker->deaf = true;
}

static void drain(struct worker *worker, hg_ns deadline)
{
    worker->drain_by = deadline;
    worker->slot->state = SLOT_DRAINING;
    if (!worker->gateway)
        return;
    gateway_drain(worker->gateway, deadline, on_drained, worker);
    close_listeners(worker);
}

static void on_word(void *arg, const struct channel_message *message)
{
    struct worker *worker = arg;

    if (message->word == CHANNEL_DRAIN)
        drain(worker, clock_now() + message->value * NS_PER_MS);
    else if (message->word == CHANNEL_GONE)
        exit(1); /* nobody is left who would restart or stop us */
}

static bool start(struct worker *worker, struct error *error)
{
    const struct worker_setup *setup = worker->setup;
    const struct gateway_setup gateway = {
        .loop = worker->loop,
        .config = setup->config,
        .region = setup->region,
        .slot = setup->slot,
        .worker = setup->number,
        .workers = setup->config->workers,
        .generation = setup->generation,
        .run_dir = setup->run_dir,
    };

    worker->gateway = gateway_new(&gateway, error);
    return worker->gateway &&
           gateway_listen(worker->gateway, setup->listeners, setup->listener_count, error);
}

static void serve(struct worker *worker)
{
    if (worker->drain_by) { /* told to go before it was there */
        drain(worker, worker->drain_by);
    } else {
        worker->slot->state = SLOT_READY;
        channel_say(worker->setup->channel, CHANNEL_READY, 0, NULL);
    }
    loop_run(worker->loop);
}

int worker_run(const struct worker_setup *setup)
{
    struct worker worker = {.setup = setup, .loop = loop_new()};
    struct error error = {""};

    log_set_level(setup->config->log_level);
    worker.slot = region_slot(setup->region, setup->slot);
    worker.heart = (struct heart){
        .loop = worker.loop,
        .slot = worker.slot,
        .channel = setup->channel,
        .on_word = on_word,
        .arg = &worker,
    };
    worker.leave = (struct timer){.fn = on_drained, .arg = &worker};
    heart_start(&worker.heart);
    bool started = start(&worker, &error);

    if (started)
        serve(&worker);
    else
        channel_say(setup->channel, CHANNEL_FAILED, 0, error.text);
    worker.slot->state = SLOT_STOPPED;
    heart_stop(&worker.heart);
    timer_clear(worker.loop, &worker.leave);
    gateway_free(&worker.gateway);
    loop_free(&worker.loop);
    return started ? 0 : 1;
}
