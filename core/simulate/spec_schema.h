/* spec_schema.h - whether a value is as a JSON Schema of a public description wants it. Unlike the
 * schemas of settings (plugin/schema.h) these are open: unknown keywords mean nothing, unknown
 * members are fine unless they are forbidden, and oneOf is anyOf, because published alternatives
 * overlap. `pattern` and `format` are not looked at. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"

/* Local references are looked up in `root`. False and what is wrong, told of the alternative that
 * comes nearest. */
bool spec_schema_check(struct arena *arena, const json_t *root, const json_t *schema,
                       const json_t *value, hg_str *ret_place, hg_str *ret_reason);

/* What a local reference ("#/components/schemas/Thing") means; NULL if nothing. */
const json_t *spec_schema_target(const json_t *root, const char *ref);
