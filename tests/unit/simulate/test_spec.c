/* Descriptions of APIs, small ones of our own. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asking.h"
#include "simulate/spec.h"
#include "support/suite.h"

static char folder[] = "/tmp/headgate-spec-XXXXXX";
static struct asking asking;
static struct spec *spec;
static hg_str place, reason;

static const char *file_write(const char *name, const char *text)
{
    static char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void setup(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    spec = NULL;
    asking = (struct asking){0};
}

static void teardown(void)
{
    char command[64];

    spec_free(&spec);
    if (asking.arena)
        asking_end(&asking);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void describe(const char *text)
{
    struct error error;

    spec = spec_open(file_write("api.json", text), &error);
    ck_assert_msg(spec, "%s", error.text);
}

/* A description with one path and this schema. */
static void describe_schema(const char *path, const char *schema)
{
    char text[4096];

    snprintf(text, sizeof text,
             "{\"openapi\":\"3.1.0\",\"paths\":{\"%s\":{\"post\":{\"requestBody\":{\"content\":"
             "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Body\"}}}}}}},"
             "\"components\":{\"schemas\":{\"Body\":%s}}}",
             path, schema);
    describe(text);
}

static bool check(const char *path, const char *body)
{
    if (asking.arena)
        asking_end(&asking);
    asking_begin(&asking, METHOD_POST, path, body);
    return spec_check(spec, &asking.ask, &place, &reason);
}

#define REFUSES(body, want_place, want_reason)                           \
    do {                                                                 \
        ck_assert(!check("/v1/chat/completions", body));                 \
        ck_assert_str_eq(arena_cstr(asking.arena, place), want_place);   \
        ck_assert_str_eq(arena_cstr(asking.arena, reason), want_reason); \
    } while (0)
#define TAKES(body) ck_assert(check("/v1/chat/completions", body))

START_TEST(what_is_wrong_is_told_with_its_place)
{
    describe_schema(
        "/chat/completions",
        "{\"type\":\"object\",\"required\":[\"model\"],\"properties\":{"
        "\"model\":{\"type\":\"string\",\"minLength\":1},"
        "\"n\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":4},"
        "\"list\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"enum\":[\"a\",\"b\"]}},"
        "\"share\":{\"type\":\"number\",\"exclusiveMinimum\":0}}}");
    TAKES("{\"model\":\"m\",\"n\":null,\"list\":[\"a\"],\"share\":0.5,\"other\":1}");
    REFUSES("{}", "model", "is required");
    REFUSES("{\"model\":7}", "model", "must be a string");
    REFUSES("{\"model\":\"\"}", "model", "must have at least 1 characters");
    REFUSES("{\"model\":\"m\",\"n\":1.5}", "n", "must be an integer or a null");
    REFUSES("{\"model\":\"m\",\"n\":5}", "n", "must be at most 4");
    REFUSES("{\"model\":\"m\",\"share\":0}", "share", "must be more than 0");
    REFUSES("{\"model\":\"m\",\"list\":[\"a\",\"c\"]}", "list[1]", "must be \"a\" or \"b\"");
    REFUSES("{\"model\":\"m\",\"list\":[\"a\",\"a\",\"a\"]}", "list",
            "must have at most 2 elements");
}
END_TEST

#define SHAPES                                                                         \
    "{\"properties\":{\"it\":{\"%s\":[{\"type\":\"string\"},{\"type\":\"object\","     \
    "\"required\":[\"side\"],\"properties\":{\"type\":{\"const\":\"square\"},"         \
    "\"side\":{\"type\":\"number\"}}},{\"type\":\"object\",\"required\":[\"radius\"]," \
    "\"properties\":{\"type\":{\"const\":\"circle\"},\"radius\":{\"type\":\"number\"}}}]}}}"

START_TEST(of_alternatives_the_one_that_was_meant_is_told)
{
    char schema[1024];

    snprintf(schema, sizeof schema, SHAPES, "oneOf");
    describe_schema("/chat/completions", schema);
    TAKES("{\"it\":\"x\"}");
    TAKES("{\"it\":{\"type\":\"circle\",\"radius\":1}}");
    REFUSES("{\"it\":{\"type\":\"circle\",\"radius\":\"wide\"}}", "it.radius", "must be a number");
    REFUSES("{\"it\":{\"type\":\"circle\"}}", "it.radius", "is required");
    REFUSES("{\"it\":{\"type\":\"star\"}}", "it.type", "must be \"square\" or \"circle\"");
    REFUSES("{\"it\":[]}", "it", "must be a string or an object");
}
END_TEST

START_TEST(a_discriminator_names_the_alternative)
{
    describe_schema("/chat/completions",
                    "{\"properties\":{\"it\":{\"discriminator\":{\"propertyName\":\"t\","
                    "\"mapping\":{\"a\":\"#/components/schemas/Body/$defs/A\"}},\"oneOf\":["
                    "{\"$ref\":\"#/components/schemas/Body/$defs/A\"}]}},\"$defs\":{\"A\":"
                    "{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"t\":"
                    "{\"const\":\"a\"},\"x\":{\"type\":\"boolean\"}}}}}");
    TAKES("{\"it\":{\"t\":\"a\",\"x\":true}}");
    REFUSES("{\"it\":{\"t\":\"a\",\"x\":1}}", "it.x", "must be a boolean");
    REFUSES("{\"it\":{\"t\":\"b\",\"x\":true}}", "it.t", "must be \"a\"");
}
END_TEST

START_TEST(an_unknown_member_is_refused_only_where_it_is_forbidden)
{
    describe_schema("/chat/completions",
                    "{\"properties\":{\"open\":{\"type\":\"object\"},\"shut\":{\"type\":\"object\","
                    "\"additionalProperties\":false,\"properties\":{\"a\":true}},\"map\":{"
                    "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}}}");
    TAKES("{\"open\":{\"b\":1},\"shut\":{\"a\":1},\"map\":{\"x\":\"y\"}}");
    REFUSES("{\"shut\":{\"b\":1}}", "shut.b", "is not known here");
    REFUSES("{\"map\":{\"x\":1}}", "map.x", "must be a string");
}
END_TEST

START_TEST(a_schema_that_contains_itself_ends)
{
    describe_schema("/chat/completions",
                    "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Body\"}],"
                    "\"properties\":{\"next\":{\"$ref\":\"#/components/schemas/Body\"}}}");
    TAKES("{\"next\":{\"next\":{}}}");
}
END_TEST

START_TEST(the_longest_path_counts_and_what_stands_before_it_does_not)
{
    describe("{\"paths\":{\"/completions\":{\"post\":{\"requestBody\":{\"content\":{"
             "\"application/json\":{\"schema\":{\"required\":[\"short\"]}}}}}},"
             "\"/chat/{which}\":{\"post\":{\"requestBody\":{\"content\":{"
             "\"application/json\":{\"schema\":{\"required\":[\"long\"]}}}}}},"
             "\"/embeddings?beta=true\":{\"post\":{\"requestBody\":{\"content\":{"
             "\"application/json\":{\"schema\":{\"required\":[\"beta\"]}}}}}}}}");
    ck_assert_uint_eq(spec_count(spec), 3);
    ck_assert(!check("/any/v1/chat/completions", "{}"));
    ck_assert(text_is(place, HG_S("long")));
    ck_assert(!check("/v1/completions", "{}"));
    ck_assert(text_is(place, HG_S("short")));
    ck_assert(check("/v1/embeddings", "{}"));
    asking.head.query = HG_S("x=1&beta=true");
    ck_assert(!spec_check(spec, &asking.ask, &place, &reason));
    ck_assert(check("/v1/messages", "{}"));
}
END_TEST

#define SERVICE                                                                               \
    "{\"operations\":{\"Talk\":{\"http\":{\"method\":\"POST\",\"requestUri\":"                \
    "\"/model/{modelId}/converse\"},\"input\":{\"shape\":\"In\"}}},\"shapes\":{"              \
    "\"In\":{\"type\":\"structure\",\"required\":[\"modelId\",\"parts\"],\"members\":{"       \
    "\"modelId\":{\"shape\":\"Text\",\"location\":\"uri\"},\"parts\":{\"shape\":\"Parts\"},"  \
    "\"more\":{\"shape\":\"Any\"},\"heat\":{\"shape\":\"Heat\"}}},"                           \
    "\"Parts\":{\"type\":\"list\",\"min\":1,\"member\":{\"shape\":\"Part\"}},"                \
    "\"Part\":{\"type\":\"structure\",\"union\":true,\"members\":{\"text\":{\"shape\":"       \
    "\"Text\"},\"bytes\":{\"shape\":\"Bytes\"}}},\"Text\":{\"type\":\"string\"},"             \
    "\"Bytes\":{\"type\":\"blob\",\"max\":2},\"Any\":{\"type\":\"structure\",\"members\":{}," \
    "\"document\":true},\"Heat\":{\"type\":\"float\",\"max\":1}}}"

START_TEST(a_service_model_of_aws_describes_bodies_too)
{
    static const char path[] = "/model/x%3A1/converse";

    describe(SERVICE);
    ck_assert(check(path, "{\"parts\":[{\"text\":\"a\"},{\"bytes\":\"AAAA\"}],\"more\":[1],"
                          "\"heat\":null}"));
    ck_assert(!check(path, "{}"));
    ck_assert(text_is(place, HG_S("parts")));
    ck_assert(!check(path, "{\"parts\":[]}"));
    ck_assert(!check(path, "{\"parts\":[{\"text\":\"a\",\"bytes\":\"b\"}]}"));
    ck_assert(text_is(reason, HG_S("must have at most 1 members")));
    ck_assert(!check(path, "{\"parts\":[{\"image\":{}}]}"));
    ck_assert(text_is(place, HG_S("parts[0].image")));
    ck_assert(!check(path, "{\"parts\":[{\"text\":\"a\"}],\"heat\":2}"));
}
END_TEST

START_TEST(numbers_beyond_64_bits_are_limits_like_others)
{
    describe_schema("/chat/completions",
                    "{\"properties\":{\"seed\":{\"type\":\"integer\",\"description\":"
                    "\"-9223372036854776000 \\\\\\\" 1\",\"minimum\":-9223372036854776000}}}");
    TAKES("{\"seed\":-5}");
    REFUSES("{\"seed\":\"-5\"}", "seed", "must be an integer");
}
END_TEST

START_TEST(what_is_no_description_is_refused_and_in_a_folder_passed_over)
{
    struct error error;
    char inside[64];

    ck_assert_ptr_null(spec_open(file_write("a.yaml", "openapi: 3.1.0\n"), &error));
    ck_assert_ptr_nonnull(strstr(error.text, "convert YAML"));
    ck_assert_ptr_null(spec_open(file_write("a.txt", "{}"), &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no OpenAPI"));
    ck_assert_ptr_null(spec_open(folder, &error));
    describe_schema("/chat/completions", "{\"required\":[\"x\"]}");
    spec_free(&spec);
    spec = spec_open(folder, &error);
    ck_assert_ptr_nonnull(spec);
    ck_assert_uint_eq(spec_count(spec), 1);
    spec_free(&spec);
    file_write("broken.json", "{");
    ck_assert_ptr_null(spec_open(folder, &error));
    snprintf(inside, sizeof inside, "%s/none", folder);
    ck_assert_ptr_null(spec_open(inside, &error));
}
END_TEST

RUN_SUITE_WITH("spec", setup, teardown, what_is_wrong_is_told_with_its_place,
               of_alternatives_the_one_that_was_meant_is_told,
               a_discriminator_names_the_alternative,
               an_unknown_member_is_refused_only_where_it_is_forbidden,
               a_schema_that_contains_itself_ends,
               the_longest_path_counts_and_what_stands_before_it_does_not,
               a_service_model_of_aws_describes_bodies_too,
               numbers_beyond_64_bits_are_limits_like_others,
               what_is_no_description_is_refused_and_in_a_folder_passed_over)
