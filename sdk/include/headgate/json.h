/* headgate/json.h - JSON: a lazy index for reading, a checked writer.
 *
 * A document is checked once, whole, when it is parsed; depth is walked only where you ask. Numbers
 * and key order are kept as they were written. */
#ifndef HEADGATE_JSON_H
#define HEADGATE_JSON_H

#include <headgate/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HG_J_NONE, /* absent */
    HG_J_NULL,
    HG_J_FALSE,
    HG_J_TRUE,
    HG_J_NUM,
    HG_J_STR,
    HG_J_ARR,
    HG_J_OBJ
};

/* A value inside a document; valid as long as the document is. {0} is an absent value, and every
 * function below takes one. */
typedef struct hg_json {
    const void *doc;
    uint32_t at, kind;
} hg_json;

/* A place in an object or array; start with {0}. */
typedef struct hg_json_it {
    uint64_t priv[2];
} hg_json_it;

typedef struct hg_json_api {
    uint32_t size, reserved;

    /* Checks `text`, which must stay valid until the op ends, and gives its root. HG_E_INPUT if it
     * is not JSON, is nested too deep or repeats a key at the top level. */
    hg_rc (*parse)(hg_op, hg_str text, hg_json *root);

    /* The value at an RFC 6901 pointer ("/messages/0/content"); kind HG_J_NONE if absent. */
    hg_json (*get)(hg_json, const char *pointer);

    /* The next member or element: 1 if there is one, 0 at the end. `key` is the raw text between
     * the quotes, empty for elements. `key` and `val` may be NULL. */
    int (*next)(hg_json, hg_json_it *, hg_str *key, hg_json *val);

    /* A string's text without escapes; a copy in the op's memory only if it had some. Empty for
     * other kinds. */
    hg_str (*str)(hg_op, hg_json);

    /* The value as it was written. */
    hg_str (*raw)(hg_json);

    /* A number; `dflt` if it is not one, or does not fit. */
    int64_t (*i64)(hg_json, int64_t dflt);
    double (*f64)(hg_json, double dflt);

    /* The writer puts commas and colons. A call that does not fit its place (a value without a key
     * inside an object) marks the output as broken, and the op that sends it fails. */
    void (*obj)(hg_out *);
    void (*arr)(hg_out *);
    void (*end)(hg_out *); /* closes the innermost object or array */
    void (*key)(hg_out *, const char *);
    void (*put_str)(hg_out *, hg_str); /* escapes; bytes that are not UTF-8 become U+FFFD */
    void (*put_i64)(hg_out *, int64_t);
    void (*put_f64)(hg_out *, double);      /* NaN and infinities become null */
    void (*put_bool)(hg_out *, int);        /* less than 0 writes null */
    void (*put_raw)(hg_out *, hg_str json); /* must be one whole JSON value */
} hg_json_api;

#ifdef __cplusplus
}
#endif
#endif
