/* splice.h - changes to a document without writing it anew: what is not changed is shared with the
 * original and stays the same byte for byte, white space included.
 *
 *   original  {"model":"a","stream":true}
 *   out       [ {"model": ][ "b" ][ ,"stream":true ][ ,"user":"u" ][ } ]
 *               shared      ours   shared            ours            shared
 *
 * A place is an RFC 6901 pointer ("/stream_options/include_usage"), or without the leading slash
 * the key of a member of the root ("model"). Later changes win over earlier ones. */
#pragma once

#include <stdbool.h>

#include "base/chain.h"
#include "json/index.h"

struct splice;

/* Changes to the document that `root` is the root of. */
struct splice *splice_new(struct arena *arena, hg_json root);

/* Puts `raw`, one whole JSON value that lives as long as the arena, in a place. A member that is
 * not there is appended to its object, and objects on the way are made (null counts as not there).
 * False, and nothing changes, if the way leads through something else. */
bool splice_set(struct splice *splice, const char *place, hg_str raw);

/* The same with a string: escaped and copied here; what is not UTF-8 becomes U+FFFD. */
bool splice_set_str(struct splice *splice, const char *place, hg_str text);

/* Takes a member away with its comma; true also if it was not there. False if `place` is the root
 * or leads through an array's end; an array's elements cannot be removed. */
bool splice_remove(struct splice *splice, const char *place);

/* The same for a member of an object of the same document, found before. Nothing happens if the
 * object is gone. */
void splice_remove_member(struct splice *splice, hg_json object, hg_str key);

/* Puts `raw` or a string in the place of a value of the same document, found before. */
void splice_replace(struct splice *splice, hg_json value, hg_str raw);
void splice_replace_str(struct splice *splice, hg_json value, hg_str text);

/* Whether anything was changed. */
bool splice_changes(const struct splice *splice);

/* Appends the changed document. Pieces of the original are borrowed (chain_put_const): the text
 * must live as long as `out`. The splice may be used further. */
void splice_into(const struct splice *splice, struct chain *out);
