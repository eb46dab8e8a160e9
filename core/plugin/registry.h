/* registry.h - instances: a plugin with a name and settings, as the configuration declares them. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

#include "base/error.h"

struct instance;
struct json_t; /* of jansson */
struct plugin;
struct plugin_host;

enum instance_state {
    INSTANCE_STARTING, /* create is pending */
    INSTANCE_READY,
    INSTANCE_FAILED
};

struct instance_setup {
    const char *kind; /* "provider", "cache", "guard", "logger" ... */
    const char *name;
    struct plugin *plugin;
    const struct json_t *settings; /* an object; NULL: none. Secrets still as {"$secret": "NAME"} */
    const char *where;             /* "headgate.lua:12", put before what is wrong; may be NULL */
    hg_ns create_timeout;          /* 0: 10 s */
};

/* From the loop, only if create was pending. `error` is NULL if it is ready now; otherwise the
 * instance is INSTANCE_FAILED and still to be destroyed by its owner. */
typedef void instance_created(void *arg, struct instance *instance, const struct error *error);

/* Checks the settings against the plugin's schema, fills in defaults, resolves secrets and calls
 * create. NULL and why if any of that fails at once. Strings of the setup are copied. */
struct instance *instance_create(struct plugin_host *host, const struct instance_setup *setup,
                                 instance_created *on_created, void *arg, struct error *error);

/* Calls destroy if it was ready. Its ops must have ended (background ops are ended here). NULL is
 * fine; *instance becomes NULL. */
void instance_destroy(struct instance **instance);

enum instance_state instance_state(const struct instance *instance);

/* The functions of an interface by id (HG_GUARD), NULL if it has none or is not ready. It is a copy
 * in this program's size: members that an older plugin does not know are NULL, so no HG_HAS is
 * needed. Members without which the kind makes no sense are never NULL: guard.check or window,
 * cache.lookup and store, logger.deliver, provider.prepare or invoke. */
const void *instance_iface(const struct instance *instance, const char *id);

/* The plugin's own state, first argument of all functions of its interfaces. */
void *instance_self(const struct instance *instance);

/* Overwrites what is secret in this instance's settings with stars, wherever it stands in the
 * text. */
void instance_hide(const struct instance *instance, char *text);

const char *instance_kind(const struct instance *instance);
const char *instance_name(const struct instance *instance);
const char *instance_label(const struct instance *instance); /* "guard 'pii'" */

/* The bracket of op.h for the calls that have no op (price). */
void instance_enter(struct instance *instance, const char *operation);
void instance_leave(struct instance *instance);
