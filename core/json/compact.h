/* compact.h - a value without the white space between its tokens, for keys of caches. */
#pragma once

#include <headgate/json.h>

/* Hands the bytes of `value` to `add`, in pieces. What stands inside of strings, the order of
 * members and the form of numbers stay as they are. */
void json_compact(hg_json value, void (*add)(void *arg, const void *p, size_t n), void *arg);
