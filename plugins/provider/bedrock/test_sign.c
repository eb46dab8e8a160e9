/* The vectors of the signature, and what makes one wrong. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

static const char body[] = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}";

static char *sign(hg_str token, const char *payload)
{
    hg_header headers[4] = {{HG_S("x-amz-date"), HG_S("20260101T000000Z")},
                            {HG_S("content-type"), HG_S(" application/json ")},
                            {HG_S("x-amz-content-sha256"), {payload, SIGN_HASH}},
                            {HG_S("x-amz-security-token"), token}};
    struct sign_key key = {HG_S("AKIDEXAMPLE"), HG_S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                           token};
    struct sign_request request = {
        .method = HG_S("POST"),
        .host = HG_S("bedrock-runtime.us-east-1.amazonaws.com"),
        .path = HG_S("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"),
        .headers = headers,
        .n_headers = token.n ? 4 : 3,
        .payload = payload,
        .date = "20260101T000000Z",
        .region = HG_S("us-east-1"),
        .service = HG_S("bedrock")};
    size_t n;
    char *made = sign_make(&request, &key, &n), *text = malloc(n + 1);

    memcpy(text, made, n);
    text[n] = 0;
    free(made);
    return text;
}

static void hash(const char *text, char hex[SIGN_HASH])
{
    struct sign_digest *digest = sign_digest_new();

    sign_digest_add(digest, (hg_str){text, 7});
    sign_digest_add(digest, (hg_str){text + 7, strlen(text) - 7});
    sign_digest_end(digest, hex);
}

START_TEST(the_published_vectors_come_out)
{
    char hex[SIGN_HASH], *text;

    hash(body, hex);
    ck_assert_mem_eq(hex, "c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0", 64);
    text = sign((hg_str){NULL, 0}, hex);
    ck_assert_str_eq(
        text, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, "
              "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, "
              "Signature=0ba75b620d576a88ec4ba4185b58b72e2a872c4168b12c89c926533f1513f75e");
    free(text);
    text = sign(HG_S("TOKENEXAMPLE"), hex);
    ck_assert_ptr_nonnull(
        strstr(text, "=b28968bcb6370e7fc7fd855d71863b5ce9ff5fa987d0ddf56363874cf985d738"));
    free(text);
}
END_TEST

START_TEST(dates_are_written_as_aws_does)
{
    char date[SIGN_DATE + 1];

    sign_date(1767225600, date);
    ck_assert_str_eq(date, "20260101T000000Z");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("provider/bedrock/sign");
    TCase *tcase = tcase_create("sign");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, the_published_vectors_come_out);
    tcase_add_test(tcase, dates_are_written_as_aws_does);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
