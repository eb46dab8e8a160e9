/* watch.h - what an answer says, told by its dialect's reader: text, finish, usage, errors. For
 * whoever passes bytes on and has to know. */
#pragma once

#include "dialect/dialect.h"

struct watch;

struct watch *watch_new(struct arena *arena, const struct dialect *dialect, uint32_t kind);

/* One frame of a stream. Texts in `ret` live as long as `scratch`. */
void watch_frame(struct watch *watch, struct arena *scratch, hg_str event, hg_str data,
                 struct dialect_event *ret);

/* A whole answer. Texts in `ret` live as long as the watch's arena. */
void watch_whole(struct watch *watch, hg_json doc, struct dialect_answer *ret);
