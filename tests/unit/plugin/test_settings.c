/* Settings against schemas: what is refused and in which words, what is filled in, what stays
 * secret. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plugin/schema.h"
#include "plugin/settings.h"
#include "support/suite.h"
#include "json/index.h"

static struct error error;

static char *secret(void *arg, const char *name, struct error *reason)
{
    (void)arg;
    if (!strcmp(name, "KEY"))
        return strdup("canary-4711");
    if (!strcmp(name, "QUOTED"))
        return strdup("canary \"quoted\"");
    error_set(reason, "secret '%s' is not there", name);
    return NULL;
}

static struct settings *settings_make(const char *schema, const char *given)
{
    json_t *value = given ? json_loads(given, 0, NULL) : NULL;

    ck_assert_msg(!given || value != NULL, "%s", given);
    error.text[0] = 0;
    struct settings *settings =
        settings_new(&(struct settings_setup){schema, value, secret, NULL}, &error);

    json_decref(value);
    ck_assert((settings != NULL) == (error.text[0] == 0));
    return settings;
}

static void refused(const char *schema, const char *given, const char *why)
{
    struct settings *settings = settings_make(schema, given);

    ck_assert_msg(!settings, "%s was taken", given ? given : "nothing");
    ck_assert_msg(!strcmp(error.text, why), "\n  is     %s\n  wanted %s", error.text, why);
}

/* By way of the document that plugins get. */
static const char *root_text(struct settings *settings)
{
    static char text[2048];
    hg_str raw = json_raw(settings_root(settings));

    snprintf(text, sizeof text, "%.*s", TEXT_ARG(raw));
    return text;
}

static void taken(const char *schema, const char *given, const char *becomes)
{
    struct settings *settings = settings_make(schema, given);

    ck_assert_msg(settings != NULL, "%s: %s", given, error.text);
    ck_assert_str_eq(root_text(settings), becomes);
    settings_free(&settings);
}

#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"

START_TEST(unknown_keys_are_errors_with_a_suggestion)
{
    refused(OBJECT("\"url\":{\"type\":\"string\"}"), "{\"ulr\":\"x\"}",
            "settings.ulr: unknown, did you mean 'url'?");
    refused(OBJECT("\"url\":{\"type\":\"string\"}"), "{\"temperature\":1}",
            "settings.temperature: unknown");
    refused("{\"type\":\"object\"}", "{\"a\":1}", "settings.a: unknown");
    refused(NULL, "{\"a\":1}", "settings: this plugin takes none");
    taken(NULL, "{}", "{}");
    taken(NULL, NULL, "{}");
    taken("{\"type\":\"object\",\"additionalProperties\":true}", "{\"a\":[1]}", "{\"a\":[1]}");
    refused("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":1}",
            "settings.a: must be a string, not a whole number");
}
END_TEST

START_TEST(types_are_checked_in_words)
{
    const char *schema = OBJECT("\"s\":{\"type\":\"string\"},\"i\":{\"type\":\"integer\"},"
                                "\"n\":{\"type\":\"number\"},\"b\":{\"type\":\"boolean\"},"
                                "\"l\":{\"type\":\"array\"},\"o\":{\"type\":\"object\"},"
                                "\"m\":{\"type\":[\"string\",\"integer\",\"null\"]}");

    refused(schema, "{\"s\":1}", "settings.s: must be a string, not a whole number");
    refused(schema, "{\"i\":\"1\"}", "settings.i: must be a whole number, not a string");
    refused(schema, "{\"i\":1.5}", "settings.i: must be a whole number, not a number");
    refused(schema, "{\"n\":true}", "settings.n: must be a number, not true or false");
    refused(schema, "{\"b\":0}", "settings.b: must be true or false, not a whole number");
    refused(schema, "{\"l\":{\"x\":1}}", "settings.l: must be a list, not an object");
    refused(schema, "{\"o\":[]}", "settings.o: must be an object, not a list");
    refused(schema, "{\"m\":[]}",
            "settings.m: must be a string, a whole number or null, not a list");
    taken(schema, "{\"i\":2.0,\"n\":3,\"m\":null,\"l\":[1,{}],\"o\":{\"x\":1}}",
          "{\"i\":2.0,\"n\":3,\"m\":null,\"l\":[1,{}],\"o\":{\"x\":1}}");
}
END_TEST

START_TEST(an_empty_table_is_a_list_where_one_is_wanted)
{
    const char *list = OBJECT("\"a\":{\"type\":\"array\"}");
    const char *list_of_lists = OBJECT("\"a\":{\"type\":\"array\",\"items\":{\"type\":\"array\"}}");
    const char *named = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\"}}";

    taken(list, "{\"a\":{}}", "{\"a\":[]}");
    taken(list_of_lists, "{\"a\":[{},[1]]}", "{\"a\":[[],[1]]}");
    taken(named, "{\"x\":{}}", "{\"x\":[]}");
    taken(OBJECT("\"a\":{\"type\":\"object\"}"), "{\"a\":{}}", "{\"a\":{}}");
    taken(OBJECT("\"a\":{\"type\":[\"array\",\"object\"]}"), "{\"a\":{}}", "{\"a\":{}}");
    refused(list, "{\"a\":{\"x\":1}}", "settings.a: must be a list, not an object");
    refused(OBJECT("\"a\":{\"type\":\"array\",\"minItems\":1}"), "{\"a\":{}}",
            "settings.a: must have at least 1 entries");
}
END_TEST

START_TEST(required_members_are_required)
{
    const char *schema = "{\"type\":\"object\",\"required\":[\"url\"],\"properties\":"
                         "{\"url\":{\"type\":\"string\"}}}";

    refused(schema, "{}", "settings.url: is required");
    refused(schema, NULL, "settings.url: is required");
    taken(schema, "{\"url\":\"\"}", "{\"url\":\"\"}");
}
END_TEST

START_TEST(values_are_checked_against_lists_and_limits)
{
    const char *schema =
        OBJECT("\"a\":{\"enum\":[\"redact\",\"deny\",3]},\"c\":{\"const\":7},"
               "\"n\":{\"type\":\"number\",\"minimum\":0.5,\"maximum\":2},"
               "\"s\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":4},"
               "\"l\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"items\":"
               "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"integer\"}}}}");

    refused(schema, "{\"a\":\"redcat\"}",
            "settings.a: must be one of \"redact\", \"deny\", 3; did you mean 'redact'?");
    refused(schema, "{\"a\":4}", "settings.a: must be one of \"redact\", \"deny\", 3");
    refused(schema, "{\"c\":8}", "settings.c: must be 7");
    refused(schema, "{\"n\":0.4}", "settings.n: must be at least 0.5");
    refused(schema, "{\"n\":3}", "settings.n: must be at most 2");
    refused(schema, "{\"s\":\"x\"}", "settings.s: must have at least 2 characters");
    refused(schema, "{\"s\":\"xxxxx\"}", "settings.s: must have at most 4 characters");
    refused(schema, "{\"l\":[]}", "settings.l: must have at least 1 entries");
    refused(schema, "{\"l\":[{},{},{}]}", "settings.l: must have at most 2 entries");
    refused(schema, "{\"l\":[{},{\"p\":\"x\"}]}",
            "settings.l[1].p: must be a whole number, not a string");
    refused(schema, "{\"l\":[{},{\"quux\":1}]}", "settings.l[1].quux: unknown");
    taken(schema, "{\"a\":3,\"s\":\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\"}",
          "{\"a\":3,\"s\":\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\"}");
}
END_TEST

START_TEST(patterns_and_formats_are_checked)
{
    const char *schema = OBJECT("\"p\":{\"type\":\"string\",\"pattern\":\"^[a-z]+\\\\.[0-9]{2}$\"},"
                                "\"u\":{\"type\":\"string\",\"format\":\"uri\"},"
                                "\"d\":{\"type\":\"string\",\"format\":\"duration\"},"
                                "\"b\":{\"type\":\"string\",\"format\":\"bytes\"}");

    refused(schema, "{\"p\":\"ab.1\"}",
            "settings.p: does not match the pattern ^[a-z]+\\.[0-9]{2}$");
    refused(schema, "{\"u\":\"example.com/x\"}",
            "settings.u: must be a URI such as https://example.com/");
    refused(schema, "{\"u\":\"https://\"}",
            "settings.u: must be a URI such as https://example.com/");
    refused(schema, "{\"u\":\"http://a b\"}",
            "settings.u: must be a URI such as https://example.com/");
    refused(schema, "{\"d\":\"8 parsecs\"}",
            "settings.d: must be a duration such as 250ms, 8s or 5m");
    refused(schema, "{\"b\":\"much\"}", "settings.b: must be a size such as 64KB, 256MB or 2GB");
    taken(schema, "{\"p\":\"ab.12\",\"u\":\"redis://h:1/0\",\"d\":\"8s\",\"b\":\"256MB\"}",
          "{\"p\":\"ab.12\",\"u\":\"redis://h:1/0\",\"d\":\"8s\",\"b\":\"256MB\"}");
}
END_TEST

START_TEST(one_of_several_forms_is_enough)
{
    const char *any = OBJECT("\"v\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\","
                             "\"minimum\":5}]}");
    const char *one = OBJECT("\"v\":{\"oneOf\":[{\"type\":\"integer\",\"maximum\":5},"
                             "{\"type\":\"integer\",\"minimum\":5}]}");

    taken(any, "{\"v\":\"x\"}", "{\"v\":\"x\"}");
    taken(any, "{\"v\":6}", "{\"v\":6}");
    refused(any, "{\"v\":4}", "settings.v: must be at least 5");
    refused(any, "{\"v\":[]}", "settings.v: matches none of the 2 allowed forms");
    taken(one, "{\"v\":4}", "{\"v\":4}");
    refused(one, "{\"v\":5}", "settings.v: matches 2 of the allowed forms, must match one");
    refused(one, "{\"v\":\"x\"}", "settings.v: matches none of the 2 allowed forms");
}
END_TEST

START_TEST(defaults_are_filled_in_where_something_is_missing)
{
    const char *schema =
        OBJECT("\"a\":{\"type\":\"integer\",\"default\":7},\"o\":{\"type\":\"object\","
               "\"properties\":{\"x\":{\"type\":\"string\",\"default\":\"y\"}}},"
               "\"l\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":"
               "{\"k\":{\"type\":\"boolean\",\"default\":true}}}},"
               "\"f\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":"
               "{\"z\":{\"type\":\"integer\",\"default\":1}}}]}");

    taken(schema, NULL, "{\"a\":7}");
    taken(schema, "{\"a\":8,\"o\":{},\"l\":[{},{\"k\":false}],\"f\":{}}",
          "{\"a\":8,\"o\":{\"x\":\"y\"},\"l\":[{\"k\":true},{\"k\":false}],\"f\":{\"z\":1}}");
}
END_TEST

START_TEST(a_wrong_schema_is_refused_and_says_where)
{
    refused("{", "{}", "schema: line 1: string or '}' expected near end of file");
    refused("[]", "{}", "schema: must be an object");
    refused("{\"type\":\"string\"}", "{}", "schema: the type must be \"object\"");
    refused("{}", "{}", "schema: the type must be \"object\"");
    refused(OBJECT("\"a\":{\"type\":\"strin\"}"), "{}", "schema.properties.a.type: is no type");
    refused(OBJECT("\"a\":{\"minLenght\":1}"), "{}",
            "schema.properties.a: 'minLenght' is not supported, did you mean 'minLength'?");
    refused(OBJECT("\"a\":{\"$ref\":\"#/x\"}"), "{}",
            "schema.properties.a: '$ref' is not supported");
    refused(OBJECT("\"a\":{\"enum\":[]}"), "{}",
            "schema.properties.a.enum: must be a list, not empty");
    refused(OBJECT("\"a\":{\"minLength\":-1}"), "{}",
            "schema.properties.a.minLength: must be a whole number, not negative");
    refused(OBJECT("\"a\":{\"format\":\"email\"}"), "{}",
            "schema.properties.a: the format 'email' is not supported");
    refused(OBJECT("\"a\":{\"pattern\":\"[a\"}"), "{}",
            "schema.properties.a: the pattern is wrong: Unmatched [, [^, [:, [., or [=");
    refused(OBJECT("\"a\":{\"pattern\":\"\\\\d\"}"), "{}",
            "schema.properties.a: the pattern is wrong: an escape that POSIX does not know; write "
            "[0-9] for digits");
    refused(OBJECT("\"a\":{\"type\":\"integer\",\"default\":\"x\"}"), "{}",
            "schema.properties.a.default: must be a whole number, not a string");
    refused("{\"type\":\"object\",\"required\":[\"b\"],\"properties\":{\"a\":{}}}", "{}",
            "schema: requires 'b', which is not among its properties");
    refused("{\"type\":\"object\",\"anyOf\":[3]}", "{}", "schema.anyOf[0]: must be an object");
    refused("{\"type\":\"object\",\"type\":\"object\"}", "{}",
            "schema: line 1: duplicate object key near '\"type\"'");
}
END_TEST

START_TEST(a_schema_nested_without_end_is_refused)
{
    char text[4096] = "{\"type\":\"object\"";

    for (unsigned i = 0; i < 100; i++)
        strcat(text, ",\"items\":{\"type\":\"array\"");
    for (unsigned i = 0; i < 101; i++)
        strcat(text, "}");
    ck_assert_ptr_null(settings_make(text, "{}"));
    ck_assert_ptr_nonnull(strstr(error.text, "is nested too deep"));
}
END_TEST

/* ---- secrets --------------------------------------------------------------------------------- */

#define KEYED                                                                    \
    OBJECT("\"key\":{\"type\":\"string\",\"format\":\"secret\",\"minLength\":6," \
           "\"pattern\":\"^[a-z0-9 \\\"-]+$\"},\"url\":{\"type\":\"string\"},"   \
           "\"list\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":15}}")

START_TEST(secrets_are_resolved_wherever_they_stand)
{
    taken(KEYED, "{\"key\":{\"$secret\":\"KEY\"},\"list\":[\"a\",{\"$secret\":\"KEY\"}]}",
          "{\"key\":\"canary-4711\",\"list\":[\"a\",\"canary-4711\"]}");
    refused(KEYED, "{\"key\":{\"$secret\":\"NOKEY\"}}", "secret 'NOKEY' is not there");
    refused(KEYED, "{\"key\":{\"$secret\":\"NOKEY\"},\"ulr\":1}",
            "settings.ulr: unknown, did you mean 'url'?");
    refused(KEYED, "{\"key\":{\"$secret\":3}}", "settings.key: must be a string, not an object");
}
END_TEST

START_TEST(the_environment_is_where_secrets_are_by_default)
{
    json_t *given = json_loads("{\"key\":{\"$secret\":\"HEADGATE_TEST_SECRET\"}}", 0, NULL);
    struct settings_setup setup = {.schema = KEYED, .given = given};

    unsetenv("HEADGATE_TEST_SECRET");
    ck_assert_ptr_null(settings_new(&setup, &error));
    ck_assert_str_eq(error.text, "secret 'HEADGATE_TEST_SECRET' is not set: put it into the "
                                 "environment of the gateway");
    setenv("HEADGATE_TEST_SECRET", "from-outside", 1);
    struct settings *settings = settings_new(&setup, &error);

    ck_assert_msg(settings != NULL, "%s", error.text);
    ck_assert_str_eq(root_text(settings), "{\"key\":\"from-outside\"}");
    settings_free(&settings);
    json_decref(given);
}
END_TEST

START_TEST(no_message_shows_a_secret)
{
    static const char *const schemas[] = {
        OBJECT("\"key\":{\"type\":\"string\",\"format\":\"secret\",\"minLength\":600}"),
        OBJECT("\"key\":{\"type\":\"string\",\"format\":\"secret\",\"maxLength\":2}"),
        OBJECT("\"key\":{\"type\":\"string\",\"format\":\"secret\",\"pattern\":\"^x$\"}"),
        OBJECT("\"key\":{\"enum\":[\"canary-4712\",\"b\"],\"format\":\"secret\"}"),
        OBJECT("\"key\":{\"type\":\"integer\"}"),
        OBJECT("\"key\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}"),
    };

    for (unsigned i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        ck_assert_ptr_null(settings_make(schemas[i], "{\"key\":{\"$secret\":\"KEY\"}}"));
        ck_assert_msg(!strstr(error.text, "canary-4711"), "%s", error.text);
        ck_assert_ptr_null(strstr(error.text, "did you mean"));
        ck_assert_ptr_null(settings_make(schemas[i], "{\"key\":\"canary-4711\"}"));
        ck_assert_msg(!strstr(error.text, "canary-4711"), "%s", error.text);
    }
}
END_TEST

START_TEST(secrets_in_texts_become_stars_even_when_cut)
{
    struct settings *settings =
        settings_make(KEYED, "{\"key\":{\"$secret\":\"KEY\"},\"url\":\"visible\"}");
    char text[] = "canary-4711 visible canary-4711canary-4711 can canary-47";

    ck_assert_ptr_nonnull(settings);
    settings_hide(settings, text);
    ck_assert_str_eq(text, "*********** visible ********************** can *********");
    settings_hide(NULL, text);
    settings_free(&settings);
}
END_TEST

START_TEST(a_secret_that_is_written_into_the_settings_is_hidden_too)
{
    struct settings *settings = settings_make(KEYED, "{\"key\":\"inline-key\"}");
    char text[] = "with inline-key";

    settings_hide(settings, text);
    ck_assert_str_eq(text, "with **********");
    settings_free(&settings);
}
END_TEST

START_TEST(texts_of_settings_live_as_long_as_they_do)
{
    struct settings *settings =
        settings_make(KEYED, "{\"key\":{\"$secret\":\"QUOTED\"},\"url\":\"a\\nb\"}");

    ck_assert_msg(settings != NULL, "%s", error.text);
    hg_json url = json_get(settings_root(settings), "/url");
    hg_json key = json_get(settings_root(settings), "/key");

    ck_assert(settings_own(settings, url));
    ck_assert(!settings_own(settings, (hg_json){0}));
    ck_assert(text_is(settings_str(settings, url), HG_S("a\nb")));
    ck_assert(text_is(settings_str(settings, key), HG_S("canary \"quoted\"")));
    settings_free(&settings);
    ck_assert_ptr_null(settings);
}
END_TEST

RUN_SUITE("settings", unknown_keys_are_errors_with_a_suggestion, types_are_checked_in_words,
          an_empty_table_is_a_list_where_one_is_wanted, required_members_are_required,
          values_are_checked_against_lists_and_limits, patterns_and_formats_are_checked,
          one_of_several_forms_is_enough, defaults_are_filled_in_where_something_is_missing,
          a_wrong_schema_is_refused_and_says_where, a_schema_nested_without_end_is_refused,
          secrets_are_resolved_wherever_they_stand, the_environment_is_where_secrets_are_by_default,
          no_message_shows_a_secret, secrets_in_texts_become_stars_even_when_cut,
          a_secret_that_is_written_into_the_settings_is_hidden_too,
          texts_of_settings_live_as_long_as_they_do)
