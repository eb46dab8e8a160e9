/* outline.h - what a request in normal form says, as a list of facts that can be compared: so that
 * a test sees what a translation has lost or made up. What formats say in different ways and means
 * the same is one fact: texts without blanks, JSON in canonical form, members at their default not
 * at all. */
#pragma once

#include "dialect/chat.h"
#include "dialect/translation.h"

struct fact {
    struct fact *next;
    const char *kind; /* "temperature", "text.user", "call" ... */
    hg_str value;
};

struct outline {
    struct arena *arena;
    struct fact *facts, **end;
};

/* `is_exact`: tools that may not be called are facts too, and so is how the choice was put. */
void outline_of(struct arena *arena, const struct chat *chat, bool is_exact, struct outline *ret);

/* The facts of `had` that `has` lacks, in their order, and those of `has` that `had` lacks. Texts
 * are looked for in all that was said by the same role, each behind the one before: they may be
 * joined and split. What is left of all of them is made up. */
void outline_compare(const struct outline *had, const struct outline *has, struct outline *ret_lost,
                     struct outline *ret_made);

/* Whether one of the losses, as translation_losses gives them, tells of such a fact. */
bool fact_is_told(const struct fact *fact, hg_str losses);
