#include "process/control.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "loop/loop.h"
#include "plugin/host.h"
#include "process/admin.h"
#include "process/heart.h"
#include "process/log_pump.h"
#include "process/loggers.h"
#include "process/status.h"
#include "shm/region.h"
#include "shm/slot.h"

/* Without a supervisor nobody sets a deadline for the end. */
#define ORPHAN_PATIENCE (5 * NS_PER_S)

struct control {
    const struct control_setup *setup;
    struct loop *loop;
    struct heart heart;
    struct plugin_host *host;
    struct loggers *loggers;
    struct log_pump *pump;
    struct admin *admin;
    bool reading, ending;
    hg_ns end_by;
    struct timer cut; /* the rings do not get empty in time */
    int exit_status;
};

/* ---- the end --------------------------------------------------------------------------------- */

static void on_delivered(void *arg)
{
    struct control *control = arg;

    loop_stop(control->loop);
}

static void deliver_rest(void *arg)
{
    struct control *control = arg;

    timer_clear(control->loop, &control->cut);
    log_pump_stop(control->pump);
    control->reading = false;
    loggers_finish(control->loggers, control->end_by, on_delivered, control);
}

/* `patience` covers both: what is still in the rings, and what loggers hold. */
static void end(struct control *control, hg_ns patience, bool empty_rings)
{
    if (control->ending)
        return;
    control->ending = true;
    control->end_by = clock_now() + patience;
    if (control->admin) {
        admin_stop(control->admin);
        close(control->setup->admin); /* so that the address is free */
    }
    if (!control->pump) {
        loop_stop(control->loop);
    } else if (empty_rings && control->reading) {
        control->cut = (struct timer){.fn = deliver_rest, .arg = control};
        timer_set(control->loop, &control->cut, clock_now() + patience * 3 / 4);
        log_pump_finish(control->pump, deliver_rest, control);
    } else {
        deliver_rest(control);
    }
}

static void release(struct control *control, hg_ns patience)
{
    if (control->pump)
        log_pump_stop(control->pump);
    channel_say(control->setup->channel, CHANNEL_RELEASED, 0, NULL);
    end(control, patience, false);
}

/* ---- the supervisor's words ------------------------------------------------------------------ */

static void take(struct control *control)
{
    if (control->ending || control->reading)
        return;
    control->reading = true;
    log_pump_start(control->pump);
    if (control->admin)
        admin_start(control->admin);
}

static void on_word(void *arg, const struct channel_message *message)
{
    struct control *control = arg;
    hg_ns patience = message->value * NS_PER_MS;

    switch ((enum channel_word)message->word) {
    case CHANNEL_TAKE:
        take(control);
        break;
    case CHANNEL_RELEASE:
        release(control, patience);
        break;
    case CHANNEL_FINISH:
        end(control, patience, true);
        break;
    case CHANNEL_GONE:
        end(control, ORPHAN_PATIENCE, true);
        break;
    case CHANNEL_REOPEN:
        if (control->loggers)
            loggers_reopen(control->loggers);
        break;
    case CHANNEL_NOTHING:
    case CHANNEL_READY:
    case CHANNEL_FAILED:
    case CHANNEL_RELEASED:
    case CHANNEL_DRAIN:
        break;
    }
}

/* ---- the start ------------------------------------------------------------------------------- */

static void fail(struct control *control, const struct error *error)
{
    channel_say(control->setup->channel, CHANNEL_FAILED, 0, error->text);
    control->exit_status = 1;
    loop_stop(control->loop);
}

static void on_loggers_ready(void *arg, const struct error *error)
{
    struct control *control = arg;
    struct log_pump_setup setup = {
        .loop = control->loop,
        .region = control->setup->region,
        .slot = control->setup->slot,
    };

    if (error) {
        fail(control, error);
        return;
    }
    setup.sinks = loggers_sinks(control->loggers, &setup.sink_count);
    control->pump = log_pump_new(&setup);
    channel_say(control->setup->channel, CHANNEL_READY, 0, NULL);
}

static bool open_admin(struct control *control)
{
    const struct admin_setup setup = {
        .loop = control->loop,
        .config = control->setup->config,
        .region = control->setup->region,
        .status = control->setup->status,
        .fd = control->setup->admin,
    };
    struct error error;

    if (setup.fd < 0)
        return true;
    control->admin = admin_new(&setup, &error);
    if (!control->admin)
        fail(control, &error);
    return control->admin != NULL;
}

static void open_loggers(struct control *control)
{
    const struct plugin_host_setup host = {
        .loop = control->loop,
        .version = HEADGATE_VERSION,
        .generation = control->setup->generation,
        .run_dir = control->setup->run_dir,
        .region = control->setup->region,
        .slot = control->setup->slot,
        .secret = config_secret,
    };

    control->host = plugin_host_new(&host);
    const struct loggers_setup loggers = {
        .loop = control->loop,
        .config = control->setup->config,
        .host = control->host,
        .metrics = region_metrics(control->setup->region),
        .slot = control->setup->slot,
    };

    control->loggers = loggers_new(&loggers, on_loggers_ready, control);
}

static void start(void *arg)
{
    struct control *control = arg;

    if (open_admin(control))
        open_loggers(control);
}

static void tear_down(struct control *control)
{
    timer_clear(control->loop, &control->cut);
    heart_stop(&control->heart);
    admin_free(&control->admin);
    log_pump_free(&control->pump);
    if (control->host)
        plugin_host_stop(control->host);
    loggers_free(&control->loggers);
    plugin_host_free(&control->host);
    loop_free(&control->loop);
}

int control_run(const struct control_setup *setup)
{
    struct control control = {.setup = setup, .loop = loop_new()};
    struct task first = {.fn = start, .arg = &control};

    log_set_level(setup->config->log_level);
    control.heart = (struct heart){
        .loop = control.loop,
        .slot = region_slot(setup->region, setup->slot),
        .channel = setup->channel,
        .on_word = on_word,
        .arg = &control,
    };
    heart_start(&control.heart);
    task_queue(control.loop, &first);
    loop_run(control.loop);
    tear_down(&control);
    return control.exit_status;
}
