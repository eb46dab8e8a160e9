/* key.h - the key of a request, in the place where clients of each format put it. */
#pragma once

#include <stdbool.h>

#include "http/head.h"

/* Whether the request brings the key: as a bearer, in a field of Anthropic, Google or Azure, in the
 * query, or as the key id of an AWS signature, which is not checked. An empty key fits always. */
bool key_fits(hg_str key, const struct head *head);
