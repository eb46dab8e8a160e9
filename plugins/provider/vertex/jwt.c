#include "jwt.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum {
    KEY_BITS = 2048
};

/* A key with a passphrase is none: nobody is there to be asked for it. */
static int no_passphrase(char *room, int size, int is_new, void *arg)
{
    (void)room;
    (void)size;
    (void)is_new;
    (void)arg;
    return -1;
}

void *jwt_key_read(hg_str pem)
{
    BIO *in = pem.n && pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;

    BIO_free(in);
    ERR_clear_error();
    if (key && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < KEY_BITS)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

void jwt_key_free(void *key)
{
    EVP_PKEY_free(key);
}

/* Base64 for URLs, without padding. Returns the end. */
static char *base64_put(char *at, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < n; i += 3) {
        unsigned block = (unsigned)bytes[i] << 16;

        block |= i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0;
        block |= i + 2 < n ? (unsigned)bytes[i + 2] : 0;
        *at++ = digits[block >> 18];
        *at++ = digits[block >> 12 & 63];
        if (i + 1 < n)
            *at++ = digits[block >> 6 & 63];
        if (i + 2 < n)
            *at++ = digits[block & 63];
    }
    return at;
}

static unsigned char *signature_make(void *key, const char *text, size_t n, size_t *ret_n)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *made = NULL;

    if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, NULL, ret_n, (const unsigned char *)text, n) == 1)
        made = malloc(*ret_n);
    if (made && EVP_DigestSign(context, made, ret_n, (const unsigned char *)text, n) != 1) {
        free(made);
        made = NULL;
    }
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return made;
}

char *jwt_sign(void *key, hg_str header, hg_str claims)
{
    size_t room = (header.n + claims.n + (size_t)EVP_PKEY_get_size(key)) * 4 / 3 + 16, n = 0;
    char *text = malloc(room), *at = text;
    unsigned char *made;

    if (!text)
        return NULL;
    at = base64_put(at, (const unsigned char *)header.p, header.n);
    *at++ = '.';
    at = base64_put(at, (const unsigned char *)claims.p, claims.n);
    made = signature_make(key, text, (size_t)(at - text), &n);
    if (!made) {
        free(text);
        return NULL;
    }
    *at++ = '.';
    *base64_put(at, made, n) = '\0';
    free(made);
    return text;
}
