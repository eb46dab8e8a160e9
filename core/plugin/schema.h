/* schema.h - a subset of JSON Schema 2020-12, for the settings of plugins.
 *
 *   type, enum, const, oneOf, anyOf, default, description (and title, examples, $schema, $id,
 * $comment) object  properties, required, additionalProperties     unknown keys are errors by
 * default array   items, minItems, maxItems string  minLength, maxLength, pattern (POSIX extended),
 * format: uri, duration, bytes, secret number  minimum, maximum
 *
 * Any other keyword is refused: a misspelt one would silently check nothing. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* The text as a schema whose root describes an object; NULL and what is wrong with it. */
json_t *schema_parse(const char *text, struct error *error);

/* Values whose content must never be shown. Those without content yet (a secret that could not be
 * found) pass all checks of content. */
struct schema_marks {
    json_t **value;
    bool *is_empty;
    size_t count;
};

void schema_mark(struct schema_marks *marks, json_t *value, bool is_empty);
void schema_marks_done(struct schema_marks *marks);

/* Whether the value is as the schema wants it; false and the first thing that is not, with its
 * place: "settings.rules[2].pattern: must be ...". */
bool schema_check(json_t *schema, json_t *value, const struct schema_marks *marks,
                  const char *place, struct error *error);

/* Makes an empty object a list where the schema wants nothing else: Lua writes both as {}. */
void schema_empty_lists(json_t *schema, json_t *value);

/* Adds the defaults of members that are absent, to a value that was checked, and marks the strings
 * whose format is secret. */
void schema_complete(json_t *schema, json_t *value, struct schema_marks *marks);
