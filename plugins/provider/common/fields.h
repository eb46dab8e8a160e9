/* fields.h - the header fields of every request to a provider: ours, the operator's, and those that
 * clients may set. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

enum {
    FIELDS_MAX = 32,
    FIELDS_NAME = 40,
    FIELDS_FORWARDED = 10
};

struct fields {
    hg_header fixed[FIELDS_MAX]; /* texts outlive this */
    size_t count;
    char forwarded[FIELDS_FORWARDED][FIELDS_NAME];
    size_t forwarded_count;
    hg_str key;   /* what stands in the key's field */
    char *secret; /* memory of its value */
    size_t secret_n;
};

/* A field of ours, without a check. */
void fields_add(struct fields *fields, hg_str name, hg_str value);

/* Whether there is one already, whatever its case. */
bool fields_has(const struct fields *fields, const char *name);

/* No character that would end a field. */
bool fields_value_is_sane(hg_str value);

/* The key as a field: `form` is "authorization: Bearer", "x-api-key" or "authorization: Api-Key";
 * "none" sends none. An empty key adds nothing. */
hg_rc fields_add_key(struct fields *fields, const hg_host *host, hg_op op, hg_str form, hg_str key);

/* The setting `headers` of the operator, then the user agent, and which fields of clients pass:
 * content-type, accept, x-client-request-id, and those of `passes` (lower-case names with a space
 * between; may be NULL). */
hg_rc fields_complete(struct fields *fields, const hg_host *host, hg_op op, hg_json settings,
                      const char *passes);

/* Fills `out` with all of it and `more` (its name empty: nothing). */
bool fields_make(const struct fields *fields, const hg_host *host, hg_op op, const hg_req *req,
                 hg_header more, hg_http_req *out);

/* Wipes and frees the key. */
void fields_done(struct fields *fields);
