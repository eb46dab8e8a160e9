/* folded.h - what an answer says, put together from its events (of choice 0), or from what another
 * reader made of a recording; and how two of them differ. */
#pragma once

#include "base/chain.h"
#include "dialect/dialect.h"
#include "support/tape.h"

enum {
    FOLDED_CALLS = 32
};

struct folded_call {
    hg_str id, name;
    struct chain *args;
};

struct folded {
    struct arena *arena;
    struct chain *text, *reasoning;
    struct chain *refusal, *signatures, *citations; /* refusal: of the text, that too */
    hg_str stop, model;                             /* stop: the sequence */
    struct folded_call calls[FOLDED_CALLS];
    unsigned call_count;
    uint32_t finish;
    bool has_usage, has_error;
    bool is_whole; /* from events: the members that another reader does not have are there */
    hg_usage usage;
    unsigned starts, finishes, errors, after_end; /* what must be once, and nothing behind it */
    const char *broken; /* a rule of events that was not kept; NULL: none */
};

/* In what two differ. */
enum {
    IN_TEXT = 1,
    IN_REASONING = 2,
    IN_CALLS = 4, /* count, names and arguments as JSON */
    IN_CALL_IDS = 8,
    IN_FINISH = 16,
    IN_INPUT = 32, /* tokens */
    IN_OUTPUT = 64,
    IN_CACHED = 128,
    IN_WRITTEN = 256,
    IN_THOUGHT = 512, /* reasoning tokens */
    IN_ERROR = 1024,
    IN_ORDER = 2048, /* of events */
    IN_REFUSAL = 4096,
    IN_SIGNATURES = 8192, /* and what only its maker can read */
    IN_CITATIONS = 16384, /* the URLs of those that have one */
    IN_STOP = 32768,
    IN_MODEL = 65536
};
#define IN_USAGE (IN_INPUT | IN_OUTPUT | IN_CACHED | IN_WRITTEN | IN_THOUGHT)

void folded_begin(struct folded *folded, struct arena *arena);

/* For struct dialect_sink. */
void folded_add(void *folded, const hg_event *event);

/* From the `derived` object of a recording of that wire. */
void folded_of_tape(const struct tape *tape, uint32_t wire, struct folded *ret);

/* Which fields differ; what `want` does not know is not compared. */
uint32_t folded_differ(const struct folded *got, const struct folded *want);

/* "text, finish" */
hg_str folded_fields(struct arena *arena, uint32_t fields);

/* All of it on a few lines, for people. */
hg_str folded_show(struct arena *arena, const struct folded *folded);
