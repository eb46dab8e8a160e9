/* errors.h - what went wrong at a provider that speaks OpenAI's dialect, or nearly does. */
#pragma once

#include <headgate/plugin.h>

/* Fills `out` from an answer whose status is not 2xx, or which hides an error in a 200. HG_SKIP if
 * there is no error to be found. `secret` is taken out of the message, as is what looks like a key;
 * it may be empty. `http` may be NULL.
 *
 * `words` is what codes, types or statuses of this vendor mean, before all else: "30001=quota
 * 451=policy". The meanings: input, context, policy, auth, quota, denied, missing, conflict,
 * toobig, rate, overload, upstream, timeout. NULL: it has none of its own. */
hg_rc error_map(const hg_host *host, const hg_http_api *http, hg_op op, const hg_http_resp *resp,
                hg_str secret, const char *words, hg_error *out);
