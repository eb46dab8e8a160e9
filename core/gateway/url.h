/* url.h - an http or https URL taken apart. */
#pragma once

#include "base/text.h"

struct url {
    bool is_tls;
    hg_str host;
    hg_str authority; /* what a Host field says */
    hg_str path;      /* with the query; at least "/" */
    uint16_t port;
};

/* False if it is none. The parts point into `url`. */
bool url_split(hg_str url, struct url *ret);
