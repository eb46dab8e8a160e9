/* A check stops at the first thing that is wrong. Of alternatives that all fail the one that got
 * deepest is told; one that failed at its tag ("type") was not meant at all. */
#include "simulate/spec_schema.h"

#include <string.h>

#include "base/text.h"
#include "simulate/reply.h"

enum {
    DEEPEST = 200,       /* of nesting, references included */
    STEPS_MOST = 1000000 /* alternatives of alternatives: a check that takes more lets pass */
};

/* Where we are in the value. */
struct place {
    const struct place *up;
    const char *key; /* NULL: an element */
    size_t index;
};

/* How little a failure tells that its alternative was meant. A step into the value is 2. */
enum weight {
    WRONG_VALUE,
    WRONG_TYPE = 2,
    WRONG_TAG = 3 /* but it stands a step deeper */
};

struct failure {
    int score;
    hg_str place, wants; /* wants: "a string", to be joined with "or" */
    hg_str reason;       /* where it is none of these */
};

struct check {
    struct arena *arena;
    const json_t *root;
    struct failure failure;
    unsigned depth;
    uint64_t steps;
};

static bool fits(struct check *check, const json_t *schema, const json_t *value,
                 const struct place *place);

/* ---- what is wrong --------------------------------------------------------------------------- */

static int steps_to(const struct place *place)
{
    int steps = 0;

    for (; place; place = place->up)
        steps++;
    return steps;
}

static hg_str place_text(struct arena *arena, const struct place *place)
{
    if (!place)
        return HG_S("");
    hg_str up = place_text(arena, place->up);

    if (!place->key)
        return arena_fmt(arena, "%.*s[%zu]", TEXT_ARG(up), place->index);
    return arena_fmt(arena, "%.*s%s%s", TEXT_ARG(up), up.n ? "." : "", place->key);
}

static bool fail(struct check *check, const struct place *place, hg_str reason)
{
    check->failure = (struct failure){
        .score = 2 * steps_to(place), .place = place_text(check->arena, place), .reason = reason};
    return false;
}

static bool fail_wanting(struct check *check, const struct place *place, hg_str wants,
                         enum weight weight)
{
    fail(check, place, (hg_str){0});
    check->failure.wants = wants;
    check->failure.score -= (int)weight;
    return false;
}

static bool has_words(hg_str text, hg_str words)
{
    return text.n && memmem(text.p, text.n, words.p, words.n);
}

/* The one that got farther; of two at the same place both wishes. */
static struct failure nearer(struct arena *arena, struct failure a, struct failure b)
{
    if (a.score != b.score || !a.wants.n || !b.wants.n || !text_is(a.place, b.place))
        return b.score > a.score ? b : a;
    if (!has_words(a.wants, b.wants))
        a.wants = arena_fmt(arena, "%.*s or %.*s", TEXT_ARG(a.wants), TEXT_ARG(b.wants));
    return a;
}

/* ---- references and alternatives ------------------------------------------------------------- */

const json_t *spec_schema_target(const json_t *root, const char *ref)
{
    char name[256];

    if (strncmp(ref, "#/", 2) != 0)
        return NULL;
    for (ref += 2; root && *ref;) {
        size_t n = strcspn(ref, "/");

        if (n >= sizeof name)
            return NULL;
        memcpy(name, ref, n);
        name[n] = 0;
        root = json_object_get(root, name);
        ref += n + (ref[n] == '/');
    }
    return root;
}

static bool fits_any(struct check *check, const json_t *choices, const json_t *value,
                     const struct place *place)
{
    struct failure best = {.score = -1000};
    const json_t *choice;
    size_t i;

    json_array_foreach(choices, i, choice) {
        if (fits(check, choice, value, place))
            return true;
        best = i ? nearer(check->arena, best, check->failure) : check->failure;
    }
    check->failure = best;
    return json_array_size(choices) == 0;
}

/* The names that a discriminator knows, as a list of wishes. */
static hg_str mapping_words(struct arena *arena, const json_t *mapping)
{
    hg_str words = {0};
    const char *name;
    json_t *ref;

    json_object_foreach((json_t *)(uintptr_t)mapping, name, ref)
        words = words.n ? arena_fmt(arena, "%.*s or \"%s\"", TEXT_ARG(words), name)
                        : arena_fmt(arena, "\"%s\"", name);
    return words;
}

/* A tag that names its alternative spares trying them. */
static bool fits_union(struct check *check, const json_t *schema, const json_t *choices,
                       const json_t *value, const struct place *place)
{
    const json_t *discriminator = json_object_get(schema, "discriminator");
    const json_t *mapping = json_object_get(discriminator, "mapping");
    const char *tag = json_string_value(json_object_get(discriminator, "propertyName"));
    const json_t *given = tag ? json_object_get(value, tag) : NULL;

    if (!json_object_size(mapping) || !json_is_string(given))
        return fits_any(check, choices, value, place);
    const char *ref = json_string_value(json_object_get(mapping, json_string_value(given)));
    const json_t *target = ref ? spec_schema_target(check->root, ref) : NULL;

    if (target)
        return fits(check, target, value, place);
    if (fits_any(check, choices, value, place))
        return true;
    return fail_wanting(check, &(struct place){.up = place, .key = tag},
                        mapping_words(check->arena, mapping), WRONG_TAG);
}

static bool fits_all(struct check *check, const json_t *parts, const json_t *value,
                     const struct place *place)
{
    const json_t *part;
    size_t i;

    json_array_foreach(parts, i, part)
        if (!fits(check, part, value, place))
            return false;
    return true;
}

/* ---- types and fixed values ------------------------------------------------------------------ */

static bool is_type(const json_t *value, const char *type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
    };

    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    if (strcmp(type, "integer") == 0 && json_is_real(value))
        return json_real_value(value) == (double)(int64_t)json_real_value(value);
    return strcmp(type, names[json_typeof(value)]) == 0;
}

static hg_str type_words(struct arena *arena, const char *type)
{
    return arena_fmt(arena, "%s %s", strchr("aeiou", *type) ? "an" : "a", type);
}

static bool fits_type(struct check *check, const json_t *type, const json_t *value,
                      const struct place *place)
{
    hg_str wants = {0};
    const json_t *one;
    size_t i;

    if (json_is_string(type))
        return is_type(value, json_string_value(type)) ||
               fail_wanting(check, place, type_words(check->arena, json_string_value(type)),
                            WRONG_TYPE);
    json_array_foreach(type, i, one) {
        hg_str words = type_words(check->arena, json_string_value(one));

        if (json_is_string(one) && is_type(value, json_string_value(one)))
            return true;
        wants = wants.n ? arena_fmt(check->arena, "%.*s or %.*s", TEXT_ARG(wants), TEXT_ARG(words))
                        : words;
    }
    return !wants.n || fail_wanting(check, place, wants, WRONG_TYPE);
}

/* Numbers of a description are all of one kind. */
static bool is_same(const json_t *fixed, const json_t *value)
{
    if (json_is_number(fixed) && json_is_number(value))
        return json_number_value(fixed) <= json_number_value(value) &&
               json_number_value(fixed) >= json_number_value(value);
    return json_equal(fixed, value);
}

/* A member that must be one of a few words is what tells alternatives apart. */
static bool fits_fixed(struct check *check, const json_t *schema, const json_t *value,
                       const struct place *place)
{
    const json_t *fixed = json_object_get(schema, "const"), *one;
    const json_t *words = json_object_get(schema, "enum");
    hg_str wants = {0};
    size_t i;

    if (fixed && !is_same(fixed, value))
        return fail_wanting(check, place, document_text(check->arena, fixed), WRONG_TAG);
    json_array_foreach(words, i, one) {
        hg_str word = document_text(check->arena, one);

        if (is_same(one, value))
            return true;
        wants = wants.n ? arena_fmt(check->arena, "%.*s or %.*s", TEXT_ARG(wants), TEXT_ARG(word))
                        : word;
    }
    return !wants.n ||
           fail_wanting(check, place, wants, json_array_size(words) == 1 ? WRONG_TAG : WRONG_VALUE);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* `count` against two keywords. */
static bool fits_count(struct check *check, const json_t *schema, const struct place *place,
                       const char *least_name, const char *most_name, size_t count,
                       const char *what)
{
    const json_t *least = json_object_get(schema, least_name);
    const json_t *most = json_object_get(schema, most_name);

    if (json_is_number(least) && (double)count < json_number_value(least))
        return fail(
            check, place,
            arena_fmt(check->arena, "must have at least %.0f %s", json_number_value(least), what));
    if (json_is_number(most) && (double)count > json_number_value(most))
        return fail(
            check, place,
            arena_fmt(check->arena, "must have at most %.0f %s", json_number_value(most), what));
    return true;
}

static size_t characters(const json_t *string)
{
    const char *p = json_string_value(string);
    size_t count = 0;

    for (size_t i = 0; i < json_string_length(string); i++)
        count += ((unsigned char)p[i] & 0xc0) != 0x80;
    return count;
}

static bool fits_number(struct check *check, const json_t *schema, const json_t *value,
                        const struct place *place)
{
    static const struct {
        const char *keyword, *words;
        bool is_least, is_open;
    } limits[] = {
        {"minimum", "at least", true, false},
        {"maximum", "at most", false, false},
        {"exclusiveMinimum", "more than", true, true},
        {"exclusiveMaximum", "less than", false, true},
    };
    double number = json_number_value(value);

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const json_t *limit = json_object_get(schema, limits[i].keyword);
        double distance = limits[i].is_least ? number - json_number_value(limit)
                                             : json_number_value(limit) - number;

        if (!json_is_number(limit) || distance > 0 || (distance >= 0 && !limits[i].is_open))
            continue;
        return fail(
            check, place,
            arena_fmt(check->arena, "must be %s %g", limits[i].words, json_number_value(limit)));
    }
    return true;
}

/* ---- objects and arrays ---------------------------------------------------------------------- */

static bool has_required(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(schema, "required"), i, name)
        if (json_is_string(name) && !json_object_get(value, json_string_value(name)))
            return fail(check, &(struct place){.up = place, .key = json_string_value(name)},
                        HG_S("is required"));
    return true;
}

/* Members that tell alternatives apart first: a request is judged as what it says it is. */
static bool fits_members(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *member;

    for (int round = 0; round < 2; round++)
        json_object_foreach((json_t *)(uintptr_t)value, name, member) {
            const struct place inner = {.up = place, .key = name};
            const json_t *property = json_object_get(properties, name);
            bool is_tag = json_object_get(property, "const") || json_object_get(property, "enum");

            if (is_tag != (round == 0))
                continue;
            if (!property && json_is_false(others))
                return fail(check, &inner, HG_S("is not known here"));
            if (!fits(check, property ? property : others, member, &inner))
                return false;
        }
    return true;
}

static bool fits_object(struct check *check, const json_t *schema, const json_t *value,
                        const struct place *place)
{
    return fits_members(check, schema, value, place) && has_required(check, schema, value, place) &&
           fits_count(check, schema, place, "minProperties", "maxProperties",
                      json_object_size(value), "members");
}

static bool fits_array(struct check *check, const json_t *schema, const json_t *value,
                       const struct place *place)
{
    const json_t *items = json_object_get(schema, "items"), *item;
    size_t i;

    json_array_foreach(value, i, item)
        if (!fits(check, items, item, &(struct place){.up = place, .index = i}))
            return false;
    return fits_count(check, schema, place, "minItems", "maxItems", json_array_size(value),
                      "elements");
}

static bool fits_content(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return fits_object(check, schema, value, place);
    case JSON_ARRAY:
        return fits_array(check, schema, value, place);
    case JSON_STRING:
        return fits_count(check, schema, place, "minLength", "maxLength", characters(value),
                          "characters");
    case JSON_INTEGER:
    case JSON_REAL:
        return fits_number(check, schema, value, place);
    default:
        return true;
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool fits_here(struct check *check, const json_t *schema, const json_t *value,
                      const struct place *place)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *any = json_object_get(schema, "anyOf"), *one = json_object_get(schema, "oneOf");

    if (json_is_null(value) && json_is_true(json_object_get(schema, "nullable")))
        return true;
    if (ref)
        return fits(check, spec_schema_target(check->root, ref), value, place);
    return (!any || fits_union(check, schema, any, value, place)) &&
           (!one || fits_union(check, schema, one, value, place)) &&
           fits_all(check, json_object_get(schema, "allOf"), value, place) &&
           fits_type(check, json_object_get(schema, "type"), value, place) &&
           fits_fixed(check, schema, value, place) && fits_content(check, schema, value, place);
}

static bool fits(struct check *check, const json_t *schema, const json_t *value,
                 const struct place *place)
{
    if (!json_is_object(schema) || check->depth >= DEEPEST || check->steps++ >= STEPS_MOST)
        return true;
    check->depth++;
    bool fine = fits_here(check, schema, value, place);

    check->depth--;
    return fine;
}

bool spec_schema_check(struct arena *arena, const json_t *root, const json_t *schema,
                       const json_t *value, hg_str *ret_place, hg_str *ret_reason)
{
    struct check check = {.arena = arena, .root = root};

    if (fits(&check, schema, value, NULL))
        return true;
    *ret_place = check.failure.place;
    *ret_reason = check.failure.reason;
    if (check.failure.wants.n)
        *ret_reason = arena_fmt(arena, "must be %.*s", TEXT_ARG(check.failure.wants));
    return false;
}
