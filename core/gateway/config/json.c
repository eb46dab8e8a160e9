/* The configuration as one document, for the other processes of its generation. It is ours on both
 * sides, so reading it back only guards against another version. */
#include <stdlib.h>

#include "base/memory.h"

#include "gateway/config/parts.h"

enum {
    VERSION = 3
};

static const struct field plain_fields[] = {
    {"path", FIELD_TEXT, offsetof(struct config, path), 0, 0},
    {"folder", FIELD_TEXT, offsetof(struct config, folder), 0, 0},
    {"plugin_path", FIELD_TEXT, offsetof(struct config, plugin_path), 0, 0},
    {"workers", FIELD_COUNT, offsetof(struct config, workers), 1, 1000},
    {"drain_timeout", FIELD_DURATION, offsetof(struct config, drain_timeout), 0, INT64_MAX},
    {"ring_size", FIELD_SIZE, offsetof(struct config, ring_size), 0, INT64_MAX},
    {"shared_size", FIELD_SIZE, offsetof(struct config, shared_size), 0, INT64_MAX},
};

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "workers is read as a count");

static const struct fields plain = {plain_fields, sizeof plain_fields / sizeof *plain_fields};

static json_t *write_fields(const struct fields *fields, const void *from)
{
    return fields_to_json(fields->list, fields->count, from);
}

static bool read_fields(const json_t *document, const struct fields *fields, void *to)
{
    return fields_from_json(document, fields->list, fields->count, to);
}

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *place_to_json(const struct config_place *place)
{
    return json_pack("{s:s?, s:i}", "file", place->file, "line", place->line);
}

static json_t *upstream_to_json(const struct config_upstream *upstream)
{
    return json_pack("{s:o, s:o, s:o}", "timeouts", write_fields(&config_timeouts_fields, upstream),
                     "tls", write_fields(&config_tls_fields, upstream), "reuse",
                     write_fields(&config_reuse_fields, upstream));
}

static json_t *listen_to_json(const struct config_listen *listen)
{
    return json_pack("{s:o, s:s?, s:i, s:o}", "place", place_to_json(&listen->place), "address",
                     listen->address, "mode", (int)listen->mode, "tls",
                     write_fields(&config_listen_tls_fields, listen));
}

static json_t *instance_to_json(const struct config_instance *instance)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:O, s:o}", "place", place_to_json(&instance->place),
                     "kind", instance->kind, "name", instance->name, "plugin", instance->plugin,
                     "settings", instance->settings, "upstream",
                     upstream_to_json(&instance->upstream));
}

static json_t *http_to_json(const struct config_http *http)
{
    return json_pack("{s:o, s:s, s:O, s:O, s:o}", "place", place_to_json(&http->place), "name",
                     http->name, "base_url", http->base_url, "headers", http->headers, "upstream",
                     upstream_to_json(&http->upstream));
}

static json_t *route_to_json(const struct config_route *route)
{
    return json_pack("{s:s, s:s%}", "name", route->name, "source", route->source, route->length);
}

static json_t *alias_to_json(const struct config_alias *alias)
{
    return json_pack("{s:o, s:s, s:s}", "place", place_to_json(&alias->place), "name", alias->name,
                     "target", alias->target);
}

json_t *config_to_json(const struct config *config)
{
    json_t *document = write_fields(&plain, config);
    json_t *listen = json_array(), *instances = json_array(), *https = json_array(),
           *routes = json_array(), *aliases = json_array();

    for (size_t i = 0; i < config->listen_count; i++)
        json_array_append_new(listen, listen_to_json(&config->listen[i]));
    for (size_t i = 0; i < config->instance_count; i++)
        json_array_append_new(instances, instance_to_json(&config->instances[i]));
    for (size_t i = 0; i < config->http_count; i++)
        json_array_append_new(https, http_to_json(&config->https[i]));
    for (size_t i = 0; i < config->route_count; i++)
        json_array_append_new(routes, route_to_json(&config->routes[i]));
    for (size_t i = 0; i < config->alias_count; i++)
        json_array_append_new(aliases, alias_to_json(&config->aliases[i]));
    json_object_set_new(document, "version", json_integer(VERSION));
    json_object_set_new(document, "admin", listen_to_json(&config->admin));
    json_object_set_new(document, "admin_token",
                        config->admin_token ? json_incref(config->admin_token) : json_null());
    json_object_set_new(document, "log_level", json_integer(config->log_level));
    json_object_set_new(document, "limits", write_fields(&config_limits_fields, &config->limits));
    json_object_set_new(document, "lua", write_fields(&config_lua_fields, &config->lua));
    json_object_set_new(document, "listen", listen);
    json_object_set_new(document, "instances", instances);
    json_object_set_new(document, "https", https);
    json_object_set_new(document, "routes", routes);
    json_object_set_new(document, "aliases", aliases);
    return document;
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool text_from(const json_t *document, const char *key, char **to)
{
    const char *text = json_string_value(json_object_get(document, key));

    *to = text ? xstrdup(text) : NULL;
    return text != NULL;
}

static bool place_from(const json_t *document, const char *key, struct config_place *place)
{
    const json_t *at = json_object_get(document, key);

    place->line = (int)json_integer_value(json_object_get(at, "line"));
    text_from(at, "file", &place->file);
    return json_is_object(at);
}

static bool value_from(const json_t *document, const char *key, json_t **to)
{
    *to = json_incref(json_object_get(document, key));
    return *to != NULL;
}

static bool upstream_from(const json_t *document, struct config_upstream *upstream)
{
    const json_t *at = json_object_get(document, "upstream");

    return read_fields(json_object_get(at, "timeouts"), &config_timeouts_fields, upstream) &&
           read_fields(json_object_get(at, "tls"), &config_tls_fields, upstream) &&
           read_fields(json_object_get(at, "reuse"), &config_reuse_fields, upstream);
}

static bool address_from(const json_t *document, struct config_listen *listen)
{
    text_from(document, "address", &listen->address);
    listen->mode = (uint32_t)json_integer_value(json_object_get(document, "mode"));
    return place_from(document, "place", &listen->place) &&
           read_fields(json_object_get(document, "tls"), &config_listen_tls_fields, listen);
}

static bool listen_from(struct config *config, const json_t *document)
{
    struct config_listen *listen = config_add_listen(config);

    return address_from(document, listen) && listen->address;
}

static bool instance_from(struct config *config, const json_t *document)
{
    struct config_instance *instance = config_add_instance(config);

    return place_from(document, "place", &instance->place) &&
           text_from(document, "kind", &instance->kind) &&
           text_from(document, "name", &instance->name) &&
           text_from(document, "plugin", &instance->plugin) &&
           value_from(document, "settings", &instance->settings) &&
           json_is_object(instance->settings) && upstream_from(document, &instance->upstream);
}

static bool http_from(struct config *config, const json_t *document)
{
    struct config_http *http = config_add_http(config);

    return place_from(document, "place", &http->place) &&
           text_from(document, "name", &http->name) &&
           value_from(document, "base_url", &http->base_url) &&
           value_from(document, "headers", &http->headers) &&
           upstream_from(document, &http->upstream);
}

static bool route_from(struct config *config, const json_t *document)
{
    struct config_route *route = config_add_route(config);
    bool good =
        text_from(document, "name", &route->name) && text_from(document, "source", &route->source);

    route->length = route->source ? strlen(route->source) : 0;
    return good;
}

static bool alias_from(struct config *config, const json_t *document)
{
    struct config_alias *alias = config_add_alias(config);

    return place_from(document, "place", &alias->place) &&
           text_from(document, "name", &alias->name) &&
           text_from(document, "target", &alias->target);
}

static bool list_from(struct config *config, const json_t *document, const char *key,
                      bool (*from)(struct config *config, const json_t *document))
{
    const json_t *list = json_object_get(document, key), *one;
    size_t i;

    json_array_foreach(list, i, one)
        if (!from(config, one))
            return false;
    return json_is_array(list);
}

static bool level_from(struct config *config, const json_t *document)
{
    const json_t *level = json_object_get(document, "log_level");

    config->log_level = (enum log_level)json_integer_value(level);
    return json_is_integer(level) && json_integer_value(level) >= LOG_DEBUG &&
           json_integer_value(level) <= LOG_ERROR;
}

static bool token_from(struct config *config, const json_t *document)
{
    const json_t *token = json_object_get(document, "admin_token");

    return json_is_null(token) || value_from(document, "admin_token", &config->admin_token);
}

static bool whole_from(struct config *config, const json_t *document)
{
    return json_integer_value(json_object_get(document, "version")) == VERSION &&
           read_fields(document, &plain, config) &&
           address_from(json_object_get(document, "admin"), &config->admin) &&
           token_from(config, document) && level_from(config, document) &&
           read_fields(json_object_get(document, "limits"), &config_limits_fields,
                       &config->limits) &&
           read_fields(json_object_get(document, "lua"), &config_lua_fields, &config->lua) &&
           list_from(config, document, "listen", listen_from) &&
           list_from(config, document, "instances", instance_from) &&
           list_from(config, document, "https", http_from) &&
           list_from(config, document, "routes", route_from) &&
           list_from(config, document, "aliases", alias_from) && config->listen_count > 0;
}

struct config *config_from_json(const json_t *document, struct error *error)
{
    struct config *config = config_new("", "");

    if (whole_from(config, document) && config->path && config->folder)
        return config;
    error_set(error, "this is no configuration document of this version");
    config_free(&config);
    return NULL;
}
