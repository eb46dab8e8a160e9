/* head.h - the head of a message: start line and header fields, as views into the bytes that were
 * read. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER /* known to HTTP but nothing a gateway serves */
};

hg_str http_method_name(enum method method);

/* Fields the protocol itself looks at; all others are FIELD_OTHER. */
enum field_id {
    FIELD_OTHER,
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONTENT_TYPE,
    FIELD_EXPECT,
    FIELD_AUTHORIZATION,
    FIELD_HOP_BY_HOP /* keep-alive, proxy-*, te, trailer, upgrade */
};

struct field {
    hg_str name; /* in lower case */
    hg_str value;
    enum field_id id;
};

enum {
    HEAD_FIELDS_MAX = 256
};

struct head {
    enum method method;
    hg_str target; /* as sent */
    hg_str path;   /* of the target, without query; never empty */
    hg_str query;
    int status;
    int minor; /* of HTTP/1.x */
    bool keep_alive, chunked, expect_continue;
    int64_t content_length; /* less than 0: not given */
    hg_str host, content_type;
    size_t size; /* bytes of the head, its blank line included */
    struct field *fields;
    unsigned field_count;
};

/* The first field of that name, given in lower case; empty if absent. */
hg_str head_field(const struct head *head, hg_str name);

/* The reason phrase; "Unknown" for a status nobody has named. */
const char *http_reason(int status);
