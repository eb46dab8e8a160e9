#include "dialect/schema.h"

#include <string.h>

#include "base/text.h"
#include "dialect/schema_view.h"
#include "json/index.h"
#include "json/write.h"

enum {
    DEPTH_MAX = CHAIN_DEPTH - 6, /* what one level may open before it looks again */
    GROWTH_MAX = 8,              /* times its own size, and this beside: */
    GROWTH_FREE = 64 * 1024,
    TYPES_MAX = 8
};

/* The types of a schema, without null. */
struct types {
    hg_json of[TYPES_MAX];
    unsigned count;
};

static void schema_put(struct schema_work *work, hg_json schema, const struct property *same,
                       const struct follow *follow);

static bool has_rule(const struct schema_work *work, uint32_t flag)
{
    return (work->rules->flags & flag) != 0;
}

static bool is_among(const char *const *words, hg_str word)
{
    for (; words && *words; words++)
        if (text_is(word, text_of(*words)))
            return true;
    return false;
}

static bool is_kept(const struct schema_work *work, hg_str key)
{
    const struct schema_rules *rules = work->rules;

    return (!rules->keeps || is_among(rules->keeps, key)) && !is_among(rules->drops, key);
}

static bool has(const struct view *view, enum keyword keyword)
{
    return view->of[keyword].kind != HG_J_NONE;
}

static void member_put(struct chain *out, hg_str key, hg_str raw)
{
    json_key(out, key);
    json_put_raw(out, raw);
}

/* ---- types ------------------------------------------------------------------------------------
 */

static void types_read(struct schema_work *work, struct view *view, struct types *ret)
{
    hg_json type = view->of[KEY_TYPE], one = type;
    hg_json_it it = {{0, 0}};

    ret->count = 0;
    if (type.kind == HG_J_STR && json_is(type, HG_S("null")) && has_rule(work, SCHEMA_NULLABLE))
        view->is_nullable = true;
    else if (type.kind == HG_J_STR)
        ret->of[ret->count++] = type;
    while (type.kind == HG_J_ARR && ret->count < TYPES_MAX && json_next(type, &it, NULL, &one)) {
        if (json_is(one, HG_S("null")) && has_rule(work, SCHEMA_NULLABLE))
            view->is_nullable = true;
        else if (one.kind == HG_J_STR)
            ret->of[ret->count++] = one;
    }
}

static unsigned about_type(hg_json type)
{
    if (json_is(type, HG_S("object")))
        return ABOUT_OBJECTS;
    if (json_is(type, HG_S("array")))
        return ABOUT_ARRAYS;
    return json_is(type, HG_S("string")) ? ABOUT_TEXTS : ABOUT_NUMBERS;
}

/* What a schema is for that does not say it; empty if it may be anything. */
static hg_str type_guess(const struct view *view)
{
    hg_json value =
        has(view, KEY_CONST) ? view->of[KEY_CONST] : json_element(view->of[KEY_ENUM], 0);

    if (view->properties.count)
        return HG_S("\"object\"");
    if (has(view, KEY_ITEMS) || has(view, KEY_PREFIX_ITEMS))
        return HG_S("\"array\"");
    if (value.kind == HG_J_TRUE || value.kind == HG_J_FALSE)
        return HG_S("\"boolean\"");
    if (value.kind == HG_J_NUM)
        return HG_S("\"number\"");
    return value.kind == HG_J_STR ? HG_S("\"string\"") : HG_S("");
}

/* ---- enums ------------------------------------------------------------------------------------
 */

enum values {
    VALUES_NONE,   /* or such that no enum of strings can say */
    VALUES_TEXTS,  /* strings and null */
    VALUES_NUMBERS /* at least one */
};

static enum values value_kind(hg_json value, enum values before)
{
    if (value.kind == HG_J_NUM)
        return VALUES_NUMBERS;
    if (value.kind == HG_J_STR && json_raw_str(value).n && before == VALUES_NONE)
        return VALUES_TEXTS;
    return before;
}

static enum values values_of(const struct view *view)
{
    hg_json list = view->of[KEY_ENUM], value = view->of[KEY_CONST];
    enum values ret = value_kind(value, VALUES_NONE);
    hg_json_it it = {{0, 0}};

    if (has(view, KEY_CONST))
        return ret;
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &value)) {
        if (value.kind != HG_J_NUM && value.kind != HG_J_STR && value.kind != HG_J_NULL)
            return VALUES_NONE;
        ret = value_kind(value, ret);
    }
    return ret;
}

static void value_put(struct schema_work *work, struct view *view, hg_json value)
{
    if (value.kind == HG_J_NULL && has_rule(work, SCHEMA_NULLABLE))
        view->is_nullable = true;
    else if (!has_rule(work, SCHEMA_STRING_ENUMS))
        json_put_raw(work->out, json_raw(value));
    else if (value.kind == HG_J_NUM)
        json_put_str(work->out, json_raw(value));
    else if (value.kind == HG_J_STR && json_raw_str(value).n)
        json_put_raw(work->out, json_raw(value));
}

/* `const` as well, where it becomes one. */
static void enum_put(struct schema_work *work, struct view *view)
{
    bool is_const = has(view, KEY_CONST) && has_rule(work, SCHEMA_CONST_TO_ENUM);
    hg_json list = view->of[KEY_ENUM], value;
    hg_json_it it = {{0, 0}};

    if (!is_kept(work, HG_S("enum")) || (!is_const && list.kind != HG_J_ARR))
        return;
    if (has_rule(work, SCHEMA_STRING_ENUMS)) {
        enum values values = values_of(view);

        if (values == VALUES_NONE)
            return;
        if (values == VALUES_NUMBERS)
            member_put(work->out, HG_S("format"), HG_S("\"enum\""));
    }
    JSON_KEY(work->out, "enum");
    json_arr(work->out);
    if (is_const)
        value_put(work, view, view->of[KEY_CONST]);
    while (!is_const && json_next(list, &it, NULL, &value))
        value_put(work, view, value);
    json_end(work->out);
}

static bool has_string_enum(const struct schema_work *work, const struct view *view)
{
    return has_rule(work, SCHEMA_STRING_ENUMS) && values_of(view) == VALUES_NUMBERS &&
           (has(view, KEY_ENUM) || has_rule(work, SCHEMA_CONST_TO_ENUM));
}

/* ---- descriptions -----------------------------------------------------------------------------
 */

static bool format_is_kept(const struct schema_work *work, hg_json format)
{
    if (!is_kept(work, HG_S("format")))
        return false;
    return !work->rules->formats || is_among(work->rules->formats, json_raw_str(format));
}

static bool is_removed_limit(const struct schema_work *work, const struct view *view,
                             unsigned keyword)
{
    if (!schema_keywords[keyword].is_limit)
        return false;
    if (keyword == KEY_FORMAT)
        return !format_is_kept(work, view->of[KEY_FORMAT]);
    return !is_kept(work, text_of(schema_keywords[keyword].name));
}

/* Escaped text: " (minimum: 1, pattern: ^a)". Only plain values; empty if there is nothing. */
static struct chain *limits_fold(struct schema_work *work, const struct view *view)
{
    struct chain *text = chain_new(work->arena);

    for (unsigned i = 0; i < view->count && has_rule(work, SCHEMA_FOLD_LIMITS); i++) {
        unsigned keyword = view->order[i];
        hg_json value = view->of[keyword];
        hg_str name = text_of(schema_keywords[keyword].name);
        hg_str raw = value.kind == HG_J_STR ? json_raw_str(value) : json_raw(value);

        if (!is_removed_limit(work, view, keyword) || value.kind == HG_J_ARR ||
            value.kind == HG_J_OBJ || value.kind == HG_J_NULL)
            continue;
        if (text->len)
            CHAIN_PUT_LIT(text, ", ");
        chain_put(text, name.p, name.n);
        CHAIN_PUT_LIT(text, ": ");
        chain_put(text, raw.p, raw.n);
    }
    return text;
}

static void description_put(struct schema_work *work, const struct view *view)
{
    struct chain *limits = limits_fold(work, view), *out = work->out;
    hg_str text = json_raw_str(view->of[KEY_DESCRIPTION]);
    hg_str folded = chain_flat(limits, work->arena);

    if (!is_kept(work, HG_S("description")) || (!has(view, KEY_DESCRIPTION) && !folded.n))
        return;
    JSON_KEY(out, "description");
    json_str_begin(out);
    chain_put(out, text.p, text.n);
    if (folded.n) {
        chain_put(out, text.n ? " (" : "(", text.n ? 2 : 1);
        chain_put(out, folded.p, folded.n);
        CHAIN_PUT_LIT(out, ")");
    }
    json_str_end(out);
}

/* ---- arrays -----------------------------------------------------------------------------------
 */

static void list_put(struct schema_work *work, const struct view *view, hg_json list)
{
    hg_json_it it = {{0, 0}};
    hg_json branch;

    json_arr(work->out);
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &branch))
        if (!has_rule(work, SCHEMA_NULLABLE) || !view_is_null(branch))
            schema_put(work, branch, NULL, view->follow);
    json_end(work->out);
}

/* A tuple as a list of any of its kinds. */
static void tuple_put(struct schema_work *work, const struct view *view, hg_json kinds)
{
    if (json_count(kinds) == 1) {
        schema_put(work, json_element(kinds, 0), NULL, view->follow);
        return;
    }
    json_obj(work->out);
    JSON_KEY(work->out, "anyOf");
    list_put(work, view, kinds);
    json_end(work->out);
}

static void items_put(struct schema_work *work, const struct view *view)
{
    hg_json items = view->of[KEY_ITEMS];

    if (!is_kept(work, HG_S("items")))
        return;
    JSON_KEY(work->out, "items");
    if (items.kind == HG_J_OBJ && json_count(items))
        schema_put(work, items, NULL, view->follow);
    else if (json_count(view->of[KEY_PREFIX_ITEMS]))
        tuple_put(work, view, view->of[KEY_PREFIX_ITEMS]);
    else if (items.kind == HG_J_ARR && json_count(items))
        tuple_put(work, view, items);
    else
        json_put_raw(work->out, HG_S("{\"type\":\"string\"}"));
}

/* ---- objects ----------------------------------------------------------------------------------
 */

static void name_put(struct schema_work *work, hg_str raw_key)
{
    json_key(work->out, json_unescape(work->arena, raw_key));
}

static void properties_put(struct schema_work *work, const struct view *view)
{
    if (!view->properties.count && has_rule(work, SCHEMA_TIDY))
        return;
    JSON_KEY(work->out, "properties");
    json_obj(work->out);
    for (const struct property *property = view->properties.first; property;
         property = property->next) {
        name_put(work, property->key);
        schema_put(work, property->schema, property->same, view->follow);
    }
    json_end(work->out);
}

static void map_put(struct schema_work *work, const struct view *view, hg_str key, hg_json map)
{
    hg_json_it it = {{0, 0}};
    hg_json schema;
    hg_str name;

    json_key(work->out, key);
    json_obj(work->out);
    while (map.kind == HG_J_OBJ && json_next(map, &it, &name, &schema)) {
        name_put(work, name);
        schema_put(work, schema, NULL, view->follow);
    }
    json_end(work->out);
}

static void required_begin(struct schema_work *work, bool *is_begun)
{
    if (*is_begun)
        return;
    JSON_KEY(work->out, "required");
    json_arr(work->out);
    *is_begun = true;
}

/* Of all that was merged, each name once. */
static void required_put(struct schema_work *work, const struct view *view)
{
    bool is_begun = false;

    for (unsigned i = 0; i < view->layer_count; i++) {
        hg_json names = json_member(view->layers[i], HG_S("required")), name;
        hg_json_it it = {{0, 0}};

        while (names.kind == HG_J_ARR && json_next(names, &it, NULL, &name)) {
            struct property *property = view_property(view, json_raw_str(name));

            if (property ? property->is_required : has_rule(work, SCHEMA_TIDY))
                continue;
            if (property)
                property->is_required = true;
            required_begin(work, &is_begun);
            json_put_raw(work->out, json_raw(name));
        }
    }
    if (is_begun)
        json_end(work->out);
}

/* ---- a schema ---------------------------------------------------------------------------------
 */

static void branches_put(struct schema_work *work, const struct view *view, unsigned keyword)
{
    bool is_any = keyword == KEY_ANY_OF || has_rule(work, SCHEMA_ONE_TO_ANY);
    hg_str key = is_any ? HG_S("anyOf") : HG_S("oneOf");

    if (!is_kept(work, key) || (keyword == KEY_ONE_OF && is_any && has(view, KEY_ANY_OF)))
        return;
    json_key(work->out, key);
    list_put(work, view, view->of[keyword]);
}

static void plain_put(struct schema_work *work, const struct view *view, unsigned keyword)
{
    const struct keyword_info *info = &schema_keywords[keyword];
    hg_json value = view->of[keyword];
    hg_str key = text_of(info->name);

    if (!is_kept(work, key))
        return;
    if (info->holds == HOLDS_MAP && value.kind == HG_J_OBJ) {
        map_put(work, view, key, value);
        return;
    }
    json_key(work->out, key);
    if (info->holds == HOLDS_SCHEMA && value.kind == HG_J_OBJ)
        schema_put(work, value, NULL, view->follow);
    else if ((info->holds == HOLDS_LIST || info->holds == HOLDS_SCHEMA) && value.kind == HG_J_ARR)
        list_put(work, view, value);
    else
        json_put_raw(work->out, json_raw(value));
}

static void keyword_put(struct schema_work *work, struct view *view, unsigned keyword)
{
    switch (keyword) {
    case KEY_TYPE: /* written first */
    case KEY_DESCRIPTION:
        break;
    case KEY_FORMAT:
        if (format_is_kept(work, view->of[KEY_FORMAT]) && !has_string_enum(work, view))
            member_put(work->out, HG_S("format"), json_raw(view->of[KEY_FORMAT]));
        break;
    case KEY_NULLABLE: /* written last */
        break;
    case KEY_ENUM:
        if (!has(view, KEY_CONST) || !has_rule(work, SCHEMA_CONST_TO_ENUM))
            enum_put(work, view);
        break;
    case KEY_CONST:
        if (has_rule(work, SCHEMA_CONST_TO_ENUM))
            enum_put(work, view);
        else
            plain_put(work, view, keyword);
        break;
    case KEY_PROPERTIES:
        if (is_kept(work, HG_S("properties")))
            properties_put(work, view);
        break;
    case KEY_REQUIRED:
        if (is_kept(work, HG_S("required")))
            required_put(work, view);
        break;
    case KEY_ANY_OF:
    case KEY_ONE_OF:
        branches_put(work, view, keyword);
        break;
    case KEY_ADDITIONAL:
        if (!has_rule(work, SCHEMA_CLOSE_OBJECTS))
            plain_put(work, view, keyword);
        break;
    case KEY_ITEMS:
    case KEY_PREFIX_ITEMS:
        if (!has_rule(work, SCHEMA_FIX_ARRAYS)) /* otherwise written last */
            plain_put(work, view, keyword);
        break;
    default:
        plain_put(work, view, keyword);
    }
}

/* Members that the table does not know, where not everything has to be known. */
static void unknown_put(struct schema_work *work, const struct view *view)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (!work->rules->keeps && json_next(view->layers[0], &it, &key, &value)) {
        bool is_known = false;

        for (unsigned i = 0; i < schema_keyword_count && !is_known; i++)
            is_known = text_is(key, text_of(schema_keywords[i].name));
        if (!is_known && !is_among(work->rules->drops, key)) {
            name_put(work, key);
            json_put_raw(work->out, json_raw(value));
        }
    }
}

/* Keywords about one kind of value, or about all (`about` is ABOUT_ANY). */
static void keywords_put(struct schema_work *work, struct view *view, unsigned about)
{
    for (unsigned i = 0; i < view->count; i++)
        if (about == ABOUT_ANY || schema_keywords[view->order[i]].about == about)
            keyword_put(work, view, view->order[i]);
}

static void shape_put(struct schema_work *work, const struct view *view, hg_str type)
{
    if (has_rule(work, SCHEMA_FIX_ARRAYS) && text_is(type, HG_S("\"array\"")))
        items_put(work, view);
    if (has_rule(work, SCHEMA_CLOSE_OBJECTS) && text_is(type, HG_S("\"object\"")))
        member_put(work->out, HG_S("additionalProperties"), HG_S("false"));
}

static void nullable_put(struct schema_work *work, const struct view *view)
{
    if (!is_kept(work, HG_S("nullable")))
        return;
    if (view->is_nullable)
        member_put(work->out, HG_S("nullable"), HG_S("true"));
    else if (has(view, KEY_NULLABLE))
        member_put(work->out, HG_S("nullable"), json_raw(view->of[KEY_NULLABLE]));
}

/* Several types: a branch for each, with the keywords that are about it. */
static void types_put(struct schema_work *work, struct view *view, const struct types *types)
{
    json_obj(work->out);
    description_put(work, view);
    for (unsigned i = 0; i < view->count; i++) {
        unsigned keyword = view->order[i];

        if (schema_keywords[keyword].about == ABOUT_ANY)
            keyword_put(work, view, keyword);
    }
    JSON_KEY(work->out, "anyOf");
    json_arr(work->out);
    for (unsigned i = 0; i < types->count; i++) {
        unsigned about = about_type(types->of[i]);

        json_obj(work->out);
        member_put(work->out, HG_S("type"), json_raw(types->of[i]));
        keywords_put(work, view, about);
        shape_put(work, view, json_raw(types->of[i]));
        json_end(work->out);
    }
    json_end(work->out);
    nullable_put(work, view);
    json_end(work->out);
}

static hg_str type_of(const struct schema_work *work, const struct view *view,
                      const struct types *types)
{
    bool has_branches = has(view, KEY_ANY_OF) || has(view, KEY_ONE_OF);

    if (has_string_enum(work, view))
        return HG_S("\"string\"");
    if (types->count == 1)
        return json_raw(types->of[0]);
    if (types->count > 1)
        return has_branches && has_rule(work, SCHEMA_NULLABLE) ? HG_S("")
                                                               : json_raw(view->of[KEY_TYPE]);
    return has_rule(work, SCHEMA_TIDY) && !has_branches ? type_guess(view) : HG_S("");
}

static void view_put(struct schema_work *work, struct view *view)
{
    struct types types;

    types_read(work, view, &types);
    hg_str type = type_of(work, view, &types);

    if (types.count > 1 && has_rule(work, SCHEMA_NULLABLE) && type.n && type.p[0] == '[') {
        types_put(work, view, &types);
        return;
    }
    json_obj(work->out);
    if (type.n && is_kept(work, HG_S("type")))
        member_put(work->out, HG_S("type"), type);
    description_put(work, view);
    keywords_put(work, view, ABOUT_ANY);
    shape_put(work, view, type);
    nullable_put(work, view);
    unknown_put(work, view);
    json_end(work->out);
}

static void schema_put(struct schema_work *work, hg_json schema, const struct property *same,
                       const struct follow *follow)
{
    struct view view;

    if (schema.kind != HG_J_OBJ) {
        bool is_bool = schema.kind == HG_J_TRUE || schema.kind == HG_J_FALSE;

        json_put_raw(work->out, is_bool && !work->rules->keeps ? json_raw(schema) : HG_S("{}"));
        return;
    }
    view.is_cut = work->out->depth > DEPTH_MAX || work->out->len - work->start > work->limit;
    if (!view.is_cut)
        view_read(work, schema, same, follow, &view);
    if (view.is_cut)
        json_put_raw(work->out, HG_S("{\"type\":\"object\"}"));
    else
        view_put(work, &view);
}

void schema_write(struct arena *arena, hg_json schema, const struct schema_rules *rules,
                  struct chain *out)
{
    struct follow root = {NULL, json_offset(schema)};
    struct schema_work work = {.arena = arena,
                               .rules = rules,
                               .root = schema,
                               .out = out,
                               .start = out->len,
                               .limit = json_raw(schema).n * GROWTH_MAX + GROWTH_FREE};

    schema_put(&work, schema, NULL, &root);
}

bool schema_is_empty(hg_json schema)
{
    static const char *const fills[] = {"$ref", "anyOf", "oneOf", "allOf", "patternProperties"};
    hg_json type = json_member(schema, HG_S("type"));

    if (schema.kind != HG_J_OBJ)
        return true;
    if (type.kind != HG_J_NONE && !json_is(type, HG_S("object")))
        return false;
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
        if (json_member(schema, text_of(fills[i])).kind != HG_J_NONE)
            return false;
    return json_count(json_member(schema, HG_S("properties"))) == 0;
}
