/* names.h - whose a model is, and where it is asked. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

struct names {
    hg_str publisher; /* "google", "anthropic" ...; empty: no publisher's path */
    hg_str model;     /* without the publisher */
    uint32_t wire;    /* HG_WIRE_... and flags */
    bool is_shared;   /* asked at endpoints/openapi, with the publisher in the model's name */
    bool is_endpoint; /* one of the project's own: endpoints/123 */
};

/* False if it is the name of no model: it goes into a path. */
bool names_read(hg_str model, struct names *ret);

/* The method that is asked for an operation; empty if there is none. */
hg_str names_method(const struct names *names, uint32_t kind, bool is_stream);

/* What a client of Google's or Anthropic's own paths asks for beside generation, as what stands
 * behind "publishers/" or "endpoints/": memory is the op's. Empty if it is nothing to pass on. */
hg_str names_raw_tail(const hg_host *host, hg_op op, const hg_req_info *info);
