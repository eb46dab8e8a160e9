/* keys.h - the keys of AWS that requests are signed with, as answers bring them. */
#pragma once

#include <headgate/plugin.h>

#include "sign.h"

/* A zeroed one has none. */
struct keys {
    char *id, *secret, *token; /* malloced; token may be NULL */
    int64_t ends;              /* seconds since 1970; 0: never */
};

/* Copies the texts in the place of those it has; the token may be empty. False if one is missing or
 * would break a header field, and nothing has changed then; or if there is no memory. */
bool keys_set(struct keys *keys, hg_str id, hg_str secret, hg_str token, int64_t ends);
void keys_wipe(struct keys *keys);

/* Valid as long as they are not set or wiped. */
struct sign_key keys_key(const struct keys *keys);

/* Sets them to what an answer has: JSON of a container or an instance, XML of STS. False if it is
 * none or has none. */
bool keys_from_json(struct keys *keys, const hg_host *host, hg_op op, const hg_http_resp *resp);
bool keys_from_xml(struct keys *keys, const hg_host *host, hg_op op, const hg_http_resp *resp);

/* Whether there is an answer, and it is what was asked for. */
bool answer_is_good(const hg_http_resp *resp);

/* What goes into a header field must not end it. */
bool field_is_sane(hg_str text);
