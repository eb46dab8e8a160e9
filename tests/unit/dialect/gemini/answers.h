/* answers.h - answers of this format, and what a reader makes of them: a line for each event, of
 * its type, choice and index, id, name, text and finish. */
#pragma once

#include "dialect/dialect.h"
#include "unit/dialect/documents.h"

#define CANDIDATE(parts, more) \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts "]}" more "}]}"

static struct chain *heard;
static hg_usage usage;

static inline void on_event(void *arg, const hg_event *event)
{
    static const char *const types[] = {"?",     "start",    "text",    "think", "call",
                                        "args",  "citation", "media",   "usage", "finish",
                                        "error", "extra",    "refusal", "end"};
    hg_str line = arena_fmt(arena, "%s %u.%u %.*s|%.*s|%.*s|%u\n", types[event->type],
                            event->choice, event->index, TEXT_ARG(event->id), TEXT_ARG(event->name),
                            TEXT_ARG(event->text), event->finish);

    (void)arg;
    if (event->usage)
        usage = *event->usage;
    chain_put(heard, line.p, line.n);
}
