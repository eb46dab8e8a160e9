/* hosted.h - tools that the provider runs itself: a search, an interpreter, a computer. They never
 * become functions: nobody would answer the calls. */
#pragma once

#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/translation.h"

/* Whether the provider runs a tool like the one that the client's dialect calls `type`. */
typedef bool hosted_runs(const struct translation *translation, const struct chat *chat,
                         hg_str type);

/* The request without the tools that `runs` (NULL: none) does not know, each noted as lost
 * ("tools.web_search"); the request itself if there are none. NULL and an error if the choice
 * demands one of them, because then an answer without it is not what was asked for. */
const struct chat *hosted_drop(struct translation *translation, const struct chat *chat,
                               hosted_runs *runs, struct error *error);
