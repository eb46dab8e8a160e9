/* write.h - a checked JSON writer on a chain. It puts commas and colons; a call that does not fit
 * its place (a value without a key inside an object, an end too many) marks the chain as broken
 * instead of writing nonsense. Several values may follow one another at the top level. */
#pragma once

#include <stdbool.h>

#include "base/chain.h"

void json_obj(struct chain *out);
void json_arr(struct chain *out);
void json_end(struct chain *out); /* closes the innermost object or array */

void json_key(struct chain *out, hg_str key); /* escaped as needed */

/* The same for a word that needs no escapes, which is written with all that belongs around it. */
#define JSON_KEY(out, lit) json_key_written(out, ",\"" lit "\":", sizeof(",\"" lit "\":") - 1)
void json_key_written(struct chain *out, const char *written, size_t n);

void json_put_str(struct chain *out, hg_str text); /* escapes; what is not UTF-8 becomes U+FFFD */
void json_put_i64(struct chain *out, int64_t value);
void json_put_u64(struct chain *out, uint64_t value);
void json_put_f64(struct chain *out, double value); /* shortest exact form; NaN, Inf: null */
void json_put_bool(struct chain *out, int value);   /* less than 0 writes null */
void json_put_null(struct chain *out);

/* Must be one whole JSON value. Copied, without line breaks between its tokens: what we write fits
 * into one line of a stream. */
void json_put_raw(struct chain *out, hg_str json);

/* A string in pieces: json_escape, or chain_put of what is escaped already, between these two. */
void json_str_begin(struct chain *out);
void json_str_end(struct chain *out);

/* Whether everything fitted and all is closed. */
bool json_ok(const struct chain *out);

/* The text with escapes, without quotes, into a chain outside the writer's bookkeeping: for pieces
 * of a string that others frame. */
void json_escape(struct chain *out, hg_str text);

/* The same into memory of the caller's, JSON_ESCAPED_MAX bytes for each byte of the text; returns
 * the end of what it wrote. */
#define JSON_ESCAPED_MAX 6
char *json_escape_at(char *at, hg_str text);
