/* headgate.shared/1 over shm/map.h: each instance has a space of its own. */
#include "base/buffer.h"
#include "base/text.h"
#include "plugin/parts.h"
#include "shm/map.h"

static struct map *map_of(const struct instance *instance)
{
    return region_map(instance->host->region);
}

static hg_str space_of(const struct instance *instance)
{
    return text_of(instance->space);
}

static int64_t shared_add(hg_inst *inst, hg_str key, int64_t delta, hg_ns ttl)
{
    struct instance *instance = instance_of(inst);
    int64_t value = 0;

    map_add(map_of(instance), space_of(instance), key, delta, ttl, &value);
    return value;
}

static hg_rc shared_get(hg_op op, hg_inst *inst, hg_str key, hg_str *ret_value)
{
    struct instance *instance = instance_of(inst);
    struct buffer value = {0};
    hg_rc rc = map_get(map_of(instance), space_of(instance), key, &value);

    *ret_value = rc == HG_OK ? arena_text(op_memory(op, "get"), buffer_text(&value)) : HG_S("");
    buffer_done(&value);
    return rc;
}

static hg_rc shared_set(hg_inst *inst, hg_str key, hg_str value, hg_ns ttl)
{
    struct instance *instance = instance_of(inst);

    return map_set(map_of(instance), space_of(instance), key, value, ttl);
}

static hg_rc shared_cas(hg_inst *inst, hg_str key, hg_str old, hg_str value, hg_ns ttl)
{
    struct instance *instance = instance_of(inst);

    return map_cas(map_of(instance), space_of(instance), key, old, value, ttl);
}

static hg_rc shared_take(hg_inst *inst, hg_str bucket, double rate, double burst, double n,
                         hg_ns *ret_wait)
{
    struct instance *instance = instance_of(inst);

    return map_take(map_of(instance), space_of(instance), bucket, rate, burst, n, ret_wait);
}

const hg_shared_api service_shared = {
    .size = sizeof service_shared,
    .add = shared_add,
    .get = shared_get,
    .set = shared_set,
    .cas = shared_cas,
    .take = shared_take,
};
