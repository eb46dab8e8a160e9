/* format.h - private to converse/: its words for kinds of media, and MIME types. */
#pragma once

#include "dialect/chat.h"

/* "image/png" of "png" in a list of the kind's; "<kind>/<format>" for a format that is not known.
 */
hg_str converse_format_mime(struct arena *arena, enum chat_part_kind kind, hg_str format);

/* "png" of "image/png"; empty if this format has no word for it. What an image's first bytes say
 * counts more than what the sender did. */
hg_str converse_format_of(const struct chat_part *part);
