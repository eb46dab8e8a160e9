#include "simulate/words.h"

#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"

uint64_t words_hash(hg_str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return hash;
}

/* The finaliser of splitmix64: every bit of the input reaches every bit of the output. */
uint64_t words_mix(uint64_t hash, uint64_t number)
{
    uint64_t z = hash + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

hg_str words_next(hg_str *rest)
{
    hg_str word = {rest->p, 0};

    while (word.n < rest->n && isspace((unsigned char)word.p[word.n]))
        word.n++;
    while (word.n < rest->n && !isspace((unsigned char)word.p[word.n]))
        word.n++;
    rest->p += word.n, rest->n -= word.n;
    return word;
}

uint64_t words_count(hg_str text)
{
    uint64_t count = 0;

    while (text.n) {
        words_next(&text);
        count++;
    }
    return count;
}

hg_str words_cut(hg_str text, uint64_t count)
{
    hg_str rest = text;

    while (count-- && rest.n)
        words_next(&rest);
    return (hg_str){text.p, text.n - rest.n};
}

static const char *const sentences[] = {
    "The water stands high behind the gate.",
    "Every boat waits for its turn.",
    "A keeper writes the level in a book each morning.",
    "Two herons watch the lower pool.",
    "The lock fills slowly, and nobody is in a hurry.",
    "Rain upstream will arrive here tomorrow.",
    "The old beams creak when the wind turns.",
    "Downstream the mill takes what it needs.",
    "At noon the barges carry timber and stone.",
    "A small leak is mended before it grows.",
    "The towpath is dry again.",
    "Somebody has painted the railing green.",
    "In spring the banks are full of irises.",
    "The sluice opens by a hand's breadth.",
    "Children count the steps down to the water.",
    "Evening comes, and the lamps are lit.",
};

hg_str words_sentences(struct arena *arena, uint64_t seed, uint64_t tokens)
{
    enum {
        COUNT = sizeof sentences / sizeof *sentences,
        LONGEST = 64
    };
    size_t room = (size_t)(tokens < (1 << 20) ? tokens : (1 << 20)) * 16 + LONGEST, n = 0;
    char *text = arena_alloc(arena, room);
    uint64_t left = room / 16 - LONGEST / 16;

    for (uint64_t i = 0; left; i++) {
        hg_str sentence = text_of(sentences[words_mix(seed, i) % COUNT]);

        for (; left && sentence.n; left--) {
            hg_str word = words_next(&sentence);

            if (n && word.p[0] != ' ')
                text[n++] = ' ';
            memcpy(text + n, word.p, word.n);
            n += word.n;
        }
    }
    return (hg_str){text, n};
}

hg_str words_id(struct arena *arena, const char *prefix, uint64_t seed)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char id[25];

    for (unsigned i = 0; i < 24; i++)
        id[i] = digits[words_mix(seed, i) % 62];
    id[24] = 0;
    return arena_fmt(arena, "%s%s", prefix, id);
}

/* Follows "#/$defs/name" from the outermost schema. */
static const json_t *schema_target(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (!ref)
        return schema;
    if (strncmp(ref, "#/$defs/", 8) == 0)
        return json_object_get(json_object_get(root, "$defs"), ref + 8);
    if (strncmp(ref, "#/definitions/", 14) == 0)
        return json_object_get(json_object_get(root, "definitions"), ref + 14);
    return strcmp(ref, "#") == 0 ? root : NULL;
}

static json_t *schema_value(const json_t *root, const json_t *schema, uint64_t seed, int depth);

static json_t *schema_object(const json_t *root, const json_t *schema, uint64_t seed, int depth)
{
    json_t *object = json_object(), *properties = json_object_get(schema, "properties"), *property;
    const char *name;
    uint64_t i = 0;

    json_object_foreach(properties, name, property)
        json_object_set_new(object, name,
                            schema_value(root, property, words_mix(seed, i++), depth + 1));
    return object;
}

static json_t *schema_array(const json_t *root, const json_t *schema, uint64_t seed, int depth)
{
    json_t *array = json_array();
    json_int_t least = json_integer_value(json_object_get(schema, "minItems"));

    for (json_int_t i = 0; i < (least > 1 && least < 100 ? least : 1); i++)
        json_array_append_new(array, schema_value(root, json_object_get(schema, "items"),
                                                  words_mix(seed, (uint64_t)i), depth + 1));
    return array;
}

static json_t *schema_integer(const json_t *schema, uint64_t seed)
{
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    double low = least ? json_number_value(least) : 0;
    double high = most ? json_number_value(most) : low + 99;

    if (high < low || high - low > 1e9)
        high = low;
    return json_integer((json_int_t)low + (json_int_t)(seed % ((uint64_t)(high - low) + 1)));
}

/* The type of a schema; of several the first that is not null. */
static const char *schema_type(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *item;
    size_t i;

    if (!json_is_array(type))
        return json_is_string(type)                    ? json_string_value(type)
               : json_object_get(schema, "properties") ? "object"
               : json_object_get(schema, "items")      ? "array"
                                                       : "string";
    json_array_foreach(type, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), "null") != 0)
            return json_string_value(item);
    return "null";
}

/* What enum, const, anyOf, oneOf or allOf decide, or NULL. */
static json_t *schema_chosen(const json_t *root, const json_t *schema, uint64_t seed, int depth)
{
    static const char *const unions[] = {"anyOf", "oneOf", "allOf"};
    json_t *fixed = json_object_get(schema, "const");
    json_t *choices = json_object_get(schema, "enum");

    if (fixed)
        return json_incref(fixed);
    if (json_array_size(choices))
        return json_incref(json_array_get(choices, seed % json_array_size(choices)));
    for (size_t i = 0; i < 3; i++) {
        const json_t *first = json_array_get(json_object_get(schema, unions[i]), 0);

        if (first)
            return schema_value(root, first, seed, depth + 1);
    }
    return NULL;
}

static json_t *schema_value(const json_t *root, const json_t *schema, uint64_t seed, int depth)
{
    enum {
        DEEPEST = 12
    };
    json_t *chosen;

    schema = schema_target(root, schema);
    if (depth > DEEPEST)
        return json_null();
    if ((chosen = schema_chosen(root, schema, seed, depth)))
        return chosen;
    const char *type = schema_type(schema);

    if (strcmp(type, "object") == 0)
        return schema_object(root, schema, seed, depth);
    if (strcmp(type, "array") == 0)
        return schema_array(root, schema, seed, depth);
    if (strcmp(type, "integer") == 0)
        return schema_integer(schema, seed);
    if (strcmp(type, "number") == 0)
        return json_real((double)(seed % 1000) / 8);
    if (strcmp(type, "boolean") == 0)
        return json_boolean(seed & 1);
    if (strcmp(type, "null") == 0)
        return json_null();
    return json_string(sentences[seed % (sizeof sentences / sizeof *sentences)]);
}

json_t *words_of_schema(const json_t *schema, uint64_t seed)
{
    return schema_value(schema, schema, seed, 0);
}
