/* parts.h - private to anthropic/: what its files share. */
#pragma once

#include "dialect/dialect.h"
#include "dialect/models.h"
#include "json/index.h"

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t anthropic_kind_of(enum method method, hg_str plain, hg_str path);
uint64_t anthropic_tokens(uint32_t kind, hg_json doc);
void anthropic_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                            struct dialect_request *ret);

/* ---- texts.c --------------------------------------------------------------------------------- */

void anthropic_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void anthropic_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void anthropic_event_visit(hg_json doc, struct text_visitor *visitor);

/* ---- read_chat.c, write_chat.c --------------------------------------------------------------- */

bool anthropic_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                         struct error *error);
bool anthropic_write_chat(struct translation *translation, const struct chat *chat,
                          struct chain *out, struct error *error);

/* ---- families.c ------------------------------------------------------------------------------ */

#define FAMILY_ADAPTIVE    1u  /* thinks as much as it takes; an effort, no budget */
#define FAMILY_NO_SAMPLING 2u  /* refuses temperature, top_p and top_k */
#define FAMILY_SCHEMA      4u  /* keeps to a schema by itself; knows strict tools */
#define FAMILY_XHIGH       8u  /* knows the effort xhigh; without it, max is next to high */
#define FAMILY_ONE_SAMPLER 16u /* temperature or top_p, not both */
#define FAMILY_NO_THINKING 32u
#define FAMILY_OTHER       64u /* not of this maker: the limit is a guess, and no limit */

struct family {
    const char *part; /* of its models' names, dots as dashes */
    uint32_t max_tokens, flags;
};

const struct family *anthropic_family_of(hg_str model);

/* ---- usage.c --------------------------------------------------------------------------------- */

/* Counts as this format has them: input without what was cached or written. -1: not known. */
struct counts {
    int64_t input, read, written, output, thinking;
};

#define COUNTS_NONE        \
    {                      \
        -1, -1, -1, -1, -1 \
    }

/* Puts what the usage object tells over what was known; true if it told anything. */
bool anthropic_counts_read(hg_json usage, struct counts *counts);
hg_usage anthropic_usage_of(const struct counts *counts);

/* The usage object. */
void anthropic_usage_put(const hg_usage *usage, struct chain *out);

uint32_t anthropic_finish_of(hg_str stop_reason);

/* The stop reason of a finish; `native` is the provider's word for it, ours if it is one. */
hg_str anthropic_stop_reason(uint32_t finish, hg_str native, bool has_stop_sequence);

/* ---- citation.c ------------------------------------------------------------------------------ */

/* A citation in OpenAI's form, and back; empty if it has none there. */
hg_str anthropic_citation_read(struct arena *arena, hg_json citation);
hg_str anthropic_citation_write(struct arena *arena, hg_str annotation);

/* ---- reader.c -------------------------------------------------------------------------------- */

struct dialect_reader *anthropic_reader_new(struct arena *arena, uint32_t kind,
                                            const struct dialect_sink *sink);
void anthropic_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                            hg_str data);
void anthropic_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void anthropic_reader_end(struct dialect_reader *reader);
bool anthropic_is_end(hg_str event, hg_str data);
bool anthropic_is_plain(hg_str events);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *anthropic_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                            bool with_usage);
void anthropic_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void anthropic_write_end(struct dialect_writer *writer, struct chain *out);

/* ---- error.c --------------------------------------------------------------------------------- */

void anthropic_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);
hg_str anthropic_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                            hg_str message);
hg_str anthropic_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);

extern const struct dialect_count anthropic_count; /* in request.c */

/* ---- models.c ---------------------------------------------------------------------------------
 */

bool anthropic_asks_models(const struct head *head);
void anthropic_write_model(const struct dialect_model *model, struct chain *out);
void anthropic_write_models(const struct dialect_models *models, struct chain *out);
