/* parts.h - private to gemini/: what its files share. Members have two spellings, systemInstruction
 * and system_instruction; both are read, the first is written. */
#pragma once

#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/models.h"
#include "dialect/translation.h"
#include "json/index.h"
#include "json/splice.h"

/* ---- member.c -------------------------------------------------------------------------------- */

/* Whether raw key text is `camel` ("inlineData") or the same with underscores ("inline_data"). */
bool gemini_key_is(hg_str raw_key, hg_str camel);

/* A member under either name; the last one counts. */
hg_json gemini_member(hg_json object, hg_str camel);

/* A number, or a string that holds one, as whole numbers of 64 bits are written; -1 if none. */
int64_t gemini_count(hg_json value);

/* The value as it was written, but for white space between tokens: servers write it pretty. */
hg_str gemini_compact(struct arena *arena, hg_json value);

/* ---- request.c ------------------------------------------------------------------------------- */

uint32_t gemini_kind_of(enum method method, hg_str plain, hg_str path);
bool gemini_wants_array(hg_str query);
uint64_t gemini_tokens(uint32_t kind, hg_json doc);
void gemini_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret);

/* ---- texts.c --------------------------------------------------------------------------------- */

void gemini_request_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void gemini_answer_visit(uint32_t kind, hg_json doc, struct text_visitor *visitor);
void gemini_event_visit(hg_json doc, struct text_visitor *visitor);
void gemini_event_unrepeat(hg_json doc, struct splice *splice);

/* ---- error.c --------------------------------------------------------------------------------- */

/* Whether a document, or a list with one in it, is an error. */
bool gemini_error_read(struct arena *arena, hg_json doc, struct dialect_error *ret);
void gemini_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret);
hg_str gemini_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message);
hg_str gemini_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message);

/* ---- read_chat.c, read_contents.c, read_schema.c --------------------------------------------- */

bool gemini_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error);
bool gemini_contents_read(struct arena *arena, hg_json doc, struct chat *chat, struct error *error);

/* A Schema of this format as JSON Schema: types in small letters, nullable as a type, limits as
 * numbers. */
hg_str gemini_schema_read(struct arena *arena, hg_json schema);

/* ---- write_chat.c, write_contents.c, write_tools.c, write_config.c --------------------------- */

struct gemini_model {
    unsigned major, minor; /* 0: no Gemini, or not known */
    bool is_pro, is_lite, is_gemma;
};

struct gemini_writing {
    struct translation *to;
    const struct chat *chat;
    struct chain *out;
    struct gemini_model model;
};

struct gemini_model gemini_model_read(hg_str name);
bool gemini_model_is(const struct gemini_model *model, unsigned major, unsigned minor);
bool gemini_write_chat(struct translation *translation, const struct chat *chat, struct chain *out,
                       struct error *error);
bool gemini_contents_put(struct gemini_writing *writing, struct error *error);
void gemini_tools_put(struct gemini_writing *writing);
bool gemini_runs(const struct translation *translation, const struct chat *chat, hg_str type);
void gemini_config_put(struct gemini_writing *writing);
void gemini_schema_put(struct gemini_writing *writing, hg_str schema);

/* A function's name as this format takes it. */
hg_str gemini_tool_name(struct translation *translation, struct chat_text name);

/* Members of generationConfig that have no place in normal form; ends with NULL. */
extern const char *const gemini_config_extras[];

/* ---- embed.c --------------------------------------------------------------------------------- */

bool gemini_write_embed(struct translation *translation, hg_json doc, struct chain *out,
                        struct error *error);

/* The vectors of an answer in OpenAI's form; empty if it has none. */
hg_str gemini_embeddings_read(struct arena *arena, hg_json doc);

/* ---- usage.c --------------------------------------------------------------------------------- */

bool gemini_usage_read(hg_json usage, hg_usage *ret);

/* Of an answer with embeddings; false if it does not say. */
bool gemini_embed_usage_read(hg_json doc, hg_usage *ret);
void gemini_usage_put(struct chain *out, const hg_usage *usage);
uint32_t gemini_finish_read(hg_json reason);
hg_str gemini_finish_word(uint32_t finish);

/* Of an answer that could not be made sense of: a call that does not parse, to a tool unknown. */
bool gemini_finish_is_broken(hg_json reason);

/* ---- reader.c, grounding.c ------------------------------------------------------------------- */

struct dialect_reader *gemini_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink);
void gemini_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data);
void gemini_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
void gemini_reader_end(struct dialect_reader *reader);

/* Where characters begin in a text that comes in pieces: offsets of this format count bytes, those
 * of annotations count characters. */
struct marks;

struct marks *marks_new(struct arena *arena);
void marks_add(struct marks *marks, hg_str text);

/* Gives the citations of a candidate from the one numbered `from` on; returns how many it has. */
size_t gemini_grounding_give(const struct dialect_sink *sink, struct arena *scratch,
                             uint32_t choice, hg_json candidate, const struct marks *marks,
                             size_t from);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct dialect_writer *gemini_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage);
void gemini_write(struct dialect_writer *writer, const hg_event *event, struct chain *out);
void gemini_write_end(struct dialect_writer *writer, struct chain *out);

extern const struct dialect_count gemini_counting; /* in request.c */

/* ---- models.c ---------------------------------------------------------------------------------
 */

bool gemini_asks_models(const struct head *head);
void gemini_write_model(const struct dialect_model *model, struct chain *out);
void gemini_write_models(const struct dialect_models *models, struct chain *out);
