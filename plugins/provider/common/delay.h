/* delay.h - how long a provider asks us to wait, from headers or from words. */
#pragma once

#include <stdbool.h>

#include <headgate/services.h>

/* One value: a Go duration ("1m2.5s", "12ms"), seconds ("2.5"), a moment as seconds or milliseconds
 * since 1970, as an HTTP date or as RFC 3339. `wall_ms` is now, since 1970. What is negative, zero
 * or longer than a day is no answer. */
bool delay_parse(hg_str text, int64_t wall_ms, hg_ns *ret_delay);

/* The delay a response asks for: retry-after-ms, retry-after, the reset of what is used up, or a
 * sentence like "try again in 1.5s" in the message. 0: it does not say. */
hg_ns delay_asked(const hg_http_api *http, const hg_headers *headers, hg_str message,
                  int64_t wall_ms);
