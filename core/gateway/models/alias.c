#include "gateway/models/alias.h"

#include <stdlib.h>

#include "base/text.h"
#include "gateway/gateway.h"

static int order(const void *a, const void *b)
{
    hg_str left = ((const struct alias *)a)->name, right = ((const struct alias *)b)->name;
    size_t n = left.n < right.n ? left.n : right.n;
    int by_bytes = n ? memcmp(left.p, right.p, n) : 0;

    return by_bytes ? by_bytes : (left.n > right.n) - (left.n < right.n);
}

void aliases_make(struct gateway *gateway)
{
    const struct config *config = gateway->config;

    if (!config->alias_count)
        return;
    gateway->alias_count = config->alias_count;
    gateway->aliases = arena_alloc(gateway->arena, gateway->alias_count * sizeof *gateway->aliases);
    for (size_t i = 0; i < gateway->alias_count; i++)
        gateway->aliases[i] =
            (struct alias){text_of(config->aliases[i].name), text_of(config->aliases[i].target)};
    qsort(gateway->aliases, gateway->alias_count, sizeof *gateway->aliases, order);
}

hg_str alias_resolve(const struct gateway *gateway, hg_str model)
{
    const struct alias wanted = {.name = model}, *found;

    if (!gateway->alias_count)
        return model;
    found = bsearch(&wanted, gateway->aliases, gateway->alias_count, sizeof wanted, order);
    return found ? found->target : model;
}
