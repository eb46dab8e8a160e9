/* words.h - where deterministic answers come from: hashes, sentences, token counts, values that fit
 * a JSON schema. The same request always gets the same answer. */
#pragma once

#include "base/arena.h"

struct json_t;

/* FNV-1a, 64 bits. */
uint64_t words_hash(hg_str text);
uint64_t words_mix(uint64_t hash, uint64_t number); /* a new number from both */

/* A word with the space before it counts as a token. */
uint64_t words_count(hg_str text);

/* The next token of *rest, which moves on; empty at the end. */
hg_str words_next(hg_str *rest);

/* The first `count` tokens of the text. */
hg_str words_cut(hg_str text, uint64_t count);

/* Sentences chosen by the seed, `tokens` of them words_count would say. */
hg_str words_sentences(struct arena *arena, uint64_t seed, uint64_t tokens);

/* "chatcmpl-" and 24 letters and digits. */
hg_str words_id(struct arena *arena, const char *prefix, uint64_t seed);

/* A value that the schema allows, as far as type, enum, const, properties, items, anyOf and $ref to
 * $defs tell. A new reference. */
struct json_t *words_of_schema(const struct json_t *schema, uint64_t seed);
