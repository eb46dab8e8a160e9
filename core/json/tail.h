/* tail.h - looks for a member at the end of a text of which the beginning may be missing: the usage
 * of an answer that was passed through and of which only the last bytes were kept. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

/* The value of the last member `key` (plain ASCII) in `text` whose value is a whole, valid object,
 * as it is written. Text inside strings is never taken for a member. False if there is none. */
bool json_find_last_key(hg_str text, hg_str key, hg_str *ret_value);
