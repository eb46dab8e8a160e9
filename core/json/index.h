/* index.h - reads JSON where it stands: one strict pass over the text, then walking on demand.
 *
 *   text   {"model":"m","messages":[{"role":"user","content":"..."}],"stream":true}
 *           key──►value key────────►value────────────────────────►   key───►value
 *   doc  ─► the top-level members, found in the one pass; deeper levels are walked when asked
 *
 * A value (hg_json) is two words: the document and an offset. {0} is an absent value, and all
 * functions take one. What comes from json_parse is valid all the way down, so no other function
 * here fails; they only find nothing. */
#pragma once

#include <stdbool.h>

#include <headgate/json.h>

#include "base/arena.h"

enum {
    JSON_DEPTH = 128,
    JSON_DEPTH_MAX = 1024
};

struct json_fault {
    size_t at;          /* offset in the text */
    const char *reason; /* static, "duplicate key at the top level" */
};

/* Checks the whole of `text` (RFC 8259, strictly: UTF-8, no BOM, nothing but white space behind the
 * value, nested at most JSON_DEPTH deep, no key twice at the top level, less than 4 GiB) and gives
 * its root. The text must live and stay unchanged as long as the arena does. Lone surrogates
 * written as \u escapes are accepted. `ret_fault` may be NULL. */
bool json_parse(struct arena *arena, hg_str text, hg_json *ret_root, struct json_fault *ret_fault);

/* The same with another limit of nesting, at most JSON_DEPTH_MAX. */
bool json_parse_depth(struct arena *arena, hg_str text, unsigned depth, hg_json *ret_root,
                      struct json_fault *ret_fault);

/* The length of the JSON value that `text` begins with, as strictly checked as above (but for
 * duplicate keys); 0 if there is none. More may follow it. Allocates nothing. */
size_t json_measure(hg_str text);

/* The value at an RFC 6901 pointer ("/messages/0/content"). */
hg_json json_get(hg_json from, const char *pointer);

/* A member of an object, by its key without escapes. At the top level keys are unique; deeper, the
 * last of several counts, as it does for most readers. */
hg_json json_member(hg_json object, hg_str key);

/* Several members of one object in one walk: ret_values[i] is what json_member gives for keys[i].
 * `it`, if it is not NULL, is the walk that gave the object last, which then need not look for its
 * end. */
void json_pick(hg_json object, hg_json_it *it, const hg_str *keys, size_t count,
               hg_json *ret_values);

/* An element of an array. */
hg_json json_element(hg_json array, size_t index);

/* The next member or element: 1 if there is one, 0 at the end. Start with {0}. `ret_key` is the raw
 * text between the quotes, empty for elements. Both may be NULL. */
int json_next(hg_json from, hg_json_it *it, hg_str *ret_key, hg_json *ret_value);

/* The value that `it` gave last was itself walked to its end by `inner`: spares `it` to look for
 * that end again. Nothing happens if the walk did not come to the end. Not for members of the root.
 */
void json_pass(hg_json_it *it, const hg_json_it *inner);

/* json_raw_str of the value that `it` gave last, a string, whose end `it` then knows too. */
hg_str json_pass_str(hg_json_it *it, hg_json value);

/* How many members or elements. */
size_t json_count(hg_json value);

/* The value as it was written; a string with its quotes. */
hg_str json_raw(hg_json value);

/* The raw text between the quotes of a string; empty for other kinds. */
hg_str json_raw_str(hg_json value);

/* A string without escapes: a piece of the document, or a copy in the arena if it had some. A lone
 * surrogate becomes U+FFFD. Empty for other kinds. */
hg_str json_str(struct arena *arena, hg_json value);

/* The same for raw text from between quotes, as json_next gives for keys. */
hg_str json_unescape(struct arena *arena, hg_str raw);

/* Whether `value` is a string with this text, or raw key text means this key. No copy is made. */
bool json_is(hg_json value, hg_str text);
bool json_key_is(hg_str raw_key, hg_str key);

/* A number; `dflt` if it is not one or does not fit. 12.0 and 1e3 are whole numbers too. */
int64_t json_i64(hg_json value, int64_t dflt);
double json_f64(hg_json value, double dflt);

/* Where the value begins in the text of its document; 0 if absent. */
size_t json_offset(hg_json value);

/* The whole text that was parsed; empty if absent. */
hg_str json_text(hg_json value);

/* Whether the value is there and true. */
static inline bool json_is_yes(hg_json value)
{
    return value.kind == HG_J_TRUE;
}
