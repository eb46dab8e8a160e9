/* instances.c - what the configuration declares, made: instances of plugins, and the servers that
 * routes may call by name. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "plugin/loader.h"
#include "plugin/registry.h"

/* ---- instances ------------------------------------------------------------------------------- */

/* Loggers live in control, so only the checker makes them here. */
static bool is_ours(const struct gateway *gateway, const struct config_instance *config)
{
    return gateway->setup.check || strcmp(config->kind, "logger");
}

static void on_created(void *arg, struct instance *instance, const struct error *error)
{
    struct gateway *gateway = arg;

    (void)instance;
    gateway->instances_pending--;
    if (error && !gateway->create_error.text[0])
        gateway->create_error = *error;
}

static bool instance_make(struct gateway *gateway, const struct config_instance *config,
                          const char *path, struct error *error)
{
    char where[256];
    char *file = plugin_find(path, config->kind, config->plugin, error);

    snprintf(where, sizeof where, "%s:%d", config->place.file, config->place.line);
    if (!file)
        return error_prefix(error, "%s", where);
    struct plugin *plugin = plugin_load(gateway->plugins, file, error);

    free(file);
    if (!plugin)
        return error_prefix(error, "%s", where);
    struct instance *instance =
        instance_create(gateway->plugins,
                        &(struct instance_setup){.kind = config->kind,
                                                 .name = config->name,
                                                 .plugin = plugin,
                                                 .settings = config->settings,
                                                 .where = where},
                        on_created, gateway, error);
    if (!instance)
        return false;
    gateway->instances_pending += instance_state(instance) == INSTANCE_STARTING;
    gateway->instances[gateway->instance_count++] = (struct gateway_instance){config, instance};
    return true;
}

bool gateway_instances_make(struct gateway *gateway, struct error *error)
{
    const struct config *config = gateway->config;
    char *path = plugin_path(config->plugin_path);
    bool ok = true;

    gateway->instances = xcalloc(config->instance_count + 1, sizeof *gateway->instances);
    for (size_t i = 0; i < config->instance_count && ok; i++)
        if (is_ours(gateway, &config->instances[i]))
            ok = instance_make(gateway, &config->instances[i], path, error);
    free(path);
    while (ok && gateway->instances_pending)
        loop_turn(gateway->loop, 100 * NS_PER_MS);
    if (ok && gateway->create_error.text[0]) {
        *error = gateway->create_error;
        return false;
    }
    return ok;
}

struct gateway_instance *gateway_instance(struct gateway *gateway, const char *kind, hg_str name)
{
    for (size_t i = 0; i < gateway->instance_count; i++)
        if (!strcmp(gateway->instances[i].config->kind, kind) &&
            text_is(name, text_of(gateway->instances[i].config->name)))
            return &gateway->instances[i];
    return NULL;
}

/* ---- named upstreams ------------------------------------------------------------------------- */

static bool http_make(struct gateway *gateway, const struct config_http *config,
                      struct error *error)
{
    struct gateway_http *http = &gateway->https[gateway->http_count++];
    json_t *base = config_resolve_secrets(config->base_url, error);
    json_t *headers = config->headers ? config_resolve_secrets(config->headers, error) : NULL;
    const char *name;
    json_t *value;

    http->config = config;
    if (base && (headers || !config->headers)) {
        http->base_url = arena_text(gateway->arena, text_of(json_string_value(base)));
        json_object_foreach(headers, name, value)
            pair_set(gateway->arena, &http->headers, text_of(name),
                     text_of(json_string_value(value)));
    }
    bool ok = http->base_url.p != NULL;

    json_decref(base);
    json_decref(headers);
    return ok || error_prefix(error, "%s:%d: http '%s'", config->place.file, config->place.line,
                              config->name);
}

bool gateway_https_make(struct gateway *gateway, struct error *error)
{
    const struct config *config = gateway->config;

    gateway->https = xcalloc(config->http_count + 1, sizeof *gateway->https);
    for (size_t i = 0; i < config->http_count; i++)
        if (!http_make(gateway, &config->https[i], error))
            return false;
    return true;
}
