#include "gateway/config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#include "gateway/config/parts.h"

/* ---- its parts ------------------------------------------------------------------------------ */

static const struct config_upstream upstream_defaults = {
    .connect_timeout = 10 * NS_PER_S,
    .first_byte_timeout = 120 * NS_PER_S,
    .first_event_timeout = 120 * NS_PER_S,
    .idle_timeout = 120 * NS_PER_S,
    .total_timeout = 600 * NS_PER_S,
    .keepalive = 60 * NS_PER_S,
    .verify = true,
};

struct config *config_new(const char *path, const char *folder)
{
    struct config *config = xcalloc(1, sizeof *config);

    config->path = xstrdup(path);
    config->folder = xstrdup(folder);
    config->limits = (struct config_limits){
        .max_body = 64 << 20,
        .max_streamed_body = 1 << 30,
        .max_head = 64 << 10,
        .max_header_count = 100,
        .max_connections = 10000,
        .header_timeout = 10 * NS_PER_S,
        .body_timeout = 30 * NS_PER_S,
        .write_timeout = 60 * NS_PER_S,
        .idle_timeout = 75 * NS_PER_S,
        .websocket_timeout = 600 * NS_PER_S,
    };
    config->lua = (struct config_lua){
        .cpu_per_resume = 20 * NS_PER_MS,
        .cpu_per_request = 50 * NS_PER_MS,
        .memory_per_request = 8 << 20,
        .memory = 64 << 20,
    };
    config->workers = 1;
    config->drain_timeout = 600 * NS_PER_S;
    config->log_level = LOG_INFO;
    return config;
}

/* Room for one more at the end, zeroed. Grows by powers of two. */
static void *add_one(void *list, size_t *count, size_t size, void **ret_one)
{
    size_t n = *count;

    if ((n & (n - 1)) == 0)
        list = xrealloc(list, (n ? 2 * n : 1) * size);
    *ret_one = (char *)list + n * size;
    memset(*ret_one, 0, size);
    (*count)++;
    return list;
}

struct config_listen *config_add_listen(struct config *config)
{
    void *one;

    config->listen = add_one(config->listen, &config->listen_count, sizeof *config->listen, &one);
    return one;
}

struct config_instance *config_add_instance(struct config *config)
{
    void *one;

    config->instances =
        add_one(config->instances, &config->instance_count, sizeof *config->instances, &one);
    ((struct config_instance *)one)->upstream = upstream_defaults;
    return one;
}

struct config_http *config_add_http(struct config *config)
{
    void *one;

    config->https = add_one(config->https, &config->http_count, sizeof *config->https, &one);
    ((struct config_http *)one)->upstream = upstream_defaults;
    ((struct config_http *)one)->upstream.total_timeout = 30 * NS_PER_S;
    return one;
}

struct config_route *config_add_route(struct config *config)
{
    void *one;

    config->routes = add_one(config->routes, &config->route_count, sizeof *config->routes, &one);
    return one;
}

struct config_alias *config_add_alias(struct config *config)
{
    void *one;

    config->aliases = add_one(config->aliases, &config->alias_count, sizeof *config->aliases, &one);
    return one;
}

static void upstream_done(struct config_upstream *upstream)
{
    fields_free(config_tls_fields.list, config_tls_fields.count, upstream);
}

static void listen_done(struct config_listen *listen)
{
    free(listen->place.file);
    free(listen->address);
    fields_free(config_listen_tls_fields.list, config_listen_tls_fields.count, listen);
}

static void lists_done(struct config *config)
{
    for (size_t i = 0; i < config->listen_count; i++)
        listen_done(&config->listen[i]);
    for (size_t i = 0; i < config->instance_count; i++) {
        struct config_instance *instance = &config->instances[i];

        free(instance->place.file);
        free(instance->kind);
        free(instance->name);
        free(instance->plugin);
        json_decref(instance->settings);
        upstream_done(&instance->upstream);
    }
    for (size_t i = 0; i < config->http_count; i++) {
        free(config->https[i].place.file);
        free(config->https[i].name);
        json_decref(config->https[i].base_url);
        json_decref(config->https[i].headers);
        upstream_done(&config->https[i].upstream);
    }
    for (size_t i = 0; i < config->route_count; i++) {
        free(config->routes[i].name);
        free(config->routes[i].source);
    }
    for (size_t i = 0; i < config->alias_count; i++) {
        free(config->aliases[i].place.file);
        free(config->aliases[i].name);
        free(config->aliases[i].target);
    }
}

void config_free(struct config **config)
{
    struct config *gone = *config;

    *config = NULL;
    if (!gone)
        return;
    lists_done(gone);
    free(gone->listen);
    free(gone->instances);
    free(gone->https);
    free(gone->routes);
    free(gone->aliases);
    free(gone->path);
    free(gone->folder);
    listen_done(&gone->admin);
    json_decref(gone->admin_token);
    free(gone->plugin_path);
    free(gone);
}

const struct config_instance *config_instance(const struct config *config, const char *kind,
                                              hg_str name)
{
    for (size_t i = 0; i < config->instance_count; i++)
        if (strcmp(config->instances[i].kind, kind) == 0 &&
            text_is(text_of(config->instances[i].name), name))
            return &config->instances[i];
    return NULL;
}

const struct config_http *config_http(const struct config *config, hg_str name)
{
    for (size_t i = 0; i < config->http_count; i++)
        if (text_is(text_of(config->https[i].name), name))
            return &config->https[i];
    return NULL;
}

/* ---- from a file ---------------------------------------------------------------------------- */

/* Absolute; NULL if it cannot be told. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
    char *absolute = realpath(folder ? folder : ".", NULL);

    free(folder);
    return absolute;
}

static void no_file(const char *path, struct error *error)
{
    error_set(error,
              "%s: write a file headgate.lua with the lines listen \"127.0.0.1:8787\" and, for "
              "example, provider \"openai\" { plugin = \"openai\", api_key = secret "
              "\"OPENAI_API_KEY\" }, and name it on the command line",
              path ? "there is no such file" : "there is no configuration");
    if (path)
        error_prefix(error, "%s", path);
}

static bool evaluate(struct config *config, const char *source, size_t length, struct error *error)
{
    json_t *declarations = config_evaluate(config->path, (hg_str){source, length}, error);
    bool good = declarations && config_read(config, declarations, error);

    json_decref(declarations);
    return good;
}

struct config *config_load(const char *path, struct error *error)
{
    size_t length;

    if (!path || (access(path, F_OK) != 0 && errno == ENOENT)) {
        no_file(path, error);
        return NULL;
    }
    char *source = config_file_text(path, CONFIG_FILE_MAX, &length, error);
    char *folder = source ? folder_of(path) : NULL;

    if (!folder) {
        if (source)
            error_set(error, "its folder cannot be found: %s", strerror(errno));
        error_prefix(error, "%s", path);
        free(source);
        return NULL;
    }
    struct config *config = config_new(path, folder);

    if (!evaluate(config, source, length, error))
        config_free(&config);
    free(source);
    free(folder);
    return config;
}
