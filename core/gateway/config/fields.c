/* Settings the core knows itself, as rows of tables: read, checked, written and freed alike. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

#include "gateway/config/parts.h"

#define FIELD(struct, member, type, min, max)             \
    {                                                     \
#        member, type, offsetof(struct, member), min, max \
    }

#define MS    NS_PER_MS
#define SEC   NS_PER_S
#define HOURS (3600 * SEC)
#define GB    (INT64_C(1) << 30)

static const struct field limits[] = {
    FIELD(struct config_limits, max_body, FIELD_SIZE, 1024, 4 * GB),
    FIELD(struct config_limits, max_streamed_body, FIELD_SIZE, 64 << 10, 1024 * GB),
    FIELD(struct config_limits, max_head, FIELD_SIZE, 1024, 16 << 20),
    FIELD(struct config_limits, max_header_count, FIELD_COUNT, 8, 10000),
    FIELD(struct config_limits, max_connections, FIELD_COUNT, 1, 1000000),
    FIELD(struct config_limits, header_timeout, FIELD_DURATION, MS, 24 * HOURS),
    FIELD(struct config_limits, body_timeout, FIELD_DURATION, MS, 24 * HOURS),
    FIELD(struct config_limits, write_timeout, FIELD_DURATION, MS, 24 * HOURS),
    FIELD(struct config_limits, idle_timeout, FIELD_DURATION, MS, 24 * HOURS),
    FIELD(struct config_limits, websocket_timeout, FIELD_DURATION, MS, 24 * HOURS),
};

static const struct field lua[] = {
    FIELD(struct config_lua, cpu_per_resume, FIELD_DURATION, MS, 60 * SEC),
    FIELD(struct config_lua, cpu_per_request, FIELD_DURATION, MS, 600 * SEC),
    FIELD(struct config_lua, memory_per_request, FIELD_SIZE, 64 << 10, 4 * GB),
    FIELD(struct config_lua, memory, FIELD_SIZE, 1 << 20, 16 * GB),
};

#define TIMEOUT(name)                                                                           \
    {                                                                                           \
#        name, FIELD_DURATION, offsetof(struct config_upstream, name##_timeout), MS, 24 * HOURS \
    }

static const struct field timeouts[] = {
    TIMEOUT(connect), TIMEOUT(first_byte), TIMEOUT(first_event), TIMEOUT(idle), TIMEOUT(total),
};

static const struct field tls[] = {
    FIELD(struct config_upstream, ca, FIELD_FILE, 0, 0),
    FIELD(struct config_upstream, cert, FIELD_FILE, 0, 0),
    FIELD(struct config_upstream, key, FIELD_FILE, 0, 0),
    FIELD(struct config_upstream, server_name, FIELD_TEXT, 0, 0),
    FIELD(struct config_upstream, verify, FIELD_BOOL, 0, 0),
};

static const struct field reuse[] = {
    FIELD(struct config_upstream, max_connections, FIELD_COUNT, 0, 1000000),
    FIELD(struct config_upstream, keepalive, FIELD_DURATION, 0, 24 * HOURS),
};

static const struct field listen_tls[] = {
    FIELD(struct config_listen, cert, FIELD_FILE, 0, 0),
    FIELD(struct config_listen, key, FIELD_FILE, 0, 0),
    FIELD(struct config_listen, client_ca, FIELD_FILE, 0, 0),
};

#define FIELDS(list)                          \
    {                                         \
        (list), sizeof(list) / sizeof *(list) \
    }

const struct fields config_limits_fields = FIELDS(limits);
const struct fields config_lua_fields = FIELDS(lua);
const struct fields config_timeouts_fields = FIELDS(timeouts);
const struct fields config_tls_fields = FIELDS(tls);
const struct fields config_reuse_fields = FIELDS(reuse);
const struct fields config_listen_tls_fields = FIELDS(listen_tls);

/* ---- messages ------------------------------------------------------------------------------- */

bool reading_fail(const struct reading *reading, const char *key, const char *fmt, ...)
{
    const char *quote = reading->name ? "'" : "";
    struct error why;
    va_list args;

    va_start(args, fmt);
    vsnprintf(why.text, sizeof why.text, fmt, args);
    va_end(args);
    error_set(reading->error, "%s:%d: %s%s%s%s%s: %s%s%s%s%.700s", reading->config->path,
              reading->line, reading->what, reading->name ? " " : "", quote,
              reading->name ? reading->name : "", quote, reading->table ? reading->table : "",
              reading->table && key ? "." : "", key ? key : "", key || reading->table ? ": " : "",
              why.text);
    for (char *at = reading->error ? reading->error->text : why.text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return false;
}

static bool unknown_key(const struct reading *reading, const char *key, const struct field *fields,
                        size_t count)
{
    const char *names[32];

    for (size_t i = 0; i < count; i++)
        names[i] = fields[i].name;
    const char *suggestion = text_suggest(text_of(key), names, count);

    if (suggestion)
        return reading_fail(reading, key, "unknown; did you mean '%s'?", suggestion);
    return reading_fail(reading, key, "unknown setting");
}

/* ---- from Lua's values ---------------------------------------------------------------------- */

static void *place_of(const struct field *field, void *base)
{
    return (char *)base + field->at;
}

static bool out_of_range(const struct reading *reading, const char *key, const struct field *field)
{
    double unit = field->type == FIELD_DURATION ? 1e9 : 1;
    const char *what = field->type == FIELD_DURATION ? " seconds"
                       : field->type == FIELD_SIZE   ? " bytes"
                                                     : "";

    return reading_fail(reading, key, "expected %.10g to %.10g%s", (double)field->min / unit,
                        (double)field->max / unit, what);
}

static bool set_number(const struct reading *reading, const char *key, const struct field *field,
                       int64_t number, void *base)
{
    if (number < field->min || number > field->max)
        return out_of_range(reading, key, field);
    if (field->type == FIELD_COUNT)
        *(uint32_t *)place_of(field, base) = (uint32_t)number;
    else if (field->type == FIELD_SIZE)
        *(uint64_t *)place_of(field, base) = (uint64_t)number;
    else
        *(hg_ns *)place_of(field, base) = number;
    return true;
}

static bool read_count(const struct reading *reading, const char *key, const json_t *value,
                       const struct field *field, void *base)
{
    if (!json_is_integer(value))
        return reading_fail(reading, key, "expected a whole number");
    return set_number(reading, key, field, json_integer_value(value), base);
}

static bool read_size(const struct reading *reading, const char *key, const json_t *value,
                      const struct field *field, void *base)
{
    uint64_t bytes = (uint64_t)json_integer_value(value);

    if (json_is_integer(value) ? json_integer_value(value) < 0
                               : !text_to_size(text_of(json_string_value(value)), &bytes))
        return reading_fail(reading, key, "expected a size such as \"64MB\"");
    return bytes > INT64_MAX ? out_of_range(reading, key, field)
                             : set_number(reading, key, field, (int64_t)bytes, base);
}

/* `false` means none, where 0 is allowed. */
static bool read_duration(const struct reading *reading, const char *key, const json_t *value,
                          const struct field *field, void *base)
{
    hg_ns duration = 0;

    if (json_is_number(value)) {
        double seconds = json_number_value(value);

        if (!(seconds >= 0 && seconds <= 1e9))
            return out_of_range(reading, key, field);
        duration = (hg_ns)(seconds * 1e9);
    } else if (!(json_is_false(value) && field->min == 0) &&
               !text_to_duration(text_of(json_string_value(value)), &duration)) {
        return reading_fail(reading, key, "expected a duration such as \"30s\" or \"250ms\"");
    }
    return set_number(reading, key, field, duration, base);
}

static bool read_text(const struct reading *reading, const char *key, const json_t *value,
                      const struct field *field, void *base)
{
    const char *text = json_string_value(value);
    char **to = place_of(field, base);

    if (!text || !*text)
        return reading_fail(reading, key, "expected a text");
    free(*to);
    *to =
        field->type == FIELD_FILE ? config_path_from(reading->config->folder, text) : xstrdup(text);
    return true;
}

bool field_read(const struct reading *reading, const char *key, const json_t *value,
                const struct field *field, void *to)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_FILE:
        return read_text(reading, key, value, field, to);
    case FIELD_BOOL:
        if (!json_is_boolean(value))
            return reading_fail(reading, key, "expected true or false");
        *(bool *)place_of(field, to) = json_is_true(value);
        return true;
    case FIELD_COUNT:
        return read_count(reading, key, value, field, to);
    case FIELD_SIZE:
        return read_size(reading, key, value, field, to);
    case FIELD_DURATION:
        return read_duration(reading, key, value, field, to);
    }
    return false;
}

bool fields_read(const struct reading *reading, const json_t *table, const struct field *fields,
                 size_t count, void *to)
{
    const char *key;
    json_t *value;

    if (!json_is_object(table) || config_secret_of(table))
        return reading_fail(reading, NULL, "expected a table");
    json_object_foreach((json_t *)(uintptr_t)table, key, value) {
        size_t i = 0;

        while (i < count && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == count)
            return unknown_key(reading, key, fields, count);
        if (!field_read(reading, key, value, &fields[i], to))
            return false;
    }
    return true;
}

/* ---- to a document and back ----------------------------------------------------------------- */

static json_t *value_of(const struct field *field, const void *base)
{
    const void *at = (const char *)base + field->at;

    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_FILE:
        return *(char *const *)at ? json_string(*(char *const *)at) : json_null();
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_COUNT:
        return json_integer(*(const uint32_t *)at);
    case FIELD_SIZE:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case FIELD_DURATION:
        return json_integer(*(const hg_ns *)at);
    }
    return NULL;
}

json_t *fields_to_json(const struct field *fields, size_t count, const void *from)
{
    json_t *document = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(document, fields[i].name, value_of(&fields[i], from));
    return document;
}

static bool set_value(const struct field *field, const json_t *value, void *base)
{
    void *at = place_of(field, base);
    json_int_t number = json_integer_value(value);

    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_FILE:
        free(*(char **)at);
        *(char **)at = json_is_string(value) ? xstrdup(json_string_value(value)) : NULL;
        return json_is_string(value) || json_is_null(value);
    case FIELD_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_COUNT:
        *(uint32_t *)at = (uint32_t)number;
        break;
    case FIELD_SIZE:
        *(uint64_t *)at = (uint64_t)number;
        break;
    case FIELD_DURATION:
        *(hg_ns *)at = number;
        break;
    }
    return json_is_integer(value) && number >= field->min && number <= field->max;
}

bool fields_from_json(const json_t *document, const struct field *fields, size_t count, void *to)
{
    bool good = true;

    for (size_t i = 0; i < count; i++)
        good = good && set_value(&fields[i], json_object_get(document, fields[i].name), to);
    return good;
}

void fields_free(const struct field *fields, size_t count, void *at)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].type == FIELD_TEXT || fields[i].type == FIELD_FILE)
            free(*(char **)place_of(&fields[i], at));
}
