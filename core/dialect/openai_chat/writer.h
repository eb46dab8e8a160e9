/* writer.h - private to openai_chat/: what the files of the writer share.
 *   writer.c         its life, and members that a chunk and a whole answer have alike
 *   writer_stream.c  events of a stream, one by one
 *   writer_whole.c   a body at the end, from what was kept */
#pragma once

#include "dialect/openai_chat/parts.h"

struct tool {
    hg_str id, name;
    hg_str signature;   /* Gemini's, for the next turn */
    struct chain *args; /* whole answers: escaped */
    bool started, has_args;
};

/* A run of reasoning with what its provider wants to see again. */
struct thought {
    struct chain *text; /* whole answers: escaped */
    hg_str signature, encrypted;
};

struct choice {
    struct chain *text, *reasoning, *refusal; /* whole answers: escaped */
    struct chain *citations, *media;          /* whole answers: elements of a list */
    struct chain *logprobs;                   /* the same */
    hg_str audio;
    struct thought *thoughts;
    uint32_t thought_count;
    struct tool *tools;
    uint32_t tool_count;
    uint32_t finish;
    bool begun;
};

/* A member of the root of a whole answer. */
struct extra {
    struct extra *next;
    hg_str name, raw;
};

struct dialect_writer {
    struct arena *arena;
    uint32_t kind;
    bool is_stream, with_usage, failed;
    hg_str id, model;
    int64_t created;
    struct choice *choices;
    uint32_t choice_count;
    struct extra *extra; /* the newest first */
    hg_usage usage;
    hg_str error_type, error_message;
};

/* NULL if there can be no such choice or tool. */
struct choice *writer_choice(struct dialect_writer *writer, uint32_t number);
struct tool *writer_tool(struct dialect_writer *writer, struct choice *choice, uint32_t number);
struct thought *writer_thought(struct dialect_writer *writer, struct choice *choice,
                               uint32_t number);

/* An element of `reasoning_details`: what of a run is known; `text` may be empty. */
void writer_detail_put(struct chain *out, uint32_t number, hg_str text, hg_str signature,
                       hg_str encrypted);

/* "extra_content" of a call with a signature. */
void writer_signature_put(struct chain *out, hg_str signature);

/* Opens the root object and writes what all roots have. */
void writer_root_begin(struct dialect_writer *writer, struct chain *out);
void writer_usage_put(struct dialect_writer *writer, struct chain *out);
void writer_media_put(struct chain *out, const hg_event *event);
hg_str writer_finish_word(uint32_t finish);

/* Whether a name is one of those that we write at the root ourselves. */
bool writer_is_own_name(hg_str name);
bool writer_is_json(hg_str text);

void writer_stream_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void writer_stream_end(struct dialect_writer *writer, struct chain *out);
void writer_whole_write(struct dialect_writer *writer, const hg_event *event);
void writer_whole_end(struct dialect_writer *writer, struct chain *out);
