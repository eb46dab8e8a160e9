#include "dialect/schema_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/index.h"

enum {
    LOOKED_MAX = 128 * 1024 * 1024, /* some ten milliseconds */
    POINTER_MAX = 512
};

/* The first ones in the order of enum keyword. */
const struct keyword_info schema_keywords[] = {
    {"type", ABOUT_ANY, HOLDS_VALUE, false},
    {"format", ABOUT_TEXTS, HOLDS_VALUE, true},
    {"title", ABOUT_ANY, HOLDS_VALUE, false},
    {"description", ABOUT_ANY, HOLDS_VALUE, false},
    {"nullable", ABOUT_ANY, HOLDS_VALUE, false},
    {"enum", ABOUT_TEXTS, HOLDS_VALUE, false},
    {"const", ABOUT_TEXTS, HOLDS_VALUE, false},
    {"default", ABOUT_ANY, HOLDS_VALUE, false},
    {"items", ABOUT_ARRAYS, HOLDS_SCHEMA, false},
    {"prefixItems", ABOUT_ARRAYS, HOLDS_LIST, false},
    {"properties", ABOUT_OBJECTS, HOLDS_MAP, false},
    {"required", ABOUT_OBJECTS, HOLDS_VALUE, false},
    {"additionalProperties", ABOUT_OBJECTS, HOLDS_SCHEMA, false},
    {"anyOf", ABOUT_ANY, HOLDS_LIST, false},
    {"oneOf", ABOUT_ANY, HOLDS_LIST, false},
    {"allOf", ABOUT_ANY, HOLDS_LIST, false},
    {"$ref", ABOUT_ANY, HOLDS_VALUE, false},
    {"$defs", ABOUT_ANY, HOLDS_MAP, false},
    {"definitions", ABOUT_ANY, HOLDS_MAP, false},
    {"minimum", ABOUT_NUMBERS, HOLDS_VALUE, true},
    {"maximum", ABOUT_NUMBERS, HOLDS_VALUE, true},
    {"exclusiveMinimum", ABOUT_NUMBERS, HOLDS_VALUE, true},
    {"exclusiveMaximum", ABOUT_NUMBERS, HOLDS_VALUE, true},
    {"multipleOf", ABOUT_NUMBERS, HOLDS_VALUE, true},
    {"minLength", ABOUT_TEXTS, HOLDS_VALUE, true},
    {"maxLength", ABOUT_TEXTS, HOLDS_VALUE, true},
    {"pattern", ABOUT_TEXTS, HOLDS_VALUE, true},
    {"minItems", ABOUT_ARRAYS, HOLDS_VALUE, true},
    {"maxItems", ABOUT_ARRAYS, HOLDS_VALUE, true},
    {"uniqueItems", ABOUT_ARRAYS, HOLDS_VALUE, true},
    {"contains", ABOUT_ARRAYS, HOLDS_SCHEMA, false},
    {"minContains", ABOUT_ARRAYS, HOLDS_VALUE, false},
    {"maxContains", ABOUT_ARRAYS, HOLDS_VALUE, false},
    {"additionalItems", ABOUT_ARRAYS, HOLDS_SCHEMA, false},
    {"unevaluatedItems", ABOUT_ARRAYS, HOLDS_SCHEMA, false},
    {"minProperties", ABOUT_OBJECTS, HOLDS_VALUE, true},
    {"maxProperties", ABOUT_OBJECTS, HOLDS_VALUE, true},
    {"propertyOrdering", ABOUT_OBJECTS, HOLDS_VALUE, false},
    {"patternProperties", ABOUT_OBJECTS, HOLDS_MAP, false},
    {"propertyNames", ABOUT_OBJECTS, HOLDS_SCHEMA, false},
    {"unevaluatedProperties", ABOUT_OBJECTS, HOLDS_SCHEMA, false},
    {"dependentSchemas", ABOUT_OBJECTS, HOLDS_MAP, false},
    {"dependentRequired", ABOUT_OBJECTS, HOLDS_VALUE, false},
    {"not", ABOUT_ANY, HOLDS_SCHEMA, false},
    {"if", ABOUT_ANY, HOLDS_SCHEMA, false},
    {"then", ABOUT_ANY, HOLDS_SCHEMA, false},
    {"else", ABOUT_ANY, HOLDS_SCHEMA, false},
    {"example", ABOUT_ANY, HOLDS_VALUE, false},
    {"examples", ABOUT_ANY, HOLDS_VALUE, false},
    {"$schema", ABOUT_ANY, HOLDS_VALUE, false},
    {"$id", ABOUT_ANY, HOLDS_VALUE, false},
    {"$comment", ABOUT_ANY, HOLDS_VALUE, false},
    {"$anchor", ABOUT_ANY, HOLDS_VALUE, false},
    {"strict", ABOUT_ANY, HOLDS_VALUE, false},
    {"deprecated", ABOUT_ANY, HOLDS_VALUE, false},
    {"readOnly", ABOUT_ANY, HOLDS_VALUE, false},
    {"writeOnly", ABOUT_ANY, HOLDS_VALUE, false},
    {"contentEncoding", ABOUT_TEXTS, HOLDS_VALUE, false},
    {"contentMediaType", ABOUT_TEXTS, HOLDS_VALUE, false},
};
const unsigned schema_keyword_count = sizeof schema_keywords / sizeof *schema_keywords;

_Static_assert(sizeof schema_keywords / sizeof *schema_keywords <= KEYS_MAX, "a view has no room");

static int keyword_of(hg_str raw_key)
{
    for (unsigned i = 0; i < schema_keyword_count; i++)
        if (raw_key.n && raw_key.p[0] == schema_keywords[i].name[0] &&
            text_is(raw_key, text_of(schema_keywords[i].name)))
            return (int)i;
    return -1;
}

/* ---- references ------------------------------------------------------------------------------ */

/* The fragment of a URL as a JSON pointer. */
static bool pointer_of(hg_str ref, char pointer[POINTER_MAX])
{
    size_t n = 0;

    if (!ref.n || ref.p[0] != '#' || ref.n >= POINTER_MAX || memchr(ref.p, '\0', ref.n))
        return false;
    for (size_t i = 1; i < ref.n; i++) {
        char c = ref.p[i];

        if (text_percent_at(ref, i, &c))
            i += 2;
        if (!c)
            return false;
        pointer[n++] = c;
    }
    pointer[n] = '\0';
    return n == 0 || pointer[0] == '/';
}

/* A search costs as many bytes as the schema has; a hostile one could ask for very many. */
static hg_json ref_target(struct schema_work *work, hg_json ref)
{
    char pointer[POINTER_MAX];

    if (work->looked > LOOKED_MAX || !pointer_of(json_str(work->arena, ref), pointer))
        return (hg_json){0};
    work->looked += json_raw(work->root).n;
    return json_get(work->root, pointer);
}

static bool is_followed(const struct follow *follow, hg_json schema)
{
    for (; follow; follow = follow->outer)
        if (follow->at == json_offset(schema))
            return true;
    return false;
}

/* ---- properties ------------------------------------------------------------------------------ */

static void properties_add(struct schema_work *work, struct view *view, hg_json map)
{
    struct property **end = &view->properties.first;
    hg_json_it it = {{0, 0}};
    hg_json schema;
    hg_str key;

    while (*end)
        end = &(*end)->next;
    while (map.kind == HG_J_OBJ && json_next(map, &it, &key, &schema)) {
        struct property *property = arena_zalloc(work->arena, sizeof *property);

        property->key = key;
        property->schema = schema;
        *end = property;
        end = &property->next;
        view->properties.count++;
    }
}

static int key_order(hg_str a, hg_str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int property_order(const void *a, const void *b)
{
    return key_order((*(struct property *const *)a)->key, (*(struct property *const *)b)->key);
}

/* Puts them in order of their names, those with the same one behind the first of them. */
static void properties_sort(struct schema_work *work, struct properties *properties)
{
    struct property **sorted = arena_alloc(work->arena, (properties->count + 1) * sizeof *sorted);
    struct property **rest = &properties->first;
    size_t n = 0, kept = 0;

    for (struct property *property = properties->first; property; property = property->next)
        sorted[n++] = property;
    qsort(sorted, n, sizeof *sorted, property_order);
    for (size_t i = 0; i < n; i++) {
        if (kept && text_is(sorted[kept - 1]->key, sorted[i]->key)) {
            sorted[i]->same = sorted[kept - 1]->same;
            sorted[kept - 1]->same = sorted[i];
            sorted[i]->key.p = NULL; /* gone from the list */
        } else {
            sorted[kept++] = sorted[i];
        }
    }
    while (*rest) {
        if ((*rest)->key.p)
            rest = &(*rest)->next;
        else
            *rest = (*rest)->next;
    }
    properties->sorted = sorted;
    properties->count = kept;
}

struct property *view_property(const struct view *view, hg_str raw_key)
{
    size_t from = 0, to = view->properties.count;

    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = key_order(raw_key, view->properties.sorted[middle]->key);

        if (order == 0)
            return view->properties.sorted[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* ---- the view -------------------------------------------------------------------------------- */

bool view_is_null(hg_json branch)
{
    hg_json values = json_member(branch, HG_S("enum"));

    if (branch.kind != HG_J_OBJ)
        return false;
    return json_is(json_member(branch, HG_S("type")), HG_S("null")) ||
           json_member(branch, HG_S("const")).kind == HG_J_NULL ||
           (json_count(values) == 1 && json_element(values, 0).kind == HG_J_NULL);
}

static void layer_add(struct schema_work *work, struct view *view, hg_json schema);

/* With one branch left beside null ones, that is the schema; with more they stay. */
static bool branches_merge(struct schema_work *work, struct view *view, hg_json branches)
{
    hg_json_it it = {{0, 0}};
    hg_json branch, only = {0};
    unsigned nulls = 0, others = 0;

    while (branches.kind == HG_J_ARR && json_next(branches, &it, NULL, &branch)) {
        bool is_null = view_is_null(branch);

        nulls += is_null;
        others += !is_null;
        if (!is_null)
            only = branch;
    }
    if (nulls)
        view->is_nullable = true;
    if (!nulls || others > 1)
        return false;
    if (others)
        layer_add(work, view, only);
    return true;
}

static bool has_layer(const struct view *view, hg_json schema)
{
    for (unsigned i = 0; i < view->layer_count; i++)
        if (json_offset(view->layers[i]) == json_offset(schema))
            return true;
    return false;
}

static void ref_add(struct schema_work *work, struct view *view, hg_json ref)
{
    hg_json target = ref_target(work, ref);
    struct follow *follow;

    if (target.kind == HG_J_NONE || has_layer(view, target))
        return;
    if (is_followed(view->follow, target)) {
        view->is_cut = true;
        return;
    }
    follow = arena_alloc(work->arena, sizeof *follow);
    *follow = (struct follow){view->follow, json_offset(target)};
    view->follow = follow;
    layer_add(work, view, target);
}

static void keyword_set(struct view *view, unsigned keyword, hg_json value)
{
    if (view->of[keyword].kind != HG_J_NONE)
        return;
    view->of[keyword] = value;
    view->order[view->count++] = (uint8_t)keyword;
}

static void keyword_add(struct schema_work *work, struct view *view, unsigned keyword,
                        hg_json value, hg_json *ret_ref, hg_json *ret_all)
{
    uint32_t flags = work->rules->flags;

    if (keyword == KEY_REF && flags & SCHEMA_INLINE_REFS) {
        *ret_ref = value;
    } else if (keyword == KEY_ALL_OF && flags & SCHEMA_MERGE_ALL) {
        *ret_all = value;
    } else if ((keyword == KEY_DEFS || keyword == KEY_DEFINITIONS) && flags & SCHEMA_INLINE_REFS) {
        return;
    } else if ((keyword == KEY_ANY_OF || keyword == KEY_ONE_OF) && flags & SCHEMA_NULLABLE) {
        if (!branches_merge(work, view, value))
            keyword_set(view, keyword, value);
    } else {
        if (keyword == KEY_PROPERTIES)
            properties_add(work, view, value);
        keyword_set(view, keyword, value);
    }
}

static void layer_add(struct schema_work *work, struct view *view, hg_json schema)
{
    hg_json ref = {0}, all = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    if (schema.kind != HG_J_OBJ || view->layer_count == LAYERS_MAX)
        return;
    view->layers[view->layer_count++] = schema;
    while (json_next(schema, &it, &key, &value)) {
        int keyword = keyword_of(key);

        if (keyword >= 0)
            keyword_add(work, view, (unsigned)keyword, value, &ref, &all);
    }
    if (ref.kind != HG_J_NONE)
        ref_add(work, view, ref);
    it = (hg_json_it){{0, 0}};
    while (all.kind == HG_J_ARR && view->layer_count < LAYERS_MAX &&
           json_next(all, &it, NULL, &value))
        layer_add(work, view, value);
}

void view_read(struct schema_work *work, hg_json schema, const struct property *same,
               const struct follow *follow, struct view *view)
{
    memset(view, 0, sizeof *view);
    view->follow = follow;
    layer_add(work, view, schema);
    for (; same; same = same->same)
        layer_add(work, view, same->schema);
    properties_sort(work, &view->properties);
}
