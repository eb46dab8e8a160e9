/* parts.h - private to openai_responses/: what its files share. */
#pragma once

#include "dialect/dialect.h"
#include "json/index.h"
#include "json/splice.h"

extern const struct dialect_count responses_count; /* in request.c */

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t responses_kind_of(enum method method, hg_str plain, hg_str path);
uint64_t responses_tokens(uint32_t kind, hg_json doc);
void responses_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                            struct dialect_request *ret);

/* ---- texts.c --------------------------------------------------------------------------------- */

void responses_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void responses_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void responses_event_visit(hg_json doc, struct text_visitor *visitor);

/* ---- repeat.c -------------------------------------------------------------------------------- */

struct dialect_repeat *responses_repeat_new(struct arena *arena);
void responses_repeat_event(struct dialect_repeat *repeat, hg_json doc, struct splice *splice);
void responses_event_unrepeat(hg_json doc, struct splice *splice);

/* ---- usage.c, error.c, answer.c -------------------------------------------------------------- */

/* Reads a usage object; false if it counts nothing. */
bool responses_usage_read(hg_json usage, hg_usage *ret_usage);

/* HG_FIN_... of a response object, as if it had no calls; 0 if it is not at its end. */
uint32_t responses_finish_read(hg_json response);

hg_str responses_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                            hg_str message);
hg_str responses_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);
void responses_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);

/* The members of an `error` event, which stand at its root or in a member `error`. */
void responses_error_put(struct chain *out, hg_str type, hg_str code, hg_str message);

void responses_read_answer(struct arena *arena, uint32_t kind, hg_json doc,
                           struct dialect_answer *ret);

/* ---- replay.c -------------------------------------------------------------------------------- */

bool responses_to_events(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                         struct chain *out);
bool responses_to_whole(struct arena *arena, uint32_t kind, hg_str events, struct chain *out);

/* ---- read_chat.c, write_chat.c --------------------------------------------------------------- */

bool responses_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                         struct error *error);
bool responses_write_chat(struct translation *translation, const struct chat *chat,
                          struct chain *out, struct error *error);

/* ---- reader.c -------------------------------------------------------------------------------- */

struct dialect_reader *responses_reader_new(struct arena *arena, uint32_t kind,
                                            const struct dialect_sink *sink);
void responses_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                            hg_str data);
void responses_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void responses_reader_end(struct dialect_reader *reader);
bool responses_is_end(hg_str event, hg_str data);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *responses_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                            bool with_usage);
void responses_writer_asked(struct dialect_writer *writer, hg_json request);
void responses_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void responses_write_end(struct dialect_writer *writer, struct chain *out);

/* What stands before a signature of another format in `encrypted_content`, where clients of this
 * one keep what they must bring back unread. */
#define RESPONSES_SIGNATURE HG_S("headgate.signature:")
#define RESPONSES_ENCRYPTED HG_S("headgate.encrypted:")
