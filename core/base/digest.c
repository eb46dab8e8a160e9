#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
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
