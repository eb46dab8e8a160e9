#include "plugin/schema.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum {
    DEPTH_MAX = 32,
    WORDS_MAX = 64
};

/* ---- marks ----------------------------------------------------------------------------------- */

static size_t mark_find(const struct schema_marks *marks, json_t *value)
{
    size_t i = 0;

    while (marks && i < marks->count && marks->value[i] != value)
        i++;
    return i;
}

void schema_mark(struct schema_marks *marks, json_t *value, bool is_empty)
{
    if (mark_find(marks, value) < marks->count)
        return;
    marks->value = xrealloc(marks->value, (marks->count + 1) * sizeof *marks->value);
    marks->is_empty = xrealloc(marks->is_empty, (marks->count + 1) * sizeof *marks->is_empty);
    marks->value[marks->count] = value;
    marks->is_empty[marks->count++] = is_empty;
}

bool schema_is_marked(const struct schema_marks *marks, json_t *value)
{
    return marks && mark_find(marks, value) < marks->count;
}

static bool is_empty_mark(const struct schema_marks *marks, json_t *value)
{
    size_t i = mark_find(marks, value);

    return marks && i < marks->count && marks->is_empty[i];
}

void schema_marks_done(struct schema_marks *marks)
{
    free(marks->value);
    free(marks->is_empty);
    *marks = (struct schema_marks){0};
}

/* ---- places: where in the document we are, on the stack ----------------------------------------
 */

struct place {
    const struct place *outer;
    const char *key; /* NULL: element number `index` */
    size_t index;
};

static size_t place_write(const struct place *place, char *text, size_t room)
{
    size_t n = place->outer ? place_write(place->outer, text, room) : 0;
    int more = !place->key    ? snprintf(text + n, room - n, "[%zu]", place->index)
               : place->outer ? snprintf(text + n, room - n, ".%s", place->key)
                              : snprintf(text + n, room - n, "%s", place->key);

    return more < 0 || (size_t)more >= room - n ? room - 1 : n + (size_t)more;
}

static bool wrong(struct error *error, const struct place *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool wrong(struct error *error, const struct place *place, const char *fmt, ...)
{
    char where[256], text[640];
    va_list args;

    if (!error)
        return false;
    place_write(place, where, sizeof where);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return error_set(error, "%s: %s", where, text);
}

/* ---- types ------------------------------------------------------------------------------------
 */

static const char *const type_names[] = {"object", "array",   "string", "integer",
                                         "number", "boolean", "null"};
static const char *const type_words[] = {"an object", "a list",        "a string", "a whole number",
                                         "a number",  "true or false", "null"};
enum {
    TYPES = sizeof type_names / sizeof *type_names
};

static int type_number(const char *name)
{
    for (int i = 0; name && i < TYPES; i++)
        if (!strcmp(type_names[i], name))
            return i;
    return -1;
}

static bool is_whole(json_t *value)
{
    if (json_is_integer(value))
        return true;
    double real = json_real_value(value);

    return json_is_real(value) && real >= -9e15 && real <= 9e15 && real == (double)(int64_t)real;
}

static bool type_is(json_t *value, const char *name)
{
    switch (type_number(name)) {
    case 0:
        return json_is_object(value);
    case 1:
        return json_is_array(value);
    case 2:
        return json_is_string(value);
    case 3:
        return is_whole(value);
    case 4:
        return json_is_number(value);
    case 5:
        return json_is_boolean(value);
    case 6:
        return json_is_null(value);
    default:
        return false;
    }
}

static const char *type_word(json_t *value)
{
    for (unsigned i = 0; i < TYPES; i++)
        if (type_is(value, type_names[i]))
            return type_words[i];
    return "nothing";
}

static bool type_fits(json_t *type, json_t *value)
{
    size_t i;
    json_t *one;

    if (!type)
        return true;
    if (json_is_string(type))
        return type_is(value, json_string_value(type));
    json_array_foreach(type, i, one)
        if (type_is(value, json_string_value(one)))
            return true;
    return false;
}

/* "a string or a whole number". */
static const char *type_wanted(json_t *type, char *text, size_t room)
{
    size_t i, n = 0, count = json_array_size(type);
    json_t *one;

    if (json_is_string(type))
        return type_words[type_number(json_string_value(type))];
    text[0] = 0;
    json_array_foreach(type, i, one) {
        int more = snprintf(text + n, room - n, "%s%s",
                            !i               ? ""
                            : i + 1 == count ? " or "
                                             : ", ",
                            type_words[type_number(json_string_value(one))]);
        n += more < 0 || (size_t)more >= room - n ? 0 : (size_t)more;
    }
    return text;
}

/* ---- strings ----------------------------------------------------------------------------------
 */

/* POSIX would take \d for a plain d, and check something else than the author meant. */
static bool escapes_are_known(const char *pattern)
{
    for (; (pattern = strchr(pattern, '\\')); pattern += 2)
        if (!pattern[1] || !strchr("wWsSbB.[]{}()*+?^$|\\/-", pattern[1]))
            return false;
    return true;
}

static bool pattern_compile(regex_t *regex, const char *pattern, char *reason, size_t room)
{
    int status;

    if (!escapes_are_known(pattern)) {
        snprintf(reason, room, "an escape that POSIX does not know; write [0-9] for digits");
        return false;
    }
    status = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (status)
        regerror(status, regex, reason, room);
    return !status;
}

static bool pattern_matches(const char *pattern, const char *text)
{
    regex_t regex;
    char reason[128];

    if (!pattern_compile(&regex, pattern, reason, sizeof reason))
        return false;
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;

    regfree(&regex);
    return found;
}

static bool is_uri(hg_str text)
{
    size_t i = 0;

    while (i < text.n &&
           (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", text.p[i]) ||
            (i && strchr("0123456789+-.", text.p[i]))))
        i++;
    if (!i || i + 1 >= text.n || text.p[i] != ':')
        return false;
    for (size_t k = 0; k < text.n; k++)
        if ((unsigned char)text.p[k] <= ' ' || text.p[k] == 0x7f ||
            strchr("<>\"\\^`{|}", text.p[k]))
            return false;
    return !text_starts((hg_str){text.p + i, text.n - i}, HG_S("://")) || i + 3 < text.n;
}

static bool format_fits(const char *format, hg_str text, const char **ret_wanted)
{
    hg_ns duration;
    uint64_t bytes;

    if (!strcmp(format, "uri"))
        return *ret_wanted = "a URI such as https://example.com/", is_uri(text);
    if (!strcmp(format, "duration"))
        return *ret_wanted = "a duration such as 250ms, 8s or 5m",
               text_to_duration(text, &duration);
    if (!strcmp(format, "bytes"))
        return *ret_wanted = "a size such as 64KB, 256MB or 2GB", text_to_size(text, &bytes);
    return true;
}

static size_t characters(hg_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.n; i++)
        count += (text.p[i] & 0xc0) != 0x80;
    return count;
}

static bool limit_check(json_t *schema, const char *least, const char *most, size_t count,
                        const char *what, const struct place *place, struct error *error)
{
    json_t *min = json_object_get(schema, least), *max = json_object_get(schema, most);

    if (min && count < (size_t)json_integer_value(min))
        return wrong(error, place, "must have at least %zu %s", (size_t)json_integer_value(min),
                     what);
    if (max && count > (size_t)json_integer_value(max))
        return wrong(error, place, "must have at most %zu %s", (size_t)json_integer_value(max),
                     what);
    return true;
}

static bool string_check(json_t *schema, json_t *value, const struct place *place,
                         struct error *error)
{
    hg_str text = {json_string_value(value), json_string_length(value)};
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    const char *wanted = NULL;

    if (!limit_check(schema, "minLength", "maxLength", characters(text), "characters", place,
                     error))
        return false;
    if (pattern && !pattern_matches(pattern, text.p))
        return wrong(error, place, "does not match the pattern %s", pattern);
    if (format && !format_fits(format, text, &wanted))
        return wrong(error, place, "must be %s", wanted);
    return true;
}

/* ---- values -----------------------------------------------------------------------------------
 */

struct check {
    const struct schema_marks *marks;
    struct error *error;
};

static bool value_check(const struct check *check, json_t *schema, json_t *value,
                        const struct place *place);

static bool number_check(json_t *schema, json_t *value, const struct place *place,
                         struct error *error)
{
    json_t *min = json_object_get(schema, "minimum");
    json_t *max = json_object_get(schema, "maximum");

    if (min && json_number_value(value) < json_number_value(min))
        return wrong(error, place, "must be at least %.15g", json_number_value(min));
    if (max && json_number_value(value) > json_number_value(max))
        return wrong(error, place, "must be at most %.15g", json_number_value(max));
    return true;
}

static bool array_check(const struct check *check, json_t *schema, json_t *value,
                        const struct place *place)
{
    json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *item;

    if (!limit_check(schema, "minItems", "maxItems", json_array_size(value), "entries", place,
                     check->error))
        return false;
    if (items)
        json_array_foreach(value, i, item)
            if (!value_check(check, items, item, &(struct place){place, NULL, i}))
                return false;
    return true;
}

static bool unknown_key(json_t *properties, const char *key, const struct place *place,
                        struct error *error)
{
    const char *words[WORDS_MAX], *name;
    struct place here = {place, key, 0};
    size_t count = 0;
    json_t *one;

    json_object_foreach(properties, name, one)
        if (count < WORDS_MAX)
            words[count++] = name;
    const char *near = text_suggest(text_of(key), words, count);

    if (near)
        return wrong(error, &here, "unknown, did you mean '%s'?", near);
    return wrong(error, &here, "unknown");
}

static bool object_check(const struct check *check, json_t *schema, json_t *value,
                         const struct place *place)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *others = json_object_get(schema, "additionalProperties");
    json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *one;
    size_t i;

    json_object_foreach(value, key, one) {
        json_t *known = json_object_get(properties, key);
        struct place here = {place, key, 0};

        if (!known && json_is_object(others))
            known = others;
        if (known && !value_check(check, known, one, &here))
            return false;
        if (!known && (json_is_false(others) || (!others && properties)))
            return unknown_key(properties, key, place, check->error);
    }
    json_array_foreach(required, i, one)
        if (!json_object_get(value, json_string_value(one)))
            return wrong(check->error, &(struct place){place, json_string_value(one), 0},
                         "is required");
    return true;
}

/* A value as text for a message, cut; not for secrets. */
static const char *value_text(json_t *value, char *text, size_t room)
{
    size_t n = json_dumpb(value, text, room - 1, JSON_ENCODE_ANY | JSON_COMPACT);

    if (n > room - 1) {
        strcpy(text, "...");
        return text;
    }
    text[n] = 0;
    return text;
}

static bool enum_check(const struct check *check, json_t *list, json_t *value,
                       const struct place *place)
{
    char text[400], one_text[64];
    const char *words[WORDS_MAX];
    size_t i, n = 0, count = 0;
    json_t *one;

    text[0] = 0;
    json_array_foreach(list, i, one) {
        if (json_equal(one, value))
            return true;
        int more = snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : "",
                            value_text(one, one_text, sizeof one_text));
        n += more < 0 || (size_t)more >= sizeof text - n ? 0 : (size_t)more;
        if (json_is_string(one) && count < WORDS_MAX)
            words[count++] = json_string_value(one);
    }
    const char *near = json_is_string(value) && !schema_is_marked(check->marks, value)
                           ? text_suggest(text_of(json_string_value(value)), words, count)
                           : NULL;
    if (near)
        return wrong(check->error, place, "must be one of %s; did you mean '%s'?", text, near);
    return wrong(check->error, place, "must be one of %s", text);
}

/* Of several forms that all fail, the one of the value's own type says best what is wrong. */
static bool forms_fail(const struct check *check, json_t *forms, json_t *value,
                       const struct place *place)
{
    json_t *near = NULL;
    size_t i, count = 0;
    json_t *form;

    json_array_foreach(forms, i, form)
        if (json_object_get(form, "type") && type_fits(json_object_get(form, "type"), value)) {
            near = form;
            count++;
        }
    if (count == 1)
        return value_check(check, near, value, place);
    return wrong(check->error, place, "matches none of the %zu allowed forms",
                 json_array_size(forms));
}

static bool forms_check(const struct check *check, json_t *forms, json_t *value,
                        const struct place *place, bool only_one)
{
    const struct check silent = {check->marks, NULL};
    size_t i, count = 0;
    json_t *form;

    if (!forms)
        return true;
    json_array_foreach(forms, i, form)
        count += value_check(&silent, form, value, place);
    if (!count)
        return forms_fail(check, forms, value, place);
    if (only_one && count > 1)
        return wrong(check->error, place, "matches %zu of the allowed forms, must match one",
                     count);
    return true;
}

static bool content_check(const struct check *check, json_t *schema, json_t *value,
                          const struct place *place)
{
    json_t *list = json_object_get(schema, "enum");
    json_t *only = json_object_get(schema, "const");
    char text[128];

    if (list && !enum_check(check, list, value, place))
        return false;
    if (only && !json_equal(only, value))
        return wrong(check->error, place, "must be %s", value_text(only, text, sizeof text));
    if (json_is_string(value))
        return string_check(schema, value, place, check->error);
    if (json_is_number(value))
        return number_check(schema, value, place, check->error);
    if (json_is_array(value))
        return array_check(check, schema, value, place);
    if (json_is_object(value))
        return object_check(check, schema, value, place);
    return true;
}

static bool value_check(const struct check *check, json_t *schema, json_t *value,
                        const struct place *place)
{
    json_t *type = json_object_get(schema, "type");
    char text[128];

    if (!type_fits(type, value))
        return wrong(check->error, place, "must be %s, not %s",
                     type_wanted(type, text, sizeof text), type_word(value));
    if (is_empty_mark(check->marks, value))
        return true;
    return content_check(check, schema, value, place) &&
           forms_check(check, json_object_get(schema, "oneOf"), value, place, true) &&
           forms_check(check, json_object_get(schema, "anyOf"), value, place, false);
}

bool schema_check(json_t *schema, json_t *value, const struct schema_marks *marks,
                  const char *place, struct error *error)
{
    return value_check(&(struct check){marks, error}, schema, value,
                       &(struct place){NULL, place, 0});
}

/* ---- completing -------------------------------------------------------------------------------
 */

static void forms_complete(json_t *forms, json_t *value, struct schema_marks *marks)
{
    const struct check silent = {marks, NULL};
    size_t i;
    json_t *form;

    json_array_foreach(forms, i, form)
        if (value_check(&silent, form, value, &(struct place){NULL, "", 0})) {
            schema_complete(form, value, marks);
            return;
        }
}

static void object_complete(json_t *schema, json_t *value, struct schema_marks *marks)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *others = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *one;

    json_object_foreach(properties, key, one) {
        json_t *missing = json_object_get(one, "default");

        if (missing && !json_object_get(value, key))
            json_object_set_new(value, key, json_deep_copy(missing));
    }
    json_object_foreach(value, key, one) {
        json_t *known = json_object_get(properties, key);

        if (known)
            schema_complete(known, one, marks);
        else if (json_is_object(others))
            schema_complete(others, one, marks);
    }
}

void schema_complete(json_t *schema, json_t *value, struct schema_marks *marks)
{
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *one;

    if (json_is_string(value) && format && !strcmp(format, "secret"))
        schema_mark(marks, value, false);
    if (json_is_object(value))
        object_complete(schema, value, marks);
    if (items)
        json_array_foreach(value, i, one)
            schema_complete(items, one, marks);
    forms_complete(json_object_get(schema, "oneOf"), value, marks);
    forms_complete(json_object_get(schema, "anyOf"), value, marks);
}

/* ---- schemas themselves -----------------------------------------------------------------------
 */

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
        return wrong(error, place, "'%s' is not supported, did you mean '%s'?", name, near);
    return wrong(error, place, "'%s' is not supported", name);
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
        return wrong(error, place, "must be a list with at least one schema");
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
        return json_is_string(value) || wrong(error, place, "must be a string");
    case COUNT:
        return (json_is_integer(value) && json_integer_value(value) >= 0) ||
               wrong(error, place, "must be a whole number, not negative");
    case NUMBER:
        return json_is_number(value) || wrong(error, place, "must be a number");
    case LIST:
        return json_array_size(value) > 0 || wrong(error, place, "must be a list, not empty");
    case NAMES:
        return names_are_right(value) || wrong(error, place, "must be a list of strings");
    case TYPE:
        return type_is_right(value) || wrong(error, place, "is no type");
    case OTHERS:
        return json_is_boolean(value) || schema_is_right(value, place, depth + 1, error);
    case SCHEMA:
        return schema_is_right(value, place, depth + 1, error);
    case MEMBERS:
        if (!json_is_object(value))
            return wrong(error, place, "must be an object");
        return schemas_are_right(value, place, depth, error);
    case SCHEMAS:
        if (!json_is_array(value))
            return wrong(error, place, "must be a list");
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
        return wrong(error, place, "the format '%s' is not supported", format);
    if (!pattern)
        return true;
    regex_t regex;

    if (!pattern_compile(&regex, pattern, reason, sizeof reason))
        return wrong(error, place, "the pattern is wrong: %s", reason);
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
                return wrong(error, place, "requires '%s', which is not among its properties",
                             json_string_value(one));
    return !otherwise || value_check(&(struct check){NULL, error}, schema, otherwise, &here);
}

static bool schema_is_right(json_t *schema, const struct place *place, unsigned depth,
                            struct error *error)
{
    const char *key;
    json_t *value;

    if (depth > DEPTH_MAX)
        return wrong(error, place, "is nested too deep");
    if (!json_is_object(schema))
        return wrong(error, place, "must be an object");
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
