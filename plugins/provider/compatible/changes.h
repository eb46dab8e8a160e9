/* changes.h - what of a request a vendor wants otherwise: worked out once from its row and the
 * settings, applied to each request as a patch of the members that are there. */
#pragma once

#include <stdbool.h>

#include "vendors.h"

enum {
    CHANGES_MAX = 96
};

struct change {
    hg_str key, to; /* `to`: another name */
    uint32_t kind;
};

struct changes {
    struct change list[CHANGES_MAX];
    size_t count;
    uint64_t lengths; /* bit n: there are keys of n bytes */
    const char *name; /* of the vendor, for messages */
    const char *efforts;
    uint32_t wire, wants, stops;
    const char *hottest;
    double degrees; /* the same as a number; 0: none */
};

/* The row, and what the settings `refuses`, `renames` and `flags` add to it. */
hg_rc changes_read(struct changes *changes, const hg_host *host, hg_op op,
                   const struct vendor *vendor, hg_json settings);

/* What to give to rewrite. Absent if the request may go as it is. Fails with HG_E_INPUT if there is
 * no way to say it to this vendor, or if the client insists that nothing is left out. */
hg_rc changes_patch(const struct changes *changes, const hg_host *host, hg_op op, const hg_req *req,
                    const hg_req_info *info, hg_json *ret_patch);
