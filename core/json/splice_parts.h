/* splice_parts.h - private to json/: the edits of a splice, as splice.c makes them and
 * splice_write.c carries them out. */
#pragma once

#include "json/splice.h"

enum edit_kind {
    EDIT_REPLACE,
    EDIT_REMOVE,
    EDIT_INSERT
};

/* The bytes from..to go; `raw` comes. An insertion has no bytes that go. */
struct edit {
    size_t from, to;
    enum edit_kind kind;
    hg_str raw;
    hg_str key, lead;  /* insertion: the plain key; the same written, with its colon */
    hg_json container; /* insertion, removal: the object */
    hg_json value;     /* replacement, removal: what was there */

    /* Removal: the end of the value before (0: it is the first), and the key behind (0: none). */
    size_t before_end, behind;
};

struct splice {
    struct arena *arena;
    hg_json root;
    hg_str text;
    struct edit *edits;
    size_t count, room, removals;
};
