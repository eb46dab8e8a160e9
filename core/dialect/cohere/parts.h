/* parts.h - private to cohere/: what its files share. */
#pragma once

#include "dialect/dialect.h"
#include "dialect/models.h"
#include "json/index.h"
#include "json/splice.h"

/* The name of the event EXTRA with citations as Cohere writes them: a list. */
#define COHERE_CITATIONS HG_S("cohere_citations")

/* ---- texts.c --------------------------------------------------------------------------------- */

void cohere_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void cohere_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void cohere_event_visit(hg_json doc, struct text_visitor *visitor);
void cohere_event_unrepeat(hg_json doc, struct splice *splice);

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t cohere_kind_of(enum method method, hg_str plain, hg_str path);
uint64_t cohere_tokens(uint32_t kind, hg_json doc);
void cohere_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret);

/* ---- usage.c --------------------------------------------------------------------------------- */

/* Reads `usage` of an answer, or `meta` of embeddings; false if it counts nothing. */
bool cohere_usage_read(hg_json usage, hg_usage *ret);

/* HG_FIN_... of a finish reason; 0 for none and for those that say that it failed. */
uint32_t cohere_finish_read(hg_json reason);
bool cohere_finish_is_failure(hg_json reason);
hg_str cohere_finish_word(uint32_t finish);

/* ---- citation.c ------------------------------------------------------------------------------ */

/* Appends an annotation in OpenAI's form for each source of a citation that has a URL; how many. */
size_t cohere_citation_read(struct arena *arena, hg_json citation, struct chain *out);

/* Appends a citation for an annotation; false if it is not one of a URL. */
bool cohere_citation_write(struct arena *arena, hg_str annotation, struct chain *out);

/* ---- error.c --------------------------------------------------------------------------------- */

hg_str cohere_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message);
hg_str cohere_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);
void cohere_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);

/* ---- read_chat.c, write_chat.c, embed.c ------------------------------------------------------ */

bool cohere_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error);
bool cohere_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error);
bool cohere_write_embed(struct translation *translation, hg_json doc, struct chain *out,
                        struct error *error);

/* ---- reader.c -------------------------------------------------------------------------------- */

bool cohere_is_plain(hg_str events);
bool cohere_is_end(hg_str event, hg_str data);
struct dialect_reader *cohere_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink);
void cohere_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data);
void cohere_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void cohere_reader_end(struct dialect_reader *reader);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *cohere_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage);
void cohere_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void cohere_write_end(struct dialect_writer *writer, struct chain *out);

/* ---- models.c ---------------------------------------------------------------------------------
 */

bool cohere_asks_models(const struct head *head);
void cohere_write_model(const struct dialect_model *model, struct chain *out);
void cohere_write_models(const struct dialect_models *models, struct chain *out);
