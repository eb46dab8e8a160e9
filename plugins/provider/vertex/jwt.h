/* jwt.h - what a service account says of itself, signed: RFC 7523, RS256. */
#pragma once

#include <headgate/abi.h>

/* A private key in PEM's form; NULL if it is none, or no RSA key of at least 2048 bits. */
void *jwt_key_read(hg_str pem);
void jwt_key_free(void *key);

/* The assertion, malloced and NUL-terminated: header and claims are JSON. NULL if it cannot be
 * signed. */
char *jwt_sign(void *key, hg_str header, hg_str claims);
