#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "support/fake_host.h"

static struct fake *fake;
static const hg_guard *guard;

static void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    guard = fake_iface(fake, HG_GUARD);
}

static void teardown(void)
{
    fake_free(&fake);
}

static void create(const char *settings)
{
    if (fake_create(fake, settings) != HG_OK)
        ck_abort_msg("create: %s", fake_failure(fake));
}

struct result {
    hg_rc rc;
    uint32_t action;
    char code[64], message[128], details[256];
    char text[8][4096]; /* after the edits */
};

/* Applies the edits from right to left and insists that they are in order and apart. */
static void edits_apply(const hg_verdict *verdict, const hg_text *texts, size_t n,
                        struct result *result)
{
    for (size_t i = 0; i < n && i < 8; i++)
        snprintf(result->text[i], sizeof *result->text, "%.*s", TEXT_ARG(texts[i].text));
    for (size_t i = verdict->n_edits; i-- > 0;) {
        const hg_edit *edit = &verdict->edits[i];
        const hg_edit *next = i + 1 < verdict->n_edits ? edit + 1 : NULL;
        char *text = result->text[edit->text], tail[4096];

        ck_assert_uint_lt(edit->text, n);
        ck_assert(edit->n > 0 && edit->at + edit->n <= texts[edit->text].text.n);
        ck_assert(!next || next->text > edit->text || edit->at + edit->n <= next->at);
        strcpy(tail, text + edit->at + edit->n);
        snprintf(text + edit->at, sizeof *result->text - edit->at, "%.*s%s", TEXT_ARG(edit->with),
                 tail);
    }
}

static struct result check_in(const hg_guard_in *in)
{
    struct result result = {0};
    hg_verdict verdict = {.size = sizeof verdict};
    hg_op op = fake_op(fake, NULL);

    result.rc = guard->check(fake_state(fake), op, in, &verdict);
    result.action = verdict.action;
    snprintf(result.code, sizeof result.code, "%.*s", TEXT_ARG(verdict.code));
    snprintf(result.message, sizeof result.message, "%.*s", TEXT_ARG(verdict.message));
    snprintf(result.details, sizeof result.details, "%.*s", TEXT_ARG(verdict.details));
    if (verdict.details.n)
        fake_json(fake, result.details);
    if (result.rc == HG_OK)
        edits_apply(&verdict, in->texts, in->n_texts, &result);
    fake_end(fake, op, result.rc);
    return result;
}

static struct result check_stage(uint32_t stage, const char *const *texts)
{
    hg_text list[8];
    size_t n = 0;

    for (; texts[n]; n++)
        list[n] = (hg_text){.role = HG_ROLE_USER, .part = (uint32_t)n, .text = text_of(texts[n])};
    return check_in(
        &(hg_guard_in){.size = sizeof(hg_guard_in), .stage = stage, .texts = list, .n_texts = n});
}

static struct result check(const char *text)
{
    return check_stage(HG_STAGE_REQUEST, (const char *const[]){text, NULL});
}

START_TEST(a_clean_text_passes)
{
    create("{\"deny\":[\"bad\"],\"redact\":[\"\\\\d{6}\"],\"sets\":[\"email\"]}");
    struct result r = check("nothing to see");

    ck_assert_int_eq(r.rc, HG_OK);
    ck_assert_uint_eq(r.action, HG_PASS);
    ck_assert_str_eq(r.details, "");
    ck_assert_uint_eq(check("").action, HG_PASS);
}
END_TEST

START_TEST(a_denied_pattern_says_no_with_its_own_words)
{
    create("{\"deny\":[\"one\",{\"pattern\":\"two+\",\"message\":\"No two.\",\"code\":\"c2\"}]}");
    struct result r = check("it is twooo");

    ck_assert_uint_eq(r.action, HG_DENY);
    ck_assert_str_eq(r.code, "c2");
    ck_assert_str_eq(r.message, "No two.");
    ck_assert_str_eq(r.details, "{\"rule\":\"deny[1]\"}");
    r = check("one");
    ck_assert_uint_eq(r.action, HG_DENY);
    ck_assert_str_eq(r.code, "content_denied");
    ck_assert_uint_eq(check("ONE").action, HG_PASS);
}
END_TEST

START_TEST(case_can_be_ignored)
{
    create("{\"deny\":[\"stra\\u00dfe\"],\"ignore_case\":true}");
    ck_assert_uint_eq(check("STRA\xe1\xba\x9e"
                            "E")
                          .action,
                      HG_DENY);
}
END_TEST

START_TEST(every_text_is_judged)
{
    create("{\"deny\":[\"bad\"],\"redact\":[\"\\\\d+\"]}");
    struct result r =
        check_stage(HG_STAGE_REQUEST, (const char *const[]){"a 1", "b", "22 c 333", NULL});

    ck_assert_uint_eq(r.action, HG_REDACT);
    ck_assert_str_eq(r.text[0], "a [REDACTED]");
    ck_assert_str_eq(r.text[1], "b");
    ck_assert_str_eq(r.text[2], "[REDACTED] c [REDACTED]");
    r = check_stage(HG_STAGE_REQUEST, (const char *const[]){"a 1", "b", "bad", NULL});
    ck_assert_uint_eq(r.action, HG_DENY);
}
END_TEST

START_TEST(edits_count_bytes_and_never_overlap)
{
    create("{\"redact\":[{\"pattern\":\"abc\",\"with\":\"<1>\"},{\"pattern\":\"bcd\",\"with\":"
           "\"<2>\"},{\"pattern\":\"\xe2\x82\xac+\",\"with\":\"\"},{\"pattern\":\"d\",\"with\":"
           "\"<3>\"}]}");
    ck_assert_str_eq(check("\xc3\xa4 abc bcd").text[0], "\xc3\xa4 <1> <2>");
    ck_assert_str_eq(check("xabcdx").text[0], "x<1>x"); /* what both found is gone */
    ck_assert_str_eq(check("abcabc").text[0], "<1><1>");
    ck_assert_str_eq(check("5 \xe2\x82\xac\xe2\x82\xac, d").text[0], "5 , <3>");
}
END_TEST

START_TEST(sets_redact_deny_or_flag)
{
    static const char text[] = "mail a@b.de, card 4111 1111 1111 1111";

    create("{\"sets\":[\"email\",\"credit_card\"]}");
    struct result r = check(text);

    ck_assert_uint_eq(r.action, HG_REDACT);
    ck_assert_str_eq(r.text[0], "mail [EMAIL], card [CREDIT_CARD]");
    ck_assert_str_eq(r.details, "{\"sets\":[\"email\",\"credit_card\"],\"edits\":2}");
    fake_destroy(fake);
    create("{\"sets\":[\"email\",\"credit_card\"],\"action\":\"deny\"}");
    r = check(text);
    ck_assert_uint_eq(r.action, HG_DENY);
    ck_assert_str_eq(r.code, "sensitive_data");
    ck_assert_ptr_null(strstr(r.details, "a@b"));
    fake_destroy(fake);
    create("{\"sets\":[\"email\",\"credit_card\"],\"action\":\"flag\"}");
    r = check(text);
    ck_assert_uint_eq(r.action, HG_FLAG);
    ck_assert_str_eq(r.text[0], text);
}
END_TEST

START_TEST(only_its_stages_are_judged)
{
    const char *const texts[] = {"bad", NULL};

    create("{\"deny\":[\"bad\"],\"stages\":[\"response\"]}");
    ck_assert_uint_eq(check_stage(HG_STAGE_REQUEST, texts).action, HG_PASS);
    ck_assert_uint_eq(check_stage(HG_STAGE_RESPONSE, texts).action, HG_DENY);
    ck_assert_uint_eq(check_stage(HG_STAGE_WINDOW, texts).action, HG_DENY);
    fake_destroy(fake);
    create("{\"deny\":[\"bad\"],\"stages\":[\"request\"]}");
    ck_assert_uint_eq(check_stage(HG_STAGE_REQUEST, texts).action, HG_DENY);
    ck_assert_uint_eq(check_stage(HG_STAGE_WINDOW, texts).action, HG_PASS);
}
END_TEST

/* A stream as the host cuts it: each piece with the end of the one before. */
START_TEST(what_crosses_two_pieces_of_a_stream_is_found)
{
    static const char text[] = "write to john.doe@example.co.uk or +49 30 23125 469 today";

    create("{\"sets\":[\"email\",\"phone\"],\"redact\":[\"today\"]}");
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        hg_text piece = {.role = HG_ROLE_ASSISTANT, .text = {text, cut}};
        struct result r = check_in(&(hg_guard_in){
            .size = sizeof(hg_guard_in), .stage = HG_STAGE_WINDOW, .texts = &piece, .n_texts = 1});

        /* nothing is changed that is not whole */
        ck_assert(!strstr(r.text[0], "].") && !strstr(r.text[0], "]u"));
        if (cut > 13 && cut < 31)
            ck_assert_uint_eq(r.action, HG_PASS);
        piece.text.n = sizeof text - 1;
        r = check_in(&(hg_guard_in){.size = sizeof(hg_guard_in),
                                    .stage = HG_STAGE_WINDOW,
                                    .texts = &piece,
                                    .n_texts = 1,
                                    .overlap = (uint32_t)cut,
                                    .last = 1});
        ck_assert_str_eq(r.text[0], "write to [EMAIL] or [PHONE] [REDACTED]");
    }
}
END_TEST

START_TEST(a_denied_pattern_at_the_end_of_a_piece_is_denied_at_once)
{
    hg_text piece = {.text = HG_S("this is bad")};

    create("{\"deny\":[\"bad\"]}");
    ck_assert_uint_eq(check_in(&(hg_guard_in){.size = sizeof(hg_guard_in),
                                              .stage = HG_STAGE_WINDOW,
                                              .texts = &piece,
                                              .n_texts = 1})
                          .action,
                      HG_DENY);
}
END_TEST

START_TEST(a_pattern_at_its_limits_fails_and_does_not_pass)
{
    static const char *const settings[] = {"{\"deny\":[\"(a+)+$\"]}", "{\"redact\":[\"(a+)+$\"]}",
                                           "{\"deny\":[\"(*NO_JIT)(a+)+$\"]}",
                                           "{\"deny\":[\"^(.|a)*[cd]\"],\"match_limit\":100}"};

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        create(settings[i]);
        struct result r = check("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");

        ck_assert_msg(r.rc == HG_E_INTERNAL, "%s: %d", settings[i], r.rc);
        ck_assert_uint_eq(r.action, HG_PASS);
        ck_assert_ptr_nonnull(strstr(fake_failure(fake), "limits"));
        fake_destroy(fake);
    }
}
END_TEST

START_TEST(text_that_is_not_utf_8_is_judged_all_the_same)
{
    create("{\"deny\":[\"b\xc3\xa4"
           "d\"],\"redact\":[\"\\\\d+\"],\"sets\":[\"email\"]}");
    ck_assert_uint_eq(check("\xff\xfe b\xc3\xa4"
                            "d \xc3")
                          .action,
                      HG_DENY);
    ck_assert_str_eq(check("\xc3 12 \xff a@b.de \x80").text[0],
                     "\xc3 [REDACTED] \xff [EMAIL] \x80");
}
END_TEST

START_TEST(a_text_with_zero_bytes_is_judged_to_its_end)
{
    hg_text text = {.text = HG_S("a\0b bad")};

    create("{\"deny\":[\"bad\"]}");
    ck_assert_uint_eq(check_in(&(hg_guard_in){.size = sizeof(hg_guard_in),
                                              .stage = HG_STAGE_REQUEST,
                                              .texts = &text,
                                              .n_texts = 1})
                          .action,
                      HG_DENY);
}
END_TEST

START_TEST(many_matches_need_memory_and_have_an_end)
{
    size_t size = 300000;
    char *digits = malloc(size);
    hg_text text = {.text = {digits, size}};
    hg_guard_in in = {.size = sizeof in, .stage = HG_STAGE_REQUEST, .texts = &text, .n_texts = 1};
    hg_verdict verdict = {.size = sizeof verdict};

    for (size_t i = 0; i < size; i++)
        digits[i] = i % 2 ? ' ' : '1';
    create("{\"redact\":[\"\\\\d\"]}");
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(guard->check(fake_state(fake), op, &in, &verdict), HG_E_TOOBIG);
    text.text.n = 20000;
    ck_assert_int_eq(guard->check(fake_state(fake), op, &in, &verdict), HG_OK);
    ck_assert_uint_eq(verdict.n_edits, 10000);
    fake_set_alloc_limit(fake, 64 * 1024);
    ck_assert_int_eq(guard->check(fake_state(fake), op, &in, &verdict), HG_E_NOMEM);
    fake_end(fake, op, HG_OK);
    free(digits);
}
END_TEST

static const struct {
    const char *settings, *says;
} bad_settings[] = {
    {"{}", "would judge nothing"},
    {"{\"deny\":[]}", "would judge nothing"},
    {"{\"deny\":[\"(\"]}", "deny[0]: missing closing parenthesis"},
    {"{\"deny\":[\"a\",\"b[\"]}", "deny[1]"},
    {"{\"deny\":[\"\"]}", "needs a pattern"},
    {"{\"deny\":[{\"message\":\"x\"}]}", "needs a pattern"},
    {"{\"deny\":[5]}", "needs a pattern"},
    {"{\"redact\":[\"a*\"]}", "matches the empty text"},
    {"{\"redact\":[\"\\\\C\"]}", "redact[0]"},
    {"{\"sets\":[\"emial\"]}", "no set \"emial\""},
    {"{\"sets\":[\"email\"],\"action\":\"laugh\"}", "action"},
    {"{\"deny\":[\"a\"],\"stages\":[\"sometimes\"]}", "stages"},
    {"{\"deny\":[\"a\"],\"stages\":[]}", "stages"},
    {"{\"deny\":[\"a\"],\"match_limit\":1}", "match_limit"},
};

START_TEST(wrong_settings_are_refused_with_a_reason)
{
    ck_assert_int_eq(fake_create(fake, bad_settings[_i].settings), HG_E_CONFIG);
    ck_assert_msg(strstr(fake_failure(fake), bad_settings[_i].says) != NULL, "%s",
                  fake_failure(fake));
}
END_TEST

/* Prints what a check of 2 KB costs here; a slow machine is no failure. */
START_TEST(a_check_is_quick)
{
    static const char *const settings[] = {
        "{\"deny\":[\"(?i)project bluebird\",\"\\\\bDROP TABLE\\\\b\",\"ignore (all )?previous "
        "instructions\"],\"redact\":[\"\\\\bEMP-\\\\d{6}\\\\b\",\"secret-[a-z]{8}\"]}",
        "{\"sets\":[\"email\",\"credit_card\",\"us_ssn\",\"phone\",\"iban\",\"ipv4\",\"api_key\"]"
        "}"};
    static const char words[] =
        "The quick brown fox, 42 years old, jumps over the lazy dog again. ";
    enum {
        ROUNDS = 5000
    };
    char text[2048];
    hg_text part = {.text = {text, sizeof text}};
    hg_guard_in in = {.size = sizeof in, .stage = HG_STAGE_REQUEST, .texts = &part, .n_texts = 1};
    hg_verdict verdict = {.size = sizeof verdict};
    struct timespec a, b;
    int good = 0;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = words[i % (sizeof words - 1)];
    create(settings[_i]);
    hg_op op = fake_op(fake, NULL);

    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < ROUNDS; i++)
        good += guard->check(fake_state(fake), op, &in, &verdict) == HG_OK;
    clock_gettime(CLOCK_MONOTONIC, &b);
    fake_end(fake, op, HG_OK);
    ck_assert_int_eq(good, ROUNDS);
    ck_assert_uint_eq(verdict.action, HG_PASS);
    printf("%s, 2 KB: %.1f us\n", _i ? "seven sets" : "five patterns",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / ROUNDS / 1e3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("regex");
    TCase *tc = tcase_create("regex");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_clean_text_passes);
    tcase_add_test(tc, a_denied_pattern_says_no_with_its_own_words);
    tcase_add_test(tc, case_can_be_ignored);
    tcase_add_test(tc, every_text_is_judged);
    tcase_add_test(tc, edits_count_bytes_and_never_overlap);
    tcase_add_test(tc, sets_redact_deny_or_flag);
    tcase_add_test(tc, only_its_stages_are_judged);
    tcase_add_test(tc, what_crosses_two_pieces_of_a_stream_is_found);
    tcase_add_test(tc, a_denied_pattern_at_the_end_of_a_piece_is_denied_at_once);
    tcase_add_test(tc, a_pattern_at_its_limits_fails_and_does_not_pass);
    tcase_add_test(tc, text_that_is_not_utf_8_is_judged_all_the_same);
    tcase_add_test(tc, a_text_with_zero_bytes_is_judged_to_its_end);
    tcase_add_test(tc, many_matches_need_memory_and_have_an_end);
    tcase_add_loop_test(tc, wrong_settings_are_refused_with_a_reason, 0,
                        (int)(sizeof bad_settings / sizeof *bad_settings));
    tcase_add_loop_test(tc, a_check_is_quick, 0, 2);
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
