/* Schemas of this format, which are OpenAPI's, as JSON Schema. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

enum {
    DEPTH_MAX = CHAIN_DEPTH - 6
};

static void schema_put(struct chain *out, hg_json schema);

/* "STRING" becomes "string"; with null beside it if the schema is nullable. */
static void type_put(struct chain *out, hg_json type, bool is_nullable)
{
    hg_str word = json_raw_str(type);
    char lower[16];

    if (word.n >= sizeof lower)
        word.n = 0;
    for (size_t i = 0; i < word.n; i++)
        lower[i] = word.p[i] >= 'A' && word.p[i] <= 'Z' ? (char)(word.p[i] | 0x20) : word.p[i];
    word.p = lower;
    if (!word.n || text_is(word, HG_S("type_unspecified")))
        return;
    JSON_KEY(out, "type");
    if (is_nullable)
        json_arr(out);
    json_put_str(out, word);
    if (!is_nullable)
        return;
    json_put_str(out, HG_S("null"));
    json_end(out);
}

static void map_put(struct chain *out, hg_json map)
{
    hg_json_it it = {{0, 0}};
    hg_json schema;
    hg_str name;

    json_obj(out);
    while (map.kind == HG_J_OBJ && json_next(map, &it, &name, &schema)) {
        json_key(out, json_unescape(out->arena, name));
        schema_put(out, schema);
    }
    json_end(out);
}

static void list_put(struct chain *out, hg_json list, bool with_null)
{
    hg_json_it it = {{0, 0}};
    hg_json schema;

    json_arr(out);
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &schema))
        schema_put(out, schema);
    if (with_null)
        json_put_raw(out, HG_S("{\"type\":\"null\"}"));
    json_end(out);
}

/* An enum that may be null has null among its members. */
static void enum_put(struct chain *out, hg_json list)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    json_arr(out);
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &value))
        json_put_raw(out, json_raw(value));
    json_put_null(out);
    json_end(out);
}

static bool is_limit(hg_str key)
{
    static const char *const limits[] = {"minItems",  "maxItems",      "minLength",
                                         "maxLength", "minProperties", "maxProperties"};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (gemini_key_is(key, text_of(limits[i])))
            return true;
    return false;
}

/* The name that JSON Schema has for a member; most have the same. */
static hg_str key_of(struct chain *out, hg_str raw_key)
{
    static const char *const names[] = {
        "anyOf",     "oneOf",     "allOf",         "minItems",      "maxItems",
        "minLength", "maxLength", "minProperties", "maxProperties", "additionalProperties"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gemini_key_is(raw_key, text_of(names[i])))
            return text_of(names[i]);
    if (json_key_is(raw_key, HG_S("defs")) || json_key_is(raw_key, HG_S("ref")))
        return arena_fmt(out->arena, "$%.*s", TEXT_ARG(raw_key));
    return json_unescape(out->arena, raw_key);
}

static void member_put(struct chain *out, hg_str raw_key, hg_json value, bool is_nullable)
{
    hg_str key = key_of(out, raw_key);

    if (json_key_is(raw_key, HG_S("type")) || json_key_is(raw_key, HG_S("nullable")) ||
        gemini_key_is(raw_key, HG_S("propertyOrdering")) ||
        (json_key_is(raw_key, HG_S("format")) && json_is(value, HG_S("enum"))))
        return;
    json_key(out, key);
    if (is_limit(raw_key) && value.kind == HG_J_STR && gemini_count(value) >= 0)
        json_put_i64(out, gemini_count(value));
    else if (text_is(key, HG_S("properties")) || text_is(key, HG_S("$defs")))
        map_put(out, value);
    else if (value.kind == HG_J_OBJ &&
             (text_is(key, HG_S("items")) || text_is(key, HG_S("additionalProperties"))))
        schema_put(out, value);
    else if (value.kind == HG_J_ARR && text_ends(key, HG_S("Of")))
        list_put(out, value, is_nullable && text_is(key, HG_S("anyOf")));
    else if (value.kind == HG_J_ARR && text_is(key, HG_S("enum")) && is_nullable)
        enum_put(out, value);
    else
        json_put_raw(out, json_raw(value));
}

static void schema_put(struct chain *out, hg_json schema)
{
    bool is_nullable = json_is_yes(json_member(schema, HG_S("nullable")));
    hg_json type = json_member(schema, HG_S("type")), value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    json_obj(out);
    if (type.kind == HG_J_STR)
        type_put(out, type, is_nullable);
    while (schema.kind == HG_J_OBJ && out->depth < DEPTH_MAX &&
           json_next(schema, &it, &key, &value))
        member_put(out, key, value, is_nullable);
    json_end(out);
}

hg_str gemini_schema_read(struct arena *arena, hg_json schema)
{
    struct chain *out = chain_new(arena);

    if (schema.kind != HG_J_OBJ)
        return HG_S("");
    schema_put(out, schema);
    return chain_flat(out, arena);
}
