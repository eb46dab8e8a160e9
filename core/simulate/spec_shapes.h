/* spec_shapes.h - a service model of AWS as an OpenAPI document: the same operations, their shapes
 * as JSON Schemas. */
#pragma once

#include <jansson.h>

/* Makes {"paths": ..., "components": {"schemas": ...}} of {"operations": ..., "shapes": ...}. */
json_t *spec_shapes_convert(const json_t *model);
