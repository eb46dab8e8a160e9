/* digest.h - SHA-256, incremental; with net/tls.c the only users of OpenSSL. The algorithm is
 * looked up once a process, because OpenSSL 3 otherwise does so for each digest. */
#pragma once

#include <headgate/abi.h>

enum {
    DIGEST_SIZE = 32
};

struct digest;

struct digest *digest_new(void);
void digest_free(struct digest **digest);
void digest_begin(struct digest *digest); /* also after digest_end, to use it again */
void digest_add(struct digest *digest, const void *p, size_t n);
void digest_end(struct digest *digest, uint8_t out[DIGEST_SIZE]);

/* Fills `p` with `n` random bytes fit for keys. */
void random_fill(void *p, size_t n);
