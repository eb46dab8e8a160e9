/* digest.h - SHA-256 and keyed fingerprints, incremental, and SHA-1 for WebSocket; with net/tls*.c
 * the only users of OpenSSL. Algorithms are looked up once a process, because OpenSSL 3 otherwise
 * does so for each use. */
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

/* SHA-1 at once, for protocols that ask for it where nothing has to be kept safe. */
enum {
    SHA1_SIZE = 20
};

void sha1_of(hg_str text, uint8_t out[SHA1_SIZE]);

/* A fingerprint: 128 bits of GMAC under a secret key, several times as fast as SHA-256. Nobody who
 * does not know the key can make two texts with the same one; so it must never be shown. */
enum {
    FINGERPRINT_KEY = 16,
    FINGERPRINT_SIZE = 16
};

struct fingerprint;

struct fingerprint *fingerprint_new(const uint8_t key[FINGERPRINT_KEY]);
void fingerprint_free(struct fingerprint **fingerprint);
void fingerprint_begin(struct fingerprint *fingerprint);
void fingerprint_add(struct fingerprint *fingerprint, const void *p, size_t n);
void fingerprint_end(struct fingerprint *fingerprint, uint8_t out[FINGERPRINT_SIZE]);

/* Fills `p` with `n` random bytes fit for keys. */
void random_fill(void *p, size_t n);
