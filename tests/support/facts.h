/* facts.h - how the facts of an outline are written down; for outline.c and outline_compare.c. */
#pragma once

#include "support/outline.h"

static inline void fact_add(struct outline *outline, const char *kind, hg_str value)
{
    struct fact *fact = arena_zalloc(outline->arena, sizeof *fact);

    *fact = (struct fact){.kind = kind, .value = value};
    *outline->end = fact;
    outline->end = &fact->next;
}

/* What is empty was not said. */
static inline void said_add(struct outline *outline, const char *kind, hg_str value)
{
    if (value.n)
        fact_add(outline, kind, value);
}
