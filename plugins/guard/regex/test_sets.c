#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/text.h"
#include "sets.h"
#include "json/index.h"

static const struct {
    const char *set, *text;
    const char *want; /* NULL: nothing */
} cases[] = {{"email", "write to a.b+c@mail.example.co.uk.", "a.b+c@mail.example.co.uk"},
             {"email", "<x@y.de>", "x@y.de"},
             {"email", "a@xn--d1acufc.xn--p1ai", "a@xn--d1acufc.xn--p1ai"},
             {"email", "\xc3\xa4\xc3\xb6 o@p.org\xe2\x82\xac", "o@p.org"},
             {"email", "left-pad@1.3.0", NULL},
             {"email", "a@b", NULL},
             {"email", "@b.de", NULL},
             {"email", "a.@b.de", NULL},
             {"email", "info@site.", NULL},
             {"email", "@@@@@", NULL},
             {"email", "a@-b.de", NULL},
             {"credit_card", "4111111111111111", "4111111111111111"},
             {"credit_card", "card 4012-8888-8888-1881, thanks", "4012-8888-8888-1881"},
             {"credit_card", "378282246310005", "378282246310005"},
             {"credit_card", "12 4111 1111 1111 1111 12", "4111 1111 1111 1111"},
             {"credit_card",
              "\xe5\x8d\xa1"
              "4111111111111111",
              "4111111111111111"},
             {"credit_card", "4111111111111112", NULL},
             {"credit_card", "x4111111111111111", NULL},
             {"credit_card", "4111111111111111x", NULL},
             {"credit_card", "41111111111111111111", NULL},
             {"credit_card", "3.4111111111111111", NULL},
             {"credit_card", "0000000000000000", NULL},
             {"us_ssn", "078-05-1123", "078-05-1123"},
             {"us_ssn", "is 078 05 1123.", "078 05 1123"},
             {"us_ssn", "000-12-3456", NULL},
             {"us_ssn", "666-12-3456", NULL},
             {"us_ssn", "912-12-3456", NULL},
             {"us_ssn", "123-00-3456", NULL},
             {"us_ssn", "123-45-0000", NULL},
             {"us_ssn", "123-45.6789", NULL},
             {"us_ssn", "123-45-67890", NULL},
             {"us_ssn", "123-45-6789-1", NULL},
             {"us_ssn", "1-123-45-6789", NULL},
             {"phone", "call +49 30 23125 469 now", "+49 30 23125 469"},
             {"phone", "(617) 555-0179", "(617) 555-0179"},
             {"phone", "+1 (617) 555-0195 2 times", "+1 (617) 555-0195"},
             {"phone", "617-555-0172", "617-555-0172"},
             {"phone", "617.555.0172", "617.555.0172"},
             {"phone", "Room 555-0100", NULL},
             {"phone", "117-555-0172", NULL},
             {"phone", "6175550172", NULL},
             {"phone", "1+1234", NULL},
             {"phone", "2024-05-17 at 14:30:00", NULL},
             {"iban", "DE89 3704 0044 0532 0130 00.", "DE89 3704 0044 0532 0130 00"},
             {"iban", "NL91ABNA0417164300", "NL91ABNA0417164300"},
             {"iban", "NL91ABNA0417164301", NULL},
             {"iban", "NL91ABNA04171643001", NULL},
             {"iban", "XX91ABNA0417164300", NULL},
             {"iban", "NL91abna0417164300", NULL},
             {"iban", "NL91 ABNA", NULL},
             {"ipv4", "at 10.0.0.1:80", "10.0.0.1"},
             {"ipv4", "10.0.0.0/8", "10.0.0.0/8"},
             {"ipv4", "at 10.0.0.1.", "10.0.0.1"},
             {"ipv4", "256.1.1.1", NULL},
             {"ipv4", "1.2.3", NULL},
             {"ipv4", "1.2.3.4.5", NULL},
             {"ipv4", "v1.2.3.4", NULL},
             {"ipv4", "1.2.3.1234", NULL},
             {"api_key", "use sk-proj-abcdefghij0123456789.", "sk-proj-abcdefghij0123456789"},
             {"api_key", "key=AKIAPZRGPMKAATXVMCT9", "AKIAPZRGPMKAATXVMCT9"},
             {"api_key", "\"hf_Fxbioij7GYHqzSmSISPzolYXcE\"", "hf_Fxbioij7GYHqzSmSISPzolYXcE"},
             {"api_key", "task-force-number-1234567890-of-many", NULL},
             {"api_key", "AKIAPZRGPMKAATXVMCTB", "AKIAPZRGPMKAATXVMCTB"},
             {"api_key", "sk-learn", NULL},
             {"api_key", "sk-learn-is-a-name-without-any-number", NULL},
             {"api_key", "AKIAZZZ", NULL},
             {"api_key", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL},
             {"api_key", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", NULL}};

START_TEST(each_finds_its_own_and_no_other)
{
    const struct set *set = set_by_name(text_of(cases[_i].set));
    hg_str text = text_of(cases[_i].text);
    size_t at = 0, n = 0;
    /* on the heap and without a NUL, so that a look beyond the end is seen */
    char *copy = malloc(text.n ? text.n : 1);

    memcpy(copy, text.p, text.n);
    bool found = set->find((hg_str){copy, text.n}, 0, &at, &n);

    ck_assert_msg(found == (cases[_i].want != NULL), "%s: %s", cases[_i].set, cases[_i].text);
    if (found)
        ck_assert_msg(text_is((hg_str){copy + at, n}, text_of(cases[_i].want)), "%s: %.*s",
                      cases[_i].set, (int)n, copy + at);
    free(copy);
}
END_TEST

/* The processor time of finding everything, which must make progress and stay inside. */
static clock_t cost(const struct set *set, hg_str text)
{
    clock_t begin = clock();
    size_t at = 0, n = 0;

    for (size_t from = 0; set->find(text, from, &at, &n); from = at + n)
        ck_assert(at >= from && n > 0 && at + n <= text.n);
    return clock() - begin;
}

START_TEST(hostile_texts_cost_no_more_than_others)
{
    static const char *const seeds[] = {"sk-", "eyJ", "a@a.",           "1",    "1-", "+1 ",  "GB2",
                                        "1.",  "(2",  "eyJaaaaaaaaaa.", "hf_-", "@",  "4111 "};
    enum {
        SIZE = 1000000
    };
    char *text = malloc(SIZE);
    const char *slow_set = NULL, *slow_seed = NULL;

    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
        for (size_t i = 0; i < SIZE; i++)
            text[i] = seeds[s][i % strlen(seeds[s])];
        for (size_t k = 0; set_at(k); k++) {
            clock_t part = cost(set_at(k), (hg_str){text, SIZE / 8});
            clock_t whole = cost(set_at(k), (hg_str){text, SIZE});

            /* Eight times the text takes eight times as long; 64 times if it grows with the square.
             * The constant is for what the clock cannot tell from nothing. */
            if (whole > 24 * part + CLOCKS_PER_SEC / 5)
                slow_set = set_at(k)->name, slow_seed = seeds[s];
        }
    }
    free(text);
    ck_assert_msg(!slow_set, "%s on %s", slow_set, slow_seed);
}
END_TEST

START_TEST(random_texts_are_survived)
{
    static const char chars[] = "0123456789 -.+()@aZGBDE_/skeyJ\xc3\xa4";
    unsigned seed = 3;

    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_r(&seed) % 60, at, n;
        char *text = malloc(len ? len : 1);

        for (size_t i = 0; i < len; i++)
            text[i] = chars[(size_t)rand_r(&seed) % (sizeof chars - 1)];
        for (size_t k = 0; set_at(k); k++) {
            for (size_t from = 0; set_at(k)->find((hg_str){text, len}, from, &at, &n);
                 from = at + n)
                ck_assert(at >= from && n > 0 && at + n <= len);
        }
        free(text);
    }
}
END_TEST

/* ---- precision and recall over the shared corpora ----------------------------------------- */

struct tally {
    const char *set, *label;
    double least_recall, least_precision;
    size_t wanted, found, right, wrong;
};

static bool overlaps(hg_json entity, size_t at, size_t n)
{
    size_t start = (size_t)json_i64(json_get(entity, "/start_byte"), 0);
    size_t end = (size_t)json_i64(json_get(entity, "/end_byte"), 0);

    return at < end && start < at + n;
}

static bool is_meant(const struct tally *tally, hg_json entity)
{
    hg_str text = json_raw_str(json_get(entity, "/text"));

    return json_is(json_get(entity, "/label"), text_of(tally->label)) &&
           (strcmp(tally->set, "ipv4") != 0 || !memchr(text.p, ':', text.n));
}

static void tally_sample(struct tally *tally, hg_str text, hg_json entities)
{
    const struct set *set = set_by_name(text_of(tally->set));
    size_t count = json_count(entities), at, n;

    for (size_t i = 0; i < count; i++) {
        hg_json entity = json_element(entities, i);
        bool found = false;

        if (!is_meant(tally, entity))
            continue;
        for (size_t from = 0; !found && set->find(text, from, &at, &n); from = at + n)
            found = overlaps(entity, at, n);
        tally->wanted++;
        tally->found += found;
    }
    for (size_t from = 0; set->find(text, from, &at, &n); from = at + n) {
        bool right = false;

        for (size_t i = 0; i < count; i++) {
            hg_json entity = json_element(entities, i);

            right |= json_is(json_get(entity, "/label"), text_of(tally->label)) &&
                     overlaps(entity, at, n);
        }
        tally->right += right;
        tally->wrong += !right;
    }
}

static FILE *shared_open(const char *name)
{
    const char *shared = getenv("HEADGATE_SHARED");
    char path[512];

    snprintf(path, sizeof path, "%s/guardrail-data/%s", shared && *shared ? shared : "../shared",
             name);
    FILE *file = fopen(path, "re");

    if (!file)
        printf("skipped: no %s\n", name);
    return file;
}

static void tally_report(const struct tally *tally)
{
    double recall = (double)tally->found / (double)(tally->wanted ? tally->wanted : 1);
    size_t all = tally->right + tally->wrong;
    double precision = (double)tally->right / (double)(all ? all : 1);

    printf("%-12s recall %.3f (%zu of %zu)  precision %.3f (%zu of %zu)\n", tally->set, recall,
           tally->found, tally->wanted, precision, tally->right, all);
    ck_assert_double_ge(recall, tally->least_recall);
    ck_assert_double_ge(precision, tally->least_precision);
}

START_TEST(personal_data_is_found_and_little_else)
{
    struct tally tallies[] = {{"email", "EMAIL_ADDRESS", 0.99, 0.99, 0, 0, 0, 0},
                              {"credit_card", "CREDIT_CARD", 0.97, 0.97, 0, 0, 0, 0},
                              {"us_ssn", "US_SSN", 0.9, 0.97, 0, 0, 0, 0},
                              {"phone", "PHONE_NUMBER", 0.97, 0.97, 0, 0, 0, 0},
                              {"iban", "IBAN_CODE", 0.97, 0.97, 0, 0, 0, 0},
                              {"ipv4", "IP_ADDRESS", 0.95, 0.95, 0, 0, 0, 0}};
    FILE *file = shared_open("pii.jsonl");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    while (file && (len = getline(&line, &room, file)) > 0) {
        struct arena *arena = arena_new();
        hg_json root = {0};

        ck_assert(json_parse(arena, (hg_str){line, (size_t)len}, &root, NULL));
        hg_str text = json_str(arena, json_get(root, "/text"));
        hg_json tested = json_get(root, "/tested_entity");

        for (size_t i = 0; i < sizeof tallies / sizeof *tallies; i++) {
            if (tested.kind != HG_J_STR || json_is(tested, text_of(tallies[i].label)))
                tally_sample(&tallies[i], text, json_get(root, "/entities"));
        }
        arena_free(&arena);
    }
    for (size_t i = 0; file && i < sizeof tallies / sizeof *tallies; i++)
        tally_report(&tallies[i]);
    if (file)
        fclose(file);
    free(line);
}
END_TEST

START_TEST(keys_are_found_and_little_else)
{
    const struct set *set = set_by_name(HG_S("api_key"));
    FILE *file = shared_open("secrets.jsonl");
    size_t keys = 0, found = 0, clean = 0, alarms = 0, room = 0;
    char *line = NULL;
    ssize_t len;

    while (file && (len = getline(&line, &room, file)) > 0) {
        struct arena *arena = arena_new();
        hg_json root = {0};
        size_t at, n;

        ck_assert(json_parse(arena, (hg_str){line, (size_t)len}, &root, NULL));
        hg_str text = json_str(arena, json_get(root, "/text"));
        bool hit = set->find(text, 0, &at, &n);

        if (json_is(json_get(root, "/label"), HG_S("clean"))) {
            clean++;
            alarms += hit;
        } else if (text_starts(json_raw_str(json_get(root, "/rule")), HG_S("key:"))) {
            keys++;
            found += hit;
        }
        arena_free(&arena);
    }
    if (file) {
        printf("api_key      recall %.3f (%zu of %zu)  false alarms %zu of %zu\n",
               (double)found / (double)keys, found, keys, alarms, clean);
        ck_assert_uint_ge(found * 100, keys * 97);
        ck_assert_uint_le(alarms, 7); /* near misses in length or alphabet */
        fclose(file);
    }
    free(line);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sets");
    TCase *tc = tcase_create("sets");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, each_finds_its_own_and_no_other, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tc, hostile_texts_cost_no_more_than_others);
    tcase_add_test(tc, random_texts_are_survived);
    tcase_add_test(tc, personal_data_is_found_and_little_else);
    tcase_add_test(tc, keys_are_found_and_little_else);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
