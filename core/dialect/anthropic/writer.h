/* writer.h - private to anthropic/: what the files of the writer share.
 *   writer.c         what events mean: which block they belong to
 *   writer_stream.c  events of a stream; one block is open at a time
 *   writer_whole.c   a body at the end
 *
 *   blocks ─► [ open: what comes for it goes out at once ] ─► [ waits ] ─► [ waits ] ◄─ last
 *
 * A call is open until it has ended, and whatever else comes meanwhile waits behind it. Other
 * blocks end with the next one. */
#pragma once

#include "base/buffer.h"
#include "dialect/anthropic/parts.h"

enum block_kind {
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_REDACTED,
    BLOCK_CALL,
    BLOCK_KINDS
};

/* What a block can be given a piece of. */
enum piece {
    PIECE_TEXT, /* thoughts, arguments and data too */
    PIECE_CITATION,
    PIECE_SIGNATURE
};

struct content_block {
    struct content_block *next;
    enum block_kind kind;
    uint32_t index; /* the event's */
    hg_str id, name;
    struct buffer text;      /* not written yet */
    struct chain *citations; /* not written yet: elements of a list */
    hg_str signature;        /* not written yet */
    bool is_open, is_signed, is_over;
};

struct dialect_writer {
    struct arena *arena;
    bool is_stream, is_started, has_failed, has_calls;
    hg_str id, model;
    struct content_block *blocks, *last;
    uint32_t number; /* of the open block */
    hg_str prefix;   /* of its deltas */
    uint32_t finish;
    hg_str native, stop_sequence, stop_details, container;
    hg_usage usage;
    hg_str error_type, error_message;
};

/* Members of a message that begins: {"id":...,"model":... */
void anthropic_message_begin(struct dialect_writer *writer, struct chain *out);

/* "stop_reason", "stop_sequence" and what may stand beside them. */
void anthropic_stop_put(struct dialect_writer *writer, struct chain *out);

/* ---- writer_stream.c ------------------------------------------------------------------------- */

/* Writes a piece of the open block. */
void anthropic_piece_put(struct dialect_writer *writer, enum piece piece, hg_str text,
                         struct chain *out);

/* Opens and closes blocks as far as may be. */
void anthropic_stream_advance(struct dialect_writer *writer, struct chain *out);
void anthropic_stream_end(struct dialect_writer *writer, struct chain *out);

/* ---- writer_whole.c -------------------------------------------------------------------------- */

void anthropic_whole_end(struct dialect_writer *writer, struct chain *out);
