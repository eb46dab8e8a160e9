/* schema_words.h - for schema.c and schema_parse.c: places in a document, the names of types, and
 * what can be asked of a string. */
#pragma once

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Where in the document we are; on the stack, from the inside out. */
struct place {
    const struct place *outer;
    const char *key; /* NULL: element number `index` */
    size_t index;
};

/* Sets "place: text" and returns false. `error` may be NULL. */
bool place_wrong(struct error *error, const struct place *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Less than 0 if there is no such type. */
int type_number(const char *name);

/* `type` is the value of that keyword: a name, several of them, or NULL for any. */
bool type_fits(json_t *type, json_t *value);
const char *type_wanted(json_t *type, char *text, size_t room); /* "a string or a list" */
const char *type_word(json_t *value);

bool pattern_compile(regex_t *regex, const char *pattern, char *reason, size_t room);

/* A count against two keywords of the schema. */
bool limit_check(json_t *schema, const char *least, const char *most, size_t count,
                 const char *what, const struct place *place, struct error *error);

/* Length, pattern and format. */
bool string_check(json_t *schema, json_t *value, const struct place *place, struct error *error);

/* schema_check from a place further in. */
struct schema_marks;
bool schema_check_at(json_t *schema, json_t *value, const struct schema_marks *marks,
                     const struct place *place, struct error *error);
