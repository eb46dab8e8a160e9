/* base64.h - RFC 4648, standard alphabet with padding. */
#pragma once

#include "base/arena.h"

hg_str base64_encode(struct arena *arena, const void *bytes, size_t n);

/* Skips what is not of the alphabet; takes that of URLs as well. */
hg_str base64_decode(struct arena *arena, hg_str text);
