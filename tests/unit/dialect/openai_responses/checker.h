/* checker.h - what clients of the Responses format rely on, checked event by event. */
#pragma once

#include "base/arena.h"

/* A whole stream: order, numbers, ids, and that what is said again is what was said. */
void responses_stream_check(struct arena *arena, hg_str stream);

/* A response object with all the members that SDKs insist on. */
void responses_object_check(struct arena *arena, hg_str body);
