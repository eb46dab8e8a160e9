/* parts.h - private to openai_chat/: what its files share. */
#pragma once

#include "dialect/dialect.h"
#include "dialect/models.h"
#include "json/index.h"
#include "json/splice.h"

/* ---- texts.c --------------------------------------------------------------------------------- */

void openai_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void openai_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);

/* The texts of one event: of all choices, and of reasoning, refusals and tool calls too. */
void openai_event_visit(hg_json doc, struct text_visitor *visitor);

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t openai_kind_of(enum method method, hg_str plain, hg_str path);
uint64_t openai_tokens(uint32_t kind, hg_json doc);
void openai_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret);

/* ---- usage.c --------------------------------------------------------------------------------- */

/* Reads a usage object of any server of this format; false if it counts nothing. */
bool openai_usage_read(hg_json usage, hg_usage *ret_usage);

/* Where an answer or event has its usage. */
hg_json openai_usage_find(hg_json doc);

/* HG_FIN_... of a finish reason; 0 for null or none. Some servers say by it that they failed. */
uint32_t openai_finish_read(hg_json reason);
bool openai_finish_is_failure(hg_json reason);

/* ---- answer.c -------------------------------------------------------------------------------- */

/* Whether the document says that something failed, and what, in any of the shapes there are. */
bool openai_error_read(struct arena *arena, hg_json doc, hg_str *ret_type, hg_str *ret_message);

void openai_read_answer(struct arena *arena, uint32_t kind, hg_json doc,
                        struct dialect_answer *ret);

/* ---- event.c --------------------------------------------------------------------------------- */

bool openai_is_plain(hg_str events);
void openai_read_event(struct arena *arena, hg_str data, struct dialect_event *ret);
void openai_event_unrepeat(hg_json doc, struct splice *splice);

/* Writes JSON as the data of one event. */
void openai_event_put(struct chain *out, hg_str json);

/* ---- error.c --------------------------------------------------------------------------------- */

hg_str openai_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message);
hg_str openai_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);

/* ---- replay.c, fold.c ------------------------------------------------------------------------ */

bool openai_to_events(struct arena *arena, uint32_t kind, hg_str body, bool with_usage,
                      struct chain *out);
bool openai_to_whole(struct arena *arena, uint32_t kind, hg_str events, struct chain *out);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *openai_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage);
void openai_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void openai_write_end(struct dialect_writer *writer, struct chain *out);

/* ---- read_chat.c, write_chat.c, reader.c ----------------------------------------------------- */

bool openai_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error);
bool openai_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error);
void openai_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);
bool openai_is_end(hg_str event, hg_str data);

struct dialect_reader *openai_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink);
void openai_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data);
void openai_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void openai_reader_end(struct dialect_reader *reader);

/* ---- models.c ---------------------------------------------------------------------------------
 */

void openai_write_model(const struct dialect_model *model, struct chain *out);
void openai_write_models(const struct dialect_models *models, struct chain *out);
