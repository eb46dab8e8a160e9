#include "simulate/spec_shapes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Where an absent member would do, null does too. */
static json_t *reference(const char *shape)
{
    json_t *ref = json_sprintf("#/components/schemas/%s", shape ? shape : "");

    return json_pack("{s:o, s:b}", "$ref", ref, "nullable", 1);
}

static const char *shape_of(const json_t *member)
{
    return json_string_value(json_object_get(member, "shape"));
}

/* What of a structure is in the body: the rest is in the path or in the head. */
static bool is_in_body(const json_t *member)
{
    return !json_object_get(member, "location");
}

static json_t *required_of(const json_t *shape, const json_t *members)
{
    json_t *required = json_array();
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(shape, "required"), i, name)
        if (is_in_body(json_object_get(members, json_string_value(name))))
            json_array_append(required, (json_t *)(uintptr_t)name);
    return required;
}

/* A union is an object with one member. */
static json_t *structure_schema(const json_t *shape)
{
    json_t *members = json_object_get(shape, "members"), *member;
    json_t *properties = json_object(), *schema;
    const char *name;

    if (json_is_true(json_object_get(shape, "document"))) {
        json_decref(properties);
        return json_object();
    }
    json_object_foreach(members, name, member)
        if (is_in_body(member))
            json_object_set_new(properties, name, reference(shape_of(member)));
    schema = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
                       required_of(shape, members));
    if (json_is_true(json_object_get(shape, "union"))) {
        json_object_set_new(schema, "minProperties", json_integer(1));
        json_object_set_new(schema, "maxProperties", json_integer(1));
        json_object_set_new(schema, "additionalProperties", json_false());
    }
    return schema;
}

static void copy(json_t *to, const char *as, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (value)
        json_object_set(to, as, value);
}

static json_t *typed(const char *type, const json_t *shape, const char *least, const char *most)
{
    json_t *schema = json_pack("{s:s}", "type", type);

    copy(schema, least, shape, "min");
    copy(schema, most, shape, "max");
    copy(schema, "enum", shape, "enum");
    return schema;
}

static json_t *schema_of(const json_t *shape)
{
    const char *type = json_string_value(json_object_get(shape, "type"));
    json_t *schema;

    if (!type || strcmp(type, "timestamp") == 0)
        return json_object();
    if (strcmp(type, "structure") == 0)
        return structure_schema(shape);
    if (strcmp(type, "list") == 0) {
        schema = typed("array", shape, "minItems", "maxItems");
        json_object_set_new(schema, "items", reference(shape_of(json_object_get(shape, "member"))));
        return schema;
    }
    if (strcmp(type, "map") == 0) {
        schema = typed("object", shape, "minProperties", "maxProperties");
        json_object_set_new(schema, "additionalProperties",
                            reference(shape_of(json_object_get(shape, "value"))));
        return schema;
    }
    if (strcmp(type, "string") == 0)
        return typed("string", shape, "minLength", "maxLength");
    if (strcmp(type, "blob") == 0) /* its limits are of bytes, and it comes as base64 */
        return json_pack("{s:s}", "type", "string");
    if (strcmp(type, "boolean") == 0)
        return json_pack("{s:s}", "type", "boolean");
    if (strcmp(type, "integer") == 0 || strcmp(type, "long") == 0)
        return typed("integer", shape, "minimum", "maximum");
    return typed("number", shape, "minimum", "maximum");
}

static void path_add(json_t *paths, const json_t *operation)
{
    const json_t *http = json_object_get(operation, "http");
    const char *method = json_string_value(json_object_get(http, "method"));
    const char *uri = json_string_value(json_object_get(http, "requestUri"));
    const char *input = shape_of(json_object_get(operation, "input"));

    if (!method || !uri || !input || strcmp(method, "POST") != 0)
        return;
    json_t *body =
        json_pack("{s:{s:{s:o}}}", "content", "application/json", "schema", reference(input));

    json_object_set_new(paths, uri, json_pack("{s:{s:o}}", "post", "requestBody", body));
}

json_t *spec_shapes_convert(const json_t *model)
{
    json_t *paths = json_object(), *schemas = json_object(), *value;
    const char *name;

    json_object_foreach(json_object_get(model, "operations"), name, value)
        path_add(paths, value);
    json_object_foreach(json_object_get(model, "shapes"), name, value)
        json_object_set_new(schemas, name, schema_of(value));
    return json_pack("{s:o, s:{s:o}}", "paths", paths, "components", "schemas", schemas);
}
