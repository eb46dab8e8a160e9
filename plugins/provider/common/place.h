/* place.h - where an API lives, and the URLs of what is asked for there. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

/* A base URL without a slash at its end, and what stood behind "?". */
struct place {
    hg_str base, query;
};

/* Reads `url`, which must live as long as the place. Otherwise the op has failed with HG_E_CONFIG,
 * and `setting` is named. */
hg_rc place_read(const hg_host *host, hg_op op, const char *setting, hg_str url,
                 struct place *ret_place);

/* The path of a request as the API has it: behind its base. What the client's dialect has no path
 * for keeps its own, without /v1. */
hg_str place_tail(const hg_req_info *info);

/* The URL of a tail ("/chat/completions") with the place's query and this one. Fails with
 * HG_E_INPUT if the tail tries to leave the place or cannot stand in a request line. */
hg_rc place_url(const hg_host *host, hg_op op, const struct place *place, hg_str tail, hg_str query,
                hg_str *ret_url);

/* Writes a value as a part of a path or a query; up to three bytes for one. */
char *place_put(char *at, hg_str value);

/* The URL of a realtime session, whose model is in the query: as `name` says it, in the place of
 * what the client has said. */
hg_rc place_session(const hg_host *host, hg_op op, const struct place *place, const char *name,
                    const hg_req_info *info, hg_str *ret_url);
