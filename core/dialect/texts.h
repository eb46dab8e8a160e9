/* texts.h - the texts of a document, found by its dialect's visits: to look at, and to change. */
#pragma once

#include "dialect/dialect.h"

/* All texts of a document, in its order. The list and copies of strings with escapes are in the
 * arena. */
struct dialect_texts texts_of_request(const struct dialect *dialect, struct arena *arena,
                                      uint32_t kind, hg_json doc);
struct dialect_texts texts_of_answer(const struct dialect *dialect, struct arena *arena,
                                     uint32_t kind, hg_json doc);

/* The document with edits put into its texts, appended to `out`. `edits` are sorted by nothing and
 * do not overlap. */
void texts_edit_request(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                        hg_json doc, const struct dialect_edits *edits, struct chain *out);
void texts_edit_answer(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                       hg_json doc, const struct dialect_edits *edits, struct chain *out);

/* The edits by text, then by place. */
const hg_edit *edits_sorted(struct arena *arena, const struct dialect_edits *edits);

/* What one event of a stream adds, all of it in one text. */
hg_str texts_of_event(const struct dialect *dialect, struct arena *arena, hg_json doc);

/* The event as a frame, with `text` in the place of all its texts. */
void texts_swap_event(const struct dialect *dialect, struct arena *arena, hg_str event, hg_str data,
                      hg_str text, struct chain *out);

/* Events on their way to the client, after their texts may have been changed: what they repeat is
 * changed alike. `repeat` is of the dialect's repeat_new; without one they are as they were. */
hg_str texts_repeat(const struct dialect *dialect, struct dialect_repeat *repeat,
                    struct arena *arena, hg_str events);
