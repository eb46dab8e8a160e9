/* models.h - a model on offer, as lists of models tell of it. */
#pragma once

#include <stdint.h>

#include "base/chain.h"

struct dialect_model {
    hg_str id;                /* as clients name it */
    hg_str title;             /* for people; empty: the id */
    hg_str owner;             /* the provider */
    hg_str kind;              /* "chat", "embedding"...; empty: not known */
    int64_t created;          /* seconds since 1970; 0: not known */
    uint64_t context, output; /* most tokens in and out; 0: not known */

    /* Members that no format has of its own, put into the object of each. */
    void (*put_more)(const struct dialect_model *model, struct chain *out);
    const void *arg; /* for it */
};

struct dialect_models {
    const struct dialect_model *list;
    size_t count;
};

/* Whether a model is for chats, as most of those are of which nothing is known. */
bool model_chats(const struct dialect_model *model);
