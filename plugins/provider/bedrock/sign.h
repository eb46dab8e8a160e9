/* sign.h - AWS Signature Version 4 of one request. */
#pragma once

#include <stdbool.h>

#include <headgate/services.h>

enum {
    SIGN_HASH = 64, /* SHA-256 in hex */
    SIGN_DATE = 16, /* 20260101T000000Z */
    SIGN_HEADERS_MAX = 24
};

/* Credentials as they stand now; token may be empty. */
struct sign_key {
    hg_str id, secret, token;
};

struct sign_request {
    hg_str method, host, path, query; /* path as it goes over the wire; host with an odd port */
    const hg_header *headers;         /* lower-case names; all of them are signed, and host */
    size_t n_headers;
    const char *payload; /* SIGN_HASH characters */
    const char *date;    /* SIGN_DATE characters */
    hg_str region, service;
};

/* SHA-256 of a body, piece by piece; NULL if there is no memory. */
struct sign_digest;
struct sign_digest *sign_digest_new(void);
void sign_digest_add(struct sign_digest *digest, hg_str piece);
void sign_digest_end(struct sign_digest *digest, char ret_hex[SIGN_HASH]); /* frees it */

/* Seconds since 1970 as AWS writes them. */
void sign_date(int64_t wall, char ret_date[SIGN_DATE + 1]);

/* The value of the field `authorization`, malloced; NULL if there is no memory or there are too
 * many headers. */
char *sign_make(const struct sign_request *request, const struct sign_key *key, size_t *ret_n);

/* Percent-encodes all but unreserved characters, and "/" if it is to be kept, at most three bytes
 * for one; returns the end. */
char *sign_encode(char *at, hg_str text, bool keeps_slash);
