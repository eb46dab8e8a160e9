/* members.h - the members of an object of a request by a table: which of them go where in the
 * normal form, and who reads the others. */
#pragma once

#include <stddef.h>

#include "dialect/chat.h"

struct reading; /* a dialect's own */

/* Where a value goes; null says nothing, as if the member were not there. */
enum member_kind {
    MEMBER_END,
    MEMBER_NUMBER, /* hg_str, as written */
    MEMBER_WORD,   /* hg_str */
    MEMBER_RAW,    /* hg_str, as written */
    MEMBER_TEXT,   /* struct chat_text; other kinds than strings say nothing */
    MEMBER_FLAG,   /* enum chat_flag */
    MEMBER_YES,    /* bool */
    MEMBER_OTHER,  /* `read` reads it, null too */
    MEMBER_SKIP,   /* it is read elsewhere */
    MEMBER_EXTRA   /* the format's own, without a place in the normal form */
};

struct member {
    const char *key;
    enum member_kind kind;
    size_t at; /* in struct chat */
    bool (*read)(struct reading *reading, hg_json value);
};

#define MEMBER(key, kind, field)                               \
    {                                                          \
        key, MEMBER_##kind, offsetof(struct chat, field), NULL \
    }
#define MEMBER_READ(key, read)     \
    {                              \
        key, MEMBER_OTHER, 0, read \
    }
#define MEMBER_SKIPPED(key)       \
    {                             \
        key, MEMBER_SKIP, 0, NULL \
    }
#define MEMBER_OF_ITS_OWN(key)     \
    {                              \
        key, MEMBER_EXTRA, 0, NULL \
    }
#define MEMBERS_END               \
    {                             \
        NULL, MEMBER_END, 0, NULL \
    }

/* Reads all members of `object` into `chat`. What is not in the table travels as an extra. False
 * if a `read` was: it has set the error. */
bool members_read(const struct member *table, struct arena *arena, struct chat *chat,
                  struct reading *reading, hg_json object);
