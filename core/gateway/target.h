/* target.h - where an attempt goes: a provider instance and a model, as s.target "openai/gpt-4o"
 * names them. Made when a route is loaded, never changed. */
#pragma once

#include <headgate/provider.h>

#include "base/error.h"
#include "gateway/config/config.h"

struct gateway;
struct instance;
struct upstream;

struct target {
    struct target *next;
    struct instance *instance;
    const hg_provider *provider;
    void *self;
    const struct config_instance *config;
    char *name;   /* "openai/gpt-4o" */
    char *model;  /* "gpt-4o"; empty: the one the client asked for */
    char *params; /* a JSON object put over the request; NULL: none */
    hg_str params_text;

    /* The place of the last attempt: nearly always the place of the next one. */
    hg_str origin; /* scheme and authority */
    char *origin_text;
    struct upstream *upstream;
    bool wants_usage;   /* ask for the usage of streams: its setting include_usage */
    bool usage_refused; /* this server does not know stream_options */
};

/* Finds or makes it. `params` is JSON text or NULL. NULL and why if there is no such provider. */
struct target *target_get(struct gateway *gateway, hg_str name, const char *params,
                          struct error *error);

/* The model an attempt sends: the target's own, or the asked one without "instance/". */
hg_str target_model(const struct target *target, hg_str asked);

/* Keeps the place of an attempt for the next one. */
void target_remember(struct target *target, hg_str origin, struct upstream *upstream);

void targets_free(struct gateway *gateway);
