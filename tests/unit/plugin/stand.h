/* stand.h - a loop, a host and one instance of a plugin that the test itself is. */
#pragma once

#include <check.h>
#undef fail /* of check; hg_host has a member of that name */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <headgate/plugin.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/loop.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "plugin/op.h"
#include "plugin/registry.h"
#include "shm/metrics.h"
#include "shm/region.h"

struct stand {
    struct loop *loop;
    struct region *region;
    struct plugin_host *host;
    struct instance *instance;
};

/* What an op came to. */
struct ended {
    unsigned count;
    hg_rc rc;
};

static inline void on_ended(void *arg, hg_rc rc)
{
    struct ended *ended = arg;

    ended->count++;
    ended->rc = rc;
}

static inline void stand_open(struct stand *stand, const hg_plugin *(*entry)(const hg_host *),
                              const struct plugin_host_setup *more)
{
    struct plugin_host_setup setup = more ? *more : (struct plugin_host_setup){0};
    struct error error = {""};

    *stand = (struct stand){.loop = loop_new()};
    stand->region = region_new(&(struct region_plan){.slots = 1, .ring_size = 4096}, &error);
    ck_assert_msg(stand->region != NULL, "%s", error.text);
    setup.loop = stand->loop;
    setup.region = stand->region;
    setup.version = "1.2.3";
    stand->host = plugin_host_new(&setup);
    if (!entry)
        return;
    struct plugin *plugin = plugin_static(stand->host, entry, &error);

    ck_assert_msg(plugin != NULL, "%s", error.text);
    stand->instance = instance_create(
        stand->host, &(struct instance_setup){.kind = "guard", .name = "test", .plugin = plugin},
        NULL, NULL, &error);
    ck_assert_msg(stand->instance != NULL, "%s", error.text);
}

static inline void stand_close(struct stand *stand)
{
    plugin_host_stop(stand->host);
    instance_destroy(&stand->instance);
    plugin_host_free(&stand->host);
    region_free(&stand->region);
    loop_free(&stand->loop);
}

static inline struct op *stand_op(struct stand *stand, hg_ns timeout, struct ended *ended)
{
    return op_begin(stand->host, stand->instance, NULL, timeout ? clock_now() + timeout : 0,
                    on_ended, ended);
}

/* Turns the loop until *flag, at most two seconds. */
static inline void stand_until(struct stand *stand, const unsigned *flag, unsigned value)
{
    hg_ns until = clock_precise() + 2 * NS_PER_S;

    while (*flag < value && clock_precise() < until)
        loop_turn(stand->loop, 10 * NS_PER_MS);
    ck_assert_uint_ge(*flag, value);
}

static inline void stand_turns(struct stand *stand, int turns)
{
    while (turns-- > 0)
        loop_turn(stand->loop, NS_PER_MS);
}

/* A number of headgate_plugin_misuse_total. */
static inline unsigned stand_misuse(struct stand *stand, const char *what)
{
    struct metrics *metrics = region_metrics(stand->region);
    int32_t id = metric_declare(
        metrics, &(struct metric_spec){.type = METRIC_COUNTER,
                                       .name = "headgate_plugin_misuse_total",
                                       .help = "Mistakes of plugins that were contained",
                                       .labels = (const char *const[]){"instance", "what", NULL}});

    ck_assert_int_ge(id, 0);
    return (unsigned)metric_total(metrics, id, (hg_str[]){HG_S("test"), text_of(what)});
}
