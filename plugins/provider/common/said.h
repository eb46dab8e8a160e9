/* said.h - reads the error out of an answer, in any of the shapes that vendors have for it. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

/* What the vendor said; empty where it did not. `number` is a numeric code, 0 if it gave none, and
 * `wait` the time that a model needs to be loaded. */
struct said {
    hg_str type, code, message;
    int64_t number;
    hg_ns wait;
};

/* False if the status is 2xx and there is no error inside. Texts live as long as the op. */
bool said_read(const hg_host *host, hg_op op, const hg_http_resp *resp, struct said *ret_said);
