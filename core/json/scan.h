/* scan.h - private to json/: the one strict pass over a text, and the steps over a text that has
 * passed it. */
#pragma once

#include <stdbool.h>

#include "json/find.h"
#include "json/index.h"

/* A member of the root object. Offsets are from the start of the text. */
struct json_member {
    const char *key; /* without escapes */
    uint32_t key_n;
    uint32_t raw_key_at, raw_key_n; /* between the quotes */
    uint32_t at, end;               /* the value */
};

struct json_doc {
    hg_str text;
    struct json_member *members; /* in document order */
    uint32_t *by_key;            /* numbers of members in order of keys; NULL if there are few */
    uint32_t count, root_end;
};

enum {
    SCAN_TOP_INLINE = 32
};

struct json_scan {
    const uint8_t *from, *end;
    struct arena *arena; /* NULL: do not record the top level */
    struct json_fault fault;
    struct json_member *members;
    uint32_t count, room;
    unsigned depth_limit;
    bool escaped;    /* a string since it was reset had a backslash */
    uint8_t foreign; /* 0x80: all of the text is known to be UTF-8 */
    bool looked;     /* whether it is was tried to find out */
    struct json_member first[SCAN_TOP_INLINE];
    uint8_t closers[JSON_DEPTH_MAX]; /* of the open objects and arrays */
};

/* Checks one value at `p`, where white space has been skipped; returns its end, or NULL with the
 * fault set. Records the members of a root object if there is an arena. */
const uint8_t *json_scan_value(struct json_scan *scan, const uint8_t *p);

/* Mostly there is none, or a space, or a line's end with a deep indentation. */
static inline const uint8_t *json_skip_space(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return find_behind_space(p, end);
    if (*p > ' ')
        return p;
    if (*p == ' ' && p[1] > ' ')
        return p + 1;
    return find_behind_space(p, end);
}

/* ---- in valid text only ---------------------------------------------------------------------- */

/* Private to the next two. `quote` is the first one behind `p`. */
const uint8_t *json_skip_string_from(const uint8_t *from, const uint8_t *p, const uint8_t *end,
                                     const uint8_t *quote);
const uint8_t *json_skip_container(const uint8_t *from, const uint8_t *p, const uint8_t *end);

/* Behind the string whose opening quote is at `p`. */
static inline const uint8_t *json_skip_string(const uint8_t *from, const uint8_t *p,
                                              const uint8_t *end)
{
    const uint8_t *quote = find_quote(from, p + 1, end);

    return quote[-1] == '\\' ? json_skip_string_from(from, p, end, quote) : quote + 1;
}

/* Behind the value at `p`. */
static inline const uint8_t *json_skip_value(const uint8_t *from, const uint8_t *p,
                                             const uint8_t *end)
{
    if (*p == '"')
        return json_skip_string(from, p, end);
    if ((*p | 0x20) == '{')
        return json_skip_container(from, p, end);
    while (p<end && * p> ' ' && *p != ',' && (*p | 0x20) != '}')
        p++;
    return p;
}
