#include "base/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/ensure.h"
#include "base/memory.h"

struct digest {
    EVP_MD_CTX *ctx;
    EVP_MD *sha256;
};

struct digest *digest_new(void)
{
    struct digest *digest = xcalloc(1, sizeof *digest);

    digest->ctx = EVP_MD_CTX_new();
    digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ensure(digest->ctx && digest->sha256);
    return digest;
}

void digest_free(struct digest **digest)
{
    if (*digest) {
        EVP_MD_CTX_free((*digest)->ctx);
        EVP_MD_free((*digest)->sha256);
        free(*digest);
    }
    *digest = NULL;
}

void digest_begin(struct digest *digest)
{
    ensure(EVP_DigestInit_ex2(digest->ctx, digest->sha256, NULL));
}

void digest_add(struct digest *digest, const void *p, size_t n)
{
    ensure(EVP_DigestUpdate(digest->ctx, p, n));
}

void digest_end(struct digest *digest, uint8_t out[DIGEST_SIZE])
{
    ensure(EVP_DigestFinal_ex(digest->ctx, out, NULL));
}

void sha1_of(hg_str text, uint8_t out[SHA1_SIZE])
{
    ensure(EVP_Digest(text.p, text.n, out, NULL, EVP_sha1(), NULL));
}

enum {
    GCM_BLOCK = 16,
    GATHERED = 16 * GCM_BLOCK
};

/* A call into OpenSSL costs as much as a few hundred bytes, so small pieces are gathered; and all
 * but the last call get whole blocks, which it takes without copies. */
struct fingerprint {
    EVP_CIPHER_CTX *ctx;
    EVP_CIPHER *gcm;
    uint8_t gathered[GATHERED];
    size_t count;
};

struct fingerprint *fingerprint_new(const uint8_t key[FINGERPRINT_KEY])
{
    struct fingerprint *fingerprint = xcalloc(1, sizeof *fingerprint);

    fingerprint->ctx = EVP_CIPHER_CTX_new();
    fingerprint->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    ensure(fingerprint->ctx && fingerprint->gcm);
    ensure(EVP_EncryptInit_ex2(fingerprint->ctx, fingerprint->gcm, key, NULL, NULL));
    return fingerprint;
}

void fingerprint_free(struct fingerprint **fingerprint)
{
    if (*fingerprint) {
        EVP_CIPHER_CTX_free((*fingerprint)->ctx);
        EVP_CIPHER_free((*fingerprint)->gcm);
        free(*fingerprint);
    }
    *fingerprint = NULL;
}

/* The nonce may be the same each time, because the tags are shown to nobody: then GMAC is a
 * universal hash under a secret key, and that is all that is asked of it here. */
void fingerprint_begin(struct fingerprint *fingerprint)
{
    static const uint8_t nonce[12];

    ensure(EVP_EncryptInit_ex2(fingerprint->ctx, NULL, NULL, nonce, NULL));
    fingerprint->count = 0;
}

static void text_add(struct fingerprint *fingerprint, const uint8_t *p, size_t n)
{
    int unused;

    while (n > INT_MAX / 2) {
        ensure(EVP_EncryptUpdate(fingerprint->ctx, NULL, &unused, p, INT_MAX / 2 + 1));
        p += INT_MAX / 2 + 1;
        n -= INT_MAX / 2 + 1;
    }
    if (n)
        ensure(EVP_EncryptUpdate(fingerprint->ctx, NULL, &unused, p, (int)n));
}

static size_t gather(struct fingerprint *fingerprint, const uint8_t *p, size_t n)
{
    size_t room = GATHERED - fingerprint->count, taken = n < room ? n : room;

    memcpy(fingerprint->gathered + fingerprint->count, p, taken);
    fingerprint->count += taken;
    return taken;
}

void fingerprint_add(struct fingerprint *fingerprint, const void *p, size_t n)
{
    const uint8_t *from = p;

    if (!n)
        return;
    size_t taken = gather(fingerprint, from, n);

    if (fingerprint->count < GATHERED)
        return;
    text_add(fingerprint, fingerprint->gathered, GATHERED);
    fingerprint->count = 0;
    from += taken;
    n -= taken;
    size_t blocks = n < GATHERED ? 0 : n - n % GCM_BLOCK;

    text_add(fingerprint, from, blocks);
    if (n > blocks)
        gather(fingerprint, from + blocks, n - blocks);
}

void fingerprint_end(struct fingerprint *fingerprint, uint8_t out[FINGERPRINT_SIZE])
{
    uint8_t none[16];
    int unused;

    text_add(fingerprint, fingerprint->gathered, fingerprint->count);
    ensure(EVP_EncryptFinal_ex(fingerprint->ctx, none, &unused));
    ensure(EVP_CIPHER_CTX_ctrl(fingerprint->ctx, EVP_CTRL_AEAD_GET_TAG, FINGERPRINT_SIZE, out));
}

void random_fill(void *p, size_t n)
{
    char *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);

        ensure(got > 0);
        at += got;
        n -= (size_t)got;
    }
}
