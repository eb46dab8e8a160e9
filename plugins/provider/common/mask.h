/* mask.h - takes keys out of a text that others will see. */
#pragma once

#include <headgate/plugin.h>

enum {
    MASK_MAX = 2000
};

/* A copy in the op's memory of at most about MASK_MAX bytes, in which `own` and everything that
 * looks like a key is replaced. `own` may be empty. */
hg_str mask_secrets(const hg_host *host, hg_op op, hg_str text, hg_str own);
