#include "dialect/schema.h"

#include <check.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "json/index.h"
#include "json/write.h"

static struct arena *arena;

/* A part of the language like Gemini's. */
static const char *const keeps[] = {
    "type",    "format",   "title",      "description",      "nullable", "enum",
    "items",   "minItems", "properties", "required",         "minimum",  "anyOf",
    "default", "pattern",  "maxLength",  "propertyOrdering", NULL};
static const char *const formats[] = {"date-time", "int32", NULL};
static const struct schema_rules small = {SCHEMA_INLINE_REFS | SCHEMA_NULLABLE | SCHEMA_ONE_TO_ANY |
                                              SCHEMA_CONST_TO_ENUM | SCHEMA_STRING_ENUMS |
                                              SCHEMA_MERGE_ALL | SCHEMA_FIX_ARRAYS | SCHEMA_TIDY,
                                          keeps, NULL, formats};

static const char *const drops[] = {"minimum", "maxLength", "$schema", NULL};
static const struct schema_rules strict = {SCHEMA_CLOSE_OBJECTS | SCHEMA_FOLD_LIMITS, NULL, drops,
                                           NULL};
static const struct schema_rules none = {0, NULL, NULL, NULL};

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(hg_str text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text, &root, &fault), "%.*s: %s", TEXT_ARG(text), fault.reason);
    return root;
}

static hg_str written(const struct schema_rules *rules, hg_str schema)
{
    struct chain *out = chain_new(arena);

    schema_write(arena, parsed(schema), rules, out);
    ck_assert(json_ok(out));
    return chain_flat(out, arena);
}

static void becomes(const struct schema_rules *rules, const char *schema, const char *expected)
{
    hg_str got = written(rules, text_of(schema));

    parsed(got);
    ck_assert_msg(text_is(got, text_of(expected)), "\n  of %s\n got %.*s\nwant %s", schema,
                  TEXT_ARG(got), expected);
}

/* ---- what stays -------------------------------------------------------------------------------
 */

/* pitfall 120, 125 */
START_TEST(without_rules_everything_stays_in_its_order)
{
    static const char schema[] =
        "{\"type\":\"object\",\"description\":\"d\",\"properties\":{\"z\":{\"type\":\"string\","
        "\"x-own\":1},\"a\":{\"type\":[\"integer\",\"null\"],\"minimum\":1.50},\"o\":{\"type\":"
        "\"object\",\"properties\":{}}},\"required\":[\"z\",\"unknown\"],\"additionalProperties\":"
        "{\"type\":\"string\"},\"$defs\":{\"d\":{\"const\":1}},\"x-more\":[1,2]}";

    becomes(&none, schema, schema);
}
END_TEST

START_TEST(properties_named_like_keywords_are_names)
{
    becomes(
        &small,
        "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"format\":{"
        "\"type\":\"string\"},\"default\":{\"type\":\"integer\"},\"$ref\":{\"type\":\"string\"},"
        "\"additionalProperties\":{\"type\":\"boolean\"},\"properties\":{\"type\":\"object\","
        "\"properties\":{\"required\":{\"type\":\"string\"}}}},\"required\":[\"title\",\"$ref\"],"
        "\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"format\":{"
        "\"type\":\"string\"},\"default\":{\"type\":\"integer\"},\"$ref\":{\"type\":\"string\"},"
        "\"additionalProperties\":{\"type\":\"boolean\"},\"properties\":{\"type\":\"object\","
        "\"properties\":{\"required\":{\"type\":\"string\"}}}},\"required\":[\"title\",\"$ref\"]}");
    becomes(&strict, "{\"properties\":{\"minimum\":{\"minimum\":2}}}",
            "{\"properties\":{\"minimum\":{\"description\":\"(minimum: 2)\"}}}");
}
END_TEST

/* pitfall 125 */
START_TEST(nested_empty_objects_and_descriptions_survive)
{
    becomes(&small,
            "{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"object\",\"description\":\"any "
            "\\u00e9\\n\"},\"e\":{\"type\":\"object\",\"properties\":{}},\"n\":{}}}",
            "{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"object\",\"description\":\"any "
            "\\u00e9\\n\"},\"e\":{\"type\":\"object\"},\"n\":{}}}");
}
END_TEST

START_TEST(names_keep_their_escapes_meaning)
{
    becomes(&small,
            "{\"type\":\"object\",\"properties\":{\"a\\\"b\\u0041\":{\"type\":\"string\"}}}",
            "{\"type\":\"object\",\"properties\":{\"a\\\"bA\":{\"type\":\"string\"}}}");
}
END_TEST

/* pitfall 121 */
START_TEST(keywords_that_are_not_taken_go)
{
    becomes(&small,
            "{\"$schema\":\"x\",\"$id\":\"y\",\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
            "\"number\",\"exclusiveMinimum\":0,\"minimum\":0.10,\"multipleOf\":2,\"examples\":[1],"
            "\"strict\":true,\"default\":1}},\"additionalProperties\":{\"type\":\"string\"},"
            "\"patternProperties\":{\"^x\":{}},\"unevaluatedProperties\":false}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"minimum\":0.10,"
            "\"default\":1}}}");
}
END_TEST

START_TEST(formats_that_are_not_taken_go)
{
    becomes(&small, "{\"type\":\"string\",\"format\":\"email\"}", "{\"type\":\"string\"}");
    becomes(&small, "{\"type\":\"string\",\"format\":\"date-time\"}",
            "{\"type\":\"string\",\"format\":\"date-time\"}");
}
END_TEST

/* ---- types and null ---------------------------------------------------------------------------
 */

START_TEST(null_among_types_or_branches_makes_nullable)
{
    becomes(&small, "{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\",\"nullable\":true}");
    becomes(&small, "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"minimum\":1}]}",
            "{\"type\":\"integer\",\"minimum\":1,\"nullable\":true}");
    becomes(&small,
            "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"},{\"type\":\"integer\"}]}",
            "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}],\"nullable\":true}");
    becomes(&small, "{\"type\":\"string\",\"enum\":[\"a\",null],\"nullable\":true}",
            "{\"type\":\"string\",\"enum\":[\"a\"],\"nullable\":true}");
    becomes(&small, "{\"nullable\":true,\"type\":\"string\"}",
            "{\"type\":\"string\",\"nullable\":true}");
}
END_TEST

/* pitfall 123 */
START_TEST(several_types_become_branches)
{
    becomes(&small, "{\"type\":[\"string\",\"integer\"],\"description\":\"d\"}",
            "{\"description\":\"d\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}");
    becomes(&small,
            "{\"type\":[\"array\",\"string\",\"null\"],\"items\":{\"type\":\"integer\"},"
            "\"maxLength\":3}",
            "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},{\"type\":"
            "\"string\",\"maxLength\":3}],\"nullable\":true}");
}
END_TEST

START_TEST(a_missing_type_is_told)
{
    becomes(&small, "{\"properties\":{\"a\":{\"enum\":[\"x\"]},\"b\":{\"description\":\"d\"}}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[\"x\"]},"
            "\"b\":{\"description\":\"d\"}}}");
}
END_TEST

/* ---- enums ------------------------------------------------------------------------------------
 */

/* pitfall 124 */
START_TEST(enums_are_strings)
{
    becomes(&small, "{\"type\":\"integer\",\"enum\":[1,2,1.50]}",
            "{\"type\":\"string\",\"format\":\"enum\",\"enum\":[\"1\",\"2\",\"1.50\"]}");
    becomes(&small, "{\"type\":\"string\",\"enum\":[\"\",\"a\"]}",
            "{\"type\":\"string\",\"enum\":[\"a\"]}");
    becomes(&small, "{\"type\":\"string\",\"enum\":[\"\"]}", "{\"type\":\"string\"}");
    becomes(&small, "{\"enum\":[true,false]}", "{\"type\":\"boolean\"}");
    becomes(&small, "{\"const\":\"a\"}", "{\"type\":\"string\",\"enum\":[\"a\"]}");
    becomes(&small, "{\"const\":3}", "{\"type\":\"string\",\"format\":\"enum\",\"enum\":[\"3\"]}");
}
END_TEST

/* ---- references -------------------------------------------------------------------------------
 */

/* pitfall 122 */
START_TEST(local_references_are_put_in_place)
{
    becomes(
        &small,
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A%20b\",\"description\":"
        "\"mine\"},\"b\":{\"$ref\":\"#/definitions/x~1y\"},\"c\":{\"$ref\":\"#/properties/b\"}},"
        "\"$defs\":{\"A b\":{\"type\":\"string\",\"description\":\"its\",\"maxLength\":2}},"
        "\"definitions\":{\"x/y\":{\"type\":\"integer\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"description\":"
        "\"mine\",\"maxLength\":2},\"b\":{\"type\":\"integer\"},\"c\":{\"type\":\"integer\"}}}");
    becomes(&small,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"http://x/y\"},\"b\":{"
            "\"$ref\":\"#/none\"},\"c\":{\"$ref\":7}}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}}}");
}
END_TEST

START_TEST(a_cycle_is_cut_where_it_repeats)
{
    becomes(&small,
            "{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{"
            "\"next\":{\"$ref\":\"#/$defs/node\"},\"all\":{\"type\":\"array\",\"items\":{\"$ref\":"
            "\"#/$defs/node\"}}}}}}",
            "{\"type\":\"object\",\"properties\":{\"next\":{\"type\":\"object\"},\"all\":{\"type\":"
            "\"array\",\"items\":{\"type\":\"object\"}}}}");
    becomes(&small, "{\"type\":\"object\",\"properties\":{\"self\":{\"$ref\":\"#\"}}}",
            "{\"type\":\"object\",\"properties\":{\"self\":{\"type\":\"object\"}}}");
    becomes(&small, "{\"$ref\":\"#\"}", "{}");
}
END_TEST

START_TEST(references_side_by_side_are_no_cycle)
{
    becomes(&small,
            "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/c\"}],\"$defs\":{\"a\":{"
            "\"properties\":{\"x\":{\"type\":\"string\"}}},\"b\":{\"allOf\":[{\"$ref\":"
            "\"#/$defs/a\"}]},\"c\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}",
            "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}}}");
}
END_TEST

/* Each definition has the next one twice: 2^30 of them. */
START_TEST(references_do_not_make_a_schema_explode)
{
    struct chain *text = chain_new(arena);
    hg_str got;

    CHAIN_PUT_LIT(text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{\"end\":{\"type\":\"string\"}");
    for (int i = 0; i < 30; i++) {
        hg_str one = arena_fmt(arena,
                               ",\"d%d\":{\"properties\":{\"l\":{\"$ref\":\"#/$defs/d%d\"},"
                               "\"r\":{\"$ref\":\"#/$defs/d%d\"}}}",
                               i, i + 1, i + 1);

        chain_put(text, one.p, one.n);
    }
    CHAIN_PUT_LIT(text, "}}");
    got = written(&small, chain_flat(text, arena));
    ck_assert_uint_lt(got.n, 256 * 1024);
    parsed(got);
}
END_TEST

START_TEST(what_nests_too_deep_ends)
{
    struct chain *text = chain_new(arena);

    for (int i = 0; i < 50; i++)
        CHAIN_PUT_LIT(text, "{\"properties\":{\"a\":");
    CHAIN_PUT_LIT(text, "{\"type\":\"string\"}");
    for (int i = 0; i < 50; i++)
        CHAIN_PUT_LIT(text, "}}");
    parsed(written(&small, chain_flat(text, arena)));
}
END_TEST

/* ---- merging ----------------------------------------------------------------------------------
 */

START_TEST(all_of_is_merged)
{
    becomes(&small,
            "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{"
            "\"type\":\"string\"}},\"required\":[\"a\"]},{\"properties\":{\"b\":{\"description\":"
            "\"d\"},\"c\":{\"type\":\"integer\"}},\"required\":[\"a\",\"c\",\"nowhere\"]}],"
            "\"description\":\"both\"}",
            "{\"type\":\"object\",\"description\":\"both\",\"properties\":{\"a\":{\"type\":"
            "\"string\"},\"b\":{\"type\":\"string\",\"description\":\"d\"},\"c\":{\"type\":"
            "\"integer\"}},\"required\":[\"a\",\"c\"]}");
}
END_TEST

START_TEST(required_names_only_what_there_is)
{
    becomes(&small, "{\"type\":\"object\",\"required\":[\"x\"]}", "{\"type\":\"object\"}");
}
END_TEST

/* ---- arrays, objects, limits ------------------------------------------------------------------
 */

START_TEST(arrays_have_items)
{
    becomes(&small, "{\"type\":\"array\"}", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    becomes(&small, "{\"type\":\"array\",\"items\":{}}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    becomes(&small, "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":2}",
            "{\"type\":\"array\",\"minItems\":2,\"items\":{\"type\":\"integer\"}}");
    becomes(&small,
            "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":"
            "\"integer\"}],\"items\":false}",
            "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":"
            "\"integer\"}]}}");
    becomes(&small, "{\"type\":\"array\",\"items\":[{\"type\":\"string\"}]}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
}
END_TEST

START_TEST(objects_are_closed)
{
    becomes(&strict,
            "{\"$schema\":\"s\",\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\","
            "\"additionalProperties\":true}},\"additionalProperties\":{\"type\":\"string\"}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\","
            "\"additionalProperties\":false}},\"additionalProperties\":false}");
}
END_TEST

START_TEST(removed_limits_are_told_in_the_description)
{
    becomes(
        &strict,
        "{\"type\":\"string\",\"description\":\"A \\\"name\\\".\",\"maxLength\":5,\"minimum\":1,"
        "\"pattern\":\"^a\"}",
        "{\"type\":\"string\",\"description\":\"A \\\"name\\\". (maxLength: 5, minimum: 1)\","
        "\"pattern\":\"^a\"}");
}
END_TEST

START_TEST(odd_kinds_of_values_do_no_harm)
{
    static const char *const odd[] = {
        "{\"type\":7,\"properties\":[],\"required\":{},\"enum\":{},\"anyOf\":{},\"allOf\":3,"
        "\"items\":\"x\",\"description\":5,\"format\":[],\"$ref\":{},\"$defs\":1}",
        "{\"properties\":{\"a\":true,\"b\":7,\"c\":[],\"d\":null}}",
        "{\"anyOf\":[{\"type\":\"null\"}]}",
        "{\"type\":[\"null\"]}",
        "{\"type\":[]}",
        "{\"type\":[1,{}]}",
        "{\"properties\":{\"a\":{},\"a\":{\"type\":\"string\"}}}",
        "{\"type\":\"array\",\"items\":{},\"prefixItems\":{}}",
        "[]",
        "true",
    };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        parsed(written(&small, text_of(odd[i])));
        parsed(written(&strict, text_of(odd[i])));
        parsed(written(&none, text_of(odd[i])));
    }
}
END_TEST

START_TEST(a_tool_without_parameters_is_known)
{
    static const char *const empty[] = {"{}", "{\"type\":\"object\"}",
                                        "{\"type\":\"object\",\"properties\":{}}", "null"};
    static const char *const full[] = {"{\"type\":\"string\"}", "{\"$ref\":\"#/x\"}",
                                       "{\"properties\":{\"a\":{}}}"};

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        ck_assert_msg(schema_is_empty(parsed(text_of(empty[i]))), "%s", empty[i]);
    for (size_t i = 0; i < sizeof full / sizeof *full; i++)
        ck_assert_msg(!schema_is_empty(parsed(text_of(full[i]))), "%s", full[i]);
    ck_assert(schema_is_empty((hg_json){0}));
}
END_TEST

RUN_SUITE_WITH("schema", setup, teardown, without_rules_everything_stays_in_its_order,
               properties_named_like_keywords_are_names,
               nested_empty_objects_and_descriptions_survive, names_keep_their_escapes_meaning,
               keywords_that_are_not_taken_go, formats_that_are_not_taken_go,
               null_among_types_or_branches_makes_nullable, several_types_become_branches,
               a_missing_type_is_told, enums_are_strings, local_references_are_put_in_place,
               a_cycle_is_cut_where_it_repeats, references_side_by_side_are_no_cycle,
               references_do_not_make_a_schema_explode, what_nests_too_deep_ends, all_of_is_merged,
               required_names_only_what_there_is, arrays_have_items, objects_are_closed,
               removed_limits_are_told_in_the_description, odd_kinds_of_values_do_no_harm,
               a_tool_without_parameters_is_known)
