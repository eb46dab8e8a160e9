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
    hg_str headers; /* whole lines, each with its CRLF */
    bool is_stream; /* of events */
    bool crlf;      /* ends the lines of events with CRLF */
    struct piece *pieces;
    size_t count, room;
};

struct reply *reply_new(struct arena *arena);

/* The bytes are kept as they are: in the arena, or static. */
void reply_add(struct reply *reply, hg_str bytes, bool is_event);

/* These write the document compactly and take its reference over. The first makes a whole answer of
 * type application/json, the second an event whose data it is. */
void reply_json(struct reply *reply, struct json_t *document);
void reply_event(struct reply *reply, struct json_t *document);
void reply_event_text(struct reply *reply, hg_str data);
void reply_comment(struct reply *reply, hg_str text);

/* Throws away what was there and makes an error in OpenAI's form; empty type and code become what
 * OpenAI says with that status. `param` may be empty. */
void reply_error(struct reply *reply, unsigned status, hg_str type, hg_str code, hg_str param,
                 hg_str message);

/* {"error": ...} alone; what is empty becomes what suits the status. */
struct json_t *reply_error_object(unsigned status, hg_str type, hg_str code, hg_str param,
                                  hg_str message);

void reply_clear(struct reply *reply);
size_t reply_len(const struct reply *reply);

/* A string of any bytes: where they are no UTF-8, question marks stand for those beyond ASCII. */
struct json_t *document_of_text(hg_str text);

/* The document as compact text in the arena. */
hg_str document_text(struct arena *arena, const struct json_t *document);
