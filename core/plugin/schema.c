#include "plugin/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "plugin/schema_words.h"

enum {
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

static bool schema_is_marked(const struct schema_marks *marks, json_t *value)
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

/* ---- values ---------------------------------------------------------------------------------- */

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
        return place_wrong(error, place, "must be at least %.15g", json_number_value(min));
    if (max && json_number_value(value) > json_number_value(max))
        return place_wrong(error, place, "must be at most %.15g", json_number_value(max));
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
        return place_wrong(error, &here, "unknown, did you mean '%s'?", near);
    return place_wrong(error, &here, "unknown");
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
            return place_wrong(check->error, &(struct place){place, json_string_value(one), 0},
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
        return place_wrong(check->error, place, "must be one of %s; did you mean '%s'?", text,
                           near);
    return place_wrong(check->error, place, "must be one of %s", text);
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
    return place_wrong(check->error, place, "matches none of the %zu allowed forms",
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
        return place_wrong(check->error, place, "matches %zu of the allowed forms, must match one",
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
        return place_wrong(check->error, place, "must be %s", value_text(only, text, sizeof text));
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
        return place_wrong(check->error, place, "must be %s, not %s",
                           type_wanted(type, text, sizeof text), type_word(value));
    if (is_empty_mark(check->marks, value))
        return true;
    return content_check(check, schema, value, place) &&
           forms_check(check, json_object_get(schema, "oneOf"), value, place, true) &&
           forms_check(check, json_object_get(schema, "anyOf"), value, place, false);
}

bool schema_check_at(json_t *schema, json_t *value, const struct schema_marks *marks,
                     const struct place *place, struct error *error)
{
    return value_check(&(struct check){marks, error}, schema, value, place);
}

bool schema_check(json_t *schema, json_t *value, const struct schema_marks *marks,
                  const char *place, struct error *error)
{
    return value_check(&(struct check){marks, error}, schema, value,
                       &(struct place){NULL, place, 0});
}

/* ---- empty tables ---------------------------------------------------------------------------- */

static bool wants_list(json_t *schema, json_t *value)
{
    const char *type = json_string_value(json_object_get(schema, "type"));

    return type && !strcmp(type, "array") && json_is_object(value) && json_object_size(value) == 0;
}

void schema_empty_lists(json_t *schema, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *others = json_object_get(schema, "additionalProperties");
    json_t *items = json_object_get(schema, "items");
    const char *key;
    void *next;
    json_t *one;
    size_t i;

    json_object_foreach_safe(value, next, key, one)
    {
        json_t *known = json_object_get(properties, key);

        if (!known)
            known = others;
        if (wants_list(known, one))
            json_object_set_new(value, key, json_array());
        else
            schema_empty_lists(known, one);
    }
    json_array_foreach(value, i, one) {
        if (wants_list(items, one))
            json_array_set_new(value, i, json_array());
        else
            schema_empty_lists(items, one);
    }
}

/* ---- completing ------------------------------------------------------------------------------ */

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
