/* parts.h - private to converse/: what its files share. */
#pragma once

#include "dialect/dialect.h"
#include "json/index.h"

extern const struct dialect_count converse_count; /* in request.c */

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t converse_kind_of(enum method method, hg_str plain, hg_str path);
void converse_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                           struct dialect_request *ret);
uint64_t converse_tokens(uint32_t kind, hg_json doc);

/* ---- texts.c --------------------------------------------------------------------------------- */

void converse_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void converse_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void converse_event_visit(hg_json doc, struct text_visitor *visitor);

/* ---- error.c --------------------------------------------------------------------------------- */

hg_str converse_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                           hg_str message);
hg_str converse_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);
void converse_error_field(int status, hg_str type, hg_str *ret_name, hg_str *ret_value);
void converse_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);

/* ---- reader.c -------------------------------------------------------------------------------- */

bool converse_is_end(hg_str event, hg_str data);

/* HG_FIN_... of a stopReason; 0 if it is none. */
uint32_t converse_finish_of(hg_str reason);

struct dialect_reader *converse_reader_new(struct arena *arena, uint32_t kind,
                                           const struct dialect_sink *sink);
void converse_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                           hg_str data);
void converse_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void converse_reader_end(struct dialect_reader *reader);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *converse_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                           bool with_usage);
void converse_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void converse_write_end(struct dialect_writer *writer, struct chain *out);

/* ---- read_chat.c, write_chat.c --------------------------------------------------------------- */

bool converse_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                        struct error *error);
bool converse_write_chat(struct translation *translation, const struct chat *chat,
                         struct chain *out, struct error *error);
