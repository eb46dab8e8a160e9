/* path.h - request paths as servers may understand them in the end. */
#pragma once

#include <headgate/abi.h>

enum {
    PATH_MAX_PLAIN = 256 /* no path that is known is longer */
};

/* Percent-encoding undone, slashes single, no dot segments, none at the end. Otherwise
 * "/v1//chat/completions" would pass where the real path is guarded. Empty if it is too long to be
 * one that is known. It is `path` itself, or it is in `plain`. */
hg_str path_plain(hg_str path, char plain[PATH_MAX_PLAIN]);
