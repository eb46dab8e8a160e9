/* replay.h - a stored answer for the other kind of client, by the dialect's own reader and
 * writer: frames from a whole body, and back. */
#pragma once

#include "dialect/dialect.h"

/* False if the answer is none that can be told in the other way. */
bool replay_as_frames(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                      hg_str body, bool with_usage, struct chain *out);
bool replay_as_whole(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                     hg_str frames, struct chain *out);
