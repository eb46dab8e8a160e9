/* test_key.h - for the tests of this plugin: a service account, its key, and who has asked with
 * it. */
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "support/provider_stand.h"

#define TOKEN_URL "POST https://oauth2.googleapis.com/token"

static EVP_PKEY *key;
static char account[8192]; /* a key file, as JSON */
static char quoted[16384]; /* the same as a JSON string */

static inline void quote(char *to, const char *from)
{
    for (*to++ = '"'; *from; from++) {
        if (*from == '"' || *from == '\\')
            *to++ = '\\';
        if (*from == '\n') {
            *to++ = '\\';
            *to++ = 'n';
        } else {
            *to++ = *from;
        }
    }
    strcpy(to, "\"");
}

static inline void setup_once(void)
{
    static const char *const names[] = {"GOOGLE_APPLICATION_CREDENTIALS",
                                        "CLOUDSDK_CONFIG",
                                        "GOOGLE_CLOUD_PROJECT",
                                        "GCLOUD_PROJECT",
                                        "GOOGLE_CLOUD_LOCATION",
                                        "GOOGLE_CLOUD_REGION",
                                        "GCE_METADATA_HOST"};
    char pem[4096] = "", text[6000];
    BIO *out = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("HOME", "/nonexistent", 1);
    key = EVP_RSA_gen(2048);
    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    BIO_read(out, pem, sizeof pem - 1);
    BIO_free(out);
    quote(text, pem);
    snprintf(account, sizeof account,
             "{\"type\":\"service_account\",\"project_id\":\"prj\",\"private_key_id\":\"kid1\","
             "\"private_key\":%s,\"client_email\":\"me@prj.iam.gserviceaccount.com\"}",
             text);
    quote(quoted, account);
}

static inline void teardown_once(void)
{
    EVP_PKEY_free(key);
}

/* Settings are members, with those of a service account's key before them. */
static inline void create_with_key(const char *more)
{
    char settings[20000];

    snprintf(settings, sizeof settings, "{\"credentials\":%s%s%s}", quoted, *more ? "," : "", more);
    create(settings);
}

static inline void token_reply(int32_t status, const char *text)
{
    fake_reply(fake, TOKEN_URL, fake_response(fake, status, HG_OK, NULL, text_of(text)));
}

#define ANY_CHAT                                               \
    &(struct fake_request)                                     \
    {                                                          \
        CHAT, .model = "gemini-x", .body = "{\"messages\":[]}" \
    }

/* Attempts whose token is there already. */
static inline void ready(const char *more)
{
    struct attempt attempt;
    hg_rc rc;

    create_with_key(more);
    token_reply(200, "{\"access_token\":\"t1\",\"expires_in\":3599,\"token_type\":\"Bearer\"}");
    attempt_begin(&attempt, ANY_CHAT, HG_PENDING);
    fake_run(fake);
    ck_assert(fake_is_done(fake, attempt.op, &rc));
    ck_assert_int_eq(rc, HG_OK);
    fake_end(fake, attempt.op, rc);
}
