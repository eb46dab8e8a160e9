/* headgate.metrics/1 over shm/metrics.h. Every series gets the label `instance`, so that two
 * instances of one plugin do not add to the same numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "plugin/parts.h"
#include "shm/metrics.h"

enum {
    NAME_SIZE = 200
};

/* What a plugin declared under a number (the type and how many labels): other numbers are not its
 * business. */
static void declared_note(struct plugin_host *host, int32_t id, enum metric_type type,
                          size_t label_count)
{
    size_t at = (size_t)id;

    if (at >= host->declared_room) {
        size_t room = 2 * at + 32;

        host->declared = xrealloc(host->declared, room);
        memset(host->declared + host->declared_room, 0, room - host->declared_room);
        host->declared_room = room;
    }
    host->declared[at] = (uint8_t)((type + 1) << 4 | label_count);
}

static bool type_is(const struct plugin_host *host, int32_t id, enum metric_type type)
{
    return id >= 0 && (size_t)id < host->declared_room && host->declared[id] >> 4 == type + 1;
}

static int32_t declare(hg_inst *inst, enum metric_type type, const char *name, const char *help,
                       const char *const *labels, const double *bounds, size_t n_bounds)
{
    struct plugin_host *host = instance_of(inst)->host;
    const char *all[METRIC_LABELS_MAX + 1] = {"instance"};
    char full[NAME_SIZE];
    size_t count = 1;

    for (; labels && labels[count - 1]; count++) {
        if (count == METRIC_LABELS_MAX)
            return HG_E_TOOBIG;
        all[count] = labels[count - 1];
    }
    if (!name || !help || (size_t)snprintf(full, sizeof full, "headgate_%s", name) >= sizeof full)
        return HG_E_INPUT;
    int32_t id = metric_declare(region_metrics(host->region), &(struct metric_spec){
                                                                  .type = type,
                                                                  .real = type != METRIC_HISTOGRAM,
                                                                  .name = full,
                                                                  .help = help,
                                                                  .labels = all,
                                                                  .bounds = bounds,
                                                                  .n_bounds = n_bounds,
                                                              });
    if (id < 0)
        return HG_E_INPUT;
    declared_note(host, id, type, count);
    return id;
}

static int32_t metrics_counter(hg_inst *inst, const char *name, const char *help,
                               const char *const *labels)
{
    return declare(inst, METRIC_COUNTER, name, help, labels, NULL, 0);
}

static int32_t metrics_gauge(hg_inst *inst, const char *name, const char *help,
                             const char *const *labels)
{
    return declare(inst, METRIC_GAUGE, name, help, labels, NULL, 0);
}

static int32_t metrics_histogram(hg_inst *inst, const char *name, const char *help,
                                 const char *const *labels, const double *bounds, size_t n_bounds)
{
    return declare(inst, METRIC_HISTOGRAM, name, help, labels, bounds, n_bounds);
}

static struct metric_cell cell(hg_inst *inst, int32_t id, const hg_str *values)
{
    struct instance *instance = instance_of(inst);
    struct plugin_host *host = instance->host;
    struct metrics *metrics = region_metrics(host->region);
    unsigned count = host->declared[id] & 15;
    hg_str all[METRIC_LABELS_MAX] = {text_of(instance->name)};

    for (unsigned i = 1; i < count; i++)
        all[i] = values ? values[i - 1] : HG_S("");
    return metric_find(metrics, host->slot_number, id, all);
}

static void metrics_add(hg_inst *inst, int32_t id, const hg_str *values, double by)
{
    struct plugin_host *host = instance_of(inst)->host;

    if (type_is(host, id, METRIC_COUNTER) || type_is(host, id, METRIC_GAUGE))
        metric_add_real(cell(inst, id, values), by);
}

static void metrics_set(hg_inst *inst, int32_t id, const hg_str *values, double to)
{
    if (type_is(instance_of(inst)->host, id, METRIC_GAUGE))
        metric_set_real(cell(inst, id, values), to);
}

static void metrics_observe(hg_inst *inst, int32_t id, const hg_str *values, double value)
{
    if (type_is(instance_of(inst)->host, id, METRIC_HISTOGRAM))
        metric_observe(cell(inst, id, values), value);
}

const hg_metrics_api service_metrics = {
    .size = sizeof service_metrics,
    .counter = metrics_counter,
    .gauge = metrics_gauge,
    .histogram = metrics_histogram,
    .add = metrics_add,
    .set = metrics_set,
    .observe = metrics_observe,
};
