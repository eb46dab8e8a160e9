/* alias.h - other names for models, as `aliases` in headgate.lua declares them. */
#pragma once

#include <headgate/abi.h>

struct gateway;

struct alias {
    hg_str name;   /* "fast" */
    hg_str target; /* "openai/gpt-4o-mini" */
};

/* Fills gateway->aliases from its configuration. */
void aliases_make(struct gateway *gateway);

/* What a client's name of a model means: the alias's target, or the name itself. */
hg_str alias_resolve(const struct gateway *gateway, hg_str model);
