/* canonical.h - one form for equal documents, for cache keys: members sorted by key, no white
 * space, strings in one escape form; numbers stay as they were written. Never sent to anyone. */
#pragma once

#include <stdbool.h>

#include "json/index.h"

/* Hands the canonical bytes of `value` to `add`, in pieces. Members of `value` itself (not deeper)
 * whose key `skip` accepts are left out; `skip` may be NULL. */
void json_canonical(hg_json value, void (*add)(void *arg, const void *p, size_t n), void *arg,
                    bool (*skip)(hg_str key));
