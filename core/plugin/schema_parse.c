/* Whether a schema is itself right: it comes from the plugin, and a keyword that we passed over
 * would check nothing. */
#include <string.h>

#include "base/text.h"
#include "plugin/schema.h"
#include "plugin/schema_words.h"

enum {
    DEPTH_MAX = 32
};

enum wants {
    ANYTHING,
    TEXT,
    COUNT,
    NUMBER,
    LIST,
    NAMES,
    SCHEMA,
    SCHEMAS,
    MEMBERS,
    TYPE,
    OTHERS
};

static const struct {
    const char *name;
    enum wants wants;
} keywords[] = {
    {"type", TYPE},           {"enum", LIST},       {"const", ANYTHING},
    {"oneOf", SCHEMAS},       {"anyOf", SCHEMAS},   {"default", ANYTHING},
    {"properties", MEMBERS},  {"required", NAMES},  {"additionalProperties", OTHERS},
    {"items", SCHEMA},        {"minItems", COUNT},  {"maxItems", COUNT},
    {"minLength", COUNT},     {"maxLength", COUNT}, {"pattern", TEXT},
    {"format", TEXT},         {"minimum", NUMBER},  {"maximum", NUMBER},
    {"description", TEXT},    {"title", TEXT},      {"examples", LIST},
    {"deprecated", ANYTHING}, {"$schema", TEXT},    {"$id", TEXT},
    {"$comment", TEXT},
};
enum {
    KEYWORDS = sizeof keywords / sizeof *keywords
};

static bool schema_is_right(json_t *schema, const struct place *place, unsigned depth,
                            struct error *error);

static bool keyword_unknown(const char *name, const struct place *place, struct error *error)
{
    const char *words[KEYWORDS];

    for (unsigned i = 0; i < KEYWORDS; i++)
        words[i] = keywords[i].name;
    const char *near = text_suggest(text_of(name), words, KEYWORDS);

    if (near)
        return place_wrong(error, place, "'%s' is not supported, did you mean '%s'?", name, near);
    return place_wrong(error, place, "'%s' is not supported", name);
}

static bool type_is_right(json_t *type)
{
    size_t i;
    json_t *one;

    if (json_is_string(type))
        return type_number(json_string_value(type)) >= 0;
    if (!json_is_array(type) || !json_array_size(type))
        return false;
    json_array_foreach(type, i, one)
        if (type_number(json_string_value(one)) < 0)
            return false;
    return true;
}

static bool names_are_right(json_t *names)
{
    size_t i;
    json_t *one;

    if (!json_is_array(names))
        return false;
    json_array_foreach(names, i, one)
        if (!json_is_string(one))
            return false;
    return true;
}

static bool schemas_are_right(json_t *schemas, const struct place *place, unsigned depth,
                              struct error *error)
{
    size_t i;
    json_t *one;
    const char *key;

    if (json_is_object(schemas)) {
        json_object_foreach(schemas, key, one)
            if (!schema_is_right(one, &(struct place){place, key, 0}, depth + 1, error))
                return false;
        return true;
    }
    if (!json_array_size(schemas))
        return place_wrong(error, place, "must be a list with at least one schema");
    json_array_foreach(schemas, i, one)
        if (!schema_is_right(one, &(struct place){place, NULL, i}, depth + 1, error))
            return false;
    return true;
}

static bool keyword_is_right(enum wants wants, json_t *value, const struct place *place,
                             unsigned depth, struct error *error)
{
    switch (wants) {
    case ANYTHING:
        return true;
    case TEXT:
        return json_is_string(value) || place_wrong(error, place, "must be a string");
    case COUNT:
        return (json_is_integer(value) && json_integer_value(value) >= 0) ||
               place_wrong(error, place, "must be a whole number, not negative");
    case NUMBER:
        return json_is_number(value) || place_wrong(error, place, "must be a number");
    case LIST:
        return json_array_size(value) > 0 || place_wrong(error, place, "must be a list, not empty");
    case NAMES:
        return names_are_right(value) || place_wrong(error, place, "must be a list of strings");
    case TYPE:
        return type_is_right(value) || place_wrong(error, place, "is no type");
    case OTHERS:
        return json_is_boolean(value) || schema_is_right(value, place, depth + 1, error);
    case SCHEMA:
        return schema_is_right(value, place, depth + 1, error);
    case MEMBERS:
        if (!json_is_object(value))
            return place_wrong(error, place, "must be an object");
        return schemas_are_right(value, place, depth, error);
    case SCHEMAS:
        if (!json_is_array(value))
            return place_wrong(error, place, "must be a list");
        return schemas_are_right(value, place, depth, error);
    }
    return false;
}

static bool texts_are_right(json_t *schema, const struct place *place, struct error *error)
{
    static const char *const formats[] = {"uri", "duration", "bytes", "secret"};
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    char reason[128] = "";

    for (unsigned i = 0; format && i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(format, formats[i]))
            format = NULL;
    if (format)
        return place_wrong(error, place, "the format '%s' is not supported", format);
    if (!pattern)
        return true;
    regex_t regex;

    if (!pattern_compile(&regex, pattern, reason, sizeof reason))
        return place_wrong(error, place, "the pattern is wrong: %s", reason);
    regfree(&regex);
    return true;
}

/* What is required must be described, and a default must be allowed. */
static bool members_are_right(json_t *schema, const struct place *place, struct error *error)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required");
    json_t *otherwise = json_object_get(schema, "default");
    struct place here = {place, "default", 0};
    size_t i;
    json_t *one;

    if (properties && !json_object_get(schema, "additionalProperties"))
        json_array_foreach(required, i, one)
            if (!json_object_get(properties, json_string_value(one)))
                return place_wrong(error, place, "requires '%s', which is not among its properties",
                                   json_string_value(one));
    return !otherwise || schema_check_at(schema, otherwise, NULL, &here, error);
}

static bool schema_is_right(json_t *schema, const struct place *place, unsigned depth,
                            struct error *error)
{
    const char *key;
    json_t *value;

    if (depth > DEPTH_MAX)
        return place_wrong(error, place, "is nested too deep");
    if (!json_is_object(schema))
        return place_wrong(error, place, "must be an object");
    json_object_foreach(schema, key, value) {
        unsigned i = 0;

        while (i < KEYWORDS && strcmp(keywords[i].name, key) != 0)
            i++;
        if (i == KEYWORDS)
            return keyword_unknown(key, place, error);
        if (!keyword_is_right(keywords[i].wants, value, &(struct place){place, key, 0}, depth,
                              error))
            return false;
    }
    return texts_are_right(schema, place, error) && members_are_right(schema, place, error);
}

json_t *schema_parse(const char *text, struct error *error)
{
    json_error_t reason;
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    const char *type = json_string_value(json_object_get(schema, "type"));

    if (!schema) {
        error_set(error, "schema: line %d: %s", reason.line, reason.text);
        return NULL;
    }
    if (!schema_is_right(schema, &(struct place){NULL, "schema", 0}, 0, error)) {
        json_decref(schema);
        return NULL;
    }
    if (!type || strcmp(type, "object") != 0) {
        error_set(error, "schema: the type must be \"object\"");
        json_decref(schema);
        return NULL;
    }
    /* Without a word about members there are none. */
    if (!json_object_get(schema, "properties") && !json_object_get(schema, "additionalProperties"))
        json_object_set_new(schema, "properties", json_object());
    return schema;
}
