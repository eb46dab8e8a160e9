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
#include "base/error.h"
#include "http/head.h"

/* What the gateway has to know of a request. */
struct dialect_request {
    uint32_t kind; /* HG_R_... */
    hg_str model;
    bool is_stream;
    bool wants_usage; /* the client asked for the usage of a stream */
    bool is_array;    /* the stream goes out as a list: see dialect/array.h */
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

/* What a whole answer says. It is an answer, or an error, or neither. */
struct dialect_answer {
    bool is_valid, is_error, has_usage;
    uint32_t finish;
    hg_str model, id;
    hg_str error_type, error_message;
    hg_usage usage;
};

/* The texts of a document that people or models wrote. */
struct dialect_texts {
    const hg_text *list;
    size_t count;
};

/* Replacements in texts, as guards give them; see headgate/guard.h. */
struct dialect_edits {
    const hg_edit *edits;
    size_t count;
};

/* Meets the texts of a document, in its order. */
struct text_visitor {
    /* `raw` is what stands between the quotes. */
    void (*on_text)(struct text_visitor *visitor, uint32_t role, hg_json text, hg_str raw);

    /* A message has ended, which may have said its role last: it is the role of those texts since
     * the last call that were given as a user's. NULL: not asked. */
    void (*on_role)(struct text_visitor *visitor, uint32_t role);
};

/* Who takes the normalised events of an answer. What an event points at lives until it returns. */
struct dialect_sink {
    void (*on_event)(void *arg, const hg_event *event);
    void *arg;
};

/* An error body, or an error inside of an answer, as its sender put it. */
struct dialect_error {
    hg_str type, code, message, param;
    int status; /* said in the body; 0: not */
};

/* The type of an ERROR event for what is no event of its format at all. */
#define DIALECT_BROKEN HG_S("upstream_protocol_error")

struct chat;
struct dialect_count;
struct dialect_model;
struct dialect_models;
struct splice;
struct translation;

/* Reads an answer into normalised events. */
struct dialect_reader;

/* Remembers what a stream has said, for where it says it again. */
struct dialect_repeat;

/* Writes an answer from normalised events. */
struct dialect_writer;

struct dialect {
    const char *name;
    uint32_t wire; /* HG_WIRE_... */

    uint32_t framing;   /* HG_FRAME_... of its streams */
    hg_str stream_type; /* their content-type */

    /* The model is named in the path alone: another one changes nothing in the body. */
    bool model_in_path;

    /* Whether a client takes a stream as one JSON array of what its events hold, by the query of
     * its request. NULL: never. */
    bool (*wants_array)(hg_str query);

    /* The kind of request that a path of this dialect means; 0 if it is none of its paths. `plain`
     * is what path_plain makes of `path`, the client's: what is known is known by it. */
    uint32_t (*kind_of)(enum method method, hg_str plain, hg_str path);

    /* `path` is the client's: some formats name the model there, or that it is a stream. */
    void (*read_request)(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret);

    /* Whether a request for a list of models on a path that several formats have is of a client of
     * this one; NULL: never, or it is the one that is left. */
    bool (*asks_models)(const struct head *head);

    /* One model, or a list of them, as its clients read it; NULL if they ask for none. */
    void (*write_model)(const struct dialect_model *model, struct chain *out);
    void (*write_models)(const struct dialect_models *models, struct chain *out);

    /* The texts of a document that people or models wrote, in its order: of a request, of a whole
     * answer, and of one event of a stream (what it adds). Generous: a guard must see all of it. */
    void (*request_visit)(uint32_t kind, hg_json doc, struct text_visitor *visitor);
    void (*answer_visit)(uint32_t kind, hg_json doc, struct text_visitor *visitor);
    void (*event_visit)(hg_json doc, struct text_visitor *visitor);

    /* How many tokens the request may have: an estimate, for routes that ask. */
    uint64_t (*tokens)(uint32_t kind, hg_json doc);

    /* How it asks how many there are, see dialect/counting.h; NULL if there is no way. */
    const struct dialect_count *count;

    /* Reads a whole 2xx or error body. */
    void (*read_answer)(struct arena *arena, uint32_t kind, hg_json doc,
                        struct dialect_answer *ret);

    /* True if a run of whole events can hold nothing but ordinary content: no usage object, no
     * finish reason, no error, no end mark. Cheap: a few searches, no parsing. */
    bool (*is_plain)(hg_str events);

    /* Reads the payload of one event. */
    void (*read_event)(struct arena *arena, hg_str data, struct dialect_event *ret);

    /* Takes out what an event says twice, which would tell what was taken out of the texts it
     * visits; NULL if nothing is. */
    void (*event_unrepeat)(hg_json doc, struct splice *splice);

    /* For streams that say texts once more when they are whole: told every event in the order in
     * which they go to the client, puts the texts that went there into the places where they are
     * repeated. NULL if no event repeats what an earlier one said. */
    struct dialect_repeat *(*repeat_new)(struct arena *arena);
    void (*repeat_event)(struct dialect_repeat *repeat, hg_json doc, struct splice *splice);

    /* What ends a whole stream, and whether a frame is that. Some servers leave it out, and some
     * clients wait for it. Empty and NULL if the format has none. */
    hg_str end_mark;
    bool (*is_end)(hg_str event, hg_str data);

    /* What is sent to say no more than that the stream goes on; empty if the format has nothing. */
    hg_str keep_alive;

    /* Bodies that we make ourselves. */
    hg_str (*error_body)(struct arena *arena, int status, hg_str type, hg_str code, hg_str message);
    hg_str (*error_event)(struct arena *arena, hg_str type, hg_str code, hg_str message);

    /* A header field that goes with an error_body; NULL if the format has none. */
    void (*error_field)(int status, hg_str type, hg_str *ret_name, hg_str *ret_value);

    /* A stored answer for the other kind of client: events from a whole body, and back. False if it
     * cannot be done. */
    bool (*to_events)(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                      struct chain *out);
    bool (*to_whole)(struct arena *arena, uint32_t kind, hg_str events, struct chain *out);

    /* ---- translation: see dialect/chat.h and dialect/translation.h ---- */

    /* A request to generate, in normal form. `path` is the client's: some formats name the model
     * there. False and why if it cannot be understood; what it says goes to the client as a 400. */
    bool (*read_chat)(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error);

    /* The same as a provider of this format takes it, appended to `out`. What cannot be said is
     * noted in `translation`; false and why if it makes no sense without. */
    bool (*write_chat)(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error);

    /* A request for embeddings, given in OpenAI's form; NULL if the format has none. Its answer has
     * the event EXTRA "data", in OpenAI's form too. */
    bool (*write_embed)(struct translation *translation, hg_json doc, struct chain *out,
                        struct error *error);

    /* A provider's answer as events, as they come: START first, one FINISH a choice, USAGE at most
     * once in whole answers and as often as it is told in streams (the last one counts), ERROR at
     * most once and last. A frame is the payload of a stream's event with its name, which may be
     * empty; `scratch` lives until the call returns. Deltas only: what is repeated is not given
     * again. A stream that ended without its finish gives none: reader_end only closes what is
     * open. */
    struct dialect_reader *(*reader_new)(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink);
    void (*reader_frame)(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data);
    void (*reader_whole)(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
    void (*reader_end)(struct dialect_reader *reader);

    /* What an error body says; members that it lacks stay empty. */
    void (*read_error)(struct arena *arena, hg_json doc, struct dialect_error *ret);

    /* Normalised events in, bytes out: as a whole body at the end, or as stream events. */
    struct dialect_writer *(*writer_new)(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage);

    /* Gives a new writer the request that is being answered, for answers that repeat parts of it;
     * NULL if none of that is needed. The document must live as long as the writer. */
    void (*writer_asked)(struct dialect_writer *writer, hg_json request);

    void (*write)(struct dialect_writer *writer, const hg_event *event, struct chain *out);
    void (*write_end)(struct dialect_writer *writer, struct chain *out);
};

/* The kind of request that a path means for this dialect; 0: none. */
uint32_t dialect_kind_of(const struct dialect *dialect, enum method method, hg_str path);

/* The dialect that a path belongs to; NULL if it is nobody's. */
const struct dialect *dialect_of_path(enum method method, hg_str path, uint32_t *ret_kind);

/* Whose form a list of models is wanted in: `found` is what its path says. */
const struct dialect *dialect_of_models(const struct dialect *found, const struct head *head);

/* The dialect of a wire (flags are ignored); NULL if the core does not know it. */
const struct dialect *dialect_of_wire(uint32_t wire);

/* The text of an event EXTRA "created": when the answer was made, in seconds since 1970, for
 * formats that tell it. It comes before START; what is no such number changes nothing. */
void dialect_read_created(hg_str text, int64_t *created);

/* By the dialect's own quick way where it has one, else by its reader and writer. */
void dialect_read_answer(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                         hg_json doc, struct dialect_answer *ret);
bool dialect_to_events(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                       hg_str body, bool with_usage, struct chain *out);
bool dialect_to_whole(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                      hg_str events, struct chain *out);

extern const struct dialect dialect_anthropic;
extern const struct dialect dialect_converse;
extern const struct dialect dialect_gemini;
extern const struct dialect dialect_cohere;
extern const struct dialect dialect_openai_chat;
extern const struct dialect dialect_openai_responses;
