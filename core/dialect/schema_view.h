/* schema_view.h - private to schema.c and schema_view.c: a schema with what it refers to and what
 * is merged into it, as one list of keywords. */
#pragma once

#include <stdbool.h>

#include "dialect/schema.h"

/* What a keyword says something about. */
enum {
    ABOUT_ANY,
    ABOUT_TEXTS,
    ABOUT_NUMBERS,
    ABOUT_ARRAYS,
    ABOUT_OBJECTS
};

/* What stands in a keyword. */
enum {
    HOLDS_VALUE,
    HOLDS_SCHEMA,
    HOLDS_LIST, /* of schemas */
    HOLDS_MAP   /* of schemas, by names */
};

enum keyword {
    KEY_TYPE,
    KEY_FORMAT,
    KEY_TITLE,
    KEY_DESCRIPTION,
    KEY_NULLABLE,
    KEY_ENUM,
    KEY_CONST,
    KEY_DEFAULT,
    KEY_ITEMS,
    KEY_PREFIX_ITEMS,
    KEY_PROPERTIES,
    KEY_REQUIRED,
    KEY_ADDITIONAL,
    KEY_ANY_OF,
    KEY_ONE_OF,
    KEY_ALL_OF,
    KEY_REF,
    KEY_DEFS,
    KEY_DEFINITIONS,
    KEYS_MAX = 64
};

struct keyword_info {
    const char *name;
    uint8_t about, holds;
    bool is_limit;
};

extern const struct keyword_info schema_keywords[];
extern const unsigned schema_keyword_count;

/* A property; `same` is another schema for the same name, which is merged into it. */
struct property {
    struct property *next, *same;
    hg_str key; /* raw */
    hg_json schema;
    bool is_required; /* written already as such */
};

struct properties {
    struct property *first;
    struct property **sorted; /* by key, each name once */
    size_t count;
};

/* A reference that is being followed. */
struct follow {
    const struct follow *outer;
    size_t at; /* of the schema that it led to */
};

enum {
    LAYERS_MAX = 32
};

struct view {
    hg_json layers[LAYERS_MAX]; /* what was merged, the schema itself first */
    unsigned layer_count;
    hg_json of[KEYS_MAX]; /* the first layer that has a keyword counts */
    uint8_t order[KEYS_MAX];
    unsigned count;
    bool is_cut;      /* refers to itself */
    bool is_nullable; /* said by a null among its types or branches */
    const struct follow *follow;
    struct properties properties;
};

struct schema_work {
    struct arena *arena;
    const struct schema_rules *rules;
    hg_json root;
    struct chain *out;
    size_t start, limit; /* of `out` */
    size_t looked;       /* bytes that references were looked for in */
    unsigned depth;
};

/* Fills `view` from a schema and, if there is one, another for the same place. */
void view_read(struct schema_work *work, hg_json schema, const struct property *same,
               const struct follow *follow, struct view *view);

/* Whether the branch of an anyOf is null and nothing else. */
bool view_is_null(hg_json branch);

/* NULL if there is none of this name. */
struct property *view_property(const struct view *view, hg_str raw_key);
