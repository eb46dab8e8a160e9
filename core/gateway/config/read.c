/* From declarations to a config. Each kind of declaration has one function; what is wrong is said
 * with the line of the declaration. */
#include <ctype.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"

#include "net/address.h"
#include "net/unix_socket.h"

#include "shm/map.h"
#include "shm/region.h"

#include "gateway/config/parts.h"
#include "gateway/url.h"

/* ---- what several have ---------------------------------------------------------------------- */

static void set_place(struct config_place *place, const struct reading *reading)
{
    place->file = xstrdup(reading->config->path);
    place->line = reading->line;
}

enum {
    ALIAS_MAX = 200
};

static bool is_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > CONFIG_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_-.", *name))
            return false;
    return true;
}

static bool check_name(const struct reading *reading)
{
    return is_name(reading->name) ||
           reading_fail(reading, NULL,
                        "a name has letters, digits, '_', '-' and '.', at most %d of them",
                        CONFIG_NAME_MAX);
}

/* Reads table[key] with these fields and removes it. */
static bool take_fields(const struct reading *reading, json_t *table, const char *key,
                        const struct fields *fields, void *to)
{
    struct reading inner = *reading;
    json_t *value = json_object_get(table, key);

    inner.table = key;
    if (value && !fields_read(&inner, value, fields->list, fields->count, to))
        return false;
    json_object_del(table, key);
    return true;
}

/* The fields that stand in the table itself, among keys of others. */
static bool take_own_fields(const struct reading *reading, json_t *table,
                            const struct fields *fields, void *to)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        json_t *value = json_object_get(table, field->name);

        if (value && !field_read(reading, field->name, value, field, to))
            return false;
        json_object_del(table, field->name);
    }
    return true;
}

static bool no_more_keys(const struct reading *reading, json_t *table, const char *const *known,
                         size_t count)
{
    const char *key = json_object_iter_key(json_object_iter(table));
    const char *suggestion = key ? text_suggest(text_of(key), known, count) : NULL;

    if (!key)
        return true;
    return suggestion ? reading_fail(reading, key, "unknown; did you mean '%s'?", suggestion)
                      : reading_fail(reading, key, "unknown setting");
}

/* ---- listen and admin ----------------------------------------------------------------------- */

static char *take_path(const struct reading *reading, const char *path)
{
    char *whole = config_path_from(reading->config->folder, path);
    char *address = xcalloc(1, strlen(whole) + 6);

    put_text(put_text(address, HG_S("unix:")), text_of(whole));
    free(whole);
    return address;
}

static bool check_path(const struct reading *reading, const char *path, const char *whole)
{
    if (!*path)
        return reading_fail(reading, NULL, "write the path of the socket behind \"unix:\"");
    return strlen(whole) <= UNIX_SOCKET_PATH_MAX ||
           reading_fail(reading, NULL,
                        "%s is longer than the %d bytes that a socket's path may have", whole,
                        UNIX_SOCKET_PATH_MAX);
}

static bool take_address(const struct reading *reading, const char *text, char **ret_address)
{
    const char *path = unix_socket_path(text);
    struct address address;
    struct error why;

    *ret_address = path ? take_path(reading, path) : xstrdup(text);
    if (path)
        return check_path(reading, path, unix_socket_path(*ret_address));
    if (strncmp(text, "localhost:", 10) == 0)
        return reading_fail(reading, NULL, "\"%s\" is a name: write 127.0.0.1:%s", text, text + 10);
    return address_parse(&address, text_of(text), &why) ||
           reading_fail(reading, NULL, "%s", why.text);
}

/* Three octal digits, and a zero before them if one likes. */
static bool is_mode(const char *text)
{
    text += *text == '0';
    return strlen(text) == 3 && strspn(text, "01234567") == 3;
}

static bool take_mode(const struct reading *reading, json_t *table, struct config_listen *listen)
{
    const json_t *value = json_object_get(table, "mode");
    const char *text = json_string_value(value);

    listen->mode = UNIX_SOCKET_MODE;
    if (!value)
        return true;
    if (!unix_socket_path(listen->address))
        return reading_fail(reading, "mode", "only the file of a \"unix:\" address has one");
    if (!text || !is_mode(text))
        return reading_fail(reading, "mode", "expected octal digits such as \"0660\"");
    listen->mode = (uint32_t)strtoul(text, NULL, 8);
    json_object_del(table, "mode");
    return true;
}

/* What listen and admin have in common. */
static bool take_listen(const struct reading *reading, const json_t *value, json_t *table,
                        struct config_listen *listen)
{
    bool has_tls = json_object_get(table, "tls") != NULL;

    set_place(&listen->place, reading);
    return take_address(reading, json_string_value(value), &listen->address) &&
           take_mode(reading, table, listen) &&
           take_fields(reading, table, "tls", &config_listen_tls_fields, listen) &&
           (!has_tls || listen->cert || reading_fail(reading, "tls.cert", "is missing"));
}

static bool read_listen(const struct reading *reading, const json_t *value, json_t *table)
{
    static const char *const known[] = {"tls", "mode"};
    struct config_listen *listen = config_add_listen(reading->config);

    if (!take_listen(reading, value, table, listen))
        return false;
    for (size_t i = 0; i + 1 < reading->config->listen_count; i++)
        if (strcmp(reading->config->listen[i].address, listen->address) == 0 &&
            (unix_socket_path(listen->address) || !text_ends(text_of(listen->address), HG_S(":0"))))
            return reading_fail(reading, NULL, "%s is listened on already, see line %d",
                                listen->address, reading->config->listen[i].place.line);
    return no_more_keys(reading, table, known, 2);
}

static bool read_admin(const struct reading *reading, const json_t *value, json_t *table)
{
    static const char *const known[] = {"token", "tls", "mode"};
    struct config *config = reading->config;
    json_t *token = json_object_get(table, "token");

    if (config->admin.address)
        return reading_fail(reading, NULL, "declared already, see line %d",
                            config->admin.place.line);
    if (token && !config_secret_of(token))
        return reading_fail(reading, "token", "expected secret \"NAME\"");
    config->admin_token = json_incref(token);
    json_object_del(table, "token");
    return take_listen(reading, value, table, &config->admin) &&
           no_more_keys(reading, table, known, 3);
}

/* ---- instances ------------------------------------------------------------------------------ */

static bool check_cert(const struct reading *reading, const struct config_upstream *upstream)
{
    return !upstream->key || upstream->cert ||
           reading_fail(reading, "tls.cert", "is missing, and there is a key");
}

static bool take_upstream(const struct reading *reading, json_t *table,
                          struct config_upstream *upstream)
{
    return take_fields(reading, table, "timeouts", &config_timeouts_fields, upstream) &&
           take_fields(reading, table, "tls", &config_tls_fields, upstream) &&
           take_own_fields(reading, table, &config_reuse_fields, upstream) &&
           check_cert(reading, upstream);
}

static bool plugin_missing(const struct reading *reading, json_t *table)
{
    static const char *const word[] = {"plugin"};
    const char *key;
    json_t *value;

    json_object_foreach(table, key, value)
        if (text_suggest(text_of(key), word, 1))
            return reading_fail(reading, key, "unknown; did you mean 'plugin'?");
    return reading_fail(reading, NULL, "plugin is missing, as in plugin = \"%s\"", reading->name);
}

static bool is_new(const struct reading *reading)
{
    const struct config_instance *other =
        config_instance(reading->config, reading->what, text_of(reading->name));

    return !other ||
           reading_fail(reading, NULL, "declared already, see line %d", other->place.line);
}

static bool read_instance(const struct reading *reading, const json_t *value, json_t *table)
{
    const char *plugin = json_string_value(json_object_get(table, "plugin"));
    struct config_instance *instance;

    (void)value;
    if (!check_name(reading) || !is_new(reading))
        return false;
    if (!json_object_get(table, "plugin"))
        return plugin_missing(reading, table);
    if (!plugin || !is_name(plugin))
        return reading_fail(reading, "plugin", "expected the name of a plugin");
    instance = config_add_instance(reading->config);
    set_place(&instance->place, reading);
    instance->kind = xstrdup(reading->what);
    instance->name = xstrdup(reading->name);
    instance->plugin = xstrdup(plugin);
    json_object_del(table, "plugin");
    instance->settings = json_incref(table);
    config_secrets_from(table, reading->config->folder);
    return strcmp(reading->what, "provider") != 0 ||
           take_upstream(reading, table, &instance->upstream);
}

/* ---- named upstreams of routes -------------------------------------------------------------- */

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return false;
    return true;
}

static bool check_base_url(const struct reading *reading, const json_t *url)
{
    const char *text = json_string_value(url);
    struct url parts;
    size_t scheme = !text                               ? 0
                    : strncmp(text, "https://", 8) == 0 ? 8
                    : strncmp(text, "http://", 7) == 0  ? 7
                                                        : 0;

    if (config_secret_of(url))
        return true;
    if (!scheme || !text[scheme] || text[scheme] == '/' || !is_plain(text) || strpbrk(text, "#?"))
        return reading_fail(reading, "base_url",
                            "expected something like "
                            "\"https://search.example/v1\"");
    if (memchr(text + scheme, '@', strcspn(text + scheme, "/")))
        return reading_fail(reading, "base_url", "no user and password here: use headers");
    if (!url_split(text_of(text), &parts))
        return reading_fail(reading, "base_url", "a host, or HOST:PORT with a port up to 65535");
    return true;
}

static bool check_header(const struct reading *reading, const char *name, const json_t *value)
{
    const char *text = json_string_value(value);

    if (!*name || name[strspn(name, "!#$%&'*+-.^_`|~0123456789"
                                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return reading_fail(reading, "headers", "'%s' is no name of a header field", name);
    if (!text && !config_secret_of(value))
        return reading_fail(reading, "headers", "%s: expected a text or a secret", name);
    for (; text && *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return reading_fail(reading, "headers", "%s: a control character", name);
    return true;
}

static bool take_headers(const struct reading *reading, json_t *table, struct config_http *http)
{
    json_t *headers = json_object_get(table, "headers"), *value;
    const char *name;

    if (headers && (!json_is_object(headers) || config_secret_of(headers)))
        return reading_fail(reading, "headers", "expected a table");
    json_object_foreach(headers, name, value)
        if (!check_header(reading, name, value))
            return false;
    http->headers = headers ? json_incref(headers) : json_object();
    json_object_del(table, "headers");
    return true;
}

static bool read_http(const struct reading *reading, const json_t *value, json_t *table)
{
    static const char *const known[] = {"base_url", "headers",         "timeout",  "timeouts",
                                        "tls",      "max_connections", "keepalive"};
    static const struct field timeout = {"timeout", FIELD_DURATION,
                                         offsetof(struct config_upstream, total_timeout), NS_PER_MS,
                                         86400 * NS_PER_S};
    static const struct fields timeout_field = {&timeout, 1};
    const struct config_http *other = config_http(reading->config, text_of(reading->name));
    json_t *url = json_object_get(table, "base_url");

    (void)value;
    if (!check_name(reading))
        return false;
    if (other)
        return reading_fail(reading, NULL, "declared already, see line %d", other->place.line);
    struct config_http *http = config_add_http(reading->config);

    set_place(&http->place, reading);
    http->name = xstrdup(reading->name);
    config_secrets_from(table, reading->config->folder);
    if (!url)
        return reading_fail(reading, "base_url", "is missing");
    if (!check_base_url(reading, url))
        return false;
    http->base_url = json_incref(url);
    json_object_del(table, "base_url");
    return take_headers(reading, table, http) && take_upstream(reading, table, &http->upstream) &&
           take_own_fields(reading, table, &timeout_field, &http->upstream) &&
           no_more_keys(reading, table, known, sizeof known / sizeof *known);
}

/* ---- aliases -------------------------------------------------------------------------------- */

static const struct config_alias *alias_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->alias_count; i++)
        if (strcmp(config->aliases[i].name, name) == 0)
            return &config->aliases[i];
    return NULL;
}

static bool read_alias(const struct reading *reading, const char *name, const json_t *value)
{
    const struct config_alias *other = alias_named(reading->config, name);
    const char *target = json_string_value(value);
    const char *slash = target ? strchr(target, '/') : NULL;

    if (other)
        return reading_fail(reading, name, "declared already, see line %d", other->place.line);
    if (!is_plain(name) || !*name || strlen(name) > ALIAS_MAX)
        return reading_fail(reading, name, "a name has no spaces, and at most %d bytes", ALIAS_MAX);
    if (!slash || slash == target || !slash[1] || !is_plain(target))
        return reading_fail(reading, name,
                            "expected a provider and its model, such as "
                            "\"openai/gpt-4o-mini\"");
    struct config_alias *alias = config_add_alias(reading->config);

    set_place(&alias->place, reading);
    alias->name = xstrdup(name);
    alias->target = xstrdup(target);
    return true;
}

static bool read_aliases(const struct reading *reading, const json_t *value, json_t *table)
{
    const char *name;
    json_t *target;

    (void)value;
    json_object_foreach(table, name, target)
        if (!read_alias(reading, name, target))
            return false;
    return true;
}

/* Providers may be declared behind the aliases. */
static bool check_aliases(const struct config *config, struct error *error)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        const struct config_alias *alias = &config->aliases[i];
        hg_str rest, provider = text_cut(text_of(alias->target), '/', &rest);

        if (!config_instance(config, "provider", provider))
            return error_set(error, "%s:%d: aliases: %s: there is no provider '%.*s'",
                             alias->place.file, alias->place.line, alias->name, TEXT_ARG(provider));
    }
    return true;
}

/* ---- single values -------------------------------------------------------------------------- */

static bool read_routes(const struct reading *reading, const json_t *value, json_t *table)
{
    const char *pattern = json_string_value(value);

    (void)table;
    if (!pattern || !*pattern)
        return reading_fail(reading, NULL, "expected a pattern such as \"routes/*.lua\"");
    return config_add_routes(reading, pattern);
}

static unsigned cpu_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

static bool read_workers(const struct reading *reading, const json_t *value, json_t *table)
{
    json_int_t count = json_integer_value(value);
    const char *text = json_string_value(value);

    (void)table;
    if (text && strcmp(text, "auto") == 0)
        count = cpu_count();
    if (count < 1 || count > WORKERS_MAX)
        return reading_fail(reading, NULL, "expected 1 to %d, or \"auto\"", WORKERS_MAX);
    reading->config->workers = (unsigned)count;
    return true;
}

static bool read_log_level(const struct reading *reading, const json_t *value, json_t *table)
{
    const char *text = json_string_value(value);

    (void)table;
    return (text && log_level_of(text, &reading->config->log_level)) ||
           reading_fail(reading, NULL, "expected \"debug\", \"info\", \"warn\" or \"error\"");
}

static bool read_plugin_path(const struct reading *reading, const json_t *value, json_t *table)
{
    char *before = reading->config->plugin_path;
    const char *text = json_string_value(value);

    (void)table;
    if (!text || !*text || strchr(text, ':'))
        return reading_fail(reading, NULL, "expected a folder; declare it again for another one");
    char *folder = config_path_from(reading->config->folder, text);

    if (before) {
        size_t n = strlen(before) + 1 + strlen(folder) + 1;
        char *both = xmalloc(n);

        put_text(put_mem(put_text(both, text_of(before)), ":", 1),
                 (hg_str){folder, strlen(folder) + 1});
        free(folder);
        free(before);
        folder = both;
    }
    reading->config->plugin_path = folder;
    return true;
}

static bool read_tables(const struct reading *reading, json_t *table)
{
    struct config *config = reading->config;
    bool limits = strcmp(reading->what, "limits") == 0;
    const struct fields *fields = limits ? &config_limits_fields : &config_lua_fields;
    void *to = limits ? (void *)&config->limits : (void *)&config->lua;

    return fields_read(reading, table, fields->list, fields->count, to);
}

static bool read_plain(const struct reading *reading, const json_t *value, json_t *table)
{
    static const struct field fields[] = {
        {"drain_timeout", FIELD_DURATION, offsetof(struct config, drain_timeout), 0,
         24 * 3600 * NS_PER_S},
        {"ring_size", FIELD_SIZE, offsetof(struct config, ring_size), 64 << 10, REGION_RING_MOST},
        {"shared_size", FIELD_SIZE, offsetof(struct config, shared_size), MAP_SIZE_MIN,
         INT64_C(64) << 30},
    };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, reading->what) == 0)
            return field_read(reading, NULL, value, &fields[i], reading->config);
    return read_tables(reading, table);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static const struct reader {
    const char *what;
    bool (*read)(const struct reading *reading, const json_t *value, json_t *table);
    bool named, repeats;
} readers[] = {
    {"listen", read_listen, false, true},
    {"admin", read_admin, false, true},
    {"provider", read_instance, true, true},
    {"cache", read_instance, true, true},
    {"guard", read_instance, true, true},
    {"logger", read_instance, true, true},
    {"http", read_http, true, true},
    {"routes", read_routes, false, true},
    {"aliases", read_aliases, false, true},
    {"workers", read_workers, false, false},
    {"drain_timeout", read_plain, false, false},
    {"log_level", read_log_level, false, false},
    {"limits", read_plain, false, false},
    {"lua", read_plain, false, false},
    {"plugin_path", read_plugin_path, false, true},
    {"ring_size", read_plain, false, false},
    {"shared_size", read_plain, false, false},
};

enum {
    READERS = sizeof readers / sizeof *readers
};

static const struct reader *reader_of(const char *what)
{
    for (size_t i = 0; i < READERS; i++)
        if (strcmp(readers[i].what, what) == 0)
            return &readers[i];
    return NULL;
}

static bool read_one(struct config *config, const json_t *record, int *lines, struct error *error)
{
    const json_t *value = json_object_get(record, "value");
    json_t *table = json_deep_copy(json_object_get(record, "table"));
    struct reading reading = {
        .config = config,
        .what = json_string_value(json_object_get(record, "what")),
        .line = (int)json_integer_value(json_object_get(record, "line")),
        .error = error,
    };
    const struct reader *reader = reader_of(reading.what);

    ensure(reader != NULL);
    int *line = &lines[reader - readers];
    bool good;

    if (reader->named)
        reading.name = json_string_value(value);
    if (!reader->repeats && *line)
        good = reading_fail(&reading, NULL, "declared already, see line %d", *line);
    else
        good = reader->read(&reading, value, table);
    *line = reading.line;
    json_decref(table);
    return good;
}

static bool check_whole(const struct config *config, struct error *error)
{
    if (!config->listen_count)
        return error_set(error, "%s: nothing to listen on: write listen \"127.0.0.1:8787\"",
                         config->path);
    if (config->lua.memory_per_request > config->lua.memory)
        return error_set(error, "%s: lua: memory_per_request is more than memory", config->path);
    if (config->lua.cpu_per_resume > config->lua.cpu_per_request)
        return error_set(error, "%s: lua: cpu_per_resume is more than cpu_per_request",
                         config->path);
    return check_aliases(config, error);
}

bool config_read(struct config *config, const json_t *declarations, struct error *error)
{
    int lines[READERS] = {0};
    const json_t *record;
    size_t i;

    config->workers = cpu_count();
    json_array_foreach(declarations, i, record)
        if (!read_one(config, record, lines, error))
            return false;
    return check_whole(config, error);
}
