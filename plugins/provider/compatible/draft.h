/* draft.h - a JSON text being put together in an op's memory, of pieces that are JSON already. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

struct draft {
    const hg_host *host;
    hg_op op;
    char *p;
    size_t n, room;
    bool failed; /* the request is over its memory limit */
};

void draft_put(struct draft *draft, hg_str text);

/* What is in it. */
hg_str draft_text(const struct draft *draft);

/* The inside of a string that says what `json`, one JSON value, is. */
void draft_quote(struct draft *draft, hg_str json);
