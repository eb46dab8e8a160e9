/* writer.h - private to openai_responses/: what the files of the writer share.
 *   writer.c           its life; what each event means
 *   writer_items.c     items and their parts: opened, added to, closed
 *   writer_calls.c     the same for calls and images
 *   writer_response.c  the response around them, at the start and at the end
 *
 * A stream says everything again when it is whole: the part, the item, the response. So what was
 * said is kept, escaped already, and a whole answer is the end of a stream without the stream. */
#pragma once

#include "dialect/openai_responses/parts.h"

enum part_kind {
    PART_TEXT,
    PART_REFUSAL,
    PART_SUMMARY, /* of thoughts */
    PART_THOUGHTS,
    PART_KINDS
};

struct part {
    struct part *next;
    enum part_kind kind;
    unsigned number, notes;
    struct chain *text;      /* escaped */
    struct chain *note_list; /* elements of a list, commas between */
    struct chain *logprobs;  /* the same */
    hg_str delta_head;       /* what stands before the text in each delta event */
};

enum output_kind {
    OUTPUT_MESSAGE,
    OUTPUT_REASONING,
    OUTPUT_CALL,
    OUTPUT_CUSTOM, /* a call with free text */
    OUTPUT_IMAGE
};

struct output {
    struct output *next;
    enum output_kind kind;
    unsigned number;
    uint32_t index; /* of a call, or of a block of reasoning, in the events */
    hg_str id, call_id, name;
    struct part *parts, *part; /* the last one is open as long as the item is */
    unsigned part_count;
    struct chain *args; /* OUTPUT_CALL: escaped; OUTPUT_CUSTOM: as they came; OUTPUT_IMAGE */
    hg_str delta_head;
    hg_str encrypted;
    bool is_closed, is_cut;
};

struct dialect_writer {
    struct arena *arena;
    hg_json asked;
    bool is_stream, is_begun, is_finished, has_failed, wants_summary;
    hg_str id, model, tier; /* tier: JSON */
    char base[24];          /* of the ids of items */
    int64_t created;        /* seconds since 1970 */
    hg_ns began;
    uint64_t sequence;
    struct output *outputs, **outputs_end, *open; /* a message or reasoning, to which text goes */
    unsigned count;
    uint32_t finish;
    hg_usage usage;
    hg_str error_type, error_message;
};

/* ---- writer.c -------------------------------------------------------------------------------- */

/* One event of the stream: its type and number; what follows is the caller's. */
void responses_writer_event_begin(struct dialect_writer *writer, const char *type,
                                  struct chain *out);
void responses_writer_event_end(struct chain *out);

/* A kept text as a JSON string. */
void responses_writer_kept_put(struct chain *out, const struct chain *kept);

/* ---- writer_items.c, writer_calls.c
 * ---------------------------------------------------------------------------- */

/* All of them write to `out` only if the answer is a stream. */
void responses_writer_text(struct dialect_writer *writer, enum part_kind kind, uint32_t index,
                           hg_str text, struct chain *out);
void responses_writer_note(struct dialect_writer *writer, hg_json note, struct chain *out);
void responses_writer_logprobs(struct dialect_writer *writer, hg_json logprobs);
void responses_writer_encrypted(struct dialect_writer *writer, uint32_t index, hg_str mark,
                                hg_str text, struct chain *out);
void responses_writer_call(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void responses_writer_args(struct dialect_writer *writer, uint32_t index, hg_str text,
                           struct chain *out);
void responses_writer_call_end(struct dialect_writer *writer, uint32_t index, struct chain *out);
void responses_writer_image(struct dialect_writer *writer, hg_str data, struct chain *out);

/* Private to these two files: an item, its events, the place that other events name, and deltas, of
 * which `kept` has been given the text last, from byte `from` on. */
struct output *responses_writer_item(struct dialect_writer *writer, enum output_kind kind);
void responses_writer_item_event(struct dialect_writer *writer, const struct output *output,
                                 bool is_new, struct chain *out);
void responses_writer_place(const struct output *output, struct chain *out);
hg_str responses_writer_delta_head(struct dialect_writer *writer, const struct output *output,
                                   const struct part *part, const char *type);
void responses_writer_delta(struct dialect_writer *writer, hg_str head, const struct chain *kept,
                            size_t from, struct chain *out);
void responses_writer_close_open(struct dialect_writer *writer, struct chain *out);
void responses_writer_close_call(struct dialect_writer *writer, struct output *output,
                                 struct chain *out);

/* Closes what is open; `is_cut` if the last of it is not whole. */
void responses_writer_close(struct dialect_writer *writer, bool is_cut, struct chain *out);

/* The item as it is: `is_new` without what is in it. */
void responses_writer_output_put(const struct output *output, bool is_new, struct chain *out);

/* ---- writer_response.c ----------------------------------------------------------------------- */

void responses_writer_begin(struct dialect_writer *writer, struct chain *out);
void responses_writer_end_stream(struct dialect_writer *writer, struct chain *out);
void responses_writer_end_whole(struct dialect_writer *writer, struct chain *out);
void responses_writer_failed(struct dialect_writer *writer, struct chain *out);
