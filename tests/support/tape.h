/* tape.h - recorded exchanges of the shared folder, one after another, in the order of their
 * names. */
#pragma once

#include "base/arena.h"
#include "json/index.h"

struct tape {
    struct arena *arena; /* of this tape only */
    const char *name;    /* "anthropic/052-messages-...", without ".json" */
    hg_json doc;
    hg_json derived; /* absent for what is no generation */
    hg_str endpoint, family;
    hg_str request; /* body; empty if it was not kept */
    hg_str url;
    int status;
    hg_str content_type; /* of the answer, in lower case without parameters */
    hg_str body;         /* of the answer, as bytes */
};

bool tapes_exist(void);
void tapes_each(void (*on_tape)(const struct tape *tape, void *arg), void *arg);

/* What automake takes for skipped. */
#define TAPES_SKIPPED 77
