/* canonical.h - one form for documents that mean the same: members in the order of their keys, no
 * white space, strings in one escape form; numbers stay as they were written. */
#pragma once

#include "json/index.h"

/* All of several equal keys are kept, in their order. (Lone surrogates are alike, and like U+FFFD.)
 */
hg_str canonical(struct arena *arena, hg_json value);

/* The same of a text that is JSON; what is none stays as it is. */
hg_str canonical_text(struct arena *arena, hg_str text);
