/* chats.h - requests in normal form by chance: texts, tools, calls and their results, images,
 * files, thoughts, limits, formats. Each is one that a client could send. */
#pragma once

#include "dialect/chat.h"
#include "support/chance.h"

/* As if it had come from `from`. */
void chat_make(struct arena *arena, struct chance *chance, const struct dialect *from,
               struct chat *ret);
