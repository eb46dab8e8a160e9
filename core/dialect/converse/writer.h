/* writer.h - private to converse/: what the files of the writer share.
 *   writer.c         its life, and what streams and whole answers have alike
 *   writer_stream.c  events of a stream, one by one
 *   writer_whole.c   a body at the end, from what was kept */
#pragma once

#include "base/clock.h"
#include "dialect/converse/parts.h"

enum block_kind {
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_REASONING,
    BLOCK_REDACTED,
    BLOCK_TOOL,
    BLOCK_IMAGE
};

/* A block of a whole answer. */
struct block_kept {
    struct block_kept *next;
    enum block_kind kind;
    uint32_t key;            /* the event's index: of the call, or the run of reasoning */
    struct chain *text;      /* escaped; of a call: its arguments as they are */
    struct chain *citations; /* elements of a list */
    hg_str id, name;         /* of a call; name of an image: its format */
    hg_str signature, data;
};

struct dialect_writer {
    struct arena *arena;
    bool is_stream, is_started, is_finished, is_failed;
    hg_ns began;
    hg_usage usage;
    uint32_t finish;
    hg_str finish_word;
    hg_str fields, trace, performance, tier; /* JSON of members with these names; may be empty */
    hg_str error_type, error_message;

    /* Streams: the block that is open. */
    enum block_kind open;
    uint32_t key, next_block;
    bool has_args;

    /* Whole answers. */
    struct block_kept *blocks, **blocks_end;
    struct block_kept *last;
};

/* The word for a finish: the provider's own if it is one of this format. */
hg_str converse_stop_reason(const struct dialect_writer *writer);

/* "metrics", "usage" and what else metadata has, into the object that is open. */
void converse_metadata_put(const struct dialect_writer *writer, struct chain *out);

/* A citation in OpenAI's form as one of ours; empty if it leads nowhere. */
hg_str converse_citation_of(struct arena *arena, hg_str annotation);

/* "png" of "image/png". */
hg_str converse_image_format_of(hg_str mime);

/* What is not base64 as Bedrock has it is wrapped in some: foreign reasoning may be any text. */
hg_str converse_blob_of(struct arena *arena, hg_str text);

void converse_stream_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void converse_stream_end(struct dialect_writer *writer, struct chain *out);
void converse_whole_write(struct dialect_writer *writer, const hg_event *event);
void converse_whole_end(struct dialect_writer *writer, struct chain *out);
