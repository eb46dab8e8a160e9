/* writer.h - private to cohere/: what the files of the writer share.
 *   writer.c         its life, and members that a stream and a whole answer have alike
 *   writer_stream.c  events of a stream; the last one waits for the usage
 *   writer_whole.c   a body at the end, from what was kept */
#pragma once

#include "dialect/cohere/parts.h"

enum piece {
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_THINKING
};

struct call {
    hg_str id, name;
    struct chain *args; /* whole answers: escaped; streams: what came before its turn */
    bool is_started, is_open, has_ended, is_over, has_args;
};

struct dialect_writer {
    struct arena *arena;
    bool is_stream, is_begun, failed;
    hg_str id;

    enum piece open;
    uint32_t blocks;   /* begun so far */
    uint32_t thoughts; /* number of the run that the open block holds */
    struct call *calls;
    uint32_t call_count;

    bool has_own_citations; /* they came as Cohere writes them */
    uint32_t citation_count;

    /* Whole answers: parts, citations, logprobs, each a list. */
    struct chain *content, *citations, *logprobs;

    uint32_t finish;
    hg_usage usage;
    hg_str error_type, error_message;
};

struct call *cohere_writer_call(struct dialect_writer *writer, uint32_t number);
hg_str cohere_writer_id(struct dialect_writer *writer);
void cohere_writer_usage_put(const struct dialect_writer *writer, struct chain *out);

/* One piece of logprobs, from a token of OpenAI's form. */
void cohere_writer_logprob_put(hg_json token, struct chain *out);

/* The name that a part's text has, and its type. */
hg_str cohere_writer_block_word(enum piece block);

void cohere_writer_stream_write(struct dialect_writer *writer, const hg_event *event,
                                struct chain *out);
void cohere_writer_stream_end(struct dialect_writer *writer, struct chain *out);
void cohere_writer_whole_write(struct dialect_writer *writer, const hg_event *event);
void cohere_writer_whole_end(struct dialect_writer *writer, struct chain *out);
