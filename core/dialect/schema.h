/* schema.h - JSON Schemas for providers that take only a part of the language. Order of properties
 * is kept, names of properties are names and never taken for keywords. */
#pragma once

#include <headgate/json.h>

#include "base/arena.h"
#include "base/chain.h"

#define SCHEMA_INLINE_REFS   1u /* local $ref are put in place; a cycle ends as {"type":"object"} */
#define SCHEMA_NULLABLE      2u /* type lists and null branches become nullable */
#define SCHEMA_ONE_TO_ANY    4u /* oneOf becomes anyOf */
#define SCHEMA_CONST_TO_ENUM 8u
#define SCHEMA_STRING_ENUMS  16u  /* members of enum as strings, with the format "enum" */
#define SCHEMA_CLOSE_OBJECTS 32u  /* additionalProperties: false on every object */
#define SCHEMA_MERGE_ALL     64u  /* allOf is merged into its place */
#define SCHEMA_FOLD_LIMITS   128u /* removed limits are told in the description */
#define SCHEMA_FIX_ARRAYS                                                                  \
    256u                 /* an array without items takes strings, a tuple any of its kinds \
                          */
#define SCHEMA_TIDY 512u /* a missing type is told, empty properties and unknown required go */

struct schema_rules {
    uint32_t flags;
    const char *const
        *keeps; /* keywords that stay, ends with NULL; NULL: all that `drops` does not name */
    const char *const *drops;   /* ends with NULL; may be NULL */
    const char *const *formats; /* values of `format` that stay; NULL: all */
};

/* Writes `schema` to `out` by the rules, as one value of the JSON writer. {"type":"object"} stands
 * for what nests too deep for the writer, and for what follows when references have made the schema
 * many times its size. */
void schema_write(struct arena *arena, hg_json schema, const struct schema_rules *rules,
                  struct chain *out);

/* Whether the schema is an object's that has no property and takes none: what a tool without
 * parameters says. */
bool schema_is_empty(hg_json schema);
