/* dialect.h - a wire format of the field, as a table of functions. One folder each below this one;
 * nothing outside a folder knows a format's member names.
 *
 * Texts that go out point into what came in, or into the arena. */
#pragma once

#include <stdbool.h>

#include <headgate/guard.h>
#include <headgate/json.h>
#include <headgate/request.h>

#include "base/arena.h"
#include "base/chain.h"
#include "http/head.h"

/* What the gateway has to know of a request. */
struct dialect_request {
    uint32_t kind; /* HG_R_... */
    hg_str model;
    bool is_stream;
    bool wants_usage; /* the client asked for the usage of a stream */
};

/* What one event of a stream says. */
struct dialect_event {
    bool is_done;       /* the format's own end mark, [DONE] */
    bool has_content;   /* text, reasoning or tool call: what counts as a token */
    bool is_usage_only; /* nothing but usage: hidden from a client who did not ask for it */
    bool is_error;
    bool has_usage;
    bool is_valid;   /* false: no event of this format at all */
    uint32_t finish; /* HG_FIN_..., 0: goes on */
    hg_str text;     /* the text that this event adds: of all choices, reasoning and calls too */
    hg_str model, id;
    hg_str error_type, error_message;
    hg_usage usage;
};

/* What a whole answer says. */
struct dialect_answer {
    bool is_valid, is_error, has_usage;
    uint32_t finish;
    hg_str model, id;
    hg_str error_type, error_message;
    hg_usage usage;
};

/* Replacements in texts, as guards give them; see headgate/guard.h. */
struct dialect_edits {
    const hg_edit *edits;
    size_t count;
};

/* Writes an answer from normalised events, for providers with a wire of their own. */
struct dialect_writer;

struct dialect {
    const char *name;
    uint32_t wire; /* HG_WIRE_... */

    /* The kind of request that a path of this dialect means; 0 if it is none of its paths. */
    uint32_t (*kind_of)(enum method method, hg_str path);

    void (*read_request)(uint32_t kind, hg_json doc, struct dialect_request *ret);

    /* How many tokens the request may have: an estimate, for routes that ask. */
    uint64_t (*tokens)(uint32_t kind, hg_json doc);

    /* Fills at most `max` texts; returns how many there are. Strings with escapes are copied into
     * the arena. */
    size_t (*request_texts)(struct arena *arena, uint32_t kind, hg_json doc, hg_text *texts,
                            size_t max);
    size_t (*answer_texts)(struct arena *arena, uint32_t kind, hg_json doc, hg_text *texts,
                           size_t max);

    /* The document with edits put into its texts, appended to `out`. `edits` are sorted by nothing
     * and do not overlap. */
    void (*request_edit)(struct arena *arena, uint32_t kind, hg_json doc,
                         const struct dialect_edits *edits, struct chain *out);
    void (*answer_edit)(struct arena *arena, uint32_t kind, hg_json doc,
                        const struct dialect_edits *edits, struct chain *out);

    /* Reads a whole 2xx or error body. */
    void (*read_answer)(struct arena *arena, uint32_t kind, hg_json doc,
                        struct dialect_answer *ret);

    /* True if a run of whole events can hold nothing but ordinary content: no usage object, no
     * finish reason, no error, no end mark. Cheap: a few searches, no parsing. */
    bool (*is_plain)(hg_str events);

    /* Reads the payload of one event. */
    void (*read_event)(struct arena *arena, hg_str data, struct dialect_event *ret);

    /* One whole event (its `data:` line and blank line) with its text replaced, appended to `out`.
     */
    void (*event_with_text)(struct arena *arena, hg_str data, hg_str text, struct chain *out);

    /* What ends a whole stream. Some servers leave it out, and some clients wait for it. */
    hg_str end_mark;

    /* Bodies that we make ourselves. */
    hg_str (*error_body)(struct arena *arena, int status, hg_str type, hg_str code, hg_str message);
    hg_str (*error_event)(struct arena *arena, hg_str type, hg_str code, hg_str message);

    /* A stored answer for the other kind of client: events from a whole body, and back. False if it
     * cannot be done. */
    bool (*to_events)(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                      struct chain *out);
    bool (*to_whole)(struct arena *arena, uint32_t kind, hg_str events, struct chain *out);

    /* Normalised events in, bytes out: as a whole body at the end, or as stream events. */
    struct dialect_writer *(*writer_new)(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage);
    void (*write)(struct dialect_writer *writer, const hg_event *event, struct chain *out);
    void (*write_end)(struct dialect_writer *writer, struct chain *out);
};

extern const struct dialect dialect_openai_chat;
