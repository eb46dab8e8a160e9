#include "sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/words.h"

enum {
    DIGEST = 32,
    PARAMS_MAX = 64
};

static void hex_put(char *at, const unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST; i++) {
        at[2 * i] = digits[bytes[i] >> 4];
        at[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* ---- digests ------------------------------------------------------------------------------ */

struct sign_digest *sign_digest_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context && !EVP_DigestInit_ex(context, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct sign_digest *)(void *)context;
}

void sign_digest_add(struct sign_digest *digest, hg_str piece)
{
    if (piece.n)
        EVP_DigestUpdate((EVP_MD_CTX *)(void *)digest, piece.p, piece.n);
}

void sign_digest_end(struct sign_digest *digest, char ret_hex[SIGN_HASH])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];

    EVP_DigestFinal_ex((EVP_MD_CTX *)(void *)digest, bytes, NULL);
    EVP_MD_CTX_free((EVP_MD_CTX *)(void *)digest);
    hex_put(ret_hex, bytes);
}

static bool hash_hex(hg_str text, char ret_hex[SIGN_HASH])
{
    struct sign_digest *digest = sign_digest_new();

    if (!digest)
        return false;
    sign_digest_add(digest, text);
    sign_digest_end(digest, ret_hex);
    return true;
}

static bool hmac(const void *key, size_t key_n, hg_str text, unsigned char out[DIGEST])
{
    return HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)text.p, text.n, out, NULL);
}

void sign_date(int64_t wall, char ret_date[SIGN_DATE + 1])
{
    time_t seconds = (time_t)wall;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(ret_date, SIGN_DATE + 1, "%Y%m%dT%H%M%SZ", &tm);
}

/* ---- the canonical request ---------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

char *sign_encode(char *at, hg_str text, bool keeps_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (is_unreserved((char)c) || (c == '/' && keeps_slash)) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    return at;
}

static int header_order(const void *a, const void *b)
{
    const hg_header *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);

    return order ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

/* Without white space at both ends, and with one space where there was some. */
static char *value_put(char *at, hg_str value)
{
    char *start = at;

    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i] == '\t' ? ' ' : value.p[i];

        if (c != ' ' || (at > start && at[-1] != ' '))
            *at++ = c;
    }
    return at > start && at[-1] == ' ' ? at - 1 : at;
}

static char *names_put(char *at, const hg_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            *at++ = ';';
        at = word_put(at, headers[i].name);
    }
    return at;
}

/* Parameters are encoded already, as they came. */
static char *query_put(char *at, hg_str query)
{
    hg_header params[PARAMS_MAX];
    size_t n = 0;

    while (query.n && n < PARAMS_MAX) {
        const char *end = memchr(query.p, '&', query.n);
        size_t len = end ? (size_t)(end - query.p) : query.n;

        params[n++] = (hg_header){{query.p, len}, {NULL, 0}};
        query.p += len + (end != NULL);
        query.n -= len + (end != NULL);
    }
    if (n > 1)
        qsort(params, n, sizeof *params, header_order);
    for (size_t i = 0; i < n; i++) {
        if (i)
            *at++ = '&';
        at = word_put(at, params[i].name);
        if (params[i].name.n && !memchr(params[i].name.p, '=', params[i].name.n))
            *at++ = '=';
    }
    return at;
}

static size_t canonical_size(const struct sign_request *request, const hg_header *headers, size_t n)
{
    size_t size =
        request->method.n + 3 * request->path.n + request->query.n + PARAMS_MAX + SIGN_HASH + 16;

    for (size_t i = 0; i < n; i++)
        size += 2 * headers[i].name.n + headers[i].value.n + 4;
    return size;
}

static bool canonical_hash(const struct sign_request *request, const hg_header *headers, size_t n,
                           char ret_hex[SIGN_HASH])
{
    char *text = malloc(canonical_size(request, headers, n)), *at = text;
    bool ok;

    if (!text)
        return false;
    at = word_put(at, request->method);
    *at++ = '\n';
    at = request->path.n ? sign_encode(at, request->path, true) : word_put(at, HG_S("/"));
    *at++ = '\n';
    at = query_put(at, request->query);
    *at++ = '\n';
    for (size_t i = 0; i < n; i++) {
        at = word_put(at, headers[i].name);
        *at++ = ':';
        at = value_put(at, headers[i].value);
        *at++ = '\n';
    }
    *at++ = '\n';
    at = names_put(at, headers, n);
    *at++ = '\n';
    at = word_put(at, (hg_str){request->payload, SIGN_HASH});
    ok = hash_hex((hg_str){text, (size_t)(at - text)}, ret_hex);
    explicit_bzero(text, (size_t)(at - text)); /* a session token is in it */
    free(text);
    return ok;
}

/* ---- the signature ------------------------------------------------------------------------ */

static bool signing_key(const struct sign_request *request, const struct sign_key *key,
                        unsigned char out[DIGEST])
{
    char *first = malloc(4 + key->secret.n);
    bool ok;

    if (!first)
        return false;
    word_put(word_put(first, HG_S("AWS4")), key->secret);
    ok = hmac(first, 4 + key->secret.n, (hg_str){request->date, 8}, out) &&
         hmac(out, DIGEST, request->region, out) && hmac(out, DIGEST, request->service, out) &&
         hmac(out, DIGEST, HG_S("aws4_request"), out);
    explicit_bzero(first, 4 + key->secret.n);
    free(first);
    return ok;
}

static bool signature_make(const struct sign_request *request, const struct sign_key *key,
                           hg_str scope, const char *hash, char ret_hex[SIGN_HASH])
{
    unsigned char signing[DIGEST], bytes[DIGEST];
    size_t size = 20 + SIGN_DATE + scope.n + SIGN_HASH;
    char *text = malloc(size), *at = text;
    bool ok;

    if (!text)
        return false;
    at = word_put(at, HG_S("AWS4-HMAC-SHA256\n"));
    at = word_put(at, (hg_str){request->date, SIGN_DATE});
    *at++ = '\n';
    at = word_put(at, scope);
    *at++ = '\n';
    at = word_put(at, (hg_str){hash, SIGN_HASH});
    ok = signing_key(request, key, signing) &&
         hmac(signing, DIGEST, (hg_str){text, (size_t)(at - text)}, bytes);
    free(text);
    explicit_bzero(signing, sizeof signing);
    if (ok)
        hex_put(ret_hex, bytes);
    return ok;
}

char *sign_make(const struct sign_request *request, const struct sign_key *key, size_t *ret_n)
{
    hg_header headers[SIGN_HEADERS_MAX + 1];
    char hash[SIGN_HASH], signature[SIGN_HASH], scope[256], *value, *at;
    size_t n = request->n_headers, size;

    if (n > SIGN_HEADERS_MAX || request->region.n + request->service.n > 200)
        return NULL;
    memcpy(headers, request->headers, n * sizeof *headers);
    headers[n++] = (hg_header){HG_S("host"), request->host};
    qsort(headers, n, sizeof *headers, header_order);
    at = word_put(scope, (hg_str){request->date, 8});
    *at++ = '/';
    at = word_put(at, request->region);
    *at++ = '/';
    at = word_put(at, request->service);
    at = word_put(at, HG_S("/aws4_request"));
    hg_str scope_text = {scope, (size_t)(at - scope)};

    if (!canonical_hash(request, headers, n, hash) ||
        !signature_make(request, key, scope_text, hash, signature))
        return NULL;
    size = 100 + key->id.n + scope_text.n + SIGN_HASH;
    for (size_t i = 0; i < n; i++)
        size += headers[i].name.n + 1;
    value = malloc(size);
    if (!value)
        return NULL;
    at = word_put(word_put(value, HG_S("AWS4-HMAC-SHA256 Credential=")), key->id);
    *at++ = '/';
    at = word_put(word_put(at, scope_text), HG_S(", SignedHeaders="));
    at = names_put(at, headers, n);
    at = word_put(at, HG_S(", Signature="));
    at = word_put(at, (hg_str){signature, SIGN_HASH});
    *ret_n = (size_t)(at - value);
    return value;
}
