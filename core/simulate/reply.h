/* reply.h - an answer before it is sent: a status, header lines and pieces of body. A piece is
 * what may be sent at a time of its own: an event of a stream, or a whole JSON document. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

struct json_t;

struct piece {
    hg_str bytes;
    bool is_event;
};

struct reply {
    struct arena *arena;
    unsigned status;
    hg_str content_type;
    hg_str headers;   /* whole lines, each with its CRLF */
    bool is_stream;   /* of events */
    uint32_t framing; /* of them: HG_FRAME_... */
    struct piece *pieces;
    size_t count, room;
};

struct reply *reply_new(struct arena *arena);

/* The bytes are kept as they are: in the arena, or static. */
void reply_add(struct reply *reply, hg_str bytes, bool is_event);

/* Writes the document compactly, as a whole answer of type application/json, and takes its
 * reference over. */
void reply_json(struct reply *reply, struct json_t *document);

/* Whole lines for the head. */
void reply_header(struct reply *reply, hg_str name, hg_str value);

/* Ends the lines of events with CRLF; they are server-sent ones. */
void reply_as_crlf(struct reply *reply);

/* Makes a stream one JSON array of what its events hold, and puts a document into one. */
void reply_as_array(struct reply *reply);

void reply_clear(struct reply *reply);
size_t reply_len(const struct reply *reply);

/* A string of any bytes: where they are no UTF-8, question marks stand for those beyond ASCII. */
struct json_t *document_of_text(hg_str text);

/* The document as compact text in the arena. */
hg_str document_text(struct arena *arena, const struct json_t *document);
